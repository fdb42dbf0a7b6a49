"""What people see of stored reports: views, JSON, and a run that is followed."""

import io
import json
import re

import pytest
from rich.console import Console

from cli import rendering
from cli.data_commands import json_value
from cli.following import Follower, LineScreen
from shoplake.errors import ShoplakeError
from shoplake.receipt import StateTime

ROWS = {"read": 12, "applied": 9, "unchanged": 0, "superseded": 1, "quarantined": 2, "duplicate": 0}
NO_ROWS = dict.fromkeys(ROWS, 0)
GOOD_FILE = {
    "key": "raw/transactions/day.csv", "dataset": "transactions", "verdict": "accepted_with_rejects", "reason": None,
    "sentence": None, "rows": ROWS, "notes": [], "extra_columns": [], "version_id": "1",
    "problems": [{"line": 7, "column": "quantity", "value": "two", "rule": "not_an_integer"}],
}  # fmt: skip
REFUSED_FILE = {
    **GOOD_FILE, "key": "raw/transactions/[b]empty[/b].csv", "verdict": "refused", "reason": "empty",
    "sentence": "is empty: export it again.", "rows": NO_ROWS, "problems": [],
}  # fmt: skip
TRANSFORM = {
    "name": "Transform", "state": "succeeded", "started_at": "2025-01-15T08:00:02.000Z", "seconds": 12.3, "error": None,
}  # fmt: skip
SHOW = {
    "run_id": "2025-01-15-0007", "state": "succeeded", "started_at": "2025-01-15T08:00:00.000Z",
    "ended_at": "2025-01-15T08:00:20.500Z", "files": {"accepted": 1, "refused": 1, "duplicate": 0}, "rows": ROWS,
    "seconds": 20.5, "dollars": 0.0123, "inputs": [GOOD_FILE, REFUSED_FILE],
    "states": [TRANSFORM],
    "tables": {"curated.sales": {"inserted": 1234, "updated": 5, "deleted": 0}},
}  # fmt: skip


