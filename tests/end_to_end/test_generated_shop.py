"""A dirty generated shop, dropped whole: all that was planted is found where it is, and nothing clean is lost."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_lake import LocalLake, run_shoplake

pytestmark = pytest.mark.lake

DATASETS = "transactions,products,categories"
LOADED = ("accepted", "accepted_with_rejects")


@dataclass(frozen=True)
class Loaded:
    """What was planted, what should come of it, and what the lake says of it."""

    truth: list[dict[str, Any]]
    about: dict[str, Any]
    files: dict[str, dict[str, Any]]  # of the run's `show`, by the key after raw/
    verdicts: dict[str, dict[str, Any]]  # as the validator stored them, likewise
    days: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    counts: dict[str, int]

    def told(self, outcome: str) -> dict[str, list[dict[str, Any]]]:
        """The truth about lines with that outcome, by the file that was loaded."""
        found: dict[str, list[dict[str, Any]]] = {file: [] for file in self.files}
        for entry in self.truth:
            if entry["expected"].get("outcome") == outcome:
                found[self.loaded_as(entry["file"])].append(entry)
        return found

    def loaded_as(self, file: str) -> str:
        """The file, or the copy of it that came first."""
        copies = [e["file"] for e in self.truth if e["expected"].get("same_bytes_as") == file]
        return next(name for name in (file, *copies) if self.files[name]["verdict"] in LOADED)


@pytest.fixture(scope="module")
def loaded(lake, tmp_path_factory):
    """Twelve days of a small shop in one run, and in a second one the files that come late."""
    lake.clear()
    shop = tmp_path_factory.mktemp("generated") / "shop"
    options = ("--days", "12", "--orders-per-day", "40", "--dirt", "0.04", "--datasets", DATASETS)
    done = run_shoplake("generate", *options, "--out", shop)
    assert done.exit_code == 0, done.err
    shows = [load_tree(lake, shop), load_tree(lake, shop / "late")]
    verdicts = [
        json.loads(content) for show in shows for content in lake.objects(f"runs/{show['run_id']}/verdicts/").values()
    ]
    return Loaded(
        truth=read_lines(shop / "truth.jsonl"),
        about=json.loads((shop / "shop.json").read_text()),
        files={file["key"].removeprefix("raw/"): file for show in shows for file in show["inputs"]},
        verdicts={verdict["key"].removeprefix("raw/"): verdict for verdict in verdicts},
        days=lake.query("""
            SELECT order_day, count(*) AS lines, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
                   sum(net_amount) AS revenue FROM sales WHERE is_revenue GROUP BY order_day ORDER BY order_day
        """),
        lines=lake.query("SELECT order_id, product_id, customer_id FROM sales"),
        counts={
            table: int(lake.query(f"SELECT count(*) AS n FROM processed_local.{table}")[0]["n"])
            for table in ("products", "product_versions", "categories")
        },
    )


def load_tree(lake: LocalLake, tree: Path) -> dict[str, Any]:
    """Drop a tree so that one run takes it whole; what `show` says of it."""
    files = [path for name in ("transactions", "products", "categories") for path in tree.glob(f"{name}/*/*/*")]
    with lake.arrivals_wait():
        lake.ask("drop", "--tree", tree)
        lake.wait_for_arrivals(len(files))
    return lake.run()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The shop's truth; late files have their key in the lake."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry | {"file": entry["file"].removeprefix("late/")} for entry in entries]


def problems(file: dict[str, Any]) -> list[tuple]:
    return sorted(((p["line"], p["column"], p["value"], p["rule"]) for p in file["problems"]), key=repr)


def test_every_planted_line_is_rejected_with_its_reason_and_no_other_line(loaded):
    rejected = {name: problems(file) for name, file in loaded.files.items() if file["verdict"] in LOADED}
    planted = {
        name: sorted(
            ((e["line"], *(e["expected"][part] for part in ("column", "value", "rule"))) for e in entries), key=repr
        )
        for name, entries in loaded.told("quarantined").items()
        if name in rejected
    }
    assert sum(map(len, planted.values())) > 30
    assert rejected == planted


def test_repeated_lines_count_as_duplicates_and_nothing_else_does(loaded):
    """Of orders: of products only the newest version counts, so an earlier one's twin may be superseded like it."""
    orders = {name: file for name, file in loaded.files.items() if file["dataset"] == "transactions"}
    duplicates = {name: file["rows"]["duplicate"] for name, file in orders.items() if file["verdict"] in LOADED}
    planted = {name: len(entries) for name, entries in loaded.told("duplicate").items() if name in duplicates}
    assert any(planted.values())
    assert duplicates == planted


def test_whole_files_get_the_verdict_that_they_were_made_for(loaded):
    of_files = [entry for entry in loaded.truth if entry["line"] is None and entry["kind"] != "duplicate_file"]
    assert len({entry["kind"] for entry in of_files}) == 14
    for entry in of_files:
        expected = entry["expected"]
        name = loaded.loaded_as(entry["file"]) if expected["verdict"] in LOADED else entry["file"]
        # The validator knows the form, and the whole run the verdict.
        told = loaded.verdicts[name] | {"verdict": loaded.files[name]["verdict"]}
        assert {word: told[word] for word in expected} == expected, entry


def test_of_two_files_with_the_same_bytes_one_is_loaded(loaded):
    pairs = [(e["file"], e["expected"]["same_bytes_as"]) for e in loaded.truth if e["kind"] == "duplicate_file"]
    assert pairs
    for pair in pairs:
        verdicts = [loaded.files[name]["verdict"] for name in pair]
        assert verdicts.count("duplicate") == 1 and set(verdicts) & set(LOADED)


def test_lines_with_unknown_keys_are_kept(loaded):
    planted = sum(map(len, loaded.told("applied").values()))
    unknown = [row for row in loaded.lines if row["product_id"] == "P99999" or row["customer_id"] == "C9999999"]
    assert len(unknown) == planted > 0


def test_lines_orders_units_and_revenue_of_each_day_are_the_shops(loaded):
    found = {
        row["order_day"]: {
            **{name: int(row[name]) for name in ("lines", "orders", "units")},
            "revenue": f"{Decimal(row['revenue']):.2f}",
        }
        for row in loaded.days
    }
    assert found == loaded.about["transactions"]["by_day"]
    assert len(loaded.lines) == loaded.about["transactions"]["sales_rows"]


def test_products_their_versions_and_categories_are_the_shops(loaded):
    told = loaded.about["products"]
    assert loaded.counts == {
        "products": told["products"],
        "product_versions": told["versions"],
        "categories": loaded.about["categories"]["categories"],
    }


def test_a_dataset_that_the_lake_does_not_know_is_left_out_with_a_sentence(lake, loaded, tmp_path):
    place = tmp_path / "clicks_of_old/date=2025-01-01/clicks.jsonl"
    place.parent.mkdir(parents=True)
    place.write_text("{}\n")
    done = lake.command("drop", "--tree", tmp_path)
    assert done.exit_code == 2
    assert "holds no file of a known dataset" in done.err
    orders = tmp_path / "transactions/source=shop/date=2025-01-01/empty.csv"
    orders.parent.mkdir(parents=True)
    orders.write_text("")
    done = lake.command("drop", "--tree", tmp_path, "--wait")
    assert "Files left out, no dataset of lake.yaml: clicks_of_old/ (1)." in done.out
    assert "raw/transactions/source=shop/date=2025-01-01/empty.csv" in done.out
