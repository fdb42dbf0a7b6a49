"""What this run's changes reach: processed.* -> curated.sales and curated.daily_sales_summary, on its branch.

Orders that were touched are computed anew as whole orders, since the size class is the order's; days that
those reach are summed anew. Only rows that come out different are written. Read by analysts and dashboards.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, by_action, compare_rows, counts_of, write_changes

LINES, SALES, DAILY = "processed.transactions", "curated.sales", "curated.daily_sales_summary"
MONEY = "decimal(18,4)"
UNKNOWN = "(unknown)"
LOW_ORDER, MEDIUM_ORDER = 50, 100  # an order's net amount, in the reporting currency
NOT_REVENUE = ("cancelled", "failed")


def to_sales(lines: DataFrame) -> DataFrame:
    """Sales lines of whole orders. Categories join in with the catalogue; until then they are unknown."""
    is_revenue = ~F.col("status").isin(*NOT_REVENUE)
    order_amount = F.sum("net_amount").over(Window.partitionBy("order_id"))
    size = F.when(order_amount < LOW_ORDER, "low").when(order_amount < MEDIUM_ORDER, "medium").otherwise("high")
    return lines.withColumns(
        {
            "category": F.lit(UNKNOWN),
            "country": F.coalesce("country", F.lit(UNKNOWN)),
            "is_revenue": is_revenue,
            "order_size": size,
        }
    )


def to_daily_summary(sales: DataFrame) -> DataFrame:
    """Orders, units, revenue and customers by day, category and country, over lines that count as revenue."""
    revenue = F.sum("net_amount")
    orders = F.countDistinct("order_id")
    return (
        sales.where("is_revenue")
        .groupBy("order_day", "category", "country")
        .agg(
            orders.alias("orders"),
            F.sum("quantity").alias("units"),
            revenue.cast(MONEY).alias("revenue"),
            (revenue / orders).cast(MONEY).alias("average_order_value"),
            F.countDistinct("customer_id").alias("customers"),
        )
    )


def main() -> None:
    """Sales of the touched orders, then the days that they reach."""
    run = JobRun.from_argv("master_data_merge", writes=(SALES, DAILY))
    touched = run.touched(LINES)
    if touched is not None:
        days = merge_sales(run, touched.select("order_id").distinct())
        merge_daily_summary(run, days)
    run.finish()


def merge_sales(run: JobRun, orders: DataFrame) -> list:
    """Bring curated.sales up to date for some orders. Returns the days that changed, old and new."""
    table, bounds = run.declared(SALES), Bounds.of(orders, ["order_id"])
    lines = run.table(LINES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    stored = run.table(SALES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    sales = to_sales(lines).withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(sales, stored, table).persist()
    changed = changes.where(F.col(ACTION).isNotNull())
    keys = changed.select(*table.key)
    before = stored.join(keys, on=list(table.key), how="left_semi")
    reached = changed.select("order_day").union(before.select("order_day")).distinct()
    days = [row["order_day"] for row in reached.collect()]
    if days:
        run.write_touched(SALES, run.spark.createDataFrame([(day,) for day in days], "order_day date"))
    _write(run, SALES, changes, bounds)
    return days


def merge_daily_summary(run: JobRun, days: list) -> None:
    """Sum some days of curated.sales anew; groups that no longer have a line are deleted."""
    if not days:
        run.ledger.tables[DAILY] = counts_of({})
        return
    table = run.declared(DAILY)
    sales = run.table(SALES).where(F.col("order_day").isin(days))
    stored = run.table(DAILY).where(F.col("order_day").isin(days))
    summary = to_daily_summary(sales).withColumn("_run_id", F.lit(run.run_id))
    changes = compare_rows(summary.select(*table.column_names), stored, table, deletes=True).persist()
    _write(run, DAILY, changes, Bounds.of(changes, ["order_day"]))


def _write(run: JobRun, name: str, changes: DataFrame, bounds: Bounds) -> None:
    counted = by_action(changes.groupBy(ACTION).count().collect())
    run.ledger.tables[name] = counts_of(counted)
    write_changes(run.table_name(name), run.declared(name), changes, counted, bounds)
    changes.unpersist()


if __name__ == "__main__":
    main()
