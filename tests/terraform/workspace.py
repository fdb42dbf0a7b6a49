"""Terraform on a copy of the checkout, so that no provider, lock file or plan is left in it."""

import json
import os
import re
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.build import build
from deploy.terraform import LEAST, installed_version, is_new_enough

ROOT = Path(__file__).parents[2]
_COPIED = (
    "contracts", "modules", "monitoring", "queries", "state_machines", "tables", "terraform", "views", "lake.yaml",
)  # fmt: skip
ACCOUNT = "123456789012"
# So that no plan looks for a bucket of states or asks AWS who is there: Terraform merges these into what they name.
# https://developer.hashicorp.com/terraform/language/files/override
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs#skip_requesting_account_id
_OVERRIDES = {
    "backend_override.tf": """
terraform {
  backend "local" {}
}
""",
    "provider_override.tf": """
provider "aws" {
  access_key                  = "nobody"
  secret_key                  = "nothing"
  allowed_account_ids         = null
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
""",
}
# Headings of what `terraform init` says where a provider can't be had from the registry, or from a mirror.
_NO_PROVIDER = (
    "Failed to query available provider packages", "Failed to install provider", "Invalid provider registry host",
)  # fmt: skip
# What the registry itself says of a provider that nobody has, or in no such version: a mistake in versions.tf.
_ANSWERED = ("no available releases match", "does not have a provider named")
# What a deployment knows of itself, in place of what a person may have written there.
_TFVARS = 'environment = "{}"\nowner       = "data-platform"\ncost_center = "analytics"\n'


class Missing(Exception):
    """Terraform, or its AWS provider, is not to be had on this machine. The text says which."""


class Workspace:
    """A copy of what Terraform reads, with the artifacts built."""

    def __init__(self, folder: Path):
        """Raises Missing where there is no Terraform that is new enough."""
        self.folder = folder
        version = installed_version()
        if version is None or not is_new_enough(version):
            raise Missing(f"Terraform {LEAST} or later is needed, found {version or 'none'}")
        for name in _COPIED:
            if (ROOT / name).is_dir():
                skipped = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*_override.tf")
                shutil.copytree(ROOT / name, folder / name, ignore=skipped)
            else:
                shutil.copy(ROOT / name, folder / name)
        for name, text in _OVERRIDES.items():
            (folder / "terraform/lake" / name).write_text(text.lstrip())
        for file in (folder / "terraform/lake/environments").glob("*.tfvars"):
            file.write_text(_TFVARS.format(file.stem))
        inventory = folder / "lake.yaml"
        inventory.write_text(_of_nobody(inventory.read_text()))
        self.plugins = folder / "plugins"
        self.plugins.mkdir()

    @cached_property
    def artifacts(self) -> Path:
        """The list of what was built from the checkout. Packages are in it and not built: a plan reads no files."""
        path = build(ROOT, self.folder / "build/deploy", with_packages=False)
        built = json.loads(path.read_text())
        for kind, key in (("layer", "layers/packages.zip"), ("wheelhouse", "wheels/packages.gluewheels.zip")):
            built[kind] = {"path": key, "key": key, "sha256_base64": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
        path.write_text(json.dumps(built))
        return path

    def copy(self, folder: Path) -> "Workspace":
        """Another copy, to spoil; it shares the provider and the artifacts."""
        other = object.__new__(Workspace)
        other.folder, other.plugins, other.artifacts = folder, self.plugins, self.artifacts
        for name in _COPIED:
            source = self.folder / name
            if source.is_dir():
                shutil.copytree(source, folder / name, symlinks=True)
            else:
                shutil.copy(source, folder / name)
        return other

    def run(self, place: str, *arguments: str) -> subprocess.CompletedProcess:
        """A Terraform command in a folder of the copy."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_PLUGIN_CACHE_DIR": str(self.plugins),
            # A copy has no lock file, without which each init would fetch the provider again. It is thrown away.
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
        }  # fmt: skip
        command = ["terraform", *arguments]
        return subprocess.run(command, cwd=self.folder / place, env=environment, capture_output=True, text=True)

    def init(self, place: str) -> None:
        """Get what a folder needs. Raises Missing where the provider can't be had; fails where the folder is wrong."""
        answer = self.run(place, "init", "-no-color")
        words = " ".join(answer.stderr.split())
        if any(heading in words for heading in _NO_PROVIDER) and not any(answered in words for answered in _ANSWERED):
            raise Missing("the AWS provider can't be had: " + words[:300])
        assert answer.returncode == 0, answer.stderr

    def plan(self, environment: str, *arguments: str) -> subprocess.CompletedProcess:
        """Plan an environment's lake into `{environment}.plan`."""
        return self.run(
            "terraform/lake", "plan", "-no-color", "-refresh=false", f"-out={environment}.plan",
            f"-var-file=environments/{environment}.tfvars", f"-var=artifacts={self.artifacts}",
            f"-var=account={ACCOUNT}", *arguments,
        )  # fmt: skip

    def planned(self, environment: str, *arguments: str) -> "Plan":
        """The plan of an environment. Fails with Terraform's words where there is none."""
        answer = self.plan(environment, *arguments)
        assert answer.returncode == 0, answer.stderr
        shown = self.run("terraform/lake", "show", "-json", f"{environment}.plan")
        return Plan(json.loads(shown.stdout))


def _of_nobody(inventory: str) -> str:
    """lake.yaml without the account and the readers that a person may have given a deployed environment."""
    before, deployed, environments = inventory.partition("\n  dev:\n")
    environments = re.sub(r"(?m)^    account: .*$", "    account: null", environments)
    return before + deployed + re.sub(r"(?m)^    alerts: .*$", "    alerts: []", environments)


class Plan:
    """A plan's resources. Values that only AWS knows are missing."""

    def __init__(self, content: dict[str, Any]):
        self.resources = [
            {
                "address": change["address"],
                "type": change["type"],
                "key": change.get("index"),
                "values": change["change"]["after"],
            }
            for change in content["resource_changes"]
            if change["mode"] == "managed"
        ]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """The values of all resources of a type."""
        return [resource["values"] for resource in self.resources if resource["type"] == kind]

    def by(self, kind: str, name: str = "name") -> dict[str, dict[str, Any]]:
        """The values of all resources of a type, by one of their attributes."""
        return {values[name]: values for values in self.values(kind)}


def one(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """The only block of its kind."""
    (block,) = blocks
    return block
