"""A dirty generated shop, dropped whole: all that was planted is found where it is, and nothing clean is lost."""

import hashlib
import hmac
import json
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.all_that_is_said import all_that_is_said, literally
from tests.end_to_end.local_lake import LocalLake, first_differences, run_shoplake
from tests.oracles import buyers, merchandise, people
from tests.oracles.planted import Planted, unknown_keys

pytestmark = pytest.mark.lake

DATASETS = "transactions,products,categories,reviews,customers"
LOADED = ("accepted", "accepted_with_rejects")


PEOPLE = ("processed.customers", "processed.reviews", "curated.customer_360", "curated.sales")
MERCHANDISE = ("curated.product_performance", "curated.product_history", "curated.daily_sales_summary")
AWKWARD = {
    "customers": [
        {"customer_id": "17850.0", "email": " Odd.One@Example.com", "phone": "+44 7700 900555", "name": "Odd One"},
        {"customer_id": "A2", "email": "odd.two at example.com", "phone": "not at home", "name": "Odd Two"},
    ],
    "reviews": [
        {"product_id": "P1", "rating": 11, "text": "off the scale"},
        {"product_id": "P1", "rating": 5, "text": "<p>Caf&eacute; \U0001f600 &amp; מצוין</p>"},
        {"product_id": "P1", "rating": 1, "text": "long " * 1_000_000},
        {"product_id": "P1", "rating": 3, "text": "Same"},
        {"product_id": "P1", "rating": 3, "text": "Same"},
    ],
}
AWKWARD_TRUTH = [
    {"file": "reviews/source=plain/date=2025-01-05/awkward.jsonl", "line": 1, "kind": "rating_of_11",
     "expected": {"outcome": "quarantined", "column": "rating", "value": "11", "rule": "above_maximum"}},
]  # fmt: skip


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
    merchandise: dict[str, list[tuple]]  # the rows of its tables
    clean: Path  # the same shop without its dirt
    planted: list[Planted]  # unknown products and customers in orders and reviews
    raw_people: list[tuple[str, ...]]  # what is personal of each customer, as its file has it
    people: dict[str, list[dict[str, Any]]]  # the rows of their tables
    key: bytes
    said: dict[str, str]  # all that anybody but an operator may read, by where it stands

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
    options = ("--days", "12", "--orders-per-day", "40")
    done = run_shoplake("generate", *options, "--dirt", "0.04", "--datasets", DATASETS, "--out", shop)
    assert done.exit_code == 0, done.err
    clean = shop.with_name("clean")
    done = run_shoplake("generate", *options, "--dirt", "0", "--datasets", DATASETS, "--out", clean)
    assert done.exit_code == 0, done.err
    add_awkward_people(shop)
    shows = [load_tree(lake, shop), load_tree(lake, shop / "late")]
    verdicts = [
        json.loads(content) for show in shows for content in lake.objects(f"runs/{show['run_id']}/verdicts/").values()
    ]
    return Loaded(
        truth=read_lines(shop / "truth.jsonl") + AWKWARD_TRUTH,
        about=json.loads((shop / "shop.json").read_text()),
        files={file["key"].removeprefix("raw/"): file for show in shows for file in show["inputs"]},
        verdicts={verdict["key"].removeprefix("raw/"): verdict for verdict in verdicts},
        days=lake.query("""
            SELECT order_day, count(*) AS lines, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
                   sum(net_amount) AS revenue FROM sales WHERE is_revenue GROUP BY order_day ORDER BY order_day
        """),
        lines=lake.query("SELECT order_id, line_key, product_id, customer_id FROM sales"),
        counts={
            table: int(lake.query(f"SELECT count(*) AS n FROM processed_local.{table}")[0]["n"])
            for table in ("products", "product_versions", "categories")
        },
        merchandise={name: lake.rows(name) for name in MERCHANDISE},
        clean=clean,
        planted=unknown_keys(shop),
        raw_people=people.personal_values(clean),
        people={name: lake.iceberg(name).scan().to_arrow().to_pylist() for name in PEOPLE},
        key=key_of(lake),
        said=all_that_is_said(lake, shows),
    )


