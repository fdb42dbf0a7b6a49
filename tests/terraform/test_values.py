"""The values that only AWS would refuse: enumerations, patterns, lengths and ranges of its APIs' models."""

import copy
import re
from typing import get_args

import pytest

from shoplake.inventory import LogDays
from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.values import COUNTERPARTS, UNCHECKED, findings

SUBSCRIBERS = (
    '-var=subscribers={cost={emails=["finops@example.com"],phones=["+441234567890"],urls=["https://h.example.com/c"]}}'
)


@pytest.fixture(scope="module")
def with_everything(workspace):
    """A plan in which nothing that may be left out is left out."""
    return workspace.planned("dev", "-var=network={enabled=true}", SUBSCRIBERS)


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


def test_nothing_is_listed_that_is_not_planned(with_everything):
    kinds = {resource["type"] for resource in with_everything.resources}
    assert (COUNTERPARTS.keys() | UNCHECKED.keys()) - kinds == set()


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


def _findings(plan):
    for resource in plan.resources:
        if resource["type"] in COUNTERPARTS:
            yield findings(resource["type"], resource["type"], resource["values"])
