"""curated.traffic_hourly: sums that agree with the sessions they are made of."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the hours must satisfy before anybody sees them."""
    sums = "sum({n}) AS sessions, sum(events) AS events, sum(page_views) AS page_views, sum(revenue) AS revenue"
    return [
        *of_declaration(table),
        expect_no_rows(
            "The day's sessions, events, page views and revenue are those of its sessions",
            f"""
            SELECT coalesce(h.session_day, s.session_day) AS session_day
            FROM (SELECT session_day, {sums.format(n="sessions")} FROM {{batch}} GROUP BY session_day) h
            FULL JOIN (SELECT session_day, {sums.format(n="1")} FROM sessions GROUP BY session_day) s
              ON h.session_day = s.session_day
            WHERE NOT (h.sessions <=> s.sessions AND h.events <=> s.events
                       AND h.page_views <=> s.page_views AND h.revenue <=> s.revenue)
            """,
            CRITICAL,
        ),
    ]
