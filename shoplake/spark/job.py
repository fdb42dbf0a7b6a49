"""One job's part of a run: its input, its tables on the run's branch, its page of the ledger."""

import json
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shoplake.aws import get_json, put_json
from shoplake.config import Lake, load_lake
from shoplake.contracts import Contract, load_contract
from shoplake.personal_data import HashKey, read_key
from shoplake.spark.conform import conform, staged_schema
from shoplake.spark.personal import protect
from shoplake.tables import Table, load_tables
from shoplake.times import parse
from shoplake.verdicts import read_ledgers

_FILES = T.StructType(
    [
        T.StructField("_file", T.IntegerType(), False),
        T.StructField("_source_key", T.StringType(), False),
        T.StructField("_arrived_at", T.TimestampType(), False),
    ]
)


@dataclass
class Ledger:
    """What a job made of its rows: five counts a file, three a table. `shoplake.receipt` reads it.

    `touched` has days by the name under which tables are checked for them (`checked_by` in tables/): of those the job
    changed a row, where the row is and where it was. `keys` has the schema of what it wrote of a table's changed rows.
    """

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    touched: dict[str, set[date]] = field(default_factory=dict)

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)

    def touch(self, column: str, days: Iterable[date]) -> None:
        """Say that rows of some days changed, so that the gate checks all tables that are `checked_by` this column."""
        self.touched.setdefault(column, set()).update(days)


class JobRun:
    """A job within a run. Reads and writes the run's branch: `spark.wap.branch` is set for the whole session.

    Of the tables that the job `writes` the branch is dropped first: a second attempt must begin from main, or it
    would find its rows there already and take nothing for changed.
    """

    def __init__(self, job: str, lake: Lake, run_id: str, spark: SparkSession, writes: Sequence[str] = ()):
        self.job, self.lake, self.run_id, self.spark = job, lake, run_id, spark
        self.keys = lake.run_keys(run_id)
        self.ledger = Ledger()
        self._started = time.monotonic()
        for name in writes:
            drop_branch(spark, self.table_name(name), run_id)
        spark.conf.set("spark.wap.branch", run_id)

    @classmethod
    def from_argv(cls, job: str, writes: Sequence[str] = ()) -> "JobRun":
        """The run that Glue's arguments name (`--run_id --env --account`); `writes` in declared names."""
        given = getResolvedOptions(sys.argv, ["run_id", "env", "account"])
        lake = load_lake(given["env"], given["account"])
        return cls(job, lake, given["run_id"], SparkSession.builder.getOrCreate(), writes)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run's files by dataset, and its last arrival."""
        return get_json(self.lake.bucket, self.keys.summary)

    @property
    def hash_key(self) -> HashKey:
        """The key with which personal values are hashed."""
        return read_key(self.lake)

    def conformed(self, dataset: str) -> DataFrame:
        """The dataset's staged rows of this run, typed, with `_problems` and where each row came from.

        Nothing in their columns is personal: it is dropped, masked or hashed as the contract says.
        """
        contract = load_contract(dataset)
        by_source: dict[str, list[dict]] = {}
        for file in self.summary["files"][dataset]:
            by_source.setdefault(file["source"], []).append(file)
        frames = [
            conform(self._staged(files, contract), contract, contract.source(source)).withColumns(
                {
                    "_is_keyed_by_content": F.lit(contract.source(source).key == "lines"),
                    "_repeats": F.lit(contract.source(source).repeats),
                }
            )
            for source, files in sorted(by_source.items())
        ]
        union = frames[0]
        for frame in frames[1:]:
            union = union.unionByName(frame)
        if not contract.personal:
            return union
        return protect(union, contract, self.hash_key if "hash" in contract.personal.values() else None)

    def _staged(self, files: list[dict], contract: Contract) -> DataFrame:
        """Staged records of some files, with the file's number, key and arrival beside each."""
        paths = [self.lake.uri(file["staged_key"]) for file in files]
        records = self.spark.read.schema(staged_schema(contract)).parquet(*paths)
        number = F.regexp_extract("_metadata.file_name", r"^(\d+)\.parquet$", 1).cast("int")
        origins = self.spark.createDataFrame(
            [(file["number"], file["key"], parse(file["arrived_at"])) for file in files], _FILES
        )
        return (
            records.withColumn("_file", number)
            .join(F.broadcast(origins), on="_file", how="inner")
            .withColumnRenamed("_line", "_source_line")
        )

    def table_name(self, full_name: str) -> str:
        """A declared table's name in Spark's catalog."""
        return load_tables()[full_name].spark_name(self.lake)

    def table(self, full_name: str) -> DataFrame:
        """A table as this run sees it: its branch where it has written, else main."""
        return self.spark.table(self.table_name(full_name))

    def declared(self, full_name: str) -> Table:
        return load_tables()[full_name]

    def touched(self, full_name: str) -> DataFrame | None:
        """What an earlier job of this run wrote of the rows that it changed in a table (keys, days).

        None where it changed none, or no job reads them.
        """
        for ledger in self.earlier_ledgers:
            if full_name in ledger["keys"]:
                schema = T.StructType.fromJson(ledger["keys"][full_name])
                return self.spark.read.schema(schema).parquet(self.lake.uri(self.keys.touched(full_name)))
        return None

    def write_touched(self, full_name: str, keys: DataFrame) -> DataFrame:
        """Keep what later jobs read of the rows that this one changes in a table. Returns it as it is kept."""
        self.ledger.keys[full_name] = keys.schema.jsonValue()
        path = self.lake.uri(self.keys.touched(full_name))
        keys.coalesce(1).write.mode("overwrite").parquet(path)
        return self.spark.read.schema(keys.schema).parquet(path)

    def touched_days(self, column: str) -> set[date]:
        """Days of which an earlier job of this run told that it changed a row, by the column (`Ledger.touch`)."""
        return {date.fromisoformat(day) for ledger in self.earlier_ledgers for day in ledger["touched"].get(column, [])}

    @cached_property
    def earlier_ledgers(self) -> list[dict[str, Any]]:
        """What the jobs before this one wrote of their work."""
        return [ledger for ledger in read_ledgers(self.lake.bucket, self.keys) if ledger["job"] != self.job]

    def has_changed(self, full_name: str) -> bool:
        """Whether an earlier job of this run changed a row of a table."""
        return any(count for ledger in self.earlier_ledgers for count in ledger["tables"].get(full_name, {}).values())

    def finish(self) -> None:
        """Write the job's page of the ledger: the last thing a job does."""
        page = {
            "job": self.job,
            "files": self.ledger.files,
            "tables": self.ledger.tables,
            "touched": {name: [d.isoformat() for d in sorted(days)] for name, days in self.ledger.touched.items()},
            "keys": self.ledger.keys,
            "seconds": round(time.monotonic() - self._started, 3),
            "peak_memory_bytes": peak_memory_bytes(self.spark),
        }
        self.store_page(page)
        print(json.dumps({"job": self.job, "run_id": self.run_id, "tables": self.ledger.tables}))

    def store_page(self, page: dict[str, Any]) -> None:
        put_json(self.lake.bucket, self.keys.ledger(self.job), page)


def drop_branch(spark: SparkSession, table: str, branch: str) -> None:
    """Drop a branch of a table, where it exists. `table` is its name in Spark's catalog."""
    spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS `{branch}`")


def peak_memory_bytes(spark: SparkSession) -> int:
    """The most memory that the driver's Python and JVM have held, in bytes (Linux; else Python's alone)."""
    python = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    jvm = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    status = Path(f"/proc/{jvm}/status")
    if not status.exists():
        return python
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return python + int(peak.split()[1]) * 1024
