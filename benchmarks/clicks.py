"""What does a megabyte of clicks cost in a lake that holds millions of events, against a lake that holds none?

    .venv/bin/python -m benchmarks.clicks [--orders-per-day 210] [--days 54]

The lake is one of its own, in a temporary folder. It is filled with a day of a generated shop's clicks, loaded by a
run, and with that day's rows again: as they are on each day after it, and of other visitors four times more on each,
written beside the runs as one file a day, which is how the job's own writes lie: about five million events. The
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
import pyarrow.parquet as pq
from pyiceberg.table import Table

from benchmarks.burst import cpu_seconds
from benchmarks.warm_run import shoplake
from local import control
from shoplake.aws import get_json
from shoplake.catalog import LakeCatalog
from shoplake.config import Lake, load_lake
from shoplake.tables import load_tables

FIRST_DAY = date(2025, 1, 1)
MEGABYTE = 1_000_000
CROWDS = ("", "b", "c", "d", "e")  # of visitors, behind whose ids each is named
KEYS = {"processed.events": "event_id", "processed.sessions": "session_id"}
JOB = "clickstream_aggregation"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--orders-per-day", type=int, default=210, help="of one crowd of visitors")
    options.add_argument("--days", type=int, default=54)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOPLAKE_STATE_DIR"] = f"{folder}/lake"
        shoplake("up")
        try:
            measure(Path(folder), given.orders_per_day, given.days)
        finally:
            shoplake("down")


def measure(folder: Path, orders_per_day: int, days: int) -> None:
    process = control.status(folder / "lake")
    os.environ.update(control.environment(process))
    shoplake("generate", "--days", "1", "--orders-per-day", str(orders_per_day), "--datasets", "clickstream",
             "--start", FIRST_DAY.isoformat(), "--out", f"{folder}/shop")  # fmt: skip
    (clicks,) = folder.glob("shop/clickstream/*/*/*.jsonl")
    lake, pid = load_lake("local"), process.pid
    load(lake, "warm up", late_file(clicks, folder / "warm-up.jsonl", date(2024, 5, 1)), pid)
    empty = load(lake, "empty", late_file(clicks, folder / "empty.jsonl", date(2024, 6, 1)), pid)
    load(lake, "a day", clicks, pid)
    fill(LakeCatalog(lake), days)
    full = load(lake, "full", late_file(clicks, folder / "full.jsonl", FIRST_DAY + timedelta(days=days // 2)), pid)
    print("full / empty: " + ", ".join(f"{name} {full[name] / empty[name]:.2f}" for name in empty), flush=True)


def late_file(clicks: Path, path: Path, day: date) -> Path:
    """A megabyte of the day's events, every so many of them, again on another day under other names."""
    lines = clicks.read_text().splitlines(keepends=True)
    step = max(1, sum(map(len, lines)) // MEGABYTE)
    text = "".join(lines[::step])
    text = text.replace(f'"event_time":"{FIRST_DAY}', f'"event_time":"{day}')
    text = re.sub(r'"event_id":"E\d{8}([^"]*)"', rf'"event_id":"E{day:%Y%m%d}\1-late"', text)
    path.write_text(text)
    return path


def load(lake: Lake, name: str, file: Path, pid: int) -> dict[str, float]:
    """One file, one run. Returns the seconds of it, of its job for clicks, and of all processors."""
    before_s = cpu_seconds(pid)
    (run,) = json.loads(shoplake("drop", "clickstream", str(file), "--wait", "--json", "--timeout", "3600"))["runs"]
    used_s = cpu_seconds(pid) - before_s
    ledger = get_json(lake.bucket, lake.run_keys(run["run_id"]).ledger(JOB))
    seconds = {"run": run["seconds"], "job": ledger["seconds"], "CPU": used_s}
    print(
        f"{name}: {file.stat().st_size / MEGABYTE:.1f} MB, {run['rows']['applied']:,} events, "
        f"sessions {ledger['tables']['processed.sessions']}: "
        + ", ".join(f"{what} {value:.1f} s" for what, value in seconds.items()),
        flush=True,
    )
    return seconds


def fill(catalog: LakeCatalog, days: int) -> None:
    """The first day's rows again on each of the days after it, and of more visitors on all of them."""
    for name, key in KEYS.items():
        table = catalog.load(load_tables()[name])
        at = table.schema().find_field(table.spec().fields[0].source_id).name
        rows = table.scan(f"{at} >= '{FIRST_DAY}T00:00:00+00:00'").to_arrow()
        files = [
            write(
                table, number, pa.concat_tables(copy(rows, key, number, crowd) for crowd in CROWDS if number or crowd)
            )
            for number in range(days)
        ]
        table.add_files(files)
        print(f"{name}: {table.scan().count():,} rows in {len(files)} files more", flush=True)


def write(table: Table, number: int, rows: pa.Table) -> str:
    """One day's rows as a data file of a table."""
    place = f"{table.location()}/data/filled-{number:03}.parquet"
    with table.io.new_output(place).create() as file:
        pq.write_table(rows, file, compression="snappy")
    return place


def copy(rows: pa.Table, key: str, days: int, crowd: str) -> pa.Table:
    """Rows of the first day as if they were of a later one and of another crowd, with keys of their own."""
    length = pa.scalar(timedelta(days=days), pa.duration("us"))
    for number, column in enumerate(rows.schema):
        values = rows.column(number)
        if column.name == key:
            values = named(values, days, crowd)
        elif column.name == "visitor_id":
            values = joined(values, crowd)
        elif pa.types.is_timestamp(column.type):
            values = pc.add(values, length)
        elif pa.types.is_date(column.type):
            values = pc.cast(pc.add(pc.cast(values, pa.int32()), pa.scalar(days, pa.int32())), pa.date32())
        rows = rows.set_column(number, column.name, values.cast(column.type))
    return rows


def named(keys: pa.ChunkedArray, days: int, crowd: str) -> pa.ChunkedArray:
    """Other keys: an event's grows with time, as the shop's do; a session's is a hash."""
    if not keys[0].as_py().startswith("E"):
        return joined(keys, f"-{days}{crowd}")
    dated = pc.replace_substring(keys, f"E{FIRST_DAY:%Y%m%d}", f"E{FIRST_DAY + timedelta(days=days):%Y%m%d}")
    return joined(dated, crowd)


def joined(values: pa.ChunkedArray, ending: str) -> pa.ChunkedArray:
    """Texts with an ending."""
    text = [pa.scalar(part, values.type) for part in (ending, "")]
    return pc.binary_join_element_wise(values, *text)


if __name__ == "__main__":
    main()
