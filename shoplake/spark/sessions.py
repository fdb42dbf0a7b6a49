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
    session, window = sessions.alias("session"), windows.alias("window")
    is_near = (
        (F.col("session.visitor_id") == F.col("window.visitor_id"))
        & (F.col("session.started_at") <= F.col("window.until_at") + interval(timeout))
        & (F.col("session.ended_at") >= F.col("window.from_at") - interval(timeout))
    )
    return session.join(window, on=is_near, how="left_semi")


def events_within(events: DataFrame, sessions: DataFrame) -> DataFrame:
    """The events that some sessions are made of."""
    event, session = events.alias("event"), sessions.alias("session")
    is_within = (F.col("event.visitor_id") == F.col("session.visitor_id")) & F.col("event.event_time").between(
        F.col("session.started_at"), F.col("session.ended_at")
    )
    return event.join(session, on=is_within, how="left_semi")


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
