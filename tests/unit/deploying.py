"""What tests of the deployment share: two lakes, a `terraform` that writes down what it is asked, AWS's answers."""

import json
import os
from pathlib import Path

import boto3
from botocore.stub import Stubber

from shoplake.config import Lake
from shoplake.inventory import load_inventory

LAKE = Lake(load_inventory(), "dev", "111122223333")
PROD = Lake(load_inventory(), "prod", "111122223333")
STATE_BUCKET = "shoplake-terraform-111122223333-us-east-1"
EMPTY_STATE = '{"format_version": "1.0"}'
TABLE = 'module.run_state.aws_dynamodb_table.this["runs"]'
BUCKET = 'module.lake_storage.aws_s3_bucket.this["lake"]'
OUTPUTS = '{"lake": {"value": {"workgroup": "shoplake-dev-lake"}}}'


def state_of(*addresses: str) -> str:
    """What `terraform show -json` says of a state with these resources in modules, and one that was only read."""
    read = {"address": "module.audit.data.aws_iam_policy_document.this", "mode": "data"}
    modules = [{"resources": [read]}]
    modules += [{"child_modules": [{"resources": [{"address": name, "mode": "managed"}]}]} for name in addresses]
    return json.dumps({"format_version": "1.0", "values": {"root_module": {"child_modules": modules}}})


class Terraform:
    """A program on the PATH. `answer` says what it prints; `commands` what it was asked, without the folder."""

    def __init__(self, folder: Path, monkeypatch):
        self._folder, self._log = folder, folder / "asked"
        folder.mkdir()
        self.answer(version='{"terraform_version": "1.11.4"}', show=EMPTY_STATE, output="{}")
        script = folder / "terraform"
        script.write_text(
            f"""#!/bin/sh
for argument in "$@"; do
  case "$argument" in -chdir=*) ;; *) command="$argument"; break ;; esac
done
if [ -f "{folder}/$command.json" ]; then cat "{folder}/$command.json"; else echo "$*" >> {self._log}; fi
"""
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def answer(self, **texts: str) -> None:
        for command, text in texts.items():
            (self._folder / f"{command}.json").write_text(text)

    @property
    def commands(self) -> list[str]:
        if not self._log.exists():
            return []
        return [line.split(" ", 1)[1] for line in self._log.read_text().splitlines()]


class Aws:
    """AWS's answers in the order in which they are asked for, each held against what it is asked."""

    def __init__(self):
        self._clients, self._stubs = {}, {}

    def client(self, service: str, read_timeout_s: int = 60):
        if service not in self._clients:
            keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
            self._clients[service] = boto3.client(service, region_name="us-east-1", **keys)
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._clients[service]

    def answers(self, service: str, operation: str, asked: dict, answer: dict) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, answer, asked)

    def refuses(self, service: str, operation: str, asked: dict, code: str, status: int = 400) -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code, "no", status, expected_params=asked)

    def was_asked_all(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
