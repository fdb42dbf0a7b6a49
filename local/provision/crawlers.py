"""A crawler a dataset, and the classifiers that all of them try before Glue's own."""

import json
from typing import Any

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.config import Lake
from shoplake.contracts import load_contract

# Names in the first line, whatever the columns hold; values in double quotes may hold commas. Files with another
# delimiter fall to Glue's own classifier. https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html
_CSV = {"Delimiter": ",", "QuoteSymbol": '"', "ContainsHeader": "PRESENT", "Serde": "OpenCSVSerDe"}
_JSON = {"JsonPath": "$[*]"}  # an array's items are the records, not the array
# One table a dataset whatever its files differ in; partitions read their columns off the table.
_CONFIGURATION = {
    "Version": 1.0,
    "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
    "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
}


def provision(account: Account) -> None:
    lake = account.lake
    classifiers = [
        _ensure_classifier(account, lake.classifier_name("csv"), "CsvClassifier", _CSV),
        _ensure_classifier(account, lake.classifier_name("json"), "JsonClassifier", _JSON),
    ]
    role = account.ensure_role("crawlers", "glue")
    for dataset in lake.inventory.datasets:
        paths = sorted({source.records for source in load_contract(dataset).sources if source.records})
        own = [
            _ensure_classifier(
                account,
                lake.classifier_name(f"json-{dataset}-{path.replace('.', '-')}"),
                "JsonClassifier",
                {"JsonPath": f"$.{path}[*]"},
            )
            for path in paths
        ]
        _ensure_crawler(account, lake.crawler_name(dataset), _settings(lake, dataset, role, [*own, *classifiers]))


def _settings(lake: Lake, dataset: str, role: str, classifiers: list[str]) -> dict[str, Any]:
    """Everything is crawled each time: with new folders only, Glue changes no columns.

    https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html
    """
    return {
        "Role": role,
        "DatabaseName": lake.database("raw"),
        "Targets": {"S3Targets": [{"Path": lake.uri(f"{lake.zone('raw')}{dataset}/")}]},
        "Classifiers": classifiers,
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "Configuration": json.dumps(_CONFIGURATION),
    }


def _ensure_classifier(account: Account, name: str, kind: str, wanted: dict[str, str]) -> str:
    """A custom classifier; returns its name."""
    glue = client("glue")
    answer = found(glue.get_classifier, "EntityNotFoundException", Name=name)

    def create() -> None:
        glue.create_classifier(**{kind: {"Name": name, **wanted}})

    def update() -> None:  # the local AWS has no UpdateClassifier
        glue.delete_classifier(Name=name)
        create()

    account.ensure(f"classifier {name}", answer and answer["Classifier"].get(kind, {}), wanted, create, update)
    return name


def _ensure_crawler(account: Account, name: str, wanted: dict[str, Any]) -> None:
    glue = client("glue")
    answer = found(glue.get_crawler, "EntityNotFoundException", Name=name)
    present = answer and answer["Crawler"]
    if present:  # as it was asked for, without what the service adds
        targets = [{"Path": target["Path"]} for target in present["Targets"].get("S3Targets", [])]
        present["Targets"] = {"S3Targets": targets}
    account.ensure(
        f"crawler {name}",
        present,
        wanted,
        create=lambda: glue.create_crawler(Name=name, **wanted),
        update=lambda: glue.update_crawler(Name=name, **wanted),
    )
