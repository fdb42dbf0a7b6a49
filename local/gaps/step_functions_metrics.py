"""Gap: metrics of executions, namespace AWS/States. The stock emulator has none.

Hook: `stepfunctions._emit_execution_status_event`, which is called when an execution starts and when it ends.
"""

from datetime import datetime

from ministack.services import cloudwatch, stepfunctions

from local.gaps import hooks

METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install() -> None:
    global _stock_emit
    _stock_emit = hooks.replace(
        stepfunctions, "_emit_execution_status_event", _emit_execution_status_event, parameters=("execution",)
    )


def _emit_execution_status_event(execution) -> None:
    dimensions = {"StateMachineArn": execution["stateMachineArn"]}
    cloudwatch.record_metric("AWS/States", METRICS[execution["status"]], 1, "Count", dimensions)
    if execution.get("stopDate"):
        took = datetime.fromisoformat(execution["stopDate"]) - datetime.fromisoformat(execution["startDate"])
        milliseconds = took.total_seconds() * 1000
        cloudwatch.record_metric("AWS/States", "ExecutionTime", milliseconds, "Milliseconds", dimensions)
    _stock_emit(execution)
