"""From arrivals to a run: record what came, take the lake's lock, close a manifest, start the execution.

Everything here may be called twice or at the same time by several: each step is a conditional write.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.files import DISCARDED, RECEIVED, Files, FileVersion
from shoplake.keys import RunKeys, parse_raw_key
from shoplake.manifest import read_manifest, write_manifest
from shoplake.runs import ENDED, FAILED, RUNNING, STARTING, Lock, Runs
from shoplake.times import iso, parse

logger = logging.getLogger(__name__)
FORCE_METADATA = "shoplake-force"
_GONE = ("NoSuchKey", "NoSuchVersion", "404")


@dataclass(frozen=True)
class Started:
    """What came of a request for a run: its id, or why none was started."""

    run_id: str | None
    files: int = 0
    waiting_for: str | None = None  # the run that holds the lake


class Dispatcher:
    """The one entry to the lake, for notifications, schedules, replays and the command line."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self.files = Files(lake.files_table)
        self.runs = Runs(lake.runs_table)

    def record(self, key: str, version_id: str) -> FileVersion | None:
        """Note one object version under raw/. None for folders, what is gone, and what was known already."""
        if key.endswith("/"):
            return None
        try:
            head = client("s3").head_object(Bucket=self.lake.bucket, Key=key, VersionId=version_id)
        except ClientError as error:
            if error_code(error) in _GONE:
                logger.warning("%s (version %s) was deleted before it was recorded", key, version_id)
                return None
            raise
        raw = parse_raw_key(key, self.lake.zone("raw"))
        file = FileVersion(
            key=key,
            version_id=version_id,
            dataset=raw.dataset,
            size=head["ContentLength"],
            etag=head["ETag"].strip('"'),
            arrived_at=iso(head["LastModified"]),
            source=raw.source,
            force=head.get("Metadata", {}).get(FORCE_METADATA) == "true",
        )
        return file if self.files.record(file) else None

    def sweep(self) -> int:
        """Record objects under raw/ that no notification announced. Returns how many there were."""
        pages = (
            client("s3")
            .get_paginator("list_object_versions")
            .paginate(Bucket=self.lake.bucket, Prefix=self.lake.zone("raw"))
        )
        versions = (v for page in pages for v in page.get("Versions", []))
        return sum(self.record(v["Key"], v["VersionId"]) is not None for v in versions)

    def start_waiting(self, now: datetime, recorded: Iterable[FileVersion] = ()) -> Started:
        """Start a run over all files that wait, unless a run is going. Also frees the lock of a dead run.

        `recorded` are files noted just now, which the table's index may not show yet.
        """
        holder = self._holder(now)
        if holder is not None:
            return Started(None, waiting_for=holder)
        limit = self.lake.inventory.arrivals.max_files_per_run
        waiting = [FileVersion.of(item) for item in self.files.waiting(RECEIVED, limit)]
        files = {file.object_id: file for file in [*waiting, *recorded]}
        taken = self._capped(sorted(files.values(), key=lambda file: file.arrival)[:limit])
        return self._start("arrivals", taken, now) if taken else Started(None)

    def replay(self, run_id: str, now: datetime) -> Started:
        """Start a run over the same file versions as an earlier one, but for those that were discarded since.

        Raises ShoplakeError when it can't.
        """
        run = self.runs.get(run_id)
        if run is None:
            raise ShoplakeError(f"There is no run {run_id}: `shoplake runs` lists them.")
        if run["state"] not in ENDED:
            raise ShoplakeError(f"Run {run_id} is still going: wait until it has ended, then replay it.")
        holder = self._holder(now)
        if holder is not None:
            return Started(None, waiting_for=holder)
        files = self._not_discarded(read_manifest(self.lake, run_id))
        if not files:
            raise ShoplakeError(f"Run {run_id} has no file to replay: each was discarded, or it never had one.")
        return self._start("replay", files, now, replay_of=run_id)

    def _not_discarded(self, files: list[FileVersion]) -> list[FileVersion]:
        states = self.files.states([file.object_id for file in files])
        return [file for file in files if states.get(file.object_id) != DISCARDED]

    def _capped(self, waiting: list[FileVersion]) -> list[FileVersion]:
        """As many files as a run may take, by bytes; always at least one."""
        budget = self.lake.inventory.arrivals.max_mb_per_run * 1_000_000
        taken: list[FileVersion] = []
        for file in waiting:
            if taken and file.size > budget:
                break
            taken.append(file)
            budget -= file.size
        return taken

    def _start(self, mode: str, files: list[FileVersion], now: datetime, replay_of: str | None = None) -> Started:
        """Take the lock, bind the files to a new run, and start its execution."""
        run_id = self._new_run_id(now)
        if not self.runs.take_lock(run_id, now):
            holder = self.runs.lock()
            return Started(None, waiting_for=holder.run_id if holder else None)
        self.runs.begin(run_id, {"mode": mode, "started_at": iso(now), "replay_of": replay_of})
        write_manifest(self.lake, run_id, files)  # before the claims: whoever cleans up after a crash finds them by it
        if replay_of:
            for file in files:  # one that is loaded, duplicate or refused stays so: a replay never reverts
                self.files.claim_again(file.object_id, run_id)
            claimed = self._not_discarded(files)
        else:
            claimed = [file for file in files if self.files.claim(file.object_id, run_id)]
        if not claimed:
            ended = {"ended_at": iso(now), "notified_at": iso(now), "error": "another run has its files"}
            self.runs.move(run_id, FAILED, (STARTING,), **ended)
            self.runs.release_lock(run_id)
            return Started(None)
        if len(claimed) < len(files):
            write_manifest(self.lake, run_id, claimed)
        figures = {"files": len(claimed), "bytes_in": sum(file.size for file in claimed)}
        if not self.runs.move(run_id, RUNNING, (STARTING,), **figures):
            return Started(None)  # taken for dead and closed; its files wait again
        self._start_execution(run_id, mode, len(claimed))
        return Started(run_id, files=len(claimed))

    def _new_run_id(self, now: datetime) -> str:
        """A run id that no manifest bears: the count may be older than the bucket, after a table was restored."""
        while True:
            run_id = self.runs.next_id(now)
            if not read_manifest(self.lake, run_id):
                return run_id

    def _start_execution(self, run_id: str, mode: str, files: int) -> None:
        """The execution bears the run's name, so that starting it twice is harmless."""
        keys = RunKeys(run_id, self.lake.zone("runs"))
        given = {
            "run_id": run_id,
            "mode": mode,
            "bucket": self.lake.bucket,
            "manifest": keys.manifest,
            "files": files,
        }
        try:
            client("stepfunctions").start_execution(
                stateMachineArn=self.lake.state_machine_arn, name=run_id, input=json.dumps(given)
            )
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise

    def _holder(self, now: datetime) -> str | None:
        """The run that holds the lake. A run that is no longer going is closed, and holds nothing."""
        lock = self.runs.lock()
        if lock is None:
            return None
        status = execution_status(self.lake, lock.run_id)
        if status == "RUNNING" or (status is None and self._may_still_start(lock, now)):
            return lock.run_id
        from shoplake.closing import close_dead_run  # here, since it brings Iceberg, which arrivals don't need

        close_dead_run(self.lake, lock.run_id, status or "NEVER_STARTED")
        return None

    def _may_still_start(self, lock: Lock, now: datetime) -> bool:
        """Whether a lock without an execution is young enough to be somebody's who is just starting it."""
        age_s = (now - parse(lock.acquired_at)).total_seconds()
        return age_s < self.lake.inventory.arrivals.unstarted_claim_s


def execution_status(lake: Lake, run_id: str) -> str | None:
    """What Step Functions says of a run's execution; None where there is none."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=lake.execution_arn(run_id))
    except ClientError as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return None
        raise
    return answer["status"]
