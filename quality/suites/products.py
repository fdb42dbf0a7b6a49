"""processed.products: the contract's rules, the margins' identities, and how much of it is known elsewhere."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the catalogue must satisfy before anybody sees it."""
    reporting = lake.inventory.reporting_currency
    return [
        *of_declaration(table),
        *of_contract(load_contract("products")),
        expect_no_rows(
            "Margin is price less cost, and the stock's value its units at cost",
            """
            SELECT product_id FROM {batch}
            WHERE NOT margin <=> cast(price - cost AS decimal(18,4))
               OR NOT stock_value <=> cast(stock_quantity * cost AS decimal(18,4))
            """,
            CRITICAL,
        ),
        expect_no_rows(
            f"Products have the currency of the lake's reports ({reporting})",
            f"SELECT product_id, currency FROM {{batch}} WHERE currency <> '{reporting}'",
            WARNING,
        ),
    ]
