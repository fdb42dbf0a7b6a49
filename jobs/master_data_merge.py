"""What this run's changes reach: processed.* -> curated.sales, curated.daily_sales_summary,
curated.product_performance and curated.product_history, on its branch.

Touched are orders of which a line changed, and orders whose product was moved to another category at their time.
They are computed anew as whole orders, since the size class is the order's; days that those reach are summed anew.
Only rows that come out different are written. Read by analysts and dashboards.
"""

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from shoplake.spark.amounts import MONEY
from shoplake.spark.catalogue import category_spans, is_within, periods
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, by_action, compare_rows, counts_of, write_changes

LINES, PRODUCTS, VERSIONS = "processed.transactions", "processed.products", "processed.product_versions"
SALES, DAILY, PERFORMANCE = "curated.sales", "curated.daily_sales_summary", "curated.product_performance"
HISTORY = "curated.product_history"
DESCRIBED = ["name", "category", "category_path", "price", "cost", "currency"]  # what history is kept of
UNKNOWN = "(unknown)"
LOW_ORDER, MEDIUM_ORDER = 50, 100  # an order's net amount, in the reporting currency
NOT_REVENUE = ("cancelled", "failed")
COVER_DAYS = 28  # over which the mean of a product's daily net units is taken


def to_sales(lines: DataFrame, spans: DataFrame | None = None) -> DataFrame:
    """Sales lines of whole orders, with the category that their product had at the time.

    `spans` (shoplake.spark.catalogue.category_spans) has at most one row for a product and instant; None where there
    is no catalogue. A product that it doesn't know, or knows no category of, has an unknown one.
    """
    is_revenue = ~F.col("status").isin(*NOT_REVENUE)
    order_amount = F.sum("net_amount").over(Window.partitionBy("order_id"))
    size = F.when(order_amount < LOW_ORDER, "low").when(order_amount < MEDIUM_ORDER, "medium").otherwise("high")
    return _with_category(lines, spans).withColumns(
        {
            "country": F.coalesce("country", F.lit(UNKNOWN)),
            "is_revenue": is_revenue,
            "order_size": size,
        }
    )


