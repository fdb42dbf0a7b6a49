"""Clicks: the run's staged events -> processed.events, the visits that they make -> processed.sessions, and these by
hour and by day, channel and device -> curated.traffic_hourly and curated.conversion_funnel; on the run's branch.

An event counts once, however many files have it. Robots are kept, flagged, and part of no session. Only the sessions
that a new event reaches are made anew, from their own events and the new ones; only days of which a session changed
are summed anew. So the work follows the visitors touched and the days they came on, not the lake
(docs/decisions/0016). Read by analysts, and by the master merge.
"""

from datetime import date, timedelta

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from shoplake.contracts import Contract, SessionRules, load_contract
from shoplake.spark.amounts import MONEY
from shoplake.spark.conform import IS_ROBOT, PROBLEMS
from shoplake.spark.day_spans import merged, overlaps
from shoplake.spark.intake import by_outcome, settle_ledger, take_in
from shoplake.spark.job import JobRun
from shoplake.spark.sessions import EVENT, events_within, reached_by, to_sessions, to_windows
from shoplake.spark.upsert import ACTION, Bounds, by_action, compare_rows, counts_of, ends, write_changes
from shoplake.spark.winners import INSERT, OUTCOME, QUARANTINED, UPDATE, decide, row_hash

DATASET = "clickstream"
EVENTS, SESSIONS = "processed.events", "processed.sessions"
TRAFFIC, FUNNEL = "curated.traffic_hourly", "curated.conversion_funnel"
HASH_LENGTH = 32  # hexadecimal digits of the event's hash in its id: 128 bits
HELD = {"_held_time": "event_time", "_held_visitor": "visitor_id", "_held_is_robot": IS_ROBOT, "_held_day": "event_day",
        "_held_product": "product_id"}  # fmt: skip
"""What is brought along of a stored event that a new one may replace."""


def judge(conformed: DataFrame, contract: Contract, time_zone: str) -> DataFrame:
    """Every staged event with its id, day and hash, and quarantined where it breaks a rule.

    Where the source names no events, an event's id is a hash of what it says and its occurrence among identical
    events of the file. Whether a robot sent it is no part of the id: the list of robots is another in a later release.
    """
    said = [c.name for c in contract.columns if c.name in conformed.columns and c.name != "event_id"]
    hashed = conformed.withColumns({"_row_hash": row_hash([*said, IS_ROBOT]), "_content": row_hash(said)})
    is_rejected = F.size(PROBLEMS) > 0
    alike = Window.partitionBy("_file", "_content", is_rejected).orderBy(IS_ROBOT, "_source_line")
    content_id = F.concat_ws("-", F.substring("_content", 1, HASH_LENGTH), F.row_number().over(alike))
    judged = hashed.withColumns(
        {
            "event_id": F.when(F.col("_is_keyed_by_content"), content_id).otherwise(F.col("event_id")),
            "event_day": F.to_date(F.from_utc_timestamp("event_time", time_zone)),
            "updated_at": _never(),
            OUTCOME: F.when(is_rejected, QUARANTINED),
        }
    )
    return judged.drop("_content")


def _never():
    """An event has no versions at its source: the file that came last wins."""
    return F.lit(None).cast("timestamp")


def to_hours(sessions: DataFrame) -> DataFrame:
    """Sessions by the hour in which they began."""
    return (
        sessions.groupBy(F.date_trunc("hour", "started_at").alias("hour_at"), "session_day")
        .agg(
            F.count("*").alias("sessions"),
            F.countDistinct("visitor_id").alias("visitors"),
            F.sum("events").alias("events"),
            F.sum("page_views").alias("page_views"),
            F.count(F.when(F.col("is_converted"), 1)).alias("conversions"),
            F.sum("revenue").cast(MONEY).alias("revenue"),
        )
        .withColumn("conversion_rate", F.col("conversions") / F.col("sessions"))
    )


