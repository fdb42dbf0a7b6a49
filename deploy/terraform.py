"""Terraform as the deployment calls it: the right folder, the right state, its words shown as they come."""

import json
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.root import root

LEAST = "1.11"  # state locks that are objects of the state's own bucket
_INSTALL = "install it (https://developer.hashicorp.com/terraform/install), and look whether it is on the PATH"


class TerraformFailed(ShoplakeError):
    """Terraform has said itself what is wrong."""


def installed_version() -> str | None:
    """The version of the Terraform on the PATH, such as 1.11.4; None without one. Raises TerraformFailed."""
    program = shutil.which("terraform")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "version", "-json"], capture_output=True, text=True, timeout=30, check=True)
        return json.loads(answer.stdout)["terraform_version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        raise TerraformFailed(f"{program} doesn't tell its version.") from None


def is_new_enough(version: str) -> bool:
    """Whether a version is LEAST or later; a release candidate counts as the release."""

    def release(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text)[:2]]

    return release(version) >= release(LEAST)


def require_terraform() -> None:
    """Raises ShoplakeError where Terraform is missing or too old."""
    version = installed_version()
    if version is None:
        raise ShoplakeError(f"Terraform is not installed: Shoplake needs {LEAST} or later; {_INSTALL}.")
    if not is_new_enough(version):
        raise ShoplakeError(f"Terraform {version} is too old: Shoplake needs {LEAST} or later; {_INSTALL}.")


@dataclass(frozen=True)
class Terraform:
    """Terraform in one of the roots under `terraform/`."""

    folder: Path

    @classmethod
    def of(cls, name: str) -> "Terraform":
        return cls(root() / "terraform" / name)

    def run(self, *arguments: str) -> None:
        """A command whose output the person sees. Raises TerraformFailed.

        Ctrl-C reaches Terraform too, which then ends in order and keeps its state: it is waited for.
        """
        interrupts: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
        try:
            code = subprocess.call(["terraform", f"-chdir={self.folder}", *arguments])
        finally:
            signal.signal(signal.SIGINT, before)
        if interrupts:
            raise KeyboardInterrupt
        if code != 0:
            raise TerraformFailed(f"`terraform {arguments[0]}` failed; what is wrong stands above.")

    def outputs(self) -> dict[str, Any]:
        """The outputs of what is deployed; none where nothing is."""
        return {name: output["value"] for name, output in self._json("output").items()}

    def resources(self) -> list[str]:
        """Addresses of all that is deployed, also by a deployment that was broken off; none where nothing is."""
        return _addresses(self._json("show").get("values", {}).get("root_module", {}))

    def _json(self, command: str) -> dict[str, Any]:
        answer = subprocess.run(
            ["terraform", f"-chdir={self.folder}", command, "-json"], capture_output=True, text=True
        )
        if answer.returncode != 0:
            raise TerraformFailed(f"`terraform {command}` failed: {' '.join(answer.stderr.split())}")
        return json.loads(answer.stdout)


def _addresses(module: dict[str, Any]) -> list[str]:
    """Of a module's resources and those of the modules in it."""
    own = [resource["address"] for resource in module.get("resources", []) if resource["mode"] == "managed"]
    return own + [address for child in module.get("child_modules", []) for address in _addresses(child)]


def state_bucket(lake: Lake) -> str:
    """The bucket of the state of all environments of an account and region."""
    return f"{lake.inventory.project}-terraform-{lake.account}-{lake.settings.region}"


def open_state(lake: Lake) -> Terraform:
    """The root of the lake, led to the environment's state."""
    terraform = Terraform.of("lake")
    terraform.run(
        "init",
        "-reconfigure",
        "-input=false",
        f"-backend-config=bucket={state_bucket(lake)}",
        f"-backend-config=key=lake/{lake.env}.tfstate",
        f"-backend-config=region={lake.settings.region}",
        "-backend-config=encrypt=true",
        "-backend-config=use_lockfile=true",
    )
    return terraform
