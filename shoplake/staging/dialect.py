"""Which delimiter and line ending a file has, and its header: the ones that fit the contract best."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shoplake.staging.careful import Dialect
from shoplake.staging.model import HIDDEN, Problem, Refused
from shoplake.staging.records import first_records

DELIMITERS = (",", ";", "\t", "|")
_LINE_ENDINGS = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}
_RECORDS_TO_COMPARE = 50
_SHOWN_CHARACTERS = 200  # of a header, in a sentence

_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")


class _Source(Protocol):
    name: str


class HeaderMatch(Protocol):
    """What a contract finds in a header."""

    source: _Source | None
    columns: dict[str, int]  # contract column -> position
    missing: Sequence[str]  # required contract columns that nothing matched
    extra: Sequence[str]
    ambiguous: dict[str, list[str]]  # contract column -> the header's names for it


class Contract(Protocol):
    """What staging needs to know of a dataset's contract."""

    dataset: str
    formats: tuple[str, ...]

    def match_header(self, header: list[str]) -> HeaderMatch: ...

    def accepted_names(self, column: str) -> list[str]: ...

    @property
    def personal(self) -> Mapping[str, str]: ...  # columns that hold personal data


@dataclass(frozen=True)
class Header:
    """The first record of a file, which names its columns."""

    dialect: Dialect
    line_ending: str  # LF, CRLF or CR
    names: list[str]  # without the empty name that a trailing delimiter leaves
    width: int  # cells, that one included
    match: HeaderMatch
    line: int
    next_line: int
    end: int  # offset of the first byte after it


def find_header(sample: bytes, is_whole: bool, contract: Contract) -> Header:
    """The header of the file that begins with `sample` (UTF-8, without byte order mark).

    Chosen is the delimiter under which the header matches most of the contract's columns, then the one
    under which the most records have as many cells as the header. Raises Refused when no header can be
    read; whether the one found will do is for `refuse_unusable` to say.
    """
    line_ending = _line_ending(sample)
    readings = [
        reading
        for delimiter in DELIMITERS
        if (reading := _read(sample, is_whole, contract, delimiter, line_ending)) is not None
    ]
    if not readings:
        raise Refused(
            "header_missing",
            "has no header that can be read: its first line opens a quote that never closes, or is too "
            "long. The first line must name the columns; mend it and drop the file again.",
        )
    _, header = max(readings, key=lambda reading: reading[0])
    return header


def _line_ending(sample: bytes) -> str:
    """The first line ending outside quotes."""
    is_quoted = False
    for match in re.finditer(rb'"|\r\n|\n|\r', sample):
        if match[0] == b'"':
            is_quoted = not is_quoted
        elif not is_quoted:
            return _LINE_ENDINGS[match[0]]
    return "LF"


def _read(
    sample: bytes, is_whole: bool, contract: Contract, delimiter: str, line_ending: str
) -> tuple[tuple, Header] | None:
    """The header under one delimiter and how well it fits, or None when it can't be read so."""
    dialect = Dialect(delimiter.encode(), b"\r" if line_ending == "CR" else b"\n")
    records = first_records(sample, dialect, is_whole, _RECORDS_TO_COMPARE)
    if not records or records[0].cells is None:
        return None
    first = records[0]
    names = [cell.decode() for cell in first.cells]
    if len(names) > 1 and not names[-1]:
        names = names[:-1]
    match = contract.match_header(names)
    header = Header(
        dialect=dialect,
        line_ending=line_ending,
        names=names,
        width=len(first.cells),
        match=match,
        line=1 + sample.count(dialect.terminator, 0, first.start),
        next_line=1 + sample.count(dialect.terminator, 0, first.next_start),
        end=first.next_start,
    )
    alike = sum(record.cells is not None and len(record.cells) == header.width for record in records)
    fit = (len({*match.columns, *match.ambiguous}), alike, header.width, -DELIMITERS.index(delimiter))
    return fit, header


def looks_like_data(cells: list[str]) -> bool:
    """Whether a first line holds values instead of names: a number or a date among its cells."""
    return any(_NUMBER.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()) for cell in cells)


def refuse_unusable(header: Header, contract: Contract) -> None:
    """Raise Refused when a header is missing, lacks a required column, or names one column twice."""
    match = header.match
    text = header.dialect.delimiter.decode().join(header.names)
    if contract.personal and not match.columns:
        text = HIDDEN  # it may be a person's row
    shown = f"`{text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + '…'}`"
    refuse_ambiguous(match, contract.dataset, header.line)
    if not match.columns:
        if header.names[0].lstrip().startswith(("{", "[", "<")):
            raise Refused(
                "wrong_format",
                f"is not CSV, though its name says so (line {header.line} begins with {shown[:40]}): "
                "give JSON a name that ends in .json, export anything else as CSV, and drop it again.",
            )
        if looks_like_data(header.names) or not match.missing:
            raise Refused(
                "header_missing",
                f"has no header: line {header.line} is {shown}, where the names of the columns are "
                f"expected, such as {_required(contract, header)}. Add that line and drop the file again.",
                (Problem.of(header.line, None, text, "header_missing"),),
            )
    if match.missing:
        wanted = "; ".join(
            f"{column} (also accepted as {', '.join(_other_names(contract, column))})"
            if _other_names(contract, column)
            else column
            for column in match.missing
        )
        noun = "column" if len(match.missing) == 1 else "columns"
        raise Refused(
            "missing_column",
            f"lacks the required {noun} {wanted} of {contract.dataset}; its header in line {header.line} "
            f"is {shown}. Add or rename the {noun} and drop the file again.",
            tuple(Problem.of(header.line, column, text, "missing_column") for column in match.missing),
        )


def refuse_ambiguous(match: HeaderMatch, dataset: str, line: int | None = None) -> None:
    """Raise Refused when two columns of a file are one of the contract's."""
    if match.ambiguous:
        place = f" in line {line}" if line else ""
        raise Refused(
            "ambiguous_column",
            f"has two columns for one of {dataset}{place}: "
            + "; ".join(f"{_quoted(names)} both mean {column}" for column, names in match.ambiguous.items())
            + ". Rename or remove one of them and drop the file again.",
            tuple(
                Problem.of(line, column, ", ".join(names), "ambiguous_column")
                for column, names in match.ambiguous.items()
            ),
        )


def _other_names(contract: Contract, column: str) -> list[str]:
    return [name for name in contract.accepted_names(column) if name != column]


def _required(contract: Contract, header: Header) -> str:
    return ", ".join(header.match.missing) or f"those of {contract.dataset}"


def _quoted(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
