"""Raw tables between crawls, and the state `Crawl raw`: whatever becomes of a crawler, the run goes on."""

import json
import uuid

import pytest

from shoplake.aws import client
from shoplake.config import load_lake
from shoplake.crawls import KnownLooks
from shoplake.raw_tables import add_partitions, raw_table
from shoplake.state_machine import placeholders
from shoplake.template import fill
from tests.integration.small_lake import ROOT, small_lake


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    """A lake with a raw table that is partitioned by day."""
    lake = small_lake("rawtables", tmp_path_factory.mktemp("build"))
    table = {
        "Name": "transactions",
        "PartitionKeys": [{"Name": "date", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": "order_id", "Type": "string"}],
            "Location": lake.uri("raw/transactions/"),
        },
        "Parameters": {"classification": "csv"},
    }
    client("glue").create_table(DatabaseName=lake.database("raw"), TableInput=table)
    return lake


def test_new_folders_become_partitions_with_the_tables_columns_and_old_ones_change_nothing(lake):
    days = [f"date=2025-{month:02}-{day:02}" for month in range(1, 6) for day in range(1, 29)]
    assert add_partitions(lake, "transactions", [*days, "source=web/date=2025-01-01"]) == 140
    assert add_partitions(lake, "transactions", [*days, "date=2025-12-31"]) == 1
    found = client("glue").get_partition(
        DatabaseName=lake.database("raw"), TableName="transactions", PartitionValues=["2025-12-31"]
    )["Partition"]["StorageDescriptor"]
    assert found["Location"] == lake.uri("raw/transactions/date=2025-12-31/")
    assert found["Columns"] == [{"Name": "order_id", "Type": "string"}]


def test_a_dataset_without_a_raw_table_gets_no_partitions(lake):
    assert raw_table(lake, "reviews") is None
    assert add_partitions(lake, "reviews", ["date=2025-01-01"]) == 0


def test_looks_are_known_once_they_are_noted_all_of_them(lake):
    known = KnownLooks(lake.runs_table)
    known.note("transactions", ["a", "b"], "run-1")
    known.note("transactions", ["b"], "run-2")
    assert known.are_known("transactions", ["a", "b"])
    assert not known.are_known("transactions", ["a", "c"])
    assert not known.are_known("products", ["a"])


# The state, with functions that say what the test wants


SAYS = """
    import json

    def handler(event, context):
        answers = json.loads('''{answers}''')
        answer = answers[event["dataset"]]
        if "raises" in answer:
            raise RuntimeError(answer["raises"])
        return answer
"""


@pytest.fixture
def crawl_raw(function, execute):
    """A function: run the state `Crawl raw` over datasets; what it hands on. It looks at a crawler twice, at most."""

    def run(partitions: dict, comparisons: dict) -> dict:
        lake = load_lake("local")
        values = placeholders(lake) | {
            "crawler_polls": 2,
            "raw_partitions": function(SAYS.format(answers=json.dumps(partitions))),
            "compare_schema": function(SAYS.format(answers=json.dumps(comparisons))),
        }
        text = (ROOT / lake.inventory.state_machine.definition).read_text()
        state = json.loads(fill(text, values))["States"]["Crawl raw"]
        states = {"Crawl raw": state, "Prepare tables": {"Type": "Pass", "End": True}}
        given = {"run_id": "run-1", "crawls": [{"dataset": dataset} for dataset in partitions], "counts": {}}
        return execute(states, given).output

    return run


def new_crawler(aws) -> str:
    name = f"crawler-{uuid.uuid4().hex[:8]}"
    aws("s3").create_bucket(Bucket=name)
    aws("glue").create_database(DatabaseInput={"Name": name})
    aws("glue").create_crawler(
        Name=name,
        Role="arn:aws:iam::000000000000:role/crawler",
        DatabaseName=name,
        Targets={"S3Targets": [{"Path": f"s3://{name}/raw/"}]},
    )
    return name


def test_each_way_a_crawl_can_go_ends_in_a_warning_and_the_run_goes_on(aws, crawl_raw):
    good, due = new_crawler(aws), {"crawl": True, "warnings": []}
    output = crawl_raw(
        {
            "quiet": {"crawl": False, "warnings": []},
            "outside": {"crawl": False, "warnings": ["2 files lie outside"]},
            "broken": {"raises": "no table"},
            "missing": {**due, "crawler": "there-is-none"},
            "differs": {**due, "crawler": good},
            "uncompared": {**due, "crawler": new_crawler(aws)},
        },
        {"differs": {"warnings": ["coupon is new", "price holds string"]}, "uncompared": {"raises": "no contract"}},
    )
    warnings = output.pop("warnings")
    assert output["run_id"] == "run-1"
    told = {warning.partition(": ")[0] if warning.startswith("raw.") else warning for warning in warnings}
    assert told == {
        "2 files lie outside",
        "raw.broken",
        "raw.missing",
        "coupon is new",
        "price holds string",
        "raw.uncompared",
    }
    assert len(warnings) == len(told)
    assert any("raw.missing: the crawler was not started: Glue.EntityNotFoundException" in w for w in warnings)
    assert aws("glue").get_crawler(Name=good)["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"


def test_nothing_to_say_is_an_empty_list(crawl_raw):
    assert crawl_raw({"quiet": {"crawl": False, "warnings": []}}, {})["warnings"] == []


@pytest.fixture
def busy_crawler(aws, monkeypatch):
    """A crawler that somebody has started and that is not done for a while."""
    import threading

    from local.crawling import crawl

    done, name = threading.Event(), new_crawler(aws)
    aws("s3").put_object(Bucket=name, Key="raw/a.csv", Body=b"a,b\n1,2\n")
    stock = crawl.shape_of
    monkeypatch.setattr(crawl, "shape_of", lambda *given: done.wait(30) and stock(*given))
    aws("glue").start_crawler(Name=name)
    yield name
    done.set()


def test_a_crawl_that_somebody_else_started_is_waited_for_but_not_for_ever(aws, crawl_raw, busy_crawler):
    due = {"crawl": True, "warnings": [], "crawler": busy_crawler}
    assert crawl_raw({"slow": due}, {})["warnings"] == [
        "raw.slow: the crawler was not done in time; the run went on without it"
    ]
