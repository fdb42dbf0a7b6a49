"""How a run ends: files settled or given back, receipt written, lock freed, one e-mail sent.

Called by the state machine's last states, and for a run that died without reaching them. Every step may be
repeated; the e-mail goes out once.
"""

import json
import logging
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import EqualTo

from shoplake.aws import client, get_json_or_none, put_json
from shoplake.catalog import LakeCatalog
from shoplake.config import Lake
from shoplake.errors import DataError
from shoplake.files import HELD, RECEIVED, Files
from shoplake.keys import RunKeys
from shoplake.messages import Failure, Message, failure_message, success_message
from shoplake.publication import keep_as_evidence, publish
from shoplake.receipt import Report, build_report, state_times
from shoplake.runs import ENDED, FAILED, PUBLISHING, SUCCEEDED, Runs
from shoplake.tables import load_tables
from shoplake.times import iso, now, parse

logger = logging.getLogger(__name__)

# Errors that another try may cure: the files go back to received. Everything else holds them.
_INFRASTRUCTURE = {
    "States.Timeout", "States.Runtime", "States.ServiceRestart", "ABORTED", "TIMED_OUT", "FAILED", "NEVER_STARTED",
    "ClientError", "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError",
}  # fmt: skip
_INFRASTRUCTURE_FAMILIES = ("Lambda.", "Glue.", "States.Data")
_LOST_DRIVER = "Spark driver"


def roll_back(lake: Lake, run_id: str, given: dict[str, str]) -> Failure:
    """Leave the published tables as they were. Returns what is to be said of the failure.

    A publication that has begun is finished instead: it only goes forward.
    """
    runs, keys = Runs(lake.runs_table), RunKeys(run_id, lake.zone("runs"))
    record = runs.get(run_id) or {}
    if record.get("state") == PUBLISHING:
        try:
            publish(lake, run_id, now())
            return Failure(
                given["state"], given["error"], "after publishing had begun; the publication is finished now"
            )
        except DataError:
            logger.exception("the publication of run %s can't be finished; its files are held", run_id)
    failure = explain(lake, given)
    evidence = keep_as_evidence(lake, run_id)
    state = RECEIVED if is_infrastructure(given) else HELD
    put_json(lake.bucket, keys.failure, {**failure.__dict__, "evidence": evidence, "files_become": state})
    files = Files(lake.files_table)
    for file in _manifest(lake, keys):
        _give_back(lake, files, file, run_id, state)
    return Failure(failure.state, failure.error, failure.sentence, failure.dataset, evidence)


def close_run(lake: Lake, run_id: str, warnings: list[str], given: dict[str, str] | None = None) -> None:
    """Write the receipt, free the lock, send the e-mail. `given` is the failure, where there was one."""
    runs, keys = Runs(lake.runs_table), RunKeys(run_id, lake.zone("runs"), lake.zone("quarantine"))
    record = runs.get(run_id)
    published = "published_at" in record
    failed = given is not None and not published
    if given is not None and published:
        warnings = [*warnings, f"{given['state']}: {given['error']} after the tables were published"]
    ended = parse(record["ended_at"]) if record.get("ended_at") else now()
    state = FAILED if failed else SUCCEEDED
    report = build_report(lake, {**record, "state": state}, ended)
    if not failed:
        _settle_files(lake, run_id, report)
    put_json(
        lake.bucket,
        keys.receipt,
        {"show": report.as_show(), "receipt": report.as_receipt(), "warnings": warnings},
    )
    _add_to_table_of_runs(lake, report, given["state"] if failed else None)
    runs.update(run_id, state=state, ended_at=iso(ended))
    runs.release_lock(run_id)
    quality = get_json_or_none(lake.bucket, keys.quality)
    held = [file["key"] for file in Files(lake.files_table).waiting(HELD)]
    if failed:
        failure = Failure(**_failure_fields(get_json_or_none(lake.bucket, keys.failure), given))
        message = failure_message(lake, report, failure, quality, held)
    else:
        message = success_message(lake, report, warnings, quality, held)
    send_once(lake, runs, run_id, message)


