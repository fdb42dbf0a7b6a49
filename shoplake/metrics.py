"""What the lake says of itself in CloudWatch, namespace `Shoplake`: a run's receipt, and how the lake is now.

Every metric has the dimension `env`, and `dataset`, `table` or `job` where it is of one of them.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.files import HELD, Files
from shoplake.freshness import newest_instants
from shoplake.receipt import Report, job_runs_of
from shoplake.runs import FAILED, SUCCEEDED, Runs
from shoplake.times import iso, now, parse

NAMESPACE = "Shoplake"
_MOST_IN_ONE_CALL = 1000  # PutMetricData's limit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Metric:
    """One value of one metric. `unit` is one of CloudWatch's."""

    name: str
    value: float
    unit: str = "Count"
    dimensions: dict[str, str] = field(default_factory=dict)


def put_run_metrics(lake: Lake, report: Report, quality: dict[str, Any] | None) -> None:
    """Put the metrics of a run that has ended, once however often this is called.

    Nothing that goes wrong here is raised: the run is over, and its e-mail says everything too.
    """
    runs, run_id = Runs(lake.runs_table), report.run["run_id"]
    try:
        if runs.update_once(run_id, "measured_at", iso(now())):
            metrics = [*of_run(report, quality), *of_jobs(lake, run_id)]
            put(lake, metrics, parse(report.run["ended_at"]))
            put(lake, of_lake(lake, now()), now())
    except Exception:  # see above; the log has it whole
        logger.warning("the metrics of run %s were not put", run_id, exc_info=True)


def of_run(report: Report, quality: dict[str, Any] | None) -> Iterator[Metric]:
    """The receipt's figures; rows by dataset; by table how good its data is.

    The score (percent) is the share of a table's expectations that didn't stop the run: a warning that was not met
    is counted apart, so that an alarm on the score means a failure.
    """
    run = report.run
    yield Metric("RunsSucceeded", run["state"] == SUCCEEDED)
    yield Metric("RunsFailed", run["state"] == FAILED)
    for verdict, count in run["files"].items():
        yield Metric(f"Files{verdict.capitalize()}", count)
    for outcome, count in run["rows"].items():
        yield Metric(f"Rows{outcome.capitalize()}", count)
    yield Metric("BytesIn", run["bytes_in"], "Bytes")
    yield Metric("RunSeconds", run["seconds"], "Seconds")
    yield Metric("DpuSeconds", sum(state.dpu_seconds for state in report.states), "Seconds")
    yield Metric("Dollars", run["dollars"], "None")
    for dataset in sorted({line["dataset"] for line in report.inputs if line["dataset"]}):
        rows = [line["rows"] for line in report.inputs if line["dataset"] == dataset]
        for outcome in ("read", "quarantined"):
            name = f"Rows{outcome.capitalize()}"
            yield Metric(name, sum(r[outcome] for r in rows), dimensions={"dataset": dataset})
    for table, counts in (quality or {}).get("tables", {}).items():
        critical, warnings = (sum(f["table"] == table for f in quality[kind]) for kind in ("critical", "warnings"))
        score = 100 * (counts["checked"] - critical) / counts["checked"]
        yield Metric("QualityScore", score, "Percent", {"table": table})
        yield Metric("QualityWarnings", warnings, dimensions={"table": table})


def of_jobs(lake: Lake, run_id: str) -> Iterator[Metric]:
    """How many job runs of a run did not succeed, by job; a job that the run didn't start says nothing."""
    for job in lake.inventory.jobs:
        states = [job_run["JobRunState"] for job_run in job_runs_of(lake, job, run_id)]
        if states:
            yield Metric("JobRunsFailed", sum(state != SUCCEEDED.upper() for state in states), dimensions={"job": job})


def of_lake(lake: Lake, at: datetime) -> Iterator[Metric]:
    """How the lake is at this moment: files that are held, and hours since the newest row of each table."""
    yield Metric("FilesHeld", len(Files(lake.files_table).waiting(HELD)))
    for table, newest in newest_instants(lake).items():
        hours = (at - newest).total_seconds() / 3600
        yield Metric("FreshnessHours", round(hours, 3), "None", {"table": table})


def put(lake: Lake, metrics: Iterator[Metric] | list[Metric], at: datetime) -> None:
    """Send metrics to CloudWatch, each with the lake's environment."""
    data = [
        {
            "MetricName": metric.name,
            "Dimensions": [{"Name": n, "Value": v} for n, v in ({"env": lake.env} | metric.dimensions).items()],
            "Timestamp": at,
            "Value": float(metric.value),
            "Unit": metric.unit,
        }
        for metric in metrics
    ]
    for first in range(0, len(data), _MOST_IN_ONE_CALL):
        client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data[first : first + _MOST_IN_ONE_CALL])
