"""Ask every published curated table one probing question through Athena, as a reader would, and keep the views.

Input: `{"run_id"}`. Output: `{"warnings": [...]}`; the tables are published by now, so trouble is a warning.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.athena import QueryFailed, run_query
from shoplake.config import load_lake
from shoplake.publication import recorded_moves
from shoplake.runs import Runs
from shoplake.tables import load_tables
from shoplake.views import refresh_views

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Probe the curated tables that the run published, then make the views that are missing or differ."""
    lake, warnings = load_lake(), []
    for move in recorded_moves(Runs(lake.runs_table), event["run_id"]) or []:
        table = load_tables()[move.table]
        if table.database != "curated":
            continue
        try:
            run_query(lake, f'SELECT {table.key[0]} FROM "{lake.database("curated")}"."{table.name}" LIMIT 1')
        except QueryFailed as failure:
            warnings.append(f"Athena can't read {move.table}: {failure}")
    return {"warnings": [*warnings, *refresh_views(lake)]}
