"""A mistake in what is given becomes one sentence that names the place, the value and the rule; nothing is planned."""

import json

import pytest

LOG_DAYS = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"


def sentences_of(answer) -> list[str]:
    """What each of Terraform's errors says, but for the line that tells where the rule stands; asked for by -json."""
    assert answer.returncode != 0, "it was planned"
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    errors = [line["diagnostic"] for line in told if line.get("diagnostic", {}).get("severity") == "error"]
    return [error["detail"].partition("\n\nThis was checked by the validation rule")[0] for error in errors]


def spoil(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def spoilt(workspace, tmp_path_factory):
    """A function that plans dev in a copy whose files were spoilt; gives Terraform's sentences."""

    def said(*changes: tuple[str, str, str]) -> list[str]:
        copy = workspace.copy(tmp_path_factory.mktemp("spoilt"))
        for file, old, new in changes:
            spoil(copy.folder / file, old, new)
        return sentences_of(copy.plan("dev", "-json"))

    return said


def test_bad_values_in_the_tfvars(workspace):
    """All wrong at once: Terraform tells of each, by the root variable's name, in one sentence."""
    answer = workspace.plan(
        "dev", "-json", "-var=account=shop", "-var=owner=", "-var=cost_center=*", "-var=kms_key_arn=alias/shop",
        '-var=subscribers={cost={emails=["finops"],phones=["01234"],urls=["http://h.example.com"]}}',
        '-var=network={cidr="10.20.0.0",zones=["a"]}',
    )  # fmt: skip
    assert set(sentences_of(answer)) == {
        "account is 'shop': an AWS account's number has 12 digits.",
        "owner is '': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@.",
        "cost_center is '*': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@.",
        "kms_key_arn is 'alias/shop': give a key's ARN, arn:aws:kms:region:account:key/id.",
        "subscribers: cost.emails has 'finops': that is no e-mail address, such as on-call@example.com.",
        "subscribers: cost.phones has '01234': write a telephone number as +441234567890.",
        "subscribers: cost.urls has 'http://h.example.com': messages go to https:// addresses alone.",
        "network.cidr is '10.20.0.0': give a block of /16 to /22, such as 10.20.0.0/20: a subnet has a sixteenth "
        "of it, and each Glue worker and endpoint takes an address.",
        "network.zones is [a]: name two different zones at least by their letters, such as a and b.",
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            '-var=subscribers={everything={emails=["a@example.com"]}}',
            "subscribers names everything: lake.yaml's topics are cost, notifications, quality.",
        ),
        ("-var=environment=production", "environment is 'production': lake.yaml has dev, prod, staging to deploy."),
        ("-var=environment=local", "environment is 'local': lake.yaml has dev, prod, staging to deploy."),
        (
            "-var=artifacts=nowhere.json",
            "artifacts is 'nowhere.json', and there is no such file: run `make build`, which `make plan` and "
            "`make deploy` do.",
        ),
    ],
)
def test_a_bad_value_gets_one_sentence(workspace, given, sentence):
    assert sentences_of(workspace.plan("dev", "-json", given)) == [sentence]