def close_dead_run(lake: Lake, run_id: str, status: str) -> bool:
    """Close a run whose execution ended without closing it. False when it was closed already."""
    runs = Runs(lake.runs_table)
    record = runs.get(run_id)
    if record is None:
        runs.release_lock(run_id)
        return False
    if record["state"] in ENDED and "notified_at" in record:
        runs.release_lock(run_id)
        return False
    if record["state"] == PUBLISHING:
        publish(lake, run_id, now())
        close_run(lake, run_id, [f"the execution ended as {status} while publishing; the publication was finished"])
        return True
    given = {
        "state": _last_state(lake, run_id),
        "error": status,
        "cause": f"the execution ended as {status} before the run was closed",
    }
    _stop_jobs(lake, run_id)
    roll_back(lake, run_id, given)
    close_run(lake, run_id, [], given)
    return True


def send_once(lake: Lake, runs: Runs, run_id: str, message: Message) -> bool:
    """Send a run's e-mail, once however often this is called. False when it was sent before."""
    if not runs.update_once(run_id, "notified_at", iso(now())):
        return False
    try:
        client("sns").publish(
            TopicArn=lake.topic_arn(message.topic),
            Subject=message.subject,
            Message=message.body,
            MessageAttributes={n: {"DataType": "String", "StringValue": v} for n, v in message.attributes.items()},
        )
    except Exception:
        runs.forget(run_id, "notified_at")  # so that a retry sends it
        raise
    return True


def is_infrastructure(given: dict[str, str]) -> bool:
    """Whether another try may cure the failure, so that its files go back to received."""
    error, cause = given["error"], given.get("cause", "")
    if error == "States.TaskFailed":
        run = _as_json(cause)
        return run.get("JobRunState") in ("TIMEOUT", "STOPPED", "ERROR") or _LOST_DRIVER in run.get("ErrorMessage", "")
    return error in _INFRASTRUCTURE or error.startswith(_INFRASTRUCTURE_FAMILIES)


def explain(lake: Lake, given: dict[str, str]) -> Failure:
    """The failure in a person's words, from the error and cause that Step Functions gives."""
    cause = _as_json(given.get("cause", ""))
    job = next((n for n in lake.inventory.jobs if lake.job_name(n) == cause.get("JobName")), None)
    dataset = next((n for n, d in lake.inventory.datasets.items() if d.job == job), None)
    sentence = cause.get("ErrorMessage") or cause.get("errorMessage") or given.get("cause") or "no cause was given"
    error = given["error"]
    if cause.get("ErrorMessage") and ": " in cause["ErrorMessage"]:
        error, sentence = cause["ErrorMessage"].split(": ", 1)
    return Failure(given["state"], error, sentence.strip().splitlines()[0][:600], dataset)


def _failure_fields(stored: dict[str, Any] | None, given: dict[str, str]) -> dict[str, Any]:
    if stored is None:
        return {"state": given["state"], "error": given["error"], "sentence": given.get("cause", "")[:600]}
    return {name: stored[name] for name in ("state", "error", "sentence", "dataset", "evidence")}


def _manifest(lake: Lake, keys: RunKeys) -> list[dict[str, Any]]:
    """The files of the run; none where it died before it had claimed any."""
    try:
        body = client("s3").get_object(Bucket=lake.bucket, Key=keys.manifest)["Body"].read().decode()
    except client("s3").exceptions.NoSuchKey:
        return []
    return [json.loads(line) for line in body.splitlines()]


def _give_back(lake: Lake, files: Files, file: dict[str, Any], run_id: str, state: str) -> None:
    """Return a file to received, or hold it when it was tried often enough."""
    object_id = f"{file['key']}#{file['version_id']}"
    item = files.get(object_id)
    if item is None or item.get("run_id") != run_id:
        return
    tried_enough = int(item["attempts"]) >= lake.inventory.arrivals.infrastructure_retries
    files.give_back(object_id, HELD if tried_enough else state)


def _settle_files(lake: Lake, run_id: str, report: Report) -> None:
    files = Files(lake.files_table)
    for line in report.inputs:
        files.settle(f"{line['key']}#{line['version_id']}", line["verdict"], run_id)


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


def _last_state(lake: Lake, run_id: str) -> str:
    states, _ = state_times(lake, run_id)
    return states[-1].name if states else "Validate and stage files"


def _stop_jobs(lake: Lake, run_id: str) -> None:
    """Stop what a dead run left running."""
    for name in lake.inventory.jobs:
        job = lake.job_name(name)
        going = [
            r["Id"]
            for r in client("glue").get_job_runs(JobName=job, MaxResults=5)["JobRuns"]
            if r["JobRunState"] in ("STARTING", "RUNNING", "WAITING")
            and r.get("Arguments", {}).get("--run_id") == run_id
        ]
        if going:
            client("glue").batch_stop_job_run(JobName=job, JobRunIds=going)


def _as_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
