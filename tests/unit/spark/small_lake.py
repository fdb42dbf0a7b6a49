"""A lake of one process: the jobs' own `main` on tables of a local Iceberg catalog, without AWS and without files of
anybody's form.

What AWS keeps for a run (its summary, the pages of its ledger, the key for personal data) is kept in memory; staged
records, rejects and what jobs tell each other lie in a local folder. Jobs write to each table's main: how a branch is
published is shown elsewhere.
"""

import importlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
from great_expectations.expectations.expectation import Expectation
from pyiceberg.table import StaticTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from quality.expectations.measured import BATCH, in_sql
from quality.expectations.rows import RowsExpectation
from quality.quality_gate import suite_of
from quality.suites.common import CRITICAL
from quality.touched import touched_frames
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.inventory import load_inventory
from shoplake.keys import RunKeys
from shoplake.personal_data import HashKey
from shoplake.spark.job import JobRun
from shoplake.tables import CATALOG, Table, load_tables
from shoplake.times import iso

KEY = HashKey("1", bytes(range(32)))
MERGE = "master_data_merge"
TABLES = {name: table for name, table in load_tables().items() if table.branched}
# Planning anew at each stage costs small frames more than it saves (docs/surprises.md).
SETTINGS = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "1"}
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class File:
    """A file as the validator has read it: each row is the texts of one record, by the contract's columns.

    `arrived_at` and the key are the file's own, whichever run takes it and whenever.
    """

    dataset: str
    source: str
    name: str
    arrived_at: datetime
    rows: tuple[Mapping[str, str | None], ...]
    day: str = "2025-03-03"

    @property
    def key(self) -> str:
        return f"raw/{self.dataset}/source={self.source}/date={self.day}/{self.name}"


@dataclass
class Run:
    """What jobs of one run have told of their work: the pages of the ledger, by job."""

    run_id: str
    files: list[File]
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rows_of(self, number: int) -> dict[str, int]:
        """The five counts of a file."""
        (page,) = [page["files"][str(number)] for page in self.pages.values() if str(number) in page["files"]]
        return {name: count for name, count in page.items() if name not in ("problems", "refused")}


class _LocalLake(Lake):
    """Names of a lake that lies in a folder."""

    def __init__(self, folder: Path, env: str):
        super().__init__(load_inventory(), env, "000000000000")
        self.folder = folder

    def uri(self, key: str) -> str:
        return f"file://{self.folder}/{key}"


class _LocalRun(JobRun):
    """A job's part of a run, with what S3 and Secrets Manager would hold in memory."""

    run: Run

    @property
    def summary(self) -> dict[str, Any]:
        numbered = list(enumerate(self.run.files))
        files = {
            dataset: [_entry(number, file, self.run.run_id) for number, file in numbered if file.dataset == dataset]
            for dataset in self.lake.inventory.datasets
        }
        return {"files": files, "last_arrival": iso(max(file.arrived_at for file in self.run.files))}

    @property
    def hash_key(self) -> HashKey:
        return KEY

    @property
    def earlier_ledgers(self) -> list[dict[str, Any]]:
        return [page for job, page in self.run.pages.items() if job != self.job]

    def store_page(self, page: dict[str, Any]) -> None:
        self.run.pages[self.job] = json.loads(json.dumps(page))


def _entry(number: int, file: File, run_id: str) -> dict[str, Any]:
    return {
        "number": number,
        "key": file.key,
        "source": file.source,
        "arrived_at": iso(file.arrived_at),
        "staged_key": RunKeys(run_id).staged(file.dataset, number),
        "rows_read": len(file.rows),
        "rows_quarantined": 0,
    }


def _is_asked(rule: Expectation) -> bool:
    return isinstance(rule, RowsExpectation) and rule.severity == CRITICAL


