"""Load and compile, ahead of the first job, what every job of the lake needs.

A JVM is slow at whatever it does first: classes of S3A, Parquet, Iceberg and the Glue catalog are
loaded and code is compiled. The warm-up does a little of each in a bucket and a database of its own
and removes both.
"""

import importlib

import boto3
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

BUCKET = "spark-warm-up"
DATABASE = "spark_warm_up"
BRANCH = "warm_up"
TABLE = f"glue_catalog.{DATABASE}.lines"
# Slow to import, used by jobs.
MODULES = ("great_expectations", "pyarrow.parquet")


def warm_up(session: SparkSession) -> None:
    """Write, merge and read a small table, remove every trace of it, and import what jobs import."""
    _remove(session)  # what an earlier one left that was cut off
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    try:
        _exercise(session, f"s3://{BUCKET}")
    finally:
        _remove(session)
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
    winners = staged.withColumn("place", F.row_number().over(newest_first)).where(F.col("place") == 1).drop("place")
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


def _remove(session: SparkSession) -> None:
    """Drop the table and its database, and delete the bucket with all that is in it."""
    session.conf.unset("spark.wap.branch")
    session.sql(f"DROP TABLE IF EXISTS {TABLE}")
    session.sql(f"DROP NAMESPACE IF EXISTS glue_catalog.{DATABASE}")
    s3 = boto3.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for item in page.get("Contents", []):
                s3.delete_object(Bucket=BUCKET, Key=item["Key"])
        s3.delete_bucket(Bucket=BUCKET)
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] != "NoSuchBucket":
            raise
