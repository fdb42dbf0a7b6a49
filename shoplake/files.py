"""The table `files`: what became of every object version that arrived under raw/.

State of a file: received -> claimed (by a run) -> accepted, accepted_with_rejects, duplicate or refused.
A failed run returns its files to received, or holds them until they are replayed or discarded. A discarded file
is over: only dropping it again, which is another version, loads it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shoplake import dynamodb
from shoplake.aws import client
from shoplake.dynamodb import from_item, to_item

RECEIVED, CLAIMED, HELD, DISCARDED = "received", "claimed", "held", "discarded"
ACCEPTED, WITH_REJECTS, DUPLICATE, REFUSED = "accepted", "accepted_with_rejects", "duplicate", "refused"
LOADED = (ACCEPTED, WITH_REJECTS)
WAITING_INDEX, CONTENT_INDEX = "waiting", "content"


def object_id(key: str, version_id: str) -> str:
    """The table's key of an object version."""
    return f"{key}#{version_id}"


@dataclass(frozen=True)
class FileVersion:
    """One object version under raw/: the unit that a manifest lists."""

    key: str
    version_id: str
    dataset: str
    size: int
    etag: str
    arrived_at: str
    source: str | None = None
    force: bool = False

    @property
    def object_id(self) -> str:
        return object_id(self.key, self.version_id)

    @property
    def arrival(self) -> tuple[str, str, str]:
        """Sorts object versions by arrival, the same way wherever they are compared."""
        return (self.arrived_at, self.key, self.version_id)

    @classmethod
    def of(cls, values: dict[str, Any]) -> "FileVersion":
        return cls(
            key=values["key"],
            version_id=values["version_id"],
            dataset=values["dataset"],
            size=int(values["size"]),
            etag=values["etag"],
            arrived_at=values["arrived_at"],
            source=values.get("source"),
            force=bool(values.get("force", False)),
        )

    def values(self) -> dict[str, Any]:
        return {**self.__dict__}


class Files:
    """Reads and writes the table. Every write is safe to repeat."""

    def __init__(self, table: str):
        self.table = table

    def record(self, file: FileVersion) -> bool:
        """Note an arrival. False when it was known, in whatever state: a repeated notification changes nothing."""
        item = {
            "object_id": file.object_id,
            "state": RECEIVED,
            "attempts": 0,
            "waiting": RECEIVED,
            "waiting_since": file.arrived_at,
            **file.values(),
        }
        return dynamodb.put(self.table, item, only_if={"object_id": dynamodb.ABSENT})

    def get(self, object_id: str) -> dict[str, Any] | None:
        return dynamodb.get(self.table, {"object_id": object_id})

    def states(self, object_ids: Sequence[str]) -> dict[str, str]:
        """The state of each of these files that is known."""
        keys = [{"object_id": object_id} for object_id in object_ids]
        items = dynamodb.get_many(self.table, keys, ("object_id", "state"))
        return {item["object_id"]: item["state"] for item in items}

    def waiting(self, state: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Files that are received or held, the earliest arrival first."""
        items = self._query(WAITING_INDEX, "waiting", state)
        return [item for _, item in zip(range(limit), items, strict=False)] if limit else list(items)

    def of_content(self, content: str) -> list[dict[str, Any]]:
        """All object versions with the same dataset and bytes (`{dataset}#{md5}`)."""
        return list(self._query(CONTENT_INDEX, "content", content))

    def claim(self, object_id: str, run_id: str) -> bool:
        """Take a received file into a run. False when it is no longer waiting."""
        return self._take(object_id, run_id, {}, (RECEIVED,))

    def claim_again(self, object_id: str, run_id: str) -> bool:
        """Take a file into a replay, with its attempts forgotten. False when its last word is said already."""
        return self._take(object_id, run_id, {"attempts": 0}, (HELD, RECEIVED, CLAIMED))

    def note_content(self, object_id: str, content: str, details: dict[str, Any]) -> None:
        """What the validator found: the hash of the bytes."""
        self._update(object_id, {"content": content, **details})

    def settle(self, object_id: str, state: str, run_id: str) -> None:
        """The last word of a run on a file."""
        self._update(object_id, {"state": state, "run_id": run_id, "attempts": 0}, remove=("waiting",))

    def give_back(self, object_id: str, run_id: str, state: str, reason: str, at: str) -> bool:
        """Return a file of a failed run to received, or hold it. False when that run no longer has it."""
        values = {"state": state, "waiting": state, "returned_at": at, "returned_for": reason}
        return self._update(object_id, values, add={"attempts": 1}, only_if={"state": CLAIMED, "run_id": run_id})

    def discard(self, object_id: str, by: str, at: str, reason: str) -> bool:
        """Give up a file that is held or waits. False when it is neither."""
        values = {"state": DISCARDED, "discarded_by": by, "discarded_at": at, "discarded_for": reason}
        return self._update(object_id, values, remove=("waiting",), only_if={"state": (HELD, RECEIVED)})

    def _take(self, object_id: str, run_id: str, values: dict[str, Any], states: tuple[str, ...]) -> bool:
        taken = {"state": CLAIMED, "run_id": run_id, **values}
        return self._update(object_id, taken, remove=("waiting",), only_if={"state": states})

    def _update(self, object_id: str, values: dict[str, Any], **how: Any) -> bool:
        return dynamodb.update(self.table, {"object_id": object_id}, values, **how)

    def _query(self, index: str, name: str, value: str) -> Iterator[dict[str, Any]]:
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.table,
                IndexName=index,
                KeyConditionExpression="#k = :v",
                ExpressionAttributeNames={"#k": name},
                ExpressionAttributeValues=to_item({":v": value}),
            )
        )
        return (from_item(item) for page in pages for item in page["Items"])
