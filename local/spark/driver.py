"""The warm Spark driver: a process that keeps one JVM and runs each Glue job in a thread of its own.

It is told what to do by lines of JSON on standard input and answers by lines of JSON on standard output:

    {"do": "begin", "settings": {...}}               first of all; answered by {"event": "ready", ...}
    {"do": "use_extra_files", "places": [...]}
    {"do": "warm_up"}                                answered by {"event": "warm", ...}
    {"do": "run", "id", "name", "script", "arguments", "settings", "log"}
                                                     answered by "started" and "done"
    {"do": "stop", "id": "..."}

It ends when its standard input does, so it never outlives the process that started it; the JVM watches
this process in the same way.
"""

import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TextIO

from py4j.protocol import Py4JJavaError
from pyspark import InheritableThread, SparkConf, SparkContext
from pyspark.sql import SparkSession

from local.spark import shims, warm_up

ERROR_LENGTH = 1500
STOP_TIMEOUT_S = 5


class Stopped(BaseException):
    """Raised inside a job that is being stopped; not an Exception, so that scripts don't swallow it."""


class Driver:
    """The jobs that run on one Spark context."""

    def __init__(self, base: SparkSession, answers: TextIO) -> None:
        self._base = base
        self._answers = answers
        self._answers_lock = threading.Lock()
        self._jobs: dict[str, shims.RunningJob] = {}
        self._jobs_lock = threading.Lock()

    def answer(self, event: str, **details) -> None:
        with self._answers_lock:
            self._answers.write(json.dumps({"event": event, **details}) + "\n")
            self._answers.flush()

    def run(self, order: dict) -> None:
        log = Path(order["log"]).open("a", buffering=1, encoding="utf-8", errors="replace")  # noqa: SIM115
        argv = [order["script"], *order["arguments"]]
        job = shims.RunningJob(id=order["id"], argv=argv, log=log, session=self._base.newSession())
        job.thread = InheritableThread(target=self._work, args=(job, order), name=job.id, daemon=True)
        job.thread.glue_job = job
        with self._jobs_lock:
            self._jobs[job.id] = job
        job.thread.start()

    def stop(self, job_id: str) -> None:
        """Cancel what Spark does for the job and raise Stopped in its thread."""
        with self._jobs_lock:
            job = self._jobs.get(job_id)
        if job is None:
            return
        job.is_stopping = True
        self._base.sparkContext.cancelJobGroup(job_id)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(job.thread.ident), ctypes.py_object(Stopped))

    def warm_up(self) -> None:
        """Warm up beside the jobs. A failure is told in the driver's log: jobs run without it, more slowly."""

        def work() -> None:
            started = time.monotonic()
            try:
                self._join_pool("warm-up", "warm-up")
                warm_up.warm_up(self._base.newSession())
            finally:
                self.answer("warm", seconds=round(time.monotonic() - started, 2))

        InheritableThread(target=work, name="warm-up", daemon=True).start()

    def _work(self, job: shims.RunningJob, order: dict) -> None:
        self.answer("started", id=job.id)
        try:
            self._join_pool(job.id, order["name"])
            # So that the JVM, too, takes this session for the thread's own.
            job.session._jvm.SparkSession.setActiveSession(job.session._jsparkSession)
            shims.apply_settings(job.session, order["settings"])
            _execute(order["script"])
            state, error = "SUCCEEDED", ""
        except SystemExit as end:
            failed = end.code not in (None, 0)
            state, error = ("FAILED", f"SystemExit: {end.code}") if failed else ("SUCCEEDED", "")
        except BaseException as failure:  # whatever a script raises is this run's result
            state, error = "FAILED", error_text(failure)
            with contextlib.suppress(OSError):  # a full disk, maybe the very failure
                job.log.write(traceback.format_exc())
        if job.is_stopping:
            state, error = "STOPPED", ""
        self._end(job)
        self.answer("done", id=job.id, state=state, error=error)

    def _end(self, job: shims.RunningJob) -> None:
        """Forget the job; when it was the last one, also what jobs left cached in the shared JVM."""
        with self._jobs_lock:
            del self._jobs[job.id]
            is_last = not self._jobs
        if is_last:
            job.session.catalog.clearCache()
        with contextlib.suppress(OSError):
            job.log.close()
        job.session = None
        gc.collect()

    def _join_pool(self, group: str, pool: str) -> None:
        """FAIR scheduling shares between pools, so a pool a job; a group, so that it can be cancelled."""
        context = self._base.sparkContext
        context.setJobGroup(group, pool, interruptOnCancel=True)
        context.setLocalProperty("spark.scheduler.pool", pool)


def _execute(script: str) -> None:
    """Run a script as __main__. runpy would swap sys.modules['__main__'], which all threads share."""
    with open(script, "rb") as source:
        code = compile(source.read(), script, "exec")
    exec(code, {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__})


def error_text(failure: BaseException) -> str:
    """`ClassName: message`, as Glue's ErrorMessage has it, for Java errors with their root cause."""
    message = str(failure)
    if isinstance(failure, Py4JJavaError):
        cause = failure.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        message = f"{failure.errmsg.strip().rstrip(':')} {cause.toString()}"
    return f"{type(failure).__name__}: {message}"[:ERROR_LENGTH]


def start_spark(settings: dict[str, str]) -> SparkSession:
    """A session of a new JVM. Raises what Spark raises when it can't start."""
    conf = SparkConf(loadDefaults=False)
    conf.setAll(settings.items())
    base = SparkSession(SparkContext(conf=conf))
    base.sparkContext.setLogLevel("WARN")
    return base


def _end_with(jvm: subprocess.Popen) -> None:
    """A driver without its JVM can end no job: end the process, so that the parent fails its jobs at once."""
    code = jvm.wait()
    print(f"Spark's JVM ended with {code}", file=sys.__stderr__, flush=True)
    os._exit(1)


def main() -> None:
    # Nothing but answers may reach the standard output that the parent reads: not prints, not the JVM's.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    driver_log = sys.stderr
    os.dup2(driver_log.fileno(), sys.stdout.fileno())
    os.environ.pop("PYTHONPATH", None)
    orders = (json.loads(line) for line in sys.stdin)
    first = next(orders, None)
    if first is None:
        return
    started = time.monotonic()
    base = start_spark(first["settings"])
    shims.route_per_job(driver_log)
    shims.share_spark(base)
    shims.remember_classes(base)
    shims.hide_source_tree()
    driver = Driver(base, answers)
    seconds = round(time.monotonic() - started, 2)
    jvm = SparkContext._gateway.proc
    threading.Thread(target=_end_with, args=(jvm,), name="jvm-watch", daemon=True).start()
    driver.answer("ready", seconds=seconds, jvm_pid=jvm.pid)
    for order in orders:
        match order["do"]:
            case "use_extra_files":
                shims.use_extra_files(order["places"])
            case "warm_up":
                driver.warm_up()
            case "run":
                driver.run(order)
            case "stop":
                driver.stop(order["id"])
    # The parent is gone or wants an end. A job that hangs must not keep the JVM alive.
    threading.Timer(STOP_TIMEOUT_S, os._exit, args=(1,)).start()
    base.stop()
    os._exit(0)


if __name__ == "__main__":
    main()
