"""The lake's latest day, its "today": no job reads the clock (docs/decisions/0014)."""

from collections.abc import Iterable
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.job import JobRun

DAYS = {"processed.transactions": "order_day", "processed.events": "event_day"}


def latest_day(run: JobRun) -> date | None:
    """The greatest day with an accepted order or event, in the reporting time zone; None in a lake with neither.

    Days of robots count: a day that only they came on has passed too, and the days come from the files' metadata alone.
    """
    return latest_of(run.table(name).select(column) for name, column in DAYS.items())


def latest_of(days: Iterable[DataFrame]) -> date | None:
    """The greatest day of some frames of one column. Iceberg answers each from its metadata: no scan."""
    greatest = [frame.agg(F.max(frame.columns[0]).alias("day")) for frame in days]
    return reduce(DataFrame.union, greatest).agg(F.max("day")).first()[0]
