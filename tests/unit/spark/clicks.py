"""Events for tests: one good row, overridden case by case; and typed events as the job decides on them."""

from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.clickstream_aggregation import judge
from shoplake.contracts import load_contract
from shoplake.spark.conform import conform
from shoplake.spark.sessions import to_sessions
from tests.unit.spark.frames import staged

CONTRACT = load_contract("clickstream")
CLICK = {"event_time": "2010-12-01 08:26:00", "event_type": "page_view", "visitor_id": "ann"}
MIDNIGHT = datetime(2025, 3, 3, tzinfo=UTC)
EVENT_SCHEMA = (
    "event_id string, event_time timestamp, event_type string, visitor_id string, customer_id string, page_url string, "
    "referrer string, utm_source string, utm_medium string, utm_campaign string, device string, country string, "
    "value decimal(18,4)"
)


def judged(spark: SparkSession, *rows: dict, source: str = "plain", **where) -> DataFrame:
    """Staged rows with id, day, hash and outcome; computed once, as the job does."""
    found = CONTRACT.source(source)
    typed = conform(staged(spark, *rows, contract=CONTRACT, good=CLICK, **where), CONTRACT, found)
    typed = typed.withColumn("_is_keyed_by_content", F.lit(found.key == "lines"))
    return judge(typed, CONTRACT, "Europe/London").localCheckpoint()


def events(spark: SparkSession, *clicks: dict) -> DataFrame:
    """Events of `ann`, each a page view of its own; `at` is in minutes after midnight."""
    names = [part.split()[0] for part in EVENT_SCHEMA.split(", ")]
    rows = []
    for number, click in enumerate(clicks):
        cells = {"event_id": f"e{number:03}", "event_type": "page_view", "visitor_id": "ann", **click}
        cells["event_time"] = MIDNIGHT + timedelta(minutes=cells.pop("at"))
        rows.append(tuple(cells.get(name) for name in names))
    return spark.createDataFrame(rows, EVENT_SCHEMA)


def sessions(spark: SparkSession, *clicks: dict) -> list[dict]:
    """The sessions of these events, in order of time."""
    found = to_sessions(events(spark, *clicks), CONTRACT.sessions, "Europe/London")
    return [row.asDict() for row in found.orderBy("started_at", "visitor_id").collect()]


def aware(at: datetime) -> datetime:
    """An instant as Spark hands it over: in the machine's time zone, without saying so."""
    return at.astimezone(UTC)
