"""Planned values against botocore's models of AWS's APIs: types, enumerations, patterns, lengths, ranges.

A resource's attributes are matched to the members of the API call that creates it by their letters (`worker_type` is
`WorkerType`); where Terraform calls one otherwise, `Counterpart.renames` says how. What has no counterpart must be
listed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import Shape

# Of Terraform alone, whatever the resource.
_TERRAFORMS_OWN = {"region", "tags", "tags_all", "timeouts", "force_destroy", "skip_destroy"}


@dataclass(frozen=True)
class Counterpart:
    """The API call that makes a resource. Paths are of members, joined by dots; `""` is the call itself."""

    service: str
    call: str
    at: str = ""  # the structure that the attributes belong to
    renames: dict[str, str] = field(default_factory=dict)  # attribute -> path of the member
    unchecked: frozenset[str] = frozenset()  # attributes that this call doesn't have


def _of(service: str, call: str, at: str = "", unchecked: str = "", **renames: str) -> Counterpart:
    return Counterpart(service, call, at, renames, frozenset(unchecked.split()))


COUNTERPARTS = {
    "aws_athena_named_query": _of("athena", "CreateNamedQuery", query="QueryString"),
    "aws_athena_workgroup": _of("athena", "CreateWorkGroup", unchecked="state"),
    "aws_budgets_budget": _of(
        "budgets", "CreateBudget", "Budget", unchecked="cost_filter notification",
        name="BudgetName", limit_amount="BudgetLimit.Amount", limit_unit="BudgetLimit.Unit",
    ),
    "aws_ce_anomaly_monitor": _of(
        "ce", "CreateAnomalyMonitor", "AnomalyMonitor",
        name="MonitorName", monitor_specification="MonitorSpecification",
    ),
    "aws_ce_anomaly_subscription": _of(
        "ce", "CreateAnomalySubscription", "AnomalySubscription",
        name="SubscriptionName", subscriber="Subscribers", threshold_expression="ThresholdExpression",
        dimension="Dimensions",
    ),
    "aws_cloudtrail": _of(
        "cloudtrail", "CreateTrail", unchecked="advanced_event_selector",
        enable_log_file_validation="EnableLogFileValidation",
    ),
    "aws_cloudwatch_dashboard": _of("cloudwatch", "PutDashboard"),
    "aws_cloudwatch_event_rule": _of("events", "PutRule"),
    "aws_cloudwatch_event_target": _of("events", "PutTargets", target_id="Targets.Id", arn="Targets.Arn"),
    "aws_cloudwatch_log_group": _of("logs", "CreateLogGroup", unchecked="retention_in_days", name="logGroupName"),
    "aws_cloudwatch_log_metric_filter": _of(
        "logs", "PutMetricFilter", name="filterName", pattern="filterPattern",
        metric_transformation="metricTransformations", metric_transformation_name="metricName",
        metric_transformation_namespace="metricNamespace", metric_transformation_value="metricValue",
    ),
    "aws_cloudwatch_metric_alarm": _of("cloudwatch", "PutMetricAlarm"),
    "aws_default_security_group": _of("ec2", "DescribeSecurityGroups"),
    "aws_dynamodb_table": _of(
        "dynamodb", "CreateTable", unchecked="point_in_time_recovery hash_key range_key projection_type",
        name="TableName",
        attribute="AttributeDefinitions", attribute_name="AttributeName", attribute_type="AttributeType",
        global_secondary_index="GlobalSecondaryIndexes", global_secondary_index_name="IndexName",
    ),
    "aws_flow_log": _of("ec2", "CreateFlowLogs", vpc_id="ResourceIds"),
    "aws_glue_catalog_database": _of("glue", "CreateDatabase", "DatabaseInput"),
    "aws_glue_classifier": _of(
        "glue", "CreateClassifier", name="CsvClassifier.Name", csv_classifier="CsvClassifier",
        json_classifier="JsonClassifier",
    ),
    "aws_glue_connection": _of("glue", "CreateConnection", "ConnectionInput"),
    "aws_glue_crawler": _of("glue", "CreateCrawler", s3_target="Targets.S3Targets"),
    "aws_glue_job": _of("glue", "CreateJob", role_arn="Role", connections="Connections.Connections"),
    "aws_iam_role": _of("iam", "CreateRole", name="RoleName", assume_role_policy="AssumeRolePolicyDocument"),
    "aws_iam_role_policy": _of("iam", "PutRolePolicy", name="PolicyName", policy="PolicyDocument"),
    "aws_lambda_event_source_mapping": _of("lambda", "CreateEventSourceMapping"),
    "aws_lambda_function": _of(
        "lambda", "CreateFunction", unchecked="source_code_hash", s3_bucket="Code.S3Bucket", s3_key="Code.S3Key",
    ),
    "aws_lambda_layer_version": _of(
        "lambda", "PublishLayerVersion", unchecked="source_code_hash",
        s3_bucket="Content.S3Bucket", s3_key="Content.S3Key",
    ),
    "aws_lambda_permission": _of("lambda", "AddPermission"),
    "aws_s3_bucket": _of("s3", "CreateBucket"),
    "aws_s3_bucket_lifecycle_configuration": _of(
        "s3", "PutBucketLifecycleConfiguration", "LifecycleConfiguration",
        rule="Rules", transition="Transitions",
    ),
    "aws_s3_bucket_logging": _of(
        "s3", "PutBucketLogging", target_prefix="BucketLoggingStatus.LoggingEnabled.TargetPrefix",
    ),
    "aws_s3_bucket_ownership_controls": _of("s3", "PutBucketOwnershipControls", "OwnershipControls", rule="Rules"),
    "aws_s3_bucket_policy": _of("s3", "PutBucketPolicy"),
    "aws_s3_bucket_public_access_block": _of("s3", "PutPublicAccessBlock", "PublicAccessBlockConfiguration"),
    "aws_s3_bucket_server_side_encryption_configuration": _of(
        "s3", "PutBucketEncryption", "ServerSideEncryptionConfiguration", rule="Rules",
        sse_algorithm="SSEAlgorithm", kms_master_key_id="KMSMasterKeyID",
    ),
    "aws_s3_bucket_versioning": _of("s3", "PutBucketVersioning", versioning_configuration="VersioningConfiguration"),
    "aws_s3_object": _of("s3", "PutObject", unchecked="source source_hash"),
    "aws_scheduler_schedule": _of("scheduler", "CreateSchedule"),
    "aws_secretsmanager_secret": _of("secretsmanager", "CreateSecret", unchecked="recovery_window_in_days"),
    "aws_security_group": _of("ec2", "CreateSecurityGroup", name="GroupName"),
    "aws_sfn_state_machine": _of("stepfunctions", "CreateStateMachine"),
    "aws_sns_topic": _of("sns", "CreateTopic"),
    "aws_sns_topic_subscription": _of("sns", "Subscribe"),
    "aws_sqs_queue": _of(
        "sqs", "CreateQueue", name="QueueName",
        unchecked="visibility_timeout_seconds message_retention_seconds redrive_policy redrive_allow_policy "
        "sqs_managed_sse_enabled",
    ),
    "aws_subnet": _of("ec2", "CreateSubnet"),
    "aws_vpc": _of("ec2", "CreateVpc", unchecked="enable_dns_support enable_dns_hostnames"),
    "aws_vpc_endpoint": _of("ec2", "CreateVpcEndpoint", private_dns_enabled="PrivateDnsEnabled"),
}  # fmt: skip

# Resources without a call whose model says more than the provider's schema.
UNCHECKED = {
    "aws_route_table": "a route table has no values of its own",
    "aws_route_table_association": "two ids",
    "aws_s3_bucket_notification": "one switch",
    "aws_sns_topic_policy": "a document, which IAM's own grammar checks",
    "aws_sqs_queue_policy": "a document, which IAM's own grammar checks",
    "aws_vpc_security_group_egress_rule": "ports and groups: the model has no limits",
    "aws_vpc_security_group_ingress_rule": "ports and groups: the model has no limits",
    "terraform_data": "of Terraform alone",
}


@dataclass
class Findings:
    """Sentences on wrong values, attributes without a member, and how many values were checked."""

    wrong: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    checked: int = 0


def findings(kind: str, address: str, values: dict[str, Any]) -> Findings:
    """Hold a planned resource against the model of its call."""
    counterpart, found = COUNTERPARTS[kind], Findings()
    shape = _input(counterpart.service, counterpart.call)
    for name in filter(None, counterpart.at.split(".")):
        shape = shape.members[name]
    own = {
        name: value
        for name, value in values.items()
        if name not in _TERRAFORMS_OWN | counterpart.unchecked and not _is_empty(value)
    }
    _structure(shape, own, address, counterpart, found)
    return found


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {} or value == ""


def _structure(shape: Shape, values: dict[str, Any], place: str, counterpart: Counterpart, found: Findings) -> None:
    for name, value in values.items():
        if _is_empty(value) or name in counterpart.unchecked:
            continue
        member = _member(shape, name, place.rpartition(".")[2], counterpart)
        if member is None:
            found.unmatched.append(f"{place}.{name}")
        else:
            _value(member, value, f"{place}.{name}", counterpart, found)


def _member(shape: Shape, name: str, parent: str, counterpart: Counterpart) -> Shape | None:
    path = counterpart.renames.get(f"{parent}_{name}") or counterpart.renames.get(name)
    if path is not None:
        found: Shape | None = shape
        for part in path.split("."):
            found = found.member if found.type_name == "list" else found
            found = found.members.get(part) if found.type_name == "structure" else None
            if found is None:
                break
        if found is not None:
            return found
    return next(
        (member for member_name, member in shape.members.items() if _letters(member_name) == _letters(name)), None
    )


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _value(shape: Shape, value: Any, place: str, counterpart: Counterpart, found: Findings) -> None:
    if shape.type_name == "structure":
        if isinstance(value, str):  # JSON
            value = json.loads(value)
        for block in value if isinstance(value, list) else [value]:
            if isinstance(block, dict):
                _structure(shape, block, place, counterpart, found)
            else:
                found.unmatched.append(place)
    elif shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and set(shape.member.members) == {"Name", "Value"}:  # dimensions
            items = [{"name": name, "value": text} for name, text in value.items()]
        _in_range(shape, len(items), f"{place} has {len(items)} elements", found)
        for item in items:
            if item is not None:
                _value(shape.member, item, place, counterpart, found)
    elif shape.type_name == "map":
        for name, item in value.items():
            _value(shape.key, name, f"{place}[{name}]", counterpart, found)
            _value(shape.value, item, f"{place}[{name}]", counterpart, found)
    else:
        found.checked += 1
        found.wrong += [f"{place} is {value!r}: {rule}" for rule in _broken_rules(shape, value)]


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    if shape.type_name == "string":
        text = value if isinstance(value, str) else json.dumps(value)
        if shape.enum and text not in shape.enum:
            yield f"one of {', '.join(shape.enum)}"
        if (pattern := _pattern(shape)) is not None and not pattern.fullmatch(text):
            yield f"must match {shape.metadata['pattern']}"
        yield from _outside(shape, len(text), "characters")
    elif shape.type_name in ("integer", "long", "double", "float"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield "must be a number"
        else:
            yield from _outside(shape, value, "")
    elif shape.type_name == "boolean" and not isinstance(value, bool):
        yield "must be true or false"


def _outside(shape: Shape, number: float, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield f"at least {least} {unit}".strip()
    if most is not None and number > most:
        yield f"at most {most} {unit}".strip()


def _in_range(shape: Shape, number: int, sentence: str, found: Findings) -> None:
    found.wrong += [f"{sentence}: {rule}" for rule in _outside(shape, number, "")]


def _pattern(shape: Shape) -> re.Pattern | None:
    """The model's pattern, where it says the same in Python as in Java."""
    text = shape.metadata.get("pattern")
    try:
        return re.compile(text, re.DOTALL) if text else None
    except re.error:
        return None


@lru_cache(maxsize=64)
def _input(service: str, call: str) -> Shape:
    return _service(service).operation_model(call).input_shape


@lru_cache(maxsize=32)
def _service(name: str):
    return botocore.session.get_session().get_service_model(name)
