"""Defects in single lines: what is planted, and what the lake must make of it.

A line that the lake must reject is one too many beside the good ones, so the shop's totals are the same with and
without dirt. An unknown key takes the place of a known one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generator.forms import Form, Record

SHOWN_CHARACTERS = 200  # of a value, in a verdict
NOT_SHOWN = "(not shown: may hold personal data)"
QUARANTINED, DUPLICATE, APPLIED = "quarantined", "duplicate", "applied"


@dataclass(frozen=True)
class Defect:
    """One kind of bad line: a column gets a value that breaks a rule of the lake."""

    kind: str
    column: str
    value: Any
    rule: str

    def make(self, form: Form, record: Record) -> str:
        return form.render({**record, self.column: self.value})

    def expected(self, text: str) -> dict[str, Any]:
        value = None if self.value in ("", None) else str(self.value)
        return {"outcome": QUARANTINED, "column": self.column, "value": value, "rule": self.rule}


@dataclass(frozen=True)
class StructuralDefect:
    """One kind of line that is no record. Of a person's line the lake shows nothing."""

    kind: str
    rule: str
    is_of_a_person: bool = False

    def make(self, form: Form, record: Record) -> str:
        match self.kind:
            case "torn_line":
                return form.torn(record)
            case "too_many_cells":
                return form.widened(record)
            case "nul_character":
                return form.render(record) + "\0"
        raise ValueError(self.kind)

    def expected(self, text: str) -> dict[str, Any]:
        value = NOT_SHOWN if self.is_of_a_person else text[:SHOWN_CHARACTERS]
        return {"outcome": QUARANTINED, "column": None, "value": value, "rule": self.rule}


@dataclass(frozen=True)
class RepeatedLine:
    """The same line again, in the same file."""

    kind: str = "duplicate_line"

    def make(self, form: Form, record: Record) -> str:
        return form.render(record)

    def expected(self, text: str) -> dict[str, Any]:
        return {"outcome": DUPLICATE}


@dataclass(frozen=True)
class UnknownKey:
    """A key that no other dataset knows; the line is valid and takes the good one's place."""

    kind: str
    column: str
    value: str

    def make(self, form: Form, record: Record) -> str:
        return form.render({**record, self.column: self.value})

    def expected(self, text: str) -> dict[str, Any]:
        return {"outcome": APPLIED, "column": self.column, "value": self.value}


AnyDefect = Defect | StructuralDefect | RepeatedLine | UnknownKey


@dataclass(frozen=True)
class Planted:
    """A defect at a position of some lines. `of` is the position that a duplicate repeats."""

    position: int
    kind: str
    expected: dict[str, Any]
    of: int | None = None


def plant(
    rng: np.random.Generator,
    lines: pa.StringArray,
    form: Form,
    key: str,
    defects: Iterator[AnyDefect],
    share: float,
) -> tuple[pa.StringArray, list[Planted]]:
    """Lines with about `share` times as many defects among them, in the order of `defects`, and where these are.

    A line that must be rejected has a `key` of its own, so that one which is let through shows. Only lines that
    stay as they are get a defect: one that is pending has a later version.
    """
    count = int(len(lines) * share + rng.random())  # not by chance alone: contracts refuse a file with too many
    order, texts, inserted_after, planted = np.arange(len(lines)), [], [], []
    for place in np.sort(rng.permutation(len(lines))[:count]).tolist():
        line = lines[place].as_py()
        record, here = form.parse(line), place + len(inserted_after)
        if record.get("status", "completed") != "completed":
            continue
        defect = next(defects)
        if isinstance(defect, UnknownKey):
            text = defect.make(form, record)
            order[place] = len(lines) + len(texts)
            planted.append(Planted(here, defect.kind, defect.expected(text)))
        else:
            is_repeat = isinstance(defect, RepeatedLine)
            text = line if is_repeat else defect.make(form, {**record, key: f"{record[key]}-X{place}"})
            inserted_after.append((place + 1, len(lines) + len(texts)))
            planted.append(Planted(here + 1, defect.kind, defect.expected(text), here if is_repeat else None))
        texts.append(text)
    if not planted:
        return lines, []
    if inserted_after:
        order = np.insert(order, *zip(*inserted_after, strict=True))
    return pa.concat_arrays([lines, pa.array(texts, pa.string())]).take(pa.array(order)), planted
