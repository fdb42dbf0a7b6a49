"""Whether a dataset's raw folder needs a crawl in a run, and which looks of files a crawl has seen already.

A crawl is billed for ten minutes at least, so that one is made only where files look as none before (another
header, delimiter or kind of folder), where there is no raw table yet, and otherwise once a day. All other files
just get their partition (`shoplake.raw_tables`).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shoplake import dynamodb
from shoplake.aws import client, get_json, list_keys
from shoplake.config import Lake
from shoplake.contracts import fold
from shoplake.keys import partition_folders
from shoplake.verdicts import Verdict

FIRST, NEW_HEADER, DAILY = "first", "new header", "daily"


def looks_of(verdict: Verdict, raw: str = "raw/") -> list[str]:
    """Fingerprints of what a crawler and a raw table can tell of a file: format, columns, keys of its folders.

    A CSV file has one, with its delimiter and the order of its columns, since a table reads it by position. Other
    formats have one for each column: a file that merely lacks some of them looks like those before.
    """
    keys = [folder.partition("=")[0] for folder in partition_folders(verdict.key, raw)]
    columns = [fold(name) for name in verdict.header]
    parts = [columns] if verdict.delimiter else [[column] for column in columns]
    return sorted({_fingerprint(verdict.format, verdict.delimiter, keys, part) for part in parts})


def _fingerprint(*told: Any) -> str:
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]


def looks_and_folders(verdicts: Iterable[Verdict], raw: str = "raw/") -> dict[str, dict[str, Any]]:
    """For each dataset with files to load: how these look, and in which folders they lie. Part of the summary."""
    loaded = [v for v in verdicts if v.is_loaded]
    found = {}
    for dataset in sorted({v.dataset for v in loaded}):
        own = [v for v in loaded if v.dataset == dataset]
        folders = ["/".join(partition_folders(v.key, raw)) for v in own]
        found[dataset] = {
            "looks": sorted({look for v in own for look in looks_of(v, raw)}),
            "folders": sorted(set(filter(None, folders))),
            "files_without_folder": folders.count(""),
        }
    return found


class KnownLooks:
    """The looks of files that a successful crawl has seen: items (header, dataset#look) of the table `runs`."""

    def __init__(self, table: str):
        self.table = table

    def are_known(self, dataset: str, looks: list[str]) -> bool:
        keys = [self._key(dataset, look) for look in looks]
        return len(dynamodb.get_many(self.table, keys, ["id"])) == len(keys)

    def note(self, dataset: str, looks: list[str], run_id: str) -> None:
        """Only once a crawl that began after the files' arrival has succeeded. Safe to repeat."""
        for look in looks:
            item = {**self._key(dataset, look), "run_id": run_id}
            dynamodb.put(self.table, item, only_if={"id": dynamodb.ABSENT})

    def _key(self, dataset: str, look: str) -> dict[str, str]:
        return {"kind": "header", "id": f"{dataset}#{look}"}


@dataclass(frozen=True)
class LastCrawl:
    """How a crawler's last run went. `status` is SUCCEEDED, CANCELLED or FAILED."""

    status: str
    started_at: datetime
    error: str


def last_crawl(lake: Lake, dataset: str) -> LastCrawl | None:
    """The last run of a dataset's crawler that has ended; None where there was none."""
    crawl = client("glue").get_crawler(Name=lake.crawler_name(dataset))["Crawler"].get("LastCrawl")
    if not crawl or "StartTime" not in crawl:
        return None
    return LastCrawl(crawl["Status"], crawl["StartTime"], crawl.get("ErrorMessage", ""))


def warnings_of_crawls(lake: Lake, run_id: str) -> list[str]:
    """What the crawls of a run gave to say, as `compare_schema` noted it."""
    keys = list_keys(lake.bucket, lake.run_keys(run_id).crawls)
    return [warning for key in keys for warning in get_json(lake.bucket, key).get("warnings", [])]


def has_seen(crawl: LastCrawl, last_arrival: datetime) -> bool:
    """Whether a crawl can have looked into files that came by then."""
    return crawl.status == "SUCCEEDED" and crawl.started_at >= last_arrival


def reason_to_crawl(
    has_table: bool, are_looks_known: bool, last: LastCrawl | None, now: datetime, recrawl_after: timedelta
) -> str | None:
    """Why a dataset is crawled: first, new header or daily. None where no crawl is due.

    After a crawl that failed there is none until the next day: what broke it would break it again, and is paid for.
    """
    if last is not None and last.status == "FAILED" and last.started_at > now - recrawl_after:
        return None
    if not has_table:
        return FIRST
    if not are_looks_known:
        return NEW_HEADER
    return DAILY if last is None or last.started_at <= now - recrawl_after else None
