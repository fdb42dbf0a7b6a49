"""What every job does with the judged rows of its files: count, set rejects aside, refuse files, keep the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from shoplake.contracts import Contract
from shoplake.quarantine import keep_refused_file
from shoplake.spark.job import JobRun
from shoplake.spark.rejects import is_over_limit, refusal_sentence, sample_problems, write_rejects
from shoplake.spark.upsert import ACTION, Bounds, by_action, counts_of, ends, write_changes
from shoplake.spark.winners import APPLIED, DUPLICATE, OUTCOME, QUARANTINED, SUPERSEDED, UNCHANGED, touched_rows
from shoplake.verdicts import Verdict, read_verdicts


@dataclass(frozen=True)
class Intake:
    """A dataset's judged rows of a run. `rows` is cached: unpersist it when the job is done."""

    dataset: str
    rows: DataFrame
    judged: list[Row]
    refused: dict[int, str]
    problems: dict[int, list[dict[str, Any]]]

    def bounds(self, columns: list[str]) -> Bounds:
        """The ranges of some of the columns that `take_in` was to bound, over the valid rows."""
        groups = [r for r in self.judged if r[OUTCOME] is None and r["_file"] not in self.refused]
        return Bounds.of_groups(groups, self.rows.schema, columns)

    @property
    def valid(self) -> DataFrame:
        """The rows that may become part of a table: no outcome yet, and not of a refused file."""
        return self.rows.where(F.col(OUTCOME).isNull() & ~F.col("_file").isin(list(self.refused)))


def take_in(run: JobRun, contract: Contract, rows: DataFrame, bounded: list[str]) -> Intake:
    """Rows with `_outcome` where it is settled: rejects go to quarantine, files with too many are refused.

    `bounded`: the columns whose ranges will be asked for; they are found in the scan that counts.
    """
    rows = rows.persist()
    judged = rows.groupBy("_file", OUTCOME).agg(F.count("*").alias("count"), *ends(bounded)).collect()
    refused = refuse_files(run, contract, judged)
    problems: dict[int, list[dict[str, Any]]] = {}
    if any(row[OUTCOME] == QUARANTINED for row in judged):
        rejected = rows.where(F.col(OUTCOME) == QUARANTINED)
        write_rejects(run, contract.dataset, rejected)
        problems = sample_problems(rejected, contract)
    return Intake(contract.dataset, rows, judged, refused, problems)


def refuse_files(run: JobRun, contract: Contract, judged: Iterable[Row]) -> dict[int, str]:
    """Files with more rejects than the contract's limit, with the sentence that says so.

    Rejects are the rows that break a rule and those that the validator couldn't read as records.
    """
    rejected = {row["_file"]: row["count"] for row in judged if row[OUTCOME] == QUARANTINED}
    counted = [(file, rejected.get(file["number"], 0)) for file in run.summary["files"][contract.dataset]]
    over = {
        file["number"]: refusal_sentence(contract, file, count)
        for file, count in counted
        if is_over_limit(contract, file, count)
    }
    if over:
        verdicts: dict[int, Verdict] = {v.number: v for v in read_verdicts(run.lake.bucket, run.keys)}
        for number, sentence in over.items():
            refusal = {"verdict": "refused", "reason": "too_many_rejects", "sentence": sentence}
            keep_refused_file(run.lake, run.keys, verdicts[number].model_copy(update=refusal))
    return over


def settle(run: JobRun, intake: Intake, name: str, decided: DataFrame, touched: list[str], bounds: Bounds) -> None:
    """Count the decided rows of a table in the ledger, keep what later jobs read of its changes, and write them.

    `decided` must be cached. `touched`: the columns that later jobs read, of which it carries what was there before.
    """
    groups = decided.groupBy("_file", OUTCOME, ACTION).count().collect()
    counted = by_action(groups)
    settle_ledger(run, intake, by_outcome(groups))
    run.ledger.tables[name] = counts_of(counted)
    if any(run.ledger.tables[name].values()):
        run.write_touched(name, touched_rows(decided, touched))
    write_changes(run.table_name(name), run.declared(name), decided, counted, bounds)
    intake.rows.unpersist()


def by_outcome(groups: Iterable[Row]) -> Counter[tuple[int, str]]:
    """Rows of counted groups (`_file`, `_outcome`, `count`) by their file and outcome."""
    counted: Counter[tuple[int, str]] = Counter()
    for group in groups:
        counted[group["_file"], group[OUTCOME]] += group["count"]
    return counted


def settle_ledger(run: JobRun, intake: Intake, outcomes: Mapping[tuple[int, str], int]) -> None:
    """The five counts of each file, from what was judged and from how many of the valid rows have each `_outcome`, by
    file. A refused file's rows are all quarantined.
    """
    pages = {f["number"]: {name: 0 for name in (APPLIED, UNCHANGED, SUPERSEDED, QUARANTINED, DUPLICATE)}
             for f in run.summary["files"][intake.dataset]}  # fmt: skip
    for row in intake.judged:
        if row["_file"] in intake.refused:
            pages[row["_file"]][QUARANTINED] += row["count"]
        elif row[OUTCOME] is not None:
            pages[row["_file"]][row[OUTCOME]] += row["count"]
    for (file, outcome), count in outcomes.items():
        pages[file][outcome] += count
    for number, page in pages.items():
        run.ledger.files[str(number)] = {
            **page,
            "problems": intake.problems.get(number, []),
            "refused": intake.refused.get(number),
        }
