"""Which rows the gate takes up: those that a run touched, and their like in the tables that are checked with them."""

from dataclasses import dataclass, field
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from quality.touched import touched_frames
from shoplake.tables import load_tables

FIRST, SECOND = date(2025, 1, 1), date(2025, 1, 2)
RUN = "2025-01-02-0001"


@dataclass
class Run:
    """A run that has written `rows` of each table and told of `keys` and `days`."""

    spark: SparkSession
    rows: dict[str, list[dict]]
    keys: dict[str, DataFrame] = field(default_factory=dict)
    days: dict[str, set[date]] = field(default_factory=dict)
    changed: set[str] = frozenset()
    run_id = RUN

    def table(self, name: str) -> DataFrame:
        types = {column.name: column.type for column in load_tables()[name].columns}
        rows = [tuple(row.get(column) for column in types) for row in self.rows.get(name, [])]
        return self.spark.createDataFrame(rows, ", ".join(f"{column} {type}" for column, type in types.items()))

    def touched(self, name: str) -> DataFrame | None:
        return self.keys.get(name)

    def touched_days(self, name: str) -> set[date]:
        return self.days.get(name, set())

    def has_changed(self, name: str) -> bool:
        return name in self.changed


def values(frame: DataFrame, *columns: str) -> list[tuple]:
    return sorted(tuple(row) for row in frame.select(*columns).collect())


@pytest.fixture()
def lines():
    return [{"order_id": order, "line_key": "1", "order_day": day} for order, day in (("A", FIRST), ("B", SECOND))]


def test_all_tables_of_the_days_that_any_of_them_touched_are_checked(spark, lines):
    products = [{"product_id": "P", "activity_day": day} for day in (FIRST, SECOND)]
    run = Run(
        spark,
        {"processed.transactions": lines, "curated.sales": lines, "curated.product_performance": products},
        keys={
            "processed.transactions": spark.createDataFrame([("B", "1", SECOND)], "o string, l string, order_day date")
        },
    )
    frames = touched_frames(run)
    assert values(frames["processed.transactions"], "order_id") == [("B",)]
    assert values(frames["curated.sales"], "order_id") == [("B",)]
    assert values(frames["curated.product_performance"], "activity_day") == [(SECOND,)]
    assert not {"processed.products", "processed.sessions", "processed.events"} & set(frames)


def test_a_day_from_which_the_last_row_went_is_checked_by_what_the_job_told(spark, lines):
    run = Run(spark, {"curated.sales": lines}, days={"order_day": {FIRST}})
    assert values(touched_frames(run)["curated.sales"], "order_id") == [("A",)]


def test_rows_of_touched_keys_are_checked_in_every_table_of_the_key(spark):
    rows = [{"product_id": product} for product in ("P", "Q")]
    keys = spark.createDataFrame([("Q", "x"), ("Q", "y")], "product_id string, category string")
    run = Run(
        spark, {"processed.products": rows, "curated.product_history": rows}, keys={"processed.product_versions": keys}
    )
    frames = touched_frames(run)
    assert values(frames["processed.products"], "product_id") == [("Q",)]
    assert values(frames["curated.product_history"], "product_id") == [("Q",)]
    assert frames["curated.product_history"].columns == list(load_tables()["curated.product_history"].column_names)


def test_without_a_declaration_the_rows_that_the_run_wrote_are_checked(spark):
    rows = [{"event_id": "old", "_run_id": "2025-01-01-0001"}, {"event_id": "new", "_run_id": RUN}]
    run = Run(spark, {"processed.events": rows}, changed={"processed.events"})
    assert values(touched_frames(run)["processed.events"], "event_id") == [("new",)]


def test_a_rule_may_name_a_table_that_the_run_did_not_touch(spark):
    touched_frames(Run(spark, {}))
    assert spark.table("sessions").count() == 0
