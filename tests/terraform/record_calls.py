"""Have every function and job of a local lake do its work on an emulator, and write down each call of AWS it makes.

A process of its own: `python -m tests.terraform.record_calls FOLDER` writes `FOLDER/calls.jsonl`. Calls of functions
and of the command line are written down where they are made (`recording/sitecustomize.py`); what pyarrow and Spark ask,
at the emulator's door.
"""

import importlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

FOLDER = Path(sys.argv[1]).absolute()
CALLS = FOLDER / "calls.jsonl"
os.environ |= {"RECORDED_CALLS": str(CALLS), "PYTHONPATH": f"{Path(__file__).parent / 'recording'}:{Path.cwd()}"}

import boto3  # noqa: E402
import pyarrow as pa  # noqa: E402

from local.emulator import Emulator  # noqa: E402
from local.java import java_environment  # noqa: E402
from local.provision import provision  # noqa: E402
from local.spark import process  # noqa: E402
from local.spark.job_run import JobExecution  # noqa: E402
from shoplake.artifacts import build_artifacts  # noqa: E402
from shoplake.aws import client  # noqa: E402
from shoplake.catalog import LakeCatalog  # noqa: E402
from shoplake.config import Lake, load_lake  # noqa: E402
from shoplake.files import Files, FileVersion, object_id  # noqa: E402
from shoplake.root import root  # noqa: E402
from shoplake.runs import ENDED, RUNNING, STARTING, Runs  # noqa: E402
from shoplake.tables import load_tables  # noqa: E402

ORDERS = b"order_id,line_number,product_id,quantity,unit_price,ordered_at\nA,1,P,1,2.50,2026-01-02T03:04:05Z\n"
RAGGED = ORDERS + b"B,1,P,1\n"
SHOP = {
    "transactions": ("shop.csv", ORDERS.replace(b"A,1", b"S,1") + b"T,1,P,many,2.50,2026-01-02T03:04:05Z\n"),
    "products": ("shop.csv", b"product_id,name,price,category_id\nP,Tea,2.50,c\nQ,Cup,dear,c\n"),
    "categories": ("shop.csv", b"category_id,name,parent_id\nc,Drinks,\n,Nameless,\n"),
    "clickstream": (
        "shop.csv",
        b"event_id,timestamp,visitor_id,action,page_url\n"
        b"e1,2026-01-02T03:00:00Z,v,page_view,https://shop.example.com/tea\n"
        b"e2,once,v,page_view,https://shop.example.com/tea\n",
    ),
    "customers": (
        "shop.csv",
        b"customer_id,email,phone,name,country\nC,tea@example.com,07700 900347,A Drinker,GB\n,,,Nobody,GB\n",
    ),
    "reviews": ("shop.csv", b"review_id,product_id,rating,text\nr1,P,5,Good\nr2,P,11,Better\n"),
}
WITHOUT_AMOUNTS = ORDERS + b"".join(b"W%d,1,P,1,much,2026-01-02T03:04:05Z\n" % number for number in range(60))
JOBS = "jobs"  # the access key of the process that runs them
# The command line, for which `local` is an environment like any other: it looks for no lake that `shoplake up` started.
COMMAND_LINE = """
from cli import connection
connection.LOCAL = "laptop"
from cli.main import main
main()
"""
PATIENCE_S = 600


