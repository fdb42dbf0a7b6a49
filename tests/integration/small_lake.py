"""A lake of a test's own beside the others in the emulator: storage and databases, and a state machine that waits.

No functions and no events: the test calls the code itself, in the order that it wants to see.
"""

import json
from pathlib import Path

from local.provision import query, storage
from local.provision.account import Account
from shoplake import aws as shoplake_aws
from shoplake.artifacts import build_artifacts
from shoplake.aws import client
from shoplake.config import Lake, load_inventory

ROOT = Path(__file__).resolve().parents[2]
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}


def small_lake(name: str, folder: Path) -> Lake:
    """An environment `name` with the local one's values, provisioned so far that runs can be dispatched."""
    shoplake_aws.client.cache_clear()
    inventory = load_inventory()
    local = inventory.environments["local"]
    lake = Lake(inventory.model_copy(update={"environments": {name: local}}), name, local.account)
    account = Account(lake, lambda sentence: None)
    storage.provision(account, build_artifacts(ROOT, folder))
    query.provision(account)
    client("s3").put_bucket_notification_configuration(Bucket=lake.bucket, NotificationConfiguration={})
    role = account.ensure_role("waits", "states")
    client("stepfunctions").create_state_machine(
        name=lake.state_machine_name, definition=json.dumps(WAITS), roleArn=role
    )
    for topic in lake.inventory.topics:
        client("sns").create_topic(Name=lake.topic_name(topic))
    return lake


def drop(lake: Lake, name: str, body: bytes = b"x", dataset: str = "transactions", **metadata: str) -> tuple[str, str]:
    """Put an object under raw/. Returns its key and version."""
    key = f"raw/{dataset}/{name}"
    answer = client("s3").put_object(Bucket=lake.bucket, Key=key, Body=body, Metadata=metadata)
    return key, answer["VersionId"]
