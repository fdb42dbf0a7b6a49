"""A crawl is made where files look as none before, where there is no table yet, and once a day; else never."""

from datetime import UTC, datetime, timedelta

import pytest

from shoplake.crawls import LastCrawl, has_seen, looks_and_folders, looks_of, reason_to_crawl
from shoplake.verdicts import Verdict

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)


def verdict(name: str = "date=2025-01-01/a.csv", **changes) -> Verdict:
    given = {
        "number": 0, "key": f"raw/transactions/{name}", "version_id": "v", "dataset": "transactions",
        "arrived_at": "2025-01-01T00:00:00.000Z", "size_bytes": 10, "verdict": "accepted", "delimiter": ",",
        "header": ["order_id", "Price"],
    }  # fmt: skip
    return Verdict(**{**given, **changes})


def crawled(hours_ago: float) -> LastCrawl:
    return LastCrawl("SUCCEEDED", NOW - timedelta(hours=hours_ago), "")


@pytest.mark.parametrize("change", [{"name": "date=2025-01-02/b.csv"}, {"header": ["Order ID", "price"]}])
def test_files_that_differ_in_day_or_spelling_look_alike(change):
    assert looks_of(verdict(**change)) == looks_of(verdict())


@pytest.mark.parametrize(
    "change",
    [
        {"header": ["order_id", "Price", "coupon"]},
        {"header": ["Price", "order_id"]},  # a CSV table is read by position
        {"delimiter": ";"},
        {"name": "source=web/date=2025-01-01/a.csv"},
        {"name": "a.csv"},
    ],
)
def test_another_header_delimiter_or_kind_of_folder_is_another_look(change):
    assert looks_of(verdict(**change)) != looks_of(verdict())


def test_json_that_merely_lacks_a_column_looks_as_before_and_a_new_column_does_not():
    def lines(*names: str) -> set[str]:
        return set(looks_of(verdict(format="json_lines", delimiter=None, header=list(names))))

    before = lines("order_id", "price", "gift")
    assert lines("price", "order_id") < before
    assert not lines("order_id", "coupon") <= before
    assert not set(looks_of(verdict(format="parquet", delimiter=None, header=["price"]))) & before


def test_only_files_that_are_loaded_count():
    own = [
        verdict(),
        verdict("date=2025-01-02/b.csv"),
        verdict("c.csv", verdict="refused"),
        verdict("date=2025-01-03/d.csv", verdict="duplicate"),
    ]
    assert looks_and_folders(own) == {
        "transactions": {
            "looks": looks_of(verdict()),
            "folders": ["date=2025-01-01", "date=2025-01-02"],
            "files_without_folder": 0,
        }
    }


def test_a_file_in_no_folder_or_in_a_plain_one_is_in_no_partition():
    found = looks_and_folders([verdict("a.csv"), verdict("archive/date=2025-01-01/b.csv")])["transactions"]
    assert (found["folders"], found["files_without_folder"]) == ([], 2)


@pytest.mark.parametrize(
    ("has_table", "known", "last", "reason"),
    [
        (False, True, crawled(1), "first"),
        (True, False, crawled(1), "new header"),
        (True, True, crawled(24), "daily"),
        (True, True, None, "daily"),
        (True, True, crawled(23.9), None),
    ],
)
def test_the_reason_for_a_crawl(has_table, known, last, reason):
    assert reason_to_crawl(has_table, known, last, NOW, timedelta(hours=24)) == reason


@pytest.mark.parametrize(("hours_ago", "reason"), [(1, None), (25, "first")])
def test_a_crawl_that_failed_is_not_paid_for_again_before_the_next_day(hours_ago, reason):
    failed = LastCrawl("FAILED", NOW - timedelta(hours=hours_ago), "no access")
    assert reason_to_crawl(False, False, failed, NOW, timedelta(hours=24)) == reason


@pytest.mark.parametrize(
    ("status", "started", "seen"),
    [("SUCCEEDED", 0, True), ("SUCCEEDED", -1, False), ("FAILED", 1, False), ("CANCELLED", 1, False)],
)
def test_only_a_successful_crawl_that_began_after_the_files_came_has_seen_them(status, started, seen):
    assert has_seen(LastCrawl(status, NOW + timedelta(seconds=started), ""), NOW) is seen
