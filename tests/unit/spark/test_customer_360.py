"""What is counted of each customer, who is a member, and what follows from the lake's latest day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from shoplake.spark.curated.customer_360 import to_members, to_orders, to_ratings, to_visits, with_ages

NOON = {day: datetime(2025, 3, day, 12, tzinfo=UTC) for day in range(1, 32)}
LATEST = date(2025, 3, 31)


def sales(spark, *rows: tuple):
    """(customer, order, day of March, status, quantity, net amount)"""
    return spark.createDataFrame(
        [
            (customer, order, NOON[day], date(2025, 3, day), status, quantity, Decimal(net), quantity < 0,
             status not in ("cancelled", "failed"))
            for customer, order, day, status, quantity, net in rows
        ],
        "customer_id string, order_id string, ordered_at timestamp, order_day date, status string, quantity int, "
        "net_amount decimal(18,4), is_return boolean, is_revenue boolean",
    )  # fmt: skip


def known(spark, *ids: str):
    rows = [(name, "France", date(2025, 1, 5)) for name in ids]
    return spark.createDataFrame(rows, "customer_id string, country string, signed_up_day date")


def visits(spark, *rows: tuple):
    return spark.createDataFrame([(name, NOON[day]) for name, day in rows], "customer_id string, started_at timestamp")


def ratings(spark, *rows: tuple):
    return spark.createDataFrame(list(rows), "customer_id string, rating int")


def members(spark, customers=(), orders=(), sessions=(), reviews=()) -> dict[str, dict]:
    found = to_members(
        known(spark, *customers),
        to_orders(sales(spark, *orders)),
        to_visits(visits(spark, *sessions)),
        to_ratings(ratings(spark, *reviews)),
    )
    return {row["customer_id"]: row.asDict() for row in with_ages(found, LATEST).collect()}


def test_spend_counts_returns_and_no_cancelled_line_and_orders_are_counted_once(spark):
    orders = [
        ("ann", "A", 1, "completed", 2, "10"),
        ("ann", "A", 1, "completed", 1, "5"),
        ("ann", "A", 20, "returned", -1, "-5"),
        ("ann", "B", 3, "pending", 1, "7"),
        ("ann", "C", 4, "cancelled", 9, "90"),
        ("ann", "D", 5, "failed", 9, "90"),
    ]
    ann = members(spark, ["ann"], orders)["ann"]
    counted = ("orders", "completed_orders", "units", "spend", "average_order_value")
    assert [ann[name] for name in counted] == [2, 1, 3, Decimal("17.0000"), Decimal("8.5000")]
    assert (ann["first_order_day"], ann["last_order_day"], ann["days_since_last_order"]) == (
        date(2025, 3, 1), date(2025, 3, 1), 30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "is_inferred"),
    [
        ({"customers": ["x"]}, False),
        ({"customers": ["x"], "orders": [("x", "A", 1, "completed", 1, "1")]}, False),
        ({"orders": [("x", "A", 1, "failed", 1, "1")]}, True),
        ({"sessions": [("x", 1)]}, True),
        ({"reviews": [("x", 5)]}, True),
    ],
)
def test_whoever_anything_knows_is_a_member_and_inferred_unless_the_shop_knows_them(spark, sources, is_inferred):
    found = members(spark, **sources)
    assert {name: row["is_inferred"] for name, row in found.items()} == {"x": is_inferred}


def test_a_customer_without_anything_has_zeros_and_no_dates(spark):
    row = members(spark, ["x"])["x"]
    zeros = ("orders", "completed_orders", "units", "sessions", "reviews")
    nulls = ("average_order_value", "first_order_at", "last_order_day", "days_since_last_order", "last_session_at",
             "average_rating", "predicted_value")  # fmt: skip
    assert ({row[name] for name in (*zeros, "spend")}, {row[name] for name in nulls}) == ({0}, {None})


def test_visits_and_reviews_are_counted_and_ratings_averaged(spark):
    row = members(spark, sessions=[("x", 3), ("x", 9)], reviews=[("x", 5), ("x", 4), ("x", 4)])["x"]
    assert (row["sessions"], row["last_session_at"].astimezone(UTC)) == (2, NOON[9])
    assert (row["reviews"], row["average_rating"]) == (3, Decimal("4.3333"))


@pytest.mark.parametrize(
    ("first_day", "spend", "expected"),
    [
        (date(2025, 3, 1), "120", "120.0000"),  # a month ago: as if it were the whole year
        (date(2023, 4, 1), "1460", "730.0000"),  # 730 days ago: two pounds a day
        (date(2025, 3, 1), "-8", "0.0000"),
    ],
)
def test_next_year_brings_what_was_spent_a_day_since_the_first_order(spark, first_day, spend, expected):
    customer = spark.createDataFrame(
        [(first_day, first_day, Decimal(spend))], "first_order_day date, last_order_day date, spend decimal(18,4)"
    )
    assert [row["predicted_value"] for row in with_ages(customer, LATEST).collect()] == [Decimal(expected)]


def test_a_lake_without_orders_has_no_latest_day_and_no_ages(spark):
    customer = known(spark, "x").withColumns(
        {
            "first_order_day": F.lit(None).cast("date"),
            "last_order_day": F.lit(None).cast("date"),
            "spend": F.lit(Decimal(0)),
        }
    )
    (row,) = with_ages(customer, None).collect()
    assert (row["days_since_last_order"], row["predicted_value"]) == (None, None)
