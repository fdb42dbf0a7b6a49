"""How fast does the file validator read a file, and how much memory does it take?

    make bench, or: .venv/bin/python -m benchmarks.staging --megabytes 1000

Makes the same orders in every form, stages each in a process of its own, and prints the file's size, megabytes and
rows a second, milliseconds of CPU a megabyte, and the process's peak memory. Parquet is dense: its megabytes
are those of its rows as JSON text, and its file's size stands beside.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.orders import HEADER, order_lines

FORMS = (
    "csv",
    "csv.gz",
    "jsonl",
    "jsonl.gz",
    "mixed.jsonl",  # one record in three lacks a field
    "array.json",
    "array.json.gz",
    "object.json",  # the array at a path of one object
    "nested.jsonl",  # an object in each line
    "exploded.jsonl",  # an array of objects in each line, which become the records
    "parquet",
)
ORDER_FIELDS, LINES = ("order_id", "order_date", "customer", "country"), "lines"
NUMBERS = {"line_number": int, "qty": int, "price": float}
ROW_GROUP_ROWS = 100_000
LIMITS = (100_000_000_000, 10_000_000)  # bytes of a file, and of a record


def main() -> None:
    """Make, stage and print one form after the other."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--megabytes", type=float, default=20, help="size of each file's text (20)")
    options.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    options.add_argument("--write", help=argparse.SUPPRESS)  # in a process of its own, like the one that is measured:
    options.add_argument("--stage", help=argparse.SUPPRESS)  # a process begins with its parent's peak of memory
    given = options.parse_args()
    if given.write:
        print(write(Path(given.write), given.forms[0], given.megabytes * 1e6))
        return
    if given.stage:
        print(json.dumps(measure(Path(given.stage))))
        return
    print(
        f"{'form':<14} {'file MB':>8} {'text MB':>8} {'rows':>10} {'MB/s':>6} {'rows/s':>9} "
        f"{'CPU ms/MB':>9} {'peak MB':>8}"
    )
    for form in given.forms:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"orders.{form}")
            megabytes = again("--write", path, "--forms", form, "--megabytes", str(given.megabytes)) / 1e6
            found = again("--stage", path)
            print(
                f"{form:<14} {path.stat().st_size / 1e6:8.1f} {megabytes:8.1f} {found['rows']:10,} "
                f"{megabytes / found['seconds']:6.0f} {found['rows'] / found['seconds']:9,.0f} "
                f"{found['cpu_seconds'] * 1000 / megabytes:9.1f} {found['peak_bytes'] / 1e6:8.0f}",
                flush=True,
            )


def again(*arguments: str | Path) -> Any:
    """What this program prints when it is run with these arguments."""
    command = [sys.executable, "-m", "benchmarks.staging", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(path: Path) -> dict[str, float]:
    """Stage a file of orders under the contract that ships."""
    from shoplake.contracts import load_contract
    from shoplake.staging import Limits, stage

    contract = load_contract("transactions")
    if "exploded" in path.name:
        orders = replace(contract.source("shop"), header=(LINES,), explode=LINES)
        contract = replace(contract, sources=(orders,))
    started, cpu_started = time.monotonic(), time.process_time()
    with path.open("rb") as file:
        found = stage(
            file, path.name, contract, path.with_suffix(".staged"), path.with_suffix(".rejects"), Limits(*LIMITS)
        )
    if found.refusal or found.rows_quarantined:
        raise SystemExit(f"{path.name}: {found.refusal or found.problems[0]}")
    return {
        "rows": found.rows_staged,
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def write(path: Path, form: str, size_bytes: float) -> int:
    """Write orders of about this size; returns the bytes of the text."""
    if form == "parquet":
        return write_parquet(path, size_bytes)
    before, between, after = {
        "array.json": ("[", ",\n", "]\n"),
        "array.json.gz": ("[", ",\n", "]\n"),
        "object.json": ('{"orders": [', ",\n", "]}\n"),
    }.get(form, (HEADER + "\n" if form.startswith("csv") else "", "\n", "\n"))
    with gzip.open(path, "wb", compresslevel=1) if form.endswith(".gz") else path.open("wb") as file:
        written = file.write(before.encode())
        for number, record in enumerate(records(form)):
            written += file.write(((between if number else "") + record).encode())
            if written >= size_bytes:
                break
        return written + file.write(after.encode())


def records(form: str) -> Iterator[str]:
    """Orders without end, each as the text that it is in a form."""
    lines = order_lines(seed=1, days=3)
    if form.startswith("csv"):
        yield from lines
    elif form.startswith("exploded"):
        yield from map(json.dumps, whole_orders(map(order, lines)))
    else:
        for number, fields in enumerate(map(order, lines)):
            if form.startswith("nested"):
                fields["customer"] = {"id": fields["customer"], "country": fields.pop("country")}
            if form.startswith("mixed") and number % 3 == 0:
                del fields["country"]
            yield json.dumps(fields)


def whole_orders(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Orders, each with the array of its lines."""
    for _, group in groupby(lines, key=itemgetter("order_id")):
        of_order = list(group)
        yield {name: of_order[0][name] for name in ORDER_FIELDS} | {
            LINES: [{name: line[name] for name in line if name not in ORDER_FIELDS} for line in of_order]
        }


def order(line: str) -> dict[str, str | int | float]:
    """A line's fields, numbers as such."""
    return {name: NUMBERS.get(name, str)(cell) for name, cell in zip(HEADER.split(","), line.split(","), strict=True)}


def write_parquet(path: Path, size_bytes: float) -> int:
    """Typed orders in row groups; returns the bytes of the same rows as JSON text."""
    lines, written, writer = order_lines(seed=1, days=3), 0, None
    while written < size_bytes:
        rows = [order(line) for line in islice(lines, ROW_GROUP_ROWS)]
        mean = sum(len(json.dumps(row)) for row in rows[:1000]) / 1000
        table = pa.Table.from_pylist(rows[: 1 + int((size_bytes - written) / mean)])
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        written += int(table.num_rows * mean)
    writer.close()
    return written


if __name__ == "__main__":
    main()
