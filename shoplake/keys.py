"""Object keys: what a key under raw/ says, and where a run keeps its things."""

import re
from dataclasses import dataclass
from datetime import date

_PARTITION = re.compile(r"^(source|date)=(.+)$")


@dataclass(frozen=True)
class RawKey:
    """What a key `raw/{dataset}/[source=.../][date=YYYY-MM-DD/]name` says of its object."""

    key: str
    dataset: str
    name: str
    source: str | None = None
    day: str | None = None


def parse_raw_key(key: str, prefix: str = "raw/") -> RawKey:
    """Read a key under raw/. A key directly under raw/ has the empty dataset, which no lake knows."""
    parts = key.removeprefix(prefix).split("/")
    *folders, name = parts
    partitions = dict(m.groups() for m in map(_PARTITION.match, folders) if m)
    day = partitions.get("date")
    return RawKey(
        key=key,
        dataset=folders[0] if folders else "",
        name=name,
        source=partitions.get("source"),
        day=day if day and _is_day(day) else None,
    )


def partition_folders(key: str, prefix: str = "raw/") -> tuple[str, ...]:
    """The folders of a raw key that a raw table may be partitioned by: all below the dataset, if all are `name=value`.

    Empty for a file directly in the dataset's folder or in a plain folder: it is in no partition.
    """
    folders = tuple(key.removeprefix(prefix).split("/")[1:-1])
    return folders if all("=" in folder for folder in folders) else ()


def raw_key(dataset: str, name: str, source: str | None, day: str | None, prefix: str = "raw/") -> str:
    """The key under which a file of a dataset is dropped."""
    folders = [dataset, *([f"source={source}"] if source else []), *([f"date={day}"] if day else [])]
    return prefix + "/".join([*folders, name])


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True)
class RunKeys:
    """Keys of one run's manifest, staged records, verdicts, ledger and receipt.

    A file is named by its number in the manifest, since its own name may hold any character.
    """

    run_id: str
    runs: str = "runs/"
    staging: str = "staged/"
    quarantine: str = "quarantine/"

    @property
    def folder(self) -> str:
        return f"{self.runs}{self.run_id}/"

    @property
    def manifest(self) -> str:
        return f"{self.folder}manifest.jsonl"

    @property
    def summary(self) -> str:
        """What the verdicts come to: the files to load, by dataset."""
        return f"{self.folder}summary.json"

    def staged(self, dataset: str, file_number: int) -> str:
        return f"{self.staging}{dataset}/{self.run_id}/{file_number:06d}.parquet"

    def verdict(self, file_number: int) -> str:
        return f"{self.folder}verdicts/{file_number:06d}.json"

    @property
    def verdicts(self) -> str:
        return f"{self.folder}verdicts/"

    def ledger(self, job: str) -> str:
        return f"{self.folder}ledger/{job}.json"

    @property
    def ledgers(self) -> str:
        return f"{self.folder}ledger/"

    def touched(self, table: str) -> str:
        """Keys of the rows that the run changed in a table, for the jobs that follow."""
        return f"{self.folder}touched/{table}/"

    def crawl(self, dataset: str) -> str:
        """Why the run had a dataset's raw folder crawled; not there when it had not."""
        return f"{self.crawls}{dataset}.json"

    @property
    def crawls(self) -> str:
        return f"{self.folder}crawls/"

    @property
    def quality(self) -> str:
        return f"{self.folder}quality.json"

    @property
    def failure(self) -> str:
        return f"{self.folder}failure.json"

    @property
    def receipt(self) -> str:
        return f"{self.folder}receipt.json"

    def refused_file(self, dataset: str, file_number: int, name: str) -> str:
        return f"{self.quarantine}{dataset or 'unknown'}/{self.run_id}/files/{file_number:06d}/{_cut(name)}"

    def structure_rejects(self, dataset: str, file_number: int, name: str) -> str:
        return f"{self.quarantine}{dataset}/{self.run_id}/rows/structure/{file_number:06d}/{_cut(name)}.jsonl"

    def rule_rejects(self, dataset: str) -> str:
        return f"{self.quarantine}{dataset}/{self.run_id}/rows/rules/"


def _cut(name: str, longest: int = 400) -> str:
    """A file's name as part of a longer key: S3 keys end at 1,024 bytes."""
    return name.encode()[-longest:].decode(errors="ignore")
