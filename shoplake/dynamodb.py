"""DynamoDB in a few words: items as Python values, and writes that happen only if."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from shoplake.aws import client, error_code

ABSENT = object()  # a condition: the attribute is not there

_READ_AT_ONCE = 100  # what BatchGetItem takes
_WRITTEN_AT_ONCE = 100  # what TransactWriteItems takes

T = TypeVar("T")

_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


def to_item(values: dict[str, Any]) -> dict[str, Any]:
    """Python values in DynamoDB's wire form."""
    return {name: _serialize(value) for name, value in values.items()}


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def get(table: str, key: dict[str, str]) -> dict[str, Any] | None:
    """The item as last written, or None."""
    answer = client("dynamodb").get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
    return from_item(answer["Item"]) if "Item" in answer else None


def get_many(table: str, keys: Sequence[dict[str, str]], attributes: Sequence[str]) -> list[dict[str, Any]]:
    """Some attributes of those items that exist, as last written, in no order."""
    names = {f"#{name}": name for name in attributes}
    how = {"ConsistentRead": True, "ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    found: list[dict[str, Any]] = []
    for asked in _chunks(keys, _READ_AT_ONCE):
        wanted = {table: {**how, "Keys": [to_item(key) for key in asked]}}
        while wanted:
            answer = client("dynamodb").batch_get_item(RequestItems=wanted)
            found += [from_item(item) for item in answer["Responses"].get(table, [])]
            wanted = answer.get("UnprocessedKeys")
    return found


def put(table: str, item: dict[str, Any], only_if: dict[str, Any] | None = None) -> bool:
    """Write an item. False when the condition doesn't hold; see `Update`."""
    return _if_it_holds("put_item", _with_condition({"TableName": table, "Item": to_item(item)}, {}, {}, only_if))


def delete(table: str, key: dict[str, str], only_if: dict[str, Any] | None = None) -> bool:
    return _if_it_holds("delete_item", _with_condition({"TableName": table, "Key": to_item(key)}, {}, {}, only_if))


@dataclass(frozen=True)
class Update:
    """Set, remove and add to attributes of the item with this key.

    `only_if` gives what attributes must be: a value, a tuple of values, or ABSENT.
    """

    key: dict[str, str]
    values: dict[str, Any]
    remove: Iterable[str] = ()
    add: dict[str, int] | None = None
    only_if: dict[str, Any] | None = None

    def call(self, table: str) -> dict[str, Any]:
        """The arguments of UpdateItem."""
        given = {**self.values, **(self.add or {})}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in self.values) if self.values else ""
        if self.add:
            expression += " ADD " + ", ".join(f"#{name} :{name}" for name in self.add)
        if self.remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in self.remove)
        names = {f"#{name}": name for name in [*given, *self.remove]}
        numbered = {f":{name}": value for name, value in given.items()}
        call = {"TableName": table, "Key": to_item(self.key), "UpdateExpression": expression.strip()}
        return _with_condition(call, names, numbered, self.only_if)


def update(table: str, key: dict[str, str], values: dict[str, Any], **how: Any) -> bool:
    """Make one Update. False when its condition doesn't hold, and then nothing is written."""
    return _if_it_holds("update_item", Update(key, values, **how).call(table))


def update_many(table: str, updates: Sequence[Update]) -> list[bool]:
    """Make many updates, each of another item; for each, whether its condition held.

    A hundred go in one transaction. One that is refused, since a condition doesn't hold or somebody else is
    writing, is made again update by update.
    """
    done: list[bool] = []
    for some in _chunks(updates, _WRITTEN_AT_ONCE):
        calls = [update.call(table) for update in some]
        try:
            client("dynamodb").transact_write_items(TransactItems=[{"Update": call} for call in calls])
            done += [True] * len(calls)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            done += [_if_it_holds("update_item", call) for call in calls]
    return done


def _chunks(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _with_condition(
    call: dict[str, Any], names: dict[str, str], values: dict[str, Any], only_if: dict[str, Any] | None
) -> dict[str, Any]:
    """The call with its condition, and the names and values that its expressions use."""
    conditions = []
    for name, wanted in (only_if or {}).items():
        names[f"#{name}"] = name
        options = wanted if isinstance(wanted, tuple) else (wanted,)
        if wanted is ABSENT:
            conditions.append(f"attribute_not_exists(#{name})")
            continue
        values |= {f":if_{name}_{n}": option for n, option in enumerate(options)}
        conditions.append(f"#{name} IN ({', '.join(f':if_{name}_{n}' for n in range(len(options)))})")
    if conditions:
        call["ConditionExpression"] = " AND ".join(conditions)
    if names:
        call["ExpressionAttributeNames"] = names
    if values:
        call["ExpressionAttributeValues"] = to_item(values)
    return call


def _if_it_holds(operation: str, call: dict[str, Any]) -> bool:
    try:
        getattr(client("dynamodb"), operation)(**call)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True
