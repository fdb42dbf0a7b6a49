"""Which IAM action on which resource a call of AWS is, and whether a policy document allows it.

Actions and resources of a call: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Need:
    """What a principal must be allowed: an action on a resource, and what is known of the request."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        known = "".join(f" with {name} {value}" for name, value in self.context)
        return f"{self.action} on {self.resource}{known}"


@dataclass
class Policy:
    """The allowing statements of a role's document; `used` collects the ids of those that allowed something."""

    statements: list[dict[str, Any]]
    used: set[str] = field(default_factory=set)

    def allows(self, need: Need) -> bool:
        granting = [statement for statement in self.statements if _grants(statement, need)]
        self.used |= {statement["Sid"] for statement in granting}
        return bool(granting)


def _grants(statement: dict[str, Any], need: Need) -> bool:
    if statement["Effect"] != "Allow":
        return False
    is_action = any(fnmatchcase(need.action.lower(), action.lower()) for action in _listed(statement["Action"]))
    is_resource = any(fnmatchcase(need.resource, resource) for resource in _listed(statement["Resource"]))
    return is_action and is_resource and _conditions_hold(statement.get("Condition", {}), dict(need.context))


def _conditions_hold(conditions: dict[str, dict[str, Any]], known: dict[str, str]) -> bool:
    return all(
        name in known and any(fnmatchcase(known[name], value) for value in _listed(values))
        for test, wanted in conditions.items()
        if test in ("StringLike", "StringEquals") or _unknown(test)
        for name, values in wanted.items()
    )


def _unknown(test: str) -> bool:
    raise AssertionError(f"an unknown kind of condition: {test}")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class Lake:
    """Names and ARNs of the lake whose calls were recorded."""

    def __init__(self, lake):
        self.lake = lake

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.lake.settings.region}:{self.lake.account}:{resource}"

    def needs(self, call: dict[str, Any]) -> list[Need]:
        """What a recorded call needs. Raises KeyError for a call that nobody has told of here."""
        kind = "s3-http" if call["service"] == "s3-http" else f"{call['service']}:{call['call']}"
        needs = list(_NEEDS[kind](self, call))
        is_missing_object = call.get("was_missing") and call["service"] in ("s3", "s3-http")
        return needs + list(_found_missing(call)) if is_missing_object else needs


def _object(call: dict[str, Any], *actions: str) -> Iterator[Need]:
    given = call["given"]
    version = "Version" if given.get("VersionId") else ""
    for action in actions:
        suffix = version if action == "GetObject" else ""
        yield Need(f"s3:{action}{suffix}", f"arn:aws:s3:::{given['Bucket']}/{given['Key']}")


