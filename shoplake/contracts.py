"""Data contracts: what a dataset's files may look like and what a cleaned row must satisfy.

One Open Data Contract Standard v3 file a dataset under `contracts/`, read by shoplake.contract_file.
"""

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from shoplake.root import root


def fold(name: str) -> str:
    """A column name without case, spaces and punctuation: `Unit Price`, `unit_price` and `UnitPrice` agree."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True)
class TableRule:
    """A rule on the cleaned table's column, for the quality gate."""

    name: str
    expectation: str
    arguments: dict[str, Any]
    severity: str
    description: str


@dataclass(frozen=True)
class Fallback:
    """Where a column's value is found if it is empty: in another one, there the first group of a pattern if given."""

    column: str
    pattern: str | None = None


@dataclass(frozen=True)
class SessionRules:
    """A visitor's pause of more than `timeout` ends a session; one of more than `longest` is flagged."""

    timeout: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Column:
    """A column of the cleaned table, and what its values in a file may look like.

    `fallback` says where an empty value is looked for, in this order; `unknown_as` which value words have that
    `values` doesn't know; `flags_robots` that the column is a user agent, which tells robots from people.
    """

    name: str
    description: str
    logical_type: str
    physical_type: str
    required: bool = False
    is_key: bool = False
    synonyms: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # allowed value -> the sources' words
    default: str | None = None
    normaliser: str | None = None
    timestamp_formats: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after_arrival: timedelta | None = None
    rules: tuple[TableRule, ...] = ()
    fallback: tuple[Fallback, ...] = ()
    unknown_as: str | None = None
    flags_robots: bool = False
    personal_data: str | None = None  # drop, mask, mask_emails or hash: what tables keep of a personal value
    phone_regions: dict[str, str] = field(default_factory=dict)  # folded word of the column country -> ISO 3166 code
    is_day_of_file_else: bool = False  # a row without a value takes the day of its file: its key's date=, else arrival

    @property
    def accepted_names(self) -> tuple[str, ...]:
        return (self.name, *self.synonyms)

    def is_in(self, columns: Container[str]) -> bool:
        """Whether the column is among these, or another one that its value may come from."""
        return self.name in columns or any(other.column in columns for other in self.fallback)


@dataclass(frozen=True)
class Source:
    """One kind of system that files come from.

    `key` says what names a row: the dataset's own `id`, or for an order line `line_number` (the file's own) or
    `lines` (a hash of the line); `repeats` what identical rows of one file are: lines of their own (`keep`) or
    `duplicate`. An order number in which `cancellation_pattern` is found is a cancellation. `aliases` are names that
    only this source gives a column. In JSON, `records` is the path of the array inside an object that holds the
    records (`orders.items`), and `explode` the field of a record whose array's elements become the records, each with
    the record's other fields. `extract` takes a column's value out of its text: the first group of a pattern.
    `phone_region` is the country (ISO 3166) of telephone numbers without a prefix, where the row names none.
    """

    name: str
    key: str
    header: tuple[str, ...] = ()
    repeats: str = "keep"
    time_zone: str = "UTC"
    timestamp_formats: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict)
    cancellation_pattern: str | None = None
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    records: str | None = None
    explode: str | None = None
    extract: dict[str, str] = field(default_factory=dict)
    phone_region: str | None = None


@dataclass(frozen=True)
class HeaderMatch:
    """How a file's header answers to the contract: contract column -> position in the record."""

    source: Source
    columns: dict[str, int]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    ambiguous: dict[str, list[str]]


@dataclass(frozen=True)
class Contract:
    """A dataset's contract. Read it with `load_contract`."""

    dataset: str
    description: str
    formats: tuple[str, ...]
    columns: tuple[Column, ...]
    sources: tuple[Source, ...]
    reject_share: float
    reject_rows: int
    freshness: tuple[str, float] | None = None  # a column, and the hours that its newest value may be old
    sessions: SessionRules | None = None  # how events are cut into visits

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def accepted_names(self, column: str) -> list[str]:
        """The names under which a file may call a column."""
        return list(self.by_name[column].accepted_names)

    @cached_property
    def personal(self) -> dict[str, str]:
        """The columns that hold personal data, each with what tables keep of them: drop, mask, mask_emails, hash."""
        return {column.name: column.personal_data for column in self.columns if column.personal_data}

    def source(self, name: str) -> Source:
        return next(source for source in self.sources if source.name == name)

    def bound_to(self, source: str | None) -> "Contract":
        """This contract for files of one named source; unchanged when the name isn't one of its sources."""
        known = tuple(s for s in self.sources if s.name == source)
        return replace(self, sources=known) if known else self

    def match_header(self, header: Sequence[str]) -> HeaderMatch:
        """Find the source and the columns of a header.

        A column's own name goes before its source's aliases, these before its synonyms, and all in the contract's
        order; a name that stands twice in the header is ambiguous. So is a key for which two synonyms are there, such
        as `id` and `sku`: the file's order can't tell which of them other files refer to.
        """
        positions: dict[str, list[int]] = {}
        for position, name in enumerate(header):
            positions.setdefault(fold(name), []).append(position)
        found = self._found(positions, {})
        source = self._source_of(set(positions), found)
        if source.aliases:
            found = self._found(positions, source.aliases)
        columns = {column: positions[name][0] for column, name in found.items()}
        ambiguous = {
            column: [header[p] for p in positions[name]] for column, name in found.items() if len(positions[name]) > 1
        }
        if source.key == "id":
            rivals = {name: self._rivals(positions, name, source) for name in found if self.by_name[name].is_key}
            ambiguous |= {name: [header[p] for p in places] for name, places in rivals.items() if len(places) > 1}
        doubted = {name for names in ambiguous.values() for name in names}
        taken = set(columns.values())
        return HeaderMatch(
            source=source,
            columns=columns,
            missing=tuple(c.name for c in self.columns if c.required and not c.is_in(columns)),
            extra=tuple(n for p, n in enumerate(header) if p not in taken and n.strip() and n not in doubted),
            ambiguous=ambiguous,
        )

    def _found(self, names: Container[str], aliases: dict[str, tuple[str, ...]]) -> dict[str, str]:
        """The folded name under which each column is there. A name that is an alias is no other column's synonym."""
        aliased = {fold(name) for given in aliases.values() for name in given}
        found = {}
        for column in self.columns:
            synonyms = [name for name in map(fold, column.synonyms) if name not in aliased]
            accepted = [fold(column.name), *map(fold, aliases.get(column.name, ())), *synonyms]
            first = next((name for name in accepted if name in names), None)
            if first is not None:
                found[column.name] = first
        return found

    def _rivals(self, positions: dict[str, list[int]], column: str, source: Source) -> list[int]:
        """Where a column's synonyms are in the header; nowhere, if its own name or an alias of the source decides."""
        if any(fold(name) in positions for name in (column, *source.aliases.get(column, ()))):
            return []
        return [place for name in self.by_name[column].synonyms for place in positions.get(fold(name), [])]

    def _source_of(self, names: set[str], columns: Container[str]) -> Source:
        """The first source whose header names are all there; the last source where none fits."""
        for source in self.sources:
            if all(fold(name) in names or name in columns for name in source.header):
                return source
        return self.sources[-1]


@lru_cache(maxsize=32)
def load_contract(dataset: str, folder: Path | None = None) -> Contract:
    """The contract of a dataset. Raises ConfigurationError naming the file, the place and the mistake."""
    from shoplake.contract_file import ContractFile  # which makes the classes above

    path = (folder or root() / "contracts") / f"{dataset}.odcs.yaml"
    return ContractFile(path).contract(dataset)
