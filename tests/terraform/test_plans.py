"""What Terraform would make of lake.yaml in each environment."""

import json
import re

import pytest
import yaml

from deploy.main import PROTECTED
from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.workspace import ROOT, one

LAKE = yaml.safe_load((ROOT / "lake.yaml").read_text())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("part", ["datasets", "zones", "functions", "jobs", "topics", "databases"])
def test_every_name_in_lake_yaml_is_a_key_of_the_plan(plans, environment, part):
    assert set(LAKE[part]) <= plans[environment].keys


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_schedules_and_single_names_of_lake_yaml_are_in_the_plan(plans, environment):
    plan = plans[environment]
    assert set(LAKE["arrivals"]["schedules"]) | {"measure"} <= plan.keys
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
        kept[environment] = {rule["id"]: [days["days"] for days in rule["expiration"]] for rule in rules}
    tables = {"processed": [], "curated": []}
    assert kept["dev"] == tables | {
        "raw": [90], "quarantine": [30], "runs": [90], "staged": [7], "athena_results": [7], "data_docs": [30],
    }  # fmt: skip
    assert kept["prod"] == tables | {
        "raw": [365], "quarantine": [90], "runs": [365], "staged": [7], "athena_results": [7], "data_docs": [365],
    }  # fmt: skip


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_bucket_is_open_to_anybody(plans, environment):
    plan = plans[environment]
    buckets = plan.values("aws_s3_bucket")
    blocks = plan.values("aws_s3_bucket_public_access_block")
    assert len(buckets) == len(blocks) == 4
    for block in blocks:
        assert block["block_public_acls"] and block["block_public_policy"]
        assert block["ignore_public_acls"] and block["restrict_public_buckets"]
    for values in plan.values("aws_s3_bucket_policy"):
        allowed = [s for s in json.loads(values["policy"])["Statement"] if s["Effect"] == "Allow"]
        assert all(set(statement["Principal"]) == {"Service"} for statement in allowed)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_that_can_bear_tags_bears_those_of_the_lake(plans, environment):
    for resource in plans[environment].resources:
        tags = resource["values"].get("tags_all")
        if tags:
            assert {"Environment", "Project", "Owner", "CostCenter", "DataClassification"} <= set(tags), resource
    function = plans[environment].values("aws_lambda_function")[0]["tags_all"]
    assert (function["Environment"], function["Project"]) == (environment, "shoplake")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_statement_allows_an_action_with_a_star(plans, environment):
    for statement in allowed_statements(plans[environment]):
        assert not any("*" in action for action in listed(statement["Action"])), statement


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_resources_stand_only_where_the_api_has_no_narrower_one(plans, environment):
    """Each of these APIs is listed without resource types in AWS's Service Authorization Reference."""
    without_resource = re.compile(
        r"xray:|cloudwatch:(PutMetricData|DescribeAlarms)$|logs:(\w+LogDelivery|ListLogDeliveries|"
        r"DescribeLogGroups|DescribeResourcePolicies|PutResourcePolicy)$"
    )
    for statement in allowed_statements(plans[environment]):
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


def test_a_network_is_planned_where_it_is_asked_for(workspace):
    plan = workspace.planned("dev", "-var=network={enabled=true}")
    assert len(plan.values("aws_subnet")) == 2
    assert all(one(values["vpc_config"]) is not None for values in plan.values("aws_lambda_function"))
    assert all(values["connections"] == ["shoplake-dev-network"] for values in plan.values("aws_glue_job"))


def test_taking_protection_off_touches_only_what_is_protected(plans, workspace):
    """What `make destroy` applies first: a target brings along what it depends on, which must be nothing."""
    kinds = [resource for resource in plans["dev"].resources if resource["type"] in PROTECTED]
    targets = [f"-target={resource['address']}" for resource in kinds]
    plan = workspace.planned("dev", "-var=empties_on_destroy=true", *targets)
    assert {resource["type"] for resource in plan.resources} == set(PROTECTED)
    assert all(values["force_destroy"] for values in plan.values("aws_s3_bucket") + plan.values("aws_athena_workgroup"))
    assert not any(values["deletion_protection_enabled"] for values in plan.values("aws_dynamodb_table"))
    assert one(plan.values("aws_secretsmanager_secret"))["recovery_window_in_days"] == 0


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
