"""JSON records of every form against what Python's own `json` reads in them, alike or not."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoplake.contracts import Source
from tests.unit.staging_contracts import PLAIN, stage_json, with_sources

PLAIN_OR_AT_A_PATH = with_sources(Source("shop", key="lines", records="data.things"), PLAIN)
EXPLODED = with_sources(Source("shop", key="lines", header=("things",), explode="things"), PLAIN)

WRITTEN_NUMBERS = ["0", "-0", "1.50", "1e3", "1E+400", "123456789012345678901234567890.10", "0.1000000000000000055"]
TEXTS = [json.dumps(text) for text in ("", "null", "007", ":x", '":', "a\\b", "{", "é\n🧦")] + [r'"\u00e9\/"']
PLAIN_VALUE = st.sampled_from([*WRITTEN_NUMBERS, *TEXTS, "true", "false", "null"])
OBJECTS = ["{}", '{"a":1}', '{"a":{"id":":"},"b":[{"id":2}]}', '{ "a" : "x" }']
ANY_VALUE = st.one_of(PLAIN_VALUE, st.sampled_from([*OBJECTS, "[]", '["a",1.0]']))

# The fields of a record, each a name and a value as it is written; `customer` may be an object that is opened.
CUSTOMER = st.one_of(
    ANY_VALUE,
    st.tuples(PLAIN_VALUE, PLAIN_VALUE).map(lambda pair: f'{{"id": {pair[0]}, "name": {pair[1]}}}'),
    PLAIN_VALUE.map(lambda value: f'{{"id":{value},"x":{{"id":1}}}}'),
    PLAIN_VALUE.map(lambda value: f'{{"id":1,"id":{value}}}'),
)
FIELD = {"id": PLAIN_VALUE, "price": PLAIN_VALUE, "title": ANY_VALUE, "customer": CUSTOMER, "tags": ANY_VALUE}
NAMES = st.sets(st.sampled_from(["title", "customer", "tags"])).flatmap(
    lambda more: st.permutations(["id", "price", *sorted(more)])
)
FIELDS_OF_A_RECORD = NAMES.flatmap(lambda names: st.tuples(*(st.tuples(st.just(name), FIELD[name]) for name in names)))


C1 = [("id", "1"), ("price", "1"), ("customer", '"C1"')]
C2 = [("id", "1"), ("price", "1"), ("customer", '{"id":2,"a":1}')]


@st.composite
def files_of_records(draw):
    """Records of which many have the same fields, and some name one twice."""
    names = draw(NAMES)
    alike = st.tuples(*(st.tuples(st.just(name), FIELD[name]) for name in names))
    kinds = draw(st.sampled_from([alike, st.one_of(alike, FIELDS_OF_A_RECORD), st.one_of(alike, twice(alike))]))
    return draw(st.lists(kinds, min_size=1, max_size=6))


def twice(records):
    """Records with a field more that stands there already."""
    return st.tuples(records, st.sampled_from(["id", "price"]), PLAIN_VALUE).map(
        lambda drawn: (*drawn[0], (drawn[1], drawn[2]))
    )


def written(fields, colon: str = ":") -> str:
    return "{" + ",".join(f'"{name}"{colon}{value}' for name, value in fields) + "}"


class Written(str):
    """A number as it is written."""


def read(text: str):
    return json.loads(text, parse_int=Written, parse_float=Written)


def as_staged(value) -> str | None:
    """What a value is staged as, by what Python reads in it; objects and arrays by their meaning."""
    if value is None or isinstance(value, str):
        return value
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else json.dumps(value)


def columns_of(record: dict) -> tuple:
    """What the contract's columns of a record are to hold."""
    customer = record.get("customer")
    if isinstance(customer, dict):
        customer = customer.get("id")
    return tuple(map(as_staged, (record.get("id"), record.get("title"), record.get("price"), customer)))


def meaning(cells: tuple) -> tuple:
    """Cells, with objects and arrays written in one way."""
    return tuple(
        json.dumps(read(cell)) if cell and cell[0] in "{[" and cell not in ("{", "[") else cell for cell in cells
    )


def is_repeating(text: str) -> bool:
    pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    return len({name for name, _ in pairs}) < len(pairs)


@given(
    records=files_of_records(),
    colon=st.sampled_from([":", ": ", " :"]),
    read_size=st.sampled_from([5, 10**6]),
)
@example(records=[[("id", '":x"'), ("price", "1")]] * 2, colon=":", read_size=10**6)
@example(records=[[("id", "1"), ("price", "1"), ("customer", '{"id":1,"x":{"a":1}}')]] * 2, colon=":", read_size=10**6)
@example(
    records=[C1, C2],
    colon=":",
    read_size=10**6,
)
@settings(deadline=None, max_examples=25)
def test_json_is_staged_as_python_reads_it_in_lines_arrays_and_objects(records, colon, read_size):
    texts = [written(fields, colon) for fields in records]
    expected = [columns_of(read(text)) for text in texts]
    repeating = sum(map(is_repeating, texts))
    notes = [f"records that name a field twice, of which the last one counts: {repeating:,}"] if repeating else []
    for form in ("\n".join(texts), f"[{', '.join(texts)}]", f'{{"n":1,"data":{{"things":[\n{",".join(texts)} ]}}}}'):
        staged = stage_json(form, PLAIN_OR_AT_A_PATH, read_size=read_size)
        assert (staged.code, staged.rejects, staged.staging.notes) == (None, [], notes)
        assert [meaning(cells) for cells in staged.cells] == expected
        assert [record[:2] for record in staged.records] == list(enumerate(texts, 1))


@st.composite
def files_of_arrays(draw):
    """Lines of records, each with some fields of its own."""
    records, size = draw(files_of_records()), draw(st.sampled_from([1, 2, 6]))
    names = draw(st.sampled_from([["session"], ["session", "tags"], ["customer", "session"], ["title", "price"]]))
    own = st.tuples(*(st.tuples(st.just(name), FIELD.get(name, PLAIN_VALUE)) for name in names))
    return [(draw(own), records[start : start + size]) for start in range(0, len(records), size)]


@given(parents=files_of_arrays(), read_size=st.sampled_from([5, 10**6]))
@example(
    parents=[([("customer", '{"id":1}')], [[("id", "1"), ("price", "1"), ("customer", '{"name":2}')]])], read_size=10**6
)
@example(parents=[([("session", "1")], [C1, C2])], read_size=10**6)
@example(parents=[(C1[2:], [C1[:2]]), (C2[2:], [C1[:2]])], read_size=10**6)
@settings(deadline=None, max_examples=40)
def test_exploded_json_is_staged_as_python_reads_it_in_lines_and_arrays(parents, read_size):
    texts = [written([*own, ("things", f"[{','.join(map(written, records))}]")]) for own, records in parents]
    elements = [
        (line, {name: value for name, value in parent.items() if name != "things"} | element)
        for line, parent in enumerate(map(read, texts), 1)
        for element in parent["things"]
    ]
    for form in ("\n".join(texts), f"[{', '.join(texts)}]"):
        staged = stage_json(form, EXPLODED, read_size=read_size)
        assert (staged.code, staged.rejects) == (None, [])
        assert [(line, read(raw)) for line, raw, *_ in staged.records] == elements
        assert [meaning(cells) for cells in staged.cells] == [columns_of(element) for _, element in elements]
