"""What the lake says of each file of a run: the validator's verdict, completed by the job's counts."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shoplake.aws import at_once, client, list_keys
from shoplake.keys import RunKeys

MAX_PROBLEMS = 100


class Problem(BaseModel):
    """One thing wrong with a file: where, what, and the rule it breaks."""

    model_config = ConfigDict(frozen=True)
    line: int | None = None
    column: str | None = None
    value: str | None = None
    rule: str


class Verdict(BaseModel):
    """The verdict on one file of a run. Stored as `runs/{run_id}/verdicts/{number}.json`."""

    number: int
    key: str
    version_id: str
    dataset: str
    arrived_at: str
    size_bytes: int
    verdict: Literal["accepted", "accepted_with_rejects", "duplicate", "refused"]
    reason: str | None = None  # a code, where the file is refused
    sentence: str | None = None  # and the sentence for a person
    owner: str | None = None  # of a duplicate: the key that holds the same bytes
    md5: str | None = None
    source: str | None = None
    format: str | None = None  # csv, json_lines, json or parquet
    encoding: str | None = None
    delimiter: str | None = None
    header: list[str] = []
    extra_columns: list[str] = []
    notes: list[str] = []
    rows_read: int = 0
    rows_staged: int = 0
    rows_quarantined: int = 0
    problems: list[Problem] = []
    staged_key: str | None = None
    force: bool = False
    seconds: float = 0.0
    peak_memory_bytes: int = 0

    @property
    def content(self) -> str:
        """Names the bytes within their dataset: files of equal content are duplicates."""
        return f"{self.dataset}#{self.md5}"

    @property
    def arrival(self) -> tuple[str, str, str]:
        return (self.arrived_at, self.key, self.version_id)

    @property
    def is_loaded(self) -> bool:
        return self.verdict in ("accepted", "accepted_with_rejects")


def put_verdict(bucket: str, keys: RunKeys, verdict: Verdict) -> None:
    client("s3").put_object(
        Bucket=bucket,
        Key=keys.verdict(verdict.number),
        Body=verdict.model_dump_json(indent=1).encode(),
        ContentType="application/json",
    )


def read_verdicts(bucket: str, keys: RunKeys) -> list[Verdict]:
    """All verdicts of a run, by file number."""

    def read(key: str) -> Verdict:
        return Verdict.model_validate_json(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    return at_once(read, list_keys(bucket, keys.verdicts))


def read_ledgers(bucket: str, keys: RunKeys) -> list[dict[str, Any]]:
    """What each job of a run wrote of its work; see `shoplake.spark.job.JobRun.finish`."""
    return [
        json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        for key in list_keys(bucket, keys.ledgers)
    ]
