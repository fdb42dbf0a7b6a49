"""How a curated table takes its recomputed rows."""

from pyspark.sql import DataFrame, Row

from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, by_action, counts_of, write_changes


def write(run: JobRun, name: str, changes: DataFrame, bounds: Bounds, counts: list[Row] | None = None) -> None:
    """Write the rows with an action. `counts`: how many of each, where that is known already."""
    counted = by_action(changes.groupBy(ACTION).count().collect() if counts is None else counts)
    run.ledger.tables[name] = counts_of(counted)
    write_changes(run.table_name(name), run.declared(name), changes, counted, bounds)
    changes.unpersist()
