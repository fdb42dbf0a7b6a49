"""Which days of a table hold what a batch reaches, as a condition by which Iceberg leaves out its other files."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

MOST_SPANS = 100  # each is a condition that Iceberg holds every file against

Span = tuple[date, date]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans of UTC days (first, last), those that touch or overlap made one; a single one where there are too many.

    One event far from all others, dated 1995 say, is a span of its own: it doesn't make the batch reach all years.
    """
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + timedelta(days=1):
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found if len(found) <= MOST_SPANS else [(found[0][0], max(last for _, last in found))]


def overlaps(spans: Iterable[Span], begin: str, end: str, margin: timedelta = timedelta(0)) -> Column:
    """Whether the time from column `begin` to column `end` (timestamps) meets one of the spans, give or take a margin.

    No span: never.
    """
    conditions = [
        (F.col(begin) < F.lit(_midnight(last + timedelta(days=1)) + margin))
        & (F.col(end) >= F.lit(_midnight(first) - margin))
        for first, last in spans
    ]
    return reduce(Column.__or__, conditions, F.lit(False))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
