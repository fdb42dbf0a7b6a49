"""processed.events: the contract's rules, and that every person's event is in a session."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What events must satisfy before anybody sees them."""
    return [
        *of_declaration(table),
        *of_contract(load_contract("clickstream")),
        gxe.ExpectColumnValuesToNotBeNull(column="event_id", severity=CRITICAL, description="Every row has event_id"),
        expect_no_rows(
            "Every event is in a session of its visitor, unless a robot's",
            """
            SELECT event_id FROM (
                SELECT *, max(ended_at) OVER (PARTITION BY visitor_id ORDER BY at) AS reach FROM (
                    SELECT event_id, visitor_id, event_time AS at, NULL AS ended_at FROM {batch} WHERE NOT is_robot
                    UNION ALL SELECT NULL, visitor_id, started_at, ended_at FROM sessions
                )
            ) WHERE ended_at IS NULL AND (reach IS NULL OR reach < at)
            """,
            CRITICAL,
        ),
    ]
