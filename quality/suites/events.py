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
            SELECT e.event_id FROM {batch} e LEFT ANTI JOIN sessions s
            ON e.visitor_id = s.visitor_id AND e.event_time BETWEEN s.started_at AND s.ended_at
            WHERE NOT e.is_robot
            """,
            CRITICAL,
        ),
    ]
