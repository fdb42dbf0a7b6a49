"""The laptop's lake and AWS's are one lake: what the local provisioner makes is what Terraform plans.

Both are asked for dev, staging and prod, and one address of lake.yaml is told in dev. What differs and what isn't
compared stands in the lists below, each with its reason; nothing else may.
"""

import json
import re
import subprocess
import sys

import pytest

from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.planned import not_compared, planned
from tests.terraform.provisioned import provisioned
from tests.terraform.things import Things
from tests.terraform.workspace import ROOT

ACCOUNT = "123456789012"
READER = "owner@example.com"
MISSING = "(not there)"

# Things that only one side has: kind, name, side, why.
STATED_THINGS = [
    ("bucket", r"shoplake-\w+-(logs|audit)-\d+", "planned", "nobody audits a laptop"),
    ("log group", r"/aws/vendedlogs/states/.*", "planned", "the local AWS keeps an execution's history itself"),
    (
        "log group",
        r"/aws-glue/shoplake-\w+/(output|error)",
        "planned",
        "environments of one account have their own logs",
    ),
    ("log group", r"/aws-glue/jobs/(output|error)", "provisioned", "a laptop has one environment: Glue's own names"),
    ("role", r"shoplake-\w+-(analyst|operator)", "planned", "the local AWS has one user, who may do everything"),
]
# Attributes that differ: kind, attribute, side that has it alone, why.
STATED_ATTRIBUTES = [
    ("(crawler|function)", "Role", "provisioned", "a role's ARN is known after apply; roles are compared by name"),
    ("job", "Role", "provisioned", "as above"),
    ("state machine", "roleArn", "provisioned", "as above"),
    ("schedule", "RoleArn", "provisioned", "as above"),
    ("function", r"\$POWERTOOLS_TRACE_DISABLED", "provisioned", "nothing on a laptop takes traces"),
    ("job", "--enable-(metrics|observability-metrics|auto-scaling|continuous-cloudwatch-log)", "planned", "Glue's own"),
    ("job", "--custom-logGroup-prefix", "planned", "environments of one account have their own logs"),
    ("job", "--(additional-python-modules|python-modules-installer-option)", "planned", "a laptop has the packages"),
]
# Types of resources that a laptop has nothing of.
TYPES_NOT_COMPARED = {
    "aws_budgets_budget": "nothing is billed on a laptop",
    "aws_cloudtrail": "nobody audits a laptop",
    "aws_cloudwatch_log_metric_filter": "the local AWS ends no function by itself",
    "aws_iam_role_policy": "the local AWS has one user; test_policies holds policies against what the code calls",
    "aws_lambda_layer_version": "a laptop has the packages",
    "aws_s3_bucket_lifecycle_configuration": "a laptop's files are deleted by hand",
    "aws_s3_bucket_logging": "nobody audits a laptop",
    "aws_s3_bucket_ownership_controls": "the local AWS has one user",
    "aws_s3_bucket_policy": "the local AWS has one user",
    "aws_s3_bucket_public_access_block": "the local AWS listens on 127.0.0.1",
    "aws_s3_bucket_server_side_encryption_configuration": "a laptop's disk is its owner's to encrypt",
    "aws_s3_object": "the artifacts' own tests compare what is built",
    "aws_sns_topic_policy": "the local AWS has one user",
    "terraform_data": "checks of lake.yaml, which makes nothing",
}
# Attributes that the plan has alone: type, path, why. Patterns.
ATTRIBUTES_NOT_COMPARED = [
    (r"\w+", "region", "the provider's, which stands in ARNs"),
    (r"\w+", "tags_all", "nothing is billed on a laptop"),
    (r"aws_(athena_workgroup|cloudwatch_event_rule|iam_role|secretsmanager_secret)", "description", "words for people"),
    ("aws_athena_workgroup", r".*\.encryption_configuration", "a laptop's disk is its owner's to encrypt"),
    ("aws_athena_workgroup", "state", "enabled, which is also the default"),
    ("aws_dynamodb_table", "deletion_protection_enabled", "a laptop's lake is deleted whole"),
    ("aws_glue_job", "execution_class", "standard, which is also the default"),
    ("aws_iam_role", "max_session_duration", "an hour, which is also the default"),
    ("aws_lambda_function", "layers", "a laptop has the packages"),
    ("aws_lambda_function", "source_code_hash", "the artifacts' own tests compare what is built"),
    ("aws_lambda_function", "tracing_config", "nothing on a laptop takes traces"),
    ("aws_secretsmanager_secret", "recovery_window_in_days", "a laptop's key goes with its lake"),
    ("aws_sfn_state_machine", "logging_configuration", "the local AWS keeps an execution's history itself"),
    ("aws_sfn_state_machine", "tracing_configuration", "nothing on a laptop takes traces"),
    ("aws_sqs_queue", "redrive_allow_policy", "the local AWS has one user"),
    ("aws_sqs_queue", "sqs_managed_sse_enabled", "a laptop's disk is its owner's to encrypt"),
]


