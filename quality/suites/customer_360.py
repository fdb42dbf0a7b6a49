"""curated.customer_360: sums that agree with the sales they are made of, and scores and segments that agree."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration, whole
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.spark.curated.rfm import BEST, SCORED, segment_sql
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What customers must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=score,
                min_value=1,
                max_value=BEST,
                severity=CRITICAL,
                description=f"{score} is a quintile, 1 to {BEST}",
            )
            for score in SCORED
        ),
        expect_no_rows(
            "The segment is that of the three scores, which customers with a completed order have and no other",
            f"""
            SELECT customer_id, rfm_segment FROM {{batch}}
            WHERE NOT rfm_segment <=> {segment_sql()}
               OR (completed_orders > 0) <> (recency_score IS NOT NULL)
               OR (recency_score IS NULL) <> (frequency_score IS NULL)
               OR (recency_score IS NULL) <> (monetary_score IS NULL)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Orders, units and spend are those of the customer's lines in sales",
            f"""
            SELECT c.customer_id, c.spend, s.spend AS spend_of_lines
            FROM {{batch}} c LEFT JOIN (
                SELECT customer_id, count(DISTINCT order_id) AS orders, sum(quantity) AS units, sum(net_amount) AS spend
                FROM {whole("curated.sales", lake)} LEFT SEMI JOIN {{batch}} USING (customer_id)
                WHERE is_revenue GROUP BY customer_id
            ) s ON s.customer_id = c.customer_id
            WHERE c.orders <> coalesce(s.orders, 0) OR c.units <> coalesce(s.units, 0)
               OR c.spend <> coalesce(s.spend, 0)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Orders come in order: the first before the last, none after the lake's latest day",
            """
            SELECT customer_id FROM {batch}
            WHERE first_order_at > last_order_at OR first_order_day > last_order_day OR days_since_last_order < 0
               OR completed_orders > orders OR (first_order_at IS NULL) <> (completed_orders = 0)
            """,
            CRITICAL,
        ),
    ]
