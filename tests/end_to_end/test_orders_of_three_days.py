"""Three days of real orders, dropped into an empty lake: every row accounted for, every figure counted again."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from shoplake.tables import load_tables
from tests.end_to_end.conftest import THREE_DAYS
from tests.end_to_end.local_lake import first_differences
from tests.oracles import buyers
from tests.oracles.online_retail import Day, Line, OnlineRetail

pytestmark = pytest.mark.lake

OUTCOMES = ("applied", "unchanged", "superseded", "quarantined", "duplicate")
STATES = [
    "Validate and stage files", "Summarise verdicts", "Anything to load?", "Crawl raw", "Prepare tables", "Transform",
    "Merge master data", "Check quality", "Publish", "Refresh Athena", "Notify success",
]  # fmt: skip
JOB_STATES = ("Transform", "Merge master data", "Check quality")
DPU = 2  # two workers of type G.1X, as lake.yaml has it for the local environment
DOLLARS_A_DPU_HOUR = 0.44
LEAST_BILLED_S = 60  # Glue bills a job run for a minute at least


@pytest.fixture(scope="module")
def counted():
    """The same files counted by DuckDB."""
    return OnlineRetail(THREE_DAYS)


def instant(text: str) -> datetime:
    """A timestamp as Athena writes it: `2010-12-01 08:26:00.000 UTC`."""
    return datetime.strptime(text.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)


def total(rows: Iterable[dict[str, Any]], column: str) -> Decimal:
    return sum(Decimal(row[column]) for row in rows)


def test_each_files_rows_are_accounted_for(three_days):
    rows = {file["key"].rpartition("/")[2]: file["rows"] for file in three_days.show["inputs"]}
    nothing_else = {"unchanged": 0, "superseded": 0, "quarantined": 0}
    assert rows == {
        "2010-12-01.csv.gz": {"read": 3108, "applied": 3064, "duplicate": 44, **nothing_else},
        "2010-12-02.csv.gz": {"read": 2109, "applied": 2068, "duplicate": 41, **nothing_else},
        "2010-12-03.csv.gz": {"read": 2202, "applied": 2185, "duplicate": 17, **nothing_else},
    }


def test_every_file_is_accepted_without_a_problem(three_days):
    found = [(file["dataset"], file["verdict"], file["problems"]) for file in three_days.show["inputs"]]
    assert found == [("transactions", "accepted", [])] * 3


def test_the_runs_ledger_adds_up(three_days):
    rows = three_days.record["rows"]
    assert rows["read"] == 7419
    assert sum(rows[outcome] for outcome in OUTCOMES) == 7419
    assert (rows["applied"], rows["duplicate"]) == (7317, 102)
    assert three_days.record["files"] == {"accepted": 3, "refused": 0, "duplicate": 0}


def test_seven_thousand_lines_are_worth_what_the_shop_took(three_days):
    assert len(three_days.sales) == 7317
    assert total(three_days.sales, "net_amount") == Decimal("150115.26")
    assert total(three_days.summary, "revenue") == Decimal("150115.26")


def test_an_independent_count_finds_the_same_rows_and_duplicates(counted):
    assert counted.rows_by_file == {
        "2010-12-01.csv.gz": (3108, 44),
        "2010-12-02.csv.gz": (2109, 41),
        "2010-12-03.csv.gz": (2202, 17),
    }


def test_an_independent_count_finds_the_same_lines(three_days, counted):
    found = [
        Line(
            order_id=row["order_id"],
            product_id=row["product_id"],
            product_name=row["product_name"],
            quantity=row["quantity"],
            ordered_at=instant(row["ordered_at"]),
            unit_price=Decimal(row["unit_price"]),
            customer_id=row["customer_id"],
            country=row["country"],
        )
        for row in three_days.sales
    ]
    assert first_differences(counted.lines(), found) == {}


def test_a_lines_net_amount_is_its_quantity_times_its_price(three_days):
    for row in three_days.sales:
        assert Decimal(row["net_amount"]) == row["quantity"] * Decimal(row["unit_price"])


def test_an_independent_count_finds_the_same_days(three_days, counted):
    found = [
        Day(
            order_day=date.fromisoformat(row["order_day"]),
            country=row["country"],
            orders=row["orders"],
            units=row["units"],
            revenue=Decimal(row["revenue"]),
            customers=row["customers"],
        )
        for row in three_days.summary
    ]
    assert len(found) == 20
    assert first_differences(counted.days(), found) == {}


def columns_of(three_days, table: str, *names: str) -> list[tuple]:
    """Some columns of a table as it was after the load."""
    places = [load_tables()[table].business_columns.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in three_days.contents[table]]


def test_an_independent_count_finds_the_same_product_days(three_days, counted):
    columns = ("product_id", "activity_day", "orders", "buying_orders", "units", "returned_units", "revenue",
               "returns_amount")  # fmt: skip
    found = columns_of(three_days, "curated.product_performance", *columns)
    assert first_differences(counted.product_days(), found) == {}
    silent = ("views", "add_to_carts", "conversion_rate", "reviews", "average_rating", "stock_quantity",
              "days_of_cover")  # fmt: skip
    assert set(columns_of(three_days, "curated.product_performance", *silent)) == {(0, 0, None, 0, None, None, None)}


def test_products_that_no_catalogue_has_are_inferred_from_their_orders(three_days, counted):
    columns = ("product_id", "valid_from", "name", "valid_to", "is_current", "is_inferred", "price")
    found = columns_of(three_days, "curated.product_history", *columns)
    assert first_differences([(*product, None, True, True, None) for product in counted.products()], found) == {}


def test_an_independent_count_finds_the_same_customers_all_of_them_inferred(three_days, counted):
    lines = [
        buyers.Line(
            order=line.order_id,
            line="",
            at=line.ordered_at,
            customer=line.customer_id,
            status="completed",
            quantity=line.quantity,
            net=line.amount,
            product=line.product_id,
            name=line.product_name,
        )
        for line in counted.lines()
    ]
    expected = buyers.customers(lines, {}, date(2010, 12, 3))
    assert len(expected) > 200
    assert first_differences(expected, three_days.contents["curated.customer_360"]) == {}


def test_the_average_order_is_the_revenue_over_the_orders(three_days):
    for row in three_days.summary:
        average = (Decimal(row["revenue"]) / row["orders"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        assert Decimal(row["average_order_value"]) == average


def test_tables_counts_the_rows_that_queries_find(three_days, counted):
    rows = {name: table["rows"] for name, table in three_days.tables.items()}
    assert rows["processed_local.transactions"] == rows["curated_local.sales"] == 7317
    assert rows["curated_local.daily_sales_summary"] == 20
    assert {name: change["inserted"] for name, change in three_days.show["tables"].items()} == {
        "processed.transactions": 7317,
        "curated.sales": 7317,
        "curated.daily_sales_summary": 20,
        "curated.product_performance": len(counted.product_days()),
        "curated.product_history": len(counted.products()),
        "curated.customer_360": len({line.customer_id for line in counted.lines()} - {None}),
    }


def test_the_run_went_through_its_states_in_order(three_days):
    assert [(state["name"], state["state"]) for state in three_days.show["states"]] == [
        (name, "succeeded") for name in STATES
    ]
    starts = [state["started_at"] for state in three_days.show["states"]]
    assert starts == sorted(starts)


def test_published_names_the_snapshots_that_main_shows(three_days):
    noted = {row["table_name"]: row["snapshot_id"] for row in three_days.published}
    assert noted == {
        "processed.transactions": three_days.tables["processed_local.transactions"]["snapshot_id"],
        "curated.sales": three_days.tables["curated_local.sales"]["snapshot_id"],
        "curated.daily_sales_summary": three_days.tables["curated_local.daily_sales_summary"]["snapshot_id"],
        "curated.product_performance": three_days.tables["curated_local.product_performance"]["snapshot_id"],
        "curated.product_history": three_days.tables["curated_local.product_history"]["snapshot_id"],
        "curated.customer_360": three_days.tables["curated_local.customer_360"]["snapshot_id"],
    }


def test_views_are_there_after_the_first_run(three_days):
    assert three_days.months == [
        {"month": "2010-12-01", "orders": 418, "units": 62460, "revenue": "150115.2600", "customers": 255}
    ]


def test_a_named_query_adds_up_to_what_the_shop_took(three_days):
    assert (three_days.countries[0]["country"], len(three_days.countries)) == ("United Kingdom", 13)
    assert total(three_days.countries, "revenue") == Decimal("150115.26")


def test_no_branch_is_left(three_days):
    assert three_days.branches == []


def test_the_receipt_splits_the_time_by_state(three_days):
    receipt = three_days.receipt
    assert [state["name"] for state in receipt["states"]] == STATES
    assert receipt["seconds"] == pytest.approx(sum(state["seconds"] for state in receipt["states"]), abs=2)
    assert receipt["bytes_in"] == sum(file.stat().st_size for file in THREE_DAYS)
    assert receipt["rows"] == three_days.record["rows"]


def test_the_receipt_bills_the_jobs_and_nothing_for_waiting(three_days):
    by_name = {state["name"]: state for state in three_days.receipt["states"]}
    for name in JOB_STATES:
        # A state lasts a little longer than its job, and the job is billed by the seconds of its workers.
        assert 0.5 * DPU * by_name[name]["seconds"] < by_name[name]["dpu_seconds"] <= DPU * by_name[name]["seconds"]
        billed = max(by_name[name]["dpu_seconds"], LEAST_BILLED_S * DPU) / 3600 * DOLLARS_A_DPU_HOUR
        assert by_name[name]["dollars"] == pytest.approx(billed, abs=1e-6)
    crawled = by_name.pop("Crawl raw")  # the first files are crawled: two DPU, for ten minutes at least
    assert crawled["dollars"] == pytest.approx(2 * 600 / 3600 * DOLLARS_A_DPU_HOUR, abs=1e-4)
    assert {state["dpu_seconds"] for name, state in by_name.items() if name not in JOB_STATES} == {0}
    assert by_name["Validate and stage files"]["dollars"] > 0


def test_the_receipts_dollars_are_the_states_and_their_transitions(three_days):
    of_states = sum(state["dollars"] for state in three_days.receipt["states"])
    assert of_states < three_days.receipt["dollars"] < of_states + 0.01
    assert three_days.receipt["dollars"] == three_days.record["dollars"]


def test_the_receipt_tells_the_peak_memory(three_days):
    assert 100e6 < three_days.receipt["peak_memory_bytes"] < 4e9


def test_one_letter_says_what_happened_and_what_to_do_next(three_days):
    (letter,) = three_days.letters
    run_id = three_days.show["run_id"]
    assert letter["to"] == "owner@shoplake.test"
    assert letter["subject"] == f"[shoplake local] run {run_id} published: 3 files, 7,317 rows"
    assert "3 loaded, 0 refused, 0 duplicate" in letter["body"]
    assert "7,419 read = 7,317 applied + 0 unchanged + 0 superseded + 0 quarantined + 102 duplicate" in letter["body"]
    for file, rows in (("01", "3,108"), ("02", "2,109"), ("03", "2,202")):
        assert f"raw/transactions/2010-12-{file}.csv.gz ({rows} rows)" in letter["body"]
    assert f"shoplake show {run_id}" in letter["body"]


def test_the_letter_carries_the_receipt(three_days):
    (letter,) = three_days.letters
    assert all(name in letter["body"] for name in STATES)
    assert f"${three_days.receipt['dollars']:.4f}" in letter["body"]
