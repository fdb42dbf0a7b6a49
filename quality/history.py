"""What earlier runs came to, from processed.quality_results: the figures that are usual, and the last whole check."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from quality.bands import LEAST_ROWS_OF_A_SHARE, MOST_RUNS
from shoplake.spark.job import JobRun
from shoplake.times import parse

RESULTS, RUNS = "processed.quality_results", "processed.runs"
REMEMBERED_DAYS = 90
VOLUME, NULL_RATE = "expect_usual_volume", "expect_usual_null_rate"


@dataclass(frozen=True)
class History:
    """Figures of the newest published runs, by table, kind of expectation and column; when tables were last checked
    whole, and whether a run was ever checked.
    """

    figures: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    checked_whole_at: datetime | None = None
    is_empty: bool = True

    def of(self, table: str, kind: str, column: str) -> list[float]:
        return self.figures.get((table, kind, column), [])

    def is_whole_due(self, as_of: datetime, after_h: int) -> bool:
        """Whether all rows are to be checked beside the touched ones: the last time is so many hours ago. Never in a
        lake's first run, which touches all there is.
        """
        if self.is_empty:
            return False
        return self.checked_whole_at is None or as_of - self.checked_whole_at >= timedelta(hours=after_h)


def read_history(run: JobRun) -> History:
    """What runs before this one came to, by the arrival of their last file. Only published runs say what is usual."""
    as_of = parse(run.summary["last_arrival"])
    rows = run.spark.sql(
        f"""
        WITH results AS (SELECT * FROM {run.table_name(RESULTS)}
                         WHERE run_id <> '{run.run_id}' AND checked_at <= TIMESTAMP '{as_of.isoformat()}'),
        figures AS (
            SELECT q.*, row_number() OVER (PARTITION BY table_name, expectation_type, column_name
                                           ORDER BY checked_at DESC, q.run_id DESC) AS newest
            FROM results q JOIN {run.table_name(RUNS)} r ON q.run_id = r.run_id
            WHERE r.state = 'succeeded' AND observed IS NOT NULL
              AND checked_at > TIMESTAMP '{as_of.isoformat()}' - INTERVAL {REMEMBERED_DAYS} DAYS
              AND (expectation_type = '{VOLUME}'
                   OR expectation_type = '{NULL_RATE}' AND checked_rows >= {LEAST_ROWS_OF_A_SHARE})
        )
        SELECT table_name, expectation_type, column_name, observed, checked_at FROM figures WHERE newest <= {MOST_RUNS}
        UNION ALL
        SELECT NULL, NULL, NULL, count(*), max(CASE WHEN is_whole THEN checked_at END) FROM results
        """
    ).collect()
    figures = defaultdict(list)
    for row in rows:
        if row["table_name"] is not None:
            figures[row["table_name"], row["expectation_type"], row["column_name"]].append(row["observed"])
    (total,) = [row for row in rows if row["table_name"] is None]
    at = total["checked_at"]
    return History(dict(figures), at and at.astimezone(as_of.tzinfo), total["observed"] == 0)
