"""Gap: metrics of Lambda functions, namespace AWS/Lambda.

The stock emulator counts what comes through the Invoke API: not the calls of state machines and queues, not
how an asynchronous call ended, and a throttled call as an invocation. Here every execution is counted once,
however it came about, as AWS counts it. Hooks: `lambda_svc._execute_function`, `_emit_lambda_metrics`.
"""

import time

from ministack.services import cloudwatch, lambda_svc

from local.gaps import hooks


def install() -> None:
    global _stock_execute
    _stock_execute = hooks.replace(lambda_svc, "_execute_function", _execute_function, parameters=("func", "event"))
    hooks.replace(
        lambda_svc,
        "_emit_lambda_metrics",
        lambda function_name, duration_ms, error, throttle: None,
        parameters=("function_name", "duration_ms", "error", "throttle"),
    )
    hooks.require(lambda_svc, "_function_config_scope_mismatch", parameters=("config",))


def _execute_function(func, event):
    config = func.get("config") or func
    if lambda_svc._function_config_scope_mismatch(config):
        return _stock_execute(func, event)  # comes back here in the function's own account and region
    started = time.monotonic()
    result = _stock_execute(func, event)
    _record(config.get("FunctionName", "unknown"), result, (time.monotonic() - started) * 1000)
    return result


def _record(function: str, result: dict, duration_ms: float) -> None:
    dimensions = {"FunctionName": function}
    if result.get("throttle"):
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", dimensions)
        return
    cloudwatch.record_metric("AWS/Lambda", "Throttles", 0, "Count", dimensions)
    cloudwatch.record_metric("AWS/Lambda", "Invocations", 1, "Count", dimensions)
    cloudwatch.record_metric("AWS/Lambda", "Errors", 1 if result.get("error") else 0, "Count", dimensions)
    cloudwatch.record_metric("AWS/Lambda", "Duration", duration_ms, "Milliseconds", dimensions)
