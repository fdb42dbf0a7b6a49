"""The gate: everything that this run wrote is checked on its branches, before anybody sees it.

Reads the rows that the run touched of processed and curated tables (`quality.touched`) and the run's ledger, once a day
all rows of all tables. A table's rules are the suite of its name in quality/suites and what its file under tables/
declares: a new table needs these two, nothing here.
A critical expectation that isn't met fails the job, and so the run; a warning goes into the e-mail. Results:
processed.quality_results (outside the branches), quality.json and Data Docs of the run.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from quality.gate import Finding, Gate
from quality.history import RESULTS, History, read_history
from quality.suites import ledger
from quality.suites.every_table import of_freshness, of_null_rates, of_references, of_volumes
from quality.touched import touched_frames, whole_frames
from shoplake.aws import client, put_json
from shoplake.config import Lake
from shoplake.errors import DataError
from shoplake.receipt import OUTCOMES, file_lines
from shoplake.spark.job import JobRun
from shoplake.tables import Table
from shoplake.times import parse
from shoplake.verdicts import Verdict, read_verdicts

Suite = Callable[[Table, Lake], list[Expectation]]
LEDGER = "run.ledger"
LEDGER_SCHEMA = "key string, dataset string, is_accepted boolean, has_page boolean, " + ", ".join(
    f"{name} bigint" for name in ("read", *OUTCOMES)
)
_RESULTS_SCHEMA = (
    "table_name string, expectation string, expectation_type string, column_name string, severity string, "
    "is_met boolean, unexpected_rows bigint, checked_rows bigint, observed double, in_words string, is_whole boolean, "
    "examples string"
)


class QualityCheckFailed(DataError):
    """A critical expectation was not met: nothing of the run is published."""


def main() -> None:
    """Check, keep the results, and stop the run where they ask for it."""
    run = JobRun.from_argv("quality_gate")
    gate = Gate(run.run_id, run.summary["last_arrival"])
    history = read_history(run)
    findings = check_touched(run, gate, history)
    if history.is_whole_due(parse(run.summary["last_arrival"]), run.lake.inventory.checks.whole_after_h):
        findings += check_whole(run, gate)
    keep(run, findings)
    put_docs(run, gate)
    run.finish()
    broken = [finding for finding in findings if finding.severity == "critical" and not finding.is_met]
    if broken:
        names = "; ".join(f"{finding.table}: {finding.rule}" for finding in broken[:3])
        raise QualityCheckFailed(f"{len(broken)} critical expectation(s) not met: {names}")


def check_touched(run: JobRun, gate: Gate, history: History) -> list[Finding]:
    """The run's ledger, and the rows of each table that it touched; all there are in a lake's first run."""
    lake, as_of = run.lake, run.summary["last_arrival"]
    of_ledger = [*ledger.suite(), *of_volumes(lake, LEDGER, history)]
    findings = gate.check(LEDGER, ledger_frame(run), ["key"], of_ledger)
    for name, frame in touched_frames(run).items():
        table = run.declared(name)
        expectations = [
            *suite_of(table)(table, lake),
            *of_references(table, lake),
            *of_freshness(table, lake, as_of),
            *of_null_rates(table, history),
        ]
        findings += gate.check(name, frame, table.key, expectations)
    return [replace(finding, is_whole=history.is_empty) for finding in findings]


def check_whole(run: JobRun, gate: Gate) -> list[Finding]:
    """All rows of all tables by the rules that stop a run, as warnings: what is wrong in rows that this run didn't
    touch stood there before, and holding new data back would not mend it. Rules that only warn told it when it came.
    """
    findings = []
    for name, frame in whole_frames(run).items():
        table = run.declared(name)
        rules = [rule for rule in suite_of(table)(table, run.lake) if rule.severity == FailureSeverity.CRITICAL]
        findings += gate.check(f"{name}.all_rows", frame, table.key, [in_all_rows(rule) for rule in rules])
    return [replace(f, table=f.table.removesuffix(".all_rows"), is_whole=True) for f in findings]


def in_all_rows(rule: Expectation) -> Expectation:
    """A rule as a warning about the whole table."""
    return rule.copy(update={"severity": FailureSeverity.WARNING, "description": f"In all rows: {rule.description}"})


def suite_of(table: Table) -> Suite:
    """The suite of a table: the module of its name in quality/suites."""
    return import_module(f"quality.suites.{table.name}").suite


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
            verdict.dataset,
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
            None if f.observed is None else float(f.observed),
            f.in_words,
            f.is_whole,
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
