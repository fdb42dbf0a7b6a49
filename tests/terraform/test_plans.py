"""What Terraform would make of lake.yaml in each environment."""

import json
import re

import pytest
import yaml

from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.workspace import ROOT, one

LAKE = yaml.safe_load((ROOT / "lake.yaml").read_text())
LAKES_RULES = "module.lake_storage.aws_s3_bucket_lifecycle_configuration.lake"


# The resources that a part of lake.yaml is made into, one a name.
MADE_INTO = {
    "datasets": "aws_glue_crawler",
    "databases": "aws_glue_catalog_database",
    "functions": "aws_lambda_function",
    "jobs": "aws_glue_job",
    "topics": "aws_sns_topic",
}


@pytest.fixture(params=[*ENVIRONMENTS, "with everything"])
def any_plan(request, plans):
    """The plan of each environment, and one with a network, a key and readers."""
    return request.getfixturevalue("with_everything") if " " in request.param else plans[request.param]


@pytest.mark.parametrize("part", MADE_INTO)
def test_every_name_in_lake_yaml_has_its_resource_and_no_other_has(any_plan, part):
    keys = [resource["key"] for resource in any_plan.resources if resource["type"] == MADE_INTO[part]]
    assert sorted(keys) == sorted(LAKE[part])


def test_every_schedule_and_zone_in_lake_yaml_is_planned_and_no_other(any_plan):
    schedules = [resource["key"] for resource in any_plan.resources if resource["type"] == "aws_scheduler_schedule"]
    assert sorted(schedules) == sorted([*LAKE["arrivals"]["schedules"], "measure"])
    lake = next(r for r in any_plan.resources if r["address"] == LAKES_RULES)
    assert sorted(rule["id"] for rule in lake["values"]["rule"]) == sorted(LAKE["zones"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_single_names_of_lake_yaml_are_in_the_plan(plans, environment):
    plan = plans[environment]
    assert one(plan.values("aws_sfn_state_machine"))["name"] == f"shoplake-{environment}-lake-pipeline"
    assert one(plan.values("aws_athena_workgroup"))["name"] == f"shoplake-{environment}-lake"
    assert one(plan.values("aws_secretsmanager_secret"))["name"] == f"shoplake-{environment}-personal-data-key"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_sizes_are_those_of_the_environment(plans, environment):
    settings, plan = LAKE["environments"][environment], plans[environment]
    job = plan.by("aws_glue_job")[f"shoplake-{environment}-master-data-merge"]
    assert (job["worker_type"], job["number_of_workers"]) == (settings["worker"]["type"], settings["worker"]["number"])
    memory = plan.by("aws_lambda_function", "function_name")[f"shoplake-{environment}-file-validator"]["memory_size"]
    assert memory == settings.get("memory_mb", {}).get("file_validator", 1024)
    assert one(plan.values("aws_budgets_budget"))["limit_amount"] == str(settings["monthly_dollars"])
    schedule = plan.by("aws_scheduler_schedule")[f"shoplake-{environment}-run"]["schedule_expression"]
    assert schedule == settings.get("schedules", {}).get("run", "rate(5 minutes)")


def test_prod_keeps_longer_than_dev(plans):
    kept = {}
    for environment in ("dev", "prod"):
        bucket = f"shoplake-{environment}-lake-123456789012"
        rules = next(
            values["rule"]
            for values in plans[environment].values("aws_s3_bucket_lifecycle_configuration")
            if values["rule"][0]["id"] != "all" and len(values["rule"]) > 1
        )
        assert bucket in json.dumps(plans[environment].values("aws_s3_bucket"))
        kept[environment] = {
            rule["id"]: [days["days"] for days in rule["expiration"] if "days" in days] for rule in rules
        }
    tables = {"processed": [], "curated": []}
    assert kept["dev"] == tables | {
        "raw": [90], "quarantine": [30], "runs": [90], "staged": [7], "athena_results": [7], "data_docs": [30],
    }  # fmt: skip
    assert kept["prod"] == tables | {
        "raw": [365], "quarantine": [90], "runs": [365], "staged": [7], "athena_results": [7], "data_docs": [365],
    }  # fmt: skip


def test_no_bucket_is_open_to_anybody(any_plan):
    buckets = any_plan.values("aws_s3_bucket")
    blocks = any_plan.values("aws_s3_bucket_public_access_block")
    assert len(buckets) == len(blocks) == 4
    for block in blocks:
        assert block["block_public_acls"] and block["block_public_policy"]
        assert block["ignore_public_acls"] and block["restrict_public_buckets"]
    for values in any_plan.values("aws_s3_bucket_policy"):
        allowed = [s for s in json.loads(values["policy"])["Statement"] if s["Effect"] == "Allow"]
        assert all(set(statement["Principal"]) == {"Service"} for statement in allowed)


def test_everything_that_can_bear_tags_bears_those_of_the_lake(any_plan):
    for resource in any_plan.resources:
        tags = resource["values"].get("tags_all")
        if tags:
            assert {"Environment", "Project", "Owner", "CostCenter", "DataClassification"} <= set(tags), resource
    function = any_plan.values("aws_lambda_function")[0]
    assert function["tags_all"]["Project"] == "shoplake"
    assert function["function_name"].startswith(f"shoplake-{function['tags_all']['Environment']}-")


def test_no_statement_allows_an_action_with_a_star(any_plan):
    for statement in allowed_statements(any_plan):
        assert not any("*" in action for action in listed(statement["Action"])), statement


def test_all_resources_stand_only_where_the_api_has_no_narrower_one(any_plan):
    """Each of these APIs is listed without resource types in AWS's Service Authorization Reference.

    Those by which functions and jobs join a network are as in AWSLambdaVPCAccessExecutionRole and AWSGlueServiceRole.
    """
    without_resource = re.compile(
        r"xray:|ec2:(Describe\w+|(Create|Delete)NetworkInterface|(Una|A)ssignPrivateIpAddresses)$|"
        r"athena:List(DataCatalogs|WorkGroups)$|"
        r"cloudwatch:(PutMetricData|DescribeAlarms)$|logs:(\w+LogDelivery|ListLogDeliveries|"
        r"DescribeLogGroups|DescribeResourcePolicies|PutResourcePolicy)$"
    )
    for statement in allowed_statements(any_plan):
        if "*" in listed(statement.get("Resource", [])):
            assert all(without_resource.match(action) for action in listed(statement["Action"])), statement
        if statement.get("Sid", "").endswith("Metrics"):
            assert "cloudwatch:namespace" in json.dumps(statement["Condition"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_dashboards_are_json_with_every_placeholder_filled(plans, environment):
    dashboards = plans[environment].by("aws_cloudwatch_dashboard", "dashboard_name")
    assert sorted(dashboards) == [
        f"shoplake-{environment}-{name}" for name in ("cost", "data-quality", "pipeline-health")
    ]
    for values in dashboards.values():
        assert json.loads(values["dashboard_body"])["widgets"]
        assert "${" not in values["dashboard_body"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_counted_in_logs_is_on_a_dashboard(plans, environment):
    filters = plans[environment].values("aws_cloudwatch_log_metric_filter")
    counted = {(t["namespace"], t["name"]) for values in filters for t in values["metric_transformation"]}
    shown = " ".join(values["dashboard_body"] for values in plans[environment].values("aws_cloudwatch_dashboard"))
    assert counted == {(f"Shoplake/{environment}", "FunctionEndedByLambda")}
    assert all(json.dumps([*metric]) in shown for metric in counted)


def allowed_statements(plan):
    """All statements of all roles and resource policies that allow something."""
    texts = [values["policy"] for values in plan.values("aws_iam_role_policy")]
    for kind in ("aws_s3_bucket_policy", "aws_sns_topic_policy", "aws_sqs_queue_policy"):
        texts += [values["policy"] for values in plan.values(kind)]
    assert None not in texts
    statements = [statement for text in texts for statement in json.loads(text)["Statement"]]
    return [statement for statement in statements if statement["Effect"] == "Allow"]


def listed(value):
    return [value] if isinstance(value, str) else value