def _with_category(lines: DataFrame, spans: DataFrame | None) -> DataFrame:
    if spans is None:
        return lines.withColumns({"category": F.lit(UNKNOWN), "category_path": F.lit(UNKNOWN)})
    held = spans.withColumnRenamed("product_id", "_product")
    is_its_own = (F.col("product_id") == F.col("_product")) & is_within(F.col("ordered_at"))
    found = lines.join(held, on=is_its_own, how="left")
    return found.withColumns({name: F.coalesce(name, F.lit(UNKNOWN)) for name in ("category", "category_path")}).drop(
        "_product", "from_at", "until_at"
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


def to_product_days(sales: DataFrame) -> DataFrame:
    """What each product sold and what came back by day, over lines that count as revenue."""
    returned = F.when(F.col("is_return"), F.col("quantity"))
    paid_back = F.when(F.col("is_return"), F.col("net_amount"))
    return (
        sales.where("is_revenue")
        .groupBy("product_id", F.col("order_day").alias("activity_day"))
        .agg(
            F.countDistinct("order_id").alias("orders"),
            F.sum("quantity").alias("units"),
            F.coalesce(F.sum(F.abs(returned)), F.lit(0)).alias("returned_units"),
            F.sum("net_amount").cast(MONEY).alias("revenue"),
            F.coalesce(F.sum(F.abs(paid_back)), F.lit(0)).cast(MONEY).alias("returns_amount"),
        )
    )


def with_stock(product_days: DataFrame, stock: DataFrame, latest: date) -> DataFrame:
    """Product days with stock and days of cover on the lake's latest day, where every product of `stock`
    (`product_id`, `stock_quantity`) has a row. `product_days` must hold the 28 days up to that day.
    """
    in_window = F.col("activity_day").between(F.lit(first_day_of_cover(latest)), F.lit(latest))
    sold = product_days.where(in_window).groupBy("product_id").agg(F.sum("units").cast("decimal(18,0)").alias("_sold"))
    cover = F.when(F.col("stock_quantity") <= 0, F.lit(0)).when(
        F.col("_sold") > 0, F.col("stock_quantity").cast("decimal(10,0)") * COVER_DAYS / F.col("_sold")
    )
    in_stock = stock.join(sold, on="product_id", how="left").select(
        "product_id", F.lit(latest).alias("activity_day"), "stock_quantity", cover.cast(MONEY).alias("days_of_cover")
    )
    joined = product_days.join(in_stock, on=["product_id", "activity_day"], how="full")
    return joined.fillna(0, subset=["orders", "units", "returned_units", "revenue", "returns_amount"])


def first_day_of_cover(latest: date) -> date:
    """The first of the days over which a product's mean daily units are taken."""
    return latest - timedelta(days=COVER_DAYS - 1)


def latest_day(lines: DataFrame) -> date | None:
    """The lake's latest day: the greatest order day. It moves with the orders alone, in whatever order their files are
    processed; a line dated more than a day after its file's arrival was rejected (contracts/transactions).
    """
    return lines.agg(F.max("order_day")).first()[0]  # from the files' metadata: no scan


def to_history(versions: DataFrame) -> DataFrame:
    """The times in which each product was the same: versions that follow each other with equal content are one."""
    found = periods(versions, DESCRIBED).withColumn("is_current", F.col("valid_to").isNull())
    return found.select("product_id", "valid_from", "valid_to", "is_current", *DESCRIBED)


def main() -> None:
    """Sales of the touched orders, then the days that they reach; the history of the touched products."""
    run = JobRun.from_argv("master_data_merge", writes=(SALES, DAILY, PERFORMANCE, HISTORY))
    orders = touched_orders(run)
    days = [] if orders is None else merge_sales(run, orders)
    if orders is not None:
        merge_daily_summary(run, days)
    merge_performance(run, days)
    merge_history(run)
    run.finish()


def touched_orders(run: JobRun) -> DataFrame | None:
    """Orders of which a line changed, or the category that a line's product had at the time; None where there is
    none for sure.
    """
    frames = []
    if (changed := run.touched(LINES)) is not None:
        frames.append(changed.select("order_id"))
    if (versions := run.touched(VERSIONS)) is not None:
        moved = versions.where(F.col("from_at").isNotNull()).persist()
        bounds = Bounds.of(moved, ["product_id"])
        if bounds.ranges:
            moved = moved.withColumnRenamed("product_id", "_product")
            is_reached = (F.col("product_id") == F.col("_product")) & is_within(F.col("ordered_at"))
            lines = run.table(LINES).where(bounds.condition())
            frames.append(lines.join(moved, on=is_reached, how="left_semi").select("order_id"))
    return reduce(DataFrame.union, frames).distinct().persist() if frames else None


def merge_sales(run: JobRun, orders: DataFrame) -> list[date]:
    """Bring curated.sales up to date for some orders. Returns the days that changed, old and new."""
    table, bounds = run.declared(SALES), Bounds.of(orders, ["order_id"])
    lines = run.table(LINES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    stored = run.table(SALES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    sales = to_sales(lines, spans_of(run, lines)).withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(sales, stored, table).persist()
    changed = changes.where(F.col(ACTION).isNotNull())
    keys = changed.select(*table.key)
    before = stored.join(keys, on=list(table.key), how="left_semi")
    reached = changed.select("order_day").union(before.select("order_day")).distinct()
    days = [row["order_day"] for row in reached.collect()]
    run.ledger.days |= set(days)
    _write(run, SALES, changes, bounds)
    return days


def spans_of(run: JobRun, lines: DataFrame) -> DataFrame | None:
    """In which category the products of some lines were when; None where there is no catalogue."""
    versions = run.table(VERSIONS)
    if versions.isEmpty():
        return None
    return category_spans(versions.join(lines.select("product_id").distinct(), on="product_id", how="left_semi"))


def merge_daily_summary(run: JobRun, days: list[date]) -> None:
    """Sum some days of curated.sales anew; groups that no longer have a line are deleted."""
    if not days:
        run.ledger.tables[DAILY] = counts_of({})
        return
    table = run.declared(DAILY)
    sales = run.table(SALES).where(F.col("order_day").isin(days))
    stored = run.table(DAILY).where(F.col("order_day").isin(days))
    summary = to_daily_summary(sales).withColumn("_run_id", F.lit(run.run_id))
    changes = compare_rows(summary.select(*table.column_names), stored, table, deletes=True).persist()
    _write(run, DAILY, changes, Bounds.of_values("order_day", days))


def merge_performance(run: JobRun, days: list[date]) -> None:
    """Sum some days by product anew, and give the lake's latest day its stock where that, the sales before it or the
    day itself may have changed. The day that had the stock before is summed anew too.
    """
    products = run.table(PRODUCTS)
    has_catalogue = not products.isEmpty()
    if not days and not (has_catalogue and run.touched(PRODUCTS) is not None):
        return
    table, stored, latest, reached = run.declared(PERFORMANCE), run.table(PERFORMANCE), None, set(days)
    if has_catalogue:
        latest = latest_day(run.table(LINES))
        before = stored.where(F.col("stock_quantity").isNotNull()).agg(F.max("activity_day")).first()[0]
        reached |= {latest, before} - {None}
    if not reached:
        return
    day = F.col("order_day")
    needed = day.isin(list(reached))
    if latest is not None:
        needed |= day.between(F.lit(first_day_of_cover(latest)), F.lit(latest))
    computed = to_product_days(run.table(SALES).where(needed))
    if latest is None:
        nothing = {"stock_quantity": F.lit(None).cast("int"), "days_of_cover": F.lit(None).cast(MONEY)}
        computed = computed.withColumns(nothing)
    else:
        stock = products.where(F.col("stock_quantity").isNotNull()).select("product_id", "stock_quantity")
        computed = with_stock(computed, stock, latest)
    is_reached = F.col("activity_day").isin(list(reached))
    computed = computed.where(is_reached).withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(computed, stored.where(is_reached), table, deletes=True).persist()
    counts = changes.groupBy(ACTION, "activity_day").count().collect()
    run.ledger.days |= {row["activity_day"] for row in counts if row[ACTION] is not None}
    _write(run, PERFORMANCE, changes, Bounds.of_values("activity_day", reached), counts)


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
    _write(run, HISTORY, compare_rows(computed, stored, table, deletes=True).persist(), bounds)
    ids.unpersist()


def _write(run: JobRun, name: str, changes: DataFrame, bounds: Bounds, counts: list[Row] | None = None) -> None:
    """Write the rows with an action. `counts`: how many of each, where that is known already."""
    counted = by_action(changes.groupBy(ACTION).count().collect() if counts is None else counts)
    run.ledger.tables[name] = counts_of(counted)
    write_changes(run.table_name(name), run.declared(name), changes, counted, bounds)
    changes.unpersist()


if __name__ == "__main__":
    main()
