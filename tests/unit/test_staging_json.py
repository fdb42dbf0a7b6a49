"""JSON: its forms, how values are kept, what is no record, and what refuses a file."""

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from shoplake.contracts import Source
from tests.unit.staging_contracts import PLAIN, THINGS, column, stage_json, with_sources

CUP = '{"id": 1, "name": "cup", "price": 2.50}'
MUG = '{"id": 2, "name": "mug", "price": 3}'
VALUES = [("1", "cup", "2.50", None), ("2", "mug", "3", None)]
ORDERS = with_sources(Source("shop", key="lines", records="orders.items"))
OTTO = Path(os.environ.get("SHOPLAKE_REAL_DATA", ""), "clickstream", "otto_sessions.jsonl")
EVENTS = with_sources(Source("sessions", key="lines", header=("session", "events"), explode="events"), PLAIN)


def of_price(value: str) -> str | None:
    """What a value that stands so in the file is staged as."""
    (record,) = stage_json(f'{{"id":"a","price":{value}}}').cells
    return record[2]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "A.NDJSON", "a.json.gz"])
@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"{CUP}\n{MUG}\n", "json_lines"),
        (f"{CUP}\n{MUG}", "json_lines"),
        (f"\n {CUP}\r\n\r\n{MUG}\r\n", "json_lines"),
        (f"[{CUP},{MUG}]", "json"),
        (f"\n[\n  {CUP} ,\n  {MUG}\n]\n", "json"),
    ],
)
def test_the_form_is_found_by_content_not_by_name(name, text, form):
    staged = stage_json(text, name=name)
    assert (staged.code, staged.staging.format, staged.cells) == (None, form, VALUES)


