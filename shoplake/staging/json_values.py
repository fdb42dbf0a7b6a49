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


def as_strings(columns: Sequence[Sequence[msgspec.Raw | bytes]]) -> list[pa.StringArray]:
    """Columns of values, all of one length, as strings; null, or no text at all, is null.

    Strings lose their quotes and escapes; everything else keeps its text.
    """
    if not columns or not columns[0]:
        return [pa.array([], pa.string()) for _ in columns]
    # No JSON text holds a NUL: it can stand between values, so that all are looked at together.
    joined = b"\0".join(chain.from_iterable(columns)) + b"\0"
    data = np.frombuffer(joined, np.uint8)
    ends = np.flatnonzero(data == 0)
    begins = np.concatenate([[0], ends[:-1] + 1])
    first = data[begins]
    is_string = first == _QUOTE
    is_null = (first == 0) | (first == _N)
    begins, ends = begins + is_string, np.where(is_null, begins, ends - is_string)
    values = slices(data, begins, ends, is_null)
    if b"\\" in joined:
        with_escape = np.unique(np.searchsorted(ends, np.flatnonzero(data == _BACKSLASH)))
        with_escape = with_escape[is_string[with_escape]]
        texts = [_decode_string(joined[begins[value] - 1 : ends[value] + 1]) for value in with_escape]
        values = _replaced(values, with_escape, texts)
    height = len(columns[0])
    return [values.slice(place * height, height) for place in range(len(columns))]


def _replaced(values: pa.StringArray, places: np.ndarray, texts: list[str]) -> pa.StringArray:
    is_replaced = np.zeros(len(values), np.bool_)
    is_replaced[places] = True
    return pc.replace_with_mask(values, pa.array(is_replaced), pa.array(texts, pa.string()))
