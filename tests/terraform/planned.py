"""The things of a plan, and what of the plan is not compared, each with its reason."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.terraform.things import Things, sorted_lines
from tests.terraform.workspace import Plan, one


class _Asked(dict):
    """A resource's values or one of its blocks, which knows what of it was asked for."""

    def __init__(self, content: dict[str, Any]):
        super().__init__({name: _watched(value) for name, value in content.items()})
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def unasked(self, place: str = "") -> Iterator[str]:
        """The paths of what has a value and was not asked for, of blocks too."""
        for name, value in self.items():
            if name not in self.names:
                if value not in (None, "", False, [], {}):
                    yield f"{place}{name}"
                continue
            for block in value if isinstance(value, list) else []:
                if isinstance(block, _Asked):
                    yield from block.unasked(f"{place}{name}.")


def _watched(value: Any) -> Any:
    """Blocks are lists of mappings; a mapping of its own, such as a job's arguments, is one value."""
    is_blocks = isinstance(value, list) and value and all(isinstance(block, dict) for block in value)
    return [_Asked(block) for block in value] if is_blocks else value


def planned(plan: Plan) -> Things:
    """The things of a plan that the local provisioner also makes."""
    return _read(plan)[0]


def not_compared(plan: Plan) -> tuple[set[str], set[tuple[str, str]]]:
    """Types of resources, and types with attributes, that `planned` makes nothing of though they have a value."""
    return {resource["type"] for resource in plan.resources} - _OF_RESOURCE.keys(), _read(plan)[1]


def _read(plan: Plan) -> tuple[Things, set[tuple[str, str]]]:
    things: Things = defaultdict(dict)
    unasked = set()
    owners = {r["address"]: r["values"].get("bucket") or r["values"].get("name") for r in plan.resources}
    for resource in plan.resources:
        if (kind := resource["type"]) in _OF_RESOURCE:
            values = _Asked(resource["values"] | {OWNER: owners.get(_owner(resource))})
            _OF_RESOURCE[kind](things, values)
            unasked |= {(kind, path) for path in values.unasked() if path != OWNER}
    return dict(things), unasked


# The bucket or topic that a resource belongs to, whose name is known after apply; by the addresses of both.
OWNER = "(owner)"


def _owner(resource: dict[str, Any]) -> str:
    kind, address = resource["type"], resource["address"]
    module = address.partition(f".{kind}")[0]
    if kind == "aws_s3_bucket_notification":
        return f'{module}.aws_s3_bucket.this["{address.rpartition(".")[2]}"]'
    if kind == "aws_sns_topic_subscription":
        return f'{module}.aws_sns_topic.this["{resource["key"].split()[0]}"]'
    return address.replace("aws_s3_bucket_versioning", "aws_s3_bucket")


def _planned_bucket(things: Things, values: dict[str, Any]) -> None:
    """A bucket tells nobody of its objects unless a notification of its own says so."""
    things["bucket", values["bucket"]].setdefault("announces", False)


def _planned_versioning(things: Things, values: dict[str, Any]) -> None:
    things["bucket", values[OWNER]]["versioning"] = one(values["versioning_configuration"])["status"]


def _planned_notification(things: Things, values: dict[str, Any]) -> None:
    things["bucket", values[OWNER]]["announces"] = values["eventbridge"]


def _planned_subscription(things: Things, values: dict[str, Any]) -> None:
    things["subscription", f"{values[OWNER]} {values['endpoint']}"]["protocol"] = values["protocol"]


def _planned_table(things: Things, values: dict[str, Any]) -> None:
    things["table", values["name"]] |= {
        "BillingMode": values["billing_mode"],
        "attributes": {attribute["name"]: attribute["type"] for attribute in values["attribute"]},
        "keys": list(filter(None, [values["hash_key"], values["range_key"]])),
        "indexes": {
            index["name"]: [index["hash_key"], index["range_key"], index["projection_type"]]
            for index in values["global_secondary_index"]
        },
        "recovery": one(values["point_in_time_recovery"])["enabled"],
    }


