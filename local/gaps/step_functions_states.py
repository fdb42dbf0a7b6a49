# The branches of a Parallel state follow MiniStack, Copyright (c) 2026 MiniStack Contributors.
# SPDX-License-Identifier: MIT
"""Gap: JSONata in Parallel states, branches that end with a failed sibling, Assign, and task time-outs.

The stock emulator treats Parallel as JSONPath whatever the query language (Arguments, Output and Assign
are ignored), reports the failure of the first branch in the definition instead of the first in time, and
lets the others run on. It evaluates the variables of one Assign in sequence; on AWS all see the old values.
A timed-out task runs on unnoticed. Hooks: `_run_parallel_branches`, `_apply_state_assign`,
`_invoke_resource_with_timeout`.
"""

import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from ministack.services import stepfunctions

from local.gaps import hooks
from local.gaps import step_functions_history as history
from local.gaps.execution_scope import Scope, ScopeOver, current, entered

logger = logging.getLogger(__name__)


def install() -> None:
    hooks.replace(
        stepfunctions,
        "_run_parallel_branches",
        _run_parallel_branches,
        parameters=("state_def", "raw_input", "execution", "ctx"),
    )
    hooks.replace(
        stepfunctions,
        "_apply_state_assign",
        _apply_state_assign,
        parameters=("state_def", "raw_input", "ctx", "result", "error_output"),
    )
    hooks.replace(
        stepfunctions,
        "_invoke_resource_with_timeout",
        _invoke_resource_with_timeout,
        parameters=("resource", "input_data", "timeout"),
    )


class FirstFailure:
    """The first error in time among branches that run at once; it ends the others."""

    def __init__(self, scope: Scope) -> None:
        self.error: stepfunctions._ExecutionError | None = None
        self._scope = scope
        self._lock = threading.Lock()

    def run(self, work: Callable[[], None]) -> None:
        """Run one branch's work; nothing is raised, what went wrong is kept."""
        try:
            with entered(self._scope):
                work()
        except ScopeOver:
            pass
        except Exception as failure:
            self._keep(as_execution_error(failure))

    def _keep(self, error: stepfunctions._ExecutionError) -> None:
        with self._lock:
            if self.error is None and not self._scope.is_over:
                self.error = error
        self._scope.cancel()


def as_execution_error(failure: Exception) -> stepfunctions._ExecutionError:
    """A state's own error as it is; anything else is a defect of the emulator, logged and reported."""
    if isinstance(failure, stepfunctions._ExecutionError):
        return failure
    logger.error("A branch ended unexpectedly", exc_info=failure)
    return stepfunctions._ExecutionError("States.Runtime", f"{type(failure).__name__}: {failure}")


def output_of(state_def, raw_input, ctx, result):
    """Output and next state of a Parallel or Map state, in its query language."""
    if stepfunctions._state_query_language(state_def, ctx) == "JSONata":
        output = stepfunctions._apply_jsonata_output(state_def, raw_input, ctx, result=result, default=result)
        stepfunctions._apply_state_assign(state_def, raw_input, ctx, result=result)
    else:
        selected = stepfunctions._apply_result_selector(state_def, result)
        output = stepfunctions._apply_result_path(state_def, raw_input, selected)
        output = stepfunctions._apply_output_path(state_def, output, ctx)
    return output, stepfunctions._next_or_end(state_def)


def _run_parallel_branches(state_def, raw_input, execution, ctx):
    if stepfunctions._state_query_language(state_def, ctx) == "JSONata":
        branch_input = stepfunctions._apply_jsonata_arguments(state_def, raw_input, ctx)
    else:
        branch_input = stepfunctions._apply_input_path(state_def, raw_input, ctx)
        branch_input = stepfunctions._apply_parameters(state_def, branch_input, ctx)
    branches = state_def["Branches"]
    results = [None] * len(branches)
    last_events = [0] * len(branches)
    scope = current().child()
    first_failure = FirstFailure(scope)
    history.add_event(execution, "ParallelStateStarted")

    def run_branch(index):
        branch = branches[index]
        results[index] = history.run_sub_machine(branch["States"], branch["StartAt"], branch_input, execution, ctx)
        last_events[index] = history.last_event_id()

    threads = [
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(first_failure.run, lambda index=index: run_branch(index)),
            daemon=True,
        )
        for index in range(len(branches))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    current().check()
    if first_failure.error is not None:
        history.add_event(execution, "ParallelStateFailed")
        raise first_failure.error
    history.continue_after(max(last_events))
    history.add_event(execution, "ParallelStateSucceeded")
    return output_of(state_def, raw_input, ctx, results)


def _apply_state_assign(state_def, raw_input, ctx, result=None, error_output=None):
    if ctx is None or stepfunctions._state_query_language(state_def, ctx) != "JSONata":
        return
    assign = state_def.get("Assign")
    if isinstance(assign, dict):
        values = stepfunctions._apply_jsonata_template(assign, raw_input, ctx, result=result, error_output=error_output)
        ctx.setdefault("variables", {}).update(values)


def _invoke_resource_with_timeout(resource, input_data, timeout):
    """Run the task in a scope that is cancelled at the time-out, so that a task that waits can end."""
    scope = current().child()
    done: Future = Future()

    def run():
        try:
            with entered(scope):
                done.set_result(stepfunctions._invoke_resource(resource, input_data))
        except Exception as failure:  # handed over: the waiting thread raises it
            done.set_exception(failure)

    # A thread that nobody joins: a function that outlives its time-out must not hold up the process.
    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    try:
        return done.result(timeout=timeout)
    except FutureTimeoutError:
        scope.cancel()
        message = f"Task timed out after {timeout} seconds"
        raise stepfunctions._ExecutionError("States.Timeout", message) from None
