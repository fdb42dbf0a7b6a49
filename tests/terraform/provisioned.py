"""The things that the local provisioner makes, from its calls."""

import json
from collections import defaultdict
from typing import Any

from tests.terraform.things import Things, sorted_lines


def provisioned(calls: list[dict[str, Any]]) -> Things:
    """The things that recorded calls made. Raises KeyError for a call that nothing is known of."""
    things: Things = defaultdict(dict)
    for call in calls:
        _OF_CALL[call["call"]](things, call["given"])
    return dict(things)


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
    thing["attributes"] = {a["AttributeName"]: a["AttributeType"] for a in given["AttributeDefinitions"]}
    thing["keys"] = [key["AttributeName"] for key in given["KeySchema"]]
    thing["indexes"] = {
        index["IndexName"]: [
            *(key["AttributeName"] for key in index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        ]
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
    things["dashboard", given["DashboardName"]]["body"] = sorted_lines(json.loads(given["DashboardBody"]))


def _schedule(things: Things, given: dict[str, Any]) -> None:
    settings = dict(given)
    target = dict(settings.pop("Target"))
    target["Input"] = json.loads(target["Input"])
    things["schedule", settings.pop("Name")] |= settings | target


def _subscription(things: Things, given: dict[str, Any]) -> None:
    topic = given["TopicArn"].rpartition(":")[2]
    things["subscription", f"{topic} {given['Endpoint']}"]["protocol"] = given["Protocol"]


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
    "Subscribe": _subscription,
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
