"""Orders, one row an order line: the run's staged files -> processed.transactions, on the run's branch.

The newest version of each line wins by recency (shoplake.spark.winners). Returns and cancellations are kept
and flagged; rows that break a rule go to quarantine with their reasons; a file with too many of them is
refused before anything is merged. Read by the master merge, which makes curated.sales of it.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shoplake.contracts import Contract, load_contract
from shoplake.spark.amounts import with_amounts
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.intake import settle, take_in
from shoplake.spark.job import JobRun
from shoplake.spark.winners import DUPLICATE, OUTCOME, QUARANTINED, as_before, decide, row_hash

DATASET, TABLE = "transactions", "processed.transactions"
TOTAL_TOLERANCE = 0.01
TOUCHED = ["order_id", "line_key", "order_day", "ordered_at", "product_id", "product_name"]
"""What later jobs read of the lines that changed."""
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
    """Money per line, in the line's own currency."""
    return with_amounts(
        rows,
        {
            "gross_amount": F.col("quantity") * F.col("unit_price"),
            "net_amount": F.col("gross_amount") - F.col("discount_amount"),
            "total_amount": F.col("net_amount") + F.col("tax_amount") + F.col("shipping_amount"),
        },
    )


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


def main() -> None:
    """Judge, refuse what has too many rejects, decide, write."""
    run = JobRun.from_argv("transaction_etl", writes=(TABLE,))
    contract, table = load_contract(DATASET), run.declared(TABLE)
    inventory = run.lake.inventory
    bounding = bounding_columns(contract, run.summary["files"][DATASET])
    judged = judge(run.conformed(DATASET), contract, inventory.reporting_currency)
    intake = take_in(run, contract, judged, bounding)

    bounds = intake.bounds(bounding)
    stored = run.table(TABLE).where(bounds.condition())
    derived = add_derived(intake.valid, inventory.reporting_time_zone)
    decided = decide(derived, stored, list(table.key), run.run_id, as_before(TOUCHED)).persist()
    settle(run, intake, TABLE, decided, TOUCHED, bounds)
    run.finish()


def bounding_columns(contract: Contract, files: list[dict]) -> list[str]:
    """Columns whose range in the batch bounds the rows it can meet in the table.

    The order's number always does. Its time does where every line's key holds a hash of the line, time
    included; with a line number, a later version may bring another time.
    """
    keyed_by_content = all(contract.source(file["source"]).key == "lines" for file in files)
    return ["order_id", "ordered_at"] if keyed_by_content else ["order_id"]


if __name__ == "__main__":
    main()
