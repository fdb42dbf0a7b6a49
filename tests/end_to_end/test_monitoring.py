"""After a run CloudWatch has its receipt, figure for figure; alarms and dashboards are there, and none cries wolf."""

import json
from datetime import datetime, timedelta

import pytest

from tests.end_to_end.local_lake import LocalLake, eventually

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module")
def measured(lake, three_days):
    """A function that gives the value that one metric was given when the run ended; None where it was not."""
    second = datetime.fromisoformat(three_days.record["ended_at"]).replace(microsecond=0)

    def value(name: str, **dimensions: str) -> float | None:
        points = lake.aws("cloudwatch").get_metric_statistics(
            Namespace="Shoplake", MetricName=name, Period=1, Statistics=["Sum", "SampleCount"],
            StartTime=second, EndTime=second + timedelta(seconds=1),
            Dimensions=[{"Name": n, "Value": v} for n, v in {"env": "local", **dimensions}.items()],
        )["Datapoints"]  # fmt: skip
        if not points:
            return None
        (point,) = points
        assert point["SampleCount"] == 1, f"{name} was put {point['SampleCount']} times"
        return point["Sum"]

    eventually(lambda: value("RunsSucceeded") is not None, 30)
    return value


def test_the_runs_metrics_equal_its_receipt(measured, three_days):
    receipt, files = three_days.receipt, three_days.record["files"]
    assert (measured("RunsSucceeded"), measured("RunsFailed")) == (1, 0)
    for outcome, count in receipt["rows"].items():
        assert measured(f"Rows{outcome.capitalize()}") == count, outcome
    for verdict, count in files.items():
        assert measured(f"Files{verdict.capitalize()}") == count, verdict
    assert measured("BytesIn") == receipt["bytes_in"] > 0
    assert measured("RunSeconds") == receipt["seconds"] > 0
    assert measured("Dollars") == receipt["dollars"] > 0
    assert measured("DpuSeconds") == pytest.approx(sum(state["dpu_seconds"] for state in receipt["states"]))


def test_rows_are_told_by_dataset_too(measured):
    assert measured("RowsRead", dataset="transactions") == 7419


def test_every_checked_table_has_its_quality_score(measured):
    for table in ("run.ledger", "processed.transactions", "curated.sales", "curated.daily_sales_summary"):
        assert measured("QualityScore", table=table) == 100, table


def test_jobs_of_a_good_run_count_no_failure(measured):
    for job in ("transaction_etl", "master_data_merge", "quality_gate"):
        assert measured("JobRunsFailed", job=job) == 0, job


def test_freshness_is_the_age_of_the_newest_order(lake, measured, three_days):
    ended_at = datetime.fromisoformat(three_days.record["ended_at"])
    last_order_at = datetime.fromisoformat("2010-12-03T17:28:00+00:00")  # the last line of the last file

    def hours() -> list[float]:
        answer = lake.aws("cloudwatch").get_metric_statistics(
            Namespace="Shoplake", MetricName="FreshnessHours", Period=1, Statistics=["Minimum"],
            StartTime=ended_at, EndTime=ended_at + timedelta(minutes=5),
            Dimensions=[{"Name": "env", "Value": "local"}, {"Name": "table", "Value": "curated.sales"}],
        )  # fmt: skip
        return [point["Minimum"] for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])]

    found = eventually(hours, 30)
    assert found[0] == pytest.approx((ended_at - last_order_at).total_seconds() / 3600, abs=0.2)


def test_three_dashboards_exist(lake):
    names = {entry["DashboardName"] for entry in lake.aws("cloudwatch").list_dashboards()["DashboardEntries"]}
    assert names == {"shoplake-local-pipeline-health", "shoplake-local-cost", "shoplake-local-data-quality"}
    body = lake.aws("cloudwatch").get_dashboard(DashboardName="shoplake-local-cost")["DashboardBody"]
    assert json.loads(body)["widgets"]


def test_a_good_run_sets_off_no_alarm_that_sends_mail(lake, measured, three_days):
    sends_mail = {alarm["AlarmName"] for alarm in alarms(lake) if alarm["AlarmActions"]}
    assert sends_mail
    history = (
        lake.aws("cloudwatch")
        .get_paginator("describe_alarm_history")
        .paginate(
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromisoformat(three_days.record["started_at"]),
            EndDate=datetime.fromisoformat(three_days.record["ended_at"]) + timedelta(seconds=10),
        )
    )
    changes = [item for page in history for item in page["AlarmHistoryItems"]]
    assert not [c for c in changes if c["HistorySummary"].endswith("to ALARM") and c["AlarmName"] in sends_mail]


def test_status_names_the_alarms_that_are_on(lake):
    of_ledger = [{"Name": "env", "Value": "local"}, {"Name": "table", "Value": "run.ledger"}]
    half_met = {"MetricName": "QualityScore", "Dimensions": of_ledger, "Value": 50}
    lake.aws("cloudwatch").put_metric_data(Namespace="Shoplake", MetricData=[half_met])
    assert "quality-score-run-ledger" in lake.status()["alarms"]


def alarms(lake: LocalLake) -> list[dict]:
    pages = lake.aws("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix="shoplake-local-")
    return [alarm for page in pages for alarm in page["MetricAlarms"]]
