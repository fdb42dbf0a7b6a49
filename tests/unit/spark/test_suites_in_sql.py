"""Every rule of every suite can be asked: one slip in a rule's SQL would leave all rules of its table unanswered."""

import re

from pyspark.sql import functions as F

from quality.expectations.measured import BATCH, MeasuredExpectation, in_sql
from quality.quality_gate import suite_of
from quality.suites.every_table import of_references
from shoplake.config import load_lake
from shoplake.tables import CATALOG, load_tables


def test_spark_understands_every_rule(spark):
    lake, tables = load_lake("local"), [table for table in load_tables().values() if table.branched]
    empty = {t.name: spark.createDataFrame([], ", ".join(f"`{c.name}` {c.type}" for c in t.columns)) for t in tables}
    for name, rows in empty.items():
        rows.createOrReplaceTempView(name)
    asked = 0
    for table in tables:
        empty[table.name].createOrReplaceTempView(BATCH)
        rules = [*suite_of(table)(table, lake), *of_references(table, lake)]
        figures = [sql for rule in rules if isinstance(rule, MeasuredExpectation) for sql in rule.measures().values()]
        without_catalog = [re.sub(rf"{CATALOG}\.\w+\.", "", in_sql(sql)) for sql in figures]
        empty[table.name].agg(*map(F.expr, without_catalog))  # raises what Spark doesn't understand
        asked += len(figures)
    assert asked > 30
