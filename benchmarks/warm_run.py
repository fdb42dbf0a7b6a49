"""How long does a file take from the drop to the published table, on a lake that is warm?

    make bench

Drops files of 1 MB, one run each, through the real command, and prints the seconds of each state from the
receipts: least, median and most over the runs, and the lake's memory after them. The lake is one of its own, in
a temporary folder.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.orders import write_orders

SHOPLAKE = Path(sys.executable).with_name("shoplake")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--runs", type=int, default=3, help="counted runs, after one that warms up")
    options.add_argument("--megabytes", type=float, default=1.0, help="size of each file")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOPLAKE_STATE_DIR"] = f"{folder}/lake"
        shoplake("up")
        try:
            receipts = [drop(Path(folder), seed, given.megabytes) for seed in range(given.runs + 1)]
            memory = json.loads(shoplake("status", "--json"))["memory_bytes"]
        finally:
            shoplake("down")
    report(receipts[1:], memory, given.megabytes)


def drop(folder: Path, seed: int, megabytes: float) -> dict:
    """One file, one run. Returns its receipt."""
    path = folder / f"orders-{seed}.csv"
    lines = write_orders(path, int(megabytes * 1_000_000), seed)
    answer = json.loads(shoplake("drop", "transactions", str(path), "--wait", "--json"))
    (run,) = answer["runs"]
    print(f"run {run['run_id']}: {lines:,} lines in {run['seconds']:.1f} s", flush=True)
    return json.loads(shoplake("receipt", run["run_id"], "--json"))


def report(receipts: list[dict], memory_bytes: int, megabytes: float) -> None:
    """Seconds by state: least, median, most."""
    print(f"\n{len(receipts)} runs of {megabytes:g} MB on a warm lake, seconds: least, median, most")
    names = [state["name"] for state in receipts[0]["states"]]
    rows = {name: [s["seconds"] for r in receipts for s in r["states"] if s["name"] == name] for name in names}
    for name, seconds in {**rows, "In all": [r["seconds"] for r in receipts]}.items():
        print(f"  {name:<26} {min(seconds):7.1f} {statistics.median(seconds):7.1f} {max(seconds):7.1f}")
    print(f"  memory of the whole lake: {memory_bytes / 1e9:.2f} GB")


def shoplake(*arguments: str) -> str:
    """The real command; what it complains of goes to the terminal."""
    return subprocess.run([SHOPLAKE, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
