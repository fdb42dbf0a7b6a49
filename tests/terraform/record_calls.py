"""Have every function of a local lake do its work on an emulator, and write down each call of AWS that it makes.

A process of its own: `python -m tests.terraform.record_calls FOLDER` writes `FOLDER/calls.jsonl`. No Spark: jobs end at
once, and this module writes a branch where a job would have.
"""

import json
import os
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

FOLDER = Path(sys.argv[1]).absolute()
CALLS = FOLDER / "calls.jsonl"
os.environ |= {"RECORDED_CALLS": str(CALLS), "PYTHONPATH": f"{Path(__file__).parent / 'recording'}:{Path.cwd()}"}

import boto3  # noqa: E402
import pyarrow as pa  # noqa: E402

from local import gaps  # noqa: E402
from local.emulator import Emulator  # noqa: E402
from local.provision import provision  # noqa: E402
from shoplake.artifacts import build_artifacts  # noqa: E402
from shoplake.aws import client  # noqa: E402
from shoplake.catalog import LakeCatalog  # noqa: E402
from shoplake.config import Lake, load_lake  # noqa: E402
from shoplake.files import Files, object_id  # noqa: E402
from shoplake.root import root  # noqa: E402
from shoplake.runs import ENDED, RUNNING, STARTING, Runs  # noqa: E402
from shoplake.tables import load_tables  # noqa: E402

ORDERS = b"order_id,line_number,product_id,quantity,unit_price,ordered_at\nA,1,P,1,2.50,2026-01-02T03:04:05Z\n"
RAGGED = ORDERS + b"B,1,P,1\n"
PATIENCE_S = 120


class Recorded(Emulator):
    """An emulator that writes down the S3 requests that no Python makes."""

    def _noting_changes(self, application):
        noting = super()._noting_changes(application)

        async def recording(scope, receive, send):
            headers = {name.decode().lower(): value.decode() for name, value in scope.get("headers", [])}
            _, _, credential = headers.get("authorization", "").partition("Credential=function-")
            if credential and "/s3/" in credential and "boto" not in headers.get("user-agent", "").lower():
                given = {
                    "path": unquote(urlsplit(scope["path"]).path),
                    "query": dict(parse_qsl(scope["query_string"].decode())),
                }
                line = {"by": credential.split("/")[0], "service": "s3-http", "call": scope["method"], "given": given}
                with CALLS.open("a") as calls:
                    calls.write(json.dumps(line) + "\n")
            await noting(scope, receive, send)

        return recording


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gaps.GAPS = tuple(gap for gap in gaps.GAPS if gap != "glue_jobs")
    emulator = Recorded(port, FOLDER / "state").start()
    boto3.setup_default_session()
    lake = load_lake("local")
    provision(lake, build_artifacts(root(), FOLDER / "build"))
    Story(lake).tell()
    emulator.stop()


class Story:
    """What happens to the lake: good and bad files, a publication, a failure, a death."""

    def __init__(self, lake: Lake):
        self.lake, self.runs, self.files = lake, Runs(lake.runs_table), Files(lake.files_table)
        self.dropped: list[str] = []

    def tell(self) -> None:
        self.drop("raw/transactions/date=2026-01-02/orders.csv", ORDERS)
        self.drop("raw/transactions/date=2026-01-02/ragged.csv", RAGGED)
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
        self.runs.begin(run_id, {"mode": "arrivals", "started_at": at.isoformat().replace("+00:00", "Z")})
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


if __name__ == "__main__":
    main()
