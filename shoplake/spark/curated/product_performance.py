"""How products do by day: curated.sales and processed.products -> curated.product_performance."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.amounts import MONEY
from shoplake.spark.curated.latest_day import latest_day
from shoplake.spark.curated.sales import SALES
from shoplake.spark.curated.writing import write
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, compare_rows

PRODUCTS, EVENTS, PERFORMANCE = "processed.products", "processed.events", "curated.product_performance"
COVER_DAYS = 28  # over which the mean of a product's daily net units is taken


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


def merge_performance(run: JobRun, days: list[date]) -> None:
    """Sum some days by product anew, and give the lake's latest day its stock where that, the sales before it or the
    day itself may have changed. The day that had the stock before is summed anew too.
    """
    products = run.table(PRODUCTS)
    has_catalogue = not products.isEmpty()
    has_stock_moved = has_catalogue and any(run.touched(name) is not None for name in (PRODUCTS, EVENTS))
    if not days and not has_stock_moved:
        return
    table, stored, latest, reached = run.declared(PERFORMANCE), run.table(PERFORMANCE), None, set(days)
    if has_catalogue:
        latest = latest_day(run)
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
    run.ledger.touch("order_day", {row["activity_day"] for row in counts if row[ACTION] is not None})
    write(run, PERFORMANCE, changes, Bounds.of_values("activity_day", reached), counts)
