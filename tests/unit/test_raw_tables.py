"""A raw table is held against the contract: what differs becomes a sentence of the e-mail."""

from dataclasses import replace

import pytest

from shoplake.contracts import Source, load_contract
from shoplake.raw_tables import differences, outside_partitions, shortened

CONTRACT = load_contract("transactions")
GOOD = {
    "order_id": "string",
    "product_id": "string",
    "quantity": "bigint",
    "unit_price": "double",
    "ordered_at": "string",
}


def told(**columns) -> list[str]:
    """Differences of the good columns with some changed, added, or (None) taken away."""
    found = {name: kind for name, kind in {**GOOD, **columns}.items() if kind}
    return differences("transactions", found.items(), CONTRACT)


def test_a_table_as_the_contract_says_differs_in_nothing():
    assert told() == []


def test_names_of_known_shop_systems_are_no_differences():
    exported = {"InvoiceNo": "string", "StockCode": "string", "Quantity": "bigint", "UnitPrice": "double",
                "InvoiceDate": "string", "CustomerID": "double", "Country": "string"}  # fmt: skip
    assert differences("transactions", exported.items(), CONTRACT) == []


def test_a_column_that_the_contract_does_not_know_is_new():
    assert told(coupon="string") == ["raw.transactions: column `coupon` is new: the contract doesn't know it"]


def test_new_columns_of_people_are_counted_and_not_named_since_they_may_be_a_persons_row():
    columns = {"customer_id": "string", "email": "string", "ann@example.com": "string", "ann smith": "string"}
    assert differences("customers", columns.items(), load_contract("customers")) == [
        "raw.customers: 2 columns that the contract doesn't know"
    ]


def test_members_of_an_object_that_the_contract_knows_whole_are_known():
    columns = {"product_id": "string", "name": "string", "price": "double", "attributes": "struct<colour:string>"}
    assert differences("products", columns.items(), load_contract("products")) == []


def test_a_column_out_of_bytes_that_are_no_text_is_told_without_them():
    assert told(**{"pk\x03\x04order_id": "string"}) == [
        "raw.transactions: column 'pk\\x03\\x04order_id' comes from a file that is no text, "
        "which crawlers read all the same"
    ]


def test_a_required_column_that_is_not_there_is_named_with_its_other_names():
    assert told(unit_price=None) == [
        "raw.transactions: no column is the required `unit_price` "
        "(it may be called `unit_price`, `price`, `item_price`, `price_each`)"
    ]


def test_a_price_that_became_text_does_not_fit():
    assert told(unit_price=None, price="string") == [
        "raw.transactions: column `price` holds string, and the contract says number (unit_price)"
    ]


@pytest.mark.parametrize("kind", ["string", "bigint", "double"])
def test_an_identifier_may_look_like_anything(kind):
    assert told(customer_id=kind) == []


@pytest.mark.parametrize("kind", ["int", "bigint", "double", "decimal(18,4)"])
def test_any_number_fits_a_number(kind):
    assert told(unit_price=kind) == []


def test_fractions_do_not_fit_an_integer():
    assert told(quantity="double") == [
        "raw.transactions: column `quantity` holds double, and the contract says integer",
    ]


def test_members_of_objects_are_columns_by_their_path():
    nested = "struct<no:bigint,size:decimal(18,4),ship:struct<zip:string>>"
    assert told(order_id=None, order=nested) == [
        "raw.transactions: column `order.size` is new: the contract doesn't know it",
        "raw.transactions: column `order.ship.zip` is new: the contract doesn't know it",
    ]


def test_the_array_that_a_source_explodes_and_its_own_names_are_known():
    contract = replace(
        CONTRACT, sources=(Source("feed", "lines", explode="items", aliases={"unit_price": ("asking",)}),)
    )
    columns = {
        "order_id": "int",
        "ordered_at": "string",
        "items": "array<struct<sku:string,qty:int,asking:string,gift:boolean>>",
    }
    assert differences("transactions", columns.items(), contract) == [
        "raw.transactions: column `asking` holds string, and the contract says number (unit_price)",
        "raw.transactions: column `gift` is new: the contract doesn't know it",
    ]


def test_an_e_mail_lists_the_first_differences_and_counts_the_others():
    sentences = [f"raw.transactions: column `c{n}` is new" for n in range(9)]
    assert shortened(sentences, "transactions") == [*sentences[:4], "raw.transactions: ... and 5 more differences"]
    assert shortened(sentences[:4], "transactions") == sentences[:4]
    assert max(map(len, shortened(["x" * 10_000], "transactions"))) == 200


PARTITIONED = {"PartitionKeys": [{"Name": "date", "Type": "string"}]}


def test_files_beside_the_partitions_are_named():
    assert outside_partitions("transactions", PARTITIONED, ["date=2025-01-01", "source=web/date=2025-01-01"], 2) == [
        "raw.transactions: SQL on it misses 1 folder such as source=web/date=2025-01-01 and 2 files in no folder, "
        "outside its partitions (date=...)"
    ]


def test_files_in_partitions_and_those_of_a_table_without_partitions_are_not():
    assert outside_partitions("transactions", PARTITIONED, ["date=2025-01-01"], 0) == []
    assert outside_partitions("transactions", {"PartitionKeys": []}, ["date=2025-01-01"], 3) == []
