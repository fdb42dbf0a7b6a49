# The walk over states follows MiniStack, Copyright (c) 2026 MiniStack Contributors.
# SPDX-License-Identifier: MIT
"""Gap: the history of an execution, its own time-out, and stopping it.

The stock emulator records states of the top level only, without previousEventId, ignores the machine's
TimeoutSeconds, and lets branches run on after StopExecution. Also filled here, because it belongs to the
walk over states: the output of a JSONata Succeed state, variables that end with their branch, and the
limit of 256 KiB on what passes between states (so that it shows on the laptop, not on AWS).
Hooks: `_add_event`, `_run_execution`, `_run_sub_machine`, `_fail_execution`, `_stop_execution`.
"""

import contextvars
import copy
import json
import logging
import threading

from ministack.services import stepfunctions

from local.gaps import hooks
from local.gaps.execution_scope import Scope, ScopeOver, current, emulator_stops, end_all, entered

STATE_DATA_LIMIT_BYTES = 256 * 1024

logger = logging.getLogger(__name__)

# The event that the next one of this thread follows. Branches inherit it and continue on their own.
_last_event: contextvars.ContextVar[int] = contextvars.ContextVar("last_event", default=0)
_events_lock = threading.Lock()
# An execution ends once: by itself, by its time-out or by StopExecution.
_ending = threading.RLock()


def install() -> None:
    global _stock_stop
    hooks.replace(stepfunctions, "_add_event", add_event, parameters=("execution", "event_type", "details"))
    hooks.replace(stepfunctions, "_run_execution", _run_execution, parameters=("exec_arn",))
    hooks.replace(
        stepfunctions,
        "_run_sub_machine",
        run_sub_machine,
        parameters=("states", "start_at", "input_data", "execution", "ctx"),
    )
    hooks.replace(stepfunctions, "_fail_execution", _fail, parameters=("execution", "error", "cause"))
    _stock_stop = hooks.replace(stepfunctions, "_stop_execution", _stop_execution, parameters=("data",))


def shut_down() -> None:
    """Let the threads of running executions end. Their records stay RUNNING: the next start fails them."""
    end_all()


def add_event(execution: dict, event_type: str, details: dict | None = None) -> dict:
    """Append one event to an execution's history. Nothing follows the event that ended the execution."""
    with _events_lock:
        event = {
            "id": len(execution["events"]) + 1,
            "previousEventId": _last_event.get(),
            "type": event_type,
            "timestamp": stepfunctions.now_iso(),
            **(details or {}),
        }
        is_running = execution.get("status", "RUNNING") == "RUNNING"
        if is_running or event_type.startswith("Execution"):
            execution["events"].append(event)
            _last_event.set(event["id"])
        return event


def continue_after(event_id: int) -> None:
    """Let the next event of this thread follow `event_id`; 0 begins a history."""
    _last_event.set(event_id)


def last_event_id() -> int:
    return _last_event.get()


def run_sub_machine(states, start_at, input_data, execution, ctx):
    """Run a branch or an iteration to its end and return its output.

    It has its own State and its own variables: it reads those around it, and what it assigns ends with it.
    """
    own = {**ctx, "variables": copy.deepcopy(ctx.get("variables", {}))}
    return _walk(states, start_at, copy.deepcopy(input_data), execution, own)


def _walk(states, name, data, execution, ctx):
    scope = current()
    while name:
        if scope is not None:
            scope.check()
        if name not in states:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        data, name = _step(name, states[name], data, execution, ctx)
    return data


def _step(name, state, data, execution, ctx):
    """One state: its output and the next state's name."""
    kind = state.get("Type")
    ctx["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
    entered_details = {"name": name, "input": json.dumps(data)}
    add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered_details})
    output, next_name = _execute(kind, state, data, execution, ctx)
    text = json.dumps(output)
    if len(text.encode()) > STATE_DATA_LIMIT_BYTES:
        raise stepfunctions._ExecutionError(
            "States.DataLimitExceeded",
            f"The state '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
        )
    exited_details = {"name": name, "output": text}
    add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited_details})
    return output, next_name


