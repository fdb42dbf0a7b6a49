"""curated.sales: the grain, and no order line lost or added on the way from processed."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What sales must satisfy before anybody sees them."""
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
            "An order's country is known",
            "SELECT order_id, line_key FROM {batch} WHERE country = '(unknown)'",
            WARNING,
        ),
    ]
