"""The inventory, the tables and the state machine agree with each other, and say so when they don't."""

import ast
import importlib
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shoplake.closing import is_infrastructure
from shoplake.config import load_lake
from shoplake.errors import ConfigurationError
from shoplake.inventory import load_inventory
from shoplake.publication import publication_order
from shoplake.root import root
from shoplake.state_machine import definition, placeholders, top_level_states
from shoplake.tables import iceberg_schema, load_tables, partition_spec
from shoplake.template import fill


@pytest.fixture(scope="module")
def lake():
    return load_lake("local")


def said_of(tmp_path, change) -> str:
    path = tmp_path / "lake.yaml"
    content = yaml.safe_load((root() / "lake.yaml").read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError) as error:
        load_inventory(path)
    return str(error.value)


def local(content: dict) -> dict:
    return content["environments"]["local"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("zones"), "lake.yaml: zones: Field required."),
        (
            lambda c: c["functions"]["publish"].update(memory_mb=64),
            "functions.publish.memory_mb: Input should be greater than or equal to 128 (found 64)",
        ),
        (
            lambda c: local(c)["worker"].update(numbr=3),
            "environments.local.worker.numbr: Extra inputs are not permitted",
        ),
        (
            lambda c: c.update(reporting_time_zone="Europe/Londn"),
            "is not an IANA time zone such as Europe/London (found 'Europe/Londn')",
        ),
        (
            lambda c: c["datasets"]["transactions"].update(job="etl"),
            "dataset transactions names the job etl, which is not under jobs",
        ),
        (lambda c: local(c)["worker"].update(type="G.99X"), "(found 'G.99X')"),
        (
            lambda c: c["arrivals"]["schedules"].update(sweep="cron(0 24 * * ? *)"),
            "arrivals.schedules.sweep: Value error, has '24' as its hour, which cron() doesn't take (found 'cron(0 24",
        ),
        (lambda c: local(c).update(alerts=["finops"]), "environments.local.alerts.0: String should match pattern"),
        (lambda c: c["monitoring"].update(measure="rate(0 hours)"), "monitoring.measure: Value error, is no schedule"),
        (
            lambda c: c["environments"]["prod"]["raw_tiers"].update(archive_after_days=30),
            "archive_after_days (30) must exceed intelligent_after_days (30)",
        ),
    ],
)
def test_a_broken_inventory_gets_one_sentence_with_place_value_and_rule(tmp_path, change, said):
    sentence = said_of(tmp_path, change)
    assert said in sentence
    assert "\n" not in sentence


def test_an_unknown_environment_is_told_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"Environment 'prd' is not in lake\.yaml; it knows local, dev"):
        load_lake("prd")


def test_every_script_function_and_contract_of_the_inventory_is_there(lake):
    inventory = lake.inventory
    assert all((root() / job.script).is_file() for job in inventory.jobs.values())
    assert {path.parent.name for path in (root() / "lambdas").glob("*/handler.py")} == set(inventory.functions)
    assert {path.name.split(".")[0] for path in (root() / "contracts").glob("*.odcs.yaml")} == set(inventory.datasets)


def test_a_job_changes_the_tables_that_lake_yaml_says_it_writes(lake):
    """On AWS its role reaches no others. The gate's results stand beside the branches, so that it drops none."""
    for name, job in lake.inventory.jobs.items():
        tree = ast.parse((root() / job.script).read_text())
        module = importlib.import_module(job.script.removesuffix(".py").replace("/", "."))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        (call,) = [call for call in calls if getattr(call.func, "attr", "") == "from_argv"]
        written = {getattr(module, constant.id) for keyword in call.keywords for constant in keyword.value.elts}
        assert set(job.writes) == (written or {"processed.quality_results"}), name


def test_the_state_machine_uses_every_function_and_job_where_the_inventory_says(lake):
    states = json.loads(definition(lake))["States"]
    for name, job in lake.inventory.jobs.items():
        assert lake.job_name(name) in json.dumps(states[job.state])
    for name, function in lake.inventory.functions.items():
        if function.state is not None:
            assert lake.function_arn(name) in json.dumps(states[function.state])


def test_the_state_machine_has_the_states_that_people_watch(lake):
    assert top_level_states(lake) == (
        "Validate and stage files", "Summarise verdicts", "Anything to load?", "Crawl raw", "Prepare tables",
        "Transform", "Merge master data", "Check quality", "Publish", "Refresh Athena", "Notify success",
        "Roll back", "Notify failure", "Run failed",
    )  # fmt: skip


