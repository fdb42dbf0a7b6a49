"""Parquet: each type's one form as a string, the row as JSON, and what refuses a file."""

import gzip
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shoplake.contracts import Source
from tests.unit.staging_contracts import PLAIN, stage_json, with_sources


def parquet(table: pa.Table | list[dict], **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(table) if isinstance(table, list) else table, sink, **options)
    return sink.getvalue()


def stage(data: bytes, name: str = "things.parquet", **options):
    return stage_json(data, name=name, **options)


def of_price(values: list, kind: pa.DataType) -> list[str | None]:
    table = pa.table({"id": [str(n) for n in range(len(values))], "price": pa.array(values, kind)})
    return [cells[1] for cells in stage(parquet(table), columns=("id", "price")).cells]


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.int64(), [-7, None, 2**53 + 1], ["-7", None, "9007199254740993"]),
        (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
        (pa.float64(), [2.5, 17850.0, 0.1, 1e22, 1e-7, -1.5e-9], ["2.5", "17850", "0.1", "1" + "0" * 22, "0.0000001",
                                                                  "-0.0000000015"]),
        (pa.float32(), [49.99], ["49.99"]),
        (pa.uuid(), [UUID(int=5).bytes, None], ["00000000-0000-0000-0000-000000000005", None]),
        (pa.list_(pa.timestamp("ns")), [[1]], ['["1970-01-01 00:00:00.000000001"]']),
        (pa.list_(pa.timestamp("us")), [[253402300800000000]], ['["10000-01-01 00:00:00.000000"]']),
        (pa.decimal128(20, 7), [Decimal("12.34"), Decimal("0.0000001")], ["12.3400000", "0.0000001"]),
        (pa.bool_(), [True, False, None], ["true", "false", None]),
        (pa.string(), [" 007 ", "", None], [" 007 ", "", None]),
        (pa.binary(), ["Käse".encode(), None], ["Käse", None]),
        (pa.dictionary(pa.int32(), pa.string()), ["a", None, "a"], ["a", None, "a"]),
        (pa.date32(), [date(2025, 3, 1)], ["2025-03-01"]),
        (pa.time64("us"), [time(10, 0), time(10, 0, 0, 5)], ["10:00:00", "10:00:00.000005"]),
        (pa.timestamp("us"), [datetime(2025, 3, 1, 10), None], ["2025-03-01T10:00:00", None]),
        (
            pa.timestamp("ns"),
            [datetime(2025, 3, 1, 10, 0, 0, 120_000), datetime(2025, 3, 1, 10, 0, 0, 1)],
            ["2025-03-01T10:00:00.120", "2025-03-01T10:00:00.000001"],
        ),
        (pa.timestamp("ms", "UTC"), [datetime(2025, 3, 1, 10, tzinfo=UTC)], ["2025-03-01T10:00:00Z"]),
        (pa.timestamp("ms", "Europe/Berlin"), [datetime(2025, 7, 1, 10, tzinfo=UTC)], ["2025-07-01T10:00:00Z"]),
        (pa.list_(pa.string()), [["a", 'b"'], [], None], ['["a","b\\""]', "[]", None]),
        (pa.struct([("net", pa.decimal128(4, 2))]), [{"net": Decimal("1.50")}, None], ['{"net":1.50}', None]),
        (pa.map_(pa.string(), pa.int32()), [[("a", 1)]], ['{"a":1}']),
        (pa.null(), [None], [None]),
    ],
)  # fmt: skip
def test_each_type_has_one_form_as_text(kind, values, texts):
    assert of_price(values, kind) == texts


def test_a_row_keeps_its_ordinal_and_itself_as_json():
    rows = [{"id": 1, "name": 'a "b"\n', "price": 2.5, "when": datetime(2025, 3, 1)}, {"id": 2, "price": 3.0}]
    staged = stage(parquet(rows))
    assert [record[0] for record in staged.records] == [1, 2]
    assert [json.loads(record[1]) for record in staged.records] == [
        {"id": 1, "name": 'a "b"\n', "price": 2.5, "when": "2025-03-01T00:00:00"},
        {"id": 2, "name": None, "price": 3, "when": None},
    ]


