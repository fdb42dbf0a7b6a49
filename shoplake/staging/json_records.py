"""From the texts of JSON records to batches of staged columns.

A record is an object. Its values are staged as they stand: numbers with the digits that were written, strings
unescaped, true and false as words, arrays and whole objects as JSON text, null as null. Fields of nested objects
are found under their path's name (`customer.id`), as far as a column's name leads into them; an object under a
column's own name is staged whole. The names of every record are looked up, not those of the first ones only: a
contract's column that first appears at record 1,000,000 is staged from there on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import msgspec
import pyarrow as pa

from shoplake.contracts import Contract, Source, fold
from shoplake.staging.json_cut import Cut
from shoplake.staging.json_fields import (
    MAX_NESTING,
    Fields,
    decode_object,
    elements_of,
    is_object,
    open_objects,
    repeats_a_key,
)
from shoplake.staging.json_values import as_strings
from shoplake.staging.records import Batch, Reject

MAX_NAMES = 300
"""Names of fields that a verdict lists; a file may make them up without end."""
_BATCH_BYTES = 1024 * 1024
_KNOWN_SHAPES = 1000
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True)
class Shape:
    """What records with the same names of fields have in common."""

    columns: dict[str, str]  # contract column -> the field that holds it
    extra: tuple[str, ...]  # fields that are no column's
    to_open: tuple[str, ...]  # fields that hold columns where they are objects
    ambiguous: dict[str, list[str]]  # contract column -> fields that are it by the same right


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
            objects, rejects = decode_records(cut)
            self.repeated_keys += sum(repeats_a_key(text, fields) for _, text, fields in objects)
            if self._explode is None:
                numbers, texts, fields = zip(*objects, strict=True) if objects else ((), (), ())
                yield self._batch(numbers, texts, fields, rejects)
            else:
                yield self._batch((), (), (), rejects)
                for number, text, fields in objects:
                    yield from self._exploded(number, text, fields)

    def _exploded(self, number: int, text: bytes, fields: Fields) -> Iterator[Batch]:
        """A record for each element of the array, in batches."""
        elements = elements_of(fields, self._explode)
        if elements is None:
            detail = f"the record has no array `{self._explode}`"
            yield self._batch((), (), (), [Reject(number, text.decode(), "no_array", detail)])
            return
        self.empty_arrays += not elements
        rest = {name: value for name, value in fields.items() if name != self._explode}
        objects, rejects, size = [], [], 0
        for element, value in enumerate(elements, 1):
            if not is_object(value):
                detail = f"element {element} of `{self._explode}` is not an object"
                rejects.append(Reject(number, bytes(value).decode(), "not_an_object", detail, element))
                continue
            merged = rest | decode_object(value)
            objects.append((msgspec.json.encode(merged), merged, element))
            size += len(objects[-1][0])
            if size >= _BATCH_BYTES:
                yield self._exploded_batch(number, objects, rejects)
                objects, rejects, size = [], [], 0
        yield self._exploded_batch(number, objects, rejects)

    def _exploded_batch(self, number: int, objects: list[tuple[bytes, Fields, int]], rejects: list[Reject]) -> Batch:
        texts, fields, elements = zip(*objects, strict=True) if objects else ((), (), ())
        return self._batch([number] * len(texts), texts, fields, rejects, elements)

    def _batch(
        self,
        numbers: Sequence[int],
        texts: Sequence[bytes],
        fields: Sequence[Fields],
        rejects: list[Reject],
        elements: Sequence[int] | None = None,
    ) -> Batch:
        fields, shapes = self._shaped(fields)
        distinct = _distinct(shapes)
        for name in (name for shape in distinct for name in shape.extra):
            if name not in self._known_names and len(self.later_names) < MAX_NAMES:
                self.later_names.setdefault(name)
        if any(shape.ambiguous for shape in distinct):
            for i, shape in enumerate(shapes):
                if shape.ambiguous:
                    element = elements[i] if elements else None
                    rejects.append(_ambiguous(numbers[i], texts[i], shape, element))
            good = [i for i, shape in enumerate(shapes) if not shape.ambiguous]
            numbers, texts, fields, shapes = ([part[i] for i in good] for part in (numbers, texts, fields, shapes))
        return Batch(pa.array(numbers, pa.int64()), pa.array(texts, pa.string()), self._values(fields, shapes), rejects)

    def _shaped(self, fields: Sequence[Fields]) -> tuple[Sequence[Fields], list[Shape]]:
        """The records with the objects opened that hold columns, and the shape of each."""
        shapes = [self._shape_of(tuple(record)) for record in fields]
        if not any(shape.to_open for shape in _distinct(shapes)):
            return fields, shapes
        opened = [self._opened(record, shape) for record, shape in zip(fields, shapes, strict=True)]
        return [record for record, _ in opened], [shape for _, shape in opened]

    def _opened(self, record: Fields, shape: Shape) -> tuple[Fields, Shape]:
        for _ in range(MAX_NESTING):
            objects = {name for name in shape.to_open if is_object(record[name])}
            if not objects:
                break
            record = open_objects(record, objects)
            shape = self._shape_of(tuple(record))
        return record, shape

    def _values(self, fields: Sequence[Fields], shapes: list[Shape]) -> list[pa.StringArray]:
        """The contract's columns of some records."""
        distinct = _distinct(shapes)
        present = {column for shape in distinct for column in shape.columns}
        used = [name for name in self.columns if name in present]
        for record in fields:
            record[None] = b""  # stands for a field that isn't there
        pick = {id(shape): _picker([shape.columns.get(name) for name in used]) for shape in distinct}
        rows = [pick[id(shape)](record) for record, shape in zip(fields, shapes, strict=True)]
        found = dict(zip(used, as_strings(rows, len(used)), strict=True))
        nothing = pa.nulls(len(fields), pa.string())
        return [found.get(name, nothing) for name in self.columns]

    def _look_up(self, names: tuple[str, ...]) -> Shape:
        match = self._contract.match_header(names)
        return Shape(
            columns={column: names[position] for column, position in match.columns.items()},
            extra=tuple(match.extra),
            to_open=tuple(n for n in names if fold(n) in self._openable),
            ambiguous=match.ambiguous,
        )


