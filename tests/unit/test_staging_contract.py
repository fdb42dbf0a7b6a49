"""Staging with the contract that ships: files of known shop systems load as they are."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shoplake.contracts import load_contract
from shoplake.inventory import load_inventory
from shoplake.staging import Limits, stage

UCI_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
UCI_ROW = "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"


@pytest.fixture
def stage_text(tmp_path):
    def stage_text(text: str):
        stream = io.BytesIO(text.encode())
        staged = tmp_path / "staged.parquet"
        limits = Limits(max_bytes=10**9, max_record_bytes=10**7)
        found = stage(stream, "o.csv", load_contract("transactions"), staged, tmp_path / "rejects.jsonl", limits)
        return found, pq.read_table(staged).to_pylist() if staged.exists() else None

    return stage_text


def test_a_uci_export_is_staged_under_the_contracts_names(stage_text):
    found, rows = stage_text(f"{UCI_HEADER}\n{UCI_ROW}\n")
    assert found.source == "uci"
    assert rows == [
        {
            "_line": 2,
            "_raw": UCI_ROW,
            "order_id": "536365",
            "product_id": "85123A",
            "product_name": "WHITE HANGING HEART T-LIGHT HOLDER",
            "quantity": "6",
            "unit_price": "2.55",
            "ordered_at": "2010-12-01 08:26:00",
            "customer_id": "17850.0",
            "country": "United Kingdom",
        }
    ]


# One record a dataset, under names that shops' exports use.
RECORDS = {
    "transactions": {"order_id": "A1", "sku": "P1", "qty": 2, "price": 2.5, "order_date": "2025-03-01 10:00:00"},
    "products": {"id": "P1", "name": "Cup", "price": 2.5, "attributes": {"colour": "red"}},
    "categories": {"id": "C1", "name": "Cups", "parent": "C0"},
    "clickstream": {"ts": "2025-03-01T10:00:00Z", "action": "view", "user_id": "U1", "url": "/product/P1"},
    "customers": {"user_id": "17850.0", "e-mail": "Ann@example.com", "Tel.": "07700 900123", "country": "UK"},
    "reviews": {"asin": "P1", "stars": 5, "body": "Good &amp; cheap", "review_date": "2025-03-01"},
}


@pytest.mark.parametrize("dataset", load_inventory().datasets)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
def test_every_dataset_loads_from_every_format(tmp_path, dataset, name):
    record, sink = RECORDS[dataset], io.BytesIO()
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist([record]), sink)
    elif name == "a.csv":
        sink.write(f"{','.join(record)}\n{','.join(str(value) for value in record.values())}\n".encode())
    else:
        sink.write(json.dumps([record] if name == "a.json" else record).encode())
    sink.seek(0)
    staged, limits = tmp_path / "staged.parquet", Limits(max_bytes=10**9, max_record_bytes=10**7)
    found = stage(sink, name, load_contract(dataset), staged, tmp_path / "rejects.jsonl", limits)
    assert (found.refusal, found.rows_staged, found.rows_quarantined) == (None, 1, 0)


def test_rows_without_their_header_are_refused(stage_text):
    found, rows = stage_text(f"{UCI_ROW}\n")
    assert (found.refusal.code, rows) == ("header_missing", None)


def test_a_missing_column_is_named_with_what_else_it_may_be_called(stage_text):
    found, _ = stage_text("InvoiceNo,StockCode,Quantity,InvoiceDate\n1,2,3,2010-12-01\n")
    assert found.refusal.code == "missing_column"
    assert "unit_price (also accepted as price, item_price, price_each)" in found.refusal.sentence
