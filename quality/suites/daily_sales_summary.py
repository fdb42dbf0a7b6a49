"""curated.daily_sales_summary: sums that agree with the lines they are made of."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_equal_sums
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the summary must satisfy before anybody sees it."""
    return [
        *of_declaration(table),
        gxe.ExpectColumnValuesToBeBetween(
            column="orders",
            min_value=1,
            severity=CRITICAL,
            description="Every row of the summary has an order",
        ),
        expect_equal_sums(
            "The day's revenue and units are the sums of net amounts and quantities in sales",
            by=["order_day"],
            sums={"revenue": "sum(revenue)", "units": "sum(units)"},
            other="""
            SELECT order_day, sum(net_amount) AS revenue, sum(quantity) AS units
            FROM sales WHERE is_revenue GROUP BY order_day
            """,
            severity=CRITICAL,
        ),
    ]
