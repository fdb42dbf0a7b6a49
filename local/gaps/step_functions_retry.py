"""Gap: MaxDelaySeconds and JitterStrategy of retriers, and which errors wildcards match.

The stock emulator waits at most a minute and ignores both fields; its States.ALL also matches
States.Runtime and States.DataLimitExceeded, which AWS never retries or catches by a wildcard.
Hooks: `_find_matching_retrier` (decides the delay), `_scaled_sleep` (every wait comes through it, retry
or Wait state, and ends with its execution), `_error_matches`.
"""

import contextvars
import random

from ministack.services import stepfunctions

from local.gaps import hooks
from local.gaps.execution_scope import current

TERMINAL_ERRORS = ("States.Runtime", "States.DataLimitExceeded")

# Seconds until the retry that was just decided on this thread; None when the next wait is a Wait state's.
_retry_delay: contextvars.ContextVar[float | None] = contextvars.ContextVar("retry_delay", default=None)


def install() -> None:
    global _stock_find, _stock_sleep
    _stock_find = hooks.replace(
        stepfunctions,
        "_find_matching_retrier",
        _find_matching_retrier,
        parameters=("retriers", "error", "retry_counts"),
    )
    _stock_sleep = hooks.replace(stepfunctions, "_scaled_sleep", _scaled_sleep, parameters=("seconds",))
    hooks.replace(stepfunctions, "_error_matches", _error_matches, parameters=("error_equals", "error"))


def delay_s(retrier: dict, attempts: int) -> float:
    """Seconds before the next attempt after `attempts` retries, as the states language defines them."""
    delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** attempts
    delay = min(delay, retrier.get("MaxDelaySeconds", delay))
    return random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay


def _find_matching_retrier(retriers, error, retry_counts):
    retrier, index = _stock_find(retriers, error, retry_counts)
    _retry_delay.set(None if retrier is None else delay_s(retrier, retry_counts.get(index, 0)))
    return retrier, index


def _scaled_sleep(seconds):
    decided = _retry_delay.get()
    _retry_delay.set(None)
    if decided is not None:
        seconds = decided
    scope = current()
    if scope is None:
        _stock_sleep(seconds)
    else:
        scope.sleep(seconds * stepfunctions._SFN_WAIT_SCALE)


def _error_matches(error_equals, error):
    if error in error_equals:
        return True
    if error in TERMINAL_ERRORS:
        return False
    if error == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
        return True
    if "States.ALL" in error_equals:
        return True
    return "States.TaskFailed" in error_equals and error != "States.Timeout"
