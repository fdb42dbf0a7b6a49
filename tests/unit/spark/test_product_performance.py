"""Products' days: what counts as view, sale and review, what stays of the table, and how long stock lasts."""

from datetime import date
from decimal import Decimal

from shoplake.spark.curated.product_performance import (
    Reach,
    completed,
    kept_part,
    of_clicks,
    of_reviews,
    of_sales,
    put_together,
    with_stock,
)

DAY = date(2010, 12, 1)
STORED = (
    "product_id string, activity_day date, views bigint, add_to_carts bigint, orders bigint, buying_orders bigint, "
    "units bigint, returned_units bigint, revenue decimal(18,4), returns_amount decimal(18,4), reviews bigint, "
    "average_rating double, _clicks boolean, _reviews boolean"
)


def product_sales(spark, *rows: tuple):
    """(order, product, day of December, units, net amount, does it count as revenue)"""
    return spark.createDataFrame(
        [(o, p, date(2010, 12, day), n, Decimal(net), n < 0, counts) for o, p, day, n, net, counts in rows],
        "order_id string, product_id string, order_day date, quantity int, net_amount decimal(18,4), "
        "is_return boolean, is_revenue boolean",
    )


def stored(spark, *rows: tuple):
    """Rows of the first of December: (product, views, orders, reviews), touched by (clicks, reviews)."""
    return spark.createDataFrame(
        [
            (product, DAY, views, 0, orders, orders, orders, 0, Decimal(orders), Decimal(0), reviews,
             4.0 if reviews else None, *touched)
            for (product, views, orders, reviews), touched in rows
        ],
        STORED,
    )  # fmt: skip


def reach(spark, sales_days=(), whole_days=()) -> Reach:
    return Reach(sales_days, whole_days, stored(spark), (), ())


def test_a_products_day_has_net_units_and_its_returns_apart(spark):
    days = of_sales(
        product_sales(
            spark,
            ("A", "P", 1, 3, "9", True),
            ("A", "P", 1, 1, "3", True),
            ("B", "P", 1, -2, "-6", True),
            ("C", "P", 1, 9, "27", False),
            ("C", "Q", 2, 9, "27", False),
        )
    )
    assert [tuple(row) for row in days.collect()] == [("P", DAY, 2, 1, 2, 2, Decimal("6.0000"), Decimal("6.0000"))]


def test_views_and_carts_are_of_people_and_of_a_product(spark):
    events = spark.createDataFrame(
        [
            ("P", "product_view", False), ("P", "product_view", False), ("P", "product_view", True),
            ("P", "page_view", False), (None, "product_view", False), ("Q", "add_to_cart", False),
            ("R", "remove_from_cart", False), ("S", "add_to_cart", True),
        ],
        "product_id string, event_type string, is_robot boolean",
    ).selectExpr("*", "date'2010-12-01' AS event_day")  # fmt: skip
    assert {tuple(row) for row in of_clicks(events).collect()} == {("P", DAY, 2, 0), ("Q", DAY, 0, 1)}


def test_the_mean_rating_is_that_of_the_days_reviews(spark):
    reviews = spark.createDataFrame(
        [("P", DAY, 5), ("P", DAY, 2), ("P", date(2010, 12, 2), 1)], "product_id string, reviewed_day date, rating int"
    )
    assert {tuple(row) for row in of_reviews(reviews).collect()} == {
        ("P", DAY, 2, 3.5), ("P", date(2010, 12, 2), 1, 1.0)
    }  # fmt: skip


def test_what_is_not_computed_anew_stays_and_what_has_nothing_left_goes(spark):
    held = stored(
        spark,
        (("clicked", 3, 1, 1), (True, None)),
        (("rated", 3, 1, 1), (None, True)),
        (("looked at once", 3, 0, 0), (True, None)),
        (("untouched", 3, 1, 1), (None, None)),
    )
    clicks = spark.createDataFrame(
        [("clicked", DAY, 5, 0), ("new", DAY, 1, 0)],
        "product_id string, activity_day date, views bigint, add_to_carts bigint",
    )
    ratings = spark.createDataFrame(
        [("rated", DAY, 2, 1.5)], "product_id string, activity_day date, reviews bigint, average_rating double"
    )
    found = completed(put_together([kept_part(held, reach(spark)), clicks, ratings]))
    columns = ("product_id", "views", "orders", "conversion_rate", "reviews", "average_rating", "_is_reached")
    assert {tuple(row) for row in found.select(*columns).collect()} == {
        ("clicked", 5, 1, 0.2, 1, 4.0, True),
        ("rated", 3, 1, 1 / 3, 2, 1.5, True),
        ("untouched", 3, 1, 1 / 3, 1, 4.0, False),
        ("new", 1, 0, 0.0, 0, None, None),
    }


def test_sales_of_a_day_are_all_computed_anew_and_clicks_stay(spark):
    held = stored(spark, (("sold no more", 3, 1, 0), (None, None)), (("only sold", 0, 1, 0), (None, None)))
    found = completed(put_together([kept_part(held, reach(spark, [DAY], [DAY]))]))
    columns = ("product_id", "views", "orders", "units", "revenue", "conversion_rate")
    assert [tuple(row) for row in found.select(*columns).collect()] == [("sold no more", 3, 0, 0, Decimal(0), 0.0)]


def test_without_views_there_is_no_conversion(spark):
    sold = of_sales(product_sales(spark, ("A", "P", 1, 3, "9", True)))
    (row,) = completed(put_together([kept_part(stored(spark), reach(spark)), sold])).collect()
    assert (row["views"], row["buying_orders"], row["conversion_rate"]) == (0, 1, None)


def test_stock_stands_on_the_latest_day_with_the_days_that_it_lasts(spark):
    sold = of_sales(
        product_sales(
            spark,
            ("A", "sold before the window", 3, 28, "1", True),
            ("B", "sold", 4, 28, "1", True),
            ("C", "sold", 31, 28, "1", True),
            ("D", "out", 31, 1, "1", True),
            ("E", "came back", 31, -1, "-1", True),
            ("F", "not in the catalogue", 31, 1, "1", True),
        )
    )
    names = ("sold before the window", "sold", "out", "came back", "never sold")
    stock = spark.createDataFrame([(n, 0 if n == "out" else 7) for n in names], "product_id string, stock_quantity int")
    days = put_together([kept_part(stored(spark), reach(spark)), sold])
    found = completed(with_stock(days, stock, date(2010, 12, 31))).localCheckpoint()
    latest = found.where("activity_day = date'2010-12-31'").select(
        "product_id", "units", "stock_quantity", "days_of_cover"
    )
    assert {tuple(row) for row in latest.collect()} == {
        ("sold before the window", 0, 7, None),
        ("sold", 28, 7, Decimal("3.5000")),
        ("out", 1, 0, Decimal("0.0000")),
        ("came back", -1, 7, None),
        ("never sold", 0, 7, None),
        ("not in the catalogue", 1, None, None),
    }
    earlier = found.where("activity_day < date'2010-12-31'")
    assert [tuple(row) for row in earlier.select("stock_quantity", "days_of_cover").distinct().collect()] == [
        (None, None)
    ]
