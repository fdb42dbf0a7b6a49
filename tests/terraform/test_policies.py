"""Roles allow what the code does, and nothing else: planned documents against the calls of a recorded local run.

What the emulator can't attribute was read from the code; it is listed here with where it stands.
"""

import json
import subprocess
import sys

import pytest

from deploy.access_table import page
from shoplake.config import load_lake
from shoplake.inventory import load_inventory
from tests.terraform.access import Lake, Need, Policy, of_states
from tests.terraform.workspace import ROOT, one

BUCKET = "arn:aws:s3:::shoplake-dev-lake-123456789012"
GLUE = "arn:aws:glue:us-east-1:123456789012"
# Every role of a function has them: Lambda itself writes the log, the tracer its traces.
OF_EVERY_FUNCTION = {"WriteLogs", "SendTraces"}

# Statements that the recorded run doesn't use, and who does.
READ_IN_THE_CODE = {
    ("dispatcher", "SendMail"): "notices.tell_of_budget and tell_of_refused_request: not in the recorded story",
    ("dispatcher", "TakeArrivals"): "Lambda reads the queue in the function's name",
    ("dispatcher", "ListRuns"): "read_manifest of a run that has none: S3 says 403 to who may not list",
    ("refresh_athena", "KeepResults"): "Athena reads and writes in the caller's name",
    ("refresh_athena", "ReadTables"): "Athena reads in the caller's name",
    ("refresh_athena", "ListForAthena"): "Athena lists in the caller's name",
    ("refresh_athena", "FindTheBucket"): "Athena asks in the caller's name",
    ("roll_back", "KeepFiles"): "closing.return_files, of runs that have files",
    ("roll_back", "ListRuns"): "get_json_or_none: S3 says 403 to who may not list",
    ("notify", "MakeTheTableOfRuns"): "closing._add_to_table_of_runs, where no run has prepared tables yet",
    ("run_ended", "MakeTheTableOfRuns"): "closing._add_to_table_of_runs, where no run has prepared tables yet",
    ("run_ended", "StopJobs"): "closing._stop_jobs, where the dead run left one running",
}


@pytest.fixture(scope="module")
def policies(plans) -> dict[str, Policy]:
    """The policy of each role of dev, by the role's name without `shoplake-dev-`."""
    found = {}
    for resource in plans["dev"].resources:
        if resource["type"] == "aws_iam_role_policy":
            statements = json.loads(resource["values"]["policy"])["Statement"]
            found[resource["address"].removesuffix("]").removeprefix("module.")] = statements
    return {address.replace(".aws_iam_role_policy.", " "): Policy(statements) for address, statements in found.items()}


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> list[dict]:
    """The calls of every function in a recorded local run."""
    folder = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-m", "tests.terraform.record_calls", str(folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout[-1000:] + answer.stderr[-3000:]
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


def function_policy(policies, name: str) -> Policy:
    return policies[f'functions this["{name}"']


def job_policy(policies, name: str) -> Policy:
    return policies[f'jobs this["{name}"']


def in_dev(need: Need) -> Need:
    """The same of the planned lake: names of the local one with another environment and account."""

    def renamed(text: str) -> str:
        for old, new in (
            ("shoplake-local", "shoplake-dev"), ("_local", "_dev"), ("000000000000", "123456789012"),
        ):  # fmt: skip
            text = text.replace(old, new)
        return text

    return Need(need.action, renamed(need.resource), need.context)


def test_every_call_of_a_function_is_allowed_to_its_role(policies, calls):
    recorded = Lake(load_lake("local"))
    refused = {
        f"{call['by']}: {need}"
        for call in calls
        for need in map(in_dev, recorded.needs(call))
        if not function_policy(policies, call["by"]).allows(need)
    }
    assert refused == set(), "\n".join(sorted(refused)[:40])
    assert {call["by"] for call in calls} == set(load_inventory().functions)


def test_no_statement_of_a_function_is_without_a_caller(policies, calls):
    recorded = Lake(load_lake("local"))
    for call in calls:
        for need in map(in_dev, recorded.needs(call)):
            function_policy(policies, call["by"]).allows(need)
    unused = {
        (name, statement["Sid"])
        for name in load_inventory().functions
        for statement in function_policy(policies, name).statements
        if statement["Sid"] not in function_policy(policies, name).used | OF_EVERY_FUNCTION
    }
    assert unused == READ_IN_THE_CODE.keys()


def test_every_state_may_do_what_it_does(plans, policies):
    definition = json.loads(one(plans["dev"].values("aws_sfn_state_machine"))["definition"])
    policy, needs = policies["pipeline this"], set()
    for resource, given in of_states(definition["States"]):
        needs |= set(needs_of_state(resource, given))
    refused = {str(need) for need in needs if not policy.allows(need)}
    assert refused == set()
    assert len(needs) > 30
    unused = {statement["Sid"] for statement in policy.statements} - policy.used
    assert unused == {"DeliverLogs", "SendTraces"}  # Step Functions' own


