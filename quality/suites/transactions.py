"""processed.transactions: the contract's rules hold, and the amounts add up."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What order lines must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *of_contract(load_contract("transactions")),
        expect_no_rows(
            "Net amount is quantity times unit price less discount",
            """
            SELECT order_id, line_key FROM {batch}
            WHERE net_amount <> cast(quantity * unit_price - discount_amount AS decimal(18,4))
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Every line has the currency of the lake's reports",
            f"SELECT order_id, line_key FROM {{batch}} WHERE currency <> '{lake.inventory.reporting_currency}'",
            CRITICAL,
        ),
    ]
