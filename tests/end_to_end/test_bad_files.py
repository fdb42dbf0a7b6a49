"""Whatever is dropped gets its verdict: good files are published, bad ones set aside by name, and nothing is lost."""

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.bad_files import CASES, LONG
from tests.end_to_end.orders import order_line

pytestmark = pytest.mark.lake

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
