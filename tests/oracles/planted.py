"""The unknown keys that a generated shop's dirt planted in place of known ones, read at their file and line of
truth.jsonl: shares no code with the generator or the lake.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planted:
    """A record of a CSV as it stands there, and the column whose value the dirt changed."""

    dataset: str
    record: dict[str, str]
    column: str
    value: str


def unknown_keys(folder: Path) -> list[Planted]:
    """Every unknown key in the orders and reviews of a shop."""
    entries = map(json.loads, (folder / "truth.jsonl").read_text().splitlines())
    return list(_found(folder, [entry for entry in entries if entry["expected"].get("outcome") == "applied"]))


def _found(folder: Path, entries: list[dict]) -> Iterator[Planted]:
    for entry in entries:
        dataset, said = entry["file"].removeprefix("late/").split("/")[0], entry["expected"]
        lines = _text(folder / entry["file"]).splitlines()
        delimiter = max(",;\t", key=lines[0].count)
        (names, cells) = csv.reader([lines[0], lines[entry["line"] - 1]], delimiter=delimiter)
        record = dict(zip(names, cells, strict=True))
        if "Order No" in record:  # one of the dirt's other names for columns
            record["order_id"] = record["Order No"]
        assert said["value"] in cells, entry
        yield Planted(dataset, record, said["column"], said["value"])


def _text(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    if content.startswith(b"\xff\xfe"):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")
