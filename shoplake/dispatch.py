"""From arrivals to a run: record what came, take the lake's lock, close a manifest, start the execution.

Everything here may be called twice or at the same time by several: each step is a conditional write.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.estimate import OverBudget, estimate_run
from shoplake.files import DISCARDED, RECEIVED, Files, FileVersion, object_id
from shoplake.keys import parse_raw_key
from shoplake.manifest import read_manifest, write_manifest
from shoplake.notices import tell_of_budget
from shoplake.runs import ENDED, FAILED, RUNNING, STARTING, Lock, Runs
from shoplake.times import iso, parse

logger = logging.getLogger(__name__)
FORCE_METADATA = "shoplake-force"
_LATEST = 5  # of the runs are looked at, to see whether they were told of
_GONE = ("NoSuchKey", "NoSuchVersion", "404")


@dataclass(frozen=True)
class Started:
    """What came of a request for a run: its id, or why none was started."""

    run_id: str | None
    files: int = 0
    waiting_for: str | None = None  # the run that holds the lake
    not_before: str | None = None  # when what waits may start: the last run began too short a time ago
    over_budget: OverBudget | None = None


@dataclass(frozen=True)
class Wish:
    """How a run is asked for. `at_once` is a person's or a daily request, which min_interval_s doesn't hold back.

    `max_dollars` takes the place of the environment's for this one run.
    """

    at_once: bool = False
    max_dollars: float | None = None
    requested_by: str | None = None


WHEN_DUE = Wish()


def ask_to_close(lake: Lake, run_id: str, status: str) -> None:
    """Have `run_ended` close a run that died: it brings Iceberg, which is too much for the dispatcher's memory.

    It then asks the dispatcher again. Until the run is closed it holds the lake.
    """
    client("lambda").invoke(
        FunctionName=lake.function_name("run_ended"),
        InvocationType="Event",
        Payload=json.dumps({"detail": {"name": run_id, "status": status}}).encode(),
    )


class Dispatcher:
    """The one entry to the lake, for notifications, schedules, replays and the command line."""

    def __init__(
        self,
        lake: Lake,
        close_dead: Callable[[Lake, str, str], object] = ask_to_close,
        quiet_before: datetime | None = None,
    ):
        """`quiet_before`: whoever was starting a run before this instant is dead (a local lake's own start)."""
        self.lake = lake
        self._quiet_before = quiet_before
        self._close_dead = close_dead
        self.files = Files(lake.files_table)
        self.runs = Runs(lake.runs_table)

    def record(self, key: str, version_id: str) -> FileVersion | None:
        """Note one object version under raw/. None for folders, what is gone, and what was known already."""
        try:
            head = client("s3").head_object(Bucket=self.lake.bucket, Key=key, VersionId=version_id)
        except ClientError as error:
            if error_code(error) in _GONE:
                logger.warning("%s (version %s) was deleted before it was recorded", key, version_id)
                return None
            raise
        if key.endswith("/") and head["ContentLength"] == 0:
            return None  # what consoles make for a folder
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
        """Record objects under raw/ that no notification announced. Returns how many there were.

        Only those are looked at one by one; of the others a listing and a read of their keys is all.
        """
        pages = (
            client("s3")
            .get_paginator("list_object_versions")
            .paginate(Bucket=self.lake.bucket, Prefix=self.lake.zone("raw"))
        )
        found = 0
        for page in pages:
            listed = {object_id(v["Key"], v["VersionId"]): v for v in page.get("Versions", [])}
            unknown = listed.keys() - self.files.get_many(list(listed)).keys()
            found += sum(self.record(listed[i]["Key"], listed[i]["VersionId"]) is not None for i in unknown)
        self._have_untold_told()
        return found

    def _have_untold_told(self) -> None:
        """Have runs closed that died between freeing the lake and sending their e-mail: nobody waits for those."""
        for run in self.runs.latest(_LATEST):
            if run["state"] in ENDED and "notified_at" not in run:
                status = execution_status(self.lake, run["id"])
                if status != "RUNNING":  # else it is just about to send it
                    self._close_dead(self.lake, run["id"], status or "FAILED")

    def start_waiting(self, now: datetime, recorded: Iterable[FileVersion] = (), wish: Wish = WHEN_DUE) -> Started:
        """Start a run over all files that wait, unless a run is going, isn't due yet, or would cost too much.

        Has a dead run closed. `recorded` are files noted just now, which the table's index may not show yet.
        """
        holder = self._holder(now)
        if holder is not None:
            return Started(None, waiting_for=holder)
        files, is_full = self._next_manifest(recorded)
        hindrance = self._hindrance(files, is_full, now, wish)
        if hindrance is None:
            return self._start("arrivals", files, now, wish)
        if hindrance.over_budget:
            tell_of_budget(self.lake, hindrance.over_budget, files[0], now)
        return hindrance

    def hindrance(self, now: datetime) -> Started | None:
        """Why no run will start by itself over the files that wait now, besides one that is going; None: it will."""
        return self._hindrance(*self._next_manifest(()), now, WHEN_DUE)

    def _hindrance(self, files: list[FileVersion], is_full: bool, now: datetime, wish: Wish) -> Started | None:
        if not files:
            return Started(None)
        due = None if wish.at_once or is_full else self._due()  # a full manifest gains nothing by waiting
        if due is not None and now < due:
            return Started(None, not_before=iso(due))
        over = self._over_budget(files, wish)
        return Started(None, over_budget=over) if over else None

    def _next_manifest(self, recorded: Iterable[FileVersion]) -> tuple[list[FileVersion], bool]:
        """The files of the next run, by arrival, and whether more wait than it may take."""
        limit = self.lake.inventory.arrivals.max_files_per_run
        waiting = [FileVersion.of(item) for item in self.files.waiting(RECEIVED, limit + 1)]
        files = {file.object_id: file for file in [*waiting, *recorded]}
        taken = self._capped(sorted(files.values(), key=lambda file: file.arrival)[:limit])
        return taken, len(taken) < len(files)

    def _due(self) -> datetime | None:
        """When the next run over arrivals may start: min_interval_s after the last run began. None: any time."""
        interval_s = self.lake.settings.min_interval_s
        began = next((run["started_at"] for run in self.runs.latest(5) if "files" in run), None)
        return parse(began) + timedelta(seconds=interval_s) if began and interval_s else None

    def _over_budget(self, files: list[FileVersion], wish: Wish) -> OverBudget | None:
        allowed = wish.max_dollars if wish.max_dollars is not None else self.lake.settings.max_dollars
        if allowed is None:
            return None
        estimate = estimate_run(self.lake, files)
        return OverBudget(estimate, allowed) if estimate.dollars > allowed else None

    def replay(self, run_id: str, now: datetime, wish: Wish = WHEN_DUE) -> Started:
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
        over = self._over_budget(files, wish)
        if over:
            return Started(None, over_budget=over)
        return self._start("replay", files, now, wish, replay_of=run_id)

    def _not_discarded(self, files: list[FileVersion]) -> list[FileVersion]:
        items = self.files.get_many([file.object_id for file in files])
        discarded = {name for name, item in items.items() if item["state"] == DISCARDED}
        return [file for file in files if file.object_id not in discarded]

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

    def _start(
        self, mode: str, files: list[FileVersion], now: datetime, wish: Wish, replay_of: str | None = None
    ) -> Started:
        """Take the lock, bind the files to a new run, and start its execution."""
        run_id = self._new_run_id(now)
        if not self.runs.take_lock(run_id, now):
            holder = self.runs.lock()
            return Started(None, waiting_for=holder.run_id if holder else None)
        origin = {"replay_of": replay_of, "requested_by": wish.requested_by}
        self.runs.begin(run_id, {"mode": mode, "started_at": iso(now), **origin})
        write_manifest(self.lake, run_id, files)  # before the claims: whoever cleans up after a crash finds them by it
        wanted = [file.object_id for file in files]
        if replay_of:
            self.files.claim_again(wanted, run_id)  # a file that is loaded, duplicate or refused stays so
            claimed = self._not_discarded(files)
        else:
            taken = self.files.claim(wanted, run_id)
            claimed = [file for file in files if file.object_id in taken]
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
        keys = self.lake.run_keys(run_id)
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
        """The run that holds the lake. One that is no longer going is closed, and then holds nothing."""
        lock = self.runs.lock()
        if lock is None:
            return None
        status = execution_status(self.lake, lock.run_id)
        if status == "RUNNING" or (status is None and self._may_still_start(lock, now)):
            return lock.run_id
        self._close_dead(self.lake, lock.run_id, status or "NEVER_STARTED")
        lock = self.runs.lock()
        return lock.run_id if lock else None

    def _may_still_start(self, lock: Lock, now: datetime) -> bool:
        """Whether a lock without an execution is young enough to be somebody's who is just starting it."""
        acquired = parse(lock.acquired_at)
        if self._quiet_before is not None and acquired < self._quiet_before:
            return False
        return (now - acquired).total_seconds() < self.lake.inventory.arrivals.unstarted_claim_s


def execution_status(lake: Lake, run_id: str) -> str | None:
    """What Step Functions says of a run's execution; None where there is none."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=lake.execution_arn(run_id))
    except ClientError as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return None
        raise
    return answer["status"]
