"""From JSON values as they are written to arrays of strings, many at once."""

from collections.abc import Sequence
from itertools import chain

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoplake.staging.fast import slices

_QUOTE, _BACKSLASH, _N = b'"\\n'
_decode_string = msgspec.json.Decoder(str).decode


def as_texts(texts: Sequence[bytes], joined: bytes) -> pa.StringArray:
    """UTF-8 texts as an array; `joined` is all of them together."""
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(list(map(len, texts)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(joined))


def as_strings(rows: Sequence[Sequence[msgspec.Raw | bytes]], width: int) -> list[pa.StringArray]:
    """The values of rows as `width` columns of strings; null, or no text at all, is null.

    Strings lose their quotes and escapes; everything else keeps its text.
    """
    # No JSON text holds a NUL: it can stand between values, so that all are looked at together.
    joined = b"\0".join(chain.from_iterable(rows)) + b"\0"
    data = np.frombuffer(joined, np.uint8)
    ends = np.flatnonzero(data == 0) if rows and width else np.zeros(0, np.int64)
    begins = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    first = data[begins]
    is_string = first == _QUOTE
    is_null = (first == 0) | (first == _N)
    begins, ends = begins + is_string, np.where(is_null, begins, ends - is_string)
    cells = slices(data, begins, ends, is_null)
    columns = [cells.take(pa.array(np.arange(offset, len(cells), width))) for offset in range(width)]
    if b"\\" in joined:
        with_escape = np.unique(np.searchsorted(ends, np.flatnonzero(data == _BACKSLASH)))
        with_escape = with_escape[is_string[with_escape]]
        for offset in range(width):
            here = with_escape[with_escape % width == offset]
            texts = [_decode_string(joined[begins[cell] - 1 : ends[cell] + 1]) for cell in here]
            columns[offset] = _replaced(columns[offset], here // width, texts)
    return columns


def _replaced(column: pa.StringArray, rows: np.ndarray, texts: list[str]) -> pa.StringArray:
    is_replaced = np.zeros(len(column), np.bool_)
    is_replaced[rows] = True
    return pc.replace_with_mask(column, pa.array(is_replaced), pa.array(texts, pa.string()))
