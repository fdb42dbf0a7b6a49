"""Whatever is dropped gets its verdict: good files are published, bad ones set aside by name, and nothing is lost."""

import gzip
import json
import time
from dataclasses import dataclass, field
from typing import Any

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
}
REFUSED = [name for name, case in CASES.items() if case.verdict == "refused"]
LOADED = [name for name, case in CASES.items() if case.verdict.startswith("accepted")]


@dataclass(frozen=True)
class Outcome:
    """What came of all the files together."""

    show: dict[str, Any]
    letters: list[dict[str, str]]
    lines: list[tuple[str, str]]  # order_id and product_name of every published line
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
        lake.drop(folder / "twin.csv")
        time.sleep(1.1)  # arrivals are told apart by the second, and the earlier of two twins is the one that counts
        lake.drop(*(file for file in sorted(folder.iterdir()) if file.name != "twin.csv"))
        lake.wait_for_arrivals(len(CASES))
    show = lake.run()
    run_id = show["run_id"]
    return Outcome(
        show=show,
        letters=lake.letters_of(run_id),
        lines=[tuple(row.values()) for row in lake.query("SELECT order_id, product_name FROM sales")],
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
    orders = [order for order, _ in outcome.lines if order.rpartition("-")[0] == name.partition(".")[0]]
    assert len(orders) == CASES[name].published


def test_nothing_else_is_published(outcome):
    assert len(outcome.lines) == sum(case.published for case in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_the_rows_of_each_file_are_accounted_for(outcome, name):
    rows = outcome.file(name)["rows"]
    assert rows["read"] == sum(count for what, count in rows.items() if what != "read")
    assert rows["applied"] == CASES[name].published


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
    rows = sum(case.published for case in CASES.values())
    assert f"published: {len(LOADED)} files, {rows} rows, {len(REFUSED)} refused" in letter["subject"]


@pytest.mark.parametrize("file", ["utf16", "latin1", "bom"])
def test_accents_and_signs_arrive_as_they_were_meant(outcome, file):
    assert {name for order, name in outcome.lines if order.startswith(file)} == {"Café £5"}


def test_a_line_break_within_quotes_stays_within_the_value(outcome):
    assert {name for order, name in outcome.lines if order.startswith("quoted")} == {"Cup\nand saucer"}


def test_a_column_that_the_contract_does_not_know_is_reported(outcome):
    assert outcome.file("extra.csv")["extra_columns"] == ["gift_wrap"]
    assert "kept in raw: gift_wrap" in outcome.letters[0]["body"]


def test_rows_without_structure_are_in_quarantine_with_file_line_text_and_reason(outcome):
    (place,) = (place for place in outcome.quarantine if place.startswith("rows/structure/"))
    assert place.endswith("/ragged.csv.jsonl")
    rejects = [json.loads(text) for text in outcome.quarantine[place].decode().splitlines()]
    assert [(reject["line"], reject["raw_text"], reject["reasons"]) for reject in rejects] == [
        (3, "ragged-2,P-1,Cup", ["ragged_row"]),
        (5, order_line("ragged-4") + ",too,many", ["ragged_row"]),
    ]


def test_rows_that_break_rules_are_in_quarantine_with_file_line_text_and_reasons(outcome):
    parts = [content for place, content in outcome.quarantine.items() if place.startswith("rows/rules/part-")]
    rejects = [json.loads(text) for part in parts for text in part.decode().splitlines()]
    found = {(reject["key"], reject["line"]): (reject["raw_text"], reject["reasons"]) for reject in rejects}
    assert found == {
        ("raw/transactions/some_broken.csv", 3): (order_line("some_broken-2", quantity="many"), ["not_an_integer"]),
        ("raw/transactions/some_broken.csv", 4): (order_line("some_broken-3", price="-1"), ["below_minimum"]),
    } | {
        ("raw/transactions/many_broken.csv", n + 2): (
            order_line(f"many_broken-{n}", quantity="many"),
            ["not_an_integer"],
        )
        for n in range(25)
    }
