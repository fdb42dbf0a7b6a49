"""How products do by day: curated.sales, processed.events, processed.reviews and processed.products ->
curated.product_performance.

Each source has its own figures. Only those are computed anew whose source was touched: of sales by whole days, of
clicks and reviews by product and day. The others of a row that is reached stay as the table has them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shoplake.spark.amounts import MONEY
from shoplake.spark.conform import IS_ROBOT
from shoplake.spark.curated.latest_day import latest_day
from shoplake.spark.curated.sales import SALES
from shoplake.spark.curated.writing import write
from shoplake.spark.day_spans import merged, overlaps
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, compare_rows

PERFORMANCE, PRODUCTS = "curated.product_performance", "processed.products"
EVENTS, REVIEWS = "processed.events", "processed.reviews"
COVER_DAYS = 28  # over which the mean of a product's daily net units is taken
KEY = ["product_id", "activity_day"]
OF_SALES = ["orders", "buying_orders", "units", "returned_units", "revenue", "returns_amount"]
OF_CLICKS = ["views", "add_to_carts"]
OF_REVIEWS = ["reviews", "average_rating"]
COUNTED = [*OF_CLICKS, *OF_SALES, "reviews"]  # zero where there is nothing
SIGNS_OF_LIFE = ["views", "add_to_carts", "orders", "reviews"]  # a row has one of these, or stock
REACHED = "_is_reached"


def of_sales(sales: DataFrame) -> DataFrame:
    """What each product sold and what came back by day, over lines that count as revenue."""
    returned = F.when(F.col("is_return"), F.col("quantity"))
    paid_back = F.when(F.col("is_return"), F.col("net_amount"))
    return (
        sales.where("is_revenue")
        .groupBy("product_id", F.col("order_day").alias("activity_day"))
        .agg(
            F.countDistinct("order_id").alias("orders"),
            F.countDistinct(F.when(~F.col("is_return"), F.col("order_id"))).alias("buying_orders"),
            F.sum("quantity").alias("units"),
            F.coalesce(F.sum(F.abs(returned)), F.lit(0)).alias("returned_units"),
            F.sum("net_amount").cast(MONEY).alias("revenue"),
            F.coalesce(F.sum(F.abs(paid_back)), F.lit(0)).cast(MONEY).alias("returns_amount"),
        )
    )


def of_clicks(events: DataFrame) -> DataFrame:
    """How often people, not robots, looked at each product and put it into the cart by day."""
    kinds = {"views": "product_view", "add_to_carts": "add_to_cart"}
    is_counted = F.col("product_id").isNotNull() & ~F.col(IS_ROBOT) & F.col("event_type").isin(*kinds.values())
    counts = [F.count(F.when(F.col("event_type") == kind, 1)).alias(name) for name, kind in kinds.items()]
    return events.where(is_counted).groupBy("product_id", F.col("event_day").alias("activity_day")).agg(*counts)


def of_reviews(reviews: DataFrame) -> DataFrame:
    """How many reviews each product got by day, and their mean rating."""
    return reviews.groupBy("product_id", F.col("reviewed_day").alias("activity_day")).agg(
        F.count("*").alias("reviews"), F.avg("rating").alias("average_rating")
    )


def put_together(parts: list[DataFrame]) -> DataFrame:
    """One row a product and day, of parts that each have some of the figures; no two have the same figure of a row.

    Rows of which nothing is left are gone. `_is_reached` is false of rows that only a part with that mark has.
    """
    union = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), parts)
    found = union.groupBy(*KEY).agg(*(F.max(name).alias(name) for name in [*COUNTED, "average_rating", REACHED]))
    has_any = reduce(Column.__or__, (F.coalesce(F.col(name), F.lit(0)) != 0 for name in SIGNS_OF_LIFE))
    return found.where(has_any)


def with_stock(product_days: DataFrame, stock: DataFrame, latest: date | None) -> DataFrame:
    """Product days with stock and days of cover on the lake's latest day, where every product of `stock`
    (`product_id`, `stock_quantity`) has a row; null without such a day. `product_days` must hold the 28 days up to it.
    """
    if latest is None:
        nothing = {"stock_quantity": F.lit(None).cast("int"), "days_of_cover": F.lit(None).cast(MONEY)}
        return product_days.withColumns(nothing)
    in_window = F.col("activity_day").between(F.lit(first_day_of_cover(latest)), F.lit(latest))
    sold = product_days.where(in_window).groupBy("product_id").agg(F.sum("units").cast("decimal(18,0)").alias("_sold"))
    cover = F.when(F.col("stock_quantity") <= 0, F.lit(0)).when(
        F.col("_sold") > 0, F.col("stock_quantity").cast("decimal(10,0)") * COVER_DAYS / F.col("_sold")
    )
    in_stock = stock.join(sold, on="product_id", how="left").select(
        "product_id", F.lit(latest).alias("activity_day"), "stock_quantity", cover.cast(MONEY).alias("days_of_cover")
    )
    return product_days.join(in_stock, on=KEY, how="full")


def completed(product_days: DataFrame) -> DataFrame:
    """Zero where nothing happened, and the rate that follows from the counts."""
    conversion_rate = F.when(F.col("views") > 0, F.col("buying_orders") / F.col("views"))
    return product_days.fillna(0, subset=COUNTED).withColumn("conversion_rate", conversion_rate)


def first_day_of_cover(latest: date) -> date:
    """The first of the days over which a product's mean daily units are taken."""
    return latest - timedelta(days=COVER_DAYS - 1)


