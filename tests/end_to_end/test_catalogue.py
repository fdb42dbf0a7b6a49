"""A small shop's catalogue and orders, and Best Buy's real one: paths, versions, what was sold in which category, how
long stock lasts; and the same tables whatever comes first.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shoplake.tables import load_tables
from tests.end_to_end.local_lake import LOADED_TABLES, first_differences
from tests.oracles import best_buy

pytestmark = pytest.mark.lake

REAL = Path(os.environ.get("SHOPLAKE_REAL_DATA", ""), "products")
REAL_PRODUCTS, REAL_CATEGORIES = REAL / "bestbuy_products.json", REAL / "bestbuy_categories.json"
needs_real_data = pytest.mark.skipif(not REAL_PRODUCTS.is_file(), reason="SHOPLAKE_REAL_DATA doesn't name Best Buy's")

CATEGORIES = [
    {"category_id": "K", "name": "Kitchen", "parent_id": "H"},
    {"category_id": "H", "name": "Home", "parent_id": None},
    {"category_id": "T", "name": "Tools", "parent_id": "G"},
    {"category_id": "G", "name": "Garden", "parent_id": ""},
    {"category_id": "X", "name": "Ring", "parent_id": "Y"},
    {"category_id": "Y", "name": "Rang", "parent_id": "X"},
    {"category_id": "Z", "name": "Lost", "parent_id": "gone"},
]
JANUARY = [
    {"product_id": "007", "name": "Cup", "price": 2.5, "cost": 1, "category_id": "K", "stock_quantity": 10,
     "reorder_level": 12, "attributes": {"colour": "blue"}, "updated_at": "2024-01-10T00:00:00Z"},
    {"product_id": "P2", "name": "Rake", "price": "8", "cost": 5, "category_id": "T", "stock_quantity": 56,
     "reorder_level": 5, "updated_at": "2024-01-10T00:00:00Z"},
    {"product_id": "P3", "name": "Odd", "price": 1, "category_id": "Q", "updated_at": "2024-01-10T00:00:00Z"},
    {"name": "Nameless", "price": 1},
    {"product_id": "P4", "name": "Debt", "price": -1},
    {"product_id": "P5", "name": "Both", "price": 4, "category_id": "K", "updated_at": "2024-01-10T00:00:00Z"},
    {"product_id": "P5", "name": "Both", "price": 4, "category_id": "K", "updated_at": "2024-01-15T00:00:00Z"},
]  # fmt: skip
FEBRUARY = [
    JANUARY[0] | {"price": 3, "category_id": "T", "stock_quantity": 8, "updated_at": "2024-02-10T00:00:00Z"},
    JANUARY[-1] | {"category_id": "T", "updated_at": "2024-02-10T00:00:00Z"},
    JANUARY[-1] | {"updated_at": "2024-02-18T00:00:00Z"},
]
ORDERS = """\
order_id,line_number,product_id,quantity,unit_price,ordered_at,country
O1,1,007,2,2.50,2024-01-05T10:00:00Z,UK
O2,1,007,1,2.50,2024-02-01T10:00:00Z,UK
O2,2,P2,4,8,2024-02-01T10:00:00Z,UK
O3,1,007,3,3,2024-02-15T10:00:00Z,UK
O4,1,007,-1,3,2024-02-20T10:00:00Z,UK
O5,1,NEW,1,5,2024-02-20T10:00:00Z,UK
O6,1,P5,1,4,2024-02-01T10:00:00Z,UK
O7,1,P5,1,4,2024-02-12T10:00:00Z,UK
O8,1,P5,1,4,2024-02-19T10:00:00Z,UK
"""
OF_THE_SHOP = {"curated.product_history": "product_id IN ('007', 'P2', 'P3', 'P5', 'NEW')"}  # it names no source


@dataclass(frozen=True)
class Shop:
    """The files of the shop, and what the lake shows when one run has taken them all."""

    files: dict[str, tuple[str, Path]]
    show: dict[str, Any]
    contents: dict[str, list[tuple]]
    letter: str


@pytest.fixture(scope="module")
def shop(lake, tmp_path_factory):
    """All files together in one run of an empty lake, Best Buy's among them where they are there."""
    folder = tmp_path_factory.mktemp("shop")
    texts = {
        "categories.json": json.dumps(CATEGORIES),
        "january.jsonl": "".join(json.dumps(row) + "\n" for row in JANUARY),
        "february.jsonl": "".join(json.dumps(row) + "\n" for row in FEBRUARY),
        "orders.csv": ORDERS,
    }
    datasets = {"categories.json": "categories", "orders.csv": "transactions"}
    files = {}
    for name, text in texts.items():
        (folder / name).write_text(text)
        files[name] = (datasets.get(name, "products"), folder / name)
    if REAL_PRODUCTS.is_file():
        files |= {"real products": ("products", REAL_PRODUCTS), "real categories": ("categories", REAL_CATEGORIES)}
    lake.clear()
    show = lake.load_datasets(*files.values())
    (letter,) = lake.letters_of(show["run_id"])
    return Shop(files, show, tables_of_the_shop(lake), letter["body"])


