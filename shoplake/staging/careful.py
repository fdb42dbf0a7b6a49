"""The careful path: records one by one, whatever their quotes. It defines what a record means.

A quote opens a quoted cell only as the cell's first character; inside, a doubled quote is a quote and
line endings are text; what follows the closing quote up to the delimiter is text as it stands. This is
how Python's csv module reads, with exact line numbers, and with a way out of a quote that never closes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

QUOTE = b'"'


@dataclass(frozen=True)
class Dialect:
    """How a file's records are cut. With b"\\n" as terminator a b"\\r" before it belongs to the ending."""

    delimiter: bytes
    terminator: bytes

    @cached_property
    def quoted_cell(self) -> re.Pattern[bytes]:
        """A quoted cell (group 1) and what stands between its closing quote and the delimiter (2)."""
        # Possessive, so that a quote which never closes fails in one pass instead of backtracking.
        return re.compile(rb'"([^"]*+(?:""[^"]*+)*+)"(' + self._plain + rb")")

    @cached_property
    def plain_cell(self) -> re.Pattern[bytes]:
        """A cell without an opening quote."""
        return re.compile(self._plain)

    @property
    def _plain(self) -> bytes:
        return b"[^" + re.escape(self.delimiter + self.terminator) + b"]*+"

    def content_end(self, data: bytes, start: int, end: int) -> int:
        """Where the text of a record ends whose terminator stands at `end`."""
        has_return = self.terminator == b"\n" and end > start and data[end - 1 : end] == b"\r"
        return end - 1 if has_return else end


class Record(NamedTuple):
    """One record, or one line that can't be a record; offsets into the buffer that it was read from."""

    start: int
    content_end: int  # without the line ending
    next_start: int
    line_count: int  # physical lines
    cells: list[bytes] | None  # None when `reason` says why it can't be read
    reason: str | None = None


class CarefulReader:
    """Reads buffers that begin at a record. Knows from one buffer to the next about a quote given up.

    After a scan from one line ran through `max_record_bytes` inside quotes, a later line of that
    stretch which doesn't close by its own end runs into the same open quote: it is given up at once.
    Without this, a file of such lines would take quadratic time.
    """

    def __init__(self, dialect: Dialect, max_record_bytes: int) -> None:
        self._dialect = dialect
        self._max_record_bytes = max_record_bytes
        self._hopeless_until = 0  # offset in the current buffer

    @property
    def in_open_quote(self) -> bool:
        """Whether the next buffer begins in a stretch where a quote was given up."""
        return self._hopeless_until > 0

    def consumed(self, length: int) -> None:
        """Tell that the next buffer begins `length` bytes later."""
        self._hopeless_until = max(0, self._hopeless_until - length)

    def read(self, data: bytes, final: bool) -> Iterator[Record]:
        """The whole records of `data`, which ends in a terminator when `final`.

        Ends before a record that isn't complete yet; when `final`, none is left.
        """
        terminator, start, may_hold_nul = self._dialect.terminator, 0, b"\0" in data
        while (line_end := data.find(terminator, start)) >= 0:
            record = self._record(data, start, line_end, final)
            if record is None:
                return
            if may_hold_nul and record.cells and data.find(b"\0", start, record.content_end) >= 0:
                record = record._replace(cells=None, reason="nul_character")
            yield record
            start = record.next_start

    def _record(self, data: bytes, start: int, line_end: int, final: bool) -> Record | None:
        if line_end - start > self._max_record_bytes:
            return self._rejected(data, start, line_end, "record_too_long")
        if data.find(QUOTE, start, line_end) < 0:
            content_end = self._dialect.content_end(data, start, line_end)
            cells = data[start:content_end].split(self._dialect.delimiter)
            return Record(start, content_end, line_end + 1, 1, cells)

        is_hopeless = line_end < self._hopeless_until
        limit = line_end + 1 if is_hopeless else len(data)
        record = self._quoted_record(data, start, limit)
        end = len(data) if record is None else record.next_start - 1
        if record is not None and end - start <= self._max_record_bytes:
            return record
        if is_hopeless:
            return self._rejected(data, start, line_end, "unclosed_quote")
        if record is None and not final and end - start <= self._max_record_bytes:
            return None  # the rest of the record is still to come
        self._hopeless_until = min(start + self._max_record_bytes, len(data))
        return self._rejected(data, start, line_end, "unclosed_quote")

    def _quoted_record(self, data: bytes, start: int, limit: int) -> Record | None:
        """The record at `start`, or None when it isn't complete before `limit`."""
        dialect, cells, position = self._dialect, [], start
        while position < limit:
            if data.startswith(QUOTE, position):
                match = dialect.quoted_cell.match(data, position, limit)
                if match is None:
                    return None
                cells.append(match[1].replace(b'""', QUOTE) + match[2])
            else:
                match = dialect.plain_cell.match(data, position, limit)
                cells.append(match[0])
            position = match.end()
            if data.startswith(dialect.terminator, position) and position < limit:
                content_end = dialect.content_end(data, start, position)
                if content_end < position:
                    cells[-1] = cells[-1][:-1]
                line_count = data.count(dialect.terminator, start, position + 1)
                return Record(start, content_end, position + 1, line_count, cells)
            position += 1
        return None

    def _rejected(self, data: bytes, start: int, line_end: int, reason: str) -> Record:
        content_end = self._dialect.content_end(data, start, line_end)
        return Record(start, content_end, line_end + 1, 1, None, reason)
