"""What products were when: processed.product_versions -> curated.product_history, a type 2 dimension.

A product that is known from orders alone is an inferred member: one row, from its first order on, which gives way to
the product's real history as soon as the catalogue has the product.
"""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.catalogue import periods
from shoplake.spark.curated.sales import LINES, VERSIONS
from shoplake.spark.curated.writing import write
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import Bounds, compare_rows, ends

HISTORY, PRODUCTS = "curated.product_history", "processed.products"
DESCRIBED = ["name", "category", "category_path", "price", "cost", "currency"]  # what history is kept of
COLUMNS = ["product_id", "valid_from", "valid_to", "is_current", "is_inferred", *DESCRIBED]
_BEFORE_ALL_ORDERS = "1900-01-01 00:00:00"


def to_history(versions: DataFrame) -> DataFrame:
    """The times in which each product was the same: versions that follow each other with equal content are one."""
    found = periods(versions, DESCRIBED).withColumns(
        {"is_current": F.col("valid_to").isNull(), "is_inferred": F.lit(False)}
    )
    return found.select(*COLUMNS)


def reached_since(touched_lines: DataFrame) -> DataFrame:
    """From when on the order lines of each product may be others than before: `product_id`, `since`.

    The time of the product's earliest touched line; all time, where a line was of another product, time or name before:
    what was known of the product may stem from that line.
    """
    begin = F.when(F.col("is_before"), F.lit(_BEFORE_ALL_ORDERS).cast("timestamp")).otherwise(F.col("ordered_at"))
    return touched_lines.groupBy("product_id").agg(F.min(begin).alias("since"))


def to_inferred(orphans: DataFrame, lines: DataFrame, stored: DataFrame) -> DataFrame:
    """The row of each product that only orders know, as `COLUMNS`: from its first order on, and by the name that its
    latest order line with a name has. None where no line has the product any more.

    `orphans` has `product_id` and `since`, `lines` are theirs since then; `stored`, their rows, tells what was before.
    """
    with_name = F.when(F.col("product_name").isNotNull(), F.struct("ordered_at", "order_id", "product_name"))
    since = lines.groupBy("product_id").agg(
        F.min("ordered_at").alias("_first_at"), F.max(with_name)["product_name"].alias("_last_name")
    )
    held = stored.select("product_id", F.col("valid_from").alias("_held_from"), F.col("name").alias("_held_name"))
    joined = orphans.join(since, on="product_id", how="left").join(held, on="product_id", how="left")
    has_earlier = F.col("_held_from") < F.col("since")
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in
               [("category", "string"), ("category_path", "string"), ("price", "decimal(18,4)"),
                ("cost", "decimal(18,4)"), ("currency", "string")]]  # fmt: skip
    return joined.select(
        "product_id",
        F.when(has_earlier, F.col("_held_from")).otherwise(F.col("_first_at")).alias("valid_from"),
        F.lit(None).cast("timestamp").alias("valid_to"),
        F.lit(True).alias("is_current"),
        F.lit(True).alias("is_inferred"),
        F.coalesce("_last_name", F.when(has_earlier, F.col("_held_name"))).alias("name"),
        *nothing,
    ).where(F.col("valid_from").isNotNull())


def merge_history(run: JobRun) -> None:
    """Put the history of the products of which a version changed together anew, and the rows of the touched products
    that only orders know.
    """
    parts = [part for part in (_of_catalogue(run), _of_orders(run)) if part is not None]
    if not parts:
        return
    table = run.declared(HISTORY)
    ids = reduce(DataFrame.union, [ids for ids, _ in parts]).distinct().persist()
    bounds = Bounds.of(ids, ["product_id"])
    stored = run.table(HISTORY).where(bounds.condition()).join(ids, on="product_id", how="left_semi")
    computed = reduce(DataFrame.unionByName, [rows for _, rows in parts])
    computed = computed.withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(computed, stored, table, deletes=True).persist()
    write(run, HISTORY, changes, bounds)
    if any(run.ledger.tables[HISTORY].values()):
        run.write_touched(HISTORY, ids)
    ids.unpersist()


def _of_catalogue(run: JobRun) -> tuple[DataFrame, DataFrame] | None:
    """The products of which a version changed, and their history; None where there is none."""
    touched = run.touched(VERSIONS)
    if touched is None:
        return None
    ids = touched.select("product_id").distinct().persist()
    versions = run.table(VERSIONS).where(Bounds.of(ids, ["product_id"]).condition())
    return ids, to_history(versions.join(ids, on="product_id", how="left_semi"))


def _of_orders(run: JobRun) -> tuple[DataFrame, DataFrame] | None:
    """The products that only orders know and of which a line changed, and their rows; None where there is none.

    Of the order lines only those are read that are not older than the touched ones.
    """
    touched = run.touched(LINES)
    if touched is None:
        return None
    known = run.table(PRODUCTS).select("product_id")
    orphans = reached_since(touched).join(known, on="product_id", how="left_anti").persist()
    (found,) = orphans.agg(*ends(["product_id", "since"])).collect()
    if found["min_since"] is None:
        return None
    ids = orphans.select("product_id")
    bounds = Bounds.of_groups([found], orphans.schema, ["product_id"])
    since = F.lit(found["min_since"]).cast("timestamp")
    recent = run.table(LINES).where(bounds.condition() & (F.col("ordered_at") >= since))
    lines = recent.join(orphans, on="product_id", how="inner").where(F.col("ordered_at") >= F.col("since"))
    stored = run.table(HISTORY).where(bounds.condition()).join(ids, on="product_id", how="left_semi")
    return ids, to_inferred(orphans, lines, stored)
