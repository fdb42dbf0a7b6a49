"""From UTF-8 chunks to batches of records with their line numbers; picks the fast or the careful path."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from shoplake.staging import fast
from shoplake.staging.careful import CarefulReader, Dialect, Record


@dataclass(frozen=True)
class Layout:
    """What the header says about the records that follow it."""

    dialect: Dialect
    width: int  # cells of the header, a trailing empty one included
    positions: list[int]  # of the contract's columns
    first_line: int  # physical line number of the first byte after the header
    max_record_bytes: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A record without the structure of a record, or a line that belongs to none."""

    line: int
    raw_text: str
    reason: str  # ragged_row, unclosed_quote, record_too_long or nul_character
    detail: str


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
        self._careful = CarefulReader(layout.dialect, layout.max_record_bytes)
        self._use_fast_path = use_fast_path
        self._line = layout.first_line
        self._is_inside_long_line = False

    def batches(self, chunks: Iterable[bytes]) -> Iterator[Batch]:
        """The records of `chunks`, which go on where the header ended."""
        terminator, rest, waiting, waiting_bytes = self._layout.dialect.terminator, b"", [], 0
        for chunk in chunks:
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            # A long record is read again whenever it has doubled, not with every chunk.
            if waiting_bytes >= len(rest):
                batch, rest = self._read(b"".join([rest, *waiting]), final=False)
                waiting, waiting_bytes = [], 0
                yield batch
        rest = b"".join([rest, *waiting])
        if rest:
            batch, _ = self._read(rest if rest.endswith(terminator) else rest + terminator, final=True)
            yield batch

    def _read(self, buffer: bytes, final: bool) -> tuple[Batch, bytes]:
        """The whole records of `buffer`, and the bytes that wait for more."""
        if self._is_inside_long_line:
            buffer = self._after_long_line(buffer)
        batch, consumed = self._fast(buffer, final) or self._carefully(buffer, final)
        self._careful.consumed(consumed)
        rest = buffer[consumed:]
        if len(rest) > self._layout.max_record_bytes and self._layout.dialect.terminator not in rest:
            batch.rejects.append(self._reject(self._line, rest, "record_too_long"))
            self._is_inside_long_line = True
            rest = b""
        return batch, rest

    def _after_long_line(self, buffer: bytes) -> bytes:
        """What follows the line that was too long, or nothing while it goes on."""
        _, terminator, rest = buffer.partition(self._layout.dialect.terminator)
        if terminator:
            self._is_inside_long_line = False
            self._line += 1
        return rest

    def _fast(self, buffer: bytes, final: bool) -> tuple[Batch, int] | None:
        layout = self._layout
        if not self._use_fast_path or self._careful.in_open_quote:
            return None
        block = fast.read_block(
            buffer, layout.dialect, layout.width, layout.positions, layout.max_record_bytes
        )
        if block is None or (final and block.consumed < len(buffer)):
            return None
        rejects = []
        for ragged in block.ragged:
            raw = buffer[ragged.start : ragged.content_end]
            if raw.strip():
                rejects.append(self._ragged(self._line + ragged.line_offset, raw, ragged.cells))
        lines = pa.array(block.line_offsets + self._line, pa.int64())
        self._line += block.line_count
        return Batch(lines, block.raw, block.columns, rejects), block.consumed

    def _carefully(self, buffer: bytes, final: bool) -> tuple[Batch, int]:
        layout, consumed = self._layout, 0
        lines: list[int] = []
        raws: list[bytes] = []
        rows: list[list[bytes]] = []
        rejects: list[Reject] = []
        for record in self._careful.read(buffer, final):
            raw = buffer[record.start : record.content_end]
            if record.cells is None:
                rejects.append(self._reject(self._line, raw, record.reason))
            elif raw and len(record.cells) == layout.width:
                lines.append(self._line)
                raws.append(raw)
                rows.append(record.cells)
            elif raw.strip():
                rejects.append(self._ragged(self._line, raw, len(record.cells)))
            self._line += buffer.count(layout.dialect.terminator, record.start, record.next_start)
            consumed = record.next_start
        columns = [pa.array([row[i] for row in rows], pa.string()) for i in layout.positions]
        return Batch(pa.array(lines, pa.int64()), pa.array(raws, pa.string()), columns, rejects), consumed

    def _ragged(self, line: int, raw: bytes, cells: int) -> Reject:
        noun = "cell" if cells == 1 else "cells"
        return Reject(
            line, raw.decode(), "ragged_row", f"{cells} {noun} where the header has {self._layout.width}"
        )

    def _reject(self, line: int, raw: bytes, reason: str) -> Reject:
        limit = self._layout.max_record_bytes
        details = {
            "unclosed_quote": f"a quote opens here and does not close within {limit:,} bytes or the file",
            "record_too_long": f"the line is longer than {limit:,} bytes; its beginning is kept here",
            "nul_character": "the record holds a NUL character",
        }
        # The cut may tear the last character.
        return Reject(line, raw[:limit].decode(errors="ignore"), reason, details[reason])


def first_records(data: bytes, dialect: Dialect, is_whole: bool, count: int) -> list[Record]:
    """At most `count` records of a file's beginning, blank lines left out."""
    if is_whole and not data.endswith(dialect.terminator):
        data += dialect.terminator
    found = []
    for record in CarefulReader(dialect, len(data)).read(data, is_whole):
        if data[record.start : record.content_end].strip():
            found.append(record)
            if len(found) == count:
                break
    return found
