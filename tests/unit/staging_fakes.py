"""A small contract and a short way to stage bytes, for the tests of the staging engine."""

import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq

from shoplake.staging import Limits, Staging, stage

ACCEPTED = {"id": ["id", "order_no"], "name": ["name", "title"], "price": ["price", "unit_price"]}
REQUIRED = ("id", "price")


@dataclass(frozen=True)
class FakeSource:
    name: str


@dataclass(frozen=True)
class FakeMatch:
    source: FakeSource | None
    columns: dict[str, int]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    ambiguous: dict[str, list[str]]


class FakeContract:
    """A dataset with the columns id, name and price, of which id and price are required."""

    dataset = "things"
    formats = ("csv",)
    personal: ClassVar = {}

    def accepted_names(self, column: str) -> list[str]:
        return ACCEPTED[column]

    def match_header(self, header: list[str]) -> FakeMatch:
        found: dict[str, list[int]] = {}
        extra = []
        for position, name in enumerate(header):
            column = next((c for c, names in ACCEPTED.items() if name.strip().lower() in names), None)
            if column:
                found.setdefault(column, []).append(position)
            else:
                extra.append(name)
        return FakeMatch(
            source=FakeSource("fake"),
            columns={column: positions[0] for column, positions in found.items()},
            missing=tuple(column for column in REQUIRED if column not in found),
            extra=tuple(extra),
            ambiguous={c: [header[p] for p in places] for c, places in found.items() if len(places) > 1},
        )


@dataclass(frozen=True)
class Staged:
    """What staging some bytes gave: its answer, and what it wrote."""

    staging: Staging
    records: list[tuple]  # (line, raw, and the contract's columns in the order asked for)
    rejects: list[dict]
    left_files: list[str]

    @property
    def code(self) -> str | None:
        return self.staging.refusal and self.staging.refusal.code

    @property
    def sentence(self) -> str:
        return self.staging.refusal.sentence

    @property
    def cells(self) -> list[tuple]:
        return [record[2:] for record in self.records]

    @property
    def rejected(self) -> list[tuple]:
        """(line, reason) of each reject."""
        return [(reject["line"], *reject["reasons"]) for reject in self.rejects]


class Trickle(io.RawIOBase):
    """A stream that gives at most `size` bytes at a time, as a network does."""

    def __init__(self, data: bytes, size: int) -> None:
        self._inner, self._size = io.BytesIO(data), size

    def read(self, wanted: int = -1) -> bytes:
        return self._inner.read(self._size if wanted < 0 else min(wanted, self._size))


def stage_bytes(
    data: bytes,
    name: str = "things.csv",
    columns: Sequence[str] = ("id", "name", "price"),
    max_bytes: int = 10_000_000,
    max_record_bytes: int = 1_000_000,
    max_problems: int = 100,
    read_size: int = 1_000_000,
) -> Staged:
    """Stage `data` under a file name; small limits and reads bring out what only large files show."""
    with tempfile.TemporaryDirectory() as folder:
        staged_path, rejects_path = Path(folder, "staged.parquet"), Path(folder, "rejects.jsonl")
        staging = stage(
            Trickle(data, read_size),
            name,
            FakeContract(),
            staged_path,
            rejects_path,
            Limits(max_bytes, max_record_bytes, max_problems),
        )
        return read_staged(staging, folder, columns)


def read_staged(staging: Staging, folder: str, columns: Sequence[str]) -> Staged:
    """What staging left in a folder."""
    staged_path, rejects_path = Path(folder, "staged.parquet"), Path(folder, "rejects.jsonl")
    table = pq.read_table(staged_path) if staged_path.exists() else None
    known = [c for c in columns if table is not None and c in table.column_names]
    records = [] if table is None else [
        tuple(row[c] for c in ("_line", "_raw", *known)) for row in table.to_pylist()
    ]  # fmt: skip
    text = rejects_path.read_text(encoding="utf-8") if rejects_path.exists() else ""
    rejects = [json.loads(line) for line in text.split("\n") if line]
    return Staged(staging, records, rejects, sorted(path.name for path in Path(folder).iterdir()))
