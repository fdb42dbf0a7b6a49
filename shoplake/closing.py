"""How a run ends: files settled or given back, receipt written, lock freed, one e-mail sent.

Called by the state machine's last states, and for a run that died without reaching them. Every step may be
repeated; the e-mail goes out once.
"""

import json
import logging
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import EqualTo

from shoplake.aws import client, get_json_or_none, put_json
from shoplake.catalog import LakeCatalog
from shoplake.config import Lake
from shoplake.crawls import warnings_of_crawls
from shoplake.errors import DataError
from shoplake.files import CLAIMED, HELD, RECEIVED, Files, object_id
from shoplake.held import held_files
from shoplake.manifest import read_manifest
from shoplake.messages import Failure, Message, failure_message, success_message
from shoplake.metrics import put_run_metrics
from shoplake.notices import send
from shoplake.publication import keep_as_evidence, moved_tables, publish
from shoplake.receipt import Report, build_report, job_runs_of, state_times
from shoplake.runs import ENDED, FAILED, PUBLISHING, ROLLING_BACK, RUNNING, STARTING, SUCCEEDED, Runs
from shoplake.tables import load_tables
from shoplake.times import iso, now, parse

logger = logging.getLogger(__name__)

# Errors that another try may cure: the files go back to received. Everything else holds them.
_INFRASTRUCTURE = {
    "States.Timeout", "States.Runtime", "States.ServiceRestart", "States.ExceedToleratedFailureThreshold",
    "ABORTED", "TIMED_OUT", "FAILED", "NEVER_STARTED", "Sandbox.Timedout", "Runtime.ExitError",
    "ClientError", "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "S3UploadFailedError",
    "ResponseStreamingError", "IncompleteReadError", "ConnectionClosedError", "CommitFailedException",
}  # fmt: skip
_INFRASTRUCTURE_FAMILIES = ("Lambda.", "Glue.", "States.Data")
_LOST_JOB_RUNS = ("TIMEOUT", "STOPPED", "ERROR")
_MAX_SENTENCE = 600


def roll_back(lake: Lake, run_id: str, given: dict[str, str]) -> None:
    """Leave the published tables as they were, and the run's files held or waiting again.

    A publication that has begun is finished instead: it only goes forward, unless somebody wrote to a table
    without the lock.
    """
    runs, keys = Runs(lake.runs_table), lake.run_keys(run_id)
    published: list[str] = []
    if not runs.move(run_id, ROLLING_BACK, (STARTING, RUNNING, ROLLING_BACK)):
        if (runs.get(run_id) or {}).get("state") != PUBLISHING:
            return
        try:
            publish(lake, run_id, now())
            return
        except DataError:
            logger.exception("the publication of run %s can't be finished; its files are held", run_id)
        published = moved_tables(lake, run_id)
        runs.move(run_id, ROLLING_BACK, (PUBLISHING,))
    stored = get_json_or_none(lake.bucket, keys.failure)
    failure = Failure(**stored) if stored else explain(lake, run_id, given)
    reason = f"{failure.state}: {failure.error}: {failure.sentence}"
    held = return_files(lake, run_id, HELD if failure.are_files_held else RECEIVED, reason)
    failure = replace(failure, are_files_held=failure.are_files_held or held, published=published)
    put_json(lake.bucket, keys.failure, asdict(failure))
    put_json(lake.bucket, keys.failure, asdict(replace(failure, evidence=keep_as_evidence(lake, run_id))))


def return_files(lake: Lake, run_id: str, state: str, reason: str) -> bool:
    """Give back the files that a run still has, as received or held. Whether one was held, tried often enough."""
    files, retries = Files(lake.files_table), lake.inventory.arrivals.infrastructure_retries
    items = files.get_many([file.object_id for file in read_manifest(lake, run_id)]).values()
    become = {
        item["object_id"]: HELD if int(item["attempts"]) >= retries else state
        for item in items
        if (item["state"], item.get("run_id")) == (CLAIMED, run_id)
    }
    returned = files.give_back(become, run_id, reason, iso(now()))
    return any(become[object_id] == HELD for object_id in returned)


