"""make plan, deploy, destroy and outputs, with a Terraform that only writes down what it is asked."""

import json
import os
import stat
from datetime import UTC, datetime

import pytest

from deploy import account, main
from deploy import probe as probing
from shoplake import aws as shoplake_aws
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory

LAKE = Lake(load_inventory(), "dev", "111122223333")
PROD = Lake(load_inventory(), "prod", "111122223333")


@pytest.fixture(autouse=True)
def no_aws(monkeypatch, tmp_path):
    """Nobody's credentials, and no build."""
    for name in [name for name in os.environ if name.startswith("AWS_")] + ["AUTO_APPROVE", "EMPTY_BUCKETS"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(main, "build", lambda source, target: target)
    shoplake_aws.client.cache_clear()
    yield
    shoplake_aws.client.cache_clear()


@pytest.fixture
def terraform(monkeypatch, tmp_path):
    """A `terraform` on the PATH that does nothing; gives a function that tells what it was asked."""
    log, script = tmp_path / "asked", tmp_path / "bin/terraform"
    script.parent.mkdir()
    script.write_text(
        f"""#!/bin/sh
case "$*" in
  version*) echo '{{"terraform_version": "1.11.4"}}' ;;
  *output*) echo '{{"lake": {{"value": {{"workgroup": "shoplake-dev-lake"}}}}}}' ;;
  *) echo "$*" >> {log} ;;
esac
"""
    )
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")

    def asked() -> list[str]:
        """The subcommands, without the folder."""
        return [line.split(" ", 1)[1] for line in log.read_text().splitlines()] if log.exists() else []

    return asked


@pytest.fixture
def deployed(monkeypatch, terraform):
    """An account with the state bucket and a key. What a deployment does to it is written down."""
    monkeypatch.setattr(account, "has_state_bucket", lambda lake: True)
    monkeypatch.setattr(account, "put_key_once", lambda lake: False)
    probed = []
    monkeypatch.setattr(main, "probe", lambda lake, now, tell: probed.append(lake.env))
    return probed


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


def test_without_credentials_it_says_how_to_sign_in(capsys, terraform):
    said = said_by(capsys, "plan", "dev")
    assert said.startswith("There are no AWS credentials (Unable to locate credentials): sign in (`aws sso login`")


def test_without_terraform_it_says_where_to_get_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said_by(capsys, "plan", "dev").startswith("Terraform is not installed: Shoplake needs 1.11 or later")


def test_an_old_terraform_is_refused(capsys, terraform, monkeypatch, tmp_path):
    script = tmp_path / "bin/terraform"
    script.write_text(script.read_text().replace("1.11.4", "1.5.7"))
    assert said_by(capsys, "plan", "dev").startswith("Terraform 1.5.7 is too old: Shoplake needs 1.11 or later")


def test_where_aws_cant_be_reached_it_says_so(capsys, terraform, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert said_by(capsys, "plan", "dev").startswith("AWS can't be reached")


def test_another_accounts_credentials_are_refused(monkeypatch):
    inventory = load_inventory()
    dev = inventory.environments["dev"].model_copy(update={"account": "999900001111"})
    environments = inventory.environments | {"dev": dev}
    monkeypatch.setattr(account, "load_inventory", lambda: inventory.model_copy(update={"environments": environments}))
    monkeypatch.setattr(account, "_account", lambda: "111122223333")
    with pytest.raises(ShoplakeError, match=r"are of account 111122223333, and lake\.yaml has environment dev in 9999"):
        account.lake_of("dev")


def test_a_deployment_applies_the_plan_that_was_shown_and_probes_it(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    main.deploy(LAKE)
    init, plan, apply = terraform()
    assert "-backend-config=bucket=shoplake-terraform-111122223333" in init
    assert "-backend-config=key=lake/dev.tfstate" in init and "-backend-config=use_lockfile=true" in init
    assert plan == "plan -input=false -out=lake.plan -var-file=environments/dev.tfvars -var=account=111122223333"
    assert apply == "apply -input=false lake.plan"
    assert deployed == ["dev"]


def test_nothing_is_applied_without_a_yes(deployed, terraform):
    with pytest.raises(ShoplakeError, match="Nobody is there to answer: set AUTO_APPROVE=1"):
        main.deploy(LAKE)
    assert not any(command.startswith("apply") for command in terraform())


def test_the_first_deployment_makes_the_bucket_of_the_state(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    monkeypatch.setattr(account, "has_state_bucket", lambda lake: False)
    made = []
    monkeypatch.setattr(account, "make_state_bucket", lambda lake: made.append(lake.account))
    main.deploy(LAKE)
    assert made == ["111122223333"]


def test_a_plan_without_a_state_names_the_command_that_makes_it(terraform, monkeypatch):
    monkeypatch.setattr(account, "has_state_bucket", lambda lake: False)
    with pytest.raises(ShoplakeError, match=r"no bucket shoplake-terraform-111122223333 .* `make deploy ENV=dev`"):
        main.plan(LAKE)


@pytest.mark.parametrize(("lake", "empty"), [(PROD, "0"), (PROD, "1"), (LAKE, "1")])
def test_prod_and_data_go_only_when_a_person_types_the_name(deployed, terraform, monkeypatch, lake, empty):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    monkeypatch.setenv("EMPTY_BUCKETS", empty)
    with pytest.raises(ShoplakeError, match=f"a person must type {lake.env}"):
        main.destroy(lake)
    assert terraform() == []


def test_destroying_keeps_what_holds_data_unless_asked_otherwise(deployed, terraform, monkeypatch):
    monkeypatch.setenv("AUTO_APPROVE", "1")
    main.destroy(LAKE)
    assert terraform()[-1].startswith("destroy") and "-var=empties_on_destroy=false" in terraform()[-1]
    monkeypatch.setenv("EMPTY_BUCKETS", "1")
    monkeypatch.setattr(main.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "dev")
    main.destroy(LAKE)
    apply, destroy = terraform()[-2:]
    assert apply.startswith("apply") and destroy.startswith("destroy")
    assert "-var=empties_on_destroy=true" in apply and "-var=empties_on_destroy=true" in destroy


def test_outputs_are_json(deployed, terraform, capsys):
    main.outputs(LAKE)
    assert '"workgroup": "shoplake-dev-lake"' in capsys.readouterr().out.split("Nothing")[-1]


class Lakes:
    """What the probe asks the lake, answered from lists: the last answer stays."""

    def __init__(self, files: list, runs: list):
        self.files, self.runs = list(files), list(runs)

    def next(self, answers: list):
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def answers(monkeypatch):
    def answer(files: list, runs: list) -> dict:
        told, lakes = {}, Lakes(files, runs)

        class S3:
            def put_object(self, **given):
                told["put"] = given
                return {"VersionId": "v1"}

        monkeypatch.setattr(probing, "client", lambda service: S3())
        monkeypatch.setattr(probing.Files, "get", lambda self, name: lakes.next(lakes.files))
        monkeypatch.setattr(probing.Runs, "get", lambda self, name: lakes.next(lakes.runs))
        monkeypatch.setattr(probing, "ask_dispatcher", lambda lake, **request: told.update(request=request))
        return told

    return answer


RECEIVED, CLAIMED = {"state": "received"}, {"state": "claimed", "run_id": "2026-01-02-0001"}
SUCCEEDED = {"state": "succeeded", "notified_at": "2026-01-02T03:09:05Z"}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def probe_with(tell=lambda sentence: None, timeout_s=5.0):
    return probing.probe(LAKE, AT, tell, timeout_s, poll_s=0)


def test_the_probe_waits_for_the_e_mail_and_not_only_for_the_run(answers):
    told = answers([None, RECEIVED, CLAIMED], [{"state": "running"}, {"state": "succeeded"}, SUCCEEDED])
    sentences = []
    assert probe_with(sentences.append) == "2026-01-02-0001"
    assert told["put"]["Key"] == "raw/categories/source=shop/probe-20260102T030405.csv"
    assert told["request"] == {"action": "run", "at_once": True, "requested_by": "make deploy"}
    assert sentences[-1] == "Run 2026-01-02-0001 succeeded, and its e-mail was sent at 2026-01-02T03:09:05Z"


def test_a_probe_that_nobody_takes_says_where_to_look(answers):
    answers([None], [None])
    with pytest.raises(ShoplakeError, match="nobody took note of it: look at the queue shoplake-dev-arrivals"):
        probe_with(timeout_s=0)


def test_a_probe_whose_run_fails_says_how_to_see_why(answers):
    answers([CLAIMED], [{"state": "failed", "notified_at": "2026-01-02T03:09:05Z"}])
    with pytest.raises(ShoplakeError, match="failed: `shoplake --env dev show 2026-01-02-0001` says why"):
        probe_with()


def test_the_key_for_personal_data_is_put_once(monkeypatch):
    stored = []

    class Manager:
        def describe_secret(self, SecretId):
            return {"VersionIdsToStages": {"1": ["AWSCURRENT"]}} if stored else {}

        def put_secret_value(self, SecretId, SecretString):
            stored.append((SecretId, json.loads(SecretString)))

    monkeypatch.setattr(account, "client", lambda service: Manager())
    assert account.put_key_once(LAKE) and not account.put_key_once(LAKE)
    ((name, secret),) = stored
    assert name == "shoplake-dev-personal-data-key" and len(bytes.fromhex(secret["key"])) == 32