def test_all_mistakes_in_an_environments_settings_stand_in_one_sentence(spoilt):
    said = spoilt(
        ("lake.yaml", "alerts: []\n", "alerts: [finops]\n"),
        ("lake.yaml", "worker: {type: G.1X, number: 2}\n    shuffle_partitions: 16",
         "worker: {type: G.99X, number: 2}\n    shuffle_partitions: 16"),
        ("lake.yaml", "log_days: {functions: 7, jobs: 30, audit: 90}", "log_days: {functions: 8, jobs: 30}"),
        ("lake.yaml", "kept_days: {raw: 90, quarantine: 30", "kept_days: {quarantine: 0"),
        ("lake.yaml", "    monthly_dollars: 50 ", "    # monthly_dollars: 50 "),
    )  # fmt: skip
    place = "environments.dev"
    assert said == [
        f"lake.yaml: {place}.alerts has 'finops': that is no e-mail address, such as on-call@example.com; "
        f"{place}.kept_days lacks raw: every zone of objects is kept for a number of days; "
        f"{place}.kept_days.quarantine is 0: a zone is kept for at least 1 day; "
        f"{place}.log_days.functions is 8: CloudWatch Logs keeps {LOG_DAYS} days; "
        f"{place}.log_days lacks audit: what is deployed has an audit trail; "
        f"{place} lacks monthly_dollars: what is deployed has a budget; "
        f"{place}.worker.type is 'G.99X': jobs run on G.1X, G.2X, G.4X, G.8X."
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "lake.yaml", "  reviews: {job: customer_enrichment}", "  refunds: {job: customer_enrichment}",
            "lake.yaml: datasets.refunds has no contract: write contracts/refunds.odcs.yaml, or take the dataset out.",
        ),
        (
            "lake.yaml", "  reviews: {job: customer_enrichment}", "  reviews: {job: review_etl}",
            "lake.yaml: datasets.reviews.job is review_etl, which is not under jobs.",
        ),
        (
            "contracts/transactions.odcs.yaml",
            "slaDefaultElement: transactions.ordered_at", "slaDefaultElement: transactions.orderd_at",
            "contracts/transactions.odcs.yaml names orderd_at (slaDefaultElement): that is no column under its schema.",
        ),
        (
            "contracts/clickstream.odcs.yaml", "aliases: {product_id: [aid]", "aliases: {produkt_id: [aid]",
            "contracts/clickstream.odcs.yaml names produkt_id (sources[0].aliases): that is no column under its "
            "schema.",
        ),
        (
            "contracts/transactions.odcs.yaml", "defaults: {currency: GBP}", "defaults: {curency: GBP}",
            "contracts/transactions.odcs.yaml names curency (sources[0].defaults): that is no column under its schema.",
        ),
        (
            "tables/processed/products.yaml", "touched_by: [processed.categories]", "touched_by: [processed.groups]",
            "tables/: touched_by of processed.products names processed.groups: that is no file under tables/.",
        ),
        (
            "tables/processed/events.yaml", "grain: One row", "touched_by: [processed.sessions]\ngrain: One row",
            "tables/: curated.conversion_funnel, curated.customer_360, curated.daily_sales_summary, "
            "curated.product_performance, curated.sales, curated.traffic_hourly, processed.events, processed.sessions: "
            "touched_by goes in a circle, or through more than the five generations by which freshness is looked up.",
        ),
        (
            "lake.yaml", "writes: [processed.transactions]", "writes: [processed.orders]",
            "lake.yaml: jobs.transaction_etl names processed.orders: that is no file under tables/ and no database.",
        ),
        (
            "lake.yaml", "    account: null\n", '    account: "999900001111"\n',
            "account is 123456789012, and lake.yaml has environment dev in 999900001111: take that account's "
            "credentials, or mend environments.dev.account.",
        ),
        (
            "lake.yaml", "schedules: {run: rate(30 minutes)}", "schedules: {run: rate(1 minutes)}",
            "schedules: run is 'rate(1 minutes)': write rate(1 hour), rate(5 minutes) or cron(0 3 * * ? *), with ? as "
            "its day of month or of the week.",
        ),
        (
            "lake.yaml", "raw_tiers: {intelligent_after_days: 30}",
            "raw_tiers: {intelligent_after_days: 30, archive_after_days: 20}",
            "zones: raw has archive_after_days 20 and intelligent_after_days 30: objects move to the archive after "
            "they moved to Intelligent-Tiering, not before.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_declaration_gets_one_sentence(spoilt, file, old, new, sentence):
    assert sentence in spoilt((file, old, new))


def test_a_bucket_name_that_is_too_long(spoilt):
    said = spoilt(("lake.yaml", "project: shoplake", "project: a-shop-whose-name-goes-on-and-on-and-on-and-on"))
    name = "a-shop-whose-name-goes-on-and-on-and-on-and-on-dev-lake-123456789012"
    told = next(sentence for sentence in said if sentence.startswith("buckets: "))
    assert f"{name} ({len(name)} characters)" in told
    assert told.endswith("S3 takes 3 to 63 characters; shorten project or the environment's name in lake.yaml.")