def close_run(lake: Lake, run_id: str, warnings: list[str], given: dict[str, str] | None = None) -> None:
    """Write the receipt, free the lock, send the e-mail. `given` is the failure, where there was one.

    Raises RuntimeError while a publication is half made: the lock stays, and whoever comes next finishes it.
    """
    runs, keys = Runs(lake.runs_table), lake.run_keys(run_id)
    record = runs.get(run_id)
    published = "published_at" in record
    if record["state"] == PUBLISHING and not published:
        raise RuntimeError(f"run {run_id} is half published; it must be finished before it is closed")
    failed = given is not None and not published
    if given is not None and published:
        warnings = [*warnings, f"{given['state']}: {given['error']} after the tables were published"]
    # However it ended: the retry of a failed run finds the header known, crawls nothing and has nothing to say.
    warnings = list(dict.fromkeys([*warnings, *warnings_of_crawls(lake, run_id)]))
    ended = parse(record["ended_at"]) if record.get("ended_at") else now()
    state = FAILED if failed else SUCCEEDED
    report = build_report(lake, {**record, "state": state}, ended)
    left_and_held = False
    if failed:
        reason = f"{given['state']}: {given['error']}"
        left_and_held = return_files(lake, run_id, HELD, reason)  # where the roll back didn't come to its end
    else:
        _settle_files(lake, run_id, report)
    put_json(
        lake.bucket, keys.receipt, {"show": report.as_show(), "receipt": report.as_receipt(), "warnings": warnings}
    )
    _add_to_table_of_runs(lake, report, given["state"] if failed else None)
    runs.move(run_id, state, (RUNNING, PUBLISHING, ROLLING_BACK, state), ended_at=iso(ended))
    runs.release_lock(run_id)
    quality = get_json_or_none(lake.bucket, keys.quality)
    held = [file.line for file in held_files(lake)]
    if failed:
        stored = get_json_or_none(lake.bucket, keys.failure)
        failure = Failure(**stored) if stored else explain(lake, run_id, given)
        failure = replace(failure, are_files_held=failure.are_files_held or left_and_held)
        message = failure_message(lake, report, failure, quality, held, warnings)
    else:
        message = success_message(lake, report, warnings, quality, held)
    send_once(lake, runs, run_id, message)
    put_run_metrics(lake, report, quality)


def close_dead_run(lake: Lake, run_id: str, status: str) -> bool:
    """Close a run whose execution ended without closing it. False when it was closed already."""
    runs = Runs(lake.runs_table)
    record = runs.get(run_id)
    if record is None or (record["state"] in ENDED and "notified_at" in record):
        runs.release_lock(run_id)
        return False
    if record["state"] == PUBLISHING and "published_at" not in record:
        roll_back(lake, run_id, _death(lake, run_id, status))  # which finishes it, where that can be
        record = runs.get(run_id)
    if status == "SUCCEEDED" or "published_at" in record or record["state"] == SUCCEEDED:
        close_run(lake, run_id, [f"the execution ended as {status} before the run was closed"])
        return True
    _stop_jobs(lake, run_id)
    given = _death(lake, run_id, status)
    roll_back(lake, run_id, given)
    close_run(lake, run_id, [], given)
    return True


def send_once(lake: Lake, runs: Runs, run_id: str, message: Message) -> bool:
    """Send a run's e-mail, once however often this is called. False when it was sent before."""
    if not runs.update_once(run_id, "notified_at", iso(now())):
        return False
    try:
        send(lake, message)
    except Exception:
        runs.forget(run_id, "notified_at")  # so that a retry sends it
        raise
    return True


def is_infrastructure(error: str, job_run: dict[str, Any] | None) -> bool:
    """Whether another try may cure the error, so that its files go back to received."""
    if error == "States.TaskFailed":
        return job_run is not None and job_run["JobRunState"] in _LOST_JOB_RUNS
    return error in _INFRASTRUCTURE or error.startswith(_INFRASTRUCTURE_FAMILIES)


