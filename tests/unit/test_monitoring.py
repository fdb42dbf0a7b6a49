"""Alarms and dashboards: what is declared loads, names what exists, and says what to do next."""

import json
import re

import jsonschema
import pytest
import typer.main

from cli.main import app
from shoplake import monitoring
from shoplake.config import Lake, load_lake
from shoplake.errors import ConfigurationError
from shoplake.monitoring import Monitoring
from shoplake.root import root
from tests.unit.test_metrics import QUALITY, put, report  # noqa: F401 (put is a fixture)

DEV = load_lake("dev", account="123456789012")
LOCAL_ONLY = {"up", "down", "reset", "status", "mail", "demo", "doctor"}
# Metrics of AWS's own services that alarms and dashboards may name, with their dimensions.
OF_AWS = {
    ("AWS/Lambda", "Invocations", "FunctionName"), ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"), ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/States", "ExecutionsStarted", "StateMachineArn"), ("AWS/States", "ExecutionsSucceeded", "StateMachineArn"),
    ("AWS/States", "ExecutionsFailed", "StateMachineArn"), ("AWS/States", "ExecutionsTimedOut", "StateMachineArn"),
    ("AWS/States", "ExecutionsAborted", "StateMachineArn"), ("AWS/States", "ExecutionTime", "StateMachineArn"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/Athena", "ProcessedBytes", "WorkGroup", "QueryState", "QueryType"),
}  # fmt: skip
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
RENDERING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
        "expression": {"type": "string"},
        "id": {"type": "string", "pattern": "^[a-z][a-zA-Z0-9_]*$"},
        "label": {"type": "string"},
        "period": {"type": "integer"},
        "stat": {"enum": ["Sum", "Average", "Minimum", "Maximum", "SampleCount"]},
        "yAxis": {"enum": ["left", "right"]},
    },
}
PROPERTIES = {
    "text": {
        "additionalProperties": False,
        "required": ["markdown"],
        "properties": {"markdown": {"type": "string", "minLength": 1}},
    },
    "alarm": {
        "additionalProperties": False,
        "required": ["alarms"],
        "properties": {
            "title": {"type": "string"},
            "alarms": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": {"type": "string", "pattern": r"^arn:aws:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.+$"},
            },
        },
    },
    "metric": {
        "additionalProperties": False,
        "required": ["region", "metrics", "view", "stat", "period", "title"],
        "properties": {
            "title": {"type": "string"},
            "region": {"type": "string", "pattern": "^[a-z]{2}-[a-z]+-[0-9]$"},
            "view": {"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
            "stat": {"enum": ["Sum", "Average", "Minimum", "Maximum", "SampleCount"]},
            "period": {"type": "integer", "multipleOf": 60, "minimum": 60, "maximum": 86400},
            "yAxis": {
                "type": "object",
                "properties": {"left": {"properties": {"min": {"type": "number"}, "max": {"type": "number"}}}},
            },
            "metrics": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, RENDERING]}},
            },
        },
    },
}
DASHBOARD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["widgets"],
    "properties": {
        "start": {"type": "string", "pattern": "^-P(T?[0-9]+[HDWM])$"},
        "periodOverride": {"enum": ["auto", "inherit"]},
        "widgets": {
            "type": "array",
            "maxItems": 500,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "x", "y", "width", "height", "properties"],
                "properties": {
                    "type": {"enum": list(PROPERTIES)},
                    "x": {"type": "integer", "minimum": 0, "maximum": 23},
                    "y": {"type": "integer", "minimum": 0},
                    "width": {"type": "integer", "minimum": 1, "maximum": 24},
                    "height": {"type": "integer", "minimum": 1, "maximum": 1000},
                    "properties": {"type": "object"},
                },
                "allOf": [
                    {
                        "if": {"properties": {"type": {"const": kind}}},
                        "then": {"properties": {"properties": {"type": "object", **schema}}},
                    }
                    for kind, schema in PROPERTIES.items()
                ],
            },
        },
    },
}


@pytest.fixture(scope="module")
def dev():
    return Monitoring(DEV)


@pytest.fixture(scope="module", params=["pipeline-health", "cost", "data-quality"])
def dashboard(dev, request):
    return json.loads(dev.dashboards[f"shoplake-dev-{request.param}"])


@pytest.fixture
def metrics_put(put):  # noqa: F811
    """Namespace, name and dimensions of each metric that the code puts."""
    return {("Shoplake", d["MetricName"], *(x["Name"] for x in d["Dimensions"])) for d in put()}


def metrics_of(dashboard: dict) -> set[tuple[str, ...]]:
    """Namespace, name and dimensions of each metric that a dashboard shows, by name or by search."""
    found = set()
    for widget in dashboard["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                search = re.fullmatch(
                    r"""SEARCH\('\{(\w+),([\w,]+)\} MetricName="(\w+)" env="dev"', '\w+', \d+\)""",
                    metric[0]["expression"],
                )
                found.add((search[1], search[3], *search[2].split(",")))
            else:
                words = [word for word in metric if isinstance(word, str)]
                found.add((words[0], words[1], *words[2::2]))
    return found


