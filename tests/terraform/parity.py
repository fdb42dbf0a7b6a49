"""What a lake is made of, in one form: from the calls of the local provisioner, and from a plan of Terraform.

A thing is `(kind, name)`, and has attributes under the names that AWS's API gives them. JSON inside text is compared
as what it says.
"""

import json
from collections import defaultdict
from typing import Any

from tests.terraform.workspace import Plan, one

Things = dict[tuple[str, str], dict[str, Any]]


def provisioned(calls: list[dict[str, Any]]) -> Things:
    """The things that recorded calls made."""
    things: Things = defaultdict(dict)
    for call in calls:
        _OF_CALL[call["call"]](things, call["given"])
    return dict(things)


def planned(plan: Plan) -> Things:
    """The things of a plan that the local provisioner also makes."""
    things: Things = defaultdict(dict)
    for resource in plan.resources:
        if resource["type"] in _OF_RESOURCE:
            _OF_RESOURCE[resource["type"]](things, resource["values"])
    return dict(things)


# --- from calls -----------------------------------------------------------------------------------------------------


def _take(kind: str, name: str, *attributes: str):
    """A call whose arguments are the thing's attributes."""

    def take(things: Things, given: dict[str, Any]) -> None:
        things[kind, given[name]] |= {attribute: given.get(attribute) for attribute in attributes}

    return take


def _bucket_announces(things: Things, given: dict[str, Any]) -> None:
    announces = "EventBridgeConfiguration" in given["NotificationConfiguration"]
    things["bucket", given["Bucket"]]["announces"] = announces


def _table(things: Things, given: dict[str, Any]) -> None:
    thing = things["table", given["TableName"]]
    thing["BillingMode"] = given["BillingMode"]
    thing["attributes"] = sorted(attribute["AttributeName"] for attribute in given["AttributeDefinitions"])
    thing["keys"] = [key["AttributeName"] for key in given["KeySchema"]]
    thing["indexes"] = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in given.get("GlobalSecondaryIndexes", [])
    }


