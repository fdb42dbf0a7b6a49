"""Roles allow what the code does, and nothing else: planned documents against the calls of a recorded local run.

Recorded are functions, jobs with Spark, and what an operator and an analyst ask on the command line. What the emulator
can't attribute was read from the code or from AWS's documentation; it is listed here with where it stands.
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
# And every role of a job: Glue itself fetches the code, writes the log and its own metrics.
OF_EVERY_JOB = {"ReadItsCode", "WriteLogs", "PutGluesOwnMetrics"}

_ATHENA = "Athena does it in the caller's name"
_CONSOLE = "a page of AWS's console that the dashboards and e-mails lead to"
# Statements that the recorded run doesn't use, and who does.
READ_IN_THE_CODE = {
    ("dispatcher", "SendMail"): "notices.tell_of_budget and tell_of_refused_request: not in the recorded story",
    ("dispatcher", "TakeArrivals"): "Lambda reads the queue in the function's name",
    **{
        ("refresh_athena", sid): _ATHENA
        for sid in ("KeepResults", "ReadTables", "ListForAthena", "FindTheBucket", "SeeTheDefaultDatabase")
    },
    ("roll_back", "KeepFiles"): "closing.return_files, of runs that have files",
    ("notify", "MakeTheTableOfRuns"): "closing._add_to_table_of_runs, where no run has prepared tables yet",
    ("run_ended", "MakeTheTableOfRuns"): "closing._add_to_table_of_runs, where no run has prepared tables yet",
    ("run_ended", "StopJobs"): "closing._stop_jobs, where the dead run left one running",
    **{
        (
            job,
            sid,
        ): "intake and quarantine.keep_refused_file, of a file with too many bad rows; here one of orders"
        for job in ("product_enrichment", "clickstream_aggregation", "customer_enrichment")
        for sid in ("ReadFilesThatItRefuses", "SeeWhetherTheyAreGone")
    },
    ("transaction_etl", "SeeWhetherTheyAreGone"): "quarantine.keep_refused_file, of a file that was deleted meanwhile",
    ("transaction_etl", "SeeFoldersOfQuarantine"): "Spark's file system, before the first file of orders is set aside",
    **{
        (role, sid): _ATHENA
        for role in ("analyst", "operator")
        for sid in ("KeepResults", "FindTheBucket", "SeeTheDefaultDatabase")
    },
    **{("analyst", sid): _ATHENA for sid in ("SeeTables", "ReadTables", "ListWhatIsAsked")},
    **{(role, sid): _CONSOLE for role in ("analyst", "operator") for sid in ("ListWhatAthenaHas", "LookAtTheCatalog")},
    **{("operator", sid): _CONSOLE for sid in ("ListTheLake", "SeeTheStateMachine", "SeeJobs", "ReadLogs")},
}


PEOPLE = ("operator", "analyst")


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
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert answer.returncode == 0, answer.stdout[-1000:] + answer.stderr[-3000:]
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


def policy_of(policies, name: str) -> Policy:
    """The policy of a function, a job or a role of people."""
    return next(
        policies[key] for kind in ("functions", "jobs", "governance") if (key := f'{kind} this["{name}"') in policies
    )


def in_dev(need: Need) -> Need:
    """The same of the planned lake: names of the local one with another environment and account."""

    def renamed(text: str) -> str:
        for old, new in (
            ("shoplake-local", "shoplake-dev"), ("_local", "_dev"), ("000000000000", "123456789012"),
        ):  # fmt: skip
            text = text.replace(old, new)
        return text

    return Need(need.action, renamed(need.resource), need.context)


def test_every_call_is_allowed_to_the_role_that_makes_it(policies, calls):
    recorded = Lake(load_lake("local"))
    refused = {
        f"{call['by']}: {need}"
        for call in calls
        for need in map(in_dev, recorded.needs(call))
        if not policy_of(policies, call["by"]).allows(need)
    }
    assert refused == set(), "\n".join(sorted(refused)[:40])
    inventory = load_inventory()
    assert {call["by"] for call in calls} == {*inventory.functions, *inventory.jobs, *PEOPLE}


def test_no_statement_is_without_a_caller(policies, calls):
    recorded, inventory = Lake(load_lake("local")), load_inventory()
    for call in calls:
        for need in map(in_dev, recorded.needs(call)):
            policy_of(policies, call["by"]).allows(need)
    given = dict.fromkeys(inventory.functions, OF_EVERY_FUNCTION) | dict.fromkeys(inventory.jobs, OF_EVERY_JOB)
    unused = {
        (name, statement["Sid"])
        for name in [*given, *PEOPLE]
        for statement in policy_of(policies, name).statements
        if statement["Sid"] not in policy_of(policies, name).used | given.get(name, set())
    }
    assert unused == READ_IN_THE_CODE.keys()


# What a role may besides where there is a key of one's own or a network, and by whose documentation.
OF_KEY_AND_NETWORK = {
    "UseTheKey": "S3, DynamoDB, SQS, SNS and Secrets Manager decrypt and encrypt in the caller's name",
    "ReadEncryptedFiles": "S3, for crawlers",
    "ReadEncryptedManifests": "S3, for the state machine",
    "JoinTheNetwork": "Lambda and Glue make their interfaces: AWSLambdaVPCAccessExecutionRole, AWSGlueServiceRole",
    "TagItsInterfaces": "Glue, as AWSGlueServiceRole",
    "FindTheNetwork": "Glue reads the job's connection",
    "WriteConnections": "VPC flow logs",
}


def test_what_a_key_and_a_network_add_to_roles_is_listed(plans, with_everything):
    def statements(plan) -> set[tuple[str, str]]:
        found = [(r["address"], r["values"]) for r in plan.resources if r["type"] == "aws_iam_role_policy"]
        return {(role, each["Sid"]) for role, values in found for each in json.loads(values["policy"])["Statement"]}

    assert {sid for _, sid in statements(with_everything) - statements(plans["dev"])} == OF_KEY_AND_NETWORK.keys()
    assert statements(plans["dev"]) - statements(with_everything) == set()


def test_schedules_may_call_the_functions_that_they_call(plans, policies):
    called = {one(schedule["target"])["arn"] for schedule in plans["dev"].values("aws_scheduler_schedule")}
    (statement,) = policies["arrivals schedules"].statements
    assert statement["Action"] == "lambda:InvokeFunction"
    assert set(statement["Resource"]) == called


def test_crawlers_may_do_what_glue_does_in_their_name(policies):
    """https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html"""
    policy = policies["catalog crawlers"]
    refused = [str(need) for need in CRAWLER_NEEDS if not policy.allows(need)]
    assert refused == []
    assert {statement["Sid"] for statement in policy.statements} == policy.used
    for stranger in ("raw_dev/", "curated_dev/sales"):
        assert not policy.allows(Need("glue:DeleteTable", f"{GLUE}:table/{stranger}"))
    assert not policy.allows(Need("s3:GetObject", f"{BUCKET}/curated/sales/data/a.parquet"))


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


_LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/crawlers"
_RAW_TABLES = [f"{GLUE}:{place}" for place in ("catalog", "database/raw_dev", "table/raw_dev/transactions")]
CRAWLER_NEEDS = [
    Need("s3:GetObject", f"{BUCKET}/raw/transactions/a.csv"),
    Need("s3:ListBucket", BUCKET, (("s3:prefix", "raw/transactions/"),)),
    Need("s3:GetBucketLocation", BUCKET),
    *(Need(f"glue:{action}", place) for place in _RAW_TABLES for action in (
        "GetDatabase", "GetTable", "GetTables", "CreateTable", "UpdateTable", "GetPartition", "GetPartitions",
        "BatchGetPartition", "BatchCreatePartition", "BatchUpdatePartition", "UpdatePartition",
    )),
    Need("logs:CreateLogGroup", _LOGS),
    *(Need(f"logs:{action}", f"{_LOGS}:log-stream:a") for action in ("CreateLogStream", "PutLogEvents")),
]  # fmt: skip

JOB_NEEDS = [  # each job's own, and what is not
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
    assert policy_of(policies, job).allows(Need(action, resource)) is is_allowed


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
    assert not policy_of(policies, function).allows(Need(action, resource))


@pytest.mark.parametrize(
    ("role", "action", "resource", "is_allowed"),
    [
        ("analyst", "s3:GetObject", f"{BUCKET}/curated/sales/data/a.parquet", True),
        ("analyst", "s3:GetObject", f"{BUCKET}/processed/products/data/a.parquet", True),
        ("analyst", "s3:GetObject", f"{BUCKET}/processed/customers/data/a.parquet", False),
        ("analyst", "s3:GetObject", f"{BUCKET}/raw/customers/a.csv", False),
        ("analyst", "glue:GetTable", f"{GLUE}:table/processed_dev/customers", False),
        ("operator", "s3:GetObject", f"{BUCKET}/quarantine/customers/r/rows/rules/part-0.json", True),
        ("operator", "s3:PutObject", f"{BUCKET}/curated/sales/data/a.parquet", False),
    ],
)
def test_people_read_what_their_role_is_for(policies, role, action, resource, is_allowed):
    assert policy_of(policies, role).allows(Need(action, resource)) is is_allowed


def test_the_page_on_access_is_what_is_planned(plans):
    """After a change: the docstring of deploy.access_table says how it is made."""
    assert (ROOT / "docs/access.md").read_text() == page(plans["dev"].resources)