def add_awkward_people(shop: Path) -> None:
    """Files that no generator makes, beside the shop's own."""
    for dataset, rows in AWKWARD.items():
        place = shop / dataset / "source=plain" / "date=2025-01-05" / "awkward.jsonl"
        place.parent.mkdir(parents=True)
        place.write_text("".join(json.dumps(row) + "\n" for row in rows))


def key_of(lake: LocalLake) -> bytes:
    """The key with which the lake hashes."""
    answer = lake.aws("secretsmanager").get_secret_value(SecretId=lake.names.personal_data_secret)
    return bytes.fromhex(json.loads(answer["SecretString"])["key"])


def load_tree(lake: LocalLake, tree: Path) -> dict[str, Any]:
    """Drop a tree so that one run takes it whole; what `show` says of it."""
    files = [path for name in DATASETS.split(",") for path in tree.glob(f"{name}/*/*/*")]
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
    found = {(row["order_id"], row["line_key"]): row for row in loaded.lines}
    of_orders = [one for one in loaded.planted if one.dataset == "transactions"]
    assert {one.column for one in of_orders} == {"product_id", "customer_id"}
    kept = [found[one.record["order_id"], one.record["line_number"]][one.column] for one in of_orders]
    assert kept == [one.value for one in of_orders]


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


def lines_of_clean_shop(loaded) -> list[buyers.Line]:
    """The shop's order lines, with the unknown products and customers where they were planted."""
    return buyers.read_lines(loaded.clean, loaded.planted)


def reviews_of_clean_shop(loaded) -> set[people.Review]:
    """The shop's reviews, likewise."""
    unknown = {one.record["review_id"]: one.value for one in loaded.planted if one.dataset == "reviews"}
    return {
        replace(review, product_id=unknown.get(review.review_id, review.product_id))
        for review in people.reviews(loaded.clean)
    }


def test_products_days_with_stock_and_ratings_are_those_of_an_independent_count(loaded):
    lines = lines_of_clean_shop(loaded)
    reviews = [(review.product_id, review.reviewed_day, review.rating) for review in reviews_of_clean_shop(loaded)]
    reviews += [("P1", date(2025, 1, 5), stars) for stars in (5, 1, 3, 3)]  # the awkward ones that are kept
    latest, versions = max(line.day for line in lines), merchandise.read_versions(loaded.clean)
    expected = merchandise.product_days(lines, (), reviews, versions, latest)
    assert first_differences(expected, loaded.merchandise["curated.product_performance"]) == {}


def test_the_history_of_products_late_versions_and_unknown_ones_included_is_that_of_an_independent_count(loaded):
    assert any(name.startswith("products/") and "-late-" in name for name in loaded.files)
    expected = merchandise.history(merchandise.read_versions(loaded.clean), lines_of_clean_shop(loaded))
    assert sum(row[4] for row in expected) == 1
    assert first_differences(expected, loaded.merchandise["curated.product_history"]) == {}


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


def of_shop(loaded, table: str) -> list[dict[str, Any]]:
    """The rows of the generated files, without those that were put beside them."""
    return [row for row in loaded.people[table] if "awkward" not in row["_source_key"]]


def as_oracle(row: dict[str, Any], kind: type) -> Any:
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def test_customers_are_those_that_an_independent_reading_of_the_clean_shop_finds(loaded):
    found = [as_oracle(row, people.Customer) for row in of_shop(loaded, "processed.customers")]
    assert len(found) > 1000
    assert first_differences(people.customers(loaded.clean, loaded.key), found) == {}


def test_reviews_are_those_that_an_independent_reading_of_the_clean_shop_finds(loaded):
    found = [as_oracle(row, people.Review) for row in of_shop(loaded, "processed.reviews")]
    assert first_differences(reviews_of_clean_shop(loaded), found) == {}


def known_customers(loaded) -> buyers.Known:
    return {**buyers.read_known(loaded.clean), "17850": (None, None), "A2": (None, None)}


