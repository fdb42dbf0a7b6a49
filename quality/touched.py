"""Which rows the gate checks: what the run touched of each table, as the run's branch has it.

The tables' files say how (`checked_by` in tables/): no table is named here.
"""

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shoplake.spark.job import JobRun
from shoplake.tables import Table, load_tables


def touched_frames(run: JobRun) -> dict[str, DataFrame]:
    """The touched rows of each table that the run touched, by the table's full name.

    Tables that are checked by the same values are touched together, whichever of them the run changed: a sum that
    should have changed and didn't is found too. Each frame is a view under the table's name, for rules that compare
    tables; of a table that wasn't touched the view is empty.
    """
    tables = [table for table in load_tables().values() if table.branched]
    names = dict.fromkeys(table.checked_by.values for table in tables if table.checked_by)
    values = {name: _values(run, name, tables) for name in names}
    frames = {}
    for table in tables:
        touched = values[table.checked_by.values] if table.checked_by else run.has_changed(table.full_name)
        if touched:
            frames[table.full_name] = _rows(run, table, touched)
        rows = frames[table.full_name] if touched else _nothing(run, table)
        rows.createOrReplaceTempView(table.name)
    return frames


def whole_frames(run: JobRun) -> dict[str, DataFrame]:
    """All rows of each table that runs write, as the run has them, each also the view under the table's name."""
    frames = {table.full_name: run.table(table.full_name) for table in load_tables().values() if table.branched}
    for name, rows in frames.items():
        rows.createOrReplaceTempView(run.declared(name).name)
    return frames


def _values(run: JobRun, name: str, tables: list[Table]) -> DataFrame | list[date]:
    """The values that jobs of this run touched of the tables that are checked by `name`: days as a list, by which
    partitions are pruned; keys as a frame of their column, cached. Empty where they touched none.
    """
    members = [table for table in tables if table.checked_by and table.checked_by.values == name]
    told = [(table, run.touched(table.full_name)) for table in members]
    frames = [keys.select(F.col(table.checked_by.column).alias(name)) for table, keys in told if keys is not None]
    union = reduce(DataFrame.union, frames).distinct() if frames else None
    if members[0].type_of(members[0].checked_by.column) == "date":
        days = run.touched_days(name)
        return sorted(days | {row[name] for row in union.collect()} if union is not None else days)
    return [] if union is None else union.persist()


def _rows(run: JobRun, table: Table, touched: DataFrame | list[date] | bool) -> DataFrame:
    rows = run.table(table.full_name)
    if table.checked_by is None:
        return rows.where(F.col("_run_id") == run.run_id)
    column = table.checked_by.column
    if isinstance(touched, list):
        return rows.where(F.col(column).isin(touched))
    keys = touched.withColumnRenamed(table.checked_by.values, column)
    return rows.join(keys, on=column, how="left_semi").select(*rows.columns)


def _nothing(run: JobRun, table: Table) -> DataFrame:
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return run.spark.createDataFrame([], schema)