def to_funnel(sessions: DataFrame) -> DataFrame:
    """Sessions by day, channel and device, and how many of them got as far as each step, or further."""
    is_far = F.lit(False)
    reached = {}
    for step, events in (("purchase", "purchases"), ("checkout", "checkouts"), ("cart", "add_to_carts"),
                         ("view", "product_views")):  # fmt: skip
        is_far = is_far | (F.col(events) > 0)
        reached[step] = F.count(F.when(is_far, 1)).alias(f"with_{step}")
    rates = {"view_rate": "view", "cart_rate": "cart", "checkout_rate": "checkout", "conversion_rate": "purchase"}
    return (
        sessions.groupBy("session_day", "channel", "device")
        .agg(
            F.count("*").alias("sessions"),
            *reached.values(),
            F.count(F.when(F.col("is_bounce"), 1)).alias("bounces"),
            F.sum("revenue").cast(MONEY).alias("revenue"),
        )
        .withColumns({name: F.col(f"with_{step}") / F.col("sessions") for name, step in rates.items()})
    )


def main() -> None:
    """Judge and decide, cut the visits that are reached, write both, sum their days."""
    run = JobRun.from_argv("clickstream_aggregation", writes=(EVENTS, SESSIONS, TRAFFIC, FUNNEL))
    contract, table = load_contract(DATASET), run.declared(EVENTS)
    bounding = bounding_columns(contract, run.summary["files"][DATASET])
    judged = judge(run.conformed(DATASET), contract, run.lake.inventory.reporting_time_zone)
    intake = take_in(run, contract, judged, bounding)
    bounds = intake.bounds(bounding)
    near = run.table(EVENTS).where(bounds.condition()).withColumn("updated_at", _never())
    carry = {name: F.col(column) for name, column in HELD.items()}
    decided = decide(intake.valid, near, list(table.key), run.run_id, carry).persist()
    days = (F.to_date("event_time").alias("day"), F.to_date("_held_time").alias("held_day"))
    groups = decided.groupBy("_file", OUTCOME, ACTION, *days).count().collect()
    settle_ledger(run, intake, by_outcome(groups))
    counted = by_action(groups)
    run.ledger.tables[EVENTS] = counts_of(counted)
    session_days: set[date] = set()
    if any(run.ledger.tables[EVENTS].values()):
        write_touched_events(run, decided)
        session_days = merge_sessions(run, contract.sessions, decided, groups)
    write_changes(run.table_name(EVENTS), table, decided, counted, bounds)
    intake.rows.unpersist()
    sum_days(run, session_days)
    run.finish()


def bounding_columns(contract: Contract, files: list[dict]) -> list[str]:
    """Columns whose range in the batch bounds the events that it can meet in the table.

    The id always does. The time does where every id holds a hash of the event, time included.
    """
    keyed_by_content = all(contract.source(file["source"]).key == "lines" for file in files)
    return ["event_id", "event_time"] if keyed_by_content else ["event_id"]


def write_touched_events(run: JobRun, decided: DataFrame) -> None:
    """Days and products of the events that changed, where they are and where they were."""
    changed = decided.where(F.col(ACTION).isin(INSERT, UPDATE))
    was_there = F.col("_held_day").isNotNull()
    before = changed.where(was_there).select(F.col("_held_product").alias("product_id"), F.col("_held_day"))
    run.write_touched(EVENTS, changed.select("product_id", "event_day").union(before).distinct())


