"""Named queries, views, the limit on scanned bytes and the reuse of results, on tables with a few rows."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from cli import data_commands
from cli.main import app
from local.provision import query as provision_query
from local.provision.account import Account
from shoplake.athena import run_query, stored_queries
from shoplake.views import refresh_views
from tests.integration.small_lake import small_lake
from tests.integration.small_tables import (
    CUSTOMER,
    DAY,
    FINDING,
    FUNNEL,
    PRODUCT,
    PRODUCT_DAY,
    PRODUCT_PERIOD,
    PUBLISHED,
    RUN,
    SALE,
    VERSION,
    write,
)

ENV = "questions"
FIFTEENTH, SIXTEENTH = date(2025, 1, 15), date(2025, 1, 16)
SECOND_RUN = {"run_id": "2025-01-17-0001", "started_at": datetime(2025, 1, 17, 3, 0, tzinfo=UTC)}

SECOND_VERSION = {"valid_from": datetime(2025, 1, 20, 8, tzinfo=UTC)}


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    """Two customers and three orders, one of them a return; two runs, of which one failed."""
    lake = small_lake(ENV, tmp_path_factory.mktemp("build"))
    hat = {"product_id": "HAT", "product_name": "Hat", "category": "Clothes"}
    write(
        lake, "curated.sales", SALE,
        {},
        {"line_key": "2", **hat, "quantity": 1, "net_amount": Decimal("90"), "order_size": "high"},
        {"order_id": "A2", "order_day": SIXTEENTH, "quantity": -1, "net_amount": Decimal("-5"), "is_return": True},
        {"order_id": "A3", "order_day": SIXTEENTH, "customer_id": "bob", "country": "Spain", "order_size": "medium",
         "quantity": 10, "net_amount": Decimal("50"), "last_touch_channel": "direct"},
        {"order_id": "A4", "order_day": SIXTEENTH, "status": "cancelled", "is_revenue": False},
    )  # fmt: skip
    bob = {
        "customer_id": "bob",
        "orders": 1,
        "completed_orders": 3,
        "spend": Decimal("50"),
        "first_order_day": date(2024, 11, 30),
        "days_since_last_order": 0,
        "predicted_value": Decimal("50"),
    }
    eve = {
        "customer_id": "eve",
        "orders": 0,
        "completed_orders": 0,
        "spend": Decimal("0"),
        "predicted_value": None,
        "first_order_day": None,
        "days_since_last_order": None,
        "rfm_segment": "prospects",
    }
    write(lake, "curated.customer_360", CUSTOMER, {}, bob, eve)
    write(
        lake, "curated.daily_sales_summary", DAY,
        {},
        {"category": "Clothes", "units": 1, "revenue": Decimal("90")},
        {"order_day": SIXTEENTH, "units": -1, "revenue": Decimal("-5")},
        {"order_day": SIXTEENTH, "country": "Spain", "units": 10, "revenue": Decimal("50")},
    )  # fmt: skip
    write(
        lake, "curated.product_performance", PRODUCT_DAY,
        {}, {"product_id": "HAT", "views": 200, "reviews": 2, "stock_quantity": 0, "days_of_cover": Decimal("0")},
        {"product_id": "PAN", "views": 0, "orders": 0, "buying_orders": 0, "units": 0, "reviews": 0,
         "average_rating": None, "stock_quantity": 9, "days_of_cover": None},
        {"activity_day": FIFTEENTH, "stock_quantity": None, "days_of_cover": None},
    )  # fmt: skip
    old = {"valid_from": datetime(2025, 1, 1, tzinfo=UTC), "is_current": False, "price": Decimal("4")}
    write(
        lake, "curated.product_history", PRODUCT_PERIOD,
        {}, old, {"product_id": "HAT", "name": "Hat", "category": "Clothes", "price": Decimal("90")},
    )  # fmt: skip
    write(
        lake, "curated.conversion_funnel", FUNNEL,
        {}, {"device": "desktop", "bounces": 3, "with_purchase": 1, "revenue": Decimal("9")},
        {"channel": "email", "sessions": 4, "with_view": 4, "with_purchase": 3, "bounces": 0},
        {"session_day": date(2024, 12, 19)},
    )  # fmt: skip
    write(lake, "curated.published", PUBLISHED, {}, {"run_id": "2025-01-17-0001", "snapshot_id": 2,
          "published_at": datetime(2025, 1, 17, 3, 1, tzinfo=UTC)})  # fmt: skip
    write(lake, "processed.runs", RUN, {}, {**SECOND_RUN, "state": "failed", "rows_quarantined": 3, "rows_applied": 7})
    second_check = {"run_id": "2025-01-17-0001", "checked_at": datetime(2025, 1, 17, 3, 0, tzinfo=UTC)}
    write(lake, "processed.quality_results", FINDING, {}, {**second_check, "is_met": False, "unexpected_rows": 3})
    out = {"is_low_stock": True, "is_out_of_stock": True, "stock_quantity": 0, "stock_value": Decimal("0")}
    write(
        lake, "processed.products", PRODUCT,
        {}, {"product_id": "HAT", "name": "Hat", "category": "Clothes", "margin_rate": 0.25, **out},
        {"product_id": "PAN", "name": "Pan", "stock_quantity": 9, "stock_value": Decimal("27"), "is_low_stock": True},
    )  # fmt: skip
    later = {"valid_from": datetime(2025, 1, 10, tzinfo=UTC), "name": "Big mug"}
    write(lake, "processed.product_versions", VERSION, {}, later, {"price": Decimal("5"), **SECOND_VERSION})
    assert refresh_views(lake) == []
    return lake


@pytest.fixture
def shoplake(lake, monkeypatch):
    """The command line on this lake."""
    monkeypatch.setattr(data_commands, "connect", lambda env: lake)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def rows_of(lake):
    return lambda sql: [tuple(row) for row in run_query(lake, sql).rows]


def named(lake, name: str) -> list[tuple]:
    (query,) = [query for query in stored_queries(lake) if query.name == name]
    return [tuple(row) for row in run_query(lake, query.sql).rows]


ANSWERS = {
    "revenue-by-day": [
        ("2025-01-16", "Kitchen", "45.0000", "9"),
        ("2025-01-15", "Clothes", "90.0000", "1"),
        ("2025-01-15", "Kitchen", "10.0000", "2"),
    ],
    "revenue-by-country": [
        ("France", "95.0000", "65.5", "2", "2025-01-15", "2025-01-16"),
        ("Spain", "50.0000", "34.5", "10", "2025-01-16", "2025-01-16"),
    ],
    "top-products": [
        ("HAT", "Hat", "Clothes", "90.0000", "1", "1", "1"),
        ("MUG", "Mug", "Kitchen", "55.0000", "11", "3", "2"),
    ],
    "returns-by-product": [("MUG", "Mug", "12", "1", "8.3", "5.0000", "1")],
    "repeat-customers": [("1 order", "2", "100.0", "2", "150.0000")],
    "rfm-segments": [
        ("loyal", "2", "66.7", "145.0000", "100.0", "2.0", "1.0", "145.0000"),
        ("prospects", "1", "33.3", "0.0000", "0.0", "0.0", None, None),
    ],
    "cohort-retention": [
        ("2024-11-01", "2", "1", "100.0"),
        ("2025-01-01", "0", "1", "100.0"),
    ],
    "attribution-first-against-last": [
        ("email", "3", "2", "145.0000", "95.0000", "-50.0000"),
        ("direct", "0", "1", "0.0000", "50.0000", "50.0000"),
    ],
    "order-sizes": [
        ("2025-01-01", "high", "1", "100.0000", "100.0000"),
        ("2025-01-01", "medium", "1", "50.0000", "50.0000"),
    ],
    "low-stock": [
        ("HAT", "Hat", "Clothes", "0", "10", "true", "1", "Potter"),
        ("PAN", "Pan", "Kitchen", "9", "10", "false", "0", "Potter"),
    ],
    "stock-by-category": [
        ("Kitchen", "GBP", "2", "0", "1", "49", "147.0000", "40.0"),
        ("Clothes", "GBP", "1", "1", "1", "0", "0.0000", "25.0"),
    ],
    "stock-cover": [
        ("HAT", "Hat", "Clothes", "0", "0.0000", "0.0000"),
        ("MUG", "Mug", "Kitchen", "40", "101.8182", "120.0000"),
    ],
    "viewed-not-bought": [("HAT", "Hat", "Clothes", "90.0000", "200", "4", "2", "2.0", "1.0", "2.5")],
    "best-rated-products": [("MUG", "Mug", "Kitchen", "6", "4.5", "18", "90.0000")],
    "funnel-by-channel": [
        ("direct", "20", "80.0", "40.0", "30.0", "15.0", "20.0", "59.0000"),
        ("email", "4", "100.0", "100.0", "75.0", "75.0", "0.0", "50.0000"),
    ],
    "price-changes": [("MUG", "Mug", "2025-01-20 08:00:00.000 UTC", "4.0000", "5.0000", "25.0", "GBP")],
    "data-quality": [
        ("2025-01-17", "curated.sales", "1", "1", "1", "0", "0.0"),
        ("2025-01-16", "curated.sales", "1", "1", "0", "0", "100.0"),
    ],
    "cost-of-runs": [
        ("2025-01-17", "1", "1", "0.04", "0.1", "1.0", "10", "1000", "4000.0"),
        ("2025-01-16", "1", "0", "0.04", "0.1", "1.0", "10", "1000", "4000.0"),
    ],
    "rows-set-aside": [
        ("2025-01-17-0001", "failed", "2025-01-17 03:00:00.000 UTC", "10", "3", "30.0", "0", "0", "0", "0")
    ],
}


def test_every_named_query_has_an_answer_that_is_known(lake):
    assert [query.name for query in stored_queries(lake)] == sorted(ANSWERS)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_named_query_answers_its_question(lake, name):
    assert named(lake, name) == ANSWERS[name]


def test_an_order_is_one_row_with_its_lines_added_up(rows_of):
    columns = "order_id, lines, products, units, net_amount, is_return, is_revenue"
    assert rows_of(f"SELECT {columns} FROM orders ORDER BY order_id") == [
        ("A1", "2", "2", "3", "100.0000", "false", "true"),
        ("A2", "1", "1", "-1", "-5.0000", "true", "true"),
        ("A3", "1", "1", "10", "50.0000", "false", "true"),
        ("A4", "1", "1", "2", "10.0000", "false", "false"),
    ]


def test_a_months_revenue_counts_returns_and_no_cancelled_order(rows_of):
    assert rows_of("SELECT * FROM revenue_by_month") == [("2025-01-01", "3", "12", "145.0000", "48.3333", "2", "2")]


def test_the_latest_publication_of_a_table_is_the_newest(rows_of):
    assert rows_of("SELECT * FROM latest_publication") == [
        ("curated.sales", "2025-01-17-0001", "2", "2025-01-17 03:01:00.000")
    ]


def test_the_latest_quality_is_that_of_the_last_run_that_checked(rows_of):
    found = rows_of(f"SELECT run_id, is_met, unexpected_rows FROM processed_{ENV}.latest_quality")
    assert found == [("2025-01-17-0001", "false", "3")]


def versions(aws) -> dict[str, str]:
    """When each view was last written, and what it was made from."""
    tables = [t for name in ("curated", "processed") for t in tables_of(aws, name) if t["TableType"] == "VIRTUAL_VIEW"]
    return {table["Name"]: (table["VersionId"], table["Parameters"]["shoplake_made_from"]) for table in tables}


def tables_of(aws, database: str) -> list[dict]:
    return aws("glue").get_tables(DatabaseName=f"{database}_{ENV}")["TableList"]


def test_views_that_are_as_they_should_be_are_left_alone(lake, aws):
    before = versions(aws)
    assert len(before) == 4
    assert refresh_views(lake) == []
    assert versions(aws) == before


def test_a_view_that_somebody_changed_or_dropped_is_made_again(lake, aws, rows_of):
    run_query(lake, "CREATE OR REPLACE VIEW orders AS SELECT 1 AS one")
    run_query(lake, "DROP VIEW revenue_by_month")
    before = versions_of_others(aws)
    assert refresh_views(lake) == []
    assert rows_of("SELECT count(*) FROM orders") == [("4",)]
    assert rows_of("SELECT count(*) FROM revenue_by_month") == [("1",)]
    assert versions_of_others(aws) == before


def versions_of_others(aws) -> list[str]:
    names = ("latest_publication", "latest_quality")
    tables = [table for name in ("curated", "processed") for table in tables_of(aws, name) if table["Name"] in names]
    return [table["VersionId"] for table in tables]


def test_a_view_that_athena_refuses_is_a_warning_that_names_it(lake, monkeypatch):
    from shoplake import views
    from shoplake.sql_files import View

    broken = View("curated", "broken", "SELECT colour FROM sales", ("curated.sales",))
    monkeypatch.setattr(views, "views", lambda lake: [broken])
    (problem,) = refresh_views(lake)
    assert problem.startswith("Athena can't make the view curated.broken: COLUMN_NOT_FOUND")


def test_a_view_waits_for_its_tables(lake, monkeypatch, aws):
    from shoplake import views
    from shoplake.sql_files import View

    early = View("curated", "early", "SELECT 1 AS one", ("curated.not_there_yet",))
    monkeypatch.setattr(views, "views", lambda lake: [early])
    assert refresh_views(lake) == []
    assert "early" not in {table["Name"] for table in tables_of(aws, "curated")}


def provisioned(lake) -> list[str]:
    account = Account(lake, lambda sentence: None)
    provision_query.provision(account)
    return account.changes


def test_named_queries_follow_their_files(lake, aws, tmp_path, monkeypatch):
    from shoplake import sql_files

    (tmp_path / "queries").mkdir()
    file = tmp_path / "queries" / "sizes.sql"
    before = provisioned(lake)
    aws("athena").create_named_query(
        Name="my-own", Database="curated_questions", QueryString="SELECT 1", WorkGroup=lake.workgroup
    )
    monkeypatch.setattr(sql_files, "root", lambda: tmp_path)
    file.write_text("-- Sizes\n-- How big?\nSELECT quantity FROM ${curated}.sales\n")
    first = provisioned(lake)
    file.write_text("-- Sizes\n-- How big is it?\nSELECT quantity FROM ${curated}.sales\n")
    second, third = provisioned(lake), provisioned(lake)
    kept = {query.name: query for query in stored_queries(lake)}
    monkeypatch.undo()
    provisioned(lake)
    aws("athena").delete_named_query(NamedQueryId=kept["my-own"].query_id)
    assert (before, second, third) == ([], ["updated named query sizes"], [])
    assert first[0] == "created named query sizes"
    assert sorted(first[1:]) == [f"deleted named query {name}" for name in sorted(ANSWERS)]
    assert list(kept) == ["my-own", "sizes"]
    assert kept["sizes"].sql == "-- Sizes\n-- How big is it?\nSELECT quantity FROM curated_questions.sales"
    assert kept["sizes"].about == "Sizes. How big is it?"


def test_the_command_line_lists_and_asks_named_queries(shoplake):
    listed = shoplake("queries")
    assert listed.exit_code == 0, listed.stderr
    assert re.search(r"^ *top-products +Top products\. Which 50 products", listed.stdout, re.MULTILINE)
    answer = shoplake("query", "@top-products")
    assert answer.exit_code == 0, answer.stderr
    assert re.search(r"^ *HAT +Hat +Clothes +90\.0000", answer.stdout, re.MULTILINE)


def test_a_named_query_that_is_none_is_misuse(shoplake):
    answer = shoplake("query", "@top-product")
    assert (answer.exit_code, answer.stderr) == (
        2,
        "There is no named query 'top-product': did you mean @top-products?\n",
    )


def test_a_query_over_the_limit_says_what_the_limit_is_and_what_to_do(shoplake, lake, monkeypatch):
    from ministack.services import athena

    workgroup = athena._workgroups[lake.workgroup]["Configuration"]
    monkeypatch.setitem(workgroup, "BytesScannedCutoffPerQuery", 100)  # less than the API takes
    answer = shoplake("query", "SELECT * FROM sales")
    assert answer.exit_code == 1
    assert answer.stderr == (
        "The query failed: it would scan more than the 0.0001 MB that a query of workgroup shoplake-questions-lake "
        "may: name the columns that it needs instead of *, narrow it with WHERE to fewer days, or raise "
        "athena.max_scanned_gb in lake.yaml and deploy.\n"
    )


@pytest.fixture
def published_at(lake):
    """Lets the last publication have been so many minutes ago."""
    from ministack.services import glue

    table = glue._tables[f"curated_{ENV}/published"]
    actual = table["UpdateTime"]

    def minutes_ago(minutes: float) -> None:
        table["UpdateTime"] = (datetime.now(UTC) - timedelta(minutes=minutes)).timestamp()

    yield minutes_ago
    table["UpdateTime"] = actual


def test_a_question_asked_again_is_answered_from_its_result(shoplake, published_at):
    published_at(5)
    first = shoplake("query", "SELECT sum(quantity) AS units FROM sales")
    second = shoplake("query", "SELECT sum(quantity) AS units FROM sales")
    fresh = shoplake("query", "SELECT sum(quantity) AS units FROM sales", "--fresh")
    assert re.search(r"^1 row, \d+ bytes scanned$", first.stdout, re.MULTILINE)
    assert "1 row, 0 bytes scanned, result reused" in second.stdout.splitlines()
    assert second.stdout.splitlines()[:-1] == first.stdout.splitlines()[:-1]
    assert re.search(r"^1 row, \d+ bytes scanned$", fresh.stdout, re.MULTILINE)


def test_a_reused_result_keeps_the_age_of_its_first_computation(shoplake, published_at):
    from ministack.services import athena

    sql = "SELECT max(quantity) AS most FROM sales"
    published_at(30)
    shoplake("query", sql)
    (first,) = [execution for execution in athena._executions.values() if execution["Query"] == sql]
    assert "result reused" in shoplake("query", sql).stdout
    first["Status"]["SubmissionDateTime"] -= 31 * 60
    assert "result reused" not in shoplake("query", sql).stdout


def age_asked_for(lake, sql: str) -> int:
    from shoplake.athena import reusable_minutes

    return reusable_minutes(lake, sql)


@pytest.mark.parametrize(("minutes", "age"), [(0.9, 0), (5.5, 5), (1439.5, 1439), (3000, 1440), (-3, 0)])
def test_a_result_is_no_older_than_the_last_publication_or_a_day(lake, published_at, minutes, age):
    published_at(minutes)
    assert age_asked_for(lake, "SELECT 1 FROM sales") == age


@pytest.mark.parametrize("database", ["processed", "raw"])
def test_what_changes_beside_publications_is_always_asked_anew(lake, published_at, database):
    published_at(5)
    assert age_asked_for(lake, f'SELECT * FROM "{database.upper()}_{ENV}".runs') == 0


def test_before_the_first_publication_no_result_is_reused(emulator, tmp_path):
    assert age_asked_for(small_lake("unpublished", tmp_path), "SELECT 1") == 0
