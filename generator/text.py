"""Numbers and instants as text, a column at a time, and columns as lines."""

import json
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DAY_S = 86400
_PENCE = pa.array([f".{n:02d}" for n in range(100)])
_SIGNS = pa.array(["", "-"])


def strings(values: list[str]) -> pa.StringArray:
    return pa.array(values, pa.string())


def chosen(words: pa.StringArray, indices: np.ndarray) -> pa.StringArray:
    """The word at each index."""
    return words.take(pa.array(indices))


def number(values: np.ndarray, width: int = 0) -> pa.StringArray:
    """Integers as text, with leading zeros up to the width."""
    text = pa.array(values, pa.int64()).cast(pa.string())
    return pc.utf8_lpad(text, width, "0") if width else text


def money(pence: np.ndarray) -> pa.StringArray:
    """Pence as pounds with two decimals."""
    size = np.abs(pence)
    return joined(chosen(_SIGNS, (pence < 0).astype(np.int8)), number(size // 100), chosen(_PENCE, size % 100))


def instants(seconds: np.ndarray) -> pa.StringArray:
    """Seconds since 1970 as `2025-01-31T10:00:00Z`."""
    return joined(day_names(seconds, "%Y-%m-%d"), chosen(_clock(), seconds % DAY_S))


def day_names(seconds: np.ndarray, pattern: str) -> pa.StringArray:
    """The UTC day of each instant, by a pattern of strftime."""
    days, which = np.unique(seconds // DAY_S, return_inverse=True)
    names = [np.datetime64(int(day), "D").item().strftime(pattern) for day in days]
    return chosen(strings(names), which)


def joined(*parts: pa.StringArray | str) -> pa.StringArray:
    """Columns and fixed texts side by side, as one column."""
    return pc.binary_join_element_wise(*parts, "")


def csv_cells(values: pa.StringArray) -> pa.StringArray:
    """Values as cells of any CSV: quoted where they hold a delimiter, a quote or a line break."""
    needs_quotes = pc.match_substring_regex(values, '[,;\t|"\r\n]')
    if not pc.any(needs_quotes).as_py():
        return values
    quoted = joined('"', pc.replace_substring(values, '"', '""'), '"')
    return pc.if_else(needs_quotes, quoted, values)


def json_text(value: object) -> str:
    """A value as compact JSON, with its letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1)
def _clock() -> pa.StringArray:
    """`T00:00:00Z` and so on, each second of a day."""
    return strings([f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in range(DAY_S)])