def merge_sessions(run: JobRun, rules: SessionRules, decided: DataFrame, groups: list[Row]) -> set[date]:
    """Bring processed.sessions up to date with the events that changed. Returns the days of sessions that changed."""
    table, timeout = run.declared(SESSIONS), rules.timeout
    seen = [group for group in groups if group[ACTION] in (INSERT, UPDATE)]
    touched_days = {day for group in seen for day in (group["day"], group["held_day"]) if day is not None}
    near = run.table(SESSIONS).where(
        overlaps(merged((day, day) for day in touched_days), "started_at", "ended_at", timeout)
    )
    reached = reached_by(near, to_windows(touched_points(decided), timeout), timeout).persist()
    stretches = (F.to_date("started_at").alias("first"), F.to_date("ended_at").alias("last"))
    found = reached.groupBy("session_day", *stretches).agg(*ends(["started_at"])).collect()

    spans = merged((group["first"], group["last"]) for group in found)
    stored = run.table(EVENTS).where(overlaps(spans, "event_time", "event_time"))
    events = events_to_cut(decided, stored, reached)
    computed = to_sessions(events, rules, run.lake.inventory.reporting_time_zone)
    computed = computed.withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
    changes = compare_rows(computed, reached, table, deletes=True).persist()
    of_changes = changes.groupBy(ACTION, "session_day").agg(F.count("*").alias("count"), *ends(["started_at"]))
    made = of_changes.collect()
    counted = by_action(made)
    run.ledger.tables[SESSIONS] = counts_of(counted)
    days = {group["session_day"] for group in [*made, *found]} - {None}
    run.ledger.touch("session_day", days)  # without a change too: the gate looks there for every event of the run
    if not any(run.ledger.tables[SESSIONS].values()):
        return set()
    keys = ("session_id", "visitor_id", "customer_id", "session_day", "started_at")
    changed = changes.where(F.col(ACTION).isin(INSERT, UPDATE)).select(*keys)
    run.write_touched(SESSIONS, changed.union(reached.select(*keys)).distinct())
    bounds = Bounds.of_groups([*made, *found], changes.schema, ["started_at"])
    write_changes(run.table_name(SESSIONS), table, changes, counted, bounds)
    return days


def touched_points(decided: DataFrame) -> DataFrame:
    """Where sessions may be others now: `visitor_id` and `event_time` of events that are new, and of those that were
    there before another version took their place. Robots touch nothing.
    """
    now = F.when(~F.col(IS_ROBOT), F.struct("visitor_id", "event_time"))
    held = F.struct(F.col("_held_visitor").alias("visitor_id"), F.col("_held_time").alias("event_time"))
    before = F.when(~F.col("_held_is_robot"), held)  # null where there was none
    changed = decided.where(F.col(ACTION).isin(INSERT, UPDATE))
    return changed.select(F.explode(F.array_compact(F.array(now, before))).alias("point")).select("point.*")


def events_to_cut(decided: DataFrame, stored: DataFrame, reached: DataFrame) -> DataFrame:
    """The events that the reached sessions come to be made of: theirs as far as they stay as they are, and those that
    are new or another version.
    """
    changed = decided.where(F.col(ACTION).isin(INSERT, UPDATE))
    kept = events_within(stored.where(~F.col(IS_ROBOT)).select(*EVENT), reached)
    kept = kept.join(changed.select("event_id"), on="event_id", how="left_anti")
    return changed.where(~F.col(IS_ROBOT)).select(*EVENT).unionByName(kept.select(*EVENT))


def sum_days(run: JobRun, days: set[date]) -> None:
    """Sum some days of sessions anew, by hour and as a funnel; hours and groups without a session are deleted."""
    if not days:
        run.ledger.tables |= {TRAFFIC: counts_of({}), FUNNEL: counts_of({})}
        return
    # A day of the reporting time zone lies within the UTC days around it.
    spans = merged((day - timedelta(days=1), day + timedelta(days=1)) for day in days)
    on_days = F.col("session_day").isin(list(days))
    sessions = run.table(SESSIONS).where(on_days & overlaps(spans, "started_at", "started_at")).persist()
    for name, summed in ((TRAFFIC, to_hours(sessions)), (FUNNEL, to_funnel(sessions))):
        table, stored = run.declared(name), run.table(name).where(on_days)
        summed = summed.withColumn("_run_id", F.lit(run.run_id)).select(*table.column_names)
        changes = compare_rows(summed, stored, table, deletes=True).persist()
        counted = by_action(changes.groupBy(ACTION).count().collect())
        run.ledger.tables[name] = counts_of(counted)
        write_changes(run.table_name(name), table, changes, counted, Bounds.of_values("session_day", days))
        changes.unpersist()
    sessions.unpersist()


if __name__ == "__main__":
    main()
