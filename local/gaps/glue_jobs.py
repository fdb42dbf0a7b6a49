"""Gap: Glue Spark jobs.

The stock emulator marks a Spark job SUCCEEDED at once and never runs its script. Here a job run takes
the deployed script from S3, byte for byte, and runs it on the warm Spark driver, with the states, times
and errors that Glue tells. Hooks: `glue._start_job_run` and `_batch_stop_job_run`; `_create_job` and
`_update_job`, which drop MaxConcurrentRuns; `load_persisted_state`, for runs that a stop cut off.
"""

import contextvars
import json
import logging
import os
import threading
import time
from pathlib import Path

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs, eventbridge, glue, s3

from local.gaps import hooks
from local.jars import JarsMissing
from local.java import JavaMissing
from local.spark.client import SparkDriver
from local.spark.job_run import LIVE_STATES, JobExecution, execution_settings
from local.spark.settings import spark_settings

# What the stock emulator forgets of a job's definition.
KEPT_SETTINGS = ("ExecutionProperty", "ExecutionClass")
DEFAULT_MAX_CONCURRENT_RUNS = 1
CUT_OFF = "The local lake stopped while this job was running."
MESSAGES = {
    "SUCCEEDED": ("INFO", "Job run succeeded"),
    "STOPPED": ("INFO", "Job run stopped"),
    "TIMEOUT": ("WARN", "Job run timed out"),
    "FAILED": ("ERROR", "Job run failed"),
    "ERROR": ("ERROR", "Job run ended with its driver"),
}

logger = logging.getLogger(__name__)

_driver: SparkDriver | None = None
_driver_lock = threading.Lock()
_executions: dict[str, JobExecution] = {}
_starting_lock = threading.Lock()


def install() -> None:
    global _stock_start, _stock_create, _stock_update, _stock_load
    _stock_start = hooks.replace(glue, "_start_job_run", _start_job_run, parameters=("data",))
    hooks.replace(glue, "_batch_stop_job_run", _batch_stop_job_run, parameters=("data",))
    _stock_create = hooks.replace(glue, "_create_job", _create_job, parameters=("data",))
    _stock_update = hooks.replace(glue, "_update_job", _update_job, parameters=("data",))
    _stock_load = hooks.replace(glue, "load_persisted_state", _load_persisted_state, parameters=("data",))
    hooks.require(glue, "_script_args", parameters=("job", "job_name", "run_id", "run_arguments"))
    hooks.require(s3, "_get_object_data", parameters=("bucket_name", "key", "version_id"))
    hooks.require(eventbridge, "_put_events", parameters=("data", "allow_aws_source"))
    for name in ("_create_log_group", "_create_log_stream", "_put_log_events"):
        hooks.require(cloudwatch_logs, name, parameters=("data",))


def warm_up(warehouse_bucket: str | None = None) -> None:
    """Start the Spark driver in the background and let it exercise what jobs use. Returns at once.

    Jobs that arrive meanwhile just run. `warehouse_bucket` is the catalog's default place of tables: it
    counts for those that neither name a location nor live in a database that has one.
    """

    def start() -> None:
        try:
            _spark(warehouse_bucket).warm_up()
        except (JavaMissing, JarsMissing) as problem:
            logger.error("Glue jobs can't run: %s", problem)

    threading.Thread(target=start, name="spark-warm-up", daemon=True).start()


def shut_down() -> None:
    """End the Spark driver and its JVM. Runs that are cut off show as FAILED after the next start."""
    global _driver
    with _driver_lock:
        if _driver:
            _driver.end()
            _driver = None


def is_warm() -> bool:
    """Whether the Spark driver has ended its warm-up. A job runs before that as well, more slowly."""
    with _driver_lock:
        return _driver is not None and _driver.is_warm()


def peak_memory_bytes() -> int:
    """Peak resident memory of the Spark driver and its JVM; 0 when none ran or the system doesn't tell."""
    with _driver_lock:
        return _driver.peak_memory_bytes() if _driver else 0


def _spark(warehouse_bucket: str | None = None) -> SparkDriver:
    global _driver
    with _driver_lock:
        if _driver is None:
            folder = Path(os.environ["STATE_DIR"]).parent / "spark"
            folder.mkdir(parents=True, exist_ok=True)
            warehouse = f"s3://{warehouse_bucket}/" if warehouse_bucket else None
            _driver = SparkDriver(folder, spark_settings(os.environ["AWS_ENDPOINT_URL"], warehouse))
        return _driver


