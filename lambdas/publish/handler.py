"""Publish a run: move each table's main to the run's branch, forward only. Input: `{"run_id"}`."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.config import load_lake
from shoplake.publication import publish
from shoplake.times import now

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Returns the snapshot that each table was moved to."""
    return {move.table: move.target for move in publish(load_lake(), event["run_id"], now())}