def _planned_workgroup(things: Things, values: dict[str, Any]) -> None:
    configuration = one(values["configuration"])
    things["workgroup", values["name"]] |= {
        "EnforceWorkGroupConfiguration": configuration["enforce_workgroup_configuration"],
        "PublishCloudWatchMetricsEnabled": configuration["publish_cloudwatch_metrics_enabled"],
        "BytesScannedCutoffPerQuery": configuration["bytes_scanned_cutoff_per_query"],
        "OutputLocation": one(configuration["result_configuration"])["output_location"],
    }


def _planned_query(things: Things, values: dict[str, Any]) -> None:
    things["query", values["name"]] |= {
        "Description": values["description"],
        "Database": values["database"],
        "QueryString": values["query"],
        "WorkGroup": values.get("workgroup", "(known after apply)"),
    }


def _planned_classifier(things: Things, values: dict[str, Any]) -> None:
    if values["csv_classifier"]:
        csv = one(values["csv_classifier"])
        things["classifier", values["name"]] |= {
            "Delimiter": csv["delimiter"],
            "QuoteSymbol": csv["quote_symbol"],
            "ContainsHeader": csv["contains_header"],
            "Serde": csv["serde"],
        }
    else:
        things["classifier", values["name"]] |= {"JsonPath": one(values["json_classifier"])["json_path"]}


def _planned_crawler(things: Things, values: dict[str, Any]) -> None:
    policy = one(values["schema_change_policy"])
    things["crawler", values["name"]] |= {
        "DatabaseName": values["database_name"],
        "Targets": {"S3Targets": [{"Path": target["path"]} for target in values["s3_target"]]},
        "Classifiers": values["classifiers"],
        "SchemaChangePolicy": {
            "UpdateBehavior": policy["update_behavior"],
            "DeleteBehavior": policy["delete_behavior"],
        },
        "RecrawlPolicy": {"RecrawlBehavior": one(values["recrawl_policy"])["recrawl_behavior"]},
        "Configuration": json.loads(values["configuration"]),
    }


def _planned_job(things: Things, values: dict[str, Any]) -> None:
    arguments, command = dict(values["default_arguments"]), one(values["command"])
    things["job", values["name"]] |= {
        "Command": {
            "Name": command["name"],
            "ScriptLocation": command["script_location"],
            "PythonVersion": command["python_version"],
        },
        "GlueVersion": values["glue_version"],
        "WorkerType": values["worker_type"],
        "NumberOfWorkers": values["number_of_workers"],
        "Timeout": values["timeout"],
        "MaxRetries": values["max_retries"],
        "ExecutionProperty": {"MaxConcurrentRuns": one(values["execution_property"])["max_concurrent_runs"]},
        "--conf": sorted(arguments.pop("--conf").split(" --conf ")),
        **arguments,
    }


def _planned_function(things: Things, values: dict[str, Any]) -> None:
    variables = one(values["environment"])["variables"]
    things["function", values["function_name"]] |= {
        "Architectures": values["architectures"],
        "Code": {"S3Bucket": values["s3_bucket"], "S3Key": values["s3_key"]},
        "Description": values["description"],
        "Runtime": values["runtime"],
        "Handler": values["handler"],
        "MemorySize": values["memory_size"],
        "Timeout": values["timeout"],
        "EphemeralStorage": {"Size": one(values["ephemeral_storage"])["size"]},
        **{f"${name}": value for name, value in variables.items()},
    }


def _planned_alarm(things: Things, values: dict[str, Any]) -> None:
    things["alarm", values["alarm_name"]] |= {
        "AlarmDescription": values["alarm_description"],
        "Namespace": values["namespace"],
        "MetricName": values["metric_name"],
        "Dimensions": values["dimensions"],
        "Statistic": values["statistic"],
        "Period": values["period"],
        "EvaluationPeriods": values["evaluation_periods"],
        "Threshold": values["threshold"],
        "ComparisonOperator": values["comparison_operator"],
        "TreatMissingData": values["treat_missing_data"],
        "AlarmActions": values["alarm_actions"],
    }


