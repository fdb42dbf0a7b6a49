"""curated.conversion_funnel: steps that never rise, and sums that agree with the sessions they are made of."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_equal_sums, expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the funnel must satisfy before anybody sees it."""
    return [
        *of_declaration(table),
        expect_no_rows(
            "No step of the funnel has more sessions than the one before",
            """
            SELECT session_day, channel, device FROM {batch}
            WHERE sessions < with_view OR with_view < with_cart OR with_cart < with_checkout
               OR with_checkout < with_purchase
            """,
            CRITICAL,
        ),
        expect_equal_sums(
            "The day's sessions and conversions are those of its sessions",
            by=["session_day"],
            sums={"sessions": "sum(sessions)", "converted": "sum(with_purchase)"},
            other="""
            SELECT session_day, count(*) AS sessions, count_if(is_converted) AS converted
            FROM sessions GROUP BY session_day
            """,
            severity=CRITICAL,
        ),
    ]
