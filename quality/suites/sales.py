"""curated.sales: the grain, and no order line lost or added on the way from processed."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_declaration, whole
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What sales must satisfy before anybody sees them."""
    window_days, zone = lake.inventory.attribution_window_days, lake.inventory.reporting_time_zone
    return [
        *of_declaration(table),
        expect_no_rows(
            "Every order line of the touched days is in sales with the same net amount, and no other",
            """
            SELECT coalesce(s.order_id, l.order_id) AS order_id, coalesce(s.line_key, l.line_key) AS line_key
            FROM {batch} s FULL JOIN transactions l ON s.order_id = l.order_id AND s.line_key = l.line_key
            WHERE NOT s.net_amount <=> l.net_amount
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "A sale has a customer's flag where it has a customer, and is owed to sessions of one only",
            """
            SELECT order_id, line_key FROM {batch}
            WHERE (customer_id IS NULL) <> (is_customer_inferred IS NULL)
               OR (customer_id IS NULL AND first_touch_session_id IS NOT NULL)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            f"The sessions that an order is owed to began within {window_days} days before it, the first one first",
            f"""
            SELECT order_id, line_key FROM {{batch}}
            WHERE first_touch_at < placed_at - INTERVAL {window_days} DAYS OR last_touch_at > placed_at
               OR first_touch_at > last_touch_at
               OR (first_touch_session_id IS NULL) <> (last_touch_session_id IS NULL)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "The sessions that an order is owed to are there, and its customer's",
            f"""
            SELECT order_id, line_key, touch.session_id
            FROM (
                SELECT *, explode(array(
                    struct(first_touch_at AS at, first_touch_session_id AS session_id, first_touch_channel AS channel),
                    struct(last_touch_at AS at, last_touch_session_id AS session_id, last_touch_channel AS channel)
                )) AS touch FROM {{batch}} WHERE first_touch_session_id IS NOT NULL
            ) s
            LEFT JOIN sessions v ON v.session_id = s.touch.session_id
            WHERE to_date(from_utc_timestamp(touch.at, '{zone}')) IN (SELECT session_day FROM sessions)
              AND NOT (v.customer_id <=> s.customer_id AND v.started_at <=> touch.at AND v.channel <=> touch.channel)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Every buyer is a customer of curated.customer_360",
            f"""
            SELECT order_id, line_key, customer_id FROM {{batch}}
            LEFT ANTI JOIN {whole("curated.customer_360", lake)} USING (customer_id)
            WHERE customer_id IS NOT NULL
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Every sale's product has a history",
            f"""
            SELECT order_id, line_key, product_id FROM {{batch}} s
            LEFT ANTI JOIN {whole("curated.product_history", lake)} h ON h.product_id = s.product_id
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "An order's country is known",
            "SELECT order_id, line_key FROM {batch} WHERE country = '(unknown)'",
            WARNING,
        ),
    ]
