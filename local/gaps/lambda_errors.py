"""Gap: the error class of a failed Lambda function.

AWS answers a failed call with the exception's class name as `errorType` and its `stackTrace`, so that
Retry and Catch of a state machine match by class. The stock emulator always says
`Runtime.HandlerError`; and a throttled call is `Lambda.Unknown` to a state machine, where AWS says
`Lambda.TooManyRequestsException`. Hooks: the script of the Python workers (the class name is added to
what it answers), `lambda_runtime.Worker.invoke`, `lambda_svc._execute_function_warm` and
`stepfunctions._call_lambda`.
"""

import json
import threading

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from local.gaps import hooks

_STOCK_ANSWER = '"error": str(e), "trace": traceback.format_exc()'
_ANSWER = (
    '"error": str(e), "error_type": type(e).__name__, '
    '"stack": traceback.format_tb(e.__traceback__), "trace": traceback.format_exc()'
)

THROTTLED = "TooManyRequestsException"

# One call is made and answered on one thread: this carries the worker's answer past the stock function.
_answers = threading.local()


def install() -> None:
    global _stock_invoke, _stock_execute, _stock_call
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER not in script:
        if script.count(_STOCK_ANSWER) != 1:
            raise hooks.HookMismatch(
                f"The Python worker of ministack {hooks.PINNED_VERSION} doesn't answer errors as expected."
            )
        lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_STOCK_ANSWER, _ANSWER)
    _stock_invoke = hooks.replace(
        lambda_runtime.Worker,
        "invoke",
        _invoke,
        parameters=("self", "event", "request_id", "trace_id", "depth", "durable", "invoked_function_arn"),
    )
    _stock_execute = hooks.replace(
        lambda_svc,
        "_execute_function_warm",
        _execute_function_warm,
        parameters=("func", "event", "request_id"),
    )

    _stock_call = hooks.replace(stepfunctions, "_call_lambda", _call_lambda, parameters=("func_ref", "event"))


def _invoke(self, event, request_id, *, trace_id=None, depth=None, durable=None, invoked_function_arn=None):
    _answers.last = _stock_invoke(
        self,
        event,
        request_id,
        trace_id=trace_id,
        depth=depth,
        durable=durable,
        invoked_function_arn=invoked_function_arn,
    )
    return _answers.last


def _execute_function_warm(func, event, request_id):
    _answers.last = {}
    result = _stock_execute(func, event, request_id)
    error_type = _answers.last.get("error_type")
    if result.get("error") and error_type:
        result["body"]["errorType"] = error_type
        result["body"]["stackTrace"] = [line.rstrip("\n") for line in _answers.last["stack"]]
    return result


def _call_lambda(func_ref, event):
    """Call a function for a state machine; a throttled call raises the error that AWS raises."""
    try:
        return _stock_call(func_ref, event)
    except stepfunctions._ExecutionError as error:
        if error.error != "Lambda.Unknown" or THROTTLED not in error.cause:
            raise
        message = json.loads(error.cause)["message"]
        raise stepfunctions._ExecutionError(f"Lambda.{THROTTLED}", message) from None
