"""processed.reviews: the contract's rules, and text that is plain."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What reviews must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *of_contract(load_contract("reviews")),
        expect_no_rows(
            "Every review has an id",
            "SELECT review_id FROM {batch} WHERE review_id IS NULL",
            CRITICAL,
        ),
        expect_no_rows(
            "text_length counts the characters of text",
            "SELECT review_id FROM {batch} WHERE text_length <> coalesce(length(text), 0)",
            CRITICAL,
        ),
    ]
