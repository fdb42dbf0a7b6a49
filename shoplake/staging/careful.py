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


def read_records(data: bytes, dialect: Dialect, max_record_bytes: int, final: bool) -> Iterator[Record]:
    """The whole records of `data`, which begins at a record, and ends in a terminator when `final`.

    Ends before a record that isn't complete yet; when `final`, none is left. Where a quote doesn't close
    within `max_record_bytes` or the file, its line is rejected and reading goes on with the next line.
    """
    start, hopeless_until, may_hold_nul = 0, 0, b"\0" in data
    while (line_end := data.find(dialect.terminator, start)) >= 0:
        if line_end - start > max_record_bytes:
            record = _rejected(data, dialect, start, line_end, "record_too_long")
        elif data.find(QUOTE, start, line_end) < 0:
            content_end = dialect.content_end(data, start, line_end)
            cells = data[start:content_end].split(dialect.delimiter)
            record = Record(start, content_end, line_end + 1, 1, cells)
        else:
            # A line that stands in a stretch where a quote was given up, and doesn't close its own quote by
            # its end, would run through the same stretch: it is given up at once. Otherwise a file of such
            # lines would take quadratic time.
            is_hopeless = line_end < hopeless_until
            record = _quoted_record(data, dialect, start, line_end + 1 if is_hopeless else len(data))
            size = (len(data) if record is None else record.next_start - 1) - start
            if record is None and not is_hopeless and not final and size <= max_record_bytes:
                return  # the rest of the record is still to come
            if record is None or size > max_record_bytes:
                if not is_hopeless:
                    hopeless_until = min(start + max_record_bytes, len(data))
                record = _rejected(data, dialect, start, line_end, "unclosed_quote")
        if may_hold_nul and record.cells and data.find(b"\0", start, record.content_end) >= 0:
            record = record._replace(cells=None, reason="nul_character")
        yield record
        start = record.next_start


def _quoted_record(data: bytes, dialect: Dialect, start: int, limit: int) -> Record | None:
    """The record at `start`, or None when it isn't complete before `limit`."""
    cells, position = [], start
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
        if position < limit and data.startswith(dialect.terminator, position):
            content_end = dialect.content_end(data, start, position)
            if content_end < position:
                cells[-1] = cells[-1][:-1]
            line_count = data.count(dialect.terminator, start, position + 1)
            return Record(start, content_end, position + 1, line_count, cells)
        position += 1
    return None


def _rejected(data: bytes, dialect: Dialect, start: int, line_end: int, reason: str) -> Record:
    return Record(start, dialect.content_end(data, start, line_end), line_end + 1, 1, None, reason)
