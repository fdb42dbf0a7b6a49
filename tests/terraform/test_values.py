"""The values that only AWS would refuse: enumerations, patterns, lengths and ranges of its APIs' models."""

import copy
import json
import re
from typing import get_args

import pytest

from shoplake.inventory import LogDays
from shoplake.schedule_expression import checked_schedule
from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.counterparts import COUNTERPARTS, MAX_RECEIVES, QUEUE_RANGES, UNCHECKED
from tests.terraform.values import findings


@pytest.fixture(params=[*ENVIRONMENTS, "with everything"])
def plan(request, plans):
    return request.getfixturevalue("with_everything") if " " in request.param else plans[request.param]


def test_every_resource_has_a_counterpart_or_is_listed_as_unchecked(plan):
    kinds = {resource["type"] for resource in plan.resources}
    assert kinds - COUNTERPARTS.keys() - UNCHECKED.keys() == set()


def test_every_attribute_has_a_member_or_is_listed_as_unchecked(plan):
    unmatched = {attribute for found in _findings(plan) for attribute in found.unmatched}
    assert unmatched == set()


def test_every_value_is_one_that_the_api_takes(plan):
    found = list(_findings(plan))
    assert [sentence for one in found for sentence in one.wrong] == []
    assert sum(one.checked for one in found) > 1500


def test_nothing_is_listed_that_is_not_planned(with_everything, plans):
    kinds = {resource["type"] for resource in with_everything.resources}
    assert (COUNTERPARTS.keys() | UNCHECKED.keys()) - kinds == set()
    planned = [*with_everything.resources, *plans["dev"].resources]  # without a key, queues have SQS's own
    given = {(resource["type"], name) for resource in planned for name in _given(resource["values"])}
    listed = {(kind, name) for kind, one in COUNTERPARTS.items() for name in {**one.unchecked, **one.elsewhere}}
    assert listed - given == set()


def test_every_attribute_that_is_not_checked_has_its_reason():
    reasons = [*UNCHECKED.values(), *(reason for one in COUNTERPARTS.values() for reason in one.unchecked.values())]
    assert all(len(reason.split()) >= 2 for reason in reasons)


def test_queues_have_numbers_that_sqs_takes(plan):
    queues = plan.values("aws_sqs_queue")
    for values in queues:
        for name, (least, most) in QUEUE_RANGES.items():
            assert values.get(name) is None or least <= values[name] <= most, f"{values['name']}: {name}"
    redrives = [json.loads(values["redrive_policy"]) for values in queues if values.get("redrive_policy")]
    assert len(queues) == 2 and len(redrives) == 1
    assert all(MAX_RECEIVES[0] <= redrive["maxReceiveCount"] <= MAX_RECEIVES[1] for redrive in redrives)


def test_schedules_are_ones_that_scheduler_takes(plan):
    """By the grammar in Python, which is not the one that Terraform held them against."""
    expressions = [values["schedule_expression"] for values in plan.values("aws_scheduler_schedule")]
    assert len(expressions) == 3
    assert [checked_schedule(expression) for expression in expressions] == expressions


def test_logs_are_kept_for_days_that_cloudwatch_has(plan):
    """The model has a number without a list; the list stands in the API's documentation, and in shoplake.inventory."""
    assert {values["retention_in_days"] for values in plan.values("aws_cloudwatch_log_group")} <= set(get_args(LogDays))


def test_security_groups_are_described_in_letters_that_ec2_takes(with_everything):
    """No apostrophe, for example; the model has no pattern, the documentation of CreateSecurityGroup has."""
    kinds = ("aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule")
    described = [values["description"] for kind in kinds for values in with_everything.values(kind)]
    assert len(described) == 8
    assert all(re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}", text) for text in described)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("aws_glue_job", {"worker_type": "G.99X"}, "worker_type is 'G.99X': one of"),
        ("aws_glue_job", {"glue_version": "five"}, "glue_version is 'five': must match"),
        ("aws_lambda_function", {"runtime": "python9.9"}, "runtime is 'python9.9': one of"),
        ("aws_lambda_function", {"memory_size": 64}, "memory_size is 64: at least 128"),
        ("aws_lambda_function", {"ephemeral_storage": [{"size": 1}]}, "size is 1: at least 512"),
        ("aws_sfn_state_machine", {"type": "FAST"}, "type is 'FAST': one of STANDARD, EXPRESS"),
        ("aws_cloudwatch_metric_alarm", {"statistic": "Median"}, "statistic is 'Median': one of"),
        ("aws_cloudwatch_metric_alarm", {"alarm_name": "a" * 256}, "at most 255 characters"),
        ("aws_dynamodb_table", {"billing_mode": "FREE"}, "billing_mode is 'FREE': one of"),
        ("aws_iam_role", {"name": "r" * 65}, "at most 64 characters"),
        ("aws_scheduler_schedule", {"state": "ON"}, "state is 'ON': one of ENABLED, DISABLED"),
        ("aws_budgets_budget", {"time_unit": "WEEKLY"}, "time_unit is 'WEEKLY': one of"),
        ("aws_budgets_budget", {"name": "dev:budget"}, "name is 'dev:budget': must match"),
        ("aws_budgets_budget", {"notification": [{"notification_type": "PAST"}]}, "'PAST': one of ACTUAL, FORECASTED"),
        ("aws_glue_catalog_database", {"name": "raw\x00"}, "name is 'raw\\x00': must match"),
        ("aws_glue_crawler", {"name": "\x07"}, "name is '\\x07': must match"),
        ("aws_athena_workgroup", {"state": "ON"}, "state is 'ON': one of ENABLED, DISABLED"),
        ("aws_cloudtrail", {"advanced_event_selector": [{"field_selector": [{"field": "?"}]}]}, "field is '?'"),
        ("aws_dynamodb_table", {"global_secondary_index": [{"projection_type": "SOME"}]}, "'SOME': one of ALL"),
        ("aws_secretsmanager_secret", {"recovery_window_in_days": "a month"}, "must be a number"),
        ("aws_s3_bucket", {"tags_all": {"Owner": "a*b"}}, "tags[Owner] is 'a*b': must match"),
        ("aws_s3_bucket", {"tags_all": {"o" * 129: ""}}, "at most 128 characters"),
    ],
)
def test_a_wrong_value_is_found(plans, kind, change, said):
    values = copy.deepcopy(plans["dev"].values(kind)[0]) | change
    assert any(said in sentence for sentence in findings(kind, kind, values).wrong)


def test_a_wrong_storage_class_is_found(plans):
    kind = "aws_s3_bucket_lifecycle_configuration"
    values = next(copy.deepcopy(v) for v in plans["dev"].values(kind) if any(r["transition"] for r in v["rule"]))
    rule = next(rule for rule in values["rule"] if rule["transition"])
    rule["transition"][0]["storage_class"] = "FROZEN"
    assert any(
        "storage_class is 'FROZEN': one of GLACIER" in sentence for sentence in findings(kind, kind, values).wrong
    )


def _given(values):
    """The names of all attributes that have a value, of blocks too."""
    for name, value in values.items():
        if value not in (None, "", [], {}):
            yield name
        for block in value if isinstance(value, list) else []:
            if isinstance(block, dict):
                yield from _given(block)


def _findings(plan):
    for resource in plan.resources:
        if resource["type"] in COUNTERPARTS:
            yield findings(resource["type"], resource["type"], resource["values"])