@pytest.mark.parametrize("read_size", [1, 7, 1_000_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings_and_gzip_give_the_same_records(encoding, read_size):
    text = '{"id": 1, "name": "Käse", "price": 2}\n'
    for data in (text.encode(encoding), gzip.compress(text.encode(encoding))):
        assert stage_json(data, read_size=read_size).cells == [("1", "Käse", "2", None)]


@pytest.mark.parametrize(
    ("written", "staged"),
    [
        ("49.990", "49.990"), ("17850.0", "17850.0"), ("1e3", "1e3"), ("-0", "-0"), ("1E+400", "1E+400"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("true", "true"), ("false", "false"), ("null", None),
        ('""', ""), ('"null"', "null"), ('" 007 "', " 007 "),
        (r'"a\"b\\c\/d\n\u00e9\ud83e\udde6"', 'a"b\\c/d\né🧦'),
        ('[1.50, {"a": "b"}]', '[1.50, {"a": "b"}]'), ('{"a":{"b":[]}}', '{"a":{"b":[]}}'),
    ],
)  # fmt: skip
def test_values_are_staged_exactly_as_they_stand(written, staged):
    assert of_price(written) == staged


def test_a_record_keeps_its_text_and_the_line_of_its_first_character():
    staged = stage_json(f"\n{CUP}\n\n  {MUG}  \n")
    assert [record[:2] for record in staged.records] == [(2, CUP), (4, MUG)]


def test_the_records_of_an_array_are_numbered_from_one():
    staged = stage_json('[{"id":1,"price":"a,]}"},\n\n{"id":2,"price":"\\\\"},{"id":3,"price":"\\""}]')
    assert [(line, value) for line, _, _, _, value, _ in staged.records] == [(1, "a,]}"), (2, "\\"), (3, '"')]
    assert staged.records[1][1] == '{"id":2,"price":"\\\\"}'


def test_fields_of_nested_objects_are_found_under_their_path():
    staged = stage_json('{"id":1,"unit":{"price":2},"customer":{"id":"C7","name":"Ann"},"tags":{"a":{"b":1}}}')
    assert staged.cells == [("1", None, "2", "C7")]
    assert staged.staging.header == ["id", "unit.price", "customer.id", "customer.name", "tags.a.b"]
    assert staged.staging.extra_columns == ["customer.name", "tags.a.b"]


def test_an_object_or_array_under_a_columns_own_name_is_staged_as_json_text():
    staged = stage_json('{"id":1,"price":2,"name":{"en": "cup"}}\n{"id":2,"price":2,"name":["a", 1.0]}\n')
    assert [cells[1] for cells in staged.cells] == ['{"en": "cup"}', '["a", 1.0]']


def test_a_column_that_first_appears_in_the_last_record_is_staged():
    lines = ['{"id":1,"price":2}\n'] * 60_000 + ['{"title":"late","price":2,"id":1,"colour":"red"}\n']
    staged = stage_json("".join(lines))
    assert staged.cells[-1] == ("1", "late", "2", None)
    assert {cells[1] for cells in staged.cells[:-1]} == {None}
    assert staged.staging.extra_columns == ["colour"]


def test_lines_that_are_no_records_are_quarantined_with_line_and_text():
    torn = '{"id": 3, "price": 4'
    staged = stage_json(f'{CUP}\n[1]\n"a"\n{{"id":2,"price":NaN}}\n{MUG} {MUG}\nnull\n{MUG}\n{torn}')
    assert staged.cells == VALUES
    assert staged.rejected == [
        (2, "not_an_object"),
        (3, "not_an_object"),
        (4, "torn_json"),
        (5, "torn_json"),
        (6, "not_an_object"),
        (8, "torn_json"),
    ]
    assert staged.rejects[-1]["raw_text"] == torn
    assert staged.staging.rows_read == 8


def test_the_first_line_may_be_torn():
    staged = stage_json(f'"name": "pot"}}\n{CUP}\n{MUG}\n')
    assert (staged.cells, staged.rejected) == (VALUES, [(1, "torn_json")])


def test_elements_that_are_no_records_are_quarantined_with_their_ordinal():
    staged = stage_json(f'[{CUP}, 7, "a,b", [{{}}], , {{"id" 2}}, {MUG},]')
    assert staged.cells == VALUES
    assert staged.rejected == [
        (2, "not_an_object"), (3, "not_an_object"), (4, "not_an_object"),
        (5, "torn_json"), (6, "torn_json"), (8, "torn_json"),
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["{}\n{}\n{}\n", "[{},{},{}]"])
@pytest.mark.parametrize("read_size", [10, 1_000_000])
def test_a_record_that_is_too_long_is_quarantined_with_its_beginning(form, read_size):
    long = json.dumps({"id": 9, "price": "," * 500})
    staged = stage_json(form.format(CUP, long, MUG), max_record_bytes=60, read_size=read_size)
    assert (staged.cells, staged.rejected) == (VALUES, [(2, "record_too_long")])
    assert staged.rejects[0]["raw_text"] == long[:60]


def test_a_first_line_longer_than_what_is_looked_at_costs_that_line_only():
    staged = stage_json('{"id":1,"price":"' + "x" * 3_000_000 + f'"}}\n{MUG}\n', max_record_bytes=1_000_000)
    assert (staged.cells, staged.rejected) == (VALUES[1:], [(1, "record_too_long")])


def test_deep_nesting_costs_that_record_only():
    deep = '{"id":' + "[" * 100_000 + "]" * 100_000 + "}"
    assert stage_json(f"{CUP}\n{deep}\n{MUG}\n").rejected == [(2, "nested_too_deep")]
    assert stage_json(f"[{CUP},{deep},{MUG}]").rejected == [(2, "nested_too_deep")]


def test_of_a_field_that_stands_twice_the_last_counts_and_it_is_noted():
    staged = stage_json(
        '{"id":1,"price":2,"id":3}\n{"id" :4,"price": "id\\": 5","x":{"id":1}}\n{"a":1,"id":1,"price":1}\n'
    )
    assert [cells[0] for cells in staged.cells] == ["3", "4", "1"]
    assert staged.staging.notes == ["records that name a field twice, of which the last one counts: 1"]


def test_two_fields_for_one_column_in_one_record_are_quarantined():
    staged = stage_json(f'{CUP}\n{{"id":2,"price":3,"customer_id":"a","customer":{{"id":"b"}}}}\n')
    assert staged.rejected == [(2, "ambiguous_column")]
    assert staged.rejects[0]["detail"] == "`customer_id` and `customer.id` both mean customer_id"


def test_two_spellings_in_two_records_are_one_column():
    assert stage_json('{"ID":1,"Price":2}\n{"id":3,"price":4}\n').cells == [
        ("1", None, "2", None),
        ("3", None, "4", None),
    ]


@pytest.mark.parametrize("cut", [1, 10, 41, 60, 79])
@pytest.mark.parametrize("form", ["[{},{}]", '{{"n":[],"orders":{{"items":[{},{}]}}}}'])
def test_an_array_that_is_cut_off_is_refused_with_the_record(form, cut):
    text = form.format(CUP, MUG)
    start = text.index(CUP)
    staged = stage_json(text[: min(start + cut, len(text) - 1)], ORDERS)
    assert staged.code == "truncated"
    assert f"at record {1 if cut < 40 else 2}" in staged.sentence or "after its last record" in staged.sentence
    assert staged.left_files == []


@pytest.mark.parametrize("text", ["[{0}] [{0}]", "[{0}]{0}", "[{0}],", "[{0}]x"])
def test_what_follows_an_arrays_end_refuses_the_file(text):
    assert stage_json(text.format(CUP)).code == "unreadable"


@pytest.mark.parametrize("text", ["[]", " [ \n ] "])
def test_an_empty_array_is_accepted_with_a_note(text):
    staged = stage_json(text)
    assert (staged.code, staged.records, staged.staging.notes) == (None, [], ["the file holds no records"])


@pytest.mark.parametrize("text", ["id,price\n1,2\n", "hello", '"a"', "{}}{", "<p>Log in</p>"])
def test_what_is_no_json_is_the_wrong_format(text):
    assert stage_json(text).code == "wrong_format"


def test_a_form_that_the_dataset_does_not_take_is_refused_by_name():
    staged = stage_json(f"[{CUP}]", replace(THINGS, formats=("csv", "json_lines")))
    assert staged.code == "wrong_format"
    assert "is one JSON array, which things doesn't accept: it takes CSV or JSON Lines" in staged.sentence


def test_records_without_a_required_column_are_refused_with_the_fields_that_are_there():
    staged = stage_json('{"id":1,"cost":{"net":2}}\n')
    assert staged.code == "missing_column"
    assert "price (also accepted as unit_price)" in staged.sentence
    assert "have the fields `id`, `cost.net`" in staged.sentence


def test_the_records_of_an_object_stand_at_the_sources_path():
    text = f'{{"orders":[1],"meta":{{"orders":{{}}}},"orders":{{"count":2,"items": [{CUP},{MUG}],"a":[]}},"b":"]"}}\n'
    for form in (text.replace('"orders":[1],', ""), json.dumps(json.loads(text), indent=2)):
        staged = stage_json(form, ORDERS)
        assert [(line, cells[0]) for line, cells in zip((1, 2), staged.cells, strict=True)] == [(1, "1"), (2, "2")]
        assert staged.staging.source == "shop"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"items":[],"count":1}', "the object has `items`, `count`"),
        ('{"orders":{"count":1}}', "`orders` has `count`"),
        ('{"orders":[{"id":1}]}', "`orders` is no object"),
        ('{"orders":{"items":"none"}}', "`orders.items` is no array"),
        ('{\n "orders": {\n  "list": []\n }\n}', "`orders` has `list`"),
    ],
)
def test_an_object_without_the_path_is_refused_with_the_path_and_the_keys_that_are_there(text, found):
    staged = stage_json(text, ORDERS)
    assert staged.code == "missing_records"
    assert "`orders.items`" in staged.sentence
    assert found in staged.sentence


