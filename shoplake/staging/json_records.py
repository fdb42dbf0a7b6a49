"""From the texts of JSON records to batches of staged columns.

A record is an object. Its values are staged as they stand: numbers with the digits that were written, strings
unescaped, true and false as words, arrays and whole objects as JSON text, null as null. Fields of nested objects
are found under their path's name (`customer.id`), as far as a column's name leads into them; an object under a
column's own name is staged whole. The names of every record are looked up, not those of the first ones only: a
contract's column that first appears at record 1,000,000 is staged from there on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, repeat
from operator import mul

import msgspec
import numpy as np
import pyarrow as pa

from shoplake.contracts import Contract, Source, fold
from shoplake.staging.json_alike import read_alike
from shoplake.staging.json_cut import Cut
from shoplake.staging.json_fields import (
    MAX_NESTING,
    Fields,
    count_repeats,
    decode_object,
    elements_of,
    is_object,
    open_objects,
)
from shoplake.staging.json_values import as_strings, as_texts
from shoplake.staging.records import Batch, Reject

MAX_NAMES = 300
"""Names of fields that a verdict lists; a file may make them up without end."""
_BATCH_BYTES = 1024 * 1024
_KNOWN_SHAPES = 1000
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, eq=False)
class Shape:
    """What records with the same names of fields have in common."""

    columns: dict[str, str]  # contract column -> the field that holds it
    extra: tuple[str, ...]  # fields that are no column's
    to_open: tuple[str, ...]  # fields that hold columns where they are objects
    ambiguous: dict[str, list[str]]  # contract column -> fields that are it by the same right


@dataclass(frozen=True)
class Objects:
    """Some consecutive records that were read: as many numbers, texts and fields."""

    numbers: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    fields: list[Fields] = field(default_factory=list)
    elements: list[int] = field(default_factory=list)  # of an exploded array; else empty

    def __iter__(self) -> Iterator[tuple[int, bytes, Fields]]:
        return zip(self.numbers, self.texts, self.fields, strict=True)

    @cached_property
    def text(self) -> bytes:
        """All texts together; to be asked for when they are complete."""
        return b"".join(self.texts)

    def take(self, places: list[int]) -> "Objects":
        parts = (self.numbers, self.texts, self.fields, self.elements)
        return Objects(*([part[place] for place in places] if part else [] for part in parts))


class JsonRecords:
    """Turns cuts into batches. `contract` and `source` are the file's."""

    def __init__(self, contract: Contract, source: Source, known_names: Iterable[str] = ()) -> None:
        self.columns = [column.name for column in contract.columns]
        self.later_names: dict[str, None] = {}  # of fields that no column has, beside the known ones
        self.repeated_keys = 0  # records that name a field twice
        self.empty_arrays = 0  # records without elements to explode
        self._contract = contract.bound_to(source.name)
        self._explode = source.explode
        self._openable = _openable(contract, source) - {fold(column.name) for column in contract.columns}
        self._known_names = {name for known in known_names for name in _with_parents(known)}
        self._shape_of = lru_cache(maxsize=_KNOWN_SHAPES)(self._look_up)

    def batches(self, cuts: Iterable[Cut]) -> Iterator[Batch]:
        """The good records and the rejects of every cut."""
        for cut in cuts:
            if self._explode is None and (batch := self._alike(cut)):
                yield batch
                continue
            objects, rejects = decode_records(cut)
            self.repeated_keys += count_repeats(objects.text, objects.texts, objects.fields)
            if self._explode is None:
                yield self._batch(objects, rejects)
            else:
                yield from self._exploded(objects, rejects)

    def _alike(self, cut: Cut) -> Batch | None:
        """The batch of a cut, at once, where all its records are alike and name each field once; else None."""
        alike = read_alike(cut.texts, self._is_openable)
        if alike is None:
            return None
        text, shape = b"".join(cut.texts), self._shape_of(alike.layout.names)
        has_objects = text.count(b"{") > len(cut.texts) and alike.holds_objects(shape.to_open)
        if shape.ambiguous or has_objects or not alike.names_fields_once(text):
            return None
        self._note_names(shape)
        found = {name: alike.values(key) for name, key in shape.columns.items()}
        return Batch(
            pa.array(cut.numbers, pa.int64()),
            as_texts(cut.texts, text),
            self._arrays(found, len(cut.texts)),
            cut.rejects,
        )

    def _exploded_alike(self, objects: Objects, rejects: list[Reject]) -> Batch | None:
        """A record for each element, at once, where all records are alike, and all elements; else None."""
        arrays = [elements_of(fields, self._explode) for fields in objects.fields]
        if None in arrays:
            return None
        counts, values = list(map(len, arrays)), list(chain.from_iterable(arrays))
        rests = [msgspec.json.encode(_without(fields, self._explode)) for fields in objects.fields]
        if sum(map(mul, map(len, rests), counts)) > _BATCH_BYTES:
            return None
        parents, elements = read_alike(rests, self._is_openable), read_alike(values, self._is_openable)
        if parents is None or elements is None or parents.layout.tops & elements.layout.tops:
            return None
        shape = self._shape_of(parents.layout.names + elements.layout.names)
        if shape.ambiguous or parents.holds_objects(set(shape.to_open) & set(parents.layout.names)):
            return None
        if elements.holds_objects(set(shape.to_open) & set(elements.layout.names)):
            return None
        self._note_names(shape)
        self.empty_arrays += counts.count(0)
        texts = list(map(_spliced, _repeated(rests, counts), values))
        found = {
            name: elements.values(key)
            if key in elements.layout.places
            else list(_repeated(parents.values(key), counts))
            for name, key in shape.columns.items()
        }
        return Batch(
            pa.array(np.repeat(objects.numbers, counts)),
            as_texts(texts, b"".join(texts)),
            self._arrays(found, len(texts)),
            rejects,
        )

    def _exploded(self, objects: Objects, rejects: list[Reject]) -> Iterator[Batch]:
        """A record for each element of each array."""
        if batch := self._exploded_alike(objects, rejects):
            yield batch
            return
        found, size = Objects(), 0
        for number, text, fields in objects:
            elements = elements_of(fields, self._explode)
            if elements is None:
                detail = f"the record has no array `{self._explode}`"
                rejects.append(Reject(number, text.decode(), "no_array", detail))
                continue
            self.empty_arrays += not elements
            rest = _without(fields, self._explode)
            rest_text = msgspec.json.encode(rest)
            for element, value in enumerate(elements, 1):
                if not is_object(value):
                    detail = f"element {element} of `{self._explode}` is not an object"
                    rejects.append(Reject(number, bytes(value).decode(), "not_an_object", detail, element))
                    continue
                own = decode_object(value)
                merged = rest | own
                is_spliced = rest and own and len(merged) == len(rest) + len(own)
                found.numbers.append(number)
                found.texts.append(_spliced(rest_text, value) if is_spliced else msgspec.json.encode(merged))
                found.fields.append(merged)
                found.elements.append(element)
                size += len(found.texts[-1])
                if size >= _BATCH_BYTES:
                    yield self._batch(found, rejects)
                    found, rejects, size = Objects(), [], 0
        yield self._batch(found, rejects)

    def _batch(self, objects: Objects, rejects: list[Reject]) -> Batch:
        """The staged columns of some records; those that can't be told apart from each other join the rejects."""
        fields, shapes = self._shaped(objects)
        distinct = list(dict.fromkeys(shapes))
        for shape in distinct:
            self._note_names(shape)
        if any(shape.ambiguous for shape in distinct):
            bad = [place for place, shape in enumerate(shapes) if shape.ambiguous]
            rejects += [_ambiguous(objects, place, shapes[place]) for place in bad]
            good = [place for place, shape in enumerate(shapes) if not shape.ambiguous]
            objects = objects.take(good)
            fields, shapes = [fields[place] for place in good], [shapes[place] for place in good]
        return Batch(
            pa.array(objects.numbers, pa.int64()),
            as_texts(objects.texts, objects.text),
            self._values(fields, shapes),
            rejects,
        )

    def _shaped(self, objects: Objects) -> tuple[list[Fields], list[Shape]]:
        """The records' fields, with the objects opened that hold columns, and the shape of each."""
        fields = objects.fields
        names = list(map(tuple, fields))
        are_alike = bool(names) and names.count(names[0]) == len(names)
        shapes = [self._shape_of(names[0])] * len(names) if are_alike else [self._shape_of(one) for one in names]
        may_open = any(shape.to_open for shape in set(shapes))
        if may_open and objects.text.count(b"{") > len(names):
            opened = [self._opened(record, shape) for record, shape in zip(fields, shapes, strict=True)]
            return [record for record, _ in opened], [shape for _, shape in opened]
        return fields, shapes

    def _opened(self, record: Fields, shape: Shape) -> tuple[Fields, Shape]:
        for _ in range(MAX_NESTING):
            objects = {name for name in shape.to_open if is_object(record[name])}
            if not objects:
                break
            record = open_objects(record, objects)
            shape = self._shape_of(tuple(record))
        return record, shape

    def _values(self, fields: list[Fields], shapes: list[Shape]) -> list[pa.StringArray]:
        """The contract's columns of some records."""
        keys: dict[str, set[str]] = {}  # contract column -> the fields that hold it in one record or another
        for shape in dict.fromkeys(shapes):
            for name, key in shape.columns.items():
                keys.setdefault(name, set()).add(key)
        found = {}
        for name, known in keys.items():
            if len(known) == 1:  # then it holds the column wherever it is there
                (key,) = known
                found[name] = [record.get(key, b"") for record in fields]
            else:
                held = (shape.columns.get(name) for shape in shapes)
                found[name] = [record.get(key, b"") for record, key in zip(fields, held, strict=True)]
        return self._arrays(found, len(fields))

    def _arrays(self, found: dict[str, list[msgspec.Raw | bytes]], rows: int) -> list[pa.StringArray]:
        """All the contract's columns, of those that were found their values."""
        arrays = dict(zip(found, as_strings(list(found.values())), strict=True))
        nothing = pa.nulls(rows, pa.string())
        return [arrays.get(name, nothing) for name in self.columns]

    def _note_names(self, shape: Shape) -> None:
        for name in shape.extra:
            if name not in self._known_names and len(self.later_names) < MAX_NAMES:
                self.later_names.setdefault(name)

    def _is_openable(self, name: str) -> bool:
        return fold(name) in self._openable

    def _look_up(self, names: tuple[str, ...]) -> Shape:
        match = self._contract.match_header(names)
        return Shape(
            columns={column: names[position] for column, position in match.columns.items()},
            extra=tuple(match.extra),
            to_open=tuple(filter(self._is_openable, names)),
            ambiguous=match.ambiguous,
        )


