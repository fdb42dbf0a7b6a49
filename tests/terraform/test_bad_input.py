"""A mistake in what is given becomes one sentence that names the place, the value and the rule; nothing is planned."""

import re

import pytest


def said_of(answer) -> str:
    """Terraform's errors without its frames and line ends."""
    assert answer.returncode != 0, "it was planned"
    return " ".join(re.sub(r"[│╷╵]", " ", answer.stderr + answer.stdout).split())


def spoil(path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.fixture(scope="module")
def spoilt(workspace, tmp_path_factory):
    """A function that plans dev in a copy whose files were spoilt; gives what Terraform said."""

    def said(*changes: tuple[str, str, str], arguments=()) -> str:
        copy = workspace.copy(tmp_path_factory.mktemp("spoilt"))
        for file, old, new in changes:
            spoil(copy.folder / file, (old, new))
        return said_of(copy.plan("dev", *arguments))

    return said


@pytest.fixture(scope="module")
def said_of_values(workspace) -> str:
    """All root variables wrong at once: Terraform tells of each."""
    return said_of(
        workspace.plan(
            "dev", "-var=owner=", "-var=cost_center=*", "-var=kms_key_arn=alias/shop",
            '-var=subscribers={everything={emails=["a@example.com"]}}',
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        "owner is '': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@.",
        "cost_center is '*': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@.",
        "kms_key_arn is 'alias/shop': give a key's ARN, arn:aws:kms:region:account:key/id.",
        "subscribers names everything: lake.yaml's topics are cost, notifications, quality.",
    ],
)
def test_a_bad_value_in_the_tfvars(said_of_values, sentence):
    assert sentence in said_of_values


def test_an_unknown_environment(workspace):
    said = said_of(workspace.plan("dev", "-var=environment=production"))
    assert "environment is 'production': lake.yaml has dev, prod, staging to deploy." in said


def test_an_e_mail_address_that_isnt_one(workspace):
    said = said_of(workspace.plan("dev", '-var=subscribers={cost={emails=["finops"]}}'))
    assert "topics: cost.emails has 'finops': that is no e-mail address, such as on-call@example.com." in said


def test_an_account_that_is_no_number_of_one(workspace):
    said = said_of(workspace.plan("dev", "-var=account=shop"))
    assert "account is 'shop': an AWS account's number has 12 digits." in said


def test_an_account_that_is_not_the_environments(spoilt):
    said = spoilt(("lake.yaml", "account: null  ", 'account: "999900001111"  '))
    assert "account is 123456789012, and lake.yaml has environment dev in 999900001111: take that account's" in said


def test_artifacts_that_were_not_built(workspace):
    said = said_of(workspace.plan("dev", "-var=artifacts=nowhere.json"))
    assert "artifacts is 'nowhere.json', and there is no such file: run `make build`" in said


def test_a_dataset_without_a_contract(spoilt):
    said = spoilt(("lake.yaml", "  reviews: {job: customer_enrichment}", "  refunds: {job: customer_enrichment}"))
    assert (
        "lake.yaml: datasets.refunds has no contract: write contracts/refunds.odcs.yaml, or take the dataset out."
        in said
    )


def test_a_contract_that_names_an_unknown_column(spoilt):
    old, new = "slaDefaultElement: transactions.ordered_at", "slaDefaultElement: transactions.orderd_at"
    said = spoilt(("contracts/transactions.odcs.yaml", old, new))
    assert "contracts/transactions.odcs.yaml names orderd_at: that is no column under its schema." in said


def test_a_retention_of_no_days(spoilt):
    said = spoilt(("lake.yaml", "kept_days: {raw: 90, quarantine: 30", "kept_days: {raw: 90, quarantine: 0"))
    assert (
        "zones: quarantine has kept_days 0: a zone of objects is kept for at least 1 day (kept_days in lake.yaml)"
        in said
    )


def test_a_bucket_name_that_is_too_long(spoilt):
    said = spoilt(("lake.yaml", "project: shoplake", "project: a-shop-whose-name-goes-on-and-on-and-on-and-on"))
    name = "a-shop-whose-name-goes-on-and-on-and-on-and-on-dev-lake-123456789012"
    assert f"{name} ({len(name)} characters)" in said
    assert "S3 takes 3 to 63 characters; shorten project or the environment's name in lake.yaml." in said


def test_a_job_that_writes_a_table_that_isnt_there(spoilt):
    said = spoilt(("lake.yaml", "writes: [processed.transactions]", "writes: [processed.orders]"))
    assert "jobs.transaction_etl names processed.orders" in said


def test_a_schedule_that_is_none(spoilt):
    said = spoilt(("lake.yaml", "schedules: {run: rate(30 minutes)}", "schedules: {run: often}"))
    assert "schedules: run is 'often': write rate(5 minutes) or cron(0 3 * * ? *)." in said