class SmallLake:
    """Tables of their own, made as they are declared, and runs over files."""

    def __init__(self, spark: SparkSession, folder: Path):
        number = next(_NUMBERS)
        self.spark, self.folder = spark, folder / f"lake-{number}"
        self.lake = _LocalLake(self.folder, f"small_{number}")
        self.run_ids = itertools.count(1)
        for table in TABLES.values():
            self._create(table)

    def run(self, files: Iterable[File], run_id: str | None = None) -> Run:
        """Load some files in one run: the jobs of their datasets, then the merge."""
        in_order = sorted(files, key=lambda file: (file.arrived_at, file.key))
        run = Run(run_id or f"run-{next(self.run_ids)}", in_order)
        for number, file in enumerate(in_order):
            self._stage(run, number, file)
        datasets = self.lake.inventory.datasets
        for job in [*sorted({datasets[file.dataset].job for file in in_order}), MERGE]:
            self._work(job, run)
        return run

    def rules_broken(self, run: Run) -> list[str]:
        """The critical rules of the gate in SQL that the rows which a run touched break, by table."""
        with self._small_plans():
            found = []
            for name, rows in touched_frames(self._begin(run)("quality_gate")).items():
                rules = [rule for rule in suite_of(TABLES[name])(TABLES[name], self.lake) if _is_asked(rule)]
                rows.createOrReplaceTempView(BATCH)
                counts = rows.agg(*(F.expr(in_sql(rule.measures()["unexpected"])) for rule in rules)).first()
                found += [f"{name}: {rule.description}" for rule, count in zip(rules, counts, strict=True) if count]
            return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table's rows, technical columns included."""
        return self._open(TABLES[name]).scan().to_arrow().to_pylist()

    def content(self, name: str) -> list[str]:
        """What a table says of the shop: all columns that don't begin with `_`, a text a row, in order."""
        columns = TABLES[name].business_columns
        return sorted(repr([row[column] for column in columns]) for row in self.rows(name))

    def snapshots(self) -> dict[str, int | None]:
        """Each table's snapshot: another one where anything was written."""
        return {name: self._open(table).metadata.current_snapshot_id for name, table in TABLES.items()}

    def _create(self, table: Table) -> None:
        columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        partition = f"PARTITIONED BY ({table.partition_by})" if table.partition_by else ""
        self.spark.sql(f"CREATE TABLE {table.spark_name(self.lake)} ({columns}) USING iceberg {partition}")

    def _stage(self, run: Run, number: int, file: File) -> None:
        names = [column.name for column in load_contract(file.dataset).columns]
        unknown = {name for row in file.rows for name in row} - set(names)
        assert not unknown, f"{file.key}: no column of the contract: {unknown}"
        columns = {name: pa.array([row.get(name) for row in file.rows], pa.string()) for name in names}
        lines = pa.array(range(2, len(file.rows) + 2), pa.int64())
        raw = pa.array([json.dumps(row) for row in file.rows], pa.string())
        path = self.folder / RunKeys(run.run_id).staged(file.dataset, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"_line": lines, "_raw": raw, **columns}), path)

    def _work(self, job: str, run: Run) -> None:
        with self._small_plans(), patch.object(JobRun, "from_argv", self._begin(run)):
            importlib.import_module(f"jobs.{job}").main()

    def _begin(self, run: Run) -> Callable[..., _LocalRun]:
        def begin(job: str, writes: Sequence[str] = ()) -> _LocalRun:
            begun = _LocalRun(job, self.lake, run.run_id, self.spark, writes)
            begun.run = run
            return begun

        return begin

    @contextmanager
    def _small_plans(self) -> Iterator[None]:
        """Spark's settings for small frames; what was cached meanwhile is dropped."""
        usual = {name: self.spark.conf.get(name) for name in SETTINGS}
        self._set(SETTINGS)
        try:
            yield
        finally:
            self._set(usual)
            self.spark.catalog.clearCache()

    def _set(self, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            self.spark.conf.set(name, value)

    def _open(self, table: Table) -> StaticTable:
        database = self.lake.database(table.database)
        location = Path(self.spark.conf.get(f"spark.sql.catalog.{CATALOG}.warehouse"), database, table.name)
        version = (location / "metadata" / "version-hint.text").read_text().strip()
        return StaticTable.from_metadata(f"{location}/metadata/v{version}.metadata.json")
