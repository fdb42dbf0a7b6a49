"""Whatever is dropped gets its verdict: good files are published, bad ones set aside by name, and nothing is lost."""

import gzip
import io
import json
import time
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.orders import HEADER, csv_text, order_line

pytestmark = pytest.mark.lake


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
TWINS = ("twin.csv", "twin.json")
REFUSED = [name for name, case in CASES.items() if case.verdict == "refused"]
LOADED = [name for name, case in CASES.items() if case.verdict.startswith("accepted")]


@dataclass(frozen=True)
class Outcome:
    """What came of all the files together."""

    show: dict[str, Any]
    letters: list[dict[str, str]]
    lines: list[tuple[str, str, str]]  # order_id, product_name and product_id of every published line
    quarantine: dict[str, bytes]  # by the key after the run's folder

    def file(self, name: str) -> dict[str, Any]:
        return next(file for file in self.show["inputs"] if file["key"].rpartition("/")[2] == name)


@pytest.fixture(scope="module")
def outcome(lake, tmp_path_factory):
    """All files dropped together into the empty lake: one run."""
    lake.clear()
    folder = tmp_path_factory.mktemp("dropped")
    with lake.arrivals_wait():
        for name, case in CASES.items():
            if case.key:
                lake.put(case.key, case.content)
            else:
                (folder / name).write_bytes(case.content)
        lake.put("raw/transactions/folder/", b"")  # how consoles make a folder
        lake.drop(*(folder / name for name in TWINS))
        time.sleep(1.1)  # arrivals are told apart by the second, and the earlier of two twins is the one that counts
        lake.drop(*(file for file in sorted(folder.iterdir()) if file.name not in TWINS))
        lake.wait_for_arrivals(len(CASES))
    show = lake.run()
    run_id = show["run_id"]
    return Outcome(
        show=show,
        letters=lake.letters_of(run_id),
        lines=[tuple(row.values()) for row in lake.query("SELECT order_id, product_name, product_id FROM sales")],
        quarantine={
            key.partition(f"/{run_id}/")[2]: content
            for key, content in lake.objects("quarantine/").items()
            if f"/{run_id}/" in key
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_each_file_gets_its_verdict_and_the_reasons(outcome, name):
    file, case = outcome.file(name), CASES[name]
    problems = [(p["line"], p["column"], p["value"], p["rule"]) for p in file["problems"]]
    assert (file["verdict"], file["reason"], problems) == (case.verdict, case.reason, case.problems)
    assert [words for words in case.says if words not in (file["sentence"] or "")] == []


@pytest.mark.parametrize("name", CASES)
def test_the_good_rows_of_each_file_are_published(outcome, name):
    stem = {"twin.json": "json_twin"}.get(name, name.partition(".")[0])
    found = [number for number, _, _ in outcome.lines if number.rpartition("-")[0] == stem]
    assert len(found) == (0 if name == "other_twin.json" else CASES[name].published)


def test_nothing_else_is_published(outcome):
    assert len(outcome.lines) == sum(case.published for case in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_the_rows_of_each_file_are_accounted_for(outcome, name):
    rows = outcome.file(name)["rows"]
    assert rows["read"] == sum(count for what, count in rows.items() if what != "read")
    assert rows["applied"] == CASES[name].published + CASES[name].catalogue


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_file_is_kept_whole_in_quarantine_with_its_verdict(outcome, name):
    (place,) = (place for place in outcome.quarantine if place.startswith("files/") and place.endswith(f"/{name}"))
    assert outcome.quarantine[place] == CASES[name].content
    verdict = json.loads(outcome.quarantine[f"{place}.verdict.json"])
    told = {word: verdict[word] for word in ("key", "verdict", "reason", "sentence")}
    assert told == {word: outcome.file(name)[word] for word in told}


def test_files_that_are_not_refused_are_not_in_quarantine(outcome):
    kept = {place.rpartition("/")[2] for place in outcome.quarantine if place.startswith("files/")}
    assert {name.removesuffix(".verdict.json") for name in kept} == set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_the_one_letter_names_each_refused_file_with_the_reason(outcome, name):
    (letter,) = outcome.letters
    file = outcome.file(name)
    assert file["sentence"] in letter["body"].split(file["key"])[1].splitlines()[1]


def test_the_letters_subject_counts_the_files(outcome):
    (letter,) = outcome.letters
    rows = sum(case.published + case.catalogue for case in CASES.values())
    assert f"published: {len(LOADED)} files, {rows} rows, {len(REFUSED)} refused" in letter["subject"]


@pytest.mark.parametrize("file", ["utf16", "latin1", "bom"])
def test_accents_and_signs_arrive_as_they_were_meant(outcome, file):
    assert {name for number, name, _ in outcome.lines if number.startswith(file)} == {"Café £5"}


def test_a_line_break_within_quotes_stays_within_the_value(outcome):
    assert {name for number, name, _ in outcome.lines if number.startswith("quoted")} == {"Cup\nand saucer"}


def test_a_column_that_the_contract_does_not_know_is_reported(outcome):
    assert outcome.file("extra.csv")["extra_columns"] == ["gift_wrap"]


def test_rows_without_structure_are_in_quarantine_with_file_line_text_and_reason(outcome):
    places = [place for place in outcome.quarantine if place.startswith("rows/structure/")]
    assert {place.rpartition("/")[2] for place in places} == {
        f"{name}.jsonl" for name in ("ragged.csv", "torn_last.jsonl", "no_object.jsonl", "long_line.jsonl")
    }
    (place,) = (place for place in places if place.endswith("/ragged.csv.jsonl"))
    rejects = [json.loads(text) for text in outcome.quarantine[place].decode().splitlines()]
    assert [(reject["line"], reject["raw_text"], reject["reasons"]) for reject in rejects] == [
        (3, "ragged-2,P-1,Cup", ["ragged_row"]),
        (5, order_line("ragged-4") + ",too,many", ["ragged_row"]),
    ]


def test_of_a_line_that_is_too_long_the_beginning_is_in_quarantine(outcome):
    (place,) = (place for place in outcome.quarantine if place.endswith("/long_line.jsonl.jsonl"))
    reject = json.loads(outcome.quarantine[place])
    assert (reject["line"], reject["raw_text"]) == (2, LONG[:10_000_000])


def test_identifiers_keep_their_leading_zeros(outcome):
    assert sorted(product for number, _, product in outcome.lines if number.startswith("zeros-")) == ["007", "7"]


def test_an_empty_folder_object_is_no_file(outcome):
    assert [file["key"] for file in outcome.show["inputs"] if file["key"].endswith("/")] == []


def test_rows_that_break_rules_are_in_quarantine_with_file_line_text_and_reasons(outcome):
    parts = [content for place, content in outcome.quarantine.items() if place.startswith("rows/rules/part-")]
    rejects = [json.loads(text) for part in parts for text in part.decode().splitlines()]
    found = {(reject["key"], reject["line"]): (reject["raw_text"], reject["reasons"]) for reject in rejects}
    of_csv = {place: row for place, row in found.items() if "broken" in place[0]}
    assert {(key.rpartition("/")[2], line) for key, line in found.keys() - of_csv.keys()} == {
        ("prices.jsonl", 4), ("huge.jsonl", 2), ("dollars.json", 2), ("year_2099.csv", 3), ("products.csv", 3),
        ("products.csv", 4),
    }  # fmt: skip
    assert of_csv == {
        ("raw/transactions/some_broken.csv", 3): (order_line("some_broken-2", quantity="many"), ["not_an_integer"]),
        ("raw/transactions/some_broken.csv", 4): (order_line("some_broken-3", price="-1"), ["below_minimum"]),
    } | {
        ("raw/transactions/many_broken.csv", n + 2): (
            order_line(f"many_broken-{n}", quantity="many"),
            ["not_an_integer"],
        )
        for n in range(25)
    }


def test_bytes_that_were_loaded_before_are_loaded_again_only_by_force(lake, outcome, tmp_path):
    for name in ("twin.json", "rows.parquet"):
        (tmp_path / name).write_bytes(CASES[name].content)
    with lake.arrivals_wait():
        lake.drop(tmp_path / "twin.json", tmp_path / "rows.parquet")
        time.sleep(1.1)
        lake.drop(tmp_path / "rows.parquet", options=["--force"])
        lake.wait_for_arrivals(3)
    found = [(file["key"].rpartition("/")[2], file["verdict"], file["rows"]) for file in lake.run()["inputs"]]
    none = {"read": 0, "applied": 0, "unchanged": 0, "superseded": 0, "quarantined": 0, "duplicate": 0}
    assert sorted(found, key=str) == [
        ("rows.parquet", "accepted", {**none, "read": 3, "unchanged": 3}),
        ("rows.parquet", "duplicate", {**none, "read": 3, "duplicate": 3}),
        ("twin.json", "duplicate", {**none, "read": 3, "duplicate": 3}),
    ]