def _planned_schedule(things: Things, values: dict[str, Any]) -> None:
    target = one(values["target"])
    things["schedule", values["name"]] |= {
        "ScheduleExpression": values["schedule_expression"],
        "ScheduleExpressionTimezone": values["schedule_expression_timezone"],
        "FlexibleTimeWindow": {"Mode": one(values["flexible_time_window"])["mode"]},
        "State": values["state"],
        "Arn": target["arn"],
        "Input": json.loads(target["input"]),
    }


def _planned_queue(things: Things, values: dict[str, Any]) -> None:
    thing = things["queue", values["name"]]
    for attribute, name in (
        ("VisibilityTimeout", "visibility_timeout_seconds"),
        ("MessageRetentionPeriod", "message_retention_seconds"),
    ):
        if values.get(name) is not None:
            thing[attribute] = values[name]
    if values.get("redrive_policy"):
        thing["RedrivePolicy"] = json.loads(values["redrive_policy"])


def _planned_queue_policy(things: Things, values: dict[str, Any]) -> None:
    policy = json.loads(values["policy"])
    things["queue", policy["Statement"][0]["Resource"].rpartition(":")[2]]["Policy"] = policy


def _planned_mapping(things: Things, values: dict[str, Any]) -> None:
    things["mapping", values["function_name"]] |= {
        "FunctionName": values["function_name"],
        "EventSourceArn": values["event_source_arn"],
        "BatchSize": values["batch_size"],
        "MaximumBatchingWindowInSeconds": values["maximum_batching_window_in_seconds"],
        "FunctionResponseTypes": values["function_response_types"],
    }


def _planned_permission(things: Things, values: dict[str, Any]) -> None:
    things["permission", values["function_name"]] |= {
        "FunctionName": values["function_name"],
        "StatementId": values["statement_id"],
        "Action": values["action"],
        "Principal": values["principal"],
        "SourceArn": values["source_arn"],
    }


_OF_RESOURCE = {
    "aws_s3_bucket": _planned_bucket,
    "aws_s3_bucket_versioning": _planned_versioning,
    "aws_s3_bucket_notification": _planned_notification,
    "aws_sns_topic_subscription": _planned_subscription,
    "aws_dynamodb_table": _planned_table,
    "aws_secretsmanager_secret": lambda things, values: things["secret", values["name"]].update(),
    "aws_glue_catalog_database": lambda things, values: things["database", values["name"]].update(
        LocationUri=values["location_uri"]
    ),
    "aws_athena_workgroup": _planned_workgroup,
    "aws_athena_named_query": _planned_query,
    "aws_glue_classifier": _planned_classifier,
    "aws_glue_crawler": _planned_crawler,
    "aws_iam_role": lambda things, values: things["role", values["name"]].update(
        trusts=json.loads(values["assume_role_policy"])["Statement"][0]["Principal"].get("Service")
    ),
    "aws_sns_topic": lambda things, values: things["topic", values["name"]].update(),
    "aws_cloudwatch_log_group": lambda things, values: things["log group", values["name"]].update(
        retentionInDays=values["retention_in_days"]
    ),
    "aws_glue_job": _planned_job,
    "aws_lambda_function": _planned_function,
    "aws_sfn_state_machine": lambda things, values: things["state machine", values["name"]].update(
        type=values["type"], definition=json.loads(values["definition"])
    ),
    "aws_cloudwatch_event_rule": lambda things, values: things["rule", values["name"]].update(
        pattern=json.loads(values["event_pattern"])
    ),
    "aws_cloudwatch_event_target": lambda things, values: things["rule", values["rule"]].update(
        targets=[(values["target_id"], values["arn"])]
    ),
    "aws_lambda_permission": _planned_permission,
    "aws_cloudwatch_metric_alarm": _planned_alarm,
    "aws_cloudwatch_dashboard": lambda things, values: things["dashboard", values["dashboard_name"]].update(
        body=sorted_lines(json.loads(values["dashboard_body"]))
    ),
    "aws_scheduler_schedule": _planned_schedule,
    "aws_sqs_queue": _planned_queue,
    "aws_sqs_queue_policy": _planned_queue_policy,
    "aws_lambda_event_source_mapping": _planned_mapping,
}
