"""The master merge: sales lines of whole orders, the day's sums, and which rows are written."""

from datetime import date
from decimal import Decimal

from chispa import assert_df_equality

from jobs.master_data_merge import to_daily_summary, to_sales
from shoplake.spark.upsert import Bounds, compare_rows
from shoplake.tables import Table, TableColumn

LINES = "order_id string, order_day date, customer_id string, country string, status string, quantity int, " \
        "net_amount decimal(18,4)"  # fmt: skip
DAY = date(2010, 12, 1)


def lines(spark, *rows: tuple):
    """(order, customer, country, status, quantity, net amount), all on one day."""
    return spark.createDataFrame(
        [(o, DAY, c, land, status, q, Decimal(net)) for o, c, land, status, q, net in rows], LINES
    )


def test_an_orders_size_is_that_of_all_its_lines(spark):
    sales = to_sales(
        lines(
            spark,
            ("A", "c", "UK", "completed", 1, "49.99"),
            ("B", "c", "UK", "completed", 1, "30"),
            ("B", "c", "UK", "completed", 1, "20"),
            ("C", "c", "UK", "completed", 1, "100"),
        )
    )
    sizes = {(row["order_id"], row["order_size"]) for row in sales.collect()}
    assert sizes == {("A", "low"), ("B", "medium"), ("C", "high")}


def test_the_day_is_summed_by_country_with_returns_and_without_cancelled_lines(spark):
    sales = to_sales(
        lines(
            spark,
            ("A", "ann", "UK", "completed", 2, "10"),
            ("A", "ann", "UK", "completed", 1, "5"),
            ("B", "bob", "UK", "returned", -1, "-3"),
            ("C", None, "UK", "completed", 1, "8"),
            ("D", "eve", "UK", "cancelled", 9, "90"),
            ("E", "fay", None, "failed", 9, "90"),
            ("F", "fay", None, "completed", 1, "1"),
        )
    )
    expected = spark.createDataFrame(
        [
            (DAY, "(unknown)", "UK", 3, 3, Decimal("20.0000"), Decimal("6.6667"), 2),
            (DAY, "(unknown)", "(unknown)", 1, 1, Decimal("1.0000"), Decimal("1.0000"), 1),
        ],
        "order_day date, category string, country string, orders bigint, units bigint, revenue decimal(18,4), "
        "average_order_value decimal(18,4), customers bigint",
    )
    assert_df_equality(
        to_daily_summary(sales), expected, ignore_row_order=True, ignore_nullable=True, ignore_column_order=False
    )


TABLE = Table(
    name="t",
    database="curated",
    description="",
    grain="One row a key.",
    key=("k",),
    branched=True,
    columns=tuple(
        TableColumn(name=n, type=t, description="") for n, t in [("k", "string"), ("v", "int"), ("_run_id", "string")]
    ),
)


def frame(spark, *rows):
    return spark.createDataFrame(list(rows), "k string, v int, _run_id string")


def changes(spark, computed, stored, deletes=False) -> dict:
    compared = compare_rows(frame(spark, *computed), frame(spark, *stored), TABLE, deletes)
    return {row["k"]: row["_action"] for row in compared.collect()}


def test_only_rows_that_come_out_different_are_written(spark):
    computed = [("new", 1, "r2"), ("same", 1, "r2"), ("other", 2, "r2"), ("was null", 1, "r2")]
    stored = [("same", 1, "r1"), ("other", 1, "r1"), ("was null", None, "r1")]
    assert changes(spark, computed, stored) == {"new": "insert", "same": None, "other": "update", "was null": "update"}


def test_stored_rows_that_were_not_computed_are_deleted_only_where_that_is_asked_for(spark):
    assert changes(spark, [("a", 1, "r2")], [("a", 1, "r1"), ("b", 1, "r1")]) == {"a": None}
    assert changes(spark, [("a", 1, "r2")], [("a", 1, "r1"), ("b", 1, "r1")], deletes=True) == {
        "a": None,
        "b": "delete",
    }


def test_bounds_hold_every_key_of_the_batch_quotes_included(spark):
    rows = frame(spark, ("it's", 1, "r"), ("b\\c", 2, "r"), ("zz", 3, "r"))
    bounds = Bounds.of(rows, ["k"])
    assert rows.where(bounds.condition()).count() == 3


def test_bounds_of_no_rows_hold_no_row(spark):
    bounds = Bounds.of(frame(spark), ["k"])
    assert frame(spark, ("a", 1, "r")).where(bounds.condition()).count() == 0
    assert bounds.sql("t") == "FALSE"
