"""From lines to files: parts of a day, what they hold, and the truth about what was planted in them."""

import gzip
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator.defects import QUARANTINED, Planted
from generator.forms import Form

SOURCE, TRUTH = "shop", "truth.jsonl"
LATE = "late"
"""A second tree, for files of a day that come days later."""


class Tree:
    """The folder of a generated shop: files by key, counts of them, and truth.jsonl."""

    def __init__(self, out: Path, truth: TextIO):
        self.out = out
        self.files: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self._truth = truth

    @classmethod
    @contextmanager
    def make(cls, out: Path) -> Iterator["Tree"]:
        out.mkdir(parents=True, exist_ok=True)
        with (out / TRUTH).open("w", encoding="utf-8", newline="\n") as truth:
            yield cls(out, truth)

    def tell(self, file: str, line: int | None, kind: str, expected: dict[str, Any]) -> None:
        """One planted defect: the file's key after raw/, the physical line from 1, what the lake must say."""
        self.planted[kind] += 1
        entry = {"file": file, "line": line, "kind": kind, "expected": expected}
        self._truth.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def count(self, dataset: str, file: str, rows: int) -> None:
        self.files[dataset] += 1
        self.rows[dataset] += rows
        self.bytes[dataset] += (self.out / file).stat().st_size

    def write(self, dataset: str, file: str, content: bytes, rows: int) -> None:
        """A small file at once."""
        path = self.out / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.count(dataset, file, rows)


def folder(dataset: str, day: str) -> str:
    """Where a day's files are, as under raw/."""
    return f"{dataset}/source={SOURCE}/date={day}"


class Parts:
    """The files of one dataset and day, in one form; a new one whenever one has reached its size."""

    def __init__(self, tree: Tree, dataset: str, stem: str, form: Form, part_bytes: int):
        """`stem` is the files' folder and the beginning of their names."""
        self.tree, self.dataset, self.form = tree, dataset, form
        self.written: list[str] = []
        self._stem, self._part_bytes = stem, part_bytes
        self._file: Any = None

    def write(self, lines: pa.StringArray, planted: list[Planted]) -> None:
        """Add lines, of which some have defects."""
        if not len(lines):
            return
        if self._file is not None and self._bytes >= self._part_bytes:
            self._end()
        if self._file is None:
            self._begin()
        content = self.form.encode(lines)
        self._is_ascii = self._is_ascii and self.form.encoding == "latin-1" and content.isascii()
        self._out.write(content)
        self._bytes += len(content)
        if planted:
            breaks = np.cumsum(pc.count_substring(lines, "\n").to_numpy())
            starts = self._next_line + np.arange(len(lines)) + np.concatenate([[0], breaks[:-1]])
            for one in planted:
                of = {} if one.of is None else {"of_line": int(starts[one.of])}
                self._defects.append((int(starts[one.position]), one.kind, one.expected | of))
        self._next_line += len(lines) + pc.sum(pc.count_substring(lines, "\n")).as_py()
        self._rows += len(lines)

    def close(self) -> None:
        if self._file is not None:
            self._end()

    def _begin(self) -> None:
        name = f"{self._stem}-{len(self.written) + 1:04d}{self.form.suffix}"
        path = self.tree.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._out = self.form.open(self._file)
        self._out.write(self.form.begin)
        self._bytes, self._rows, self._next_line, self._is_ascii = 0, 0, 1, True
        self._defects: list[tuple[int, str, dict[str, Any]]] = []
        if self.form.header is not None:
            self._out.write(self.form.encode(pa.array([self.form.header])))
            self._next_line = 2
        self.written.append(name)

    def _end(self) -> None:
        name = self.written[-1]
        if self._out is not self._file:
            self._out.close()
        self._file.close()
        self._file = None
        self.tree.count(self.dataset, name, self._rows)
        if self.form.kind != "plain":
            has_rejects = any(expected["outcome"] == QUARANTINED for _, _, expected in self._defects)
            verdict = "accepted_with_rejects" if has_rejects else "accepted"
            expected = {"verdict": verdict, **self.form.expected}
            if self.form.encoding == "latin-1" and self._is_ascii:
                expected["encoding"] = "utf-8"  # without an accent nobody can tell
            self.tree.tell(name, None, self.form.kind, expected)
        for line, kind, expected in self._defects:
            self.tree.tell(name, line, kind, expected)


def copy(tree: Tree, dataset: str, original: str) -> None:
    """The same bytes under another name."""
    stem, dot, suffix = original.rpartition("/")[2].partition(".")
    name = f"{original.rpartition('/')[0]}/{stem}_copy{dot}{suffix}"
    shutil.copyfile(tree.out / original, tree.out / name)
    tree.count(dataset, name, 0)
    # Which of the two comes first, and is loaded, is for the upload to say.
    tree.tell(name, None, "duplicate_file", {"verdict": "duplicate", "same_bytes_as": original})


REFUSED_FILES = {
    "empty_file": ("empty", ".csv"),
    "cut_gzip": ("truncated", ".csv.gz"),
    "missing_column": ("missing_column", ".csv"),
    "spreadsheet": ("wrong_format", ".xlsx"),
}


def refused_file(tree: Tree, dataset: str, place: str, kind: str, sample: bytes) -> None:
    """A file that can't be loaded, with records that are also in a good one. `sample` is a header and some lines."""
    reason, suffix = REFUSED_FILES[kind]
    content = {
        "empty_file": b"",
        "cut_gzip": _gzipped(sample)[:-12],
        "missing_column": sample.replace(b"product_id", b"colour", 1),
        "spreadsheet": b"PK\x03\x04" + sample,
    }[kind]
    name = f"{place}/{dataset}-{kind.replace('_', '-')}{suffix}"
    tree.write(dataset, name, content, 0)
    tree.tell(name, None, kind, {"verdict": "refused", "reason": reason})


def _gzipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", mtime=0, fileobj=out) as file:
        file.write(content)
    return out.getvalue()