def _copy(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    """S3 copies a file's tags along: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    yield from _object({"given": call["given"]["CopySource"]}, "GetObject")
    source = call["given"]["CopySource"]
    tagging = "s3:GetObjectVersionTagging" if source.get("VersionId") else "s3:GetObjectTagging"
    yield Need(tagging, f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
    target = {"given": {"Bucket": call["given"]["Bucket"], "Key": call["given"]["Key"]}}
    yield from _object(target, "PutObject", "PutObjectTagging")


def _listing(action: str):
    def needs(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
        given = call["given"]
        yield Need(f"s3:{action}", f"arn:aws:s3:::{given['Bucket']}", (("s3:prefix", given.get("Prefix", "")),))

    return needs


def _http(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    """A request to S3 that no boto3 made: pyarrow's, and what Spark's file system and Iceberg ask."""
    given, method = call["given"], call["call"]
    query = given["query"]
    bucket, _, key = given["path"].lstrip("/").partition("/")
    of_bucket, of_object = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
    if not key:
        if method == "POST" and "delete" in query:
            yield from (Need("s3:DeleteObject", f"{of_bucket}/{each}") for each in given["keys"])
        elif method == "GET" and not query.keys() & {"versions", "uploads", "location"}:
            yield Need("s3:ListBucket", of_bucket, (("s3:prefix", query.get("prefix", "")),))
        elif method == "HEAD":
            yield Need("s3:ListBucket", of_bucket)
        else:
            raise KeyError(f"{method} {given}")
    elif "tagging" in query:
        yield Need("s3:GetObjectTagging" if method == "GET" else "s3:PutObjectTagging", of_object)
    elif method in ("GET", "HEAD"):
        yield Need("s3:GetObjectVersion" if "versionId" in query else "s3:GetObject", of_object)
    elif method in ("PUT", "POST"):
        yield Need("s3:PutObject", of_object)
        if given.get("copied"):
            yield from _copied(given["copied"].lstrip("/"), of_object)
    elif method == "DELETE":
        yield Need("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", of_object)
    else:
        raise KeyError(f"{method} {given}")


def _copied(source: str, target: str) -> Iterator[Need]:
    """A file as it was dropped (a version of it) may have tags, which go along; what a job wrote itself has none."""
    place, _, version = source.partition("?versionId=")
    yield Need("s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{place}")
    if version:
        yield Need("s3:GetObjectVersionTagging", f"arn:aws:s3:::{place}")
        yield Need("s3:PutObjectTagging", target)


def _found_missing(call: dict[str, Any]) -> Iterator[Need]:
    """S3 tells only those that may list the object's key that it isn't there; others hear that access is denied."""
    given = call["given"]
    if call["service"] == "s3-http":
        bucket, _, key = given["path"].lstrip("/").partition("/")
    else:
        bucket, key = given.get("Bucket"), given.get("Key")
    if key:
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", (("s3:prefix", key),))


def _item(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    table = f"table/{call['given']['TableName']}"
    index = call["given"].get("IndexName")
    yield Need(f"dynamodb:{call['call']}", lake.arn("dynamodb", f"{table}/index/{index}" if index else table))


def _items(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    for table in call["given"]["RequestItems"]:
        yield Need("dynamodb:BatchGetItem", lake.arn("dynamodb", f"table/{table}"))


def _transaction(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    for item in call["given"]["TransactItems"]:
        ((kind, given),) = item.items()
        yield Need(f"dynamodb:{kind}Item", lake.arn("dynamodb", f"table/{given['TableName']}"))


def _catalog(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    """Glue looks at the catalog, the database and the table of a call, each a resource of its own."""
    given = call["given"]
    database = given.get("DatabaseName") or given["Name"]
    tables = given.get("TableName") or given.get("TableInput", {}).get("Name")
    if call["call"] == "GetTable":
        tables = given["Name"]
    if call["call"] == "GetTables":
        tables = "every"
    yield Need(f"glue:{call['call']}", lake.arn("glue", "catalog"))
    yield Need(f"glue:{call['call']}", lake.arn("glue", f"database/{database}"))
    if tables:
        yield Need(f"glue:{call['call']}", lake.arn("glue", f"table/{database}/{tables}"))


def _on(action: str, service: str, resource: str):
    """A call on one resource, whose name the arguments give."""

    def needs(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
        yield Need(action, lake.arn(service, resource.format(**call["given"])))

    return needs


def _by_arn(action: str, name: str):
    def needs(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
        yield Need(action, call["given"][name])

    return needs


def _workgroup(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    yield Need(f"athena:{call['call']}", lake.arn("athena", f"workgroup/{lake.lake.workgroup}"))


def _metrics(lake: Lake, call: dict[str, Any]) -> Iterator[Need]:
    yield Need("cloudwatch:PutMetricData", "*", (("cloudwatch:namespace", call["given"]["Namespace"]),))


_NEEDS = {
    "s3:GetObject": lambda lake, call: _object(call, "GetObject"),
    "s3:HeadObject": lambda lake, call: _object(call, "GetObject"),
    "s3:PutObject": lambda lake, call: _object(call, "PutObject"),
    "s3:CreateMultipartUpload": lambda lake, call: _object(call, "PutObject"),
    "s3:UploadPart": lambda lake, call: _object(call, "PutObject"),
    "s3:CompleteMultipartUpload": lambda lake, call: _object(call, "PutObject"),
    "s3:CopyObject": _copy,
    "s3:ListObjectsV2": _listing("ListBucket"),
    "s3:ListObjectVersions": _listing("ListBucketVersions"),
    "s3-http": _http,
    **{f"dynamodb:{name}": _item for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")},
    "dynamodb:BatchGetItem": _items,
    "dynamodb:TransactWriteItems": _transaction,
    **{
        f"glue:{name}": _catalog
        for name in ("GetDatabase", "GetTable", "GetTables", "CreateTable", "UpdateTable", "BatchCreatePartition")
    },
    "glue:GetCrawler": _on("glue:GetCrawler", "glue", "crawler/{Name}"),
    "glue:StartCrawler": _on("glue:StartCrawler", "glue", "crawler/{Name}"),
    "glue:GetJob": _on("glue:GetJob", "glue", "job/{JobName}"),
    "glue:GetJobRun": _on("glue:GetJobRun", "glue", "job/{JobName}"),
    "glue:GetJobRuns": _on("glue:GetJobRuns", "glue", "job/{JobName}"),
    "glue:BatchStopJobRun": _on("glue:BatchStopJobRun", "glue", "job/{JobName}"),
    "lambda:Invoke": _on("lambda:InvokeFunction", "lambda", "function:{FunctionName}"),
    "sns:Publish": _by_arn("sns:Publish", "TopicArn"),
    "stepfunctions:StartExecution": _by_arn("states:StartExecution", "stateMachineArn"),
    "stepfunctions:DescribeExecution": _by_arn("states:DescribeExecution", "executionArn"),
    "stepfunctions:GetExecutionHistory": _by_arn("states:GetExecutionHistory", "executionArn"),
    **{
        f"athena:{name}": _workgroup
        for name in (
            "StartQueryExecution",
            "GetQueryExecution",
            "GetQueryResults",
            "StopQueryExecution",
            "GetWorkGroup",
            "ListNamedQueries",
            "GetNamedQuery",
            "BatchGetNamedQuery",
            "ListQueryExecutions",
        )
    },
    "secretsmanager:GetSecretValue": _on("secretsmanager:GetSecretValue", "secretsmanager", "secret:{SecretId}-AbCdEf"),
    "sts:GetCallerIdentity": lambda lake, call: (),  # allowed to everybody
    "cloudwatch:PutMetricData": _metrics,
    "cloudwatch:DescribeAlarms": lambda lake, call: [Need("cloudwatch:DescribeAlarms", "*")],
}


def of_states(states: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The resource and arguments of every task of a state machine, in maps and branches too."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state["Resource"], state.get("Arguments", {})
        if "ItemReader" in state:
            yield state["ItemReader"]["Resource"], state["ItemReader"]["Arguments"]
        for branch in state.get("Branches", []):
            yield from of_states(branch["States"])
        if "ItemProcessor" in state:
            if state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
                yield "distributed map", {}
            yield from of_states(state["ItemProcessor"]["States"])
