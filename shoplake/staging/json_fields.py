"""The fields of one JSON object, each value as the text that it is."""

import json
import re
from collections.abc import Callable, Container, Iterable
from itertools import chain

import msgspec
import numpy as np

from shoplake.contracts import fold

MAX_NESTING = 8  # objects within objects that are looked into

Fields = dict[str, msgspec.Raw]
decode_object: Callable[[bytes], Fields] = msgspec.json.Decoder(Fields).decode
_decode_array: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode

_IS_SPACE = np.isin(np.arange(256), list(b" \t\r\n"))
_KEY_END = re.compile(rb'"[ \t\r\n]*:')


def is_object(value: msgspec.Raw) -> bool:
    return memoryview(value)[:1] == b"{"


def elements_of(fields: Fields, name: str) -> list[msgspec.Raw] | None:
    """The elements of the array in a field; None where the field is missing or no array."""
    value = fields.get(name, b"")
    return _decode_array(value) if memoryview(value)[:1] == b"[" else None


def open_objects(fields: Fields, names: Iterable[str]) -> Fields:
    """The fields with those of the named objects in their place, under the names of their paths."""
    opened = {}
    for name, value in fields.items():
        if name in names:
            opened |= {f"{name}.{inner}": part for inner, part in decode_object(value).items()}
        else:
            opened[name] = value
    return opened


def flat_names(fields: Fields, kept_whole: Container[str], max_names: int) -> list[str]:
    """The names of all fields, not many more than `max_names`.

    Objects are opened to the last, but for empty ones and those whose folded names are `kept_whole`.
    """
    for _ in range(MAX_NESTING):
        objects = {
            name
            for name, value in fields.items()
            if is_object(value) and fold(name) not in kept_whole and decode_object(value)
        }
        if not objects or len(fields) > max_names:
            break
        fields = open_objects(fields, objects)
    return list(fields)


def count_keys(text: bytes) -> int:
    """How often a quote and a colon follow one another, as behind a key: at least once for each key in `text`."""
    data = np.frombuffer(text, np.uint8)
    before_colons = data[np.flatnonzero(data == ord(":")) - 1]
    if _IS_SPACE[before_colons].any():
        return len(_KEY_END.findall(text))
    return int(np.count_nonzero(before_colons == ord('"')))


def count_repeats(text: bytes, texts: list[bytes], records: list[Fields]) -> int:
    """How many records name a field twice; of such, the last one counts. `text` is all `texts` together."""
    fields, keys = sum(map(len, records)), count_keys(text)
    # No record has fewer keys than fields: equal sums leave none with more. Keys within values don't count.
    if keys == fields or keys - count_keys(b"\0".join(chain.from_iterable(map(dict.values, records)))) == fields:
        return 0
    return sum(_repeats_a_key(text, fields) for text, fields in zip(texts, records, strict=True))


def _repeats_a_key(text: bytes, fields: Fields) -> bool:
    """Whether an object names a field twice. Only where the count of its keys says so, it is read again."""
    if text.count(b":") == len(fields) or count_keys(text) - count_keys(b"\0".join(fields.values())) == len(fields):
        return False
    pairs = json.JSONDecoder(object_pairs_hook=lambda pairs: pairs).decode(text.decode())
    return len(pairs) > len(fields)