def test_other_forms_of_a_source_with_a_path_load_too():
    for text in (
        f"{CUP}\n{MUG}\n",
        f"[{CUP},{MUG}]",
    ):
        assert stage_json(text, ORDERS).cells == VALUES
    assert stage_json(CUP, ORDERS).cells == VALUES[:1]


def test_each_element_of_an_exploded_array_is_a_record_with_its_parents_fields():
    text = (
        '{"session":7,"price":1.0,"events":[{"id":1.50,"name":"a"},{"id":2,"price":null}]}\n'
        '{"session":8,"price":2,"events":[]}\n'
        '{"session":9,"price":2,"events":[{"id":3},4]}\n'
        '{"session":10,"price":2}\n'
    )
    staged = stage_json(text, EVENTS)
    assert staged.staging.source == "sessions"
    assert staged.staging.header == ["session", "price", "id", "name"]
    assert [(record[0], *record[2:5]) for record in staged.records] == [
        (1, "1.50", "a", "1.0"),
        (1, "2", None, None),
        (3, "3", None, "2"),
    ]
    assert staged.records[0][1] == '{"session":7,"price":1.0,"id":1.50,"name":"a"}'
    assert staged.rejects == [
        {
            "line": 3, "element": 2, "raw_text": "4", "reasons": ["not_an_object"],
            "detail": "element 2 of `events` is not an object",
        },
        {
            "line": 4, "raw_text": '{"session":10,"price":2}', "reasons": ["no_array"],
            "detail": "the record has no array `events`",
        },
    ]  # fmt: skip
    assert staged.staging.notes == ["records whose array `events` is empty: 1"]


def test_an_alias_of_the_source_goes_before_the_synonyms_and_takes_a_name_from_other_columns():
    bestbuy = Source("bestbuy", key="lines", header=("image",), aliases={"id": ("image",), "name": ("customer",)})
    contract = with_sources(bestbuy, PLAIN)
    staged = stage_json('{"image":"4984700_sb.jpg","order_no":9,"title":"t","customer":"n","price":1}', contract)
    assert staged.cells == [("4984700_sb.jpg", "n", "1", None)]
    assert stage_json('{"order_no":9,"title":"t","customer":"n","price":1}', contract).cells == [("9", "t", "1", "n")]


def test_the_size_limit_holds_for_what_a_gzip_unpacks_to():
    bomb = gzip.compress(f"{CUP}\n".encode() * 200_000)
    assert stage_json(bomb, max_bytes=1_000_000).code == "too_large"


@pytest.mark.skipif(not OTTO.is_file(), reason="SHOPLAKE_REAL_DATA doesn't name OTTO's sessions")
def test_ottos_sessions_are_862_events():
    columns = (column("aid", required=True), column("session"), column("ts"), column("type"))
    sessions = Source("otto", key="lines", header=("session", "events"), explode="events")
    contract = replace(THINGS, columns=columns, sources=(sessions, PLAIN))
    staged = stage_json(OTTO.read_bytes(), contract, OTTO.name, columns=("aid", "session", "ts", "type"))
    events = [
        (str(event["aid"]), str(session["session"]), str(event["ts"]), event["type"])
        for session in map(json.loads, OTTO.read_text().splitlines())
        for event in session["events"]
    ]
    assert len(events) == 862
    assert (staged.cells, staged.rejects) == (events, [])
    assert {record[0] for record in staged.records} == set(range(1, 21))
