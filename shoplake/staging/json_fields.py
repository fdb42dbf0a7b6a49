"""The fields of one JSON object, each value as the text that it is."""

import json
import re
from collections.abc import Callable, Container, Iterable

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


def count_repeats(text: bytes, texts: list[bytes], records: list[Fields]) -> int:
    """How many records name a field twice; of such, the last one counts. `text` is all `texts` together."""
    data = np.frombuffer(text, np.uint8)
    before_colons = data[np.flatnonzero(data == ord(":")) - 1]
    has_space = bool(_IS_SPACE[before_colons].any())
    # Each record has at least as many colons behind quotes as fields: equal sums leave no record with more.
    if not has_space and np.count_nonzero(before_colons == ord('"')) == sum(map(len, records)):
        return 0
    return sum(_repeats_a_key(text, fields, has_space) for text, fields in zip(texts, records, strict=True))


def _repeats_a_key(text: bytes, fields: Fields, has_space: bool) -> bool:
    """Whether an object names a field twice. Only where the count of its keys says so, it is read again."""
    keys = _count_keys(text, has_space)
    if keys == len(fields):
        return False
    if keys - sum(_count_keys(bytes(value), has_space) for value in fields.values()) <= len(fields):
        return False
    pairs = json.JSONDecoder(object_pairs_hook=lambda pairs: pairs).decode(text.decode())
    return len(pairs) > len(fields)


def _count_keys(text: bytes, has_space: bool) -> int:
    """How often a quote and a colon follow one another, as behind a key; in strings too."""
    return len(_KEY_END.findall(text)) if has_space else text.count(b'":')
