"""A file with a new column is crawled, and the e-mail names the column; the next such file only gets its partition."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.local_lake import DATASET, RUN_TIMEOUT_S
from tests.end_to_end.orders import HEADER, order_line

pytestmark = pytest.mark.lake


def file_with_coupon(folder, name: str, orders: int):
    file = folder / f"{name}.csv"
    lines = (order_line(f"{name}-{n}", name='"Cup, blue"') + ",SPRING" for n in range(orders))
    file.write_text("\n".join([f"{HEADER},coupon", *lines]) + "\n")
    return file


@dataclass(frozen=True)
class Loads:
    """Two files of the same header, loaded one after the other."""

    first: dict[str, Any]
    second: dict[str, Any]
    letters: list[str]
    crawls: list[Any]  # start of the crawler's last run, after each load
    billed: list[float]  # dollars of the state Crawl raw


@pytest.fixture(scope="module")
def loads(lake, tmp_path_factory):
    lake.clear()
    folder, runs, letters, crawls, billed = tmp_path_factory.mktemp("dropped"), [], [], [], []
    for name, orders, day in (("one", 2, "2024-03-01"), ("two", 3, "2024-03-02")):
        file = file_with_coupon(folder, name, orders)
        options = ("--date", day, "--wait", "--json", "--timeout", str(RUN_TIMEOUT_S))
        (run,) = lake.command("drop", DATASET, file, *options).json["runs"]
        runs.append(run)
        letters += [letter["body"] for letter in lake.letters_of(run["run_id"])]
        crawler = lake.aws("glue").get_crawler(Name=lake.names.crawler_name(DATASET))["Crawler"]
        crawls.append(crawler["LastCrawl"]["StartTime"])
        states = lake.ask("receipt", run["run_id"])["states"]
        billed.append(next(state["dollars"] for state in states if state["name"] == "Crawl raw"))
    return Loads(*runs, letters, crawls, billed)


def test_the_raw_table_has_the_new_column_and_a_partition_for_each_day(lake, loads):
    glue, raw = lake.aws("glue"), lake.names.database("raw")
    table = glue.get_table(DatabaseName=raw, Name=DATASET)["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == [*HEADER.split(","), "coupon"]
    assert table["Parameters"]["use.null.for.invalid.data"] == "true"  # an empty cell of a number is NULL, no error
    partitions = glue.get_partitions(DatabaseName=raw, TableName=DATASET)["Partitions"]
    assert sorted(partition["Values"] for partition in partitions) == [["2024-03-01"], ["2024-03-02"]]


def test_the_first_letter_names_the_column_and_the_second_has_nothing_to_add(loads):
    warning = "raw.transactions: column `coupon` is new: the contract doesn't know it"
    assert [letter.count(warning) for letter in loads.letters] == [1, 0]


def test_the_second_file_costs_no_crawl(loads):
    assert loads.crawls[0] == loads.crawls[1]
    # 2 DPU for the ten minutes that a crawl is billed for at least, at 0.44 dollars an hour
    assert loads.billed == [pytest.approx(0.1467, abs=0.0001), 0]


def test_sql_on_the_raw_table_sees_the_rows_of_both_days(lake, loads):
    rows = lake.query(
        f"SELECT date, product_name, coupon, sum(quantity) AS units FROM raw_local.{DATASET} GROUP BY 1, 2, 3"
    )
    assert sorted(tuple(row.values()) for row in rows) == [
        ("2024-03-01", "Cup, blue", "SPRING", 4),
        ("2024-03-02", "Cup, blue", "SPRING", 6),
    ]
