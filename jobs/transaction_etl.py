"""Orders, one row an order line: the run's staged files -> processed.transactions, on the run's branch.

The newest version of each line wins by recency (shoplake.spark.winners). Returns and cancellations are kept
and flagged; rows that break a rule go to quarantine with their reasons; a file with too many of them is
refused before anything is merged. Read by the master merge, which makes curated.sales of it.
"""

from collections.abc import Iterable

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from shoplake.contracts import Contract, load_contract
from shoplake.quarantine import keep_refused_file
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.job import JobRun
from shoplake.spark.rejects import is_over_limit, refusal_sentence, sample_problems, write_rejects
from shoplake.spark.upsert import Bounds, counts_of, write_changes
from shoplake.spark.winners import (
    APPLIED,
    DUPLICATE,
    INSERT,
    OUTCOME,
    QUARANTINED,
    TOUCH,
    UNCHANGED,
    UPDATE,
    compare_with_stored,
    pick_winners,
    row_hash,
)  # fmt: skip
from shoplake.verdicts import Verdict, read_verdicts

DATASET, TABLE = "transactions", "processed.transactions"
MONEY = "decimal(18,4)"
TOTAL_TOLERANCE = 0.01
HASH_LENGTH = 32  # hexadecimal digits of the line's hash in its key: 128 bits


def judge(conformed: DataFrame, contract: Contract, currency: str) -> DataFrame:
    """Every staged row with its key, hash and, where that is settled, its outcome.

    Rows that break a rule are quarantined. Of identical rows of one file all but the first are duplicates
    where the source says so, else each is a line of its own.
    """
    priced = _with_amounts(_with_currency(conformed, currency))
    hashed = priced.withColumn("_row_hash", row_hash([column.name for column in contract.columns]))
    is_rejected = F.size(PROBLEMS) > 0
    alike = Window.partitionBy("_file", "order_id", "_row_hash", is_rejected).orderBy("_source_line")
    numbered = hashed.withColumn("_occurrence", F.row_number().over(alike))
    is_repeat = F.col("_is_keyed_by_content") & (F.col("_repeats") == "duplicate") & (F.col("_occurrence") > 1)
    content_key = F.concat_ws("-", F.substring("_row_hash", 1, HASH_LENGTH), F.col("_occurrence"))
    return numbered.withColumns(
        {
            "line_key": F.when(F.col("_is_keyed_by_content"), content_key).otherwise(
                F.col("line_number").cast("string")
            ),
            OUTCOME: F.when(is_rejected, QUARANTINED).when(is_repeat, DUPLICATE),
        }
    ).drop("_occurrence", "_repeats")


def _with_currency(rows: DataFrame, currency: str) -> DataFrame:
    """The reporting currency where the file is silent; a line in another one can't be converted yet."""
    stated = F.coalesce("currency", F.lit(currency))
    foreign = F.struct(
        F.lit("currency").alias("column"), stated.alias("value"), F.lit("no_exchange_rate").alias("rule")
    )
    problems = F.when(stated != currency, F.concat(PROBLEMS, F.array(foreign))).otherwise(F.col(PROBLEMS))
    return rows.withColumns({PROBLEMS: problems, "currency": stated})


def _with_amounts(rows: DataFrame) -> DataFrame:
    """Money per line in decimal(18,4). A line of which an amount doesn't fit has a problem: the first such amount."""
    amounts = {
        "gross_amount": F.col("quantity") * F.col("unit_price"),
        "net_amount": F.col("gross_amount") - F.col("discount_amount"),
        "total_amount": F.col("net_amount") + F.col("tax_amount") + F.col("shipping_amount"),
    }
    for name, exact in amounts.items():
        # An amount is null where it doesn't fit, and then so are those made of it.
        rows = rows.withColumn(f"_exact_{name}", exact).withColumn(name, F.col(f"_exact_{name}").cast(MONEY))
    too_large = [
        F.when(
            F.col(f"_exact_{name}").isNotNull() & F.col(name).isNull(),
            F.struct(
                F.lit(name).alias("column"),
                F.col(f"_exact_{name}").cast("string").alias("value"),
                F.lit("amount_out_of_range").alias("rule"),
            ),
        )
        for name in amounts
    ]
    problems = F.concat(PROBLEMS, F.filter(F.array(*too_large), lambda problem: problem.isNotNull()))
    return rows.withColumn(PROBLEMS, problems).drop(*(f"_exact_{name}" for name in amounts))