def _execute(kind, state, data, execution, ctx):
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, ctx))
    if kind == "Succeed":
        return _succeed_output(state, data, ctx), None
    if kind == "Task":
        return stepfunctions._execute_task(_with_timeout_in_seconds(state, data, ctx), data, execution, ctx)
    if kind == "Parallel":
        return stepfunctions._execute_parallel(state, data, execution, ctx)
    if kind == "Map":
        return stepfunctions._execute_map(state, data, execution, ctx)
    if kind == "Pass":
        return stepfunctions._execute_pass(state, data, ctx)
    if kind == "Choice":
        return stepfunctions._execute_choice(state, data, ctx)
    if kind == "Wait":
        return stepfunctions._execute_wait(state, data, ctx)
    raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {kind}")


def _succeed_output(state, data, ctx):
    if stepfunctions._state_query_language(state, ctx) == "JSONata":
        return stepfunctions._apply_jsonata_output(state, data, ctx, default=data)
    return stepfunctions._apply_output_path(state, stepfunctions._apply_input_path(state, data, ctx), ctx)


def _with_timeout_in_seconds(state, data, ctx):
    """The task with its time-out as a number, where the definition gives an expression."""
    if not isinstance(state.get("TimeoutSeconds"), str):
        return state
    seconds = stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", data, ctx)
    return {**state, "TimeoutSeconds": seconds}


def _run_execution(exec_arn):
    """The thread of one execution, from its first state to its end."""
    execution = stepfunctions._executions.get(exec_arn)
    if execution is None:
        return
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if machine is None:
        _fail(execution, "StateMachineDeleted", "State machine no longer exists")
        return
    continue_after(len(execution["events"]))
    definition = json.loads(machine["definition"])
    data = json.loads(execution["input"] or "{}")
    timer = _start_timer(execution, definition.get("TimeoutSeconds"))
    try:
        with entered(Scope(execution)):
            ctx = _context(execution, machine, definition, data)
            output = json.dumps(_walk(definition["States"], definition["StartAt"], data, execution, ctx))
        details = {"executionSucceededEventDetails": {"output": output}}
        _finish(execution, "SUCCEEDED", "ExecutionSucceeded", details, output=output)
    except ScopeOver:
        pass  # stopped or timed out: whoever ended it has recorded the end
    except stepfunctions._ExecutionError as failure:
        _fail(execution, failure.error, failure.cause)
    except Exception as failure:
        # A defect of the emulator or a definition that it can't read: the execution must still end.
        logger.exception("Execution %s", exec_arn)
        _fail(execution, "States.Runtime", f"{type(failure).__name__}: {failure}")
    finally:
        if timer is not None:
            timer.cancel()


def _context(execution, machine, definition, data):
    """The context object, `$states.context` of expressions."""
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": data,
            "Name": execution["name"],
            "RoleArn": machine["roleArn"],
            "StartTime": execution["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }


def _start_timer(execution, timeout_s):
    if not timeout_s:
        return None
    details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}

    def time_out():
        _finish(execution, "TIMED_OUT", "ExecutionTimedOut", details, error="States.Timeout")

    # The context says whose account the execution is in.
    timer = threading.Timer(timeout_s, contextvars.copy_context().run, args=(time_out,))
    timer.daemon = True
    timer.start()
    return timer


def _fail(execution, error, cause):
    details = {"executionFailedEventDetails": {"error": error, "cause": cause}}
    _finish(execution, "FAILED", "ExecutionFailed", details, error=error, cause=cause)


def _finish(execution, status, event_type, details, **fields):
    """End an execution that still runs, and announce it to EventBridge."""
    with _ending:
        # An execution that fails because the emulator stops under it is left to the next start.
        if execution["status"] != "RUNNING" or emulator_stops():
            return
        execution.update(status=status, stopDate=stepfunctions.now_iso(), **fields)
        add_event(execution, event_type, details)
    stepfunctions._emit_execution_status_event(execution)


def _stop_execution(data):
    with _ending:
        execution = stepfunctions._executions.get(data.get("executionArn"))
        if execution is not None and execution["status"] == "RUNNING":
            continue_after(len(execution["events"]))
        return _stock_stop(data)