def tables_of_the_shop(lake) -> dict[str, list[tuple]]:
    """The rows of every table, without Best Buy's: its products hold from their arrival, which is never the same."""
    has_source = {name for name in LOADED_TABLES if "source" in load_tables()[name].column_names}
    of_shop = {name: "source <> 'bestbuy'" if name in has_source else "true" for name in LOADED_TABLES} | OF_THE_SHOP
    return {name: lake.rows(name, row_filter) for name, row_filter in of_shop.items()}


def rows_of(lake, table: str, *columns: str, where: str = "true") -> set[tuple]:
    values = lake.iceberg(table).scan(where, columns).to_arrow().select(columns).to_pydict()
    return set(zip(*values.values(), strict=True))


def counts(shop: Shop, name: str) -> dict[str, int]:
    path = shop.files[name][1]
    (rows,) = [file["rows"] for file in shop.show["inputs"] if file["key"].endswith(f"/{path.name}")]
    return {outcome: count for outcome, count in rows.items() if count}


def test_paths_are_built_from_parents_and_cycles_and_lost_parents_are_told(lake, shop):
    columns = ("category_id", "category_path", "is_in_cycle", "is_parent_unknown")
    assert rows_of(lake, "processed.categories", *columns, where="source = 'shop'") == {
        ("H", "Home", False, False),
        ("K", "Home/Kitchen", False, False),
        ("G", "Garden", False, False),
        ("T", "Garden/Tools", False, False),
        ("X", "Ring", True, False),
        ("Y", "Rang", True, False),
        ("Z", "Lost", False, True),
    }
    assert "processed.categories: not met by 2 rows: No category is above itself" in shop.letter


def test_the_newest_version_of_each_product_is_in_the_catalogue(lake, shop):
    columns = ("product_id", "price", "category_path", "stock_value", "margin", "is_low_stock", "attributes")
    assert rows_of(lake, "processed.products", *columns, where="source = 'shop'") == {
        ("007", Decimal("3"), "Garden/Tools", Decimal("8"), Decimal("2"), True, '{"colour": "blue"}'),
        ("P2", Decimal("8"), "Garden/Tools", Decimal("280"), Decimal("3"), False, None),
        ("P3", Decimal("1"), "Q", None, None, None, None),
        ("P5", Decimal("4"), "Home/Kitchen", None, None, None, None),
    }
    assert len(rows_of(lake, "processed.product_versions", "product_id", "valid_from", where="source = 'shop'")) == 8


def test_a_product_without_an_id_and_one_with_a_negative_price_are_set_aside(shop):
    assert counts(shop, "january.jsonl") == {"read": 7, "applied": 2, "superseded": 3, "quarantined": 2}
    (problems,) = [file["problems"] for file in shop.show["inputs"] if file["key"].endswith("january.jsonl")]
    assert [(p["line"], p["column"], p["rule"]) for p in problems] == [
        (4, "product_id", "missing"),
        (5, "price", "below_minimum"),
    ]


