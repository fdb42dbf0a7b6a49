"""When the tests of Terraform are skipped, and when they must fail."""

import pytest

from tests.terraform.workspace import Missing, Workspace

NO_REGISTRY = """Error: Failed to query available provider packages
Could not retrieve the list of available versions for provider hashicorp/aws: could not connect to the registry"""
WRONG_MODULE = """Error: Unreadable module directory
Unable to evaluate directory symlink: lstat ../../modules/catalogue: no such file or directory"""


NO_SUCH_VERSION = """Error: Failed to query available provider packages
Could not retrieve the list of available versions for provider hashicorp/aws: no available releases match the given
constraints ~> 60.0"""
NO_SUCH_PROVIDER = """Error: Failed to query available provider packages
provider registry registry.terraform.io does not have a provider named registry.terraform.io/hashicorp/was"""


@pytest.fixture
def terraform(monkeypatch, tmp_path):
    """A function that puts a `terraform` of a version on the PATH whose `init` fails with these words."""

    def install(version: str, words: str = "") -> None:
        program = tmp_path / "bin/terraform"
        program.parent.mkdir()
        program.write_text(
            f"""#!/bin/sh
if [ "$1" = version ]; then echo '{{"terraform_version": "{version}"}}'; exit; fi
echo '{words}' >&2; exit 1
"""
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


def test_without_a_provider_they_are_skipped(terraform, tmp_path):
    terraform("1.11.4", NO_REGISTRY)
    with pytest.raises(Missing, match="the AWS provider can't be had: Error: Failed to query"):
        Workspace(tmp_path).init("terraform/lake")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (WRONG_MODULE, "Unreadable module directory"),
        (NO_SUCH_VERSION, "~> 60.0"),
        (NO_SUCH_PROVIDER, "hashicorp/was"),
    ],
)
def test_any_other_failing_init_fails_them_with_terraforms_words(terraform, tmp_path, words, told):
    terraform("1.11.4", words)
    with pytest.raises(AssertionError, match=told):
        Workspace(tmp_path).init("terraform/lake")


def test_with_an_old_terraform_they_are_skipped(terraform, tmp_path):
    terraform("1.10.5")
    with pytest.raises(Missing, match=r"Terraform 1\.11 or later is needed, found 1\.10\.5"):
        Workspace(tmp_path)
