"""Records that all have the same fields, which those of most files do: decoded without a dict for each.

A layout is made from one record and reads every record that names the same fields, in whatever order, with objects
in the same places. Where one record is different, `json_records` reads all of them as they come.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter

import msgspec

from shoplake.staging.json_fields import MAX_NESTING, Fields, count_keys, decode_object, is_object

MAX_FIELDS = 300  # of a layout; a record with more is read as it comes
_KNOWN_LAYOUTS = 16

Tree = tuple[tuple[str, "Tree | None"], ...]
"""The names of an object's fields; behind the name of an object that is opened, its own tree."""


@dataclass(frozen=True)
class Layout:
    """How records with one tree of fields are read."""

    decode: Callable[[bytes], msgspec.Struct]  # raises a msgspec.MsgspecError of records with other fields
    tops: frozenset[str]  # names of the fields
    names: tuple[str, ...]  # of the fields, those of opened objects by their path
    places: dict[str, str]  # a field's name -> the attribute of a decoded record that holds its value
    key_count: int  # keys of one record, with those of the objects that are opened


@dataclass(frozen=True)
class Alike:
    """Some records, at least one, that were read by one layout."""

    layout: Layout
    records: list[msgspec.Struct]

    def values(self, name: str) -> list[msgspec.Raw]:
        """One field of all records."""
        return list(map(attrgetter(self.layout.places[name]), self.records))

    def holds_objects(self, names: Iterable[str]) -> bool:
        """Whether one of these fields is an object in one of the records."""
        return any(b"\0{" in b"\0" + b"\0".join(self.values(name)) for name in names)

    def names_fields_once(self, text: bytes) -> bool:
        """Whether no record, and no object opened in one, names a field twice; `text` is that of all records."""
        # No record has fewer keys than the layout: equal sums leave none with more. Keys within values don't count.
        keys, expected = count_keys(text), self.layout.key_count * len(self.records)
        if keys == expected:
            return True
        return keys - count_keys(b"\0".join(chain.from_iterable(map(self.values, self.layout.names)))) == expected


def read_alike(texts: Sequence[bytes | msgspec.Raw], is_openable: Callable[[str], bool]) -> Alike | None:
    """The records, where all have the fields of the first one; None where not, or where there are none."""
    try:
        tree = tree_of(decode_object(texts[0]), is_openable) if texts else ()
        layout = layout_of(tree) if tree else None
        return Alike(layout, list(map(layout.decode, texts))) if layout else None
    except (msgspec.MsgspecError, RecursionError):
        return None


def tree_of(fields: Fields, is_openable: Callable[[str], bool], path: str = "", depth: int = 0) -> Tree:
    """The names of a record's fields, with those objects opened whose paths are openable."""
    return tuple(
        (
            name,
            tree_of(decode_object(value), is_openable, f"{path}{name}.", depth + 1)
            if depth < MAX_NESTING and is_openable(path + name) and is_object(value)
            else None,
        )
        for name, value in fields.items()
    )


@lru_cache(maxsize=_KNOWN_LAYOUTS)
def layout_of(tree: Tree) -> Layout | None:
    """The layout of records with these fields; None where they are too many, or two have one path."""
    places = dict(_places(tree))
    key_count = _count(tree)
    if len(places) < len(_places(tree)) or key_count > MAX_FIELDS:
        return None
    try:
        record = _struct(tree)
    except ValueError:  # of names with quotes, backslashes or control characters
        return None
    return Layout(msgspec.json.Decoder(record).decode, frozenset(dict(tree)), tuple(places), places, key_count)


def _struct(tree: Tree) -> type[msgspec.Struct]:
    kinds = [msgspec.Raw if inner is None else _struct(inner) for _, inner in tree]
    return msgspec.defstruct(
        "Record",
        [(f"f{place}", kind) for place, kind in enumerate(kinds)],
        rename={f"f{place}": name for place, (name, _) in enumerate(tree)},
        forbid_unknown_fields=True,
        gc=False,
    )


def _places(tree: Tree, path: str = "", attribute: str = "") -> list[tuple[str, str]]:
    """Pairs of a field's path and the attribute that holds it."""
    found = []
    for place, (name, inner) in enumerate(tree):
        if inner is None:
            found.append((path + name, f"{attribute}f{place}"))
        else:
            found += _places(inner, f"{path}{name}.", f"{attribute}f{place}.")
    return found


def _count(tree: Tree) -> int:
    return len(tree) + sum(_count(inner) for _, inner in tree if inner is not None)