def test_a_sale_has_the_category_that_its_product_had_then(lake, shop):
    assert rows_of(lake, "curated.sales", "order_id", "product_id", "category", "category_path") == {
        ("O1", "007", "Home", "Home/Kitchen"),
        ("O2", "007", "Home", "Home/Kitchen"),
        ("O2", "P2", "Garden", "Garden/Tools"),
        ("O3", "007", "Garden", "Garden/Tools"),
        ("O4", "007", "Garden", "Garden/Tools"),
        ("O5", "NEW", "(unknown)", "(unknown)"),
        ("O6", "P5", "Home", "Home/Kitchen"),
        ("O7", "P5", "Garden", "Garden/Tools"),
        ("O8", "P5", "Home", "Home/Kitchen"),
    }
    assert rows_of(lake, "curated.daily_sales_summary", "order_day", "category", "units", "revenue") == {
        (date(2024, 1, 5), "Home", 2, Decimal("5")),
        (date(2024, 2, 1), "Home", 2, Decimal("6.5")),
        (date(2024, 2, 1), "Garden", 4, Decimal("32")),
        (date(2024, 2, 12), "Garden", 1, Decimal("4")),
        (date(2024, 2, 15), "Garden", 3, Decimal("9")),
        (date(2024, 2, 19), "Home", 1, Decimal("4")),
        (date(2024, 2, 20), "Garden", -1, Decimal("-3")),
        (date(2024, 2, 20), "(unknown)", 1, Decimal("5")),
    }


def test_a_products_days_say_what_was_sold_and_the_latest_how_long_stock_lasts(lake, shop):
    columns = ("product_id", "activity_day", "orders", "buying_orders", "units", "returned_units", "revenue",
               "returns_amount", "stock_quantity", "days_of_cover")  # fmt: skip
    zero = Decimal(0)
    assert rows_of(lake, "curated.product_performance", *columns) == {
        ("007", date(2024, 1, 5), 1, 1, 2, 0, Decimal("5"), zero, None, None),
        ("007", date(2024, 2, 1), 1, 1, 1, 0, Decimal("2.5"), zero, None, None),
        ("007", date(2024, 2, 15), 1, 1, 3, 0, Decimal("9"), zero, None, None),
        ("007", date(2024, 2, 20), 1, 0, -1, 1, Decimal("-3"), Decimal("3"), 8, Decimal("74.6667")),
        ("P2", date(2024, 2, 1), 1, 1, 4, 0, Decimal("32"), zero, None, None),
        ("P2", date(2024, 2, 20), 0, 0, 0, 0, zero, zero, 56, Decimal("392")),
        ("P5", date(2024, 2, 1), 1, 1, 1, 0, Decimal("4"), zero, None, None),
        ("P5", date(2024, 2, 12), 1, 1, 1, 0, Decimal("4"), zero, None, None),
        ("P5", date(2024, 2, 19), 1, 1, 1, 0, Decimal("4"), zero, None, None),
        ("NEW", date(2024, 2, 20), 1, 1, 1, 0, Decimal("5"), zero, None, None),
    }


def test_history_tells_a_category_back_and_forth_equal_neighbours_once_and_what_only_orders_know(lake, shop):
    def day(month: int, day: int, hour: int = 0) -> datetime:
        return datetime(2024, month, day, hour, tzinfo=UTC)

    columns = ("product_id", "valid_from", "valid_to", "is_inferred", "name", "category_path", "price")
    assert rows_of(lake, "curated.product_history", *columns, where=OF_THE_SHOP["curated.product_history"]) == {
        ("007", day(1, 10), day(2, 10), False, "Cup", "Home/Kitchen", Decimal("2.5")),
        ("007", day(2, 10), None, False, "Cup", "Garden/Tools", Decimal("3")),
        ("P2", day(1, 10), None, False, "Rake", "Garden/Tools", Decimal("8")),
        ("P3", day(1, 10), None, False, "Odd", "Q", Decimal("1")),
        ("P5", day(1, 10), day(2, 10), False, "Both", "Home/Kitchen", Decimal("4")),
        ("P5", day(2, 10), day(2, 18), False, "Both", "Garden/Tools", Decimal("4")),
        ("P5", day(2, 18), None, False, "Both", "Home/Kitchen", Decimal("4")),
        ("NEW", day(2, 20, 10), None, True, None, None, None),
    }