def seen(view, width=160) -> str:
    """What a view looks like without colours, each line without the spaces at its end."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(view)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_status_lists_twenty_held_files_with_run_time_and_reason():
    held = {"key": "raw/transactions/a.csv", "version_id": "v", "run_id": "2025-01-15-0007",
            "since": "2025-01-15T08:00:20.500Z", "reason": "Transform: ValueError: no such thing"}  # fmt: skip
    text = seen(rendering.held_view([held] * 21))
    line = r"raw/transactions/a.csv +2025-01-15-0007 +2025-01-15 08:00 +Transform: ValueError: no such thing"
    assert len(re.findall(line, text)) == 20
    assert text.endswith("... and 1 more files: --json lists them all")


@pytest.mark.parametrize(
    ("cell", "athena_type", "value"),
    [
        ("12", "integer", 12), ("-9007199254740993", "bigint", -9007199254740993), ("1.5", "double", 1.5),
        ("150115.2600", "decimal(18,4)", "150115.2600"), ("150115.2600", "decimal", "150115.2600"),
        ("true", "boolean", True), ("false", "boolean", False), ("007", "varchar", "007"), ("NaN", "double", "NaN"),
        (None, "integer", None), ("", "varchar", ""),
    ],
)  # fmt: skip
def test_json_keeps_athenas_values(cell, athena_type, value):
    found = json_value(cell, athena_type)
    assert found == value
    assert type(found) is type(value)


def test_a_run_is_shown_with_verdicts_problems_rows_and_tables():
    text = seen(rendering.show_view(SHOW))
    assert text.splitlines()[0] == "Run 2025-01-15-0007 succeeded in 20.5 s"
    assert "raw/transactions/day.csv: line 7, quantity = 'two': not_an_integer" in text
    assert "raw/transactions/[b]empty[/b].csv: is empty: export it again." in text
    assert "Rows: 12 read = 9 applied + 0 unchanged + 1 superseded + 2 quarantined + 0 duplicate" in text.splitlines()
    assert re.search(r"curated\.sales +1,234 +5 +0$", text, re.MULTILINE)
    assert re.search(r"Transform +succeeded +2025-01-15 08:00:02Z +12\.3 s$", text, re.MULTILINE)


def test_a_refused_files_sentence_is_red():
    console = Console(file=io.StringIO(), width=160, force_terminal=True, color_system="standard")
    console.print(rendering.result_view(SHOW))
    assert "\x1b[31mraw/transactions/[b]empty[/b].csv: is empty: export it again." in console.file.getvalue()


def test_a_failed_run_says_where_and_why():
    failure = {"state": "Check quality", "error": "DataError", "sentence": "3 expectations were not met"}
    text = seen(rendering.result_view({**SHOW, "state": "failed"}, failure))
    assert "Failed in Check quality: DataError: 3 expectations were not met" in text.splitlines()
    assert "Rows: 12 read, none published: every table is as it was before." in text.splitlines()
    assert "table (not published)" in text


def test_of_many_files_the_refused_are_shown_before_those_with_rejects():
    text = seen(rendering.result_view({**SHOW, "inputs": [GOOD_FILE] * 30 + [REFUSED_FILE]}))
    assert "is empty: export it again." in text


def test_of_many_files_the_uninteresting_are_only_counted():
    accepted = {**GOOD_FILE, "verdict": "accepted", "problems": []}
    text = seen(rendering.result_view({**SHOW, "inputs": [accepted] * 30 + [REFUSED_FILE]}))
    assert "is empty: export it again." in text
    assert "... and 11 more files: --json lists them all" in text


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    assert rendering.plain("a\x1b[31mred\x07\x85\nb\tc") == "a\\x1b[31mred\\x07\\x85\nb\tc"


def test_runs_are_listed_a_line_each():
    going = {**SHOW, "run_id": "2025-01-15-0008", "state": "running", "ended_at": None, "seconds": None}
    lines = seen(rendering.runs_view([going, SHOW]), width=100).splitlines()
    (line,) = [line for line in lines if "0007" in line]
    assert " ".join(line.split()) == "2025-01-15-0007 succeeded 08:00 20.5 s 1 1 12 9 2 $0.012"
    assert any("2025-01-15-0008  running" in line for line in lines)


def test_a_receipt_adds_up_dpu_seconds():
    states = [
        {"name": "Transform", "seconds": 12.0, "dpu_seconds": 24.0, "dollars": 0.003},
        {"name": "Check quality", "seconds": 3.5, "dpu_seconds": 7.0, "dollars": 0.0009},
    ]
    receipt = {
        "run_id": "2025-01-15-0007", "bytes_in": 275_001, "rows": ROWS, "states": states, "seconds": 20.5,
        "dollars": 0.0123, "peak_memory_bytes": 1_600_000_000,
    }  # fmt: skip
    text = seen(rendering.receipt_view(receipt))
    assert "Run 2025-01-15-0007: 275.0 kB in, 12 rows read, 9 applied" in text
    assert re.search(r"in all +20\.5 s +31\.0 +\$0\.0123$", text, re.MULTILINE)
    assert "1.6 GB" in text


def test_a_query_shows_numbers_to_the_right_and_null_as_null():
    console = Console(file=io.StringIO(), width=80)
    rows = [["2025-01-15", "9.50"], [None, "1234.50"]]
    view = rendering.query_view(console, ["day", "revenue"], [False, True], rows)
    lines = [line.strip() for line in seen(view).splitlines()]
    assert "2025-01-15     9.50" in lines
    assert "null        1234.50" in lines


def test_a_query_too_wide_for_the_terminal_is_shown_record_by_record():
    console = Console(file=io.StringIO(), width=20)
    rows = [["a", "long enough words"]]
    view = rendering.query_view(console, ["name", "description"], [False, False], rows)
    assert seen(view, width=40).splitlines()[:2] == ["name         a", "description  long enough words"]


def test_mail_is_text_with_a_line_between_letters():
    letter = {"to": "a@b.test", "subject": "run 7", "body": "All well.\n", "sent_at": "2025-01-15T08:00:21Z"}
    assert rendering.mail_text([letter]) == ("To: a@b.test\nSubject: run 7\nSent: 2025-01-15T08:00:21Z\n\nAll well.\n")
    assert rendering.mail_text([letter, letter]).count("-" * 72) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (3_400_000_000, "3.4 GB"), (2 * 10**12, "2.0 TB")],
)
def test_sizes_are_readable(count, text):
    assert rendering.size(count) == text


def test_without_a_terminal_each_change_of_a_run_is_one_line():
    console = Console(file=io.StringIO(), width=160, highlight=False, markup=False)
    screen = LineScreen(console)
    record = {"id": "2025-01-15-0007", "state": "running"}
    going = StateTime("Transform", "running", "2025-01-15T08:00:02.000Z")
    done = StateTime("Transform", "succeeded", "2025-01-15T08:00:02.000Z", seconds=12.34)
    screen.note("1 file is waiting for a run")
    screen.note("1 file is waiting for a run")
    screen.show(record, [going], ended=False)
    screen.show(record, [going], ended=False)
    screen.show({**record, "state": "succeeded"}, [done], ended=True)
    assert console.file.getvalue().splitlines() == [
        "1 file is waiting for a run",
        "2025-01-15-0007  Transform: running",
        "2025-01-15-0007  Transform: succeeded in 12.3 s",
        "2025-01-15-0007  succeeded",
    ]


class FakeTables:
    """Stands in for the tables `files` and `runs`: each look at a file brings the next of its states."""

    def __init__(self, states):
        self.states = states

    def get(self, name):
        states = self.states[name]
        return states.pop(0) if len(states) > 1 else states[0]

    def get_many(self, names):
        found = {name: self.get(name) for name in names}
        return {name: item for name, item in found.items() if item}

    def lock(self):
        return None

    def hindrance(self, now):
        return None


@pytest.fixture
def follower(monkeypatch):
    def make(files, timeout_s=60):
        monkeypatch.setattr("cli.following.POLL_S", 0.001)
        lake = type("Lake", (), {"env": "local", "files_table": "files", "runs_table": "runs"})()
        made = Follower(lake, LineScreen(Console(file=io.StringIO())), timeout_s)
        made._files = made._runs = made._dispatcher = FakeTables(files)
        followed = []
        made.run = followed.append
        return made, followed

    return make


def test_files_are_followed_through_every_run_that_takes_them(follower):
    claimed, loaded = {"state": "claimed", "run_id": "r1"}, {"state": "accepted", "run_id": "r1"}
    late = [
        None,
        {"state": "received"},
        {"state": "claimed", "run_id": "r2"},
        {"state": "refused", "run_id": "r2"},
    ]
    made, followed = follower({"a": [{"state": "received"}, claimed, loaded], "b": late})
    assert made.files(["a", "b"]) == ["r1", "r2"]
    assert followed == ["r1", "r2"]


def test_files_that_a_failed_run_gave_back_are_followed_on(follower):
    states = [
        {"state": "claimed", "run_id": "r1"}, {"state": "received", "run_id": "r1"},
        {"state": "claimed", "run_id": "r2"}, {"state": "accepted", "run_id": "r2"},
    ]  # fmt: skip
    made, _ = follower({"a": states})
    assert made.files(["a"]) == ["r1", "r2"]


def test_following_ends_when_its_time_is_over(follower):
    made, _ = follower({"a": [None]}, timeout_s=0.01)
    with pytest.raises(ShoplakeError, match=r"^1 file is still waiting after 0.01 s: `shoplake watch` follows on\.$"):
        made.files(["a"])


def test_json_is_readable_as_it_is_printed(capsys):
    rendering.print_json({"name": "Zoë", "rows": [None, 1.5]})
    assert json.loads(capsys.readouterr().out) == {"name": "Zoë", "rows": [None, 1.5]}
