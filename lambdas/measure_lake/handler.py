"""Measure the lake between runs, since tables age when nothing arrives. Called by a schedule.

Puts the metrics FilesHeld and FreshnessHours, on which alarms look.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.config import load_lake
from shoplake.metrics import of_lake, put
from shoplake.times import now

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Returns how many metrics were put."""
    lake, at = load_lake(), now()
    metrics = list(of_lake(lake, at))
    put(lake, metrics, at)
    return {"metrics": len(metrics)}
