"""The gate: everything that this run wrote is checked on its branches, before anybody sees it.

Reads the days and products that the run touched in processed and curated tables, the events that it wrote, the
categories as a whole where they changed, and the run's ledger. A critical expectation that isn't met fails the job, and
so the run; a warning goes into the e-mail. Results: processed.quality_results (outside the branches), quality.json and
Data Docs of the run.
"""

from dataclasses import asdict
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from quality.gate import Finding, Gate
from quality.suites import (
    categories,
    conversion_funnel,
    customers,
    daily_sales_summary,
    events,
    ledger,
    product_history,
    product_performance,
    product_versions,
    products,
    reviews,
    sales,
    sessions,
    traffic_hourly,
    transactions,
)
from shoplake.aws import client, put_json
from shoplake.errors import DataError
from shoplake.receipt import OUTCOMES, file_lines
from shoplake.spark.job import JobRun
from shoplake.times import parse
from shoplake.verdicts import Verdict, read_verdicts

CATEGORIES, PERFORMANCE = "processed.categories", "curated.product_performance"
EVENTS, SESSIONS = "processed.events", "processed.sessions"
SUITES = {
    CATEGORIES: categories.suite,
    "processed.customers": customers.suite,
    "processed.reviews": reviews.suite,
    "processed.products": products.suite,
    "processed.product_versions": product_versions.suite,
    "processed.transactions": transactions.suite,
    "curated.sales": sales.suite,
    "curated.daily_sales_summary": daily_sales_summary.suite,
    PERFORMANCE: product_performance.suite,
    EVENTS: events.suite,
    SESSIONS: sessions.suite,
    "curated.traffic_hourly": traffic_hourly.suite,
    "curated.conversion_funnel": conversion_funnel.suite,
    "curated.product_history": product_history.suite,
}
BY_DAY = {
    "processed.transactions": "order_day",
    "curated.sales": "order_day",
    "curated.daily_sales_summary": "order_day",
    PERFORMANCE: "activity_day",
}
BY_SESSION_DAY = (SESSIONS, "curated.traffic_hourly", "curated.conversion_funnel")
BY_KEY = {"processed.customers": "customer_id", "processed.reviews": "review_id"}
PRODUCTS_TOUCHED = ("processed.products", "processed.product_versions")
BY_PRODUCT = (*PRODUCTS_TOUCHED, "curated.product_history")
RESULTS = "processed.quality_results"
LEDGER_SCHEMA = "key string, is_accepted boolean, has_page boolean, " + ", ".join(
    f"{name} bigint" for name in ("read", *OUTCOMES)
)
_RESULTS_SCHEMA = (
    "table_name string, expectation string, expectation_type string, column_name string, severity string, "
    "is_met boolean, unexpected_rows bigint, checked_rows bigint, examples string"
)


class QualityCheckFailed(DataError):
    """A critical expectation was not met: nothing of the run is published."""


def main() -> None:
    """Check, keep the results, and stop the run where they ask for it."""
    run = JobRun.from_argv("quality_gate")
    gate = Gate(run.run_id, run.summary["last_arrival"])
    findings = gate.check("run.ledger", ledger_frame(run), ["key"], ledger.suite())
    for name, frame in touched_frames(run).items():
        table = run.declared(name)
        findings += gate.check(name, frame, table.key, SUITES[name](table, run.lake))
    keep(run, findings)
    put_docs(run, gate)
    run.finish()
    broken = [finding for finding in findings if finding.severity == "critical" and not finding.is_met]
    if broken:
        names = "; ".join(f"{finding.table}: {finding.rule}" for finding in broken[:3])
        raise QualityCheckFailed(f"{len(broken)} critical expectation(s) not met: {names}")


def touched_frames(run: JobRun) -> dict[str, DataFrame]:
    """What the run touched of each table, as its branch has it, each also a view under the table's name."""
    frames = {}
    if days := touched_days(run):
        frames |= {name: run.table(name).where(F.col(day).isin(days)) for name, day in BY_DAY.items()}
    touched = [keys.select("product_id") for keys in map(run.touched, PRODUCTS_TOUCHED) if keys is not None]
    if touched:
        ids = reduce(DataFrame.union, touched).distinct().persist()
        frames |= {name: run.table(name).join(ids, on="product_id", how="left_semi") for name in BY_PRODUCT}
        run.table(CATEGORIES).createOrReplaceTempView(run.declared(CATEGORIES).name)  # which products refer to
    frames |= frames_of_clicks(run)
    for name, key in BY_KEY.items():
        if (keys := run.touched(name)) is not None:
            frames[name] = run.table(name).join(keys.select(key).distinct(), on=key, how="left_semi")
    if run.touched(CATEGORIES) is not None:
        frames[CATEGORIES] = run.table(CATEGORIES)
    for name, frame in frames.items():
        frame.createOrReplaceTempView(run.declared(name).name)
    return frames


