"""Sales: to which sessions an order is owed, which orders a session reaches, and what is known of the customer."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shoplake.spark.curated.attribution import owed_to, with_attribution, with_placing
from shoplake.spark.curated.sales import with_customers

WINDOW = timedelta(days=7)
NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
BEFORE = timedelta(0)
SECOND = timedelta(seconds=1)


def lines(spark, *rows: tuple):
    """(order, customer, time before or after noon)"""
    cells = [(order, customer, NOON + at) for order, customer, at in rows]
    return with_placing(spark.createDataFrame(cells, "order_id string, customer_id string, ordered_at timestamp"))


def sessions(spark, *rows: tuple):
    """(session, customer, time before or after noon); each of a channel of its own."""
    cells = [(session, customer, NOON + at, f"by {session}") for session, customer, at in rows]
    schema = "session_id string, customer_id string, started_at timestamp, channel string"
    return spark.createDataFrame(cells, schema)


def touches(spark, orders, *visits: tuple) -> list[tuple]:
    """First and last session and channel of each line, in order of (order, time)."""
    found = with_attribution(lines(spark, *orders), sessions(spark, *visits), WINDOW).orderBy("order_id", "ordered_at")
    names = ("first_touch_session_id", "first_touch_channel", "last_touch_session_id", "last_touch_channel")
    return [tuple(row[name] for name in names) for row in found.collect()]


def test_an_order_is_owed_to_the_first_and_the_last_session_of_its_customer(spark):
    visits = [("s1", "ann", -WINDOW / 2), ("s2", "ann", -2 * SECOND), ("s3", "ann", -SECOND), ("s4", "bob", -WINDOW)]
    assert touches(spark, [("A", "ann", BEFORE)], *visits) == [("s1", "by s1", "s3", "by s3")]


@pytest.mark.parametrize(
    ("at", "is_owed"),
    [(-WINDOW, True), (-WINDOW - timedelta(microseconds=1), False), (BEFORE, True), (SECOND, False)],
)
def test_the_window_begins_seven_days_before_the_order_and_ends_with_it(spark, at, is_owed):
    expected = ("s", "by s", "s", "by s") if is_owed else (None, None, None, None)
    assert touches(spark, [("A", "ann", BEFORE)], ("s", "ann", at)) == [expected]
    reached = owed_to(lines(spark, ("A", "ann", BEFORE)), sessions(spark, ("s", "ann", at)), WINDOW)
    assert [row["order_id"] for row in reached.collect()] == (["A"] if is_owed else [])


def test_of_sessions_that_began_at_once_the_smaller_id_is_first_and_the_greater_last(spark):
    visits = [("s2", "ann", -SECOND), ("s3", "ann", -SECOND), ("s1", "ann", -SECOND)]
    assert touches(spark, [("A", "ann", BEFORE)], *visits) == [("s1", "by s1", "s3", "by s3")]


def test_an_order_without_customer_or_session_is_owed_to_nothing_and_nothing_is_lost(spark):
    nothing = (None, None, None, None)
    orders = [("A", None, BEFORE), ("B", "bob", BEFORE), ("B", "bob", BEFORE)]
    assert touches(spark, orders, ("s", None, -SECOND), ("t", "ann", -SECOND)) == [nothing] * 3


def test_a_return_is_owed_to_what_its_order_was_owed_to(spark):
    orders = [("A", "ann", BEFORE), ("A", "ann", timedelta(days=20))]
    visits = [("bought", "ann", -SECOND), ("sent back", "ann", timedelta(days=19))]
    assert touches(spark, orders, *visits) == [("bought", "by bought", "bought", "by bought")] * 2


def test_each_line_of_an_order_with_two_customers_is_owed_to_its_own(spark):
    orders = [("A", "ann", BEFORE), ("A", "bob", SECOND)]
    visits = [("a", "ann", -SECOND), ("b", "bob", -SECOND), ("after", "bob", SECOND)]
    assert touches(spark, orders, *visits) == [("a", "by a", "a", "by a"), ("b", "by b", "b", "by b")]


def test_a_session_without_customer_reaches_no_order(spark):
    reached = owed_to(
        lines(spark, ("A", "ann", BEFORE), ("B", None, BEFORE)), sessions(spark, ("s", None, BEFORE)), WINDOW
    )
    assert reached.collect() == []


def test_a_customer_is_as_now_and_inferred_where_only_orders_know_one(spark):
    known = spark.createDataFrame(
        [("ann", "France", date(2025, 1, 5)), ("eve", None, None)],
        "customer_id string, country string, signed_up_day date",
    )
    orders = lines(spark, ("A", "ann", BEFORE), ("B", "bob", BEFORE), ("C", None, BEFORE), ("D", "eve", BEFORE))
    found = with_customers(orders, known).orderBy("order_id")
    names = ("order_id", "customer_country", "customer_signed_up_day", "is_customer_inferred")
    assert [tuple(row[name] for name in names) for row in found.collect()] == [
        ("A", "France", date(2025, 1, 5), False),
        ("B", None, None, True),
        ("C", None, None, None),
        ("D", None, None, False),
    ]
