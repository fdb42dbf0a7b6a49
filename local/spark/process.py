"""One process of the warm Spark driver, seen from the process that started it."""

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from local.jars import jar_paths
from local.java import java_environment

SOURCE_ROOT = Path(__file__).resolve().parents[2]
END_TIMEOUT_S = 8
# Short jobs on small data: the first compiler alone halves what a warm-up costs and was no slower on a
# window over 1.5 million rows; the serial collector needs a third less memory than the default.
# With the first compiler alone Java reserves 48 MB for compiled code, which a run or two of jobs fills. Verifying the
# classes of jars that are always the same took a sixth of a first job's time.
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -XX:-UsePerfData "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One attempt of a job run. `extra_files` are archives and folders, first on the job's path."""

    id: str
    name: str
    script: Path
    arguments: list[str]
    settings: dict[str, str]
    extra_files: tuple[Path, ...]
    log: Path


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: SUCCEEDED, FAILED, STOPPED, or ERROR when the driver is gone.

    `error` is `ClassName: message` or empty.
    """

    state: str
    error: str


class DriverProcess:
    """One process of `local.spark.driver` and the jobs that it was given."""

    def __init__(self, folder: Path, settings: dict[str, str], on_change: Callable[[], None]) -> None:
        scratch = folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        self._log = folder / "driver.log"
        self._on_change = on_change
        self._jobs: dict[str, tuple[Future, Callable[[], None]]] = {}
        self._jobs_lock = threading.Lock()
        self._has_ended = False
        self._jvm_pid: int | None = None
        self.is_warm = False
        own_settings = {
            # Not `spark.jars`: those are copied at each start.
            "spark.driver.extraClassPath": os.pathsep.join(str(path) for path in jar_paths()),
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": str(scratch / "spark-warehouse"),
            "spark.driver.extraJavaOptions": f"{JVM_OPTIONS} -Djava.io.tmpdir={scratch}",
        }
        environment = {
            **os.environ,
            **java_environment(),
            # Only to find this package; the driver takes it away again, for its jobs and its own children.
            "PYTHONPATH": str(SOURCE_ROOT),
            "PYSPARK_PYTHON": sys.executable,
            "TMPDIR": str(scratch),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        if self._log.exists():
            self._log.replace(folder / "driver.previous.log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.spark.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=scratch,
                env=environment,
            )
        self._input_lock = threading.Lock()
        threading.Thread(target=self._read_answers, name="spark-driver-answers", daemon=True).start()
        self.send({"do": "begin", "settings": {**settings, **own_settings}})

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def is_busy(self) -> bool:
        with self._jobs_lock:
            return bool(self._jobs)

    def send(self, order: dict) -> None:
        """Give an order. A driver that has just ended can't take it: its jobs fail in `_read_answers`."""
        with self._input_lock, contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def submit(self, job: Job, on_start: Callable[[], None]) -> Future:
        outcome = Future()
        with self._jobs_lock:
            if self._has_ended:
                outcome.set_result(self._lost())
                return outcome
            self._jobs[job.id] = outcome, on_start
        self.send(
            {
                "do": "run",
                "id": job.id,
                "name": job.name,
                "script": str(job.script),
                "arguments": job.arguments,
                "settings": job.settings,
                "log": str(job.log),
            }
        )
        return outcome

    def end(self, timeout_s: float) -> None:
        """Close its input, on which it ends by itself; kill it and its JVM when it takes too long."""
        with self._input_lock, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._jvm_pid:
            _wait_or_kill(self._jvm_pid, timeout_s)

    def pids(self) -> list[int]:
        """The process and, once Spark has started, its JVM."""
        return [self._process.pid, *([self._jvm_pid] if self._jvm_pid else [])]

    def peak_memory_bytes(self) -> int:
        return sum(_peak_memory_bytes(pid) for pid in self.pids())

    def _read_answers(self) -> None:
        """Until the process ends: tell each job's start and outcome; then fail the jobs that it left."""
        for line in self._process.stdout:
            answer = json.loads(line)
            match answer["event"]:
                case "ready":
                    self._jvm_pid = answer["jvm_pid"]
                    logger.info("Spark started in %s s", answer["seconds"])
                case "warm":
                    self.is_warm = True
                    logger.info("Spark warmed up in %s s", answer["seconds"])
                case "started":
                    self._jobs[answer["id"]][1]()
                case "done":
                    self._settle(answer["id"], Outcome(answer["state"], answer["error"]))
        with self._jobs_lock:
            self._has_ended = True
            left = list(self._jobs)
        for job_id in left:
            self._settle(job_id, self._lost())

    def _settle(self, job_id: str, outcome: Outcome) -> None:
        with self._jobs_lock:
            future, _ = self._jobs.pop(job_id)
        future.set_result(outcome)
        self._on_change()

    def _lost(self) -> Outcome:
        return Outcome("ERROR", f"SparkDriverEnded: the local Spark driver ended; its log is {self._log}")


def _wait_or_kill(pid: int, timeout_s: float) -> None:
    """Let a process that is not our child end by itself, then kill it."""
    deadline = time.monotonic() + timeout_s
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


def _peak_memory_bytes(pid: int) -> int:
    """The largest resident size that the process has had; 0 when it is gone, or without a /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0
