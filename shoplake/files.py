"""The table `files`: what became of every object version that arrived under raw/.

State of a file: received -> claimed (by a run) -> accepted, accepted_with_rejects, duplicate or refused.
A failed run returns its files to received, or holds them until they are replayed or discarded. A discarded file
is over: only dropping it again, which is another version, loads it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shoplake import dynamodb
from shoplake.aws import at_once, client
from shoplake.dynamodb import Update, from_item, to_item

RECEIVED, CLAIMED, HELD, DISCARDED = "received", "claimed", "held", "discarded"
ACCEPTED, WITH_REJECTS, DUPLICATE, REFUSED = "accepted", "accepted_with_rejects", "duplicate", "refused"
LOADED = (ACCEPTED, WITH_REJECTS)
WAITING_INDEX, CONTENT_INDEX = "waiting", "content"


def object_id(key: str, version_id: str) -> str:
    """The table's key of an object version."""
    return f"{key}#{version_id}"


def _key(object_id: str) -> dict[str, str]:
    return {"object_id": object_id}


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
        return dynamodb.get(self.table, _key(object_id))

    def get_many(self, object_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """State, run_id and attempts of each of these files that is known."""
        keys = [_key(object_id) for object_id in object_ids]
        items = dynamodb.get_many(self.table, keys, ("object_id", "state", "run_id", "attempts"))
        return {item["object_id"]: item for item in items}

    def waiting(self, state: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Files that are received or held, the earliest arrival first."""
        items = self._query(WAITING_INDEX, "waiting", state)
        return [item for _, item in zip(range(limit), items, strict=False)] if limit else list(items)

    def of_content(self, content: str) -> list[dict[str, Any]]:
        """All object versions with the same dataset and bytes (`{dataset}#{md5}`)."""
        return list(self._query(CONTENT_INDEX, "content", content))

    def of_contents(self, contents: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """The object versions of each of these contents."""
        asked = list(contents)
        return dict(zip(asked, at_once(self.of_content, asked), strict=True))

    def claim(self, object_ids: Sequence[str], run_id: str) -> set[str]:
        """Take received files into a run. Returns those that the run now has; others no longer wait."""
        return self._take(object_ids, run_id, {}, (RECEIVED,))

    def claim_again(self, object_ids: Sequence[str], run_id: str) -> set[str]:
        """Take files into a replay, with their attempts forgotten, but for those whose last word is said already."""
        return self._take(object_ids, run_id, {"attempts": 0}, (HELD, RECEIVED, CLAIMED))

    def note_content(self, object_id: str, content: str, details: dict[str, Any]) -> None:
        """What the validator found: the hash of the bytes."""
        self._update(object_id, {"content": content, **details})

    def settle(self, states: dict[str, str], run_id: str) -> None:
        """The last word of a run on its files: the state of each."""
        self._update_many(
            Update(_key(object_id), {"state": state, "run_id": run_id, "attempts": 0}, remove=("waiting",))
            for object_id, state in states.items()
        )

    def give_back(self, states: dict[str, str], run_id: str, reason: str, at: str) -> set[str]:
        """Return files of a failed run, each to received or held. Returns those that the run still had."""
        still = {"state": CLAIMED, "run_id": run_id}
        told = {"returned_at": at, "returned_for": reason}
        done = self._update_many(
            Update(_key(object_id), {"state": state, "waiting": state, **told}, add={"attempts": 1}, only_if=still)
            for object_id, state in states.items()
        )
        return {object_id for object_id, is_done in zip(states, done, strict=True) if is_done}

    def discard(self, object_id: str, by: str, at: str, reason: str) -> bool:
        """Give up a file that is held or waits. False when it is neither."""
        values = {"state": DISCARDED, "discarded_by": by, "discarded_at": at, "discarded_for": reason}
        return self._update(object_id, values, remove=("waiting",), only_if={"state": (HELD, RECEIVED)})

    def _take(
        self, object_ids: Sequence[str], run_id: str, values: dict[str, Any], states: tuple[str, ...]
    ) -> set[str]:
        taken = {"state": CLAIMED, "run_id": run_id, **values}
        done = self._update_many(
            Update(_key(object_id), taken, remove=("waiting",), only_if={"state": states}) for object_id in object_ids
        )
        refused = [object_id for object_id, is_done in zip(object_ids, done, strict=True) if not is_done]
        # A write whose answer was lost is repeated by the SDK and then refused: such a file is the run's all the same.
        found = self.get_many(refused).values()
        ours = {item["object_id"] for item in found if (item["state"], item.get("run_id")) == (CLAIMED, run_id)}
        return {*object_ids} - {*refused} | ours

    def _update(self, object_id: str, values: dict[str, Any], **how: Any) -> bool:
        return dynamodb.update(self.table, _key(object_id), values, **how)

    def _update_many(self, updates: Iterable[Update]) -> list[bool]:
        return dynamodb.update_many(self.table, list(updates))

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