def test_every_promised_concern_has_an_alarm(dev):
    names = {alarm.full_name for alarm in dev.alarms}
    assert names >= {
        "unattended-function-errors-dispatcher", "function-errors-publish", "function-throttles-file-validator",
        "queue-age", "dead-letters", "failed-executions", "slow-executions", "job-failures-transaction-etl",
        "freshness-curated-sales", "freshness-processed-transactions", "quality-score-curated-sales", "athena-bytes",
        "cost-of-a-day",
    }  # fmt: skip


def test_every_function_has_one_alarm_on_errors_and_only_where_nobody_else_tells_it_sends_mail(dev):
    alarms = [alarm for alarm in dev.alarms if alarm.metric == ("AWS/Lambda", "Errors")]
    assert sorted(alarm.item for alarm in alarms) == sorted(DEV.inventory.functions)
    told_by_the_run = {alarm.item for alarm in alarms if alarm.email is None}
    assert told_by_the_run >= {"publish", "roll_back", "file_validator"}
    assert not told_by_the_run & {"dispatcher", "notify", "run_ended"}


def test_what_a_runs_own_mail_tells_sends_no_second_one(dev):
    silent = {alarm.name for alarm in dev.alarms if alarm.email is None}
    assert silent == {"function_errors", "failed_executions", "executions_cut_off", "job_failures", "quality_score"}


def test_every_description_ends_with_a_command_that_exists_on_aws_too(dev):
    commands = set(typer.main.get_command(app).commands) - LOCAL_ONLY
    for alarm in dev.alarms:
        named = re.findall(r"`shoplake --env dev (\w+)", alarm.description.partition("Next: ")[2])
        assert named, alarm.full_name
        assert set(named) <= commands, alarm.full_name


def test_the_freshness_alarm_has_the_contracts_objective(dev):
    thresholds = {alarm.item: alarm.threshold for alarm in dev.alarms if alarm.name == "freshness"}
    assert thresholds["curated.sales"] == thresholds["processed.transactions"] == 26


def test_files_of_any_age_are_tried_on_the_laptop():
    assert not [alarm for alarm in Monitoring(load_lake("local")).alarms if alarm.name == "freshness"]


def test_alarms_look_at_metrics_that_somebody_puts(dev, metrics_put):
    for alarm in dev.alarms:
        assert (*alarm.metric, *alarm.dimensions) in OF_AWS | metrics_put, alarm.full_name


def test_dashboards_show_metrics_that_somebody_puts(dashboard, metrics_put):
    counted_in_logs = {("Shoplake/dev", "FunctionEndedByLambda")}  # by Terraform's filters: tests/terraform
    assert metrics_of(dashboard) - OF_AWS - metrics_put - counted_in_logs == set()


def test_dashboards_are_as_cloudwatch_wants_them(dashboard):
    jsonschema.Draft202012Validator(DASHBOARD).validate(dashboard)


def test_widgets_neither_overlap_nor_leave_the_grid(dashboard):
    taken = set()
    for w in dashboard["widgets"]:
        cells = {(x, y) for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])}
        assert max(x for x, _ in cells) < 24
        assert not taken & cells, w["properties"].get("title")
        taken |= cells


def test_names_are_the_environments_own(dev):
    everything = " ".join([*(a.model_dump_json() for a in dev.alarms), *dev.dashboards.values()])
    assert "local" not in everything
    assert "${" not in everything


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("statistic: Sum", "statistic: Total"), "function_errors.statistic: Input should be 'Sum', 'Average'"),
        (("period_s: 300", "period_s: 90"), "function_errors.period_s: Input should be a multiple of 60 (found 90)"),
        (("email: cost", "email: costs"), "email: 'costs' is not one of notifications, quality, cost"),
        (("each: job", "each: jobs"), "job_failures.each: 'jobs' is not one of function, step_function"),
        (("${queue_age_s}", "${queue_age}"), "nothing fills the placeholder ${queue_age}"),
        (("missing: ignore", "missing: [ignore"), "alarms.yaml, line "),
        (("Next: `${shoplake} show latest`.", ""), "description: String should match pattern"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, monkeypatch, change, said):
    (tmp_path / "monitoring").mkdir()
    text = (root() / "monitoring/alarms.yaml").read_text()
    assert change[0] in text
    (tmp_path / "monitoring/alarms.yaml").write_text(text.replace(*change))
    monkeypatch.setattr(monitoring, "root", lambda: tmp_path)
    with pytest.raises(ConfigurationError) as error:
        _ = Monitoring(DEV).alarms
    assert "alarms.yaml" in str(error.value)
    assert said in str(error.value)


def test_an_alarm_that_is_off_must_exist():
    off = DEV.settings.model_copy(update={"alarms_off": ["freshnes"]})
    lake = Lake(DEV.inventory.model_copy(update={"environments": {"dev": off}}), "dev", DEV.account)
    with pytest.raises(ConfigurationError, match="alarms_off names freshnes, which is not in monitoring/alarms"):
        _ = Monitoring(lake).alarms