def _start_job_run(data):
    name = data.get("JobName")
    job = glue._jobs.get(name)
    if job is None or not glue._is_spark_job(job):
        return _stock_start(data)
    with _starting_lock:
        runs = glue._job_runs.setdefault(name, [])
        limit = (job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", DEFAULT_MAX_CONCURRENT_RUNS)
        if sum(run["JobRunState"] in LIVE_STATES for run in runs) >= limit:
            message = f"Concurrent runs exceeded for {name}"
            return error_response_json("ConcurrentRunsExceededException", message, 400)
        run = _new_run(job, data)
        runs.insert(0, run)
    arguments = glue._script_args(job, name, run["Id"], data.get("Arguments", {}))
    arguments |= job.get("NonOverridableArguments") or {}
    execution = JobExecution(job, run, arguments, _spark, read_object=_read_object, write_log=_write_log)
    _executions[run["Id"]] = execution

    def work() -> None:
        execution.run_to_end()
        del _executions[run["Id"]]
        _tell_state_change(run)

    # The account and region of the request go with the thread.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=run["Id"], daemon=True).start()
    return json_response({"JobRunId": run["Id"]})


def _new_run(job: dict, request: dict) -> dict:
    """A job run as GetJobRun shows it. Has all its keys from the start: it is saved while it changes."""
    now = round(time.time(), 3)
    return {
        "Id": "jr_" + new_uuid().replace("-", ""),
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "CompletedOn": None,
        "JobRunState": "STARTING",
        "Arguments": request.get("Arguments", {}),
        "ErrorMessage": None,
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "DPUSeconds": None,
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": job.get("GlueVersion", "5.1"),
        **execution_settings(job, request),
    }


def _batch_stop_job_run(data):
    """A live run becomes STOPPING, and STOPPED when its script has really ended."""
    name = data.get("JobName")
    runs = {run["Id"]: run for run in glue._job_runs.get(name, [])}
    stopped, errors = [], []
    for run_id in data.get("JobRunIds", []):
        run, execution = runs.get(run_id), _executions.get(run_id)
        if run is None:
            error = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Run not found"}
        elif run["JobRunState"] not in LIVE_STATES or execution is None:
            message = f"Run {run_id} is in state {run['JobRunState']}"
            error = {"ErrorCode": "InvalidInputException", "ErrorMessage": message}
        else:
            execution.stop()
            stopped.append({"JobName": name, "JobRunId": run_id})
            continue
        errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": error})
    return json_response({"SuccessfulSubmissions": stopped, "Errors": errors})


def _create_job(data):
    response = _stock_create(data)
    if response[0] == 200:
        _keep_settings(data["Name"], data)
    return response


def _update_job(data):
    response = _stock_update(data)
    if response[0] == 200:
        _keep_settings(data["JobName"], data.get("JobUpdate", {}))
    return response


def _keep_settings(name: str, definition: dict) -> None:
    glue._jobs[name].update({key: definition[key] for key in KEPT_SETTINGS if definition.get(key)})


def _load_persisted_state(data):
    """After a restart no run is in progress any more, whatever was saved while it was."""
    _stock_load(data)
    for runs in glue._job_runs._data.values():
        for run in runs:
            if run["JobRunState"] in LIVE_STATES:
                run.update(JobRunState="FAILED", ErrorMessage=CUT_OFF, CompletedOn=run["LastModifiedOn"])


def _read_object(location: str) -> bytes | None:
    """Content of s3://bucket/key, None when there is none."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return s3._get_object_data(bucket, key)


def _write_log(group: str, stream: str, lines: list[str]) -> None:
    # Creating what exists already is refused, which is as good.
    cloudwatch_logs._create_log_group({"logGroupName": group})
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": line} for line in lines]
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def _tell_state_change(run: dict) -> None:
    severity, message = MESSAGES[run["JobRunState"]]
    detail = {
        "jobName": run["JobName"],
        "jobRunId": run["Id"],
        "state": run["JobRunState"],
        "severity": severity,
        "message": run["ErrorMessage"] or message,
    }
    entry = {"Source": "aws.glue", "DetailType": "Glue Job State Change", "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