@needs_real_data
def test_every_row_of_best_buys_catalogue_is_accounted_for(shop):
    assert counts(shop, "real products") == {"read": 3291, "applied": 3291}
    assert counts(shop, "real categories") == {"read": 4584, "applied": 4583, "quarantined": 1}


@needs_real_data
def test_an_independent_count_finds_best_buys_products_and_paths(lake, shop):
    columns = ("product_id", "name", "price", "category_path")
    found = rows_of(lake, "processed.products", *columns, where="source = 'bestbuy'")
    wanted = [(p.product_id, p.name, p.price, p.category_path) for p in best_buy.products(REAL_PRODUCTS)]
    assert first_differences(wanted, found) == {}
    paths = rows_of(lake, "processed.categories", "category_id", "category_path", where="source = 'bestbuy'")
    assert first_differences(best_buy.category_paths(REAL_CATEGORIES).items(), paths) == {}


def test_orders_and_the_newest_versions_first_give_the_same_tables(lake, shop):
    """The rake is inferred at first, and P5 known from its second category on."""
    lake.clear()
    lake.load_datasets(*(shop.files[name] for name in ("orders.csv", "february.jsonl")))
    lake.load_datasets(*(shop.files[name] for name in ("categories.json", "january.jsonl")))
    found = tables_of_the_shop(lake)
    for table in LOADED_TABLES:
        assert first_differences(shop.contents[table], found[table]) == {}, table


def test_a_category_that_is_renamed_takes_versions_and_sales_with_it_and_nothing_else(lake, shop, tmp_path):
    """No product comes with it. It changes the lake that the test before it has left."""
    file = tmp_path / "renamed.json"
    file.write_text(json.dumps([row | {"name": "House"} if row["category_id"] == "H" else row for row in CATEGORIES]))
    show = lake.load_datasets(("categories", file))
    (told,) = show["inputs"]
    assert {outcome: count for outcome, count in told["rows"].items() if count} == {
        "read": 7, "applied": 1, "unchanged": 6
    }  # fmt: skip
    assert {table: change for table, change in show["tables"].items() if any(change.values())} == {
        "processed.categories": {"inserted": 0, "updated": 2, "deleted": 0},  # itself and Kitchen below it
        "processed.product_versions": {
            "inserted": 0,
            "updated": 4,
            "deleted": 0,
        },  # the cup, P5
        "processed.products": {"inserted": 0, "updated": 1, "deleted": 0},  # P5
        "curated.product_history": {"inserted": 0, "updated": 3, "deleted": 0},
        "curated.sales": {"inserted": 0, "updated": 4, "deleted": 0},
        "curated.daily_sales_summary": {"inserted": 3, "updated": 0, "deleted": 3},
    }
    assert rows_of(lake, "curated.sales", "order_id", "category_path", where="product_id IN ('007', 'P5')") == {
        ("O1", "House/Kitchen"),
        ("O2", "House/Kitchen"),
        ("O3", "Garden/Tools"),
        ("O4", "Garden/Tools"),
        ("O6", "House/Kitchen"),
        ("O7", "Garden/Tools"),
        ("O8", "House/Kitchen"),
    }
    changed_by = rows_of(lake, "processed.categories", "category_id", where=f"_run_id = '{show['run_id']}'")
    assert changed_by == {("H",), ("K",)}