def add_derived(lines: DataFrame, time_zone: str) -> DataFrame:
    """Flags, and the order's day and hour in the reporting time zone."""
    local = F.from_utc_timestamp("ordered_at", time_zone)
    weekday = (F.weekday(local) + 1).cast("int")
    return lines.withColumns(
        {
            "is_total_different": F.abs(F.col("source_total_amount") - F.col("gross_amount")) > TOTAL_TOLERANCE,
            "is_return": (F.col("quantity") < 0) | (F.col("status") == "returned"),
            "is_cancellation": (F.col("status") == "cancelled") | F.col("_is_cancellation_by_number"),
            "is_free": F.col("unit_price") == 0,
            "order_day": F.to_date(local),
            "order_hour": F.hour(local),
            "day_of_week": weekday,
            "is_weekend": weekday >= 6,
        }
    )


def decide(lines: DataFrame, stored: DataFrame, key: list[str], run_id: str) -> DataFrame:
    """Every valid line with its outcome, and what the winners do to the table (`_action`)."""
    compared = compare_with_stored(pick_winners(lines, key), stored, key)
    run = F.when(F.col("_action") == TOUCH, F.col("_held__run_id")).otherwise(F.lit(run_id))
    return compared.withColumn("_run_id", run)


def main() -> None:
    """Judge, refuse what has too many rejects, decide, write."""
    run = JobRun.from_argv("transaction_etl", writes=(TABLE,))
    contract, table = load_contract(DATASET), run.declared(TABLE)
    rows = judge(run.conformed(DATASET), contract, run.lake.inventory.reporting_currency).persist()
    judged = rows.groupBy("_file", OUTCOME).count().collect()
    refused = refuse_files(run, contract, judged)
    problems = {}
    if any(row[OUTCOME] == QUARANTINED for row in judged):
        rejected = rows.where(F.col(OUTCOME) == QUARANTINED)
        write_rejects(run, DATASET, rejected)
        problems = sample_problems(rejected)

    lines = rows.where(F.col(OUTCOME).isNull() & ~F.col("_file").isin(list(refused)))
    bounds = Bounds.of(lines, bounding_columns(contract, run.summary["files"][DATASET]))
    stored = run.table(TABLE).where(bounds.condition())
    derived = add_derived(lines, run.lake.inventory.reporting_time_zone)
    decided = decide(derived, stored, list(table.key), run.run_id).persist()
    outcomes = decided.groupBy("_file", OUTCOME, "_action").count().collect()
    settle_ledger(run, judged, outcomes, refused, problems)

    changed = decided.where(F.col("_action").isin(INSERT, UPDATE))
    if any(run.ledger.tables[TABLE].values()):
        run.write_touched(TABLE, changed.select("order_id", "line_key", "order_day"))
    write_changes(run.table_name(TABLE), table, decided, _by_action(outcomes), bounds)
    rows.unpersist()
    run.finish()


def bounding_columns(contract: Contract, files: list[dict]) -> list[str]:
    """Columns whose range in the batch bounds the rows it can meet in the table.

    The order's number always does. Its time does where every line's key holds a hash of the line, time
    included; with a line number, a later version may bring another time.
    """
    keyed_by_content = all(contract.source(file["source"]).key == "lines" for file in files)
    return ["order_id", "ordered_at"] if keyed_by_content else ["order_id"]


def refuse_files(run: JobRun, contract: Contract, judged: Iterable[Row]) -> dict[int, str]:
    """Files with more rejects than the contract's limit, with the sentence that says so.

    Rejects are the rows that break a rule and those that the validator couldn't read as records.
    """
    rejected = {row["_file"]: row["count"] for row in judged if row[OUTCOME] == QUARANTINED}
    counted = [(file, rejected.get(file["number"], 0)) for file in run.summary["files"][DATASET]]
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


def settle_ledger(
    run: JobRun,
    judged: Iterable[Row],
    outcomes: Iterable[Row],
    refused: dict[int, str],
    problems: dict[int, list[dict]],
) -> None:
    """The five counts of each file, and the three of the table. A refused file's rows are all quarantined."""
    pages = {f["number"]: {name: 0 for name in (APPLIED, UNCHANGED, "superseded", QUARANTINED, DUPLICATE)}
             for f in run.summary["files"][DATASET]}  # fmt: skip
    for row in judged:
        if row["_file"] in refused:
            pages[row["_file"]][QUARANTINED] += row["count"]
        elif row[OUTCOME] is not None:
            pages[row["_file"]][row[OUTCOME]] += row["count"]
    for row in outcomes:
        pages[row["_file"]][row[OUTCOME]] += row["count"]
    for number, page in pages.items():
        run.ledger.files[str(number)] = {
            **page,
            "problems": problems.get(number, []),
            "refused": refused.get(number),
        }
    run.ledger.tables[TABLE] = counts_of(_by_action(outcomes))


def _by_action(outcomes: Iterable[Row]) -> dict[str | None, int]:
    counted: dict[str | None, int] = {}
    for row in outcomes:
        counted[row["_action"]] = counted.get(row["_action"], 0) + row["count"]
    return counted


if __name__ == "__main__":
    main()
