"""curated.traffic_hourly: sums that agree with the sessions they are made of."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_equal_sums
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the hours must satisfy before anybody sees them."""
    sums = {name: f"sum({name})" for name in ("events", "page_views", "revenue")}
    own = ", ".join(f"{aggregate} AS {name}" for name, aggregate in sums.items())
    return [
        *of_declaration(table),
        expect_equal_sums(
            "The day's sessions, events, page views and revenue are those of its sessions",
            by=["session_day"],
            sums={"sessions": "sum(sessions)", **sums},
            other=f"SELECT session_day, count(*) AS sessions, {own} FROM sessions GROUP BY session_day",
            severity=CRITICAL,
        ),
    ]
