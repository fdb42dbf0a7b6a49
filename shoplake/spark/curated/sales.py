"""Sales by order line and by day: processed.transactions -> curated.sales -> curated.daily_sales_summary.

Touched are orders of which a line changed, orders whose product was moved to another category at their time, those of
customers that changed, and those in whose attribution window a session of their customer changed. They are computed
anew as whole orders, since the size class is the order's; days that those reach are summed anew.
"""

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shoplake.spark.amounts import MONEY
from shoplake.spark.catalogue import category_spans, is_within
from shoplake.spark.curated.attribution import owed_to, with_attribution, with_placing
from shoplake.spark.curated.writing import write
from shoplake.spark.day_spans import merged, overlaps
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, compare_rows, counts_of, ends

LINES, VERSIONS = "processed.transactions", "processed.product_versions"
CUSTOMERS, SESSIONS = "processed.customers", "processed.sessions"
SALES, DAILY = "curated.sales", "curated.daily_sales_summary"
UNKNOWN = "(unknown)"
LOW_ORDER, MEDIUM_ORDER = 50, 100  # an order's net amount, in the reporting currency
NOT_REVENUE = ("cancelled", "failed")


def to_sales(lines: DataFrame, spans: DataFrame | None = None) -> DataFrame:
    """Sales lines of whole orders, with the category that their product had at the time.

    `spans` (shoplake.spark.catalogue.category_spans) has at most one row for a product and instant; None where there
    is no catalogue. A product that it doesn't know, or knows no category of, has an unknown one.
    """
    was_undone = (F.col("status") == "returned") & (F.col("quantity") > 0)  # other returns are lines that take away
    is_revenue = ~F.col("status").isin(*NOT_REVENUE) & ~was_undone
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


def with_customers(lines: DataFrame, customers: DataFrame) -> DataFrame:
    """Lines with what is known now of their customer (processed.customers). One who isn't there is inferred."""
    known = customers.select(
        "customer_id",
        F.col("country").alias("customer_country"),
        F.col("signed_up_day").alias("customer_signed_up_day"),
        F.lit(True).alias("_is_known"),
    )
    is_inferred = F.when(F.col("customer_id").isNotNull(), F.col("_is_known").isNull())
    joined = lines.join(known, on="customer_id", how="left")
    return joined.withColumn("is_customer_inferred", is_inferred).drop("_is_known")


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


def attribution_window(run: JobRun) -> timedelta:
    """How long before an order a session may have begun that it is owed to."""
    return timedelta(days=run.lake.inventory.attribution_window_days)


def touched_orders(run: JobRun) -> DataFrame | None:
    """Orders of which a line changed, the category that a line's product had at the time, the customer, or a session
    that it may be owed to; None where there is none for sure.
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
    # Of a customer or session stored sales tell the orders: those that they don't have yet are touched by their lines.
    if (customers := run.touched(CUSTOMERS)) is not None:
        bounds = Bounds.of(customers, ["customer_id"])
        sales = run.table(SALES).where(bounds.condition())
        frames.append(sales.join(customers, on="customer_id", how="left_semi").select("order_id"))
    if (sessions := run.touched(SESSIONS)) is not None:
        frames.append(owed_to(run.table(SALES), sessions, attribution_window(run)))
    return reduce(DataFrame.union, frames).distinct().persist() if frames else None


def merge_sales(run: JobRun, orders: DataFrame) -> tuple[list[date], DataFrame | None]:
    """Bring curated.sales up to date for some orders. Returns the days and the customers (`customer_id`) of the lines
    that changed, old and new; no day and None where no line did.
    """
    table, bounds = run.declared(SALES), Bounds.of(orders, ["order_id"])
    lines = run.table(LINES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    stored = run.table(SALES).where(bounds.condition()).join(orders, on="order_id", how="left_semi")
    sales = computed_sales(run, with_placing(lines).persist())
    sales = sales.withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(sales, stored, table).persist()
    changed = changes.where(F.col(ACTION).isNotNull())
    keys = changed.select(*table.key)
    before = stored.join(keys, on=list(table.key), how="left_semi")
    reached = [*table.key, "order_day", "customer_id"]
    # Kept in a file, since what a run changed can't be told from the table once it is written.
    touched = run.write_touched(SALES, changed.select(*reached).union(before.select(*reached)).distinct())
    days = [row["order_day"] for row in touched.select("order_day").distinct().collect()]
    run.ledger.touch("order_day", days)
    write(run, SALES, changes, bounds)
    return days, touched.select("customer_id") if days else None


def computed_sales(run: JobRun, lines: DataFrame) -> DataFrame:
    """Sales of whole orders' lines with `placed_at`. Only their customers are read, and of sessions only the days of
    their windows.
    """
    window, placed_day = attribution_window(run), F.to_date("placed_at").alias("day")
    buyers = lines.where(F.col("customer_id").isNotNull()).groupBy(placed_day).agg(*ends(["customer_id"])).collect()
    bounds = Bounds.of_groups(buyers, lines.schema, ["customer_id"])
    customers = run.table(CUSTOMERS).where(bounds.condition())
    spans = merged((group["day"] - window, group["day"]) for group in buyers)
    sessions = run.table(SESSIONS).where(overlaps(spans, "started_at", "started_at") & bounds.condition())
    sales = with_customers(to_sales(lines, spans_of(run, lines)), customers)
    return with_attribution(sales, sessions, window)


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
    write(run, DAILY, changes, Bounds.of_values("order_day", days))