def tasks_of(states: dict):
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        for branch in state.get("Branches", []):
            yield from tasks_of(branch["States"])
        if "ItemProcessor" in state:
            yield from tasks_of(state["ItemProcessor"]["States"])


def test_every_task_has_a_time_out_and_retries_with_jitter(lake):
    for name, task in tasks_of(json.loads(definition(lake))["States"]):
        assert task["TimeoutSeconds"] > 0, name
        assert all(retry["JitterStrategy"] == "FULL" for retry in task["Retry"]), name


def test_what_the_state_machine_tries_again_gives_a_runs_files_back_when_it_gives_up(lake):
    tasks = tasks_of(json.loads(definition(lake))["States"])
    retried = {error for _, task in tasks for retry in task["Retry"] for error in retry["ErrorEquals"]}
    assert {"Lambda.TooManyRequestsException", "ClientError", "Glue.ThrottlingException"} <= retried
    assert {error for error in retried if not is_infrastructure(error, None)} == set()


def test_every_function_is_tried_again_on_the_same_errors(lake):
    """The validator also on those of a large file's bytes; on everything that it is retried on, its file can wait."""
    retried, waits = {}, set()
    for name, task in tasks_of(json.loads(definition(lake))["States"]):
        if task["Resource"].endswith("lambda:invoke"):
            retried[name] = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
            waits |= {e for catch in task.get("Catch", []) if catch["Next"] == "Not now" for e in catch["ErrorEquals"]}
    of_bytes = {"S3UploadFailedError", "ResponseStreamingError", "IncompleteReadError", "ConnectionClosedError"}
    validator = retried.pop("Validate one file")
    assert {frozenset(errors) for errors in retried.values()} == {frozenset(validator - of_bytes)}
    assert of_bytes < validator < waits


def test_every_step_before_publishing_is_caught(lake):
    states = json.loads(definition(lake))["States"]
    for name in top_level_states(lake)[: top_level_states(lake).index("Refresh Athena")]:
        if states[name]["Type"] in ("Task", "Parallel") or name == "Validate and stage files":
            assert states[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
            assert states[name]["Catch"][-1]["Next"] == "Roll back", name


def test_no_placeholder_is_left_and_none_is_unused(lake):
    text = (root() / lake.inventory.state_machine.definition).read_text()
    used = set(re.findall(r"\$\{(\w+)\}", text))
    unused = {"dispatcher", "measure_lake", "run_ended", "roll_back_timeout_s"} & set(placeholders(lake))
    assert used <= set(placeholders(lake))
    assert "${" not in definition(lake)
    assert {name for name in placeholders(lake) if not name.endswith("_timeout_s")} - used <= unused


@given(st.text(alphabet="$.{}ab ", max_size=20))
def test_filling_leaves_every_dollar_alone_that_is_no_placeholder(text):
    if not re.search(r"\$\{", text):
        assert fill(text, {}) == text


def test_filling_knows_names_and_the_escape():
    assert fill("${name} $${name} $.path $$.Execution", {"name": "x"}) == "x ${name} $.path $$.Execution"


def test_tables_are_published_after_the_tables_they_are_made_of():
    assert [table.full_name for table in publication_order(load_tables())] == [
        "processed.categories",
        "processed.customers",
        "processed.events",
        "processed.product_versions",
        "processed.products",
        "processed.reviews",
        "processed.sessions",
        "processed.transactions",
        "curated.conversion_funnel",
        "curated.sales",
        "curated.customer_360",
        "curated.daily_sales_summary",
        "curated.product_history",
        "curated.product_performance",
        "curated.traffic_hourly",
    ]


def test_every_table_has_an_iceberg_schema_and_comments():
    for table in load_tables().values():
        assert [field.name for field in iceberg_schema(table).fields] == list(table.column_names)
        assert all(field.doc for field in iceberg_schema(table).fields)
        assert len(partition_spec(table).fields) == (1 if table.partition else 0)


def test_a_contracts_columns_are_the_first_of_its_table():
    table = load_tables()["processed.transactions"]
    assert table.column_names[:3] == ("order_id", "line_number", "product_id")
    assert table.column_names[-5:] == ("_run_id", "_source_key", "_source_line", "_arrived_at", "_row_hash")
