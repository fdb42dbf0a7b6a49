"""What products were when: processed.product_versions -> curated.product_history, a type 2 dimension."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.catalogue import periods
from shoplake.spark.curated.sales import VERSIONS
from shoplake.spark.curated.writing import write
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import Bounds, compare_rows

HISTORY = "curated.product_history"
DESCRIBED = ["name", "category", "category_path", "price", "cost", "currency"]  # what history is kept of


def to_history(versions: DataFrame) -> DataFrame:
    """The times in which each product was the same: versions that follow each other with equal content are one."""
    found = periods(versions, DESCRIBED).withColumn("is_current", F.col("valid_to").isNull())
    return found.select("product_id", "valid_from", "valid_to", "is_current", *DESCRIBED)


def merge_history(run: JobRun) -> None:
    """Put the history of the products of which a version changed together anew."""
    touched = run.touched(VERSIONS)
    if touched is None:
        return
    table, ids = run.declared(HISTORY), touched.select("product_id").distinct().persist()
    bounds = Bounds.of(ids, ["product_id"])
    versions, stored = (
        run.table(name).where(bounds.condition()).join(ids, on="product_id", how="left_semi")
        for name in (VERSIONS, HISTORY)
    )
    computed = to_history(versions).withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    write(run, HISTORY, compare_rows(computed, stored, table, deletes=True).persist(), bounds)
    ids.unpersist()
