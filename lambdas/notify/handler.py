"""Close a run: settle its files, write the receipt, free the lock, send one e-mail.

Input: `{"run_id", "warnings": [...]}`, and `failure` when the run failed.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.closing import close_run
from shoplake.config import load_lake

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Safe to repeat: the e-mail goes out once."""
    close_run(load_lake(), event["run_id"], event.get("warnings", []), event.get("failure"))
    return {"run_id": event["run_id"]}
