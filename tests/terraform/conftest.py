"""One workspace for all of these tests; they are skipped, and say why, where Terraform or its provider is missing."""

import pytest

from tests.terraform.workspace import Missing, Plan, Workspace

ENVIRONMENTS = ("dev", "staging", "prod")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Workspace:
    """A copy of the checkout in which terraform/lake is initialised."""
    try:
        made = Workspace(tmp_path_factory.mktemp("terraform"))
        made.init("terraform/lake")
    except Missing as missing:
        pytest.skip(f"Terraform's tests: {missing}")
    return made


@pytest.fixture(scope="session")
def plans(workspace) -> dict[str, Plan]:
    """The plan of each environment."""
    return {environment: workspace.planned(environment) for environment in ENVIRONMENTS}
