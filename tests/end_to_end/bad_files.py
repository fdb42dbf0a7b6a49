"""Files to drop, good ones and bad ones, each with what is to be said of it."""

import gzip
import io
import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.orders import HEADER, csv_text, order_line


@dataclass(frozen=True)
class Case:
    """One dropped file: what is in it, and what is to be said of it."""

    content: bytes
    verdict: str
    reason: str | None = None
    says: tuple[str, ...] = ()  # words of its sentence
    problems: list[tuple] = field(default_factory=list)  # line, column, value, rule
    published: int = 0  # lines in curated.sales
    catalogue: int = 0  # products or categories loaded
    key: str | None = None  # where it isn't dropped by the command


def good(file: str, **columns: str) -> str:
    """Three good lines of orders that bear the file's name."""
    return csv_text(*(order_line(f"{file}-{n}", **columns) for n in (1, 2, 3)))


def without_header(text: str) -> str:
    return text.removeprefix(HEADER + "\n")


def many_broken(file: str) -> str:
    """25 broken rows of 26: the contract's limit is 20 rows and 5%."""
    return csv_text(*(order_line(f"{file}-{n}", quantity="many") for n in range(25)), order_line(f"{file}-25"))


def some_broken(file: str) -> str:
    broken = order_line(f"{file}-2", quantity="many"), order_line(f"{file}-3", price="-1")
    return csv_text(order_line(f"{file}-1"), *broken, order_line(f"{file}-4"))


def ragged(file: str) -> str:
    torn = f"{file}-2,P-1,Cup", order_line(f"{file}-4") + ",too,many"
    return csv_text(order_line(f"{file}-1"), torn[0], order_line(f"{file}-3"), torn[1])


def with_extra_column(text: str) -> str:
    header, *rows = text.splitlines()
    return "\n".join([f"{header},gift_wrap", *(f"{row},red" for row in rows)]) + "\n"


