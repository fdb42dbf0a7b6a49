"""Which visits an order is owed to: its customer's first and last session within the attribution window.

The window is lake.yaml's `attribution_window_days`: a session has a part in an order if it began at most so long before
the order was placed, and not after it. Both ends count. Of two that began at the same instant the one with the smaller
id came first.
"""

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shoplake.spark.day_spans import merged, overlaps
from shoplake.spark.sessions import interval


def with_placing(lines: DataFrame) -> DataFrame:
    """Lines of whole orders with `placed_at`: when the order's first line was ordered. Returns come later."""
    return lines.withColumn("placed_at", F.min("ordered_at").over(Window.partitionBy("order_id")))


def with_attribution(lines: DataFrame, sessions: DataFrame, window: timedelta) -> DataFrame:
    """Lines with `placed_at` and the first and the last of their customer's sessions in the window: when each began,
    its id and channel; nulls where there is none. A return is owed to what the order was owed to.
    """
    orders = lines.where(F.col("customer_id").isNotNull()).select("order_id", "customer_id", "placed_at").distinct()
    touches = sessions.select("customer_id", F.struct("started_at", "session_id", "channel").alias("touch"))
    is_owed = (F.col("order.customer_id") == F.col("session.customer_id")) & is_in_window(
        F.col("session.touch.started_at"), F.col("order.placed_at"), window
    )
    found = (
        orders.alias("order")
        .join(touches.alias("session"), on=is_owed, how="inner")
        .groupBy("order.order_id", "order.customer_id")
        .agg(F.min("session.touch").alias("first"), F.max("session.touch").alias("last"))
    )
    named = {"touch_at": "started_at", "touch_session_id": "session_id", "touch_channel": "channel"}
    columns = [
        F.col(f"{which}.{field}").alias(f"{which}_{name}")
        for which in ("first", "last")
        for name, field in named.items()
    ]
    return lines.join(found.select("order_id", "customer_id", *columns), on=["order_id", "customer_id"], how="left")


def owed_to(sales: DataFrame, sessions: DataFrame, window: timedelta) -> DataFrame:
    """The `order_id` of the lines of curated.sales in whose window one of these sessions began (`customer_id`,
    `started_at`), among them those that have it no longer.
    """
    known = sessions.where(F.col("customer_id").isNotNull()).select("customer_id", "started_at").persist()
    days = [row["day"] for row in known.select(F.to_date("started_at").alias("day")).distinct().collect()]
    near = sales.where(overlaps(merged((day, day + window) for day in days), "placed_at", "placed_at"))
    is_owed = (F.col("sale.customer_id") == F.col("session.customer_id")) & is_in_window(
        F.col("session.started_at"), F.col("sale.placed_at"), window
    )
    return near.alias("sale").join(known.alias("session"), on=is_owed, how="left_semi").select("order_id")


def is_in_window(started_at: Column, placed_at: Column, window: timedelta) -> Column:
    """Whether a session that began then has a part in an order that was placed then."""
    return started_at.between(placed_at - interval(window), placed_at)
