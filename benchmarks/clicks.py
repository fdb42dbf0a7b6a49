"""What does a megabyte of clicks cost in a lake that holds millions of events, against a lake that holds none?

    .venv/bin/python -m benchmarks.clicks [--orders-per-day 1250]

The lake is one of its own, in a temporary folder. It is filled with a day of a generated shop's clicks, loaded by a
run, and with that day's rows 29 times more, each a day later, written beside the runs: about five million events. The
megabyte is a late one: of visitors who were there at that time, so that their sessions are cut anew.
"""

import argparse
import json
import os
import re
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.burst import cpu_seconds
from benchmarks.warm_run import shoplake
from local import control
from shoplake.catalog import LakeCatalog
from shoplake.config import load_lake
from shoplake.tables import load_tables

FIRST_DAY = date(2025, 1, 1)
DAYS = 30
MEGABYTE = 1_000_000
KEYS = {"processed.events": "event_id", "processed.sessions": "session_id"}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--orders-per-day", type=int, default=1250)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOPLAKE_STATE_DIR"] = f"{folder}/lake"
        shoplake("up")
        try:
            measure(Path(folder), given.orders_per_day)
        finally:
            shoplake("down")


def measure(folder: Path, orders_per_day: int) -> None:
    process = control.status(folder / "lake")
    os.environ.update(control.environment(process))
    shoplake("generate", "--days", "1", "--orders-per-day", str(orders_per_day), "--datasets", "clickstream",
             "--start", FIRST_DAY.isoformat(), "--out", f"{folder}/shop")  # fmt: skip
    (clicks,) = folder.glob("shop/clickstream/*/*/*.jsonl")
    for name, day in (("warm up", date(2024, 5, 1)), ("empty", date(2024, 6, 1))):
        load(name, late_file(clicks, folder / f"{name}.jsonl", day), process.pid)
    load("a day", clicks, process.pid)
    fill()
    load("full", late_file(clicks, folder / "full.jsonl", FIRST_DAY + timedelta(days=14)), process.pid)


def late_file(clicks: Path, path: Path, day: date) -> Path:
    """A megabyte of the day's events, every so many of them, again on another day under other names."""
    lines = clicks.read_text().splitlines(keepends=True)
    step = max(1, sum(map(len, lines)) // MEGABYTE)
    text = "".join(lines[::step])
    text = text.replace(f'"event_time":"{FIRST_DAY}', f'"event_time":"{day}')
    text = re.sub(r'"event_id":"E\d{8}([^"]*)"', rf'"event_id":"E{day:%Y%m%d}\1-late"', text)
    path.write_text(text)
    return path


def load(name: str, file: Path, pid: int) -> None:
    """One file, one run; the seconds of it, and of its job for clicks."""
    before_s = cpu_seconds(pid)
    (run,) = json.loads(shoplake("drop", "clickstream", str(file), "--wait", "--json", "--timeout", "3600"))["runs"]
    used_s = cpu_seconds(pid) - before_s
    seconds = {state["name"]: state["seconds"] for state in run["states"]}
    sessions = run["tables"]["processed.sessions"]
    print(
        f"{name}: {file.stat().st_size / MEGABYTE:.1f} MB, {run['rows']['applied']:,} events, sessions {sessions}: "
        f"{run['seconds']:.1f} s in all, {used_s:.0f} CPU seconds, Transform {seconds['Transform']:.1f} s, "
        f"Check quality {seconds['Check quality']:.1f} s",
        flush=True,
    )


def fill() -> None:
    """The first day's rows again on each of the days after it."""
    catalog = LakeCatalog(load_lake("local"))
    for name, key in KEYS.items():
        table = catalog.load(load_tables()[name])
        rows = table.scan(
            f"{'event_time' if key == 'event_id' else 'started_at'} >= '{FIRST_DAY}T00:00:00+00:00'"
        ).to_arrow()
        for number in range(1, DAYS):
            table.append(shifted(rows, key, number))
        print(f"{name}: {table.scan().count():,} rows", flush=True)


def shifted(rows: pa.Table, key: str, days: int) -> pa.Table:
    """Rows of an earlier day as if they were of a later one, with keys of their own."""
    length = pa.scalar(timedelta(days=days), pa.duration("us"))
    for number, column in enumerate(rows.schema):
        values = rows.column(number)
        if column.name == key:
            values = values_of_key(values, days)
        elif pa.types.is_timestamp(column.type):
            values = pc.add(values, length)
        elif pa.types.is_date(column.type):
            values = pc.cast(pc.add(pc.cast(values, pa.int32()), days), pa.date32())
        rows = rows.set_column(number, column, values.cast(column.type))
    return rows


def values_of_key(values: pa.ChunkedArray, days: int) -> pa.ChunkedArray:
    """Other keys: an event's grows with time, as the shop's do; a session's is a hash."""
    if values[0].as_py().startswith("E"):
        return pc.replace_substring(values, f"E{FIRST_DAY:%Y%m%d}", f"E{FIRST_DAY + timedelta(days=days):%Y%m%d}")
    return pc.binary_join_element_wise(values, f"-{days}", "")


if __name__ == "__main__":
    main()
