"""Glue types of what stands in files, and the one type that holds two of them."""

import re
from typing import Any

import pyarrow as pa

UNKNOWN = "null"  # of a value that isn't there: any other type goes before it
_NUMBERS = ("int", "bigint", "double")  # each holds those before it
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DOUBLE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LEADING_ZERO = re.compile(r"[+-]?0\d")
_INT_LIMIT = 2**31


def type_of_text(value: str) -> str:
    """The type of a CSV value: bigint, double, boolean or string.

    Dates and times stay strings, as no SerDe reads them but in one form; so do identifiers with leading zeros.
    """
    text = value.strip()
    if not text:
        return UNKNOWN
    if text.lower() in ("true", "false"):
        return "boolean"
    if _LEADING_ZERO.match(text) and "." not in text:
        return "string"
    if _INTEGER.fullmatch(text):
        return "bigint"
    return "double" if _DOUBLE.fullmatch(text) else "string"


def type_of_json(value: Any) -> str | dict | list:
    """The type of a JSON value; an object's as the types of its members, an array's as a list of its items' type."""
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "boolean"
        case int():
            return "int" if -_INT_LIMIT <= value < _INT_LIMIT else "bigint"
        case float():
            return "double"
        case dict():
            return {name.lower(): type_of_json(member) for name, member in value.items()}
        case list():
            merged = UNKNOWN
            for item in value:
                merged = merge(merged, type_of_json(item))
            return [merged]
    return "string"


def type_of_arrow(kind: pa.DataType) -> str:
    """The type of a Parquet column."""
    if pa.types.is_struct(kind):
        members = (kind.field(n) for n in range(kind.num_fields))
        return "struct<" + ",".join(f"{m.name.lower()}:{type_of_arrow(m.type)}" for m in members) + ">"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array<{type_of_arrow(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{type_of_arrow(kind.key_type)},{type_of_arrow(kind.item_type)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_integer(kind):
        return "int" if kind.bit_width <= 32 else "bigint"
    for is_kind, name in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_float32, "float"),
        (pa.types.is_floating, "double"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"),
    ):
        if is_kind(kind):
            return name
    return "string"


def merge(one: Any, other: Any) -> Any:
    """The type that holds values of both; string where nothing else does."""
    if one == other or other == UNKNOWN:
        return one
    if one == UNKNOWN:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merge(one.get(name, UNKNOWN), other.get(name, UNKNOWN)) for name in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return [merge(one[0], other[0])]
    if one in _NUMBERS and other in _NUMBERS:
        return max(one, other, key=_NUMBERS.index)
    return "string"


def glue_type(kind: str | dict | list) -> str:
    """A merged type as the catalog writes it: `struct<a:int,b:array<string>>`."""
    if isinstance(kind, dict):
        return "struct<" + ",".join(f"{name}:{glue_type(member)}" for name, member in kind.items()) + ">"
    if isinstance(kind, list):
        return f"array<{glue_type(kind[0])}>"
    return "string" if kind == UNKNOWN else kind
