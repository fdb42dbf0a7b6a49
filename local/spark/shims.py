"""What makes several jobs in one Python process each look alone: argv, output, session, packages.

A job belongs to a thread, and threads that it starts inherit it. Everything global that a Glue script
uses (`sys.argv`, `sys.stdout`, `SparkSession.builder.getOrCreate()`) asks which job is calling.
"""

import importlib.abc
import importlib.machinery
import sys
import threading
from collections import UserList
from dataclasses import dataclass, field
from typing import TextIO

import boto3
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

# The packages of this repository. A job gets them from its extra Python files or not at all.
OWN_PACKAGES = frozenset(
    {"shoplake", "jobs", "quality", "lambdas", "local", "cli", "deploy", "generator", "benchmarks", "tests"}
)


@dataclass
class RunningJob:
    """One job run, seen from the thread that executes it."""

    id: str
    argv: list[str]
    log: TextIO
    session: SparkSession
    thread: threading.Thread | None = None
    is_stopping: bool = False
    boto3_session: boto3.Session = field(default_factory=boto3.Session)


def current_job() -> RunningJob | None:
    """The job that the calling thread works for; None for the driver's own threads."""
    return getattr(threading.current_thread(), "glue_job", None)


class _Output:
    """Standard output or error of whichever job writes; the driver's own log for everyone else."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, driver_log: TextIO) -> None:
        self._driver_log = driver_log

    def _target(self) -> TextIO:
        job = current_job()
        return self._driver_log if job is None or job.log.closed else job.log

    def write(self, text: str) -> int:
        return self._target().write(text)

    def writelines(self, lines) -> None:
        self._target().writelines(lines)

    def flush(self) -> None:
        self._target().flush()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._target().fileno()


class _Arguments(UserList):
    """`sys.argv` of whichever job uses it."""

    def __init__(self) -> None:
        """Holds nothing of its own."""

    @property
    def data(self) -> list[str]:
        job = current_job()
        return job.argv if job else []

    def __getitem__(self, index):
        return self.data[index]


def route_per_job(driver_log: TextIO) -> None:
    """Give each job its own argv, output and boto3 default session, in its threads too."""
    sys.argv = _Arguments()
    sys.stdout = sys.stderr = _Output(driver_log)
    stock_start = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if not hasattr(thread, "glue_job"):
            thread.glue_job = current_job()
        stock_start(thread)

    threading.Thread.start = start
    stock_default_session = boto3._get_default_session

    # Clients must not be made from one boto3 session in two threads at once.
    def default_session() -> boto3.Session:
        job = current_job()
        return job.boto3_session if job else stock_default_session()

    boto3._get_default_session = default_session


def remember_classes(base: SparkSession) -> None:
    """PySpark asks the JVM for these at every column that a script names, and each time the JVM looks for them in all
    jars: a third of a millisecond, thousands of times a job.
    """
    jvm = base.sparkContext._jvm
    for name in ("functions", "PythonUtils", "PythonSQLUtils", "SparkSession"):
        setattr(jvm, name, getattr(jvm, name))


def share_spark(base: SparkSession) -> None:
    """Let jobs find and configure a session of their own, and not end the JVM that they share."""
    stock_stop = SparkSession.stop
    stock_stop_context = SparkContext.stop

    def own_session() -> SparkSession:
        job = current_job()
        return job.session if job else base

    def get_or_create(builder: SparkSession.Builder) -> SparkSession:
        session = own_session()
        apply_settings(session, builder._options)
        return session

    def stop(session: SparkSession) -> None:
        if current_job() is None:
            stock_stop(session)

    def stop_context(context: SparkContext) -> None:
        if current_job() is None:
            stock_stop_context(context)

    SparkSession.Builder.getOrCreate = get_or_create
    SparkSession.getActiveSession = staticmethod(own_session)
    SparkSession.stop = stop
    SparkContext.stop = stop_context


def apply_settings(session: SparkSession, settings: dict[str, str]) -> None:
    """Set what a session can set. What only a new JVM could take is said in the job's log and left."""
    for key, value in settings.items():
        if session.conf.get(key, None) == value:
            continue
        try:
            session.conf.set(key, value)
        except PySparkException as refusal:
            if refusal.getErrorClass() != "CANNOT_MODIFY_CONFIG":
                raise
            print(f"Setting {key}={value} has no effect here: the local Spark driver was started with its own.")


class _ExtraFilesOnly(importlib.abc.MetaPathFinder):
    """Finds the lake's own packages in the extra Python files and nowhere else."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def find_spec(self, name, path, target=None):
        if path is not None or name not in OWN_PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, self.places)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r} in the job's --extra-py-files", name=name)
        return spec


_finder = _ExtraFilesOnly()


def hide_source_tree() -> None:
    """Make the checkout's packages unreachable: what runs must be what would be deployed.

    They are found through the working folder, PYTHONPATH, an installed package or the import hook of an
    editable install; a finder ahead of all of those answers for their names.
    """
    sys.meta_path.insert(0, _finder)
    for name in [name for name in sys.modules if name.partition(".")[0] in OWN_PACKAGES]:
        del sys.modules[name]


def use_extra_files(places: list[str]) -> None:
    """Put the extra Python files first: in this process, and in the Python workers that Spark starts."""
    _finder.places = list(places)
    sys.path[:0] = places
    importlib.invalidate_caches()
    SparkContext._active_spark_context.environment["PYTHONPATH"] = ":".join(places)