def explain(lake: Lake, run_id: str, given: dict[str, str]) -> Failure:
    """The failure in a person's words: from the Glue job run where a job failed, else from what the state said."""
    error, cause = given["error"], given.get("cause") or ""
    job, job_run = _failed_job(lake, run_id) if error == "States.TaskFailed" else (None, None)
    held = not is_infrastructure(error, job_run)
    if error == "States.ExceedToleratedFailureThreshold":
        cause = "a file could not be validated: S3, DynamoDB or Lambda did not answer, however often it was tried"
    if job_run is not None:
        error, _, cause = job_run.get("ErrorMessage", "").partition(": ")
        error = error or job_run["JobRunState"]
    else:
        cause = _error_message(cause)
    lines = cause.strip().splitlines()
    dataset = next((name for name, d in lake.inventory.datasets.items() if d.job == job), None)
    return Failure(given["state"], error, lines[0][:_MAX_SENTENCE] if lines else "it gave no reason", dataset, held)


def _failed_job(lake: Lake, run_id: str) -> tuple[str | None, dict[str, Any] | None]:
    """The job of the run whose newest attempt didn't succeed, and that attempt."""
    for name in reversed(lake.inventory.jobs):
        attempts = job_runs_of(lake, name, run_id)
        if attempts and attempts[0]["JobRunState"] != "SUCCEEDED":
            return name, attempts[0]
    return None, None


def _error_message(cause: str) -> str:
    """Lambda's message out of the JSON that it gives as the cause; other causes as they are."""
    try:
        value = json.loads(cause)
    except ValueError:
        return cause
    return str(value.get("errorMessage") or cause) if isinstance(value, dict) else cause


def _settle_files(lake: Lake, run_id: str, report: Report) -> None:
    verdicts = {object_id(line["key"], line["version_id"]): line["verdict"] for line in report.inputs}
    Files(lake.files_table).settle(verdicts, run_id)


def _add_to_table_of_runs(lake: Lake, report: Report, failed_state: str | None) -> None:
    catalog, table = LakeCatalog(lake), load_tables()["processed.runs"]
    if catalog.load(table) is None:
        catalog.prepare(table)
    iceberg = catalog.load(table)
    run = report.run
    row = {
        "run_id": run["run_id"],
        "state": run["state"],
        "started_at": parse(run["started_at"]),
        "ended_at": parse(run["ended_at"]),
        **{f"files_{name}": count for name, count in run["files"].items()},
        "bytes_in": run["bytes_in"],
        **{f"rows_{name}": count for name, count in run["rows"].items()},
        "seconds": run["seconds"],
        "dpu_seconds": sum(s.dpu_seconds for s in report.states),
        "dollars": run["dollars"],
        "failed_state": failed_state,
    }
    rows = pa.Table.from_pylist([row], schema=iceberg.schema().as_arrow())
    iceberg.overwrite(rows, overwrite_filter=EqualTo("run_id", run["run_id"]))


def _death(lake: Lake, run_id: str, status: str) -> dict[str, str]:
    """What is to be said of an execution that ended by itself, in the form of a Catch."""
    states, _ = state_times(lake, run_id)
    last = states[-1].name if states else "Validate and stage files"
    told = _last_words(lake, run_id)
    cause = f"the execution ended as {status} before the run was closed"
    return {"state": last, "error": told.get("error") or status, "cause": told.get("cause") or cause}


def _last_words(lake: Lake, run_id: str) -> dict[str, str]:
    """What Step Functions says of an execution that failed; nothing where it was never started."""
    stepfunctions = client("stepfunctions")
    try:
        return stepfunctions.describe_execution(executionArn=lake.execution_arn(run_id))
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        return {}


def _stop_jobs(lake: Lake, run_id: str) -> None:
    """Stop what a dead run left running."""
    for name in lake.inventory.jobs:
        states = {run["Id"]: run["JobRunState"] for run in job_runs_of(lake, name, run_id)}
        going = [job_run for job_run, state in states.items() if state in ("STARTING", "RUNNING", "WAITING")]
        if going:
            client("glue").batch_stop_job_run(JobName=lake.job_name(name), JobRunIds=going)