def order(number: str, **changed: Any) -> dict[str, Any]:
    """A good order line as an object, but for what is changed; None takes a field away."""
    fields = {
        "order_id": number, "product_id": "P-1", "product_name": "Cup", "quantity": 2, "unit_price": 2.50,
        "ordered_at": "2024-03-01 10:00:00", "customer_id": "C-7", "country": "France", **changed,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def orders(file: str, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Lines of orders that bear the file's name; without changes three good ones."""
    return [order(f"{file}-{n}", **changed) for n, changed in enumerate(changes or ({}, {}, {}), 1)]


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def parquet(records: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


def catalogue(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


ODD_NAMES = ("with spaces.csv", "_underscore.csv", "[brackets].csv", "{braces}.json", "co:lons.jsonl", "Straße é.csv")
TORN_LAST = '{"order_id": "torn_last-4", "product_id": "P-'
LONG = json.dumps(order("long_line-2", product_name="x" * 10_000_000))
NO_OBJECT = "[1, 2, 3]"
ACCENTS = "Café £5"
QUOTED = '"Cup\nand saucer"'
WITHOUT_PRICE = HEADER.replace("unit_price", "colour")

CASES = {
    "good.csv": Case(good("good").encode(), "accepted", published=3),
    "empty.csv": Case(b"", "refused", "empty", ("is empty",)),
    "spreadsheet.xlsx": Case(
        good("spreadsheet").encode(),
        "refused",
        "wrong_format",
        ("must end in .csv, .tsv, .txt, .jsonl, .ndjson, .json or .parquet",),
    ),
    "truncated.csv.gz": Case(
        gzip.compress(good("truncated").encode())[:-12], "refused", "truncated", ("cut off before its end",)
    ),
    "binary.csv": Case(bytes(range(256)) * 20, "refused", "binary", ("is not text",)),
    "utf16.csv": Case(good("utf16", name=ACCENTS).encode("utf-16"), "accepted", published=3),
    "latin1.csv": Case(good("latin1", name=ACCENTS).encode("latin-1"), "accepted", published=3),
    "bom.csv": Case(good("bom", name=ACCENTS).encode("utf-8-sig"), "accepted", published=3),
    "crlf.csv": Case(good("crlf").replace("\n", "\r\n").encode(), "accepted", published=3),
    "semicolons.csv": Case(good("semicolons").replace(",", ";").encode(), "accepted", published=3),
    "tabs.csv": Case(good("tabs").replace(",", "\t").encode(), "accepted", published=3),
    "headerless.csv": Case(
        without_header(good("headerless")).encode(),
        "refused",
        "header_missing",
        (f"has no header: line 1 is `{order_line('headerless-1')}`",),
        [(1, None, order_line("headerless-1"), "header_missing")],
    ),
    "priceless.csv": Case(
        good("priceless").replace(HEADER, WITHOUT_PRICE).encode(),
        "refused",
        "missing_column",
        ("lacks the required column unit_price", f"its header in line 1 is `{WITHOUT_PRICE}`"),
        [(1, "unit_price", WITHOUT_PRICE, "missing_column")],
    ),
    "extra.csv": Case(with_extra_column(good("extra")).encode(), "accepted", published=3),
    "ragged.csv": Case(
        ragged("ragged").encode(),
        "accepted_with_rejects",
        problems=[
            (3, None, "ragged-2,P-1,Cup", "ragged_row"),
            (5, None, order_line("ragged-4") + ",too,many", "ragged_row"),
        ],
        published=2,
    ),
    "quoted.csv": Case(good("quoted", name=QUOTED).encode(), "accepted", published=3),
    "twin.csv": Case(good("twin").encode(), "accepted", published=3),
    "other_twin.csv": Case(
        good("twin").encode(), "duplicate", says=("has the same bytes as raw/transactions/twin.csv", "--force")
    ),
    "returns.csv": Case(
        good("returns").encode(),
        "refused",
        "unknown_dataset",
        ("is in no known dataset ('returns')", "put it under raw/ in one of: transactions"),
        key="raw/returns/returns.csv",
    ),
    "many_broken.csv": Case(
        many_broken("many_broken").encode(),
        "refused",
        "too_many_rejects",
        ("25 of its 26 rows break a rule, more than the 5% that the contract allows",),
        [(line, "quantity", "many", "not_an_integer") for line in range(2, 27)],
    ),
    "some_broken.csv": Case(
        some_broken("some_broken").encode(),
        "accepted_with_rejects",
        problems=[(3, "quantity", "many", "not_an_integer"), (4, "unit_price", "-1", "below_minimum")],
        published=2,
    ),
    "lines.jsonl": Case(lines(orders("lines")).encode(), "accepted", published=3),
    "array.json": Case(json.dumps(orders("array"), indent=1).encode(), "accepted", published=3),
    "object.json": Case(json.dumps({"count": 3, "orders": orders("object")}).encode(), "accepted", published=3),
    "zipped.json.gz": Case(gzip.compress(json.dumps(orders("zipped")).encode("utf-16")), "accepted", published=3),
    "rows.parquet": Case(parquet(orders("rows")), "accepted", published=3),
    "twin.json": Case(json.dumps(orders("json_twin")).encode(), "accepted", published=3),
    "other_twin.json": Case(
        json.dumps(orders("json_twin")).encode(),
        "duplicate",
        says=("has the same bytes as raw/transactions/twin.json",),
    ),
    "nested.json": Case(
        lines(orders("nested", *[{"customer_id": None, "customer": {"id": "C-8", "vip": True}}] * 3)).encode(),
        "accepted",
        published=3,
    ),
    "torn_last.jsonl": Case(
        (lines(orders("torn_last")) + TORN_LAST).encode(),
        "accepted_with_rejects",
        problems=[(4, None, TORN_LAST, "torn_json")],
        published=3,
    ),
    "no_object.jsonl": Case(
        (lines(orders("no_object")[:1]) + NO_OBJECT + "\n" + lines(orders("no_object")[2:])).encode(),
        "accepted_with_rejects",
        problems=[(2, None, NO_OBJECT, "not_an_object")],
        published=2,
    ),
    "long_line.jsonl": Case(
        f"{lines(orders('long_line', {}))}{LONG}\n{lines([order('long_line-3')])}".encode(),
        "accepted_with_rejects",
        problems=[(2, None, LONG[:200], "record_too_long")],
        published=2,
    ),
    "cut_array.json": Case(
        json.dumps(orders("cut_array")).encode()[:-60], "refused", "truncated", ("cut off before its end, at record 3",)
    ),
    "cut.parquet": Case(parquet(orders("cut"))[:-9], "refused", "truncated", ("Parquet that was cut off",)),
    "pathless.json": Case(
        json.dumps({"count": 3, "data": orders("pathless")}).encode(),
        "refused",
        "missing_records",
        ("without the array `orders`", "the object has `count`, `data`"),
    ),
    "loose.csv": Case(
        good("loose").encode(),
        "refused",
        "unknown_dataset",
        ("('directly under raw/')", "put it under raw/ in one of: transactions"),
        key="raw/loose.csv",
    ),
    "dated.csv": Case(
        good("dated").encode(), "accepted", published=3, key="raw/transactions/date=2024-03-01/dated.csv"
    ),
    **{
        name: Case((good(stem) if name.endswith(".csv") else lines(orders(stem))).encode(), "accepted", published=3)
        for name in ODD_NAMES
        for stem in [name.partition(".")[0]]
    },
    "prices.jsonl": Case(
        lines(
            orders("prices", {"unit_price": 3}, {"unit_price": 2.5}, {"unit_price": "4.50"}, {"unit_price": -1.5})
        ).encode(),
        "accepted_with_rejects",
        problems=[(4, "unit_price", "-1.5", "below_minimum")],
        published=3,
    ),
    "huge.jsonl": Case(
        lines(orders("huge", {}, {"quantity": 99_999_999_999})).encode(),
        "accepted_with_rejects",
        problems=[(2, "quantity", "99999999999", "not_an_integer")],
        published=1,
    ),
    "zeros.json": Case(
        json.dumps(orders("zeros", {"product_id": "007"}, {"product_id": "7"})).encode(), "accepted", published=2
    ),
    "dollars.json": Case(
        json.dumps(orders("dollars", {"currency": "GBP"}, {"currency": "USD"})).encode(),
        "accepted_with_rejects",
        problems=[(2, "currency", "USD", "no_exchange_rate")],
        published=1,
    ),
    "year_2099.csv": Case(
        csv_text(order_line("year_2099-1"), order_line("year_2099-2").replace("2024", "2099")).encode(),
        "accepted_with_rejects",
        problems=[(3, "ordered_at", "2099-03-01 10:00:00", "after_arrival")],
        published=1,
    ),
    "products.csv": Case(
        catalogue("product_id,name,price,category_id", "0042,Cup,2.50,K-1", ",Mug,3.00,K-1", "42,Jug,free,K-2"),
        "accepted_with_rejects",
        problems=[(3, "product_id", None, "missing"), (4, "price", "free", "not_a_number")],
        catalogue=1,
        key="raw/products/products.csv",
    ),
    "categories.csv": Case(
        catalogue("category_id,name,parent_id", "K-1,Cups,K-2", "K-2,Jugs,K-1", "K-3,Pans,"),
        "accepted",
        catalogue=3,
        key="raw/categories/categories.csv",
    ),
}
