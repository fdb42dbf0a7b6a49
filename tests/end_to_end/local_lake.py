"""A local lake under test, driven as a person drives it: by the `shoplake` command in a process of its own.

What the command line has no word for (stopping an execution, breaking a deployed script, emptying the lake)
goes through boto3 and pyiceberg at the lake's endpoint.
"""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

from local import control
from local.control import LakeProcess
from local.mailbox import read_mail
from local.memory import family
from shoplake.config import load_lake
from shoplake.tables import load_tables

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "online_retail"
SHOPLAKE = Path(sys.executable).parent / "shoplake"
DATASET = "transactions"
LOADED_TABLES = tuple(name for name, table in load_tables().items() if table.branched)
# Two lakes at once keep a machine busy; on a busier one, all that is waited for may take still more times as long.
PATIENCE = float(os.environ.get("SHOPLAKE_TEST_PATIENCE", "2"))
RUN_TIMEOUT_S = int(300 * PATIENCE)
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run_shoplake(*arguments: str | Path, checkout: Path | None = None, **variables: str | None) -> Done:
    """Run the command with these variables on top of a plain environment; None takes a variable away.

    `checkout` is another copy of the sources than the installed one.
    """
    # With -m, Python finds the packages of the current folder first.
    program = [sys.executable, "-m", "cli.main"] if checkout else [str(SHOPLAKE)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SHOPLAKE_"))}
    changed = {**plain, **variables}
    ended = subprocess.run(
        [*program, *map(str, arguments)],
        env={name: value for name, value in changed.items() if value is not None},
        cwd=checkout or ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S + 60,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr)


class LocalLake:
    """The lake of one state folder. Its tests take turns: no two runs of tests share it at a time.

    `checkout` is another copy of the sources to start and deploy than the installed one.
    """

    def __init__(self, state_dir: Path, checkout: Path | None = None, **variables: str):
        self.state_dir = state_dir
        self._checkout = checkout
        self._variables = {"SHOPLAKE_STATE_DIR": str(state_dir), **variables}
        self.names = load_lake("local")

    # The command line

    def command(self, *arguments: str | Path) -> Done:
        return run_shoplake(*arguments, checkout=self._checkout, **self._variables)

    def ask(self, *arguments: str | Path) -> Any:
        """The JSON of a command that must succeed."""
        done = self.command(*arguments, "--json")
        assert done.exit_code == 0, f"shoplake {' '.join(map(str, arguments))}: {done.err or done.out}"
        return done.json

    def drop(self, *files: Path, options: Iterable[str] = ()) -> None:
        """Upload files into raw/ without waiting for what comes of them."""
        self.ask("drop", DATASET, *files, *options)

    def load(self, *files: Path, exit_code: int = 0) -> dict[str, Any]:
        """Drop files and wait; what `show` says of the one run that took them."""
        done = self.command("drop", DATASET, *files, "--wait", "--json", "--timeout", str(RUN_TIMEOUT_S))
        assert done.exit_code == exit_code, done.err
        (run,) = done.json["runs"]
        return run

    def load_together(self, *files: Path) -> dict[str, Any]:
        """Drop files so that one run takes them all, however slow the machine is; what `show` says of it."""
        with self.arrivals_wait():
            self.drop(*files)
            self.wait_for_arrivals(len(files))
        return self.run()

    def load_datasets(self, *files: tuple[str, Path]) -> dict[str, Any]:
        """Drop files of several datasets, each with its dataset, so that one run takes them all."""
        with self.arrivals_wait():
            for dataset in dict.fromkeys(name for name, _ in files):
                self.ask("drop", dataset, *(file for name, file in files if name == dataset))
            self.wait_for_arrivals(len(files))
        return self.run()

    def run(self) -> dict[str, Any]:
        """Start a run over what waits and follow it to its good end."""
        return self.ask("run", "--wait", "--timeout", str(RUN_TIMEOUT_S))

    def status(self) -> dict[str, Any]:
        return self.ask("status")

    def query(self, sql: str) -> list[dict[str, Any]]:
        answer = self.ask("query", sql, "--max-rows", "100000")
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def letters_of(self, run_id: str) -> list[dict[str, str]]:
        """The e-mails about a run: their subject names it."""
        return [letter for letter in self.ask("mail") if f"run {run_id} " in letter["subject"]]

    def delivered(self, run_id: str) -> list[dict[str, str]]:
        """The same from the mailbox itself: quicker than the command."""
        return [letter for letter in read_mail(self.state_dir) if f"run {run_id} " in letter["subject"]]

    def record_of(self, run_id: str) -> dict[str, Any]:
        """The run's line in `runs --json`."""
        return next(run for run in self.ask("runs", "--limit", "100") if run["run_id"] == run_id)

    def snapshots(self) -> dict[str, int | None]:
        """The published snapshot of each table that runs load, by `database.table`."""
        found = {f"{t['database']}.{t['table']}": t["snapshot_id"] for t in self.ask("tables")}
        return {name: found.get(self.catalog_name(name)) for name in LOADED_TABLES}

    # Beside the command line

    @property
    def process(self) -> LakeProcess:
        """The daemon."""
        return control.status(self.state_dir)

    def aws(self, service: str) -> Any:
        """A boto3 client of the lake."""
        return _client(service, self.process.url)

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the lake's bucket, as another program would."""
        self.aws("s3").put_object(Bucket=self.names.bucket, Key=key, Body=content)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Every object under a prefix of the lake's bucket, by its key."""
        s3, found = self.aws("s3"), {}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.names.bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                found[item["Key"]] = s3.get_object(Bucket=self.names.bucket, Key=item["Key"])["Body"].read()
        return found

    def wait_for_arrivals(self, count: int) -> None:
        """Until this many files wait for a run."""
        eventually(lambda: self.states_of_files().count("received") == count, 60)

    @contextmanager
    def arrivals_wait(self) -> Iterator[None]:
        """The lake's lock is taken meanwhile, for up to ten minutes, in the name of a run that never starts."""
        runs = self._resource("dynamodb").Table(self.names.runs_table)
        until = datetime.now(UTC) + timedelta(minutes=10)  # so far it counts as just taken
        acquired_at = until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lock = {"kind": "lock", "id": "lake", "run_id": "held-by-a-test", "acquired_at": acquired_at}
        runs.put_item(Item=lock, ConditionExpression="attribute_not_exists(id)")
        try:
            yield
        finally:
            runs.delete_item(Key={"kind": "lock", "id": "lake"})

    @contextmanager
    def script_changed(self, job: str, change: Callable[[str], str]) -> Iterator[None]:
        """A job's deployed script is another one meanwhile. `change` gets the script's text."""
        s3, place = self.aws("s3"), {"Bucket": self.names.artifacts_bucket, "Key": f"jobs/{job}.py"}
        original = s3.get_object(**place)["Body"].read()
        changed = change(original.decode()).encode()
        assert changed != original
        s3.put_object(**place, Body=changed)
        try:
            yield
        finally:
            s3.put_object(**place, Body=original)

    @contextmanager
    def function_changed(self, function: str, change: Callable[[str], str]) -> Iterator[None]:
        """A function's deployed handler is another one meanwhile. `change` gets the handler's text."""
        name, aws_lambda = self.names.function_name(function), self.aws("lambda")
        original = (self.state_dir / "build" / "functions" / f"{function}.zip").read_bytes()
        aws_lambda.update_function_code(FunctionName=name, ZipFile=with_handler(original, change))
        try:
            yield
        finally:
            aws_lambda.update_function_code(FunctionName=name, ZipFile=original)

    @contextmanager
    def function_environment(self, function: str, variables: dict[str, str]) -> Iterator[None]:
        """A function has these environment variables as well, meanwhile."""
        name, aws_lambda = self.names.function_name(function), self.aws("lambda")
        usual = aws_lambda.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        aws_lambda.update_function_configuration(FunctionName=name, Environment={"Variables": usual | variables})
        try:
            yield
        finally:
            aws_lambda.update_function_configuration(FunctionName=name, Environment={"Variables": usual})

    def kill(self) -> list[int]:
        """SIGKILL for the daemon alone. Returns the processes that it had started."""
        pid = self.process.pid
        children = [one for one in family(pid) if one != pid]
        os.kill(pid, signal.SIGKILL)
        return children

    def running_run(self) -> str | None:
        """The run that holds the lake's lock; quicker than `status`."""
        key = {"kind": "lock", "id": "lake"}
        return self._resource("dynamodb").Table(self.names.runs_table).get_item(Key=key).get("Item", {}).get("run_id")

    def run_after(self, run_id: str) -> str:
        """The first later run, once it has ended and been told of."""
        return eventually(lambda: self._ended_after(run_id), RUN_TIMEOUT_S)

    def _ended_after(self, run_id: str) -> str | None:
        table = self._resource("dynamodb").Table(self.names.runs_table)
        later = table.query(KeyConditionExpression=Key("kind").eq("run") & Key("id").gt(run_id))["Items"]
        return later[0]["id"] if later and "notified_at" in later[0] else None

    def states_of_jobs(self, job: str) -> list[str]:
        """The state of each run of a job, the newest first."""
        runs = self.aws("glue").get_job_runs(JobName=self.names.job_name(job))["JobRuns"]
        return [run["JobRunState"] for run in runs]

    def states_of_files(self) -> list[str]:
        """The state of every file that the lake knows."""
        return [item["state"] for item in self._resource("dynamodb").Table(self.names.files_table).scan()["Items"]]

    def catalog_name(self, table: str) -> str:
        """`curated.sales` as the catalog calls it: `curated_local.sales`."""
        database, name = table.split(".")
        return f"{self.names.database(database)}.{name}"

    def iceberg(self, table: str) -> Any:
        """The published table through pyiceberg."""
        return self._catalog().load_table(self.catalog_name(table))

    def branches(self) -> list[str]:
        """References other than main on the tables that runs load."""
        refs = (ref for table in LOADED_TABLES for ref in self.iceberg(table).metadata.refs)
        return [ref for ref in refs if ref != "main"]

    def contents(self) -> dict[str, list[tuple]]:
        """The rows of each table that runs load, without columns that begin with `_`, in no order."""
        return {name: self.rows(name) for name in LOADED_TABLES}

    def columns(self, table: str, *names: str) -> list[tuple]:
        """Some columns of a published table, in no order."""
        values = self.iceberg(table).scan(selected_fields=names).to_arrow().to_pydict()
        return list(zip(*(values[name] for name in names), strict=True))

    def rows(self, table: str, row_filter: str = "true") -> list[tuple]:
        """A published table's rows, without columns that begin with `_`, in no order."""
        iceberg = self.iceberg(table)
        columns = [field.name for field in iceberg.schema().fields if not field.name.startswith("_")]
        values = iceberg.scan(row_filter, tuple(columns)).to_arrow().select(columns).to_pydict()
        return list(zip(*values.values(), strict=True))

    def clear(self) -> None:
        """Forget all files and loaded tables, as in a new lake, with Spark still warm. No run may be going."""
        assert self.running_run() is None
        catalog = self._catalog()
        for table in LOADED_TABLES:
            try:
                catalog.drop_table(self.catalog_name(table))
            except NoSuchTableError:
                continue
        glue, raw = self.aws("glue"), self.names.database("raw")
        for table in glue.get_tables(DatabaseName=raw)["TableList"]:
            glue.delete_table(DatabaseName=raw, Name=table["Name"])
        bucket = self._resource("s3").Bucket(self.names.bucket)
        for prefix in ("raw/", *(f"{table.replace('.', '/')}/" for table in LOADED_TABLES)):
            bucket.object_versions.filter(Prefix=prefix).delete()
        files = self._resource("dynamodb").Table(self.names.files_table)
        for item in files.scan(ProjectionExpression="object_id")["Items"]:
            files.delete_item(Key=item)

    def _resource(self, service: str) -> Any:
        return _resource(service, self.process.url)

    def _catalog(self) -> Any:
        return _catalog(self.process.url)


# Made once for each place where a lake answers: making one costs more than a hundred calls.


@cache
def _client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url, **CREDENTIALS)


