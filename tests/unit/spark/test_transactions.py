"""The orders job: keys, duplicates, derived columns, and which version of a line wins."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.transaction_etl import add_derived, judge
from shoplake.spark import intake
from shoplake.spark.intake import refuse_files
from shoplake.spark.winners import DUPLICATE, QUARANTINED, decide
from shoplake.tables import load_tables
from shoplake.verdicts import Verdict
from tests.unit.spark.frames import CONTRACT, conformed, judged, only

KEY = ["order_id", "line_key"]
STORED = "order_id string, line_key string, source string, updated_at timestamp, _arrived_at timestamp, " \
         "_source_key string, _source_line bigint, _row_hash string, _run_id string, quantity int"  # fmt: skip


def outcomes(frame) -> list:
    return [row["_outcome"] for row in frame.orderBy("_file", "_source_line").collect()]


def test_identical_rows_of_one_file_are_duplicates_where_the_source_says_so(spark):
    assert outcomes(judged(spark, {}, {}, {"quantity": "3"}, source="uci")) == [None, DUPLICATE, None]


def test_identical_rows_of_one_file_are_lines_of_their_own_elsewhere(spark):
    rows = judged(spark, {}, {}, source="plain").orderBy("_source_line").collect()
    assert [row["_outcome"] for row in rows] == [None, None]
    assert rows[0]["line_key"] != rows[1]["line_key"]


def test_the_same_line_has_the_same_key_however_its_values_are_written(spark):
    keys = judged(
        spark,
        {"ordered_at": "12/1/2010 8:26", "customer_id": "17850", "unit_price": "2.5"},
        {"ordered_at": "2010-12-01 08:26:00", "customer_id": "17850.0", "unit_price": "2.50"},
        source="uci",
    )
    assert [row["_outcome"] for row in keys.orderBy("_source_line").collect()] == [None, DUPLICATE]


def test_a_line_number_is_the_key_where_the_source_has_one(spark):
    assert only(judged(spark, {"line_number": "07"}, source="shop"))["line_key"] == "7"


def test_a_line_in_another_currency_waits_in_quarantine(spark):
    row = only(judged(spark, {"currency": "usd"}))
    assert row["_outcome"] == QUARANTINED
    assert row["_problems"] == [{"column": "currency", "value": "USD", "rule": "no_exchange_rate"}]


def test_a_rejected_row_makes_no_good_row_a_duplicate(spark):
    assert outcomes(judged(spark, {"quantity": "x"}, {"quantity": "x"}, {}, source="uci")) == [
        QUARANTINED,
        QUARANTINED,
        None,
    ]


def derived(spark, source="plain", **cells) -> dict:
    return only(add_derived(judged(spark, cells, source=source), "Europe/London"))


def test_amounts_add_up(spark):
    line = derived(spark, quantity="3", unit_price="10", discount_amount="4.5", tax_amount="5", shipping_amount="1")
    assert (line["gross_amount"], line["net_amount"], line["total_amount"]) == (
        Decimal("30.0000"),
        Decimal("25.5000"),
        Decimal("31.5000"),
    )


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            {"quantity": "2000000000", "unit_price": "99999999999999"},
            {"column": "gross_amount", "value": "199999999999998000000000.0000"},
        ),
        (
            {"quantity": "-1", "unit_price": "99999999999999", "discount_amount": "99999999999999"},
            {"column": "net_amount", "value": "-199999999999998.0000"},
        ),
        (
            {"quantity": "1", "unit_price": "99999999999999", "tax_amount": "1"},
            {"column": "total_amount", "value": "100000000000000.0000"},
        ),
        (
            {"quantity": "1", "unit_price": "99999999999999", "shipping_amount": "1"},
            {"column": "total_amount", "value": "100000000000000.0000"},
        ),
    ],
)
def test_a_line_whose_amounts_do_not_fit_goes_to_quarantine_alone(spark, cells, problem):
    bad, good = judged(spark, cells, {}).orderBy("_source_line").collect()
    assert (bad["_outcome"], good["_outcome"]) == (QUARANTINED, None)
    assert [found.asDict() for found in bad["_problems"]] == [{**problem, "rule": "amount_out_of_range"}]


def test_a_cell_that_is_no_number_is_no_amount_out_of_range_as_well(spark):
    (problem,) = only(judged(spark, {"quantity": "x"}))["_problems"]
    assert problem["rule"] == "not_an_integer"


def test_a_total_that_differs_by_more_than_a_penny_is_flagged(spark):
    assert derived(spark, source_total_amount="5.01")["is_total_different"] is False
    assert derived(spark, source_total_amount="5.02")["is_total_different"] is True
    assert derived(spark)["is_total_different"] is None


def test_returns_cancellations_and_free_lines_are_kept_and_flagged(spark):
    line = derived(spark, source="uci", order_id="C536379", quantity="-1", unit_price="0")
    assert (line["is_return"], line["is_cancellation"], line["is_free"]) == (True, True, True)
    assert (line["_outcome"], line["net_amount"]) == (None, Decimal("0.0000"))


def test_an_order_number_that_merely_begins_with_a_c_is_no_cancellation(spark):
    assert derived(spark, source="uci", order_id="CAT-1")["is_cancellation"] is False


def test_only_a_source_that_marks_cancellations_in_the_order_number_has_them_there(spark):
    assert derived(spark, source="plain", order_id="C536379")["is_cancellation"] is False
    assert derived(spark, source="plain", order_id="C536379", status="cancelled")["is_cancellation"] is True


def test_the_day_is_the_reporting_time_zones(spark):
    line = derived(spark, ordered_at="2010-06-30T23:30:00Z")  # 00:30 on the first of July in London
    assert (line["order_day"], line["order_hour"], line["day_of_week"]) == (date(2010, 7, 1), 0, 4)
    assert line["is_weekend"] is False


def decided(spark, rows, stored, run="r1"):
    lines = rows.where(F.col("_outcome").isNull())
    return decide(lines, stored, KEY, run)


def nothing(spark):
    return spark.createDataFrame([], STORED)


def apply(spark, stored, rows, run="r1"):
    """The stored rows after a batch: what write_changes does to the table, in plain Python."""
    table = {(row["order_id"], row["line_key"]): row.asDict() for row in stored.collect()}
    for row in decided(spark, rows, stored, run).where("_action IS NOT NULL").collect():
        table[row["order_id"], row["line_key"]] = {name: row[name] for name in stored.columns}
    return spark.createDataFrame([tuple(row[n] for n in stored.columns) for row in table.values()], STORED)


def at(day: int) -> datetime:
    return datetime(2011, 1, day, tzinfo=UTC)


def version(spark, quantity: str, day: int, updated: str | None = None):
    cells = {"line_number": "1", "quantity": quantity, "updated_at": updated}
    return judged(spark, cells, source="shop", file=day, arrived=at(day))


def actions(frame) -> list:
    return [(row["_outcome"], row["_action"]) for row in frame.orderBy("_file", "_source_line").collect()]


def test_a_new_line_is_inserted_and_the_same_line_again_changes_nothing(spark):
    first = version(spark, "1", 1)
    assert actions(decided(spark, first, nothing(spark))) == [("applied", "insert")]
    assert actions(decided(spark, first, apply(spark, nothing(spark), first))) == [("unchanged", None)]


def test_a_newer_version_updates_and_an_older_one_is_superseded(spark):
    first, second = version(spark, "1", 1), version(spark, "2", 2)
    assert actions(decided(spark, second, apply(spark, nothing(spark), first))) == [("applied", "update")]
    assert actions(decided(spark, first, apply(spark, nothing(spark), second))) == [("superseded", None)]


def test_the_sources_own_time_of_change_goes_before_the_arrival(spark):
    late, early = version(spark, "1", 9, "2010-12-02 00:00:00"), version(spark, "2", 2, "2010-12-05 00:00:00")
    assert actions(decided(spark, late, apply(spark, nothing(spark), early))) == [("superseded", None)]


def test_of_two_versions_in_one_batch_the_newer_wins(spark):
    both = version(spark, "1", 1).unionByName(version(spark, "2", 2))
    assert actions(decided(spark, both, nothing(spark))) == [("superseded", None), ("applied", "insert")]


def test_the_same_content_again_later_still_beats_a_version_between_that_comes_late(spark):
    stored = apply(spark, nothing(spark), version(spark, "1", 1))
    again = decided(spark, version(spark, "1", 3), stored)
    assert actions(again) == [("unchanged", "touch")]
    stored = apply(spark, stored, version(spark, "1", 3))
    assert actions(decided(spark, version(spark, "2", 2), stored)) == [("superseded", None)]


def test_a_touched_row_keeps_the_run_of_its_last_change(spark):
    stored = apply(spark, nothing(spark), version(spark, "1", 1), run="r1")
    assert only(apply(spark, stored, version(spark, "1", 3), run="r2"))["_run_id"] == "r1"


def test_a_line_that_two_sources_have_is_the_same_row_in_whatever_order_they_come(spark):
    batches = [judged(spark, {}, {}, source="plain", file=1, arrived=at(1)),
               judged(spark, {}, source="uci", file=2, arrived=at(2)),
               judged(spark, {}, source="plain", file=3, arrived=at(3))]  # fmt: skip
    for order in (0, 1, 2), (1, 2, 0):
        stored = nothing(spark)
        for number in order:
            stored = apply(spark, stored, batches[number])
        found = sorted((row["line_key"][-2:], row["source"]) for row in stored.collect())
        assert found == [("-1", "plain"), ("-2", "plain")]
    again = decided(spark, batches[1], apply(spark, nothing(spark), batches[0]))
    assert actions(again) == [("unchanged", None)]


def test_a_numbered_line_that_another_source_says_again_later_is_that_sources(spark):
    stored = apply(spark, nothing(spark), version(spark, "1", 1).withColumn("source", F.lit("till")))
    assert actions(decided(spark, version(spark, "1", 2), stored)) == [("applied", "update")]
    assert only(apply(spark, stored, version(spark, "1", 2)))["source"] == "shop"


VERSIONS = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(1, 5), st.sampled_from([None, "2010-12-02 00:00:00", "2010-12-03 00:00:00"])
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda version: version[1],
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(versions=VERSIONS, data=st.data())
def test_any_grouping_of_the_versions_into_runs_in_any_order_gives_the_same_row(spark, versions, data):
    order = data.draw(st.permutations(versions))
    cut = data.draw(st.integers(0, len(order)))
    winner = max(versions, key=lambda v: (v[2] + "+00:00" if v[2] else at(v[1]).isoformat(" "), at(v[1])))

    stored = nothing(spark)
    for group in filter(None, (order[:cut], order[cut:])):
        frames = [version(spark, str(quantity), day, updated) for quantity, day, updated in group]
        batch = frames[0]
        for frame in frames[1:]:
            batch = batch.unionByName(frame)
        stored = apply(spark, stored, batch)

    assert only(stored)["quantity"] == winner[0]


def test_what_the_job_writes_is_every_column_that_the_table_declares(spark):
    lines = add_derived(judged(spark, {}).where("_outcome IS NULL"), "Europe/London")
    written = decide(lines, nothing(spark), KEY, "r1")
    table = load_tables()["processed.transactions"]
    assert not set(table.column_names) - set(written.columns)
    types = dict(written.select(*table.column_names).dtypes)
    assert types == {column.name: column.type for column in table.columns}


def test_judging_leaves_no_row_out(spark):
    rows = conformed(spark, {}, {"quantity": "x"}, {}, {"order_id": ""}, source="uci")
    assert judge(rows, CONTRACT, "GBP").count() == 4


def test_a_file_is_refused_for_unreadable_rows_even_where_no_row_breaks_a_rule(monkeypatch):
    files = [
        {"number": 0, "rows_read": 1000, "rows_quarantined": 990},
        {"number": 1, "rows_read": 1000, "rows_quarantined": 0},
        {"number": 2, "rows_read": 1000, "rows_quarantined": 30},
    ]
    verdicts = [
        Verdict(number=n, key=f"raw/{n}.csv", version_id="1", dataset="transactions", size_bytes=1,
                arrived_at="2025-01-01T00:00:00.000Z", verdict="accepted")
        for n in range(3)
    ]  # fmt: skip
    kept = []
    monkeypatch.setattr(intake, "read_verdicts", lambda bucket, keys: verdicts)
    monkeypatch.setattr(intake, "keep_refused_file", lambda lake, keys, verdict: kept.append(verdict))
    run = SimpleNamespace(summary={"files": {"transactions": files}}, lake=SimpleNamespace(bucket="b"), keys=None)
    judged_rows = [
        {"_file": 0, "_outcome": None, "count": 10},
        {"_file": 2, "_outcome": QUARANTINED, "count": 40},
    ]
    refused = refuse_files(run, CONTRACT, judged_rows)
    assert {number: sentence.split(" rows")[0] for number, sentence in refused.items()} == {
        0: "990 of its 1,000",
        2: "70 of its 1,000",
    }
    assert [(verdict.number, verdict.reason) for verdict in kept] == [
        (0, "too_many_rejects"),
        (2, "too_many_rejects"),
    ]
