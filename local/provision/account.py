"""The account under provisioning: what was changed in it, and the few things that every part does."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake


class Account:
    """The lake's account. `changes` holds a sentence for each change, `progress` is told it at once."""

    def __init__(self, lake: Lake, progress: Callable[[str], None]) -> None:
        self.lake = lake
        self.changes: list[str] = []
        self._progress = progress

    def changed(self, sentence: str) -> None:
        self.changes.append(sentence)
        self._progress(sentence)

    def ensure(
        self,
        what: str,
        present: dict[str, Any] | None,
        wanted: dict[str, Any],
        create: Callable[[], Any],
        update: Callable[[], Any],
    ) -> None:
        """Create what is not there (`present` is None), update it where one of the wanted values differs."""
        if present is None:
            create()
            self.changed(f"created {what}")
        elif any(present.get(name) != value for name, value in wanted.items()):
            update()
            self.changed(f"updated {what}")

    def ensure_role(self, name: str, service: str) -> str:
        """A role that the service may assume; returns its ARN. No policies: the local AWS checks none."""
        iam, arn = client("iam"), self.lake.role_arn(name)
        role = arn.rpartition("/")[2]
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        answer = found(iam.get_role, "NoSuchEntity", RoleName=role)
        self.ensure(
            f"role {role}",
            answer and {"trust": answer["Role"]["AssumeRolePolicyDocument"]},
            {"trust": trust},
            create=lambda: iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust)),
            update=lambda: iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust)),
        )
        return arn

    def ensure_log_group(self, name: str, retention_days: int) -> None:
        logs = client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        present = next((group for group in groups if group["logGroupName"] == name), None)

        def keep_for_days() -> None:
            logs.put_retention_policy(logGroupName=name, retentionInDays=retention_days)

        def create() -> None:
            logs.create_log_group(logGroupName=name)
            keep_for_days()

        self.ensure(f"log group {name}", present, {"retentionInDays": retention_days}, create, keep_for_days)

    def ensure_rule(self, name: str, pattern: dict[str, Any], target_id: str, target_arn: str) -> str:
        """An EventBridge rule on the default bus with its one target; returns the rule's ARN."""
        events = client("events")
        rule = found(events.describe_rule, "ResourceNotFoundException", Name=name)
        targets = events.list_targets_by_rule(Rule=name)["Targets"] if rule else []

        def put() -> None:
            events.put_rule(Name=name, EventPattern=json.dumps(pattern), State="ENABLED")
            events.put_targets(Rule=name, Targets=[{"Id": target_id, "Arn": target_arn}])

        self.ensure(
            f"rule {name}",
            rule and {
                "pattern": json.loads(rule.get("EventPattern") or "{}"),
                "state": rule["State"],
                "target": next((target["Arn"] for target in targets if target["Id"] == target_id), None),
            },
            {"pattern": pattern, "state": "ENABLED", "target": target_arn},
            create=put,
            update=put,
        )  # fmt: skip
        return events.describe_rule(Name=name)["Arn"]

    def ensure_permission(self, function: str, rule_arn: str) -> None:
        """Let an EventBridge rule call a function; one rule a function."""
        aws_lambda, statement_id = client("lambda"), "events"
        answer = found(aws_lambda.get_policy, "ResourceNotFoundException", FunctionName=function)
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        if any(statement["Sid"] == statement_id for statement in statements):
            return
        aws_lambda.add_permission(
            FunctionName=function,
            StatementId=statement_id,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule_arn,
        )
        self.changed(f"allowed the rule to call {function}")

    def ensure_schedule(self, action: str, expression: str, function: str, given: dict[str, Any]) -> None:
        """A schedule in the reporting time zone that calls a function of the lake with `given`."""
        lake, scheduler = self.lake, client("scheduler")
        name = f"{lake.prefix}{action}"
        wanted = {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": lake.inventory.reporting_time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": lake.function_arn(function),
                "RoleArn": self.ensure_role("schedules", "scheduler"),
                "Input": json.dumps(given),
            },
        }
        self.ensure(
            f"schedule {name}",
            found(scheduler.get_schedule, "ResourceNotFoundException", Name=name),
            wanted,
            create=lambda: scheduler.create_schedule(Name=name, **wanted),
            update=lambda: scheduler.update_schedule(Name=name, **wanted),
        )


def found(describe: Callable[..., dict], missing: str, **arguments: Any) -> dict[str, Any] | None:
    """The answer of a describing call; None where it fails with the error code `missing`."""
    try:
        return describe(**arguments)
    except ClientError as error:
        if error_code(error) == missing:
            return None
        raise