def decode_records(cut: Cut) -> tuple[list[tuple[int, bytes, Fields]], list[Reject]]:
    """The objects among a cut's records as (number, text, fields), and its rejects with all others."""
    try:
        objects = zip(cut.numbers, cut.texts, map(decode_object, cut.texts), strict=True)
        return list(objects), list(cut.rejects)
    except (msgspec.MsgspecError, RecursionError):
        pass
    objects, rejects = [], list(cut.rejects)
    for number, text in zip(cut.numbers, cut.texts, strict=True):
        try:
            objects.append((number, text, decode_object(text)))
        except (msgspec.MsgspecError, RecursionError):
            rejects.append(_no_object(number, text))
    return objects, rejects


def _no_object(number: int, text: bytes) -> Reject:
    try:
        _decode_any(text)
    except msgspec.DecodeError as error:
        return Reject(number, text.decode(), "torn_json", f"the record can't be read: {_lower(error)}")
    except RecursionError:
        return Reject(number, text.decode(), "nested_too_deep", "the record is nested too deep to be read")
    return Reject(number, text.decode(), "not_an_object", "the record is JSON, but not an object")


def _distinct(shapes: list[Shape]) -> list[Shape]:
    return list({id(shape): shape for shape in shapes}.values())


def _lower(error: Exception) -> str:
    message = str(error)
    return message[:1].lower() + message[1:]


def _picker(names: list[str | None]):
    """A function that takes these fields out of a record."""
    return itemgetter(*names) if len(names) != 1 else lambda record: (record[names[0]],)


def _ambiguous(number: int, text: bytes, shape: Shape, element: int | None) -> Reject:
    detail = "; ".join(
        f"{' and '.join(f'`{name}`' for name in names)} both mean {column}" for column, names in shape.ambiguous.items()
    )
    return Reject(number, text.decode(), "ambiguous_column", detail, element)


def _openable(contract: Contract, source: Source) -> set[str]:
    """Folded names that are the beginning of a name that the contract, or its source, knows."""
    names = [name for column in contract.columns for name in column.accepted_names]
    names += [alias for aliases in source.aliases.values() for alias in aliases] + list(source.header)
    return {folded[:end] for folded in map(fold, names) for end in range(1, len(folded))}


def _with_parents(name: str) -> Iterator[str]:
    """A path's name, and those of the objects that it leads through."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
