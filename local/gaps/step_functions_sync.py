"""Gap: `glue:startJobRun` and `glue:startJobRun.sync` in a state machine.

The stock emulator has neither. `.sync` waits for the job run: its result is the job run, a failed one
raises States.TaskFailed with the job run as cause, and when the task times out or its execution ends
first, the job run is stopped, as AWS does. Hook: an entry in `_SERVICE_DISPATCH`.
"""

import json

from ministack.services import glue, stepfunctions

from local.gaps import hooks
from local.gaps import step_functions_history as history
from local.gaps.execution_scope import ScopeOver, current

RESOURCE = "arn:aws:states:::glue:startJobRun"
FINAL_STATES = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED")
INSTANTS = ("StartedOn", "LastModifiedOn", "CompletedOn")
POLL_S = 0.1


def install() -> None:
    hooks.require(glue, "_start_job_run", parameters=("data",))
    hooks.require(glue, "_get_job_run", parameters=("data",))
    hooks.require(glue, "_batch_stop_job_run", parameters=("data",))
    hooks.require(stepfunctions, "_invoke_resource", parameters=("resource", "input_data"))
    stepfunctions._SERVICE_DISPATCH[RESOURCE] = _start_job_run


def _start_job_run(resource, arguments):
    job_name = arguments.get("JobName")
    started = _call(glue._start_job_run, arguments)
    if not resource.endswith(".sync"):
        return started
    run_id = started["JobRunId"]
    scope = current()
    submitted = {"resourceType": "glue", "resource": "startJobRun.sync", "output": json.dumps(started)}
    history.add_event(scope.execution, "TaskSubmitted", {"taskSubmittedEventDetails": submitted})
    try:
        while (run := _job_run(job_name, run_id))["JobRunState"] not in FINAL_STATES:
            scope.sleep(POLL_S)
    except ScopeOver:
        _call(glue._batch_stop_job_run, {"JobName": job_name, "JobRunIds": [run_id]})
        raise
    if run["JobRunState"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(run))
    return run


def _job_run(job_name: str, run_id: str) -> dict:
    """The job run as Step Functions shows it: instants in milliseconds, no empty members."""
    run = _call(glue._get_job_run, {"JobName": job_name, "RunId": run_id})["JobRun"]
    present = {name: value for name, value in run.items() if value is not None}
    return {
        name: round(value * 1000) if name in INSTANTS and isinstance(value, int | float) else value
        for name, value in present.items()
    }


def _call(operation, request: dict) -> dict:
    """Answer of a Glue operation; its error as `Glue.<Code>`."""
    status, _headers, body = operation(request)
    answer = json.loads(body)
    if status >= 400:
        code = answer.get("__type", "AWSGlueException").split("#")[-1]
        message = answer.get("message") or answer.get("Message") or ""
        raise stepfunctions._ExecutionError(f"Glue.{code}", message)
    return answer
