"""When an execution ends: close a run that died without closing itself, and look for files that wait.

Input: EventBridge's `Step Functions Execution Status Change`. StopExecution, the machine's own time-out and
runtime errors bypass every Catch; this function is how those runs still end in an e-mail and a free lock.
"""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.aws import client
from shoplake.closing import close_dead_run
from shoplake.config import load_lake

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns whether the run had to be closed from here."""
    lake, detail = load_lake(), event["detail"]
    closed_here = close_dead_run(lake, detail["name"], detail["status"])
    client("lambda").invoke(
        FunctionName=lake.function_name("dispatcher"),
        InvocationType="Event",
        Payload=json.dumps({"action": "run"}).encode(),
    )
    return {"run_id": detail["name"], "closed_here": closed_here}
