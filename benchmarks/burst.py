"""How long do thousands of tiny files take, all in one run?

    .venv/bin/python -m benchmarks.burst [--files 3000]

The lake is one of its own, in a temporary folder. Its lock is taken while the files are uploaded, so that one run
takes them all; then prints the seconds of each state, the largest state that the execution carried, and the CPU
seconds of the whole lake, which say more than seconds do on a machine that is shared.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import boto3

from benchmarks.warm_run import shoplake
from local import control
from local.memory import PROC, family
from shoplake.config import load_lake

HEADER = "order_id,product_id,quantity,unit_price,ordered_at"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--files", type=int, default=3000)
    count = options.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOPLAKE_STATE_DIR"] = f"{folder}/lake"
        shoplake("up")
        try:
            measure(count, Path(folder))
        finally:
            shoplake("down")


def measure(count: int, folder: Path) -> None:
    process = control.status(folder / "lake")
    os.environ.update(control.environment(process))
    lake = load_lake("local")
    runs = boto3.resource("dynamodb").Table(lake.runs_table)
    lock = {"kind": "lock", "id": "lake", "run_id": "benchmark", "acquired_at": "2999-01-01T00:00:00.000Z"}
    runs.put_item(Item=lock)
    began = time.monotonic()
    shoplake("drop", "transactions", *map(str, write_files(folder / "files", count)))
    while json.loads(shoplake("status", "--json"))["files"]["waiting"] < count:
        time.sleep(1)
    print(f"{count:,} files recorded in {time.monotonic() - began:.1f} s", flush=True)
    runs.delete_item(Key={"kind": "lock", "id": "lake"})
    before_s = cpu_seconds(process.pid)
    run = json.loads(shoplake("run", "--wait", "--json", "--timeout", "3600"))
    used_s = cpu_seconds(process.pid) - before_s
    for state in run["states"]:
        print(f"  {state['name']:<26} {state['seconds']:7.1f} s")
    print(f"  {'In all':<26} {run['seconds']:7.1f} s, {used_s:.0f} CPU seconds of {os.cpu_count()} cores")
    print(f"  files accepted: {run['files']['accepted']:,} of {count:,}; rows applied: {run['rows']['applied']:,}")
    print(f"  largest input or output of a state: {largest_state(lake.execution_arn(run['run_id'])):,} bytes")


def write_files(folder: Path, count: int) -> list[Path]:
    """So many files of one order line each."""
    folder.mkdir()
    paths = [folder / f"{number:06d}.csv" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(f"{HEADER}\nB-{number},P-{number % 50},2,2.50,2025-01-{number % 28 + 1:02d} 10:00:00\n")
    return paths


def cpu_seconds(pid: int) -> float:
    """CPU time so far of a process and all that it has started and still runs."""
    fields = ((PROC / str(one) / "stat").read_text().rpartition(")")[2].split() for one in family(pid))
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


def largest_state(execution_arn: str) -> int:
    history = boto3.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in history.paginate(executionArn=execution_arn) for event in page["events"]]
    details = [value for event in events for name, value in event.items() if name.endswith("EventDetails")]
    return max(len(detail[side].encode()) for detail in details for side in ("input", "output") if side in detail)


if __name__ == "__main__":
    main()
