"""Rows that break a rule: to quarantine with file, line, text and reasons, and the first of them to the verdict."""

from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shoplake.contracts import Contract
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.job import JobRun
from shoplake.spark.personal import masked
from shoplake.verdicts import MAX_PROBLEMS


def write_rejects(run: JobRun, dataset: str, rejected: DataFrame) -> None:
    """Write rejected rows as JSON lines under quarantine/{dataset}/{run}/rows/rules/."""
    rows = rejected.select(
        F.col("_file").alias("file_number"),
        F.col("_source_key").alias("key"),
        F.col("_source_line").alias("line"),
        F.col("_raw").alias("raw_text"),
        F.col(f"{PROBLEMS}.rule").alias("reasons"),
        F.col(PROBLEMS).alias("problems"),
    )
    rows.write.mode("overwrite").json(run.lake.uri(run.keys.rule_rejects(dataset)))


def sample_problems(rejected: DataFrame, contract: Contract) -> dict[int, list[dict[str, Any]]]:
    """The first problems of each file, by line, in the form of a verdict's list. Personal values are masked: these
    stand in e-mails and on screens.
    """
    in_order = Window.partitionBy("_file").orderBy("_source_line", "column")
    is_personal = F.col("column").isin(list(contract.personal))
    first = (
        rejected.select("_file", "_source_line", F.explode(PROBLEMS).alias("problem"))
        .select("_file", "_source_line", "problem.*")
        .withColumn(
            "value",
            F.when(is_personal, masked(F.col("value"))).otherwise(F.col("value")),
        )
        .withColumn("_rank", F.row_number().over(in_order))
        .where(F.col("_rank") <= MAX_PROBLEMS)
        .orderBy("_file", "_rank")
    )
    problems: dict[int, list[dict[str, Any]]] = {}
    for row in first.collect():
        entry = {
            "line": row["_source_line"],
            "column": row["column"],
            "value": row["value"],
            "rule": row["rule"],
        }
        problems.setdefault(row["_file"], []).append(entry)
    return problems


def is_over_limit(contract: Contract, file: dict[str, Any], rejected_by_rules: int) -> bool:
    """Whether a file has more rejects than its contract allows: by share, and from a number of rows on."""
    rejected = rejected_by_rules + file["rows_quarantined"]
    return rejected > contract.reject_rows and rejected > contract.reject_share * file["rows_read"]


def refusal_sentence(contract: Contract, file: dict[str, Any], rejected_by_rules: int) -> str:
    rejected = rejected_by_rules + file["rows_quarantined"]
    return (
        f"{rejected:,} of its {file['rows_read']:,} rows break a rule, more than the {contract.reject_share:.0%} that "
        "the contract allows, so none was loaded; mend the file and drop it again"
    )