class Recorded(Emulator):
    """An emulator that writes down what pyarrow in functions, and all that jobs ask."""

    def _noting_changes(self, application):
        noting = super()._noting_changes(application)

        async def recording(scope, receive, send):
            headers = {name.decode().lower(): value.decode() for name, value in scope.get("headers", [])}
            who, service = _signature(headers)
            is_of_function = who.startswith("function-") and "boto" not in headers.get("user-agent", "").lower()
            if who != JOBS and not is_of_function:
                return await noting(scope, receive, send)
            body, again = (b"", receive) if service == "s3" and scope["method"] == "PUT" else await _read(receive)
            line = {"by": OneJobAtATime.running if who == JOBS else who.removeprefix("function-")}
            if service == "s3":
                query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
                path = unquote(urlsplit(scope["path"]).path)
                given = {"path": path, "query": query, "copied": unquote(headers.get("x-amz-copy-source", ""))}
                if "delete" in query:
                    given["keys"] = re.findall(r"<Key>([^<]+)</Key>", body.decode())
                line |= {"service": "s3-http", "call": scope["method"], "given": given}
            else:
                call = headers["x-amz-target"].rpartition(".")[2]
                line |= {"service": service, "call": call, "given": json.loads(body)}

            async def answering(message):
                line.setdefault("was_missing", message.get("status") == 404)
                await send(message)

            await noting(scope, again, answering)
            with CALLS.open("a") as calls:
                calls.write(json.dumps(line) + "\n")

        return recording


def _signature(headers: dict[str, str]) -> tuple[str, str]:
    """Who signed a request (the access key), and for which service."""
    found = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
    return (found[1], found[2]) if found else ("", "")


async def _read(receive):
    """A request's body, and a `receive` that gives it again."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    left = iter(messages)

    async def again():
        return next(left, None) or await receive()

    return b"".join(message.get("body", b"") for message in messages), again


class OneJobAtATime(JobExecution):
    """All jobs share one JVM: one at a time, a request is that one's."""

    running = "no job"
    _turn = threading.Lock()

    def run_to_end(self) -> None:
        with self._turn:
            OneJobAtATime.running = self._job["Name"].removeprefix("shoplake-local-").replace("-", "_")
            super().run_to_end()


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    emulator = Recorded(port, FOLDER / "state").start()
    importlib.import_module("local.gaps.glue_jobs").JobExecution = OneJobAtATime
    process.java_environment = lambda: {**java_environment(), "AWS_ACCESS_KEY_ID": JOBS}
    boto3.setup_default_session()
    lake = load_lake("local")
    try:
        provision(lake, build_artifacts(root(), FOLDER / "build"))
        Story(lake).tell()
    finally:
        emulator.stop()