def frames_of_clicks(run: JobRun) -> dict[str, DataFrame]:
    """The events that the run wrote, and the days of which it changed a session, whole."""
    if (events_touched := run.touched(EVENTS)) is None:
        return {}
    days = [row["event_day"] for row in events_touched.select("event_day").distinct().collect()]
    frames = {EVENTS: run.table(EVENTS).where(F.col("event_day").isin(days) & (F.col("_run_id") == run.run_id))}
    sessions_touched, session_days = run.touched(SESSIONS), []
    if sessions_touched is not None:
        session_days = [row["session_day"] for row in sessions_touched.select("session_day").distinct().collect()]
    return frames | {name: run.table(name).where(F.col("session_day").isin(session_days)) for name in BY_SESSION_DAY}


def touched_days(run: JobRun) -> list[date]:
    """Days on which this run changed an order line or a row of a curated table, where it is and where it was."""
    days = run.touched_days
    if (lines := run.touched("processed.transactions")) is not None:
        days |= {row["order_day"] for row in lines.select("order_day").distinct().collect()}
    return sorted(days)


def ledger_frame(run: JobRun) -> DataFrame:
    """One row a file of the run: its key, its counts, whether it was to be loaded and whether a job counted it."""
    rows = ledger_rows(read_verdicts(run.lake.bucket, run.keys), run.earlier_ledgers, run.summary)
    return run.spark.createDataFrame(rows, LEDGER_SCHEMA)


def ledger_rows(verdicts: list[Verdict], ledgers: list[dict[str, Any]], summary: dict[str, Any]) -> list[tuple]:
    """The rows of `ledger_frame`. Accepted is what the run's summary gives the jobs to load."""
    accepted = {file["number"] for files in summary["files"].values() for file in files}
    counted = {number for ledger in ledgers for number in ledger["files"]}
    return [
        (
            verdict.key,
            verdict.number in accepted,
            str(verdict.number) in counted,
            *(line["rows"][name] for name in ("read", *OUTCOMES)),
        )
        for verdict, line in zip(verdicts, file_lines(verdicts, ledgers), strict=True)
    ]


def keep(run: JobRun, findings: list[Finding]) -> None:
    """Write the findings to the table of results, and what was not met to the run's quality.json."""
    rows = [
        (
            f.table,
            f.rule,
            f.expectation_type,
            f.column,
            f.severity,
            f.is_met,
            f.unexpected,
            f.checked,
            f.examples,
        )
        for f in findings
    ]
    results = run.spark.createDataFrame(rows, _RESULTS_SCHEMA).withColumns(
        {"run_id": F.lit(run.run_id), "checked_at": F.lit(parse(run.summary["last_arrival"]))}
    )
    columns = run.declared(RESULTS).column_names
    results.select(*columns).coalesce(1).writeTo(run.table_name(RESULTS)).overwrite(F.col("run_id") == run.run_id)
    not_met = [finding for finding in findings if not finding.is_met]
    quality = {
        "checked": len(findings),
        "met": len(findings) - len(not_met),
        "critical": [asdict(finding) for finding in not_met if finding.severity == "critical"],
        "warnings": [asdict(finding) for finding in not_met if finding.severity != "critical"],
        "tables": {
            table: {
                "checked": sum(f.table == table for f in findings),
                "met": sum(f.table == table and f.is_met for f in findings),
            }
            for table in dict.fromkeys(finding.table for finding in findings)
        },
        "data_docs": docs_prefix(run),
    }
    put_json(run.lake.bucket, run.keys.quality, quality)


def docs_prefix(run: JobRun) -> str:
    return f"{run.lake.zone('data_docs')}{run.run_id}/"


def put_docs(run: JobRun, gate: Gate) -> None:
    """Upload the Data Docs, a page a table, to data-docs/{run}/ of the lake's bucket."""
    for name, page in {"index": gate.index(), **gate.pages}.items():
        client("s3").put_object(
            Bucket=run.lake.bucket,
            Key=f"{docs_prefix(run)}{name}.html",
            Body=page.encode(),
            ContentType="text/html; charset=utf-8",
        )


if __name__ == "__main__":
    main()
