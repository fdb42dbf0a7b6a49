"""make plan, deploy, destroy, outputs: `python -m deploy.main COMMAND ENV`."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from deploy.account import concurrency_warning, lake_of, put_key_once
from deploy.asking import ask, ask_for_name, tell
from deploy.build import build
from deploy.probe import probe
from deploy.standing import require_idle, what_it_holds
from deploy.state import has_state_bucket, make_state_bucket
from deploy.terraform import Terraform, open_state, require_terraform, state_bucket
from shoplake.aws_problems import aws_problem
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.root import root

_PLAN = "lake.plan"
# Types of what is protected until `empties_on_destroy`.
PROTECTED = ("aws_athena_workgroup", "aws_dynamodb_table", "aws_s3_bucket", "aws_secretsmanager_secret")


def plan(lake: Lake) -> None:
    """Build, and show what a deployment would change."""
    if not has_state_bucket(lake):
        raise ShoplakeError(
            f"There is no bucket {state_bucket(lake)} for Terraform's state yet, or it is half made: "
            f"`make deploy ENV={lake.env}` makes it."
        )
    _plan(lake)


def deploy(lake: Lake) -> None:
    """Build, show the plan, apply it after a yes, and probe what is deployed. Nothing changes while a run is going."""
    require_idle(lake)
    if not has_state_bucket(lake):
        ask(f"Account {lake.account} has no bucket for Terraform's state in {lake.settings.region} yet. Make it?")
        make_state_bucket(lake)
    terraform = _plan(lake)
    if warning := concurrency_warning(lake):
        tell(warning)
    ask(f"Deploy this to environment {lake.env} of account {lake.account}?", "Nothing was deployed.")
    require_idle(lake)  # the person may have thought about it for long
    terraform.run("apply", "-input=false", _PLAN)
    if put_key_once(lake):
        tell("Made the key for personal data.")
    tell(f"Deployed. Probing {lake.env} ...")
    probe(lake, datetime.now(UTC), tell)


def destroy(lake: Lake) -> None:
    """Take an environment down for good. Where it holds data: only by explicit choice, else nothing is changed."""
    terraform = _deployed(lake)
    require_idle(lake)
    held, empties = ", ".join(what_it_holds(lake)), os.environ.get("EMPTY_BUCKETS") == "1"
    if held and not empties:
        raise ShoplakeError(
            f"The bucket {lake.bucket} holds data ({held}), so nothing was changed: `EMPTY_BUCKETS=1 make destroy "
            f"ENV={lake.env}` deletes it for good."
        )
    warning = f"This takes environment {lake.env} of account {lake.account} down, with its logs and its key."
    if held:
        warning += f" Every file and table goes with it, all versions ({held}), for good."
    if empties or lake.env == "prod":
        ask_for_name(lake.env, warning)
    else:
        ask(warning)
    if not empties and what_it_holds(lake):
        raise ShoplakeError(f"Meanwhile something came into the bucket {lake.bucket}, so nothing was changed.")
    build(root(), _built())
    variables = [*_variables(lake), "-var=empties_on_destroy=true"]
    protected = [address for address in terraform.resources() if any(f".{kind}." in address for kind in PROTECTED)]
    if protected:  # and nothing else, which would be made only to be destroyed
        targets = [f"-target={address}" for address in protected]
        terraform.run("apply", "-input=false", "-auto-approve", *targets, *variables)
    terraform.run("destroy", "-input=false", "-auto-approve", *variables)


def outputs(lake: Lake) -> None:
    """Print where things are."""
    found = _deployed(lake).outputs()
    if not found:
        raise ShoplakeError(f"Environment {lake.env} is half deployed: `make deploy ENV={lake.env}` goes on with it.")
    print(json.dumps(found, indent=2))


def _plan(lake: Lake) -> Terraform:
    build(root(), _built())
    terraform = open_state(lake)
    terraform.run("plan", "-input=false", f"-out={_PLAN}", *_variables(lake))
    return terraform


def _deployed(lake: Lake) -> Terraform:
    """The environment's state. Raises ShoplakeError where there is nothing in it."""
    if has_state_bucket(lake):
        terraform = open_state(lake)
        if terraform.resources():
            return terraform
    raise ShoplakeError(
        f"Environment {lake.env} is not deployed in {lake.settings.region} of account {lake.account}: "
        f"`make deploy ENV={lake.env}` does that."
    )


def _built() -> Path:
    return root() / "build/deploy"


def _variables(lake: Lake) -> list[str]:
    return [f"-var-file=environments/{lake.env}.tfvars", f"-var=account={lake.account}"]


COMMANDS: dict[str, Callable[[Lake], None]] = {"plan": plan, "deploy": deploy, "destroy": destroy, "outputs": outputs}


def main(arguments: list[str]) -> int:
    """Exit code 0, or 1 with one sentence on standard error."""
    command, env = arguments[0], arguments[1] if len(arguments) > 1 else ""
    try:
        require_terraform()
        COMMANDS[command](lake_of(env))
    except ShoplakeError as mistake:
        problem = str(mistake)
    except (BotoCoreError, Boto3Error, ClientError) as error:
        problem = aws_problem(error, env) or f"AWS refused: {' '.join(str(error).split()).rstrip('.')}."
    except KeyboardInterrupt:
        problem = "Stopped."
    else:
        return 0
    print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
