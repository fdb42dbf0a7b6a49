"""curated.product_performance: sums that agree with the lines they are made of, and stock on one day only."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the products' days must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        expect_no_rows(
            "The day's revenue and units are those of the lines in sales",
            """
            SELECT coalesce(p.day, s.day) AS activity_day, p.revenue, s.revenue AS revenue_of_lines
            FROM (SELECT activity_day AS day, sum(revenue) AS revenue, sum(units) AS units
                  FROM {batch} GROUP BY activity_day) p
            FULL JOIN (SELECT order_day AS day, sum(net_amount) AS revenue, sum(quantity) AS units
                       FROM sales WHERE is_revenue GROUP BY order_day) s ON p.day = s.day
            WHERE coalesce(p.revenue, 0) <> coalesce(s.revenue, 0) OR coalesce(p.units, 0) <> coalesce(s.units, 0)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Stock stands on one day only",
            """
            SELECT product_id, activity_day FROM {batch} WHERE stock_quantity IS NOT NULL
            AND activity_day < (SELECT max(activity_day) FROM {batch} WHERE stock_quantity IS NOT NULL)
            """,
            CRITICAL,
        ),
    ]
