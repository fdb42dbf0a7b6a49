"""The same files give the same tables, however they arrive: together, one by one, again, under other names."""

import gzip
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import THREE_DAYS
from tests.end_to_end.local_lake import LOADED_TABLES, RUN_TIMEOUT_S, SAMPLES, first_differences
from tests.oracles.online_retail import OnlineRetail

pytestmark = pytest.mark.lake

FIRST, SECOND, THIRD = THREE_DAYS
GERMAN_LINES = SAMPLES / "germany.csv"


def assert_same_tables(lake, three_days):
    """All rows of all tables, in every column that doesn't begin with `_`, are those of the first load."""
    found = lake.contents()
    for table in LOADED_TABLES:
        assert first_differences(three_days.contents[table], found[table]) == {}, table


def nothing_applied(show):
    """Whether a run changed no row of any table."""
    return all(set(change.values()) == {0} for change in show["tables"].values())


def test_a_replay_changes_nothing(lake, three_days):
    run_id = three_days.show["run_id"]
    replay = lake.ask("replay", run_id, "--wait", "--timeout", str(RUN_TIMEOUT_S))
    assert (replay["mode"], replay["replay_of"], nothing_applied(replay)) == ("replay", run_id, True)
    assert [(file["verdict"], file["rows"]["unchanged"]) for file in replay["inputs"]] == [
        ("accepted", 3064),
        ("accepted", 2068),
        ("accepted", 2185),
    ]
    assert replay["rows"]["read"] == three_days.record["rows"]["read"]
    assert_same_tables(lake, three_days)


def test_the_same_rows_twice_under_other_names_change_nothing(lake, three_days, tmp_path):
    copy = shutil.copy(FIRST, tmp_path / "first day again.csv.gz")
    other_bytes = tmp_path / "second.csv"
    other_bytes.write_bytes(gzip.decompress(SECOND.read_bytes()))
    show = lake.load_together(copy, other_bytes)
    told = {file["key"]: (file["verdict"], file["rows"]) for file in show["inputs"]}
    rows = {"read": 0, "applied": 0, "unchanged": 0, "superseded": 0, "quarantined": 0, "duplicate": 0}
    assert told == {
        "raw/transactions/first day again.csv.gz": ("duplicate", rows | {"read": 3108, "duplicate": 3108}),
        "raw/transactions/second.csv": ("accepted", rows | {"read": 2109, "unchanged": 2068, "duplicate": 41}),
    }
    assert_same_tables(lake, three_days)


def test_a_run_of_duplicates_only_ends_with_nothing_to_load(lake, three_days, tmp_path):
    show = lake.load(Path(shutil.copy(THIRD, tmp_path / "third.csv.gz")))
    assert [state["name"] for state in show["states"]][-2:] == ["Anything to load?", "Notify success"]
    (letter,) = lake.letters_of(show["run_id"])
    assert letter["subject"].endswith("nothing to load")
    assert "which is loaded; drop it with --force to load it again" in letter["body"]
    assert_same_tables(lake, three_days)


def test_the_german_lines_of_those_days_add_nothing(lake, three_days):
    show = lake.load(GERMAN_LINES)
    (file,) = show["inputs"]
    assert (file["verdict"], file["rows"]["read"], file["rows"]["unchanged"]) == ("accepted", 62, 62)
    assert_same_tables(lake, three_days)


def test_one_after_the_other_in_another_order_gives_the_same_tables(lake, three_days):
    """The last day first, with German lines that the first two days bring again."""
    lake.clear()
    applied = [lake.load_together(*files)["rows"]["applied"] for files in ((THIRD, GERMAN_LINES), (SECOND, FIRST))]
    german_lines_of_the_third_day = sum(line.country == "Germany" for line in OnlineRetail([THIRD]).lines())
    assert applied[0] == 2185 + 62 - german_lines_of_the_third_day
    assert sum(applied) == 7317
    assert_same_tables(lake, three_days)