def needs_of_state(resource: str, given: dict):
    """What a task needs, by Step Functions' documentation of each integration."""
    match resource:
        case "arn:aws:states:::lambda:invoke":
            yield Need("lambda:InvokeFunction", given["FunctionName"])
        case "arn:aws:states:::glue:startJobRun.sync":
            for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"):
                yield Need(f"glue:{action}", f"{GLUE}:job/{given['JobName']}")
        case "arn:aws:states:::aws-sdk:glue:startCrawler" | "arn:aws:states:::aws-sdk:glue:getCrawler":
            action = resource.rpartition(":")[2]
            for dataset in load_inventory().datasets:
                yield Need(f"glue:{action}", f"{GLUE}:crawler/shoplake-dev-raw-{dataset}")
        case "arn:aws:states:::s3:getObject":
            yield Need("s3:GetObject", f"{BUCKET}/runs/2026-01-02-0001/manifest.jsonl")
        case "distributed map":
            machine = "arn:aws:states:us-east-1:123456789012:{}:shoplake-dev-lake-pipeline{}"
            yield Need("states:StartExecution", machine.format("stateMachine", ""))
            for action in ("DescribeExecution", "StopExecution"):
                yield Need(f"states:{action}", machine.format("execution", "/map:run"))
        case _:
            raise AssertionError(f"nobody has said what {resource} needs")


JOB_NEEDS = [  # read from shoplake.spark.job, intake, rejects, upsert: each job's own, and what is not
    ("transaction_etl", "s3:GetObject", f"{BUCKET}/staged/transactions/r/000001.parquet", True),
    ("transaction_etl", "s3:GetObject", f"{BUCKET}/staged/customers/r/000001.parquet", False),
    ("transaction_etl", "s3:PutObject", f"{BUCKET}/runs/r/ledger/transaction_etl.json", True),
    ("transaction_etl", "s3:PutObject", f"{BUCKET}/processed/transactions/data/a.parquet", True),
    ("transaction_etl", "glue:UpdateTable", f"{GLUE}:table/processed_dev/transactions", True),
    ("transaction_etl", "s3:PutObject", f"{BUCKET}/quarantine/transactions/r/rows/rules/part-0.json", True),
    ("transaction_etl", "s3:GetObjectVersion", f"{BUCKET}/raw/transactions/a.csv", True),
    ("transaction_etl", "s3:PutObject", f"{BUCKET}/processed/products/data/a.parquet", False),
    ("transaction_etl", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv", False),
    ("transaction_etl", "s3:PutObject", f"{BUCKET}/raw/transactions/a.csv", False),
    ("transaction_etl", "glue:UpdateTable", f"{GLUE}:table/curated_dev/sales", False),
    ("master_data_merge", "s3:GetObject", f"{BUCKET}/processed/transactions/data/a.parquet", True),
    ("master_data_merge", "s3:PutObject", f"{BUCKET}/curated/sales/data/a.parquet", True),
    ("master_data_merge", "s3:PutObject", f"{BUCKET}/processed/transactions/data/a.parquet", False),
    ("master_data_merge", "s3:GetObject", f"{BUCKET}/raw/transactions/a.csv", False),
    ("quality_gate", "s3:GetObject", f"{BUCKET}/curated/sales/data/a.parquet", True),
    ("quality_gate", "s3:PutObject", f"{BUCKET}/processed/quality_results/data/a.parquet", True),
    ("quality_gate", "s3:PutObject", f"{BUCKET}/data-docs/r/index.html", True),
    ("quality_gate", "s3:PutObject", f"{BUCKET}/curated/sales/data/a.parquet", False),
    ("customer_enrichment", "secretsmanager:GetSecretValue",
     "arn:aws:secretsmanager:us-east-1:123456789012:secret:shoplake-dev-personal-data-key-AbCdEf", True),
    ("master_data_merge", "secretsmanager:GetSecretValue",
     "arn:aws:secretsmanager:us-east-1:123456789012:secret:shoplake-dev-personal-data-key-AbCdEf", False),
]  # fmt: skip


@pytest.mark.parametrize(("job", "action", "resource", "is_allowed"), JOB_NEEDS)
def test_a_job_reaches_its_own_and_nothing_else(policies, job, action, resource, is_allowed):
    assert job_policy(policies, job).allows(Need(action, resource)) is is_allowed


@pytest.mark.parametrize(
    ("function", "action", "resource"),
    [
        ("dispatcher", "s3:PutObject", f"{BUCKET}/raw/transactions/a.csv"),
        ("file_validator", "s3:GetObject", f"{BUCKET}/curated/sales/data/a.parquet"),
        ("file_validator", "glue:UpdateTable", f"{GLUE}:table/curated_dev/sales"),
        ("notify", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv"),
        ("notify", "s3:GetObject", f"{BUCKET}/staged/customers/r/000001.parquet"),
        ("publish", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv"),
        ("refresh_athena", "s3:PutObject", f"{BUCKET}/curated/sales/data/a.parquet"),
        ("raw_partitions", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv"),
    ],
)
def test_a_function_doesnt_reach_what_is_not_its_own(policies, function, action, resource):
    assert not function_policy(policies, function).allows(Need(action, resource))


@pytest.mark.parametrize(
    ("role", "action", "resource", "is_allowed"),
    [
        ("analyst", "s3:GetObject", f"{BUCKET}/curated/sales/data/a.parquet", True),
        ("analyst", "s3:GetObject", f"{BUCKET}/processed/customers/data/a.parquet", False),
        ("analyst", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv", False),
        ("analyst", "glue:GetTable", f"{GLUE}:table/processed_dev/customers", False),
        ("operator", "s3:GetObject", f"{BUCKET}/quarantine/customers/r/rows/rules/part-0.json", True),
        ("operator", "s3:PutObject", f"{BUCKET}/curated/sales/data/a.parquet", False),
    ],
)
def test_people_read_what_their_role_is_for(policies, role, action, resource, is_allowed):
    assert policies[f'governance this["{role}"'].allows(Need(action, resource)) is is_allowed


def test_the_page_on_access_is_what_is_planned(plans):
    """After a change: the docstring of deploy.access_table says how it is made."""
    assert (ROOT / "docs/access.md").read_text() == page(plans["dev"].resources)
