"""processed.sessions: pauses between a visitor's sessions, and counts that agree with each other."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What sessions must satisfy before anybody sees them."""
    timeout_s = int(load_contract("clickstream").sessions.timeout.total_seconds())
    return [
        *of_declaration(table),
        expect_no_rows(
            f"Between two sessions of a visitor there is a pause of more than {timeout_s // 60} minutes",
            f"""
            SELECT session_id FROM (
                SELECT session_id, started_at, lag(ended_at) OVER (PARTITION BY visitor_id ORDER BY started_at) before
                FROM {{batch}}
            ) WHERE started_at <= before + INTERVAL {timeout_s} SECONDS
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "A session's counts agree: product views are page views, page views and purchases are events",
            """
            SELECT session_id FROM {batch}
            WHERE product_views > page_views OR page_views + add_to_carts + checkouts + purchases > events
               OR is_converted <> (purchases > 0) OR (is_bounce AND is_engaged) OR ended_at < started_at
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "No session is longer than the contract's longest",
            "SELECT session_id, visitor_id, events FROM {batch} WHERE is_overlong",
            WARNING,
        ),
    ]
