"""The generated shop: the same for the same options, consistent in itself, and true to what it says of itself."""

import gzip
import hashlib
import json
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import Options, generate
from generator.options import BadOption
from shoplake.contracts import load_contract
from shoplake.staging.model import HIDDEN

SAMPLE = Path(__file__).parents[2] / "samples" / "shop"
# 40 days from the middle of March: the clocks go forward on 30 March 2025.
CLEAN = Options(Path(), days=40, orders_per_day=30, seed=7, start=date(2025, 3, 10))
DIRTY = replace(CLEAN, dirt=0.04, datasets=("transactions", "products", "reviews", "customers"))


def shop_of(options: Options, folder: Path) -> Path:
    generate(replace(options, out=folder))
    return folder


def content(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def unpacked(folder: Path) -> dict[str, bytes]:
    """Each file by its name, gzip as far as it can be unpacked; shop.json without sizes."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in found if name.endswith(".gz")]:
        found[name] = zlib.decompressobj(wbits=31).decompress(found[name])
    sizes = json.loads(found.pop("shop.json"))
    for written in sizes["written"].values():
        del written["bytes"]
    return found | {"shop.json": json.dumps(sizes).encode()}


def about(folder: Path) -> dict:
    return json.loads((folder / "shop.json").read_text())


def truth(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return shop_of(CLEAN, tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def dirty(tmp_path_factory) -> Path:
    return shop_of(DIRTY, tmp_path_factory.mktemp("dirty"))


@pytest.fixture(scope="module")
def shop(clean):
    """The clean files in DuckDB: a view a dataset, order lines as `versions` and as they stand at last as `lines`."""
    db = duckdb.connect()
    for name in ("transactions", "reviews", "customers"):
        db.sql(
            f"CREATE VIEW {'versions' if name == 'transactions' else name} AS "
            f"SELECT * FROM read_csv('{clean}/{name}/*/*/*.csv', all_varchar = true, header = true, strict_mode = true)"
        )
    for name in ("products", "clickstream"):
        db.sql(f"CREATE TABLE {name} AS SELECT * FROM read_json('{clean}/{name}/*/*/*.jsonl')")
    db.sql(f"CREATE VIEW categories AS SELECT * FROM read_json('{clean}/categories/*/*/*.json')")
    db.sql("""
        CREATE TABLE lines AS
        SELECT * REPLACE (quantity::int AS quantity, unit_price::decimal(18, 2) AS unit_price,
                          ordered_at::timestamp AS ordered_at, updated_at::timestamp AS updated_at)
        FROM versions QUALIFY row_number() OVER (PARTITION BY order_id, line_number ORDER BY updated_at DESC) = 1
    """)
    return db


def count(db, sql: str) -> int:
    return db.sql(f"SELECT count(*) FROM ({sql})").fetchall()[0][0]


# The same options give the same bytes.


SMALL = Options(Path(), days=3, orders_per_day=10, dirt=0.03)


def test_the_same_options_give_the_same_bytes(tmp_path):
    assert content(shop_of(SMALL, tmp_path / "a")) == content(shop_of(SMALL, tmp_path / "b"))


def test_the_sample_is_what_its_own_options_generate(tmp_path):
    """Compressed files are compared unpacked: not every zlib compresses alike."""
    made_with = about(SAMPLE)["options"]
    made_with |= {"start": date.fromisoformat(made_with["start"]), "datasets": tuple(made_with["datasets"])}
    generated = shop_of(Options(out=tmp_path, **made_with), tmp_path)
    assert unpacked(generated) == unpacked(SAMPLE)


def test_another_seed_gives_another_shop(tmp_path):
    a, b = (content(shop_of(replace(SMALL, seed=seed), tmp_path / str(seed))) for seed in (1, 2))
    assert a["transactions/source=shop/date=2025-01-01/transactions-0001.csv"] not in b.values()


def test_a_dataset_is_the_same_alone_as_among_the_others(tmp_path):
    everything = content(shop_of(SMALL, tmp_path / "all"))
    alone = content(shop_of(replace(SMALL, datasets=("transactions",)), tmp_path / "alone"))
    files = {name for name in everything if "transactions/" in name}
    assert {name: alone.get(name) for name in files} == {name: everything[name] for name in files}


def test_a_longer_shop_begins_as_the_shorter_one(tmp_path):
    """Without dirt, whose files are spread over all days."""
    short = content(shop_of(replace(SMALL, dirt=0), tmp_path / "short"))
    long = content(shop_of(replace(SMALL, dirt=0, days=5), tmp_path / "long"))
    files = {name for name in short if "date=" in name}
    assert {name: long[name] for name in files} == {name: short[name] for name in files}


def test_a_day_is_split_into_parts_with_a_header_each(tmp_path):
    options = Options(tmp_path, days=1, orders_per_day=12_000, datasets=("transactions",), part_mb=1)
    generate(options)
    parts = sorted(tmp_path.rglob("*.csv"))
    assert [part.name for part in parts[:2]] == ["transactions-0001.csv", "transactions-0002.csv"]
    assert {part.open().readline() for part in parts} == {parts[0].open().readline()}
    rows = sum(len(part.read_text().splitlines()) - 1 for part in parts)
    assert rows == about(tmp_path)["written"]["transactions"]["rows"]


# What shop.json says is what an independent count finds.


def test_revenue_by_day_is_what_duckdb_counts_over_the_files(shop, clean):
    counted = shop.sql("""
        SELECT strftime(timezone('Europe/London', timezone('UTC', ordered_at)), '%Y-%m-%d') AS day, count(*) AS lines,
               count(DISTINCT order_id) AS orders, sum(quantity)::int AS units,
               sum(quantity * unit_price - discount_amount::decimal(18, 2))::varchar AS revenue
        FROM lines WHERE status NOT IN ('cancelled', 'failed') GROUP BY day
    """).fetchall()
    told = about(clean)["transactions"]["by_day"]
    assert {row[0]: row[1:] for row in counted} == {day: tuple(found.values()) for day, found in told.items()}


def test_the_sums_are_those_of_the_days(shop, clean):
    told = about(clean)["transactions"]
    assert told["sales_rows"] == count(shop, "FROM lines")
    for figure in ("lines", "units"):
        assert told[figure] == sum(day[figure] for day in told["by_day"].values())


def test_rows_written_are_those_in_the_files(shop, clean):
    written = about(clean)["written"]
    for view in ("versions", "products", "categories", "clickstream", "reviews", "customers"):
        name = "transactions" if view == "versions" else view
        assert written[name]["rows"] == count(shop, f"FROM {view}")


def test_dirt_leaves_what_the_lake_must_come_to_as_it_is(clean, dirty):
    assert about(dirty)["transactions"] == about(clean)["transactions"]


# The datasets agree with each other.


def test_every_order_line_has_its_own_number(shop):
    assert count(shop, "SELECT 1 FROM versions GROUP BY order_id, line_number, updated_at HAVING count(*) > 1") == 0


def test_products_and_customers_of_orders_exist(shop):
    assert count(shop, "FROM lines WHERE product_id NOT IN (SELECT product_id FROM products)") == 0
    known = "SELECT customer_id FROM customers"
    assert count(shop, f"FROM lines WHERE customer_id IS NOT NULL AND customer_id NOT IN ({known})") == 0


def test_customers_have_one_record_and_sign_up_before_they_order(shop):
    assert count(shop, "SELECT 1 FROM customers GROUP BY customer_id HAVING count(*) > 1") == 0
    late = "FROM lines JOIN customers USING (customer_id) WHERE signed_up_at::timestamp >= ordered_at"
    assert count(shop, late) == 0


def test_prices_are_those_of_the_catalogue_when_the_order_was_placed(shop):
    shop.sql("""
        CREATE OR REPLACE TEMP TABLE priced AS
        SELECT l.unit_price, p.price::decimal(18, 2) AS price FROM lines l
        ASOF JOIN (SELECT product_id, price, updated_at::timestamp AS changed_at FROM products) p
        ON l.product_id = p.product_id AND l.ordered_at >= p.changed_at WHERE l.quantity > 0
    """)
    assert count(shop, "FROM priced") == count(shop, "FROM lines WHERE quantity > 0")
    assert count(shop, "FROM priced WHERE unit_price <> price") == 0


def test_returns_follow_their_orders_and_bring_back_no_more_than_was_bought(shop):
    returns = """
        FROM lines r LEFT JOIN lines l
        ON r.order_id = l.order_id AND r.line_number::int = l.line_number::int + 100 WHERE r.quantity < 0
    """
    assert count(shop, returns) > 20
    assert count(shop, f"{returns} AND (l.order_id IS NULL OR r.ordered_at <= l.ordered_at)") == 0
    assert count(shop, f"{returns} AND (-r.quantity > l.quantity OR r.product_id <> l.product_id)") == 0


def test_pending_orders_are_settled_the_next_day(shop):
    first_day_s = "ordered_at < (SELECT max(ordered_at) - INTERVAL 2 DAY FROM lines)"
    assert count(shop, "FROM versions WHERE status = 'pending'") > 0
    assert count(shop, f"FROM lines WHERE status = 'pending' AND {first_day_s}") == 0


def test_reviews_are_of_bought_products_after_the_order(shop):
    found = """
        FROM reviews r LEFT JOIN lines l
        ON split_part(r.review_id, '-', 1) || '-' || split_part(r.review_id, '-', 2) = replace(l.order_id, 'O', 'R')
        AND split_part(r.review_id, '-', 3) = l.line_number AND r.product_id = l.product_id
        AND r.customer_id = l.customer_id AND r.reviewed_at::timestamp > l.ordered_at
    """
    assert count(shop, "FROM reviews") > 20
    assert count(shop, f"{found} WHERE l.order_id IS NULL") == 0


def test_categories_have_three_levels_and_every_product_a_leaf(shop):
    assert count(shop, "FROM categories WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT category_id "
                 "FROM categories)") == 0  # fmt: skip
    parents = "SELECT parent_id FROM categories WHERE parent_id IS NOT NULL"
    leaves = f"SELECT category_id FROM categories WHERE category_id NOT IN ({parents})"
    assert count(shop, f"FROM products WHERE category_id NOT IN ({leaves})") == 0


def test_stock_is_never_negative_and_moves(shop):
    assert count(shop, "FROM products WHERE stock_quantity < 0") == 0
    assert count(shop, "SELECT 1 FROM products GROUP BY product_id HAVING count(DISTINCT stock_quantity) > 1") > 30


def test_every_order_on_the_web_or_in_the_app_is_a_visits_last_event(shop):
    orders = """
        SELECT customer_id, ordered_at, sum(quantity * unit_price - discount_amount::decimal(18, 2)) AS net
        FROM lines WHERE quantity > 0 AND channel IN ('web', 'app') GROUP BY ALL
    """
    purchases = """
        SELECT 'C' || lpad(ltrim(substr(visitor_id, 2), '0'), 7, '0') AS customer_id,
               event_time::timestamp AS ordered_at, sum(value::decimal(18, 2)) AS net
        FROM clickstream WHERE event_type = 'purchase' GROUP BY ALL
    """
    assert count(shop, f"({orders}) EXCEPT ({purchases})") == 0
    assert count(shop, f"({purchases}) EXCEPT ({orders})") == 0
    after = "SELECT session_id FROM clickstream GROUP BY session_id"
    assert count(shop, f"{after} HAVING max(event_time) > max(event_time) FILTER (event_type = 'purchase')") == 0


def test_the_funnel_narrows(shop):
    steps = [
        count(shop, f"SELECT DISTINCT session_id FROM clickstream WHERE event_type = '{step}'")
        for step in ("product_view", "add_to_cart", "checkout_start", "purchase")
    ]
    visits = count(shop, "SELECT DISTINCT session_id FROM clickstream")
    assert [visits, *steps] == sorted([visits, *steps], reverse=True)
    assert 0.025 < steps[-1] / visits < 0.035


def test_few_products_make_most_of_the_sales(shop):
    shares = shop.sql("SELECT count(*) AS n FROM lines GROUP BY product_id ORDER BY n DESC").fetchall()
    sold = [row[0] for row in shares]
    assert sum(sold[: len(sold) // 5]) > 0.4 * sum(sold)


def test_personal_data_is_nobodys(shop):
    assert count(shop, "FROM customers WHERE email NOT LIKE '%@example.com'") == 0
    assert count(shop, "FROM customers WHERE phone NOT LIKE '07700 900___'") == 0
    assert count(shop, "FROM clickstream WHERE email NOT LIKE '%@example.com'") == 0
    outside = "NOT (ip LIKE '192.0.2.%' OR ip LIKE '198.51.100.%' OR ip LIKE '203.0.113.%')"
    assert count(shop, f"FROM clickstream WHERE {outside}") == 0


# The truth about the dirt.


@dataclass(frozen=True)
class Text:
    """A file as a person's editor shows it."""

    lines: list[str]

    @classmethod
    def of(cls, path: Path) -> "Text":
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        for encoding in ("utf-16" if content.startswith(b"\xff\xfe") else "utf-8-sig", "latin-1"):
            try:
                return cls(content.decode(encoding).replace("\r\n", "\n").split("\n"))
            except UnicodeDecodeError:
                continue
        raise AssertionError(path)

    def line(self, number: int) -> str:
        return self.lines[number - 1]


def wrong_entries(folder: Path) -> list[dict]:
    """Entries of the truth whose line doesn't hold what they say."""
    return [entry for entry in truth(folder) if entry["line"] and not _holds(folder, entry)]


def _holds(folder: Path, entry: dict) -> bool:
    text, expected = Text.of(folder / entry["file"]), entry["expected"]
    line = text.line(entry["line"])
    if entry["kind"] == "duplicate_line":
        return line == text.line(expected["of_line"]) and expected["of_line"] != entry["line"]
    is_own = "-X" in line or entry["kind"].startswith(("unknown_", "missing_", "torn_"))
    return is_own and (expected.get("value") in (None, HIDDEN) or expected["value"] in line)


def test_each_defect_of_the_truth_stands_at_its_line(dirty):
    assert len(truth(dirty)) > 300
    assert wrong_entries(dirty) == []


def test_every_kind_of_dirt_of_the_orders_is_planted(dirty):
    kinds = {entry["kind"] for entry in truth(dirty) if "transactions/" in entry["file"]}
    assert kinds == {
        "torn_line", "too_many_cells", "nul_character", "missing_order_id", "missing_line_number",
        "missing_product_id", "missing_quantity", "missing_price", "missing_time", "quantity_in_words",
        "quantity_with_fraction", "quantity_beyond_int", "price_in_words", "negative_price", "impossible_date",
        "date_in_words", "future_date", "foreign_currency", "unknown_status", "duplicate_line", "unknown_product",
        "unknown_customer", "extra_column", "latin_1", "renamed_columns", "semicolons", "gzip", "reordered_columns",
        "byte_order_mark_and_crlf", "utf_16", "tabs", "late_file", "duplicate_file", "empty_file", "cut_gzip",
        "missing_column", "spreadsheet",
    }  # fmt: skip


def test_no_file_has_more_rejects_than_its_contract_allows(dirty):
    contract = load_contract("transactions")
    entries = [
        e for e in truth(dirty) if e["expected"].get("outcome") == "quarantined" and "transactions/" in e["file"]
    ]
    rejects = Counter(entry["file"] for entry in entries)
    rows = {file: len(Text.of(dirty / file).lines) - 2 for file in rejects}
    over = {file for file, n in rejects.items() if n > contract.reject_rows and n > contract.reject_share * rows[file]}
    assert over == set()
    assert 0.025 < sum(rejects.values()) / sum(rows.values()) < 0.04


def test_the_truth_names_files_that_are_there(dirty):
    assert [entry["file"] for entry in truth(dirty) if not (dirty / entry["file"]).is_file()] == []


def test_a_clean_shop_has_no_truth_to_tell(clean):
    assert (truth(clean), (clean / "late").exists()) == ([], False)


def test_lines_are_counted_as_editors_do_even_after_line_breaks_within_a_review(dirty):
    files = {e["file"] for e in truth(dirty) if e["file"].startswith("reviews/") and e["line"]}
    assert any('"' in line and line.count('"') % 2 for file in files for line in Text.of(dirty / file).lines)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), orders=st.integers(1, 60), dirt=st.floats(0.001, 0.04))
def test_of_any_shop_the_truth_stands_at_its_lines(tmp_path_factory, seed, orders, dirt):
    options = replace(DIRTY, seed=seed, orders_per_day=orders, dirt=dirt, days=4)
    assert wrong_entries(shop_of(options, tmp_path_factory.mktemp("any"))) == []


@pytest.mark.parametrize(
    "wrong",
    [{"days": 0}, {"orders_per_day": 0}, {"dirt": 0.2}, {"dirt": -1.0}, {"datasets": ("orders",)}, {"seed": -1}],
)
def test_options_without_sense_are_refused(wrong):
    with pytest.raises(BadOption):
        replace(SMALL, **wrong)
