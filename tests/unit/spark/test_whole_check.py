"""The daily check of whole tables, and what earlier runs say: when it is due, what is usual, and what it finds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pytest
from pyspark.sql import DataFrame, SparkSession

from quality import touched
from quality.gate import Gate
from quality.history import NULL_RATE, RESULTS, RUNS, VOLUME, History, read_history
from quality.quality_gate import check_whole
from shoplake.config import load_lake
from shoplake.tables import Table, load_tables
from shoplake.times import iso
from tests.unit.spark.frames import of_table

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
LEDGER, REVIEWS = "run.ledger", "processed.reviews"


@dataclass
class Run:
    """A run whose tables are views of these rows."""

    spark: SparkSession
    rows: dict[str, list[dict]]
    run_id = "this run"
    lake = load_lake("local")

    @property
    def summary(self) -> dict[str, str]:
        return {"last_arrival": iso(NOW)}

    @cached_property
    def frames(self) -> dict[str, DataFrame]:
        return {name: of_table(self.spark, self.declared(name), rows) for name, rows in self.rows.items()}

    def table(self, name: str) -> DataFrame:
        return self.frames[name]

    def table_name(self, name: str) -> str:
        view = f"stored_{self.declared(name).name}"
        self.table(name).createOrReplaceTempView(view)
        return view

    def declared(self, name: str) -> Table:
        return load_tables()[name]


def result(run_id: str, hours_ago: float, observed: float | None = None, **cells) -> dict:
    """What the rows a file of orders came to in a run, unless `cells` say otherwise."""
    return {
        "run_id": run_id, "table_name": LEDGER, "expectation_type": VOLUME, "column_name": "transactions",
        "observed": observed, "is_whole": False, "checked_at": iso(NOW - timedelta(hours=hours_ago)), **cells,
    }  # fmt: skip


@pytest.fixture(scope="module")
def history(spark) -> History:
    """Of 22 published runs, an hour after the other, one failed run after these, and results that count for nothing."""
    runs = [f"run {number}" for number in range(22)]
    nulls = {"table_name": REVIEWS, "expectation_type": NULL_RATE, "column_name": "title"}
    results = [
        *(result(run_id, 2 + number, 100.0 + number) for number, run_id in enumerate(runs)),
        result("failed", 1, 9.0),
        result("this run", 0, 9.0),
        result("run 0", -1, 9.0),
        result("run 0", 91 * 24, 0.9, **nulls, checked_rows=100),
        result("run 1", 3, 0.25, **nulls, checked_rows=50),
        result("run 2", 4, 0.9, **nulls, checked_rows=49),
        result("run 3", 5, expectation_type="expect_no_rows", is_whole=True),
        result("run 9", 30, expectation_type="expect_no_rows", is_whole=True),
    ]
    states = [{"run_id": run_id, "state": "succeeded"} for run_id in [*runs, "this run"]]
    return read_history(Run(spark, {RESULTS: results, RUNS: [*states, {"run_id": "failed", "state": "failed"}]}))


def test_what_is_usual_is_told_by_the_newest_20_published_runs_before_this_one(history):
    assert sorted(history.of(LEDGER, VOLUME, "transactions")) == [100.0 + number for number in range(20)]


def test_shares_of_few_rows_or_long_ago_say_nothing(history):
    assert history.of(REVIEWS, NULL_RATE, "title") == [0.25]


def test_all_rows_are_due_a_day_after_the_newest_whole_check(history):
    assert history.checked_whole_at == NOW - timedelta(hours=5)
    assert not history.is_whole_due(NOW, after_h=24)
    assert history.is_whole_due(NOW + timedelta(hours=19), after_h=24)


def test_a_lake_without_results_has_no_history(spark):
    assert read_history(Run(spark, {RESULTS: [], RUNS: []})) == History()


def test_a_row_that_no_run_touched_is_found_as_a_warning(spark, monkeypatch):
    tables = {name: load_tables()[name] for name in ("processed.events", "processed.sessions")}
    monkeypatch.setattr(touched, "load_tables", lambda: tables)
    at = iso(NOW)
    session = {"session_id": "S", "visitor_id": "ann", "started_at": at, "ended_at": at, "_run_id": "old"}
    events = [
        {"event_id": name, "visitor_id": name, "event_time": at, "is_robot": False, "_run_id": "old"}
        for name in ("ann", "foreign")
    ]
    run = Run(spark, {"processed.events": events, "processed.sessions": [session]})
    gate = Gate(run.run_id, at)
    findings = check_whole(run, gate)
    (found,) = [
        f for f in findings if f.rule == "In all rows: Every event is in a session of its visitor, unless a robot's"
    ]
    assert (found.table, found.is_met, found.unexpected, found.examples) == (
        "processed.events", False, 1, '[{"event_id": "foreign"}]',
    )  # fmt: skip
    assert {(finding.severity, finding.is_whole) for finding in findings} == {("warning", True)}
    assert {finding.table for finding in findings} == set(tables)
    assert set(gate.pages) == {f"{name}.all_rows" for name in tables}
