"""make plan, deploy, destroy, outputs: `python -m deploy.main COMMAND ENV`."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deploy import account
from deploy.build import build
from deploy.probe import probe
from deploy.terraform import Terraform, open_state, require_terraform, state_bucket
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.root import root

_PLAN = "lake.plan"


def plan(lake: Lake) -> None:
    """Build, and show what a deployment would change."""
    if not account.has_state_bucket(lake):
        raise ShoplakeError(
            f"There is no bucket {state_bucket(lake)} for Terraform's state yet: `make deploy ENV={lake.env}` makes it."
        )
    _plan(lake)


def deploy(lake: Lake) -> None:
    """Build, show the plan, apply it after a yes, and probe what is deployed."""
    if not account.has_state_bucket(lake):
        _ask(f"Account {lake.account} has no bucket for Terraform's state yet. Make {state_bucket(lake)}?")
        account.make_state_bucket(lake)
    terraform = _plan(lake)
    _ask(f"Deploy this to environment {lake.env} of account {lake.account}?")
    terraform.run("apply", "-input=false", _PLAN)
    if account.put_key_once(lake):
        _tell("Made the key for personal data.")
    _tell(f"Deployed. Readers of the e-mails confirm their subscription once. Probing {lake.env} ...")
    probe(lake, datetime.now(UTC), _tell)


def destroy(lake: Lake) -> None:
    """Take an environment down. Buckets and tables that hold something go only by explicit choice."""
    empties = os.environ.get("EMPTY_BUCKETS") == "1"
    warning = f"This takes environment {lake.env} of account {lake.account} down."
    if empties:
        warning += " EMPTY_BUCKETS=1: every file and table goes with it, all versions, for good."
    else:
        _tell("What holds data stays, and ends this in an error that names it; EMPTY_BUCKETS=1 deletes it too.")
    if empties or lake.env == "prod":
        _type_name(lake.env, warning)
    else:
        _ask(warning)
    build(root(), _built())
    terraform = open_state(lake)
    variables = [*_variables(lake), f"-var=empties_on_destroy={str(empties).lower()}"]
    if empties:  # first what protects buckets and tables is taken off
        terraform.run("apply", "-input=false", "-auto-approve", *variables)
    terraform.run("destroy", "-input=false", "-auto-approve", *variables)


def outputs(lake: Lake) -> None:
    """Print where things are."""
    if not account.has_state_bucket(lake):
        raise ShoplakeError(f"Nothing is deployed in account {lake.account}: `make deploy ENV={lake.env}`.")
    found = open_state(lake).outputs()
    if not found:
        raise ShoplakeError(f"Environment {lake.env} is not deployed: `make deploy ENV={lake.env}`.")
    print(json.dumps(found, indent=2))


def _plan(lake: Lake) -> Terraform:
    build(root(), _built())
    terraform = open_state(lake)
    terraform.run("plan", "-input=false", f"-out={_PLAN}", *_variables(lake))
    return terraform


def _built() -> Path:
    return root() / "build/deploy"


def _variables(lake: Lake) -> list[str]:
    return [f"-var-file=environments/{lake.env}.tfvars", f"-var=account={lake.account}"]


def _ask(question: str) -> None:
    """Raises ShoplakeError unless a person, or AUTO_APPROVE=1, says yes."""
    if os.environ.get("AUTO_APPROVE") == "1":
        return
    if not sys.stdin.isatty():
        raise ShoplakeError(f"{question} Nobody is there to answer: set AUTO_APPROVE=1 to say yes.")
    if input(f"{question} Type yes: ").strip() != "yes":
        raise ShoplakeError("Nothing was changed.")


def _type_name(name: str, warning: str) -> None:
    """Raises ShoplakeError unless a person types the name; AUTO_APPROVE doesn't."""
    if not sys.stdin.isatty() or input(f"{warning} Type {name} to go on: ").strip() != name:
        raise ShoplakeError(f"{warning} Nothing was changed: a person must type {name}.")


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


COMMANDS: dict[str, Callable[[Lake], None]] = {"plan": plan, "deploy": deploy, "destroy": destroy, "outputs": outputs}


def main(arguments: list[str]) -> int:
    """Exit code 0, or 1 with one sentence on standard error."""
    command, env = arguments[0], arguments[1] if len(arguments) > 1 else ""
    try:
        require_terraform()
        COMMANDS[command](account.lake_of(env))
    except ShoplakeError as mistake:
        print(mistake, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