def _recovery(things: Things, given: dict[str, Any]) -> None:
    recovery = given["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    things["table", given["TableName"]]["recovery"] = recovery


def _database(things: Things, given: dict[str, Any]) -> None:
    things["database", given["DatabaseInput"]["Name"]]["LocationUri"] = given["DatabaseInput"]["LocationUri"]


def _workgroup(things: Things, given: dict[str, Any]) -> None:
    configuration = dict(given["Configuration"])
    configuration |= {"OutputLocation": configuration.pop("ResultConfiguration")["OutputLocation"]}
    things["workgroup", given["Name"]] |= configuration


def _classifier(things: Things, given: dict[str, Any]) -> None:
    settings = dict(next(iter(given.values())))
    things["classifier", settings.pop("Name")] |= settings


def _crawler(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given) | {"Configuration": json.loads(given["Configuration"])}
    things["crawler", settings.pop("Name")] |= settings


def _role(things: Things, given: dict[str, Any]) -> None:
    things["role", given["RoleName"]]["trusts"] = _trusted(given["AssumeRolePolicyDocument"])


def _trusted(document: str) -> str:
    return json.loads(document)["Statement"][0]["Principal"]["Service"]


def _job(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given)
    arguments = dict(settings.pop("DefaultArguments"))
    thing = things["job", settings.pop("Name")]
    thing |= settings | {"--conf": sorted(arguments.pop("--conf").split(" --conf "))} | arguments


def _function(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given)
    variables = settings.pop("Environment")["Variables"]
    thing = things["function", settings.pop("FunctionName")]
    thing |= settings | {f"${name}": value for name, value in variables.items()}


def _state_machine(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given) | {"definition": json.loads(given["definition"])}
    things["state machine", settings.pop("name")] |= settings


def _rule(things: Things, given: dict[str, Any]) -> None:
    things["rule", given["Name"]] |= {"pattern": json.loads(given["EventPattern"])}


def _targets(things: Things, given: dict[str, Any]) -> None:
    things["rule", given["Rule"]]["targets"] = [(target["Id"], target["Arn"]) for target in given["Targets"]]


def _alarm(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given)
    settings["Dimensions"] = {dimension["Name"]: dimension["Value"] for dimension in given["Dimensions"]}
    things["alarm", settings.pop("AlarmName")] |= settings


def _dashboard(things: Things, given: dict[str, Any]) -> None:
    things["dashboard", given["DashboardName"]]["body"] = _sorted_lines(json.loads(given["DashboardBody"]))


def _sorted_lines(body: dict[str, Any]) -> dict[str, Any]:
    """A dashboard whose lines and alarms are in no order of their own: lake.yaml's in Python, the alphabet's there."""
    for widget in body["widgets"]:
        for name in ("metrics", "alarms"):
            if name in widget["properties"]:
                widget["properties"][name] = sorted(widget["properties"][name], key=json.dumps)
    return body


def _schedule(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given)
    target = dict(settings.pop("Target"))
    target["Input"] = json.loads(target["Input"])
    things["schedule", settings.pop("Name")] |= settings | target


def _queue(things: Things, given: dict[str, Any]) -> None:
    thing = things["queue", given["QueueName"]]
    for name, value in given["Attributes"].items():
        thing[name] = json.loads(value)


def _nothing(things: Things, given: dict[str, Any]) -> None:
    """Files are compared by the artifacts' own tests; a secret's value is nobody's to compare."""


_OF_CALL = {
    "CreateBucket": _take("bucket", "Bucket"),
    "PutBucketVersioning": lambda things, given: things["bucket", given["Bucket"]].update(
        versioning=given["VersioningConfiguration"]["Status"]
    ),
    "PutBucketNotificationConfiguration": _bucket_announces,
    "PutObject": _nothing,
    "CreateTable": _table,
    "UpdateContinuousBackups": _recovery,
    "CreateSecret": _take("secret", "Name"),
    "CreateDatabase": _database,
    "CreateWorkGroup": _workgroup,
    "CreateNamedQuery": _take("query", "Name", "Description", "Database", "QueryString", "WorkGroup"),
    "CreateClassifier": _classifier,
    "CreateCrawler": _crawler,
    "CreateRole": _role,
    "CreateTopic": _take("topic", "Name"),
    "Subscribe": lambda things, given: things["subscription", f"{given['TopicArn']} {given['Endpoint']}"].update(
        protocol=given["Protocol"]
    ),
    "CreateLogGroup": _take("log group", "logGroupName"),
    "PutRetentionPolicy": _take("log group", "logGroupName", "retentionInDays"),
    "CreateJob": _job,
    "CreateFunction": _function,
    "CreateStateMachine": _state_machine,
    "PutRule": _rule,
    "PutTargets": _targets,
    "AddPermission": lambda things, given: things["permission", given["FunctionName"]].update(given),
    "PutMetricAlarm": _alarm,
    "PutDashboard": _dashboard,
    "CreateSchedule": _schedule,
    "CreateQueue": _queue,
    "CreateEventSourceMapping": lambda things, given: things["mapping", given["FunctionName"]].update(given),
}


# --- from a plan ----------------------------------------------------------------------------------------------------


def _planned_bucket(things: Things, values: dict[str, Any]) -> None:
    things["bucket", values["bucket"]] |= {"versioning": "Enabled", "announces": values["bucket"].find("-lake-") > 0}


def _planned_table(things: Things, values: dict[str, Any]) -> None:
    things["table", values["name"]] |= {
        "BillingMode": values["billing_mode"],
        "attributes": sorted(attribute["name"] for attribute in values["attribute"]),
        "keys": list(filter(None, [values["hash_key"], values["range_key"]])),
        "indexes": {i["name"]: [i["hash_key"], i["range_key"]] for i in values["global_secondary_index"]},
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
        body=_sorted_lines(json.loads(values["dashboard_body"]))
    ),
    "aws_scheduler_schedule": _planned_schedule,
    "aws_sqs_queue": _planned_queue,
    "aws_sqs_queue_policy": _planned_queue_policy,
    "aws_lambda_event_source_mapping": _planned_mapping,
}
