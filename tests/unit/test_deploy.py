"""make plan, deploy, destroy and outputs, with a Terraform that only writes down what it is asked."""

import io
import os
import re
import signal
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError

from deploy import account, main
from deploy.terraform import Terraform as RealTerraform
from shoplake import aws as shoplake_aws
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory
from shoplake.root import root
from tests.unit.deploying import BUCKET, LAKE, OUTPUTS, PROD, STATE_BUCKET, TABLE, Terraform, state_of

DATA = ["curated/", "raw/"]


@pytest.fixture(autouse=True)
def no_aws(monkeypatch, tmp_path):
    """Nobody's credentials, a door that nobody answers, and no build."""
    for name in [name for name in os.environ if name.startswith("AWS_")] + ["AUTO_APPROVE", "EMPTY_BUCKETS"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another test's, with its credentials
    monkeypatch.setattr(shoplake_aws, "_CONFIG", Config(retries={"total_max_attempts": 1}))
    monkeypatch.setattr(main, "build", lambda source, target: target)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there to answer
    shoplake_aws.client.cache_clear()
    yield
    shoplake_aws.client.cache_clear()


@pytest.fixture
def terraform(monkeypatch, tmp_path):
    return Terraform(tmp_path / "bin", monkeypatch)


@pytest.fixture
def deployed(monkeypatch, terraform):
    """A deployed lake that is idle and holds nothing. Gives the environments that are probed."""
    probed = []
    terraform.answer(show=state_of("module.jobs.aws_glue_job.this", BUCKET, TABLE), output=OUTPUTS)
    monkeypatch.setattr(main, "has_state_bucket", lambda lake: True)
    monkeypatch.setattr(main, "require_idle", lambda lake: None)
    monkeypatch.setattr(main, "what_it_holds", lambda lake: [])
    monkeypatch.setattr(main, "concurrency_warning", lambda lake: None)
    monkeypatch.setattr(main, "put_key_once", lambda lake: False)
    monkeypatch.setattr(main, "probe", lambda lake, now, tell: probed.append(lake.env))
    return probed


@pytest.fixture
def person(monkeypatch):
    """A function that seats a person at the terminal who answers this; gives the questions."""

    def seat(answer: str | None) -> list[str]:
        asked = []

        def reply(question: str) -> str:
            asked.append(question)
            if answer is None:
                raise EOFError
            return answer

        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", reply)
        return asked

    return seat


def said_by(capsys, command: str, env: str) -> str:
    assert main.main([command, env]) == 1
    said = capsys.readouterr().err.strip()
    assert "\n" not in said and said.endswith(".")
    return said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("", "Which environment? Give ENV=dev or ENV=staging or ENV=prod."),
        ("prd", "ENV=prd is not in lake.yaml. Give ENV=dev or ENV=staging or ENV=prod."),
        ("local", "ENV=local is the laptop's own, which `make up` starts. Give ENV=dev or ENV=staging or ENV=prod."),
    ],
)
def test_an_environment_that_cant_be_deployed_is_told_which_can(capsys, terraform, env, said):
    assert said_by(capsys, "deploy", env) == said


def test_without_credentials_it_says_so(capsys, terraform):
    said = said_by(capsys, "plan", "dev")
    assert said.startswith("No usable AWS credentials for environment dev (Unable to locate credentials): sign in")


def test_without_terraform_it_says_where_to_get_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said_by(capsys, "plan", "dev").startswith("Terraform is not installed: Shoplake needs 1.11 or later")


def test_an_old_terraform_is_refused(capsys, terraform):
    terraform.answer(version='{"terraform_version": "1.10.5"}')
    assert said_by(capsys, "plan", "dev").startswith("Terraform 1.10.5 is too old: Shoplake needs 1.11 or later")


def test_a_terraform_that_doesnt_tell_its_version_is_refused(capsys, terraform):
    terraform.answer(version="Segmentation fault")
    assert said_by(capsys, "plan", "dev").endswith("/terraform doesn't tell its version.")


def test_where_aws_cant_be_reached_it_says_so(capsys, terraform, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    said = said_by(capsys, "plan", "dev")
    assert said.startswith("AWS can't be reached") and "region of environment dev in lake.yaml" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoRegionError(), "AWS has no such region (You must specify a region): mend region of environment dev in lake"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy"),
            "These credentials may not do that in environment dev (PutBucketPolicy: no).",
        ),
        (
            ClientError({"Error": {"Code": "ThrottlingException", "Message": "too\nmany."}}, "DescribeSecret"),
            "AWS refused: An error occurred (ThrottlingException) when calling the DescribeSecret operation: too many.",
        ),
    ],
)
def test_what_aws_refuses_is_a_sentence(capsys, terraform, monkeypatch, error, said):
    def refuse(env: str):
        raise error

    monkeypatch.setattr(main, "lake_of", refuse)
    assert said_by(capsys, "plan", "dev").startswith(said)


