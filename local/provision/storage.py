"""Buckets, the artifacts in theirs, and the tables `files` and `runs`."""

from typing import Any

from local.provision.account import Account, found
from shoplake.artifacts import Artifact, Artifacts
from shoplake.aws import client
from shoplake.files import CONTENT_INDEX, WAITING_INDEX

_WAIT = {"Delay": 1, "MaxAttempts": 30}


def provision(account: Account, artifacts: Artifacts) -> None:
    lake = account.lake
    _ensure_bucket(account, lake.bucket, announces=True)
    _ensure_bucket(account, lake.artifacts_bucket, announces=False)
    # Functions' zips are reported with their function, which is updated when its zip has changed.
    for artifact in artifacts.functions.values():
        _upload(account, artifact)
    scripts = [("script", script) for script in artifacts.scripts.values()]
    for kind, artifact in [*scripts, ("wheel", artifacts.wheel)]:
        if (outcome := _upload(account, artifact)) is not None:
            account.changed(f"{outcome} {kind} {artifact.key}")
    indexes = [
        _index(WAITING_INDEX, "waiting", "waiting_since"),
        _index(CONTENT_INDEX, "content", "arrived_at"),
    ]
    _ensure_table(account, lake.files_table, _key("object_id"), indexes)
    _ensure_table(account, lake.runs_table, _key("kind", "id"), [])


def _upload(account: Account, artifact: Artifact) -> str | None:
    """Bring an artifact to its bucket. Returns created, updated, or None where the bucket has it already."""
    s3, place = client("s3"), {"Bucket": account.lake.artifacts_bucket, "Key": artifact.key}
    present = found(s3.head_object, "404", **place)
    if present is not None and present["Metadata"].get("sha256") == artifact.sha256:
        return None
    s3.put_object(**place, Body=artifact.path.read_bytes(), Metadata={"sha256": artifact.sha256})
    return "created" if present is None else "updated"


def _ensure_bucket(account: Account, bucket: str, announces: bool) -> None:
    """A versioned bucket; one that `announces` tells EventBridge of every object."""
    s3, present = client("s3"), None
    wanted = {"versioning": "Enabled", "announces": announces}
    if found(s3.head_bucket, "404", Bucket=bucket) is not None:
        notifications = s3.get_bucket_notification_configuration(Bucket=bucket)
        present = {
            "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status"),
            "announces": "EventBridgeConfiguration" in notifications,
        }

    def configure() -> None:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        notifications = {"EventBridgeConfiguration": {}} if announces else {}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=notifications)

    def create() -> None:
        s3.create_bucket(Bucket=bucket)
        configure()

    account.ensure(f"bucket {bucket}", present, wanted, create, configure)


def _ensure_table(account: Account, table: str, key: list[dict[str, str]], indexes: list[dict[str, Any]]) -> None:
    """An on-demand table with point-in-time recovery. Its keys never change: that would be another table."""
    dynamodb, present = client("dynamodb"), None
    if found(dynamodb.describe_table, "ResourceNotFoundException", TableName=table) is not None:
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        present = {"recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]}
    names = sorted({part["AttributeName"] for schema in [key, *(i["KeySchema"] for i in indexes)] for part in schema})

    def recover_to_any_second() -> None:
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    def create() -> None:
        dynamodb.create_table(
            TableName=table,
            KeySchema=key,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig=_WAIT)
        recover_to_any_second()

    account.ensure(f"table {table}", present, {"recovery": "ENABLED"}, create, recover_to_any_second)


def _key(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    parts = [{"AttributeName": partition, "KeyType": "HASH"}]
    return [*parts, {"AttributeName": sort, "KeyType": "RANGE"}] if sort else parts


def _index(name: str, partition: str, sort: str) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _key(partition, sort), "Projection": {"ProjectionType": "ALL"}}
