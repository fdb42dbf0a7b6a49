"""Visits: a visitor's events, cut where the visitor paused for more than the contract's timeout.

A stored session is all of its visitor's events between its start and its end, and another one is more than the timeout
away. So what new events reach is found from the sessions: those within the timeout of a new event, and no others.
"""

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shoplake.contracts import SessionRules
from shoplake.spark.amounts import MONEY
from shoplake.spark.traffic import with_traffic

PAGE_VIEWS = ("page_view", "product_view", "search")
ENGAGED_S = 10  # longer than this is engagement, as Google Analytics 4 has it
UNKNOWN = "(unknown)"
HASH_LENGTH = 32  # hexadecimal digits: 128 bits
EVENT = (
    "event_id", "event_time", "event_type", "visitor_id", "customer_id", "page_url", "referrer", "utm_source",
    "utm_medium", "utm_campaign", "device", "country", "value",
)  # fmt: skip
"""The columns of an event that its session is made from."""


def to_windows(points: DataFrame, timeout: timedelta) -> DataFrame:
    """Stretches of time in which a visitor's points (`visitor_id`, `event_time`) lie at most the timeout apart:
    `visitor_id`, `from_at`, `until_at`.
    """
    return (
        _cut(points, timeout, ["event_time"])
        .groupBy("visitor_id", "_visit")
        .agg(F.min("event_time").alias("from_at"), F.max("event_time").alias("until_at"))
        .drop("_visit")
    )


def reached_by(sessions: DataFrame, windows: DataFrame, timeout: timedelta) -> DataFrame:
    """The sessions of which an event lies within the timeout of one of its visitor's windows."""
    low, high = F.col("started_at") - interval(timeout), F.col("ended_at") + interval(timeout)
    return _meeting(sessions, low, high, windows)


def events_within(events: DataFrame, sessions: DataFrame) -> DataFrame:
    """The events that some sessions are made of."""
    spans = sessions.select("visitor_id", F.col("started_at").alias("from_at"), F.col("ended_at").alias("until_at"))
    return _meeting(events, F.col("event_time"), F.col("event_time"), spans)


def _meeting(rows: DataFrame, low: Column, high: Column, spans: DataFrame) -> DataFrame:
    """The rows whose stretch of time from `low` to `high` meets one of their visitor's spans, which don't overlap.

    Of the spans that begin by `high` the last one reaches furthest, and one pass in order of time finds it: a join by
    visitor compares each row with each span, which never ends for a visitor with thousands of both.
    """
    of_visitors = rows.join(spans.select("visitor_id").distinct(), on="visitor_id", how="left_semi")
    ends = of_visitors.withColumns({"_low": low, "_at": high, "_is_row": F.lit(True)})
    begins = spans.select("visitor_id", F.col("from_at").alias("_at"), F.col("until_at").alias("_until"))
    in_order = Window.partitionBy("visitor_id").orderBy("_at", F.col("_is_row").asc_nulls_first())
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    reach = F.last("_until", ignorenulls=True).over(so_far)
    found = ends.unionByName(begins, allowMissingColumns=True).withColumn("_reach", reach)
    return found.where(F.col("_is_row") & (F.col("_reach") >= F.col("_low"))).select(*rows.columns)


def to_sessions(events: DataFrame, rules: SessionRules, time_zone: str) -> DataFrame:
    """One row a session of these events (columns `EVENT`), as processed.sessions describes it."""
    first, last = _first("page_url"), _last("page_url")
    is_page = F.col("event_type").isin(*PAGE_VIEWS)
    begin = F.struct("event_time", "event_id", *(name for name in EVENT if name not in ("event_time", "event_id")))
    visits = (
        _cut(events, rules.timeout, ["event_time", "event_id"])
        .groupBy("visitor_id", "_visit")
        .agg(
            F.min(begin).alias("_first"),
            F.max("event_time").alias("ended_at"),
            F.count("*").alias("events"),
            _count(is_page).alias("page_views"),
            _count(F.col("event_type") == "product_view").alias("product_views"),
            _count(F.col("event_type") == "add_to_cart").alias("add_to_carts"),
            _count(F.col("event_type") == "checkout_start").alias("checkouts"),
            _count(F.col("event_type") == "purchase").alias("purchases"),
            F.sum(F.when(F.col("event_type") == "purchase", F.col("value"))).alias("_revenue"),
            first["page_url"].alias("landing_page"),
            last["page_url"].alias("exit_page"),
            _last("customer_id")["customer_id"].alias("customer_id"),
        )
    )
    started = F.col("_first.event_time")
    duration_s = (F.unix_micros("ended_at") - F.unix_micros(started)) / 1_000_000
    is_engaged = (duration_s > ENGAGED_S) | (F.col("page_views") >= 2) | (F.col("purchases") > 0)
    session_id = F.substring(F.sha2(F.to_json(F.struct("visitor_id", "_first.event_id")), 256), 1, HASH_LENGTH)
    return with_traffic(visits, "_first").withColumns(
        {
            "session_id": session_id,
            "started_at": started,
            "session_day": F.to_date(F.from_utc_timestamp(started, time_zone)),
            "duration_s": duration_s,
            "revenue": F.coalesce("_revenue", F.lit(0)).cast(MONEY),
            "device": F.coalesce("_first.device", F.lit(UNKNOWN)),
            "country": F.coalesce("_first.country", F.lit(UNKNOWN)),
            "campaign": F.col("_first.utm_campaign"),
            "is_bounce": (F.col("page_views") == 1) & ~is_engaged,
            "is_engaged": is_engaged,
            "is_converted": F.col("purchases") > 0,
            "is_overlong": duration_s > rules.longest.total_seconds(),
        }
    )


def _cut(events: DataFrame, timeout: timedelta, order: list[str]) -> DataFrame:
    """The events with `_visit`, which counts a visitor's pauses of more than the timeout before each."""
    in_order = Window.partitionBy("visitor_id").orderBy(*order)
    before = F.lag("event_time").over(in_order)
    begins = F.when(F.col("event_time") > before + interval(timeout), 1).otherwise(0)
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return events.withColumn("_begins", begins).withColumn("_visit", F.sum("_begins").over(so_far)).drop("_begins")


def interval(duration: timedelta) -> Column:
    """A length of time, to be added to instants."""
    return F.expr(f"interval {int(duration.total_seconds())} seconds")


def _first(name: str) -> Column:
    """The first event that has a value in a column: a struct with it."""
    return F.min(F.when(F.col(name).isNotNull(), F.struct("event_time", "event_id", name)))


def _last(name: str) -> Column:
    return F.max(F.when(F.col(name).isNotNull(), F.struct("event_time", "event_id", name)))


def _count(condition: Column) -> Column:
    return F.count(F.when(condition, 1))
