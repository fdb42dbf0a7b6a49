"""The table `runs`: what every run is doing, the lake's one lock, and the day's count of runs.

One lake, one run at a time: whoever writes to a published table holds the lock, in a run's name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.files import from_item, to_item
from shoplake.times import iso

STARTING, RUNNING, PUBLISHING = "starting", "running", "publishing"
SUCCEEDED, FAILED = "succeeded", "failed"
ENDED = (SUCCEEDED, FAILED)


@dataclass(frozen=True)
class Lock:
    """Who holds the lake, and since when."""

    run_id: str
    acquired_at: str


class Runs:
    """Reads and writes the table. Items: (run, id), (lock, lake), (counter, day)."""

    def __init__(self, table: str):
        self.table = table

    def next_id(self, now: datetime) -> str:
        """A new run's name, such as 2025-01-15-0007: the seventh run started on that UTC day."""
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
        """True when this run now holds the lake, or held it already."""
        return self._put(
            {"kind": "lock", "id": "lake", "run_id": run_id, "acquired_at": iso(now)},
            condition="attribute_not_exists(id) OR run_id = :run_id",
            values={":run_id": run_id},
        )

    def release_lock(self, run_id: str) -> bool:
        """Free the lake; only the run that holds it can."""
        try:
            client("dynamodb").delete_item(
                TableName=self.table,
                Key=to_item({"kind": "lock", "id": "lake"}),
                ConditionExpression="run_id = :run_id",
                ExpressionAttributeValues=to_item({":run_id": run_id}),
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def begin(self, run_id: str, values: dict[str, Any]) -> None:
        self._put({"kind": "run", "id": run_id, "state": STARTING, **values})

    def get(self, run_id: str) -> dict[str, Any] | None:
        return self._get("run", run_id)

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """The newest runs first."""
        answer = client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression="kind = :run",
            ExpressionAttributeValues=to_item({":run": "run"}),
            ScanIndexForward=False,
            Limit=limit,
        )
        return [from_item(item) for item in answer["Items"]]

    def update(self, run_id: str, **values: Any) -> None:
        """Set attributes of a run."""
        self._update(run_id, values)

    def update_once(self, run_id: str, name: str, value: Any) -> bool:
        """Set an attribute that nobody has set yet. False when somebody has."""
        return self._update(run_id, {name: value}, condition=f"attribute_not_exists(#{name})")

    def forget(self, run_id: str, name: str) -> None:
        client("dynamodb").update_item(
            TableName=self.table,
            Key=to_item({"kind": "run", "id": run_id}),
            UpdateExpression="REMOVE #n",
            ExpressionAttributeNames={"#n": name},
        )

    def _get(self, kind: str, identity: str) -> dict[str, Any] | None:
        answer = client("dynamodb").get_item(
            TableName=self.table, Key=to_item({"kind": kind, "id": identity}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put(self, item: dict[str, Any], condition: str | None = None, values: dict[str, Any] | None = None) -> bool:
        call = {"TableName": self.table, "Item": to_item(item)}
        if condition:
            call |= {"ConditionExpression": condition, "ExpressionAttributeValues": to_item(values or {})}
        try:
            client("dynamodb").put_item(**call)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _update(self, run_id: str, values: dict[str, Any], condition: str | None = None) -> bool:
        call = {
            "TableName": self.table,
            "Key": to_item({"kind": "run", "id": run_id}),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": to_item({f":{name}": value for name, value in values.items()}),
        }
        if condition:
            call["ConditionExpression"] = condition
        try:
            client("dynamodb").update_item(**call)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True
