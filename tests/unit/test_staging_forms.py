"""One meaning of all forms: the same records stage to the same columns, whatever form a shop exports them in."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoplake.contracts import Source
from tests.unit.staging_contracts import COLUMNS, PLAIN, stage_json, with_sources

CONTRACT = with_sources(Source("shop", key="lines", records="data.things"), PLAIN)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
AWKWARD = st.text(alphabet='a"\\,;|{}[]:/é🧦 \t\n', max_size=6)
VALUE = st.one_of(TEXT, AWKWARD, st.integers().map(str), st.decimals(allow_nan=False, allow_infinity=False).map(str))
RECORDS = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, VALUE)), min_size=1, max_size=8)


def as_csv(records: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_parquet(records: list[dict[str, str]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


@given(
    records=RECORDS, is_ascii=st.booleans(), indent=st.sampled_from([None, 1]), read_size=st.sampled_from([7, 10**6])
)
@example(
    records=[{"id": "\\", "name": '"', "price": "null", "customer_id": "[,"}], is_ascii=True, indent=1, read_size=1
)
@settings(deadline=None, max_examples=25)
def test_the_same_records_in_every_form_are_staged_alike(records, is_ascii, indent, read_size):
    files = {
        "a.csv": as_csv(records),
        "lines.json": "".join(json.dumps(record, ensure_ascii=is_ascii) + "\n" for record in records).encode(),
        "array.json": json.dumps(records, ensure_ascii=is_ascii, indent=indent).encode(),
        "object.json": json.dumps({"n": 1, "data": {"things": records}}, indent=indent).encode(),
        "a.parquet": as_parquet(records),
    }
    expected = [tuple(record[column] for column in COLUMNS) for record in records]
    for name, data in files.items():
        for content in (data, gzip.compress(data)):
            staged = stage_json(content, CONTRACT, name, read_size=read_size)
            assert (name, staged.code, staged.rejects, staged.cells) == (name, None, [], expected)


# Bits that make every kind of mess when put together.
MESS = st.lists(
    st.sampled_from(
        ['{"id":1,"price":2}', "{", "}", "[", "]", ",", ":", '"', "\\", '\\"', "\n", " ", "é", "1", '"id"']
    ),
    max_size=40,
).map("".join)


@given(mess=MESS, start=st.sampled_from(["", "[", '{"id":1,"price":2}\n', '{"data":{"things":[']))
@settings(deadline=None, max_examples=200)
def test_any_cut_into_chunks_gives_the_same_and_no_record_is_lost(mess, start):
    data = (start + mess).encode()
    whole, pieces = (stage_json(data, CONTRACT, read_size=size, max_record_bytes=50) for size in (10**6, 3))
    assert (whole.staging, whole.records, whole.rejects) == (pieces.staging, pieces.records, pieces.rejects)
    found = whole.staging
    assert found.rows_read == len(whole.records) + len(whole.rejects)
