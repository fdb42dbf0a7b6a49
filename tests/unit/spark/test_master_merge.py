"""The master merge: sales lines of whole orders, the day's sums, products' days, and which rows are written."""

from datetime import UTC, date, datetime
from decimal import Decimal

from chispa import assert_df_equality

from shoplake.spark.curated.latest_day import latest_of
from shoplake.spark.curated.sales import to_daily_summary, to_sales
from shoplake.spark.upsert import Bounds, compare_rows
from shoplake.spark.winners import row_hash, touched_rows
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


def test_the_day_is_summed_by_country_with_returns_and_without_cancelled_and_undone_lines(spark):
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
            ("G", "gil", "UK", "returned", 7, "70"),
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


def test_a_line_has_the_category_that_its_product_had_then(spark):
    def at(day: int) -> datetime:
        return datetime(2010, 12, day, tzinfo=UTC)

    sold = spark.createDataFrame(
        [(str(day), product, at(day), None, "completed", 1, Decimal(1)) for day, product in
         [(1, "P"), (5, "P"), (6, "P"), (5, "Q"), (5, "new")]],
        "order_id string, product_id string, ordered_at timestamp, country string, status string, quantity int, "
        "net_amount decimal(18,4)",
    )  # fmt: skip
    spans = spark.createDataFrame(
        [
            ("P", "Home", "Home/Cups", at(1), at(6)),
            ("P", "Garden", "Garden", at(6), at(9)),
            ("Q", None, None, at(1), at(9)),
        ],
        "product_id string, category string, category_path string, from_at timestamp, until_at timestamp",
    )  # fmt: skip
    found = {
        (r["order_id"], r["product_id"], r["category"], r["category_path"]) for r in to_sales(sold, spans).collect()
    }
    assert found == {
        ("1", "P", "Home", "Home/Cups"),
        ("5", "P", "Home", "Home/Cups"),
        ("6", "P", "Garden", "Garden"),
        ("5", "Q", "(unknown)", "(unknown)"),
        ("5", "new", "(unknown)", "(unknown)"),
    }


def test_the_latest_day_is_that_of_the_last_order_or_event(spark):
    def days(*days: int):
        return spark.createDataFrame([(date(2010, 12, day),) for day in days], "any_day date")

    assert latest_of([days(1, 3, 2), days(2)]) == date(2010, 12, 3)
    assert latest_of([days(1), days(4, 2)]) == date(2010, 12, 4)
    assert latest_of([days(), days(1)]) == date(2010, 12, 1)
    assert latest_of([days(), days()]) is None


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


def test_later_jobs_hear_of_a_changed_row_as_it_is_and_as_it_was_where_that_differs(spark):
    decided = spark.createDataFrame(
        [
            ("new", "P1", None, None, "insert"),
            ("moved", "P1", "moved", "P2", "update"),
            ("dearer", "P1", "dearer", "P1", "update"),
            ("named", "P1", "named", None, "update"),
            ("same", "P1", "same", "P1", None),
            ("again", "P1", "again", "P1", "touch"),
        ],
        "line string, product string, _before_line string, _before_product string, _action string",
    )
    assert {tuple(row) for row in touched_rows(decided, ["line", "product"]).collect()} == {
        ("new", "P1", False),
        ("moved", "P1", False), ("moved", "P2", True),
        ("dearer", "P1", False),
        ("named", "P1", False), ("named", None, True),
    }  # fmt: skip


def test_rows_that_differ_by_a_microsecond_differ(spark):
    types = {"id": "string", "at": "timestamp"}
    columns = tuple(TableColumn(name=name, type=kind, description=name) for name, kind in types.items())
    table = Table(name="t", database="curated", description="", grain="", key=("id",), columns=columns, branched=True)
    of = [spark.sql(f"SELECT 'a' AS id, TIMESTAMP '2025-01-01 12:00:00.000{micros}' AS at") for micros in (100, 200)]
    assert [row["_action"] for row in compare_rows(of[0], of[1], table).collect()] == ["update"]
    hashes = {frame.select(row_hash(["id", "at"])).first()[0] for frame in of}
    assert len(hashes) == 2
