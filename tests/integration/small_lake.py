"""A lake of a test's own beside the others in the emulator: storage and databases, and a state machine that waits.

No functions and no events: the test calls the code itself, in the order that it wants to see.
"""

import json
from collections.abc import Callable
from pathlib import Path

from local.provision import query, storage
from local.provision.account import Account
from shoplake import aws as shoplake_aws
from shoplake.artifacts import build_artifacts
from shoplake.aws import client
from shoplake.config import Lake
from shoplake.inventory import load_inventory
from shoplake.runs import Runs

ROOT = Path(__file__).resolve().parents[2]
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}


def changed(lake: Lake, arrivals: dict | None = None, **settings) -> Lake:
    """The same lake with other values under arrivals, or of its environment."""
    inventory = lake.inventory
    changes = {
        "arrivals": inventory.arrivals.model_copy(update=arrivals or {}),
        "environments": {lake.env: lake.settings.model_copy(update=settings)},
    }
    return Lake(inventory.model_copy(update=changes), lake.env, lake.account)


def letters_to(queue_name: str, lake: Lake) -> Callable[[], list[dict]]:
    """A function that gives the messages that the lake has sent since it was asked last."""
    queue = client("sqs").create_queue(QueueName=queue_name)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in lake.inventory.topics:
        client("sns").subscribe(TopicArn=lake.topic_arn(topic), Protocol="sqs", Endpoint=arn)

    return lambda: received(queue)


def received(queue: str) -> list[dict]:
    """The bodies of the messages in a queue, which are taken out of it."""
    found = []
    while messages := client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(json.loads(message["Body"]))
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


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


def empty(lake: Lake) -> None:
    """Stop the run that holds the lake, and forget every file and run."""
    lock = Runs(lake.runs_table).lock()
    if lock:
        client("stepfunctions").stop_execution(executionArn=lake.execution_arn(lock.run_id))
        Runs(lake.runs_table).release_lock(lock.run_id)
    for table, key in ((lake.files_table, ["object_id"]), (lake.runs_table, ["kind", "id"])):
        pages = client("dynamodb").get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"] if item.get("kind", {}).get("S") != "counter"]
        deletions = [{"DeleteRequest": {"Key": {name: item[name] for name in key}}} for item in items]
        for start in range(0, len(deletions), 25):
            client("dynamodb").batch_write_item(RequestItems={table: deletions[start : start + 25]})
    for version in client("s3").list_object_versions(Bucket=lake.bucket, Prefix="raw/").get("Versions", []):
        client("s3").delete_object(Bucket=lake.bucket, Key=version["Key"], VersionId=version["VersionId"])
