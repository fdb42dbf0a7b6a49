"""Scores of customers by recency, frequency and monetary value, and the segments that they make.

docs/customer-segments.md says in words what stands here.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

BEST = 5  # quintiles: scores are 1 to 5, higher is better
SCORED = {"recency_score": "last_order_day", "frequency_score": "completed_orders", "monetary_score": "spend"}
"""Each score, and the column whose greater values are better."""
NO_SEGMENT = "prospects"  # customers without a completed order, who have no scores


@dataclass(frozen=True)
class Segment:
    """Customers whose scores lie in these ranges, both ends included."""

    name: str
    recency: tuple[int, int]
    frequency: tuple[int, int]
    monetary: tuple[int, int] = (1, BEST)

    @property
    def sql(self) -> str:
        """The condition on a row with scores."""
        ranges = zip(SCORED, (self.recency, self.frequency, self.monetary), strict=True)
        return " AND ".join(f"{score} BETWEEN {low} AND {high}" for score, (low, high) in ranges)


SEGMENTS = (
    Segment("champions", (4, 5), (4, 5), (4, 5)),
    Segment("loyal", (3, 5), (4, 5)),
    Segment("big_spenders", (3, 5), (1, 3), (5, 5)),
    Segment("new", (4, 5), (1, 1)),
    Segment("promising", (4, 5), (2, 3)),
    Segment("needs_attention", (3, 3), (1, 3)),
    Segment("cannot_lose", (1, 2), (4, 5), (4, 5)),
    Segment("at_risk", (1, 2), (4, 5)),
    Segment("at_risk", (1, 2), (1, 3), (4, 5)),
    Segment("hibernating", (2, 2), (1, 3)),
    Segment("lost", (1, 1), (1, 3)),
)
"""The first that fits is a customer's. For every three scores one does."""


def segment_sql() -> str:
    """The segment of a row with scores, as an expression in SQL."""
    cases = " ".join(f"WHEN {segment.sql} THEN '{segment.name}'" for segment in SEGMENTS)
    return f"CASE WHEN recency_score IS NULL THEN '{NO_SEGMENT}' {cases} END"


def with_scores(customers: DataFrame) -> DataFrame:
    """Customers with their scores and `rfm_segment`. Compared are those with a completed order; the others have none.

    A score is the quintile of percent_rank, so that customers who are equal have the same one.
    """
    is_scored = F.col("completed_orders") > 0
    scores = {
        score: F.when(is_scored, _quintile(F.percent_rank().over(Window.partitionBy(is_scored).orderBy(measure))))
        for score, measure in SCORED.items()
    }
    return customers.withColumns(scores).withColumn("rfm_segment", F.expr(segment_sql()))


def _quintile(share: Column) -> Column:
    return F.least(F.lit(BEST), F.floor(BEST * share) + 1).cast("int")
