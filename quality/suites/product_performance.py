"""curated.product_performance: sums that agree with lines, events and reviews; stock on one day only."""

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
            "Every look at a product and every cart that the run wrote counts on its product's day",
            """
            SELECT e.product_id, e.event_day AS activity_day, e.views, p.views AS counted_views
            FROM (SELECT product_id, event_day, count_if(event_type = 'product_view') AS views,
                         count_if(event_type = 'add_to_cart') AS carts
                  FROM events WHERE NOT is_robot AND product_id IS NOT NULL GROUP BY product_id, event_day) e
            LEFT JOIN {batch} p ON p.product_id = e.product_id AND p.activity_day = e.event_day
            WHERE coalesce(p.views, 0) < e.views OR coalesce(p.add_to_carts, 0) < e.carts
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Every review that the run wrote counts on its product's day",
            """
            SELECT r.product_id, r.reviewed_day AS activity_day, r.reviews, p.reviews AS counted_reviews
            FROM (SELECT product_id, reviewed_day, count(*) AS reviews FROM reviews GROUP BY ALL) r
            LEFT JOIN {batch} p ON p.product_id = r.product_id AND p.activity_day = r.reviewed_day
            WHERE coalesce(p.reviews, 0) < r.reviews
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Rates follow from the counts, and a mean rating lies between 1 and 5",
            """
            SELECT product_id, activity_day FROM {batch}
            WHERE buying_orders > orders OR (conversion_rate IS NULL) <> (views = 0)
               OR abs(conversion_rate * views - buying_orders) > 0.000001
               OR (average_rating IS NULL) <> (reviews = 0) OR average_rating NOT BETWEEN 1 AND 5
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
