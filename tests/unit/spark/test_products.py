"""The catalogue job: metrics, paths, versions, and what a changed category reaches."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from jobs.product_enrichment import judge_categories, judge_products, with_category
from shoplake.contracts import load_contract
from shoplake.spark.catalogue import category_spans, id_before_last, path_names, recategorised
from shoplake.spark.conform import conform
from shoplake.spark.winners import QUARANTINED
from tests.unit.spark.frames import only, staged

PRODUCTS, CATEGORIES = load_contract("products"), load_contract("categories")
CUP = {"product_id": "007", "name": "Cup", "price": "2.50"}
KITCHEN = {"category_id": "K", "name": "Kitchen"}


def products(spark, *rows: dict, source: str = "shop", **where):
    frame = staged(spark, *rows, contract=PRODUCTS, good=CUP, **where)
    conformed = conform(frame, PRODUCTS, PRODUCTS.source(source)).withColumn("_is_keyed_by_content", F.lit(False))
    return judge_products(conformed, PRODUCTS, "GBP")


def categories(spark, *rows: dict, **where):
    frame = staged(spark, *rows, contract=CATEGORIES, good=KITCHEN, **where)
    conformed = conform(frame, CATEGORIES, CATEGORIES.source("shop")).withColumn("_is_keyed_by_content", F.lit(False))
    return judge_categories(conformed, CATEGORIES)


def test_identifiers_are_kept_exactly(spark):
    assert only(products(spark, {}))["product_id"] == "007"


def test_best_buys_products_are_named_by_their_image_and_priced_in_dollars(spark):
    assert PRODUCTS.match_header(["name", "brand", "categories", "price", "image", "popularity"]).missing == ()
    image = "https://cdn-demo.algolia.com/bestbuy-0118/4984700_sb.jpg"
    row = only(products(spark, {"product_id": image}, source="bestbuy"))
    assert (row["product_id"], row["currency"], row["_problems"]) == ("4984700", "USD", [])


def test_a_text_that_holds_no_identifier_is_shown_with_its_rule(spark):
    problems = only(products(spark, {"product_id": "https://cdn/sb.jpg"}, source="bestbuy"))["_problems"]
    assert problems[-1] == {"column": "product_id", "value": "https://cdn/sb.jpg", "rule": "nothing_to_extract"}


@pytest.mark.parametrize("price", ["3", "3.0", " 3.00 "])
def test_a_price_is_the_same_however_it_is_written(spark, price):
    assert only(products(spark, {"price": price}))["price"] == Decimal("3.0000")


@pytest.mark.parametrize(
    ("cells", "broken"),
    [
        ({"product_id": " "}, ("product_id", "missing")),
        ({"name": ""}, ("name", "missing")),
        ({"price": None}, ("price", "missing")),
        ({"price": "-0.01"}, ("price", "below_minimum")),
        ({"price": "2,50"}, ("price", "not_a_number")),
        ({"cost": "-1"}, ("cost", "below_minimum")),
        ({"stock_quantity": "3000000000"}, ("stock_quantity", "not_an_integer")),
        ({"stock_quantity": "2000000000", "cost": "99999999999999"}, ("stock_value", "amount_out_of_range")),
        ({"updated_at": "2099-01-01 00:00:00"}, ("updated_at", "after_arrival")),
    ],
)
def test_a_product_that_breaks_a_rule_goes_to_quarantine_with_its_reason(spark, cells, broken):
    row = only(products(spark, cells))
    assert (row["_outcome"], broken) == (QUARANTINED, (row["_problems"][0]["column"], row["_problems"][0]["rule"]))


def test_stock_and_margin_follow_from_price_cost_and_units(spark):
    row = only(products(spark, {"price": "4", "cost": "1.5", "stock_quantity": "10", "reorder_level": "10"}))
    assert (row["stock_value"], row["margin"], row["margin_rate"]) == (Decimal("15.0000"), Decimal("2.5000"), 0.625)
    assert (row["is_low_stock"], row["is_out_of_stock"]) == (True, False)


def test_what_is_not_known_makes_no_metric(spark):
    row = only(products(spark, {"price": "0", "cost": "1"}))
    assert (row["margin"], row["margin_rate"], row["stock_value"]) == (Decimal("-1.0000"), None, None)
    assert (row["is_low_stock"], row["is_out_of_stock"]) == (None, None)


def test_a_product_in_another_currency_is_kept_with_its_currency(spark):
    row = only(products(spark, {"currency": "usd", "cost": "1"}))
    assert (row["_outcome"], row["currency"], row["margin"]) == (None, "USD", Decimal("1.5000"))
    assert only(products(spark, {}))["currency"] == "GBP"


@pytest.mark.parametrize(
    ("text", "names", "parent"),
    [
        ("Home/Garden / Tools", ["Home", "Garden", "Tools"], None),
        ('["Home", "TV/Video"]', ["Home", "TV/Video"], None),
        ('[{"id":"a","name":"Home"},{"id":"b","name":"A \\"b\\""}]', ["Home", 'A "b"'], "a"),
        ('[{"id":"a","name":"Home"}]', ["Home"], None),
        ("[", ["["], None),
        ("/", None, None),
        (None, None, None),
    ],
)
def test_a_stated_path_is_read_in_all_its_forms(spark, text, names, parent):
    frame = spark.createDataFrame([(text,)], "path string")
    assert only(frame.select(path_names(F.col("path")).alias("n"), id_before_last(F.col("path")).alias("p"))) == {
        "n": names,
        "p": parent,
    }


def test_a_stated_path_of_objects_names_the_parent_where_no_column_does(spark):
    path = '[{"id":"H","name":"Home"},{"id":"K","name":"Kitchen"}]'
    rows = categories(spark, {"source_category_path": path}, {"source_category_path": path, "parent_id": "X"})
    assert [row["parent_id"] for row in rows.orderBy("_source_line").collect()] == ["H", "X"]


def test_a_known_category_goes_before_the_path_that_a_source_states(spark):
    known = spark.createDataFrame(
        [("K", "Home", "Home/Kitchen")], "category_id string, category string, category_path string"
    )
    rows = products(
        spark,
        {"category_id": "K", "source_category_path": "Else/Where"},
        {"category_id": "Q", "source_category_path": '["Else","Where"]'},
        {"category_id": "Garden/Tools"},
        {"category_id": "Q"},
        {},
    )
    found = with_category(rows, known).orderBy("_source_line").select("category", "category_path").collect()
    assert [tuple(row) for row in found] == [
        ("Home", "Home/Kitchen"),
        ("Else", "Else/Where"),
        ("Garden", "Garden/Tools"),
        ("Q", "Q"),
        (None, None),
    ]


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def spans(spark, *versions: tuple):
    """(product, day from which it holds, category)"""
    rows = [(product, day(number), category, category) for product, number, category in versions]
    schema = "product_id string, valid_from timestamp, category string, category_path string"
    return category_spans(spark.createDataFrame(rows, schema))


def shown(frame) -> list:
    return sorted(
        tuple(row)
        for row in frame.selectExpr("product_id", "date_format(from_at, 'd')", "date_format(until_at, 'd')").collect()
    )


ALWAYS = "1"  # the day of both ends of time


def test_a_product_was_always_in_its_first_category_and_equal_neighbours_are_one_span(spark):
    found = spans(spark, ("P", 5, "A"), ("P", 6, "A"), ("P", 7, "B"), ("P", 9, "A"))
    in_order = [row["category"] for row in found.orderBy("from_at").collect()]
    assert in_order == ["A", "B", "A"]
    assert shown(found) == [("P", ALWAYS, "7"), ("P", "7", "9"), ("P", "9", "31")]


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ([("P", 5, "A")], [("P", 5, "A"), ("P", 8, "A")], []),
        ([("P", 5, "A")], [("P", 5, "A"), ("P", 8, "B")], [("P", "8", "31")]),
        ([("P", 5, "A"), ("P", 9, "B")], [("P", 5, "A"), ("P", 7, "C"), ("P", 9, "B")], [("P", "7", "9")]),
        ([("P", 5, "A")], [("P", 3, "B"), ("P", 5, "A")], [("P", ALWAYS, "5")]),
        ([], [("P", 5, "A")], [("P", ALWAYS, "31")]),
        ([], [("P", 5, None)], []),
    ],
)
def test_only_the_orders_between_a_change_and_the_next_find_another_category(spark, before, after, differs):
    assert shown(recategorised(spans(spark, *before), spans(spark, *after))) == differs
