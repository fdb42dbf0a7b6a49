"""From UTF-8 chunks to batches of records with their line numbers; picks the fast or the careful path."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from shoplake.staging import fast
from shoplake.staging.careful import Dialect, Record, read_records

FAST_BYTES = 1024 * 1024
"""The fast path needs twenty times a buffer's size; only a long open record makes one larger than this."""
BATCH_RECORDS, BATCH_BYTES = 20_000, 1024 * 1024
"""A batch of the careful path ends with the record that reaches one of these."""


@dataclass(frozen=True)
class Layout:
    """What the header says about the records that follow it."""

    dialect: Dialect
    width: int  # cells of the header, a trailing empty one included
    positions: list[int]  # of the contract's columns
    first_line: int  # physical line number of the first byte after the header
    max_record_bytes: int


class Reject(NamedTuple):
    """A record without the structure of a record, or a line that belongs to none."""

    line: int
    raw_text: str
    reason: str  # ragged_row, unclosed_quote, record_too_long, nul_character; of JSON torn_json, not_an_object,
    # nested_too_deep, no_array, ambiguous_column
    detail: str
    element: int | None = None  # of the array within the line, from 1, where a source explodes one


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive records: the good ones as arrays of one length, the others as rejects."""

    lines: pa.Int64Array
    raw: pa.StringArray
    columns: list[pa.StringArray]
    rejects: list[Reject]


class RecordReader:
    """Cuts a stream of UTF-8 into records, holding no more than a chunk and an open record."""

    def __init__(self, layout: Layout, use_fast_path: bool = True) -> None:
        self._layout = layout
        self._use_fast_path = use_fast_path
        self._line = layout.first_line
        self._is_inside_long_line = False
        limit = f"{layout.max_record_bytes:,} bytes"
        self._details = {
            "unclosed_quote": f"a quote opens here and does not close within {limit} or the file",
            "record_too_long": f"the line is longer than {limit}; its beginning is kept here",
            "nul_character": "the record holds a NUL character",
        }

    def batches(self, chunks: Iterable[bytes]) -> Iterator[Batch]:
        """The records of `chunks`, which go on where the header ended."""
        terminator, rest, waiting, waiting_bytes = self._layout.dialect.terminator, b"", [], 0
        for chunk in chunks:
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            # A long record is read again whenever it has doubled, not with every chunk.
            if waiting_bytes >= len(rest):
                rest = yield from self._read(b"".join([rest, *waiting]), final=False)
                waiting, waiting_bytes = [], 0
        rest = b"".join([rest, *waiting])
        if rest:
            yield from self._read(rest if rest.endswith(terminator) else rest + terminator, final=True)

    def _read(self, buffer: bytes, final: bool) -> Generator[Batch, None, bytes]:
        """Gives the whole records of `buffer`; returns the bytes that wait for more."""
        if self._is_inside_long_line:
            buffer = self._after_long_line(buffer)
        if block := self._fast(buffer, final):
            yield self._fast_batch(buffer, block)
            consumed = block.consumed
        else:
            consumed = yield from self._carefully(buffer, final)
        rest = buffer[consumed:]
        if len(rest) <= self._layout.max_record_bytes or self._layout.dialect.terminator in rest:
            return rest
        too_long = _Collector(self._layout.positions)
        too_long.rejects.append(self._reject(self._line, rest, "record_too_long"))
        yield too_long.batch()
        self._is_inside_long_line = True
        return b""

    def _after_long_line(self, buffer: bytes) -> bytes:
        """What follows the line that was too long, or nothing while it goes on."""
        _, terminator, rest = buffer.partition(self._layout.dialect.terminator)
        if terminator:
            self._is_inside_long_line = False
            self._line += 1
        return rest

    def _fast(self, buffer: bytes, final: bool) -> fast.FastBlock | None:
        """The whole records of `buffer` by the fast path, where it may be taken and reads them all."""
        layout = self._layout
        if not self._use_fast_path or not 0 < len(buffer) <= FAST_BYTES:
            return None
        block = fast.read_block(buffer, layout.dialect, layout.width, layout.positions, layout.max_record_bytes)
        return None if block is None or (final and block.consumed < len(buffer)) else block

    def _fast_batch(self, buffer: bytes, block: fast.FastBlock) -> Batch:
        lines = pa.array(block.line_offsets + self._line, pa.int64())
        rejects = []
        for ragged in block.ragged:
            raw = buffer[ragged.start : ragged.content_end]
            if raw.strip():
                rejects.append(self._ragged(self._line + ragged.line_offset, raw, ragged.cells))
        self._line += block.line_count
        return Batch(lines, block.raw, block.columns, rejects)

    def _carefully(self, buffer: bytes, final: bool) -> Generator[Batch, None, int]:
        """Gives the whole records of `buffer` by the careful path; returns how many bytes they take."""
        layout = self._layout
        found, consumed, batch_start = _Collector(layout.positions), 0, 0
        for record in read_records(buffer, layout.dialect, layout.max_record_bytes, final):
            raw = buffer[record.start : record.content_end]
            if record.cells is None:
                found.rejects.append(self._reject(self._line, raw, record.reason))
            elif raw and len(record.cells) == layout.width:
                found.add(self._line, raw, record.cells)
            elif raw.strip():
                found.rejects.append(self._ragged(self._line, raw, len(record.cells)))
            self._line += record.line_count
            consumed = record.next_start
            if found.size() >= BATCH_RECORDS or consumed - batch_start >= BATCH_BYTES:
                yield found.batch()
                found, batch_start = _Collector(layout.positions), consumed
        yield found.batch()
        return consumed

    def _ragged(self, line: int, raw: bytes, cells: int) -> Reject:
        noun = "cell" if cells == 1 else "cells"
        return Reject(line, raw.decode(), "ragged_row", f"{cells} {noun} where the header has {self._layout.width}")

    def _reject(self, line: int, raw: bytes, reason: str) -> Reject:
        # The cut may tear the last character.
        kept = raw[: self._layout.max_record_bytes].decode(errors="ignore")
        return Reject(line, kept, reason, self._details[reason])


class _Collector:
    """Gathers records one by one into a batch."""

    def __init__(self, positions: list[int]) -> None:
        self.rejects: list[Reject] = []
        self._positions = positions
        self._lines: list[int] = []
        self._raw: list[bytes] = []
        self._cells: list[list[bytes]] = []  # only those at `positions`

    def add(self, line: int, raw: bytes, cells: list[bytes]) -> None:
        self._lines.append(line)
        self._raw.append(raw)
        self._cells.append([cells[position] for position in self._positions])

    def size(self) -> int:
        return len(self._lines) + len(self.rejects)

    def batch(self) -> Batch:
        columns = list(zip(*self._cells, strict=True)) or [()] * len(self._positions)
        return Batch(
            pa.array(self._lines, pa.int64()),
            pa.array(self._raw, pa.string()),
            [pa.array(column, pa.string()) for column in columns],
            self.rejects,
        )


def first_records(data: bytes, dialect: Dialect, is_whole: bool, count: int) -> list[Record]:
    """At most `count` records of a file's beginning, blank lines left out."""
    if is_whole and not data.endswith(dialect.terminator):
        data += dialect.terminator
    found = []
    for record in read_records(data, dialect, len(data), is_whole):
        if data[record.start : record.content_end].strip():
            found.append(record)
            if len(found) == count:
                break
    return found
