"""All that is known of a customer: processed.customers, curated.sales, processed.sessions and processed.reviews ->
curated.customer_360.

Touched are customers that changed, and those of whom a sale, a session or a review did: these are counted anew, from
all of theirs. Scores compare customers with each other and ages follow the lake's latest day, so they are made for
everybody from the table's own rows; only rows that come out different are written.
"""

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.amounts import MONEY
from shoplake.spark.curated.latest_day import latest_day
from shoplake.spark.curated.rfm import with_scores
from shoplake.spark.curated.sales import CUSTOMERS, LINES, SALES, SESSIONS
from shoplake.spark.curated.writing import write
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, compare_rows, ends

CUSTOMER_360, EVENTS, REVIEWS = "curated.customer_360", "processed.events", "processed.reviews"
YEAR_DAYS = 365
COUNTS = ("orders", "completed_orders", "units", "spend", "sessions", "reviews")


def to_orders(sales: DataFrame) -> DataFrame:
    """What each customer ordered. Orders, units and spend are of lines that count as revenue, as in
    curated.daily_sales_summary; a completed order has a completed line that isn't a return.
    """
    is_completed = (F.col("status") == "completed") & ~F.col("is_return")
    completed_at, completed_day = (F.when(is_completed, F.col(name)) for name in ("ordered_at", "order_day"))
    by_order = sales.groupBy("customer_id", "order_id").agg(
        F.max("is_revenue").alias("is_revenue"),
        F.sum(F.when(F.col("is_revenue"), F.col("quantity"))).alias("units"),
        F.sum(F.when(F.col("is_revenue"), F.col("net_amount"))).alias("spend"),
        F.min(completed_at).alias("first_at"),
        F.max(completed_at).alias("last_at"),
        F.min(completed_day).alias("first_day"),
        F.max(completed_day).alias("last_day"),
    )
    return by_order.groupBy("customer_id").agg(
        F.count(F.when(F.col("is_revenue"), 1)).alias("orders"),
        F.count("first_at").alias("completed_orders"),
        F.sum("units").alias("units"),
        F.sum("spend").cast(MONEY).alias("spend"),
        F.min("first_at").alias("first_order_at"),
        F.min("first_day").alias("first_order_day"),
        F.max("last_at").alias("last_order_at"),
        F.max("last_day").alias("last_order_day"),
    )


def to_visits(sessions: DataFrame) -> DataFrame:
    """How often each customer came, and when the last visit began."""
    return sessions.groupBy("customer_id").agg(
        F.count("*").alias("sessions"), F.max("started_at").alias("last_session_at")
    )


def to_ratings(reviews: DataFrame) -> DataFrame:
    """How many reviews each customer wrote, and the mean of their stars."""
    mean = F.sum("rating").cast("decimal(18,0)") / F.count("*")
    return reviews.groupBy("customer_id").agg(F.count("*").alias("reviews"), mean.cast(MONEY).alias("average_rating"))


def to_members(customers: DataFrame, orders: DataFrame, visits: DataFrame, ratings: DataFrame) -> DataFrame:
    """One row a customer that any of these knows. One who isn't among the shop's customers is inferred."""
    known = customers.select("customer_id", "country", "signed_up_day", F.lit(False).alias("is_inferred"))
    frames = (known, orders, visits, ratings)
    together = reduce(lambda one, other: one.join(other, on="customer_id", how="full"), frames)
    spend_per_order = F.when(F.col("orders") > 0, F.col("spend") / F.col("orders")).cast(MONEY)
    return together.fillna(0, subset=list(COUNTS)).withColumns(
        {"is_inferred": F.coalesce("is_inferred", F.lit(True)), "average_order_value": spend_per_order}
    )


def with_ages(customers: DataFrame, latest: date | None) -> DataFrame:
    """Customers with what follows from the lake's latest day: days since the last order, and what next year may bring.

    The prediction is a baseline: what the customer spent a day since the first order, over a year at least, times 365.
    """
    today = F.lit(latest).cast("date")
    days = F.greatest(F.datediff(today, "first_order_day"), F.lit(YEAR_DAYS))
    spend = F.greatest("spend", F.lit(0).cast(MONEY))
    return customers.withColumns(
        {
            "days_since_last_order": F.datediff(today, "last_order_day"),
            "predicted_value": F.when(F.col("first_order_day").isNotNull(), spend * YEAR_DAYS / days).cast(MONEY),
        }
    )


def touched_customers(run: JobRun, buyers: DataFrame | None) -> DataFrame | None:
    """Customers of whom something changed: `customer_id`. None where nothing did that any row depends on.

    `buyers`: those of the sales that this job changed.
    """
    changed = [run.touched(name) for name in (CUSTOMERS, SESSIONS, REVIEWS)]
    frames = [frame.select("customer_id") for frame in (buyers, *changed) if frame is not None]
    if not frames:
        is_other_day = any(run.touched(name) is not None for name in (LINES, EVENTS))
        return run.spark.createDataFrame([], "customer_id string") if is_other_day else None
    return reduce(DataFrame.union, frames).where(F.col("customer_id").isNotNull()).distinct().persist()


def merge_customers(run: JobRun, buyers: DataFrame | None) -> None:
    """Count the touched customers anew, and score all."""
    ids = touched_customers(run, buyers)
    if ids is None:
        return
    table, stored, bounds = run.declared(CUSTOMER_360), run.table(CUSTOMER_360), Bounds.of(ids, ["customer_id"])
    customers, sales, sessions, reviews = (
        run.table(name).where(bounds.condition()).join(ids, on="customer_id", how="left_semi")
        for name in (CUSTOMERS, SALES, SESSIONS, REVIEWS)
    )
    counted = to_members(customers, to_orders(sales), to_visits(sessions), to_ratings(reviews))
    others = stored.join(ids, on="customer_id", how="left_anti").select(*counted.columns)
    computed = with_scores(with_ages(counted.unionByName(others), latest_day(run)))
    computed = computed.withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(computed, stored, table, deletes=True).persist()
    counts = changes.groupBy(ACTION).agg(F.count("*").alias("count"), *ends(["customer_id"])).collect()
    written = [group for group in counts if group[ACTION] is not None]
    if written:
        run.write_touched(CUSTOMER_360, changes.where(F.col(ACTION).isNotNull()).select("customer_id"))
    write(run, CUSTOMER_360, changes, Bounds.of_groups(written, changes.schema, ["customer_id"]), counts)
    ids.unpersist()
