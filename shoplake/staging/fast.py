"""The fast path: all records of a block at once, with numpy, where quotes are regular.

It gives what the careful path gives, or None when it can't be sure to. Quotes are regular when each one
opens a cell, closes a cell, or is one of a doubled pair inside a quoted cell. Then a byte is inside
quotes exactly when an odd number of quotes stands before it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoplake.staging.careful import QUOTE, Dialect

_RETURN = ord("\r")


@dataclass(frozen=True, slots=True)
class Ragged:
    """A record with another number of cells than the header; offsets into the block."""

    start: int
    content_end: int
    line_offset: int
    cells: int


@dataclass(frozen=True, slots=True)
class FastBlock:
    """The whole records of a block. Blank lines are neither good nor ragged."""

    line_offsets: np.ndarray  # lines of the block before each good record's first one
    raw: pa.StringArray
    columns: list[pa.StringArray]
    ragged: list[Ragged]
    consumed: int  # bytes
    line_count: int  # physical lines among them


def read_block(
    block: bytes, dialect: Dialect, width: int, positions: list[int], max_record_bytes: int
) -> FastBlock | None:
    """The whole records of `block`, which begins at a record and is valid UTF-8.

    `width` is the header's number of cells, `positions` those to keep. None where a quote is irregular,
    a NUL is found, or a record is over the limit, complete or not.
    """
    if b"\0" in block:
        return None
    data = np.frombuffer(block, np.uint8)
    line_ends = np.flatnonzero(data == dialect.terminator[0])
    delimiters = np.flatnonzero(data == dialect.delimiter[0])
    quotes = np.flatnonzero(data == QUOTE[0]) if QUOTE in block else None

    ends = line_ends if quotes is None else _outside(line_ends, quotes)
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    if len(block) - consumed > max_record_bytes:
        return None
    if quotes is not None:
        if not _are_regular(data, quotes, dialect):
            return None
        quotes = quotes[quotes < consumed]
        delimiters = _outside(delimiters, quotes)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    if len(ends) and int((ends - starts).max()) > max_record_bytes:
        return None

    content_ends = ends
    if dialect.terminator == b"\n":
        content_ends = ends - ((ends > starts) & (data[ends - 1] == _RETURN))
    line_offsets = np.arange(len(starts)) if quotes is None else np.searchsorted(line_ends, starts)
    delimiters = delimiters[delimiters < consumed]
    cells = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    filled = content_ends > starts
    good = filled & (cells == width)
    ragged = [
        Ragged(int(starts[i]), int(content_ends[i]), int(line_offsets[i]), int(cells[i]))
        for i in np.flatnonzero(filled & ~good)
    ]
    if not good.all():
        delimiters = delimiters[np.repeat(good, cells - 1)]
        starts, content_ends, line_offsets = starts[good], content_ends[good], line_offsets[good]

    return FastBlock(
        line_offsets=line_offsets,
        raw=slices(data, starts, content_ends),
        columns=_columns(data, starts, content_ends, delimiters.reshape(len(starts), width - 1), positions, quotes),
        ragged=ragged,
        consumed=consumed,
        line_count=int(np.searchsorted(line_ends, consumed)),
    )


def _outside(places: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Those of `places` that are outside quotes."""
    return places[np.searchsorted(quotes, places) % 2 == 0]


def _are_regular(data: np.ndarray, quotes: np.ndarray, dialect: Dialect) -> bool:
    """Whether each opening quote begins a cell and each closing one ends it, but for doubled pairs.

    What stands at the very end of the block, where the next byte isn't known, passes: it belongs to a
    record that waits for the next block, or is the last record's own ending.
    """
    opening, closing = quotes[0::2], quotes[1::2]  # the last one may be open
    delimiter, terminator, last = dialect.delimiter[0], dialect.terminator[0], len(data) - 1
    is_doubled = opening[1:] == closing[: len(opening) - 1] + 1

    before = data[opening - 1]  # of a quote at 0 this is the block's last byte, overruled below
    begins = (before == delimiter) | (before == terminator) | (opening == 0)
    begins[1:] |= is_doubled

    after = data[np.minimum(closing + 1, last)]
    ends = (after == delimiter) | (after == terminator) | (closing + 2 > last)
    if dialect.terminator == b"\n":
        ends |= (after == _RETURN) & (data[np.minimum(closing + 2, last)] == terminator)
    ends[: len(opening) - 1] |= is_doubled
    return bool(begins.all() and ends.all())


def _columns(
    data: np.ndarray,
    starts: np.ndarray,
    content_ends: np.ndarray,
    delimiters: np.ndarray,
    positions: list[int],
    quotes: np.ndarray | None,
) -> list[pa.StringArray]:
    """The cells at `positions` as one array a column; `delimiters` has one row a record."""
    in_file_order = sorted(positions)
    begins = np.column_stack([starts, delimiters + 1])[:, in_file_order].ravel()
    ends = np.column_stack([delimiters, content_ends])[:, in_file_order].ravel()
    if quotes is not None:
        is_quoted = (data[begins] == QUOTE[0]) & (ends > begins)
        begins, ends = begins + is_quoted, ends - is_quoted
    cells = slices(data, begins, ends)
    if quotes is not None and (np.diff(quotes) == 1).any():
        cells = pc.replace_substring(cells, pattern='""', replacement='"')
    step = len(in_file_order)
    arrays = {
        position: cells.take(pa.array(np.arange(offset, len(cells), step)))
        for offset, position in enumerate(in_file_order)
    }
    return [arrays[position] for position in positions]


def slices(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, is_null: np.ndarray | None = None) -> pa.StringArray:
    """The slices of `data` from `starts` to `ends`, which rise and don't overlap, as strings; null ones are empty."""
    steps = np.zeros(len(data) + 1, np.int8)
    steps[starts] += 1
    steps[ends] -= 1
    is_kept = np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)
    offsets = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(ends - starts, out=offsets[1:])
    validity = None if is_null is None else pa.py_buffer(np.packbits(~is_null, bitorder="little"))
    return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(data[is_kept]), validity)