def test_another_accounts_credentials_are_refused(monkeypatch):
    inventory = load_inventory()
    dev = inventory.environments["dev"].model_copy(update={"account": "999900001111"})
    environments = inventory.environments | {"dev": dev}
    monkeypatch.setattr(account, "load_inventory", lambda: inventory.model_copy(update={"environments": environments}))

    class Sts:
        def get_caller_identity(self):
            return {"Account": "111122223333"}

    monkeypatch.setattr(account, "client", lambda service: Sts())
    with pytest.raises(ShoplakeError, match=r"are of account 111122223333, and lake\.yaml has environment dev in 9999"):
        account.lake_of("dev")


def test_a_deployment_applies_the_plan_that_was_shown_and_probes_it(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    main.deploy(LAKE)
    init, plan, apply = terraform.commands
    assert f"-backend-config=bucket={STATE_BUCKET}" in init and "-backend-config=region=us-east-1" in init
    assert "-backend-config=key=lake/dev.tfstate" in init and "-backend-config=use_lockfile=true" in init
    assert plan == "plan -input=false -out=lake.plan -var-file=environments/dev.tfvars -var=account=111122223333"
    assert apply == "apply -input=false lake.plan"
    assert deployed == ["dev"]


def test_nothing_is_applied_without_a_yes(deployed, terraform):
    with pytest.raises(ShoplakeError, match="Nobody is there to answer: set AUTO_APPROVE=1"):
        main.deploy(LAKE)
    assert not any(command.startswith("apply") for command in terraform.commands)


@pytest.mark.parametrize("answer", ["no", "", None])
def test_whoever_says_no_or_closes_the_input_has_changed_nothing(deployed, terraform, person, answer):
    questions = person(answer)
    with pytest.raises(ShoplakeError, match=r"^Nothing was deployed\.$"):
        main.deploy(LAKE)
    assert questions == ["Deploy this to environment dev of account 111122223333? Type yes: "]
    assert not any(command.startswith("apply") for command in terraform.commands)


def test_the_first_deployment_makes_the_bucket_of_the_state(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    monkeypatch.setattr(main, "has_state_bucket", lambda lake: False)
    made = []
    monkeypatch.setattr(main, "make_state_bucket", lambda lake: made.append(lake.account))
    main.deploy(LAKE)
    assert made == ["111122223333"]


def test_a_plan_without_a_state_names_the_command_that_makes_it(terraform, monkeypatch):
    monkeypatch.setattr(main, "has_state_bucket", lambda lake: False)
    with pytest.raises(ShoplakeError, match=rf"no bucket {STATE_BUCKET} .* `make deploy ENV=dev`"):
        main.plan(LAKE)


@pytest.mark.parametrize("runs_at", [1, 2])
def test_nothing_is_applied_while_a_run_is_going(deployed, terraform, monkeypatch, runs_at):
    """It is asked before the plan is made, and again after the person's yes."""
    monkeypatch.setenv("AUTO_APPROVE", "1")
    asked = []

    def require_idle(lake):
        asked.append(lake.env)
        if len(asked) == runs_at:
            raise ShoplakeError("Run 2026-01-02-0001 has been going.")

    monkeypatch.setattr(main, "require_idle", require_idle)
    with pytest.raises(ShoplakeError, match="2026-01-02-0001"):
        main.deploy(LAKE)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init", "plan"][: 2 * (runs_at - 1)]


def test_a_small_quota_is_told_before_the_question(deployed, terraform, monkeypatch, capsys):
    monkeypatch.setattr(main, "concurrency_warning", lambda lake: "Warning: 10 functions at once.")
    with pytest.raises(ShoplakeError, match="Nobody is there"):
        main.deploy(LAKE)
    assert "Warning: 10 functions at once.\n" in capsys.readouterr().out


@pytest.mark.parametrize(("lake", "empty"), [(PROD, "0"), (PROD, "1"), (LAKE, "1")])
def test_prod_and_data_go_only_when_a_person_types_the_name(deployed, terraform, monkeypatch, lake, empty):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    monkeypatch.setenv("EMPTY_BUCKETS", empty)
    with pytest.raises(ShoplakeError, match=f"a person must type {lake.env}"):
        main.destroy(lake)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init"]


@pytest.mark.parametrize("lake", [LAKE, PROD])
def test_destroying_changes_nothing_where_the_lake_holds_data(deployed, terraform, monkeypatch, person, lake):
    monkeypatch.setattr(main, "what_it_holds", lambda lake: DATA)
    asked = person(lake.env)
    with pytest.raises(ShoplakeError) as refused:
        main.destroy(lake)
    assert str(refused.value) == (
        f"The bucket shoplake-{lake.env}-lake-111122223333 holds data (curated/, raw/), so nothing was changed: "
        f"`EMPTY_BUCKETS=1 make destroy ENV={lake.env}` deletes it for good."
    )
    assert asked == [] and [command.split(" ")[0] for command in terraform.commands] == ["init"]


def test_an_empty_lake_is_destroyed_after_a_yes(deployed, terraform, person):
    questions = person("yes")
    main.destroy(LAKE)
    assert questions == [
        "This takes environment dev of account 111122223333 down, with its logs and its key. Type yes: "
    ]
    assert [command.split(" ")[0] for command in terraform.commands] == ["init", "apply", "destroy"]


def test_a_file_that_comes_while_the_person_thinks_keeps_an_empty_lake(deployed, terraform, monkeypatch, person):
    found = iter(([], DATA))
    monkeypatch.setattr(main, "what_it_holds", lambda lake: next(found))
    person("yes")
    with pytest.raises(ShoplakeError, match="Meanwhile something came into the bucket shoplake-dev-lake"):
        main.destroy(LAKE)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init"]


def test_data_goes_once_its_protection_is_taken_off_and_nothing_else_is_deployed(
    deployed, terraform, monkeypatch, person
):
    monkeypatch.setenv("EMPTY_BUCKETS", "1")
    monkeypatch.setattr(main, "what_it_holds", lambda lake: DATA)
    questions = person("dev")
    main.destroy(LAKE)
    assert "Every file and table goes with it, all versions (curated/, raw/), for good." in questions[0]
    _, apply, destroy = terraform.commands
    assert apply == (
        f"apply -input=false -auto-approve -target={BUCKET} -target={TABLE} -var-file=environments/dev.tfvars "
        "-var=account=111122223333 -var=empties_on_destroy=true"
    )
    assert destroy == (
        "destroy -input=false -auto-approve -var-file=environments/dev.tfvars -var=account=111122223333 "
        "-var=empties_on_destroy=true"
    )


def test_a_second_try_at_destroying_makes_nothing_anew(deployed, terraform, person):
    """The first has ended at the bucket of logs, say, or at a role."""
    terraform.answer(show=state_of("module.governance.aws_iam_role.this"))
    person("yes")
    main.destroy(LAKE)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init", "destroy"]


def test_every_type_that_is_protected_is_among_those_whose_protection_is_taken_off():
    text = "\n".join(path.read_text() for path in sorted((root() / "modules").glob("*/*.tf")))
    resources = re.findall(r'^resource "(\w+)" "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    switches = re.compile(r"var\.(empties_on_destroy|is_protected|recovery_days)")
    assert {kind for kind, body in resources if switches.search(body)} == set(main.PROTECTED)


@pytest.mark.parametrize("command", [main.destroy, main.outputs])
@pytest.mark.parametrize("has_bucket", [True, False])
def test_an_environment_that_isnt_deployed_is_said_so_and_nothing_is_built(
    deployed, terraform, monkeypatch, command, has_bucket
):
    def build(source, target):
        raise AssertionError("it was built")

    monkeypatch.setattr(main, "build", build)
    monkeypatch.setattr(main, "has_state_bucket", lambda lake: has_bucket)
    terraform.answer(show='{"format_version": "1.0"}')
    with pytest.raises(ShoplakeError, match=r"^Environment dev is not deployed in us-east-1 of account 111122223333: "):
        command(LAKE)


def test_a_deployment_that_was_broken_off_can_be_destroyed_and_has_no_outputs(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    terraform.answer(output="{}")
    with pytest.raises(ShoplakeError, match=r"^Environment dev is half deployed: `make deploy ENV=dev` goes on"):
        main.outputs(LAKE)
    main.destroy(LAKE)
    assert terraform.commands[-1].startswith("destroy")


def test_outputs_are_json(deployed, terraform, capsys):
    main.outputs(LAKE)
    assert capsys.readouterr().out == '{\n  "lake": {\n    "workgroup": "shoplake-dev-lake"\n  }\n}\n'


def test_ctrl_c_waits_for_terraform_to_end_in_order(monkeypatch, tmp_path):
    """A Terraform that is killed leaves its state locked and forgets what it has made."""
    script = tmp_path / "terraform"
    script.write_text(f"#!/bin/sh\necho began > {tmp_path}/began\nsleep 1\necho ended > {tmp_path}/ended\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def press_ctrl_c() -> None:
        deadline = time.monotonic() + 30
        while not (tmp_path / "began").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press_ctrl_c, daemon=True)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        RealTerraform(tmp_path).run("apply")
    presser.join()
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_a_region_or_account_that_is_none_is_a_mistake_in_lake_yaml(tmp_path):
    text = (root() / "lake.yaml").read_text()
    for old, new, said in (
        ("region: us-east-1", 'region: ""', r"environments\.local\.region: .* \(found ''\)"),
        ('account: "000000000000"', 'account: "12"', r"environments\.local\.account: .* \(found '12'\)"),
    ):
        path = tmp_path / "lake.yaml"
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(ShoplakeError, match=rf"^lake\.yaml: {said}"):
            load_inventory(path)
