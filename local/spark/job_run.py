"""One run of a Glue job, from STARTING to its end: attempts, time-out, stop, log, times and DPU-seconds."""

import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path, PurePosixPath

from local.spark import extra_files
from local.spark.client import SparkDriver
from local.spark.process import Job, Outcome
from local.spark.settings import parse_conf_argument

LIVE_STATES = ("STARTING", "RUNNING", "STOPPING")
LOG_GROUP = "/aws-glue/jobs/output"
LOG_INTERVAL_S = 1.0
# A script that swallows its stop is ended with the whole driver: a stopped job must not write later.
STOP_TIMEOUT_S = 20
DEFAULT_TIMEOUT_MINUTES = 480
# https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
DPU_OF_WORKER = {
    "Standard": 1,
    "G.025X": 0.25,
    "G.1X": 1,
    "G.2X": 2,
    "G.4X": 4,
    "G.8X": 8,
    "G.12X": 12,
    "G.16X": 16,
    "R.1X": 1,
    "R.2X": 2,
    "R.4X": 4,
    "R.8X": 8,
}
# Arguments that Glue takes for itself. The others reach the script.
GLUES_OWN_ARGUMENTS = frozenset(
    {
        "--additional-python-modules",
        "--class",
        "--conf",
        "--datalake-formats",
        "--extra-files",
        "--extra-jars",
        "--extra-py-files",
        "--job-language",
        "--python-modules-installer-option",
        "--spark-event-logs-path",
        "--user-jars-first",
    }
)
GLUES_OWN_PREFIX = "--enable-"

logger = logging.getLogger(__name__)


class MissingObject(LookupError):
    """The script, or an extra Python file, is not in S3."""


def execution_settings(job: dict, request: dict) -> dict:
    """Size and time-out of a run: the request's, else the job's. `Timeout` is in minutes."""
    return {
        "Timeout": request.get("Timeout") or job.get("Timeout") or DEFAULT_TIMEOUT_MINUTES,
        "WorkerType": request.get("WorkerType") or job.get("WorkerType") or "G.1X",
        "NumberOfWorkers": request.get("NumberOfWorkers") or job.get("NumberOfWorkers") or 2,
        "MaxCapacity": request.get("MaxCapacity") or job.get("MaxCapacity"),
        "ExecutionClass": request.get("ExecutionClass") or job.get("ExecutionClass") or "STANDARD",
    }


def dpus(run: dict) -> float:
    """Data processing units that the run occupies."""
    return run["MaxCapacity"] or run["NumberOfWorkers"] * DPU_OF_WORKER.get(run["WorkerType"], 1)