@cache
def _resource(service: str, url: str) -> Any:
    return boto3.resource(service, endpoint_url=url, **CREDENTIALS)


@cache
def _catalog(url: str) -> Any:
    return load_catalog(
        "lake",
        **{
            "type": "glue",
            "glue.endpoint": url,
            "s3.endpoint": url,
            "client.region": CREDENTIALS["region_name"],
            "client.access-key-id": CREDENTIALS["aws_access_key_id"],
            "client.secret-access-key": CREDENTIALS["aws_secret_access_key"],
        },
    )


def with_handler(package: bytes, change: Callable[[str], str]) -> bytes:
    """A function's deployment package with its handler changed."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == "handler.py" else content)
    return changed.getvalue()


def first_differences(expected: Iterable[Any], found: Iterable[Any]) -> dict[str, list[Any]]:
    """Up to three rows that only one side has, each as often as it has it; empty where both are equal."""
    wanted, got = Counter(expected), Counter(found)
    sides = {"missing": wanted - got, "unexpected": got - wanted}
    return {side: sorted(rows.elements(), key=repr)[:3] for side, rows in sides.items() if rows}


def eventually(condition: Callable[[], Any], timeout_s: float) -> Any:
    """Wait until `condition()` is true, and return it; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s * PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout_s} s"
        time.sleep(0.3)
    return found


def free_port() -> int:
    """A port that nobody has, below those that the kernel hands out: it stays free until the lake listens there."""
    for port in random.SystemRandom().sample(range(20_000, 30_000), 100):
        if control.is_free(port):
            return port
    raise OSError("none of a hundred ports is free")
