"""One run of a crawler: from the objects under its targets to tables and partitions in the emulator's catalog."""

import fnmatch
import io
import json
import logging
import re
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any, BinaryIO

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch_logs, glue, s3

from local.athena import store
from local.crawling.samples import Unreadable
from local.crawling.shapes import Classifiers, Shape, shape_of
from local.crawling.tables import CrawledFile, CrawledTable, describe

MAX_FILES = 100
LOG_GROUP = "/aws-glue/crawlers"

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """Somebody has stopped the crawler."""


class Crawl:
    """One run of a crawler."""

    def __init__(self, crawler: dict[str, Any]) -> None:
        self.crawler = crawler
        self.stopped = threading.Event()
        self.id = new_uuid()
        self.lines: list[str] = []
        self.counts = {"TablesCreated": 0, "TablesUpdated": 0}

    def run(self) -> None:
        """Crawl all targets and note in the crawler how that went."""
        started = time.time()
        ending = {"Status": "SUCCEEDED"}
        self._say("BENCHMARK", f"Running Start Crawl for Crawler {self.crawler['Name']}")
        try:
            for target in self.crawler["Targets"].get("S3Targets") or []:
                self._crawl(target)
        except Stopped:
            ending = {"Status": "CANCELLED"}
        except CatalogRefused as refusal:
            ending = {"Status": "FAILED", "ErrorMessage": str(refusal)}
        except Exception as failure:  # a crawler that breaks must become READY again, and say how it broke
            logger.exception("Crawler %s failed", self.crawler["Name"])
            ending = {"Status": "FAILED", "ErrorMessage": f"{type(failure).__name__}: {failure}"}
        self._say("BENCHMARK", f"Crawler has finished running and is in state READY ({ending['Status']})")
        place = {"LogGroup": LOG_GROUP, "LogStream": self.crawler["Name"], "MessagePrefix": self.id}
        self._write_log()
        self.crawler["LastCrawl"] = {**ending, **place, "StartTime": started, "EndTime": time.time()}
        so_far = self.crawler.get("_metrics", {})
        self.crawler["_metrics"] = {name: so_far.get(name, 0) + count for name, count in self.counts.items()}
        self.crawler["CrawlElapsedTime"] = int((time.time() - started) * 1000)

    def _crawl(self, target: dict[str, Any]) -> None:
        bucket, _, prefix = target["Path"].partition("://")[2].partition("/")
        prefix = prefix and prefix.rstrip("/") + "/"
        database = self.crawler["DatabaseName"]
        name = self.crawler.get("TablePrefix", "") + _table_name(prefix or bucket)
        present = glue._tables.get(f"{database}/{name}")
        objects = _objects(bucket, prefix, target.get("Exclusions") or [])
        only_new_folders = self._only_new_folders() and present is not None
        if only_new_folders:
            known = {tuple(partition["Values"]) for partition in _partitions(database, name)}
            objects = {key: o for key, o in objects.items() if _values(_folders(key, prefix)) not in known}
        newest = sorted(objects, key=lambda key: (objects[key].get("last_modified", ""), key))
        looked_at = set(newest[-MAX_FILES:])
        files = [
            CrawledFile(
                _folders(key, prefix),
                objects[key].get("size", 0),
                self._look_into(bucket, key) if key in looked_at else None,
            )
            for key in newest
        ]
        known_columns = [column["Name"] for column in present["StorageDescriptor"]["Columns"]] if present else []
        table = describe(files, self.crawler["Name"], known_columns)
        if table is None:
            self._say("INFO", f"No table for s3://{bucket}/{prefix}: there is no file that a classifier knows")
            return
        if table.passed_over:
            self._say("INFO", f"{table.passed_over} files are not like the others and were passed over")
        if table.outside:
            self._say("INFO", f"{table.outside} files lie outside the partitions ({', '.join(table.keys)})")
        location = f"s3://{bucket}/{prefix}"
        if present is None:
            self._create(database, name, table, location)
        elif not only_new_folders:
            self._update(database, name, present, table, location, is_sample=len(newest) > MAX_FILES)
        self._add_partitions(database, name, table, location)

    def _look_into(self, bucket: str, key: str) -> Shape | None:
        """The file's shape, or None where it has none that a crawler knows."""
        if self.stopped.is_set():
            raise Stopped
        try:
            with closing(_open(f"s3://{bucket}/{key}")) as file:
                return shape_of(file, self._classifiers())
        except Unreadable as reason:
            self._say("INFO", f"Passed over s3://{bucket}/{key}: {reason}")
            return None

    def _create(self, database: str, name: str, table: CrawledTable, location: str) -> None:
        _must(glue._create_table({"DatabaseName": database, "TableInput": _input(name, table, location)}))
        self.counts["TablesCreated"] += 1
        self._say("INFO", f"Created table {name} in database {database}")

    def _update(
        self, database: str, name: str, present: dict, table: CrawledTable, location: str, is_sample: bool
    ) -> None:
        """Bring the table to what was found, as far as the crawler's policy lets it."""
        wanted = _input(name, table, location)
        if is_sample:
            before = {column["Name"]: column for column in present["StorageDescriptor"]["Columns"]}
            found = {column["Name"]: column for column in table.columns}
            wanted["StorageDescriptor"]["Columns"] = list((before | found).values())  # in the order of before
        changed = [
            present["StorageDescriptor"]["Columns"] != wanted["StorageDescriptor"]["Columns"],
            present["StorageDescriptor"]["SerdeInfo"] != wanted["StorageDescriptor"]["SerdeInfo"],
            present["PartitionKeys"] != wanted["PartitionKeys"],
        ]
        policy = self.crawler.get("SchemaChangePolicy") or {}
        if any(changed) and policy.get("UpdateBehavior", "UPDATE_IN_DATABASE") == "LOG":
            self._say("INFO", f"Table {name} differs from what was found and is left as it is (UpdateBehavior LOG)")
            return
        if changed[2]:
            glue._partitions.pop(f"{database}/{name}", None)  # their values are of other keys
        _must(glue._update_table({"DatabaseName": database, "TableInput": wanted}))
        if any(changed):
            self.counts["TablesUpdated"] += 1
            self._say("INFO", f"Updated table {name} in database {database}")

    def _add_partitions(self, database: str, name: str, table: CrawledTable, location: str) -> None:
        present = glue._tables[f"{database}/{name}"]
        if [key["Name"] for key in present["PartitionKeys"]] != list(table.keys):
            return  # the policy kept the table as it was
        known = {tuple(partition["Values"]) for partition in _partitions(database, name)}
        storage = present["StorageDescriptor"]
        inputs = [
            {
                "Values": list(_values(folders)),
                "StorageDescriptor": {**storage, "Location": f"{location}{'/'.join(folders)}/"},
                "Parameters": {**present["Parameters"]},
            }
            for folders in table.partitions
            if _values(folders) not in known
        ]
        if inputs:
            request = {"DatabaseName": database, "TableName": name, "PartitionInputList": inputs}
            _must(glue._batch_create_partition(request))
            self._say("INFO", f"Added {len(inputs)} partitions to table {name} in database {database}")
        for partition in _partitions(database, name):  # those of before inherit the table's columns as well
            own = partition["StorageDescriptor"]
            partition["StorageDescriptor"] = {**storage, "Location": own["Location"]}

    def _only_new_folders(self) -> bool:
        policy = self.crawler.get("RecrawlPolicy") or {}
        return policy.get("RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY"

    def _classifiers(self) -> Classifiers:
        own = [glue._classifiers[name] for name in self.crawler.get("Classifiers") or [] if name in glue._classifiers]
        csv = next((c["CsvClassifier"] for c in own if "CsvClassifier" in c), {})
        return Classifiers(csv, tuple(c["JsonClassifier"]["JsonPath"] for c in own if "JsonClassifier" in c))

    def _say(self, level: str, sentence: str) -> None:
        self.lines.append(f"[{self.id}] {level} : {sentence}")

    def _write_log(self) -> None:
        stream = self.crawler["Name"]
        cloudwatch_logs._create_log_group({"logGroupName": LOG_GROUP})
        cloudwatch_logs._create_log_stream({"logGroupName": LOG_GROUP, "logStreamName": stream})
        now_ms = int(time.time() * 1000)
        events = [{"timestamp": now_ms, "message": line} for line in self.lines]
        cloudwatch_logs._put_log_events({"logGroupName": LOG_GROUP, "logStreamName": stream, "logEvents": events})


class CatalogRefused(Exception):
    """The catalog didn't take a table or its partitions."""


def _must(response: tuple) -> None:
    status, _, body = response
    if status >= 300:
        raise CatalogRefused(json.loads(body).get("message", str(body)))


def _input(name: str, table: CrawledTable, location: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Owner": "owner",
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": table.storage(location),
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.keys],
        "Parameters": table.parameters,
    }