@pytest.fixture(scope="module")
def plans(plans, workspace, tmp_path_factory):
    """The plans, that of dev with an address in lake.yaml."""
    copy = workspace.copy(tmp_path_factory.mktemp("read"))
    lake = copy.folder / "lake.yaml"
    text = lake.read_text()
    lake.write_text(text.replace("    alerts: []\n", f"    alerts: [{READER}]\n", 1))  # dev is the first
    return plans | {ENVIRONMENTS[0]: copy.planned(ENVIRONMENTS[0])}


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> dict[str, list[dict]]:
    """The calls by which the local provisioner makes the lake of each environment, on an emulator."""
    folder = tmp_path_factory.mktemp("provisioned")
    command = [sys.executable, "-m", "tests.terraform.record_provisioning", str(folder), ACCOUNT, READER, *ENVIRONMENTS]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    recorded = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return {env: [call for call in recorded if call["env"] == env] for env in ENVIRONMENTS}


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def lakes(request, plans, calls):
    """The lake of an environment as it is provisioned and as it is planned."""
    return provisioned(calls[request.param]), planned(plans[request.param])


def test_both_sides_make_the_same_things(lakes):
    here, there = lakes
    for side in ("provisioned", "planned"):
        unstated = [thing for thing in _only(side, here, there) if not _is_stated_thing(*thing, side)]
        assert not unstated, f"only {side}: {sorted(unstated)}"
    assert len(here.keys() & there.keys()) > 130


def test_what_both_sides_make_is_equal(lakes):
    here, there = lakes
    differences = [
        f"{kind} {name}: {attribute}: provisioned {mine!r}, planned {theirs!r}"
        for kind, name in here.keys() & there.keys()
        for attribute, mine, theirs in _differing(here[kind, name], there[kind, name])
        if not _is_stated_attribute(kind, attribute, mine, theirs)
    ]
    assert not differences, "\n".join(sorted(differences)[:20])


def test_every_type_and_attribute_of_the_plan_is_compared_or_stated(plans):
    """And what is stated is there."""
    found = [not_compared(plans[env]) for env in ENVIRONMENTS]
    assert {kind for kinds, _ in found for kind in kinds} == TYPES_NOT_COMPARED.keys()
    attributes = {attribute for _, paths in found for attribute in paths}
    stated = {
        (kind, path): [
            number
            for number, (k, p, _) in enumerate(ATTRIBUTES_NOT_COMPARED)
            if re.fullmatch(k, kind) and re.fullmatch(p, path)
        ]
        for kind, path in attributes
    }
    assert [attribute for attribute, numbers in stated.items() if not numbers] == []
    assert {number for numbers in stated.values() for number in numbers} == set(range(len(ATTRIBUTES_NOT_COMPARED)))


def test_the_addresses_of_lake_yaml_are_subscribed_on_both_sides(plans, calls):
    expected = {
        ("subscription", f"shoplake-dev-{topic} {READER}"): {"protocol": "email"}
        for topic in ("cost-alerts", "data-quality-alerts", "pipeline-notifications")
    }
    for things in (provisioned(calls["dev"]), planned(plans["dev"])):
        assert {thing: what for thing, what in things.items() if thing[0] == "subscription"} == expected


def test_every_stated_difference_is_one(plans, calls):
    """A difference that is no longer there is taken off the list."""
    lakes = [(provisioned(calls[env]), planned(plans[env])) for env in ENVIRONMENTS]
    for kind, name, side, _ in STATED_THINGS:
        only = {thing for here, there in lakes for thing in _only(side, here, there)}
        assert any(thing[0] == kind and re.fullmatch(name, thing[1]) for thing in only), (kind, name)
    differing = {
        (kind, attribute)
        for here, there in lakes
        for kind, name in here.keys() & there.keys()
        for attribute, *_ in _differing(here[kind, name], there[kind, name])
    }
    for kind, attribute, *_ in STATED_ATTRIBUTES:
        assert any(re.fullmatch(kind, k) and re.fullmatch(attribute, a) for k, a in differing), (kind, attribute)


def test_the_comparison_sees_a_change(lakes):
    here, there = lakes
    function = next(thing for thing in here if thing[0] == "function")
    spoilt = here | {function: here[function] | {"Timeout": 1}}
    assert [attribute for attribute, *_ in _differing(spoilt[function], there[function])].count("Timeout") == 1


def _only(side: str, here: Things, there: Things) -> set[tuple[str, str]]:
    """The things that one side has alone."""
    return here.keys() - there.keys() if side == "provisioned" else there.keys() - here.keys()


def _differing(mine: dict, theirs: dict):
    for attribute in sorted({*mine, *theirs}):
        pair = mine.get(attribute, MISSING), theirs.get(attribute, MISSING)
        if pair[0] != pair[1]:
            yield attribute, *pair


def _is_stated_thing(kind: str, name: str, side: str) -> bool:
    return any((k, s) == (kind, side) and re.fullmatch(pattern, name) for k, pattern, s, _ in STATED_THINGS)


def _is_stated_attribute(kind: str, attribute: str, mine, theirs) -> bool:
    alone = "provisioned" if theirs == MISSING else "planned" if mine == MISSING else "neither"
    return any(
        re.fullmatch(k, kind) and re.fullmatch(a, attribute) and side == alone for k, a, side, _ in STATED_ATTRIBUTES
    )