class Story:
    """What happens to the lake: a shop's files, bad ones among them, a failure, a death; and what an operator asks."""

    def __init__(self, lake: Lake):
        self.lake, self.runs, self.files = lake, Runs(lake.runs_table), Files(lake.files_table)
        self.dropped: list[str] = []

    def tell(self) -> None:
        self.drop_shop()
        self.drop("raw/transactions/date=2026-01-02/orders.csv", ORDERS)
        self.drop("raw/transactions/date=2026-01-02/ragged.csv", RAGGED)
        self.drop("raw/transactions/date=2026-01-02/without-amounts.csv", WITHOUT_AMOUNTS)
        self.drop("raw/unknown/a.csv", ORDERS)
        self.until_idle()
        self.drop("raw/transactions/date=2026-01-03/again.csv", ORDERS)  # a duplicate, and a known header
        self.drop("raw/transactions/date=2026-01-03/new.csv", ORDERS.replace(b"A,1", b"C,1"))
        self.until_idle()
        published = self.begin("2026-01-02-9001", branch=True)
        self.call("publish", {"run_id": published})
        self.call("refresh_athena", {"run_id": published})
        self.call("notify", {"run_id": published})
        failed = self.begin("2026-01-02-9002", branch=True)
        failure = {"state": "Check quality", "error": "States.TaskFailed", "cause": "a rule was not met"}
        self.call("roll_back", {"run_id": failed, "failure": failure})
        self.call("notify", {"run_id": failed, "failure": failure})
        dead = self.begin("2026-01-02-9003", branch=True)
        self.call("run_ended", {"detail": {"name": dead, "status": "ABORTED"}})
        self.begin("2026-01-02-9004", branch=False)  # nobody ever starts it: the dispatcher has it closed
        self.call("dispatcher", {"action": "run", "quiet_before": "2100-01-01T00:00:00Z"})
        self.until_idle()
        self.call("dispatcher", {"action": "sweep"})
        self.call("dispatcher", {"action": "replay", "run_id": failed})
        self.call("measure_lake", {})
        self.until_idle()
        self.operate(failed)
        gone = FileVersion("raw/transactions/gone.csv", "v1", "transactions", 1, "e", _now())
        self.call("file_validator", {"run_id": failed, "file": {**gone.values(), "number": 0}})

    def operate(self, failed: str) -> None:
        """What an operator does, and an analyst asks."""
        orders = FOLDER / "orders.csv"
        orders.write_bytes(ORDERS)  # loaded long ago: a run that ends without a job
        given_up = FileVersion("raw/transactions/given-up.csv", "v1", "transactions", 1, "e", _now())
        self.files.record(given_up)
        for command in (
            f"discard {given_up.key} --yes", "status", "runs", "show", f"show {failed}", "receipt", "tables", "queries",
            "query @low-stock", f"drop transactions {orders}", "run", f"watch {failed}",
        ):  # fmt: skip
            self.shoplake(*command.split(), by="operator")
        self.until_idle()
        self.shoplake("queries", by="analyst")
        self.shoplake("query", "@low-stock", by="analyst")

    def drop_shop(self) -> None:
        """A file of each dataset, with a line that breaks a rule in each."""
        for dataset, (name, content) in SHOP.items():
            self.drop(f"raw/{dataset}/date=2026-01-02/{name}", content)

    def shoplake(self, *arguments: str, by: str = "") -> None:
        """A command of the command line; recorded where it is said by whom. Its exit code is of no interest here."""
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": by or "the-story", "POWERTOOLS_SERVICE_NAME": by}
        command = [sys.executable, "-c", COMMAND_LINE, "--env", self.lake.env, *arguments]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        if "Traceback" in answer.stderr:
            raise SystemExit(f"{command}: {answer.stderr[-3000:]}")

    def drop(self, key: str, body: bytes) -> None:
        version = client("s3").put_object(Bucket=self.lake.bucket, Key=key, Body=body)["VersionId"]
        self.dropped.append(object_id(key, version))

    def call(self, function: str, event: dict) -> None:
        answer = client("lambda").invoke(
            FunctionName=self.lake.function_name(function), Payload=json.dumps(event).encode()
        )
        if "FunctionError" in answer:
            raise SystemExit(f"{function}: {answer['Payload'].read().decode()[:2000]}")

    def begin(self, run_id: str, branch: bool) -> str:
        """A run that holds the lake, with a row on its branch as a job would have written it."""
        at = datetime.now(UTC)
        self._until(lambda: self.runs.take_lock(run_id, at))
        self.runs.begin(run_id, {"mode": "arrivals", "started_at": _now()})
        self.runs.move(run_id, RUNNING, (STARTING,))
        client("s3").put_object(Bucket=self.lake.bucket, Key=f"runs/{run_id}/manifest.jsonl", Body=b"")
        if branch:
            declared = next(table for table in load_tables().values() if table.branched and table.partition is None)
            table = LakeCatalog(self.lake).load(declared)
            schema = table.schema().as_arrow()
            if not table.refs():
                table.append(pa.Table.from_pylist([], schema=schema))
            snapshot = table.current_snapshot()
            with table.manage_snapshots() as manage:
                manage.create_branch(snapshot.snapshot_id, run_id)
            row = {field.name: None for field in schema}
            table.append(pa.Table.from_pylist([row], schema=schema), branch=run_id)
        return run_id

    def until_idle(self) -> None:
        """Until every dropped file has its last word, every run has ended, and nobody holds the lake."""
        for name in self.dropped:
            self._until(
                lambda name=name: (self.files.get(name) or {}).get("state") not in (None, "received", "claimed")
            )
        self._until(lambda: self.runs.lock() is None and all(run["state"] in ENDED for run in self.runs.latest(2)))

    def _until(self, condition) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"the lake is still busy: {self.runs.lock()}, {self.runs.latest(3)}")
            time.sleep(0.2)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    main()