def decode_records(cut: Cut) -> tuple[Objects, list[Reject]]:
    """The objects among a cut's records, and its rejects with all others."""
    try:
        return Objects(cut.numbers, cut.texts, list(map(decode_object, cut.texts))), list(cut.rejects)
    except (msgspec.MsgspecError, RecursionError):
        pass
    objects, rejects = Objects(), list(cut.rejects)
    for number, text in zip(cut.numbers, cut.texts, strict=True):
        try:
            objects.fields.append(decode_object(text))
        except (msgspec.MsgspecError, RecursionError):
            rejects.append(_no_object(number, text))
        else:
            objects.numbers.append(number)
            objects.texts.append(text)
    return objects, rejects


def _no_object(number: int, text: bytes) -> Reject:
    try:
        _decode_any(text)
    except msgspec.DecodeError as error:
        return Reject(number, text.decode(), "torn_json", f"the record can't be read: {_lower(error)}")
    except RecursionError:
        return Reject(number, text.decode(), "nested_too_deep", "the record is nested too deep to be read")
    return Reject(number, text.decode(), "not_an_object", "the record is JSON, but not an object")


def _lower(error: Exception) -> str:
    message = str(error)
    return message[:1].lower() + message[1:]


def _without(fields: Fields, name: str) -> Fields:
    return {key: value for key, value in fields.items() if key != name}


def _spliced(rest: bytes, element: msgspec.Raw) -> bytes:
    """The text of one object with the fields of two; neither is empty."""
    return b"%b,%b" % (rest[:-1], memoryview(element)[1:])


def _repeated(values: Sequence, counts: list[int]) -> Iterator:
    """Each value so often."""
    return chain.from_iterable(map(repeat, values, counts))


def _ambiguous(objects: Objects, place: int, shape: Shape) -> Reject:
    detail = "; ".join(
        f"{' and '.join(f'`{name}`' for name in names)} both mean {column}" for column, names in shape.ambiguous.items()
    )
    element = objects.elements[place] if objects.elements else None
    return Reject(objects.numbers[place], objects.texts[place].decode(), "ambiguous_column", detail, element)


def _openable(contract: Contract, source: Source) -> set[str]:
    """Folded names that are the beginning of a name that the contract, or its source, knows."""
    names = [name for column in contract.columns for name in column.accepted_names]
    names += [alias for aliases in source.aliases.values() for alias in aliases] + list(source.header)
    return {folded[:end] for folded in map(fold, names) for end in range(1, len(folded))}


def _with_parents(name: str) -> Iterator[str]:
    """A path's name, and those of the objects that it leads through."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