def test_sales_know_their_customers_as_an_independent_reading_does(loaded):
    columns = (
        "order_id", "line_key", "placed_at", "customer_id", "customer_country", "customer_signed_up_day",
        "is_customer_inferred", "first_touch_at", "first_touch_channel", "last_touch_at", "last_touch_channel",
    )  # fmt: skip
    expected = buyers.sales(lines_of_clean_shop(loaded), known_customers(loaded))
    found = [tuple(row[name] for name in columns) for row in loaded.people["curated.sales"]]
    assert first_differences(expected, found) == {}


def test_sales_have_the_categories_amounts_and_sizes_of_an_independent_count(loaded):
    columns = ("order_id", "line_key", "product_id", "category", "category_path", "country", "net_amount",
               "total_amount", "order_size", "is_revenue")  # fmt: skip
    expected = merchandise.sales(lines_of_clean_shop(loaded), merchandise.read_versions(loaded.clean))
    assert {row[8] for row in expected} == {"low", "medium", "high"}
    assert "(unknown)" in {row[3] for row in expected}
    found = [tuple(row[name] for name in columns) for row in loaded.people["curated.sales"]]
    assert first_differences(expected, found) == {}


def test_days_by_category_and_country_are_those_of_an_independent_count(loaded):
    expected = merchandise.summary(lines_of_clean_shop(loaded), merchandise.read_versions(loaded.clean))
    assert len(expected) > 100
    assert first_differences(expected, loaded.merchandise["curated.daily_sales_summary"]) == {}


def test_customers_scores_and_values_are_those_of_an_independent_count_and_an_order_of_2099_moves_none(loaded):
    assert any(entry["kind"] == "future_date" for entry in loaded.truth)
    lines = lines_of_clean_shop(loaded)
    ratings = [(review.customer_id, review.rating) for review in people.reviews(loaded.clean) if review.customer_id]
    latest = max(line.day for line in lines)
    expected = buyers.customers(lines, known_customers(loaded), latest, ratings=ratings)
    rows = loaded.people["curated.customer_360"]
    found = [tuple(value for name, value in row.items() if not name.startswith("_")) for row in rows]
    assert first_differences(expected, found) == {}
    assert [row["customer_id"] for row in rows if row["is_inferred"]] == ["C9999999"]


def test_awkward_customers_and_reviews_are_kept_as_far_as_they_can_be_read(loaded):
    customers = {
        row["customer_id"]: (row["email"], row["is_email_malformed"], row["phone"], row["is_phone_malformed"])
        for row in loaded.people["processed.customers"]
        if "awkward" in row["_source_key"]
    }
    email, phone = (
        hmac.new(loaded.key, text, hashlib.sha256).hexdigest() for text in (b"odd.one@example.com", b"+447700900555")
    )
    assert customers == {"17850": (email, False, phone, False), "A2": (None, True, None, True)}
    reviews = [row for row in loaded.people["processed.reviews"] if "awkward" in row["_source_key"]]
    assert sorted((row["text_length"], row["text"][:9]) for row in reviews) == [
        (4, "Same"), (4, "Same"), (14, "Café \U0001f600 & "), (4_999_999, "long long"),
    ]  # fmt: skip
    assert len({row["review_id"] for row in reviews}) == 4
    assert {(row["reviewed_day"], row["is_day_of_file"]) for row in reviews} == {(date(2025, 1, 5), True)}
    assert "not met by 1 row: A customer's e-mail address is well formed" in loaded.said["e-mails"]


def test_no_personal_value_of_the_shop_is_in_any_table_letter_log_or_page(loaded):
    personal = {value for row in loaded.raw_people for value in row if value}
    personal |= {"+44" + value[1:].replace(" ", "") for value in personal if value.startswith("07700 ")}
    personal |= {"odd.one@example.com", "+447700900555", "Odd One", "odd.two at example.com", "not at home", "Odd Two"}
    assert len(personal) > 3000
    assert literally(personal, "log: customer1@example.com, Amelia Walker.") >= {("customer1@example.com",)}
    assert len(loaded.said) > 25
    assert {place: found for place, text in loaded.said.items() if (found := literally(personal, text))} == {}
