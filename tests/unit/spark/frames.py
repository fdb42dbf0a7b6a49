"""Rows for tests: staged ones, each a good row of a dataset overridden case by case; and those of tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.transaction_etl import judge
from shoplake.contracts import Contract, load_contract
from shoplake.spark.conform import conform, staged_schema
from shoplake.tables import Table

CONTRACT = load_contract("transactions")
GOOD = {
    "order_id": "A1",
    "product_id": "P1",
    "quantity": "2",
    "unit_price": "2.50",
    "ordered_at": "2010-12-01 08:26:00",
}
ARRIVED = datetime(2011, 1, 1, tzinfo=UTC)


def staged(
    spark: SparkSession,
    *rows: dict,
    file: int = 0,
    arrived: datetime = ARRIVED,
    contract: Contract = CONTRACT,
    good: dict = GOOD,
) -> DataFrame:
    """Rows as the validator stages them; the line number counts from 2."""
    schema = staged_schema(contract)
    schema = T.StructType(
        [
            *schema.fields,
            T.StructField("_file", T.IntegerType()),
            T.StructField("_source_key", T.StringType()),
            T.StructField("_arrived_at", T.TimestampType()),
        ]
    )
    records = []
    for line, row in enumerate(rows, start=2):
        values = {"_line": line, "_raw": str(row), "_file": file, "_source_key": f"raw/{file}.csv", **good, **row}
        records.append(
            tuple(values.get(field.name, arrived if field.name == "_arrived_at" else None) for field in schema)
        )
    return spark.createDataFrame(records, schema).withColumnRenamed("_line", "_source_line")


def conformed(spark: SparkSession, *rows: dict, source: str = "plain", **where) -> DataFrame:
    """Typed rows of a source, with what the job adds of it."""
    found = CONTRACT.source(source)
    return conform(staged(spark, *rows, **where), CONTRACT, found).withColumns(
        {"_is_keyed_by_content": F.lit(found.key == "lines"), "_repeats": F.lit(found.repeats)}
    )


def judged(spark: SparkSession, *rows: dict, source: str = "plain", **where) -> DataFrame:
    """Rows with key, hash and outcome; computed once, as the job does, which keeps later plans small."""
    return judge(conformed(spark, *rows, source=source, **where), CONTRACT, "GBP").localCheckpoint()


def only(frame: DataFrame) -> dict:
    """The one row of a frame."""
    (row,) = frame.collect()
    return row.asDict(recursive=True)


def rules_broken(spark: SparkSession, **cells) -> list[tuple[str, str]]:
    """Column and rule of each problem of the good row with some cells changed."""
    rows = judged(spark, cells, source="shop" if "line_number" in cells else "plain")
    row = only(rows.select("_problems"))  # Python can't hold every instant that Spark can
    return [(problem["column"], problem["rule"]) for problem in row["_problems"]]


def of_table(spark: SparkSession, table: Table, rows: Sequence[Mapping[str, object]]) -> DataFrame:
    """Rows of a declared table of which some cells are given, as JSON has them; the others are null."""
    unknown = {name for row in rows for name in row} - set(table.column_names)
    assert not unknown, f"{table.full_name}: no column: {unknown}"
    texts = spark.createDataFrame([(json.dumps(row),) for row in rows], "row string")
    schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    return texts.select(F.from_json("row", schema).alias("row")).select("row.*")
