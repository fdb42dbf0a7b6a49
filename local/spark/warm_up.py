"""Load and compile, ahead of the first job, what every job of the lake needs.

A JVM is slow at whatever it does first: classes of S3A, Parquet, Iceberg and the Glue catalog are
loaded and code is compiled. The warm-up does a little of each on a table of its own and removes it.
"""

import importlib
import traceback

import boto3
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

DATABASE = "spark_warm_up"
PREFIX = "_spark_warm_up"
BRANCH = "warm_up"
TABLE = f"glue_catalog.{DATABASE}.lines"
# Slow to import, used by jobs.
MODULES = ("great_expectations", "pyarrow.parquet")


def warm_up(session: SparkSession, bucket: str) -> None:
    """Write, merge and read a small table under s3://`bucket`/_spark_warm_up/, then remove every trace.

    A failure is only told to the driver's log: jobs run as well without a warm-up, more slowly.
    """
    try:
        _remove(session, bucket)
        _exercise(session, f"s3://{bucket}/{PREFIX}")
    except PySparkException:
        traceback.print_exc()
    finally:
        _remove(session, bucket)
    for module in MODULES:
        importlib.import_module(module)


def _exercise(session: SparkSession, folder: str) -> None:
    lines = session.range(20).select(
        F.col("id").cast("string").alias("line_id"),
        (F.col("id") % 5).cast("int").alias("quantity"),
        F.lit("9.90").cast("decimal(18,4)").alias("unit_price"),
        F.timestamp_seconds(F.col("id") * 86400).alias("ordered_at"),
    )
    lines.write.mode("overwrite").parquet(f"{folder}/staged")
    staged = session.read.parquet(f"{folder}/staged")
    newest_first = Window.partitionBy("line_id").orderBy(F.col("ordered_at").desc())
    winners = (
        staged.withColumn("place", F.row_number().over(newest_first)).where(F.col("place") == 1).drop("place")
    )
    winners.createOrReplaceTempView("winners")
    session.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{DATABASE} LOCATION '{folder}/tables'")
    session.sql(
        f"CREATE TABLE {TABLE} "
        "(line_id string, quantity int, unit_price decimal(18,4), ordered_at timestamp) "
        "USING iceberg PARTITIONED BY (days(ordered_at)) TBLPROPERTIES ('write.wap.enabled' = 'true')"
    )
    session.conf.set("spark.wap.branch", BRANCH)
    merge = (
        f"MERGE INTO {TABLE} t USING winners s ON t.line_id = s.line_id "
        "WHEN MATCHED AND s.ordered_at > t.ordered_at THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    for _ in range(2):
        session.sql(merge)
    amounts = F.sum(F.col("quantity") * F.col("unit_price"))
    session.table(TABLE).groupBy(F.to_date("ordered_at")).agg(amounts, F.count("*")).collect()


def _remove(session: SparkSession, bucket: str) -> None:
    """Drop the table and its database, and delete the objects with all their versions."""
    session.conf.unset("spark.wap.branch")
    session.sql(f"DROP TABLE IF EXISTS {TABLE}")
    session.sql(f"DROP NAMESPACE IF EXISTS glue_catalog.{DATABASE}")
    pages = (
        boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{PREFIX}/")
    )
    for page in pages:
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        if objects:
            boto3.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
