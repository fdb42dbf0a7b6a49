"""Customers and what they say: the run's staged customers and reviews -> processed.customers (one row a customer) and
processed.reviews (one row a review), on the run's branch.

The newest version of each wins by recency (shoplake.spark.winners). What the contract calls personal comes here
dropped, masked or hashed already. A text that is no e-mail address or telephone number is no value, and flagged: it
costs the shop that address, not the customer. Reviews become plain text. Read by the master merge.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shoplake.contracts import Contract, load_contract
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.intake import settle, take_in
from shoplake.spark.job import JobRun
from shoplake.spark.plain_text import plain_text
from shoplake.spark.winners import OUTCOME, QUARANTINED, as_before, decide, row_hash

CUSTOMERS, REVIEWS = "processed.customers", "processed.reviews"
HASH_LENGTH = 32  # hexadecimal digits of the review's hash in a derived id: 128 bits


def judge_customers(conformed: DataFrame, contract: Contract, time_zone: str) -> DataFrame:
    """Staged customers with flags, hash and, where that is settled, their outcome."""
    return conformed.withColumns(
        {
            "signed_up_day": F.to_date(F.from_utc_timestamp("signed_up_at", time_zone)),
            "is_email_malformed": F.col("_is_malformed_email"),
            "is_phone_malformed": F.col("_is_malformed_phone"),
            "_row_hash": row_hash([column.name for column in contract.columns]),
            OUTCOME: F.when(F.size(PROBLEMS) > 0, QUARANTINED),
        }
    )


def judge_reviews(conformed: DataFrame, contract: Contract, time_zone: str) -> DataFrame:
    """Staged reviews as plain text with id, hash and, where that is settled, their outcome.

    A review that its source doesn't name is named by its content as it came: not by the day that its file lent it. Such
    a day may be another in another file, so it has versions of which the last must be known as such.
    """
    names = [column.name for column in contract.columns]
    cleaned = conformed.withColumns(
        {
            "title": plain_text(F.col("title")),
            "text": plain_text(F.col("text")),
            "is_day_of_file": F.col("_is_day_of_file_reviewed_at"),
            OUTCOME: F.when(F.size(PROBLEMS) > 0, QUARANTINED),
        }
    )
    own_date = F.when(~F.col("is_day_of_file"), F.col("reviewed_at"))
    as_it_came = cleaned.withColumns({"_reviewed_at": F.col("reviewed_at"), "reviewed_at": own_date})
    hashed = as_it_came.withColumn("_content", row_hash(names)).withColumn("reviewed_at", F.col("_reviewed_at"))
    alike = Window.partitionBy("_file", "_content", OUTCOME).orderBy("_source_line")
    numbered = hashed.withColumn("_occurrence", F.row_number().over(alike))
    derived = F.concat_ws("-", F.substring("_content", 1, HASH_LENGTH), F.col("_occurrence"))
    day = F.to_date(F.from_utc_timestamp("reviewed_at", time_zone))
    return numbered.withColumns(
        {
            "review_id": F.when(F.col("_is_keyed_by_content"), derived).otherwise(F.col("review_id")),
            "_is_keyed_by_content": F.col("_is_keyed_by_content") & ~F.col("is_day_of_file"),
            "reviewed_day": F.when(F.col("is_day_of_file"), F.to_date("reviewed_at")).otherwise(day),
            "text_length": F.coalesce(F.length("text"), F.lit(0)),
            "_row_hash": row_hash(names),
        }
    ).drop("_reviewed_at", "_content", "_occurrence")


def main() -> None:
    """Each dataset that has files; both in one job, since a start costs more than the work."""
    run = JobRun.from_argv("customer_enrichment", writes=(CUSTOMERS, REVIEWS))
    time_zone = run.lake.inventory.reporting_time_zone
    if run.summary["files"]["customers"]:
        contract = load_contract("customers")
        judged = judge_customers(run.conformed("customers"), contract, time_zone)
        load(run, contract, CUSTOMERS, judged, touched=["customer_id"])
    if run.summary["files"]["reviews"]:
        contract = load_contract("reviews")
        judged = judge_reviews(run.conformed("reviews"), contract, time_zone)
        load(run, contract, REVIEWS, judged, touched=["review_id", "product_id", "customer_id", "reviewed_day"])
    run.finish()


def load(run: JobRun, contract: Contract, name: str, judged: DataFrame, touched: list[str]) -> None:
    """Refuse what has too many rejects, decide, write. `touched`: the columns that later jobs read of the changes."""
    key = list(run.declared(name).key)
    intake = take_in(run, contract, judged, bounded=key)
    bounds = intake.bounds(key)
    stored = run.table(name).where(bounds.condition())
    # A checkpoint hides how the rows came about: no MERGE takes rows of a method of Java, which unescapes the text.
    decided = decide(intake.valid, stored, key, run.run_id, as_before(touched)).localCheckpoint()
    settle(run, intake, name, decided, touched, bounds)


if __name__ == "__main__":
    main()
