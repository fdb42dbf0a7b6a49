"""The table `files`: what became of every object version that arrived under raw/.

State of a file: received -> claimed (by a run) -> accepted, accepted_with_rejects, duplicate or refused.
A failed run returns its files to received, or holds them until they are replayed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from shoplake.aws import client, error_code

RECEIVED, CLAIMED, HELD = "received", "claimed", "held"
ACCEPTED, WITH_REJECTS, DUPLICATE, REFUSED = "accepted", "accepted_with_rejects", "duplicate", "refused"
LOADED = (ACCEPTED, WITH_REJECTS)
WAITING_INDEX, CONTENT_INDEX = "waiting", "content"

_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


def to_item(values: dict[str, Any]) -> dict[str, Any]:
    """Python values in DynamoDB's wire form."""
    return {name: _serialize(value) for name, value in values.items()}


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


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
        return f"{self.key}#{self.version_id}"

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
            "object_id": file.object_id, "state": RECEIVED, "attempts": 0,
            "waiting": RECEIVED, "waiting_since": file.arrived_at, **file.values(),
        }  # fmt: skip
        try:
            client("dynamodb").put_item(
                TableName=self.table,
                Item=to_item(item),
                ConditionExpression="attribute_not_exists(object_id)",
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def get(self, object_id: str) -> dict[str, Any] | None:
        answer = client("dynamodb").get_item(
            TableName=self.table, Key=to_item({"object_id": object_id}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def waiting(self, state: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Files that are received or held, the earliest arrival first."""
        items = self._query(WAITING_INDEX, "waiting", state)
        return [item for _, item in zip(range(limit), items, strict=False)] if limit else list(items)

    def of_content(self, content: str) -> list[dict[str, Any]]:
        """All object versions with the same dataset and bytes (`{dataset}#{md5}`)."""
        return list(self._query(CONTENT_INDEX, "content", content))

    def claim(self, object_id: str, run_id: str) -> bool:
        """Take a received file into a run. False when it is no longer waiting."""
        return self._update(
            object_id,
            {"state": CLAIMED, "run_id": run_id},
            remove=("waiting",),
            only_if=("state", RECEIVED),
        )

    def note_content(self, object_id: str, content: str, details: dict[str, Any]) -> None:
        """What the validator found: the hash of the bytes and the dialect."""
        self._update(object_id, {"content": content, **details})

    def settle(self, object_id: str, state: str, run_id: str, details: dict[str, Any] | None = None) -> None:
        """The last word of a run on a file."""
        self._update(object_id, {"state": state, "run_id": run_id, **(details or {})}, remove=("waiting",))

    def give_back(self, object_id: str, state: str) -> bool:
        """Return a claimed file of a failed run to received, or hold it. False when it isn't claimed."""
        return self._update(
            object_id, {"state": state, "waiting": state}, add={"attempts": 1}, only_if=("state", CLAIMED)
        )

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

    def _update(
        self,
        object_id: str,
        values: dict[str, Any],
        remove: Iterable[str] = (),
        add: dict[str, int] | None = None,
        only_if: tuple[str, str] | None = None,
    ) -> bool:
        given = {**values, **(add or {})}
        names = {f"#{name}": name for name in [*given, *remove, *([only_if[0]] if only_if else [])]}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        if add:
            expression += " ADD " + ", ".join(f"#{name} :{name}" for name in add)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        call = {
            "TableName": self.table,
            "Key": to_item({"object_id": object_id}),
            "UpdateExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item({f":{name}": value for name, value in given.items()}),
        }
        if only_if:
            call["ConditionExpression"] = f"#{only_if[0]} = :expected"
            call["ExpressionAttributeValues"][":expected"] = _serialize(only_if[1])
        try:
            client("dynamodb").update_item(**call)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True