class JobExecution:
    """Carries a job run to its end and keeps its record, a dict as GetJobRun shows it, up to date.

    `read_object` gives the content of an s3:// location or None; `write_log` appends lines to a stream
    of a log group.
    """

    def __init__(
        self,
        job: dict,
        run: dict,
        arguments: dict[str, str],
        spark: Callable[[], SparkDriver],
        read_object: Callable[[str], bytes | None],
        write_log: Callable[[str, str, list[str]], None],
    ) -> None:
        self._job = job
        self._run = run
        self._arguments = arguments
        self._spark = spark
        self._read_object = read_object
        self._write_log = write_log
        self._stop_asked = threading.Event()
        self._attempt_id = ""
        self._started_at: float | None = None

    def stop(self) -> None:
        """Ask the run to end; it is STOPPED when the script has ended."""
        self._update(JobRunState="STOPPING")
        self._stop_asked.set()
        self._spark().stop(self._attempt_id)

    def run_to_end(self) -> None:
        """Run the script, again after a failure as often as MaxRetries says, and record how it ended.

        Glue gives each retry a run of its own; here a run counts its attempts, so that whoever waits for
        the first run's id sees the last attempt's result.
        """
        busy_s = 0.0
        for attempt in range(1 + (self._job.get("MaxRetries") or 0)):
            self._update(Attempt=attempt)
            self._started_at = None
            outcome = self._attempt(f"{self._run['Id']}_{attempt}")
            busy_s += time.monotonic() - self._started_at if self._started_at else 0
            if outcome.state != "FAILED":
                break
        self._update(
            JobRunState=outcome.state,
            ErrorMessage=outcome.error or None,
            CompletedOn=round(time.time(), 3),
            ExecutionTime=round(busy_s),
            DPUSeconds=round(busy_s * dpus(self._run), 2),
        )

    def _attempt(self, attempt_id: str) -> Outcome:
        spark = self._spark()
        folder = spark.folder / "runs" / attempt_id
        log = _JobLog(folder / "output.log", lambda lines: self._write_log(LOG_GROUP, self._run["Id"], lines))
        self._attempt_id = attempt_id
        self._write_log(LOG_GROUP, self._run["Id"], [])  # so that there is a stream to look into
        try:
            folder.mkdir(parents=True)
            log.path.touch()
            future = spark.submit(self._spark_job(attempt_id, folder, log.path), self._on_start)
            if self._stop_asked.is_set():
                spark.stop(attempt_id)
            return self._wait(spark, future, log)
        except Exception as failure:  # whatever keeps a script from running is the run's result
            logger.warning("Job %s did not start", self._job["Name"], exc_info=True)
            return Outcome("FAILED", f"{type(failure).__name__}: {failure}")
        finally:
            if log.path.exists():
                log.forward(to_the_end=True)
            shutil.rmtree(folder, ignore_errors=True)

    def _spark_job(self, attempt_id: str, folder: Path, log: Path) -> Job:
        location = self._job["Command"]["ScriptLocation"]
        script = folder / PurePosixPath(location).name
        script.write_bytes(self._content(location))
        argv = []
        for name, value in self._arguments.items():
            if name not in GLUES_OWN_ARGUMENTS and not name.startswith(GLUES_OWN_PREFIX):
                argv += [name, str(value)]
        return Job(
            id=attempt_id,
            name=self._job["Name"],
            script=script,
            arguments=argv,
            settings=parse_conf_argument(self._arguments.get("--conf", "")),
            extra_files=self._extra_files(),
            log=log,
        )

    def _extra_files(self) -> tuple[Path, ...]:
        locations = self._arguments.get("--extra-py-files", "").split(",")
        folder = self._spark().folder / "extra-py-files"
        kept = []
        for location in (location.strip() for location in locations if location.strip()):
            content = self._content(location)
            # What S3 would call the ETag of a file uploaded in one part.
            etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
            kept.append(extra_files.keep(location, etag, content, folder))
        return tuple(kept)

    def _content(self, location: str) -> bytes:
        content = self._read_object(location)
        if content is None:
            raise MissingObject(f"{location} does not exist")
        return content

    def _on_start(self) -> None:
        self._started_at = time.monotonic()
        if not self._stop_asked.is_set():
            self._update(JobRunState="RUNNING")

    def _wait(self, spark: SparkDriver, future: Future, log: "_JobLog") -> Outcome:
        """The attempt's outcome. Forwards its log meanwhile, and ends it when it must end."""
        timed_out = False
        stopping_since = None
        while True:
            try:
                outcome = future.result(LOG_INTERVAL_S)
                break
            except TimeoutError:
                log.forward()
            now = time.monotonic()
            if self._started_at and now - self._started_at > self._run["Timeout"] * 60 and not timed_out:
                timed_out = True
                spark.stop(self._attempt_id)
            if stopping_since is None and (timed_out or self._stop_asked.is_set()):
                stopping_since = now
            if stopping_since and now - stopping_since > STOP_TIMEOUT_S:
                spark.kill()
        if timed_out:
            return Outcome("TIMEOUT", f"Job run exceeded its timeout of {self._run['Timeout']} minutes")
        return Outcome("STOPPED", "") if self._stop_asked.is_set() else outcome

    def _update(self, **changes) -> None:
        self._run.update(changes, LastModifiedOn=round(time.time(), 3))


class _JobLog:
    """Hands on what a job has written since the last time, line by line."""

    def __init__(self, path: Path, write: Callable[[list[str]], None]) -> None:
        self.path = path
        self._write = write
        self._read_bytes = 0

    def forward(self, to_the_end: bool = False) -> None:
        """Hand on the new lines; one that is still being written only when `to_the_end`."""
        with self.path.open("rb") as log:
            log.seek(self._read_bytes)
            new = log.read()
        whole = new if to_the_end else new[: new.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        # A progress bar writes its line again and again after a carriage return.
        lines = [line.rstrip("\r").rpartition("\r")[2] for line in whole.decode("utf-8", "replace").split("\n")]
        lines = [line for line in lines if line.strip()]
        if lines:
            self._write(lines)