def _table_name(path: str) -> str:
    return re.sub(r"\W+", "_", path.rstrip("/").rpartition("/")[2]).lower()


def _objects(bucket: str, prefix: str, exclusions: Iterable[str]) -> dict[str, dict]:
    """What a crawler looks at, by key: no folders, nothing hidden, nothing excluded, nothing of an Iceberg table."""
    if bucket not in s3._buckets:
        raise CatalogRefused(f"The specified bucket does not exist: {bucket}")
    iceberg = [
        table["StorageDescriptor"].get("Location", "").rstrip("/") + "/"
        for table in list(glue._tables.values())
        if (table.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG"
    ]

    def is_crawled(key: str) -> bool:
        within = key.removeprefix(prefix)
        return (
            key.startswith(prefix)
            and not key.endswith("/")
            and not any(part.startswith(("_", ".")) for part in within.split("/"))
            and not any(fnmatch.fnmatch(within, pattern) for pattern in exclusions)
            and not f"s3://{bucket}/{key}".startswith(tuple(iceberg) or ("\0",))
        )

    return {key: record for key, record in list(s3._buckets[bucket]["objects"].items()) if is_crawled(key)}


def _open(location: str) -> BinaryIO:
    path = store.path_on_disk(location)
    return path.open("rb") if path else io.BytesIO(store.read(location) or b"")


def _partitions(database: str, table: str) -> list[dict]:
    return glue._partitions.get(f"{database}/{table}") or []


def _folders(key: str, prefix: str) -> tuple[str, ...]:
    return tuple(key.removeprefix(prefix).split("/")[:-1])


def _values(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folder.partition("=")[2] for folder in folders)
