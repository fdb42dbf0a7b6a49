"""What the lake says of itself in CloudWatch: a run's receipt, each figure once, and how the lake is now."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from shoplake import metrics
from shoplake.config import load_lake
from shoplake.metrics import of_lake, of_run, put_run_metrics
from shoplake.receipt import Report, StateTime

LAKE = load_lake("local")
AT = datetime(2025, 1, 15, 12, 0, tzinfo=UTC)
QUALITY = {
    "tables": {"curated.sales": {"checked": 8, "met": 5}, "run.ledger": {"checked": 2, "met": 1}},
    "critical": [{"table": "curated.sales"}, {"table": "curated.sales"}],
    "warnings": [{"table": "curated.sales"}, {"table": "run.ledger"}],
}


def line(dataset: str, read: int, applied: int, quarantined: int) -> dict:
    rows = {"read": read, "applied": applied, "unchanged": 0, "superseded": 0, "quarantined": quarantined}
    return {"key": f"raw/{dataset}/a.csv", "dataset": dataset, "rows": {**rows, "duplicate": 0}}


def report(state: str = "succeeded") -> Report:
    run = {
        "run_id": "2025-01-15-0007", "state": state, "ended_at": "2025-01-15T12:00:00.000Z", "bytes_in": 1234,
        "files": {"accepted": 3, "refused": 1, "duplicate": 2}, "seconds": 30.5, "dollars": 0.0123,
        "rows": {"read": 60, "applied": 50, "unchanged": 4, "superseded": 3, "quarantined": 2, "duplicate": 1},
    }  # fmt: skip
    states = [StateTime(name, "succeeded", "", 5.0, dpu_seconds=dpu) for name, dpu in (("Transform", 20.5), ("x", 4.5))]
    inputs = [line("transactions", 40, 39, 1), line("transactions", 10, 9, 1), line("products", 10, 10, 0)]
    return Report(run, inputs, states)


class Cloudwatch:
    """Keeps what is put; fails as often as it is told to."""

    def __init__(self, failures: int = 0):
        self.data, self.failures = [], failures

    def put_metric_data(self, Namespace, MetricData):
        if self.failures:
            self.failures -= 1
            raise EndpointConnectionError(endpoint_url="http://cloudwatch")
        assert Namespace == "Shoplake"
        self.data += MetricData


@pytest.fixture
def put(monkeypatch):
    """Puts the metrics of a run against fakes; gives what CloudWatch then has."""
    marks = set()

    def run(times: int = 1, failures: int = 0) -> list[dict]:
        cloudwatch = Cloudwatch(failures)
        monkeypatch.setattr(metrics, "client", lambda service: cloudwatch)
        monkeypatch.setattr(metrics, "job_runs_of", job_runs)
        monkeypatch.setattr(metrics.Files, "waiting", lambda self, state: [{}, {}])
        monkeypatch.setattr(metrics, "newest_instants", lambda lake: {"curated.sales": AT - timedelta(hours=3)})
        monkeypatch.setattr(metrics.Runs, "update_once", lambda self, run, name, value: first_time((run, name)))
        for _ in range(times):
            put_run_metrics(LAKE, report(), QUALITY)
        return cloudwatch.data

    def first_time(mark) -> bool:
        is_new = mark not in marks
        marks.add(mark)
        return is_new

    def job_runs(lake, job, run_id):
        states = {"transaction_etl": ["SUCCEEDED", "FAILED"], "quality_gate": ["SUCCEEDED"]}.get(job, [])
        return [{"JobRunState": state} for state in states]

    return run


def values(found: list) -> dict:
    return {(m.name, *m.dimensions.values()): float(m.value) for m in found}


def test_every_figure_of_the_receipt_is_a_metric():
    assert values(list(of_run(report(), QUALITY))) == {
        ("RunsSucceeded",): 1, ("RunsFailed",): 0,
        ("FilesAccepted",): 3, ("FilesRefused",): 1, ("FilesDuplicate",): 2,
        ("RowsRead",): 60, ("RowsApplied",): 50, ("RowsUnchanged",): 4, ("RowsSuperseded",): 3,
        ("RowsQuarantined",): 2, ("RowsDuplicate",): 1,
        ("BytesIn",): 1234, ("RunSeconds",): 30.5, ("DpuSeconds",): 25.0, ("Dollars",): 0.0123,
        ("RowsRead", "transactions"): 50, ("RowsRead", "products"): 10,
        ("RowsQuarantined", "transactions"): 2, ("RowsQuarantined", "products"): 0,
        ("QualityScore", "curated.sales"): 75, ("QualityScore", "run.ledger"): 100,
        ("QualityWarnings", "curated.sales"): 1, ("QualityWarnings", "run.ledger"): 1,
    }  # fmt: skip


def test_a_failed_run_counts_as_failed_and_a_run_without_a_gate_has_no_score():
    found = values(list(of_run(report("failed"), None)))
    assert (found[("RunsSucceeded",)], found[("RunsFailed",)]) == (0, 1)
    assert not any(name == "QualityScore" for name, *_ in found)


def test_freshness_is_the_age_of_the_newest_row_in_hours(put):
    put()
    assert values(list(of_lake(LAKE, AT)))[("FreshnessHours", "curated.sales")] == 3.0


def test_a_run_is_measured_at_its_end_with_its_environment(put):
    data = put()
    dollars = next(d for d in data if d["MetricName"] == "Dollars")
    assert (dollars["Timestamp"], dollars["Value"]) == (AT, 0.0123)
    assert all({"Name": "env", "Value": "local"} in d["Dimensions"] for d in data)


def test_jobs_count_the_runs_that_did_not_succeed_and_jobs_that_did_not_run_say_nothing(put):
    failed = {d["Dimensions"][1]["Value"]: d["Value"] for d in put() if d["MetricName"] == "JobRunsFailed"}
    assert failed == {"transaction_etl": 1, "quality_gate": 0}


def test_a_run_that_is_closed_twice_is_measured_once(put):
    names = [d["MetricName"] for d in put(times=2)]
    assert names.count("Dollars") == names.count("FilesHeld") == 1


def test_a_cloudwatch_that_does_not_answer_fails_no_run(put, caplog):
    assert put(failures=1) == []
    assert "the metrics of run 2025-01-15-0007 were not put" in caplog.text
