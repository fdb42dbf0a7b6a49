"""One workspace for all of these tests; they are skipped, and say why, where Terraform or its provider is missing."""

import pytest

from tests.terraform.workspace import Missing, Plan, Workspace

ENVIRONMENTS = ("dev", "staging", "prod")
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
READERS = '{emails=["finops@example.com"],phones=["+441234567890"],urls=["https://h.example.com/c"]}'


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


@pytest.fixture(scope="session")
def with_everything(workspace) -> Plan:
    """A plan of dev in which nothing that may be left out is left out: network, key, readers of all kinds, a watch of
    costs, a record of changes, single sign-on.
    """
    return workspace.planned(
        "dev", "-var=network={enabled=true}", f"-var=kms_key_arn={KEY}", f"-var=subscribers={{cost={READERS}}}",
        "-var=watches_costs=true", "-var=records_changes_to_the_account=true",
        '-var=trusted_arns=["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_DataTeam_*"]',
    )  # fmt: skip
