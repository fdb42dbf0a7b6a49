"""The table `runs`: what every run is doing, the lake's one lock, and the day's count of runs.

One lake, one run at a time: whoever writes to a published table holds the lock, in a run's name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shoplake import dynamodb
from shoplake.aws import client
from shoplake.dynamodb import ABSENT, from_item, to_item
from shoplake.times import iso

STARTING, RUNNING, PUBLISHING, ROLLING_BACK = "starting", "running", "publishing", "rolling_back"
SUCCEEDED, FAILED = "succeeded", "failed"
ENDED = (SUCCEEDED, FAILED)


@dataclass(frozen=True)
class Lock:
    """Who holds the lake, and since when."""

    run_id: str
    acquired_at: str


class Runs:
    """Reads and writes the table. Items: (run, id), (lock, lake), (counter, day), (notice, what was told)."""

    def __init__(self, table: str):
        self.table = table

    def next_id(self, now: datetime) -> str:
        """A new run's name, such as 2025-01-15-0007. Numbers count up on each UTC day and may leave one out."""
        day = now.date().isoformat()
        answer = client("dynamodb").update_item(
            TableName=self.table,
            Key=to_item({"kind": "counter", "id": day}),
            UpdateExpression="ADD runs :one",
            ExpressionAttributeValues=to_item({":one": 1}),
            ReturnValues="UPDATED_NEW",
        )
        return f"{day}-{int(from_item(answer['Attributes'])['runs']):04d}"

    def lock(self) -> Lock | None:
        item = self._get("lock", "lake")
        return Lock(item["run_id"], item["acquired_at"]) if item else None

    def take_lock(self, run_id: str, now: datetime) -> bool:
        """True when this run now holds the lake."""
        item = {"kind": "lock", "id": "lake", "run_id": run_id, "acquired_at": iso(now)}
        return dynamodb.put(self.table, item, only_if={"id": ABSENT})

    def release_lock(self, run_id: str) -> bool:
        """Free the lake; only the run that holds it can."""
        return dynamodb.delete(self.table, {"kind": "lock", "id": "lake"}, only_if={"run_id": run_id})

    def begin(self, run_id: str, values: dict[str, Any]) -> None:
        dynamodb.put(self.table, {"kind": "run", "id": run_id, "state": STARTING, **values})

    def get(self, run_id: str) -> dict[str, Any] | None:
        return self._get("run", run_id)

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """The newest runs first."""
        answer = client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression="kind = :run",
            ExpressionAttributeValues=to_item({":run": "run"}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return [from_item(item) for item in answer["Items"]]

    def update(self, run_id: str, **values: Any) -> None:
        """Set attributes of a run, other than its state."""
        self._update(run_id, values)

    def move(self, run_id: str, state: str, only_from: tuple[str, ...], **values: Any) -> bool:
        """Bring a run into another state, with what belongs to it. False when it is in none of `only_from`.

        A run goes starting -> running -> publishing -> succeeded, or from starting or running to rolling_back and
        failed. Whoever loses such a race must leave the run to the other.
        """
        return self._update(run_id, {"state": state, **values}, only_if={"state": only_from})

    def update_once(self, run_id: str, name: str, value: Any) -> bool:
        """Set an attribute that nobody has set yet. False when somebody has."""
        return self._update(run_id, {name: value}, only_if={name: ABSENT})

    def forget(self, run_id: str, name: str) -> None:
        dynamodb.update(self.table, {"kind": "run", "id": run_id}, {}, remove=(name,))

    def note_once(self, name: str) -> bool:
        """Note that something was done. False when it is noted already."""
        return dynamodb.put(self.table, {"kind": "notice", "id": name}, only_if={"id": ABSENT})

    def forget_note(self, name: str) -> None:
        dynamodb.delete(self.table, {"kind": "notice", "id": name})

    def _get(self, kind: str, identity: str) -> dict[str, Any] | None:
        return dynamodb.get(self.table, {"kind": kind, "id": identity})

    def _update(self, run_id: str, values: dict[str, Any], only_if: dict[str, Any] | None = None) -> bool:
        return dynamodb.update(self.table, {"kind": "run", "id": run_id}, values, only_if=only_if)
