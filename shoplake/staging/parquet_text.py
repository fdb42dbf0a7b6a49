"""Parquet's typed values as strings, in one form for each type.

text               as it is; bytes that hold text likewise
whole numbers      their digits
decimals, floats   plain, without exponent; decimals with all digits of their scale, floats with as few as tell
                   them from their neighbours (2.5, 17850)
timestamps         2025-03-01T10:00:00.123Z in UTC where the column knows its zone, without Z where not; of the
                   fraction three, six or nine digits, or none where it is zero
dates, times       2025-03-01, 10:00:00
true and false     true, false
UUIDs              lower case, with hyphens
lists, maps        JSON text; so is a struct under a column's own name, while others are opened (`customer.id`)
"""

from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

_TO_ESCAPE = r'["\\\x00-\x1f]'
_encode = msgspec.json.Encoder(decimal_format="number").encode


def as_texts(column: pa.ChunkedArray) -> pa.StringArray:
    """A column's values in the form of their type; see the top of this module."""
    values, kind = column.combine_chunks(), column.type
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], kind)
    if pa.types.is_dictionary(kind):
        return as_texts(pa.chunked_array([values.dictionary_decode()]))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array(
            [None if value is None else value.decode(errors="replace") for value in values.to_pylist()], pa.string()
        )
    if isinstance(kind, pa.UuidType):
        return pa.array([None if value is None else str(value) for value in values.to_pylist()], pa.string())
    if isinstance(kind, pa.BaseExtensionType):
        return as_texts(pa.chunked_array([values.storage]))
    if pa.types.is_timestamp(kind):
        return _instants(values)
    if pa.types.is_nested(kind):
        plain = values.cast(_times_as_text(kind)).to_pylist()
        return pa.array([None if value is None else _encode(_plain(value)).decode() for value in plain], pa.string())
    texts = values.cast(pa.string())
    if pa.types.is_time(kind):
        return pc.replace_substring_regex(texts, r"\.0+$", "")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        has_exponent = pc.match_substring_regex(texts, r"\d[eE]")
        if pc.any(has_exponent).as_py():
            plain = [format(Decimal(text), "f") for text in texts.filter(has_exponent).to_pylist()]
            texts = pc.replace_with_mask(texts, pc.fill_null(has_exponent, False), pa.array(plain, pa.string()))
    return texts


def _instants(values: pa.Array) -> pa.StringArray:
    suffix = "" if values.type.tz is None else "Z"
    instants = values.cast(pa.timestamp(values.type.unit))  # of instants, the UTC time
    texts = pc.replace_substring(instants.cast(pa.string()), " ", "T", max_replacements=1)
    if values.type.unit != "s":
        for superfluous, kept in ((r"(\.\d{6})000$", r"\1"), (r"(\.\d{3})000$", r"\1"), (r"\.000$", "")):
            texts = pc.replace_substring_regex(texts, superfluous, kept)
    return pc.binary_join_element_wise(texts, suffix, "")


def _times_as_text(kind: pa.DataType) -> pa.DataType:
    """A nested type with text in the place of dates and times: Python can't hold all that Arrow's hold."""
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_times_as_text(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_times_as_text(kind.key_type), _times_as_text(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_times_as_text(kind.value_type))
    return pa.string() if pa.types.is_temporal(kind) else kind


def _plain(value: Any) -> Any:
    """A nested value as JSON can hold it; maps come as pairs."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(inner, tuple) for inner in value):
            return {str(name): _plain(inner) for name, inner in value}
        return [_plain(inner) for inner in value]
    return value


def as_json(table: pa.Table, texts: list[pa.StringArray]) -> pa.StringArray:
    """Each row as the text of a JSON object."""
    parts: list[Any] = []
    for name, column, text in zip(table.column_names, table.itercolumns(), texts, strict=True):
        parts += [f"{',' if parts else '{'}{_encode(name).decode()}:", _quoted(column.type, text)]
    if not parts:
        return pa.array(["{}"] * table.num_rows, pa.string())
    return pc.binary_join_element_wise(*parts, "}", "", null_handling="replace", null_replacement="null")


def _quoted(kind: pa.DataType, texts: pa.StringArray) -> pa.StringArray:
    """Values as they stand in JSON."""
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind) or pa.types.is_nested(kind):
        return texts
    if pa.types.is_floating(kind) and not pc.any(pc.match_substring_regex(texts, "[a-z]")).as_py():
        return texts
    if pc.any(pc.match_substring_regex(texts, _TO_ESCAPE)).as_py():
        return pa.array([None if text is None else _encode(text).decode() for text in texts.to_pylist()], pa.string())
    return pc.binary_join_element_wise('"', texts, '"', "")
