"""AWS clients and the few calls on S3 that everybody needs. Endpoints and credentials: from the environment."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_AT_ONCE = 16  # calls that one process makes side by side
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=_AT_ONCE,
)

Given = TypeVar("Given")
Made = TypeVar("Made")


@lru_cache(maxsize=32)
def client(service: str, read_timeout_s: int = 60):
    """The process's client of a service, with retries on throttling."""
    return boto3.client(service, config=_CONFIG.merge(Config(read_timeout=read_timeout_s)))


def at_once(call: Callable[[Given], Made], values: Iterable[Given]) -> list[Made]:
    """The call's answers, in the values' order, made 16 at a time: for calls that wait for AWS."""
    for service in ("s3", "dynamodb"):
        client(service)  # made once, before the threads ask for it
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(call, values))


def error_code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def put_json(bucket: str, key: str, value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False, indent=1, default=str).encode()
    client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def get_json(bucket: str, key: str) -> Any:
    return json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def get_json_or_none(bucket: str, key: str) -> Any:
    """The object's value, or None where there is no such object."""
    try:
        return get_json(bucket, key)
    except ClientError as error:
        if error_code(error) in ("NoSuchKey", "404"):
            return None
        raise


def list_keys(bucket: str, prefix: str) -> list[str]:
    """All keys under a prefix, in order."""
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]