@dataclass(frozen=True)
class Reach:
    """What a run's changes reach: all products on `whole_days`, those of `sales_days` with their sales; and products'
    days of which an event or a review changed: `product_days` has `KEY`, `_clicks`, `_reviews` (which of both).
    """

    sales_days: Collection[date]
    whole_days: Collection[date]
    product_days: DataFrame
    click_days: Collection[date]
    review_days: Collection[date]

    @property
    def days(self) -> set[date]:
        return {*self.whole_days, *self.click_days, *self.review_days}

    @property
    def condition(self) -> Column:
        """Whether a row with the columns of `product_days` is reached."""
        return F.col("activity_day").isin(list(self.whole_days)) | F.coalesce("_clicks", "_reviews", F.lit(False))


def touched_product_days(run: JobRun) -> DataFrame | None:
    """`product_days` of `Reach`, cached; None where neither events nor reviews changed."""
    days = {EVENTS: ("event_day", "_clicks"), REVIEWS: ("reviewed_day", "_reviews")}
    frames = [
        keys.select("product_id", F.col(day).alias("activity_day"), F.lit(True).alias(mark))
        for keys, (day, mark) in ((run.touched(name), columns) for name, columns in days.items())
        if keys is not None
    ]
    if not frames:
        return None
    union = reduce(
        lambda one, other: one.unionByName(other, allowMissingColumns=True), [_no_product_days(run), *frames]
    )
    marks = [F.max(mark).alias(mark) for mark in ("_clicks", "_reviews")]
    return union.where(F.col("product_id").isNotNull()).groupBy(*KEY).agg(*marks).persist()


def _no_product_days(run: JobRun) -> DataFrame:
    return run.spark.createDataFrame([], "product_id string, activity_day date, _clicks boolean, _reviews boolean")


def reach_of(run: JobRun, sales_days: Collection[date], stock_days: Collection[date]) -> Reach:
    """What sales that changed on some days, stock that is told on others, and this run's clicks and reviews reach."""
    touched, days = touched_product_days(run), {}
    if touched is not None:
        marks = [F.max(mark).alias(mark) for mark in ("_clicks", "_reviews")]
        days = {row["activity_day"]: row for row in touched.groupBy("activity_day").agg(*marks).collect()}
    return Reach(
        sales_days=sales_days,
        whole_days={*sales_days, *stock_days},
        product_days=_no_product_days(run) if touched is None else touched,
        click_days=[day for day, row in days.items() if row["_clicks"]],
        review_days=[day for day, row in days.items() if row["_reviews"]],
    )


