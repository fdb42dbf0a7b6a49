"""curated.daily_sales_summary: sums that agree with the lines they are made of."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_no_rows
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
        expect_no_rows(
            "The day's revenue is the sum of the net amounts in sales",
            """
            SELECT coalesce(d.order_day, s.order_day) AS order_day, d.revenue, s.revenue AS revenue_of_lines
            FROM (SELECT order_day, sum(revenue) AS revenue FROM {batch} GROUP BY order_day) d
            FULL JOIN (SELECT order_day, sum(net_amount) AS revenue FROM sales WHERE is_revenue GROUP BY order_day) s
              ON d.order_day = s.order_day
            WHERE NOT d.revenue <=> s.revenue
            """,
            CRITICAL,
        ),
    ]
