"""processed.product_versions: the contract's rules, and that the newest version is the one that is shown."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the versions of products must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *of_contract(load_contract("products")),
        expect_no_rows(
            "Each product in the catalogue is the newest of its versions",
            """
            SELECT v.product_id
            FROM (SELECT product_id, max_by(_row_hash, valid_from) AS newest FROM {batch} GROUP BY product_id) v
            FULL JOIN products p ON v.product_id = p.product_id
            WHERE NOT v.newest <=> p._row_hash
            """,
            CRITICAL,
        ),
    ]