def computed_parts(run: JobRun, reach: Reach) -> list[DataFrame]:
    """The figures whose source was touched. Of events and reviews the UTC days around a day hold it."""
    parts = []
    if reach.sales_days:
        parts.append(of_sales(run.table(SALES).where(F.col("order_day").isin(list(reach.sales_days)))))
    for name, days, mark, day, at, figures in (
        (EVENTS, reach.click_days, "_clicks", "event_day", "event_time", of_clicks),
        (REVIEWS, reach.review_days, "_reviews", "reviewed_day", "reviewed_at", of_reviews),
    ):
        if days:
            spans = merged((each - timedelta(days=1), each + timedelta(days=1)) for each in days)
            rows = run.table(name).where(F.col(day).isin(days) & overlaps(spans, at, at))
            keys = reach.product_days.where(mark).select("product_id", F.col("activity_day").alias(day))
            parts.append(figures(rows.join(keys, on=["product_id", day], how="left_semi")))
    return parts


def kept_part(stored: DataFrame, reach: Reach) -> DataFrame:
    """Of stored rows (with the columns of `product_days`) the figures that are not computed anew."""
    is_anew = {
        **dict.fromkeys(OF_SALES, F.col("activity_day").isin(list(reach.sales_days))),
        **dict.fromkeys(OF_CLICKS, F.coalesce("_clicks", F.lit(False))),
        **dict.fromkeys(OF_REVIEWS, F.coalesce("_reviews", F.lit(False))),
    }
    kept = [F.when(~anew, F.col(name)).alias(name) for name, anew in is_anew.items()]
    return stored.select(*KEY, *kept, reach.condition.alias(REACHED))


def merge_performance(run: JobRun, sales_days: Collection[date]) -> None:
    """Put together anew what the run's sales, clicks and reviews reach; and give the lake's latest day its stock, where
    there is a catalogue. The day that had the stock before loses it.
    """
    table, latest, stock_days = run.declared(PERFORMANCE), None, set()
    touched = [name for name in (PRODUCTS, EVENTS, REVIEWS) if run.touched(name) is not None]
    if not sales_days and not touched:
        return
    products = run.table(PRODUCTS)
    if not products.isEmpty():
        latest, before = latest_day(run), day_of_stock(run.table(PERFORMANCE))
        stock_days = {latest, before} - {None}
    reach = reach_of(run, sales_days, stock_days)
    if not reach.days:
        return
    is_needed = F.col("activity_day").isin(list(reach.days))
    if latest is not None:
        is_needed |= F.col("activity_day").between(F.lit(first_day_of_cover(latest)), F.lit(latest))
    stored = run.table(PERFORMANCE).where(is_needed).join(reach.product_days, on=KEY, how="left").persist()
    computed = put_together([kept_part(stored, reach), *computed_parts(run, reach)])
    stock = products.where(F.col("stock_quantity").isNotNull()).select("product_id", "stock_quantity")
    computed = with_stock(computed, stock, latest).where(F.coalesce(REACHED, F.lit(True)))
    computed = completed(computed).withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(computed, stored.where(reach.condition), table, deletes=True).persist()
    counts = changes.groupBy(ACTION).count().collect()
    # Days without a change too: the gate looks there for every event and review that the run wrote.
    run.ledger.touch("order_day", reach.days)
    write(run, PERFORMANCE, changes, Bounds.of_values("activity_day", reach.days), counts)
    stored.unpersist()


def day_of_stock(product_days: DataFrame) -> date | None:
    """The day that had the stock so far."""
    return product_days.where(F.col("stock_quantity").isNotNull()).agg(F.max("activity_day")).first()[0]
