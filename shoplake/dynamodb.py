"""DynamoDB in a few words: items as Python values, and writes that happen only if."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from shoplake.aws import client, error_code

ABSENT = object()  # a condition: the attribute is not there

_READ_AT_ONCE = 100  # what BatchGetItem takes

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
    """Write an item. False when the condition doesn't hold; see `update`."""
    return _if_it_holds("put_item", {"TableName": table, "Item": to_item(item)}, {}, {}, only_if)


def delete(table: str, key: dict[str, str], only_if: dict[str, Any] | None = None) -> bool:
    return _if_it_holds("delete_item", {"TableName": table, "Key": to_item(key)}, {}, {}, only_if)


def update(
    table: str,
    key: dict[str, str],
    values: dict[str, Any],
    remove: Iterable[str] = (),
    add: dict[str, int] | None = None,
    only_if: dict[str, Any] | None = None,
) -> bool:
    """Set, remove and add to attributes. False when the condition doesn't hold, and then nothing is written.

    `only_if` gives what attributes must be: a value, a tuple of values, or ABSENT.
    """
    given = {**values, **(add or {})}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values) if values else ""
    if add:
        expression += " ADD " + ", ".join(f"#{name} :{name}" for name in add)
    if remove:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
    names = {f"#{name}": name for name in [*given, *remove]}
    numbered = {f":{name}": value for name, value in given.items()}
    call = {"TableName": table, "Key": to_item(key), "UpdateExpression": expression.strip()}
    return _if_it_holds("update_item", call, names, numbered, only_if)


def _chunks(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _if_it_holds(
    operation: str, call: dict[str, Any], names: dict[str, str], values: dict[str, Any], only_if: dict[str, Any] | None
) -> bool:
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
    try:
        getattr(client("dynamodb"), operation)(**call)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True
