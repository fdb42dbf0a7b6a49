"""processed.categories: the contract's rules, and a tree that leads to the top."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_contract, of_declaration, whole
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What categories must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *of_contract(load_contract("categories")),
        expect_no_rows(
            "A category below a known parent has the parent's path and its own name",
            f"""
            SELECT c.category_id FROM {{batch}} c
            JOIN {whole("processed.categories", lake)} p ON c.parent_id = p.category_id
            WHERE NOT c.is_in_cycle AND c.category_path <> concat(p.category_path, '/', c.name)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "No category is above itself",
            "SELECT category_id, parent_id FROM {batch} WHERE is_in_cycle",
            WARNING,
        ),
        expect_no_rows(
            "A category's parent is known",
            "SELECT category_id, parent_id FROM {batch} WHERE is_parent_unknown",
            WARNING,
        ),
    ]
