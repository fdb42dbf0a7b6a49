"""After an error: the files go back to received or are held, the branches stay as evidence.

Input: `{"run_id", "failure": {"state", "error", "cause"}}`.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.closing import roll_back
from shoplake.config import load_lake

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Safe to repeat."""
    roll_back(load_lake(), event["run_id"], event["failure"])