def test_structs_are_opened_and_extra_columns_reported():
    staged = stage(parquet([{"id": 1, "price": 2, "customer": {"id": "C7", "home": {"city": "Bonn"}}}]))
    assert staged.cells == [("1", "2", "C7")]
    assert staged.staging.header == ["id", "price", "customer.home.city", "customer.id"]
    assert staged.staging.extra_columns == ["customer.home.city"]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_row_groups_and_compressions_read_alike(compression):
    rows = [{"id": n, "price": n} for n in range(50_000)]
    staged = stage(parquet(rows, compression=compression, row_group_size=7000))
    assert [record[0] for record in staged.records] == list(range(1, 50_001))
    assert staged.cells[-1] == ("49999", "49999")


def test_gzip_around_a_parquet_file_is_unpacked():
    assert stage(gzip.compress(parquet([{"id": 1, "price": 2}])), "things.parquet.gz").cells == [("1", "2")]


def test_the_source_is_found_and_its_aliases_count():
    contract = with_sources(Source("image_shop", key="lines", header=("image",), aliases={"id": ("image",)}), PLAIN)
    staged = stage(parquet([{"image": "a.jpg", "price": 2}]), contract=contract)
    assert (staged.staging.source, staged.staging.format, staged.cells) == ("image_shop", "parquet", [("a.jpg", "2")])


def test_a_row_that_is_too_long_is_quarantined():
    rows = [{"id": 1, "price": "a"}, {"id": 2, "price": "x" * 500}, {"id": 3, "price": "b"}]
    staged = stage(parquet(rows), max_record_bytes=100)
    assert (staged.cells, staged.rejected) == ([("1", "a"), ("3", "b")], [(2, "record_too_long")])


def test_a_table_without_rows_is_accepted_with_a_note():
    staged = stage(parquet(pa.table({"id": pa.array([], pa.int64()), "price": pa.array([], pa.int64())})))
    assert (staged.code, staged.records, staged.staging.notes) == (None, [], ["the file holds no records"])


GOOD = parquet([{"id": n, "price": f"{n * 7919 % 10007}.50"} for n in range(5000)])


@pytest.mark.parametrize("length", [5, 100, len(GOOD) // 2, len(GOOD) - 1])
def test_a_file_that_is_cut_off_is_refused(length):
    staged = stage(GOOD[:length])
    assert (staged.code, staged.left_files) == ("truncated", [])


@pytest.mark.parametrize("place", [200, len(GOOD) // 2, len(GOOD) - 30])
def test_a_damaged_file_is_refused(place):
    staged = stage(GOOD[:place] + b"\xff" * 20 + GOOD[place + 20 :])
    assert (staged.code, staged.left_files) == ("unreadable", [])


@pytest.mark.parametrize(("data", "code"), [(b"", "empty"), (b"id,price\n1,2\n", "wrong_format")])
def test_what_is_no_parquet_is_refused(data, code):
    assert stage(data).code == code


def test_a_missing_column_and_two_for_one_are_refused():
    assert stage(parquet([{"id": 1, "cost": 2}])).code == "missing_column"
    assert "have the fields `id`, `cost`" in stage(parquet([{"id": 1, "cost": 2}])).sentence
    assert stage(parquet([{"id": 1, "price": 2, "Price": 3}])).code == "ambiguous_column"


def test_pages_that_unpack_to_more_than_a_file_may_hold_are_refused():
    table = pa.table({"id": ["x" * 1000] * 3000, "price": ["1"] * 3000})
    data = parquet(table, use_dictionary=False, compression="zstd")
    assert len(data) < 100_000
    assert stage(data, max_bytes=1_000_000).code == "too_large"


def test_values_that_repeat_from_a_dictionary_without_end_are_refused():
    data = parquet(pa.table({"id": ["x" * 10_000] * 3000, "price": ["1"] * 3000}))
    assert len(data) < 100_000
    assert stage(data, max_bytes=1_000_000).code == "too_large"
