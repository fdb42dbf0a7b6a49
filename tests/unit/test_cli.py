"""The command line without a lake: help, what misuse is answered with, and what people see of stored reports."""

import io
import json
import re

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from rich.console import Console
from typer.testing import CliRunner

from cli import rendering
from cli.connection import aws_problem
from cli.data_commands import json_value
from cli.following import Follower, LineScreen
from cli.main import app
from cli.uploads import read_tree
from local.control import STARTING_FILE
from shoplake.config import load_inventory
from shoplake.errors import ShoplakeError
from shoplake.receipt import StateTime

COMMANDS = [
    "up", "down", "reset", "status", "drop", "run", "runs", "watch", "show", "replay", "tables", "query",
    "mail", "receipt", "discard", "generate",
]  # fmt: skip

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


@pytest.fixture(autouse=True)
def no_lake(tmp_path, monkeypatch):
    """A state folder without a lake, and nothing of the person's own settings."""
    monkeypatch.setenv("SHOPLAKE_STATE_DIR", str(tmp_path / "state"))
    for name in ("SHOPLAKE_ENV", "SHOPLAKE_PORT", "SHOPLAKE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text("order_id\n1\n")
    return path


def shoplake(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def seen(view, width=160) -> str:
    """What a view looks like without colours, each line without the spaces at its end."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(view)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_help_lists_every_command():
    answer = shoplake("--help")
    assert answer.exit_code == 0
    assert [name for name in COMMANDS if not re.search(rf"^\W*{name} ", answer.stdout, re.MULTILINE)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    answer = shoplake(command, "--help")
    assert answer.exit_code == 0
    assert f"Example: shoplake {command}" in answer.stdout


def test_an_unknown_command_names_the_nearest():
    answer = shoplake("dropp")
    assert answer.exit_code == 2
    assert "Did you mean 'drop'" in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"], ["run"], ["runs"], ["watch"], ["show", "latest"], ["replay", "2025-01-15-0007"],
        ["receipt", "latest"], ["tables"], ["query", "SELECT 1"], ["mail"], ["runs", "--json"],
    ],
)  # fmt: skip
def test_without_a_running_lake_one_sentence_says_how_to_start_it(arguments):
    answer = shoplake(*arguments)
    assert answer.exit_code == 1
    assert answer.stderr == "No local lake is running: start it with `shoplake up`.\n"
    assert answer.stdout == ""


def test_status_lists_twenty_held_files_with_run_time_and_reason():
    held = {"key": "raw/transactions/a.csv", "version_id": "v", "run_id": "2025-01-15-0007",
            "since": "2025-01-15T08:00:20.500Z", "reason": "Transform: ValueError: no such thing"}  # fmt: skip
    text = seen(rendering.held_view([held] * 21))
    line = r"raw/transactions/a.csv +2025-01-15-0007 +2025-01-15 08:00 +Transform: ValueError: no such thing"
    assert len(re.findall(line, text)) == 20
    assert text.endswith("... and 1 more files: --json lists them all")


def test_drop_refuses_an_unknown_dataset(orders):
    answer = shoplake("drop", "transaction", orders)
    assert (answer.exit_code, answer.stderr) == (
        2,
        "There is no dataset 'transaction': did you mean transactions?\n",
    )


def test_drop_refuses_a_missing_file_even_beside_good_ones(orders):
    answer = shoplake("drop", "transactions", orders, "nowhere.csv")
    assert (answer.exit_code, answer.stderr) == (2, "There is no file nowhere.csv.\n")


def test_drop_refuses_a_folder(tmp_path):
    answer = shoplake("drop", "transactions", tmp_path)
    assert answer.exit_code == 2
    assert answer.stderr == f"{tmp_path} is a folder: name the files in it, for example {tmp_path}/*.csv.\n"


@pytest.mark.parametrize("day", ["2025-02-30", "15/01/2025", "20250115", ""])
def test_drop_refuses_a_date_that_is_none(orders, day):
    answer = shoplake("drop", "transactions", orders, "--date", day)
    assert answer.exit_code == 2
    assert answer.stderr == f"--date {day!r} is no date: write it as YYYY-MM-DD, for example 2025-01-31.\n"


def test_drop_refuses_two_files_that_would_get_one_key(orders, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "day.csv"
    twin.write_text("order_id\n2\n")
    answer = shoplake("drop", "transactions", orders, twin)
    assert answer.exit_code == 2
    assert "would get the same key" in answer.stderr


@pytest.mark.parametrize("source", ["ucii", "a/b", ""])
def test_drop_refuses_a_source_that_the_contract_does_not_know(orders, source):
    answer = shoplake("drop", "transactions", orders, "--source", source)
    assert (answer.exit_code, answer.stderr) == (
        2,
        f"--source {source!r} is no source of transactions: its contract knows uci, shop, plain.\n",
    )


def test_drop_of_a_tree_takes_nothing_else(orders, tmp_path):
    answer = shoplake("drop", "transactions", orders, "--tree", tmp_path)
    assert (answer.exit_code, "leave the others out" in answer.stderr) == (2, True)


def test_drop_refuses_a_tree_without_a_known_dataset(orders, tmp_path):
    answer = shoplake("drop", "--tree", tmp_path)
    assert answer.exit_code == 2
    assert "holds no file of a known dataset" in answer.stderr
    answer = shoplake("drop", "--tree", orders)
    assert (answer.exit_code, "There is no folder" in answer.stderr) == (2, True)


def test_a_tree_keeps_its_keys_and_leaves_out_what_is_no_datasets(tmp_path):
    places = ("transactions/source=shop/date=2025-01-01/a.csv", "transactions/b.csv", "clicks_of_old/c", "shop.json")
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    tree = read_tree(tmp_path, load_inventory())
    assert [tree.key(file, "raw/") for file in tree.files] == [f"raw/{place}" for place in sorted(places[:2])]
    assert tree.skipped_sentence == (
        "Files left out, no dataset of lake.yaml: clicks_of_old/ (1); beside the datasets' folders: 1."
    )


def test_generate_writes_a_shop_and_says_what_to_do_with_it(tmp_path):
    out = tmp_path / "shop"
    answer = shoplake("generate", "--days", 2, "--orders-per-day", 5, "--datasets", "transactions", "--out", out)
    assert answer.exit_code == 0, answer.stderr
    assert re.search(r"^transactions +2 +\d+ +\d", answer.stdout, re.MULTILINE)
    assert f"shoplake drop --tree {out} --wait" in answer.stdout
    assert (out / "transactions/source=shop/date=2025-01-02/transactions-0001.csv").is_file()


def test_generate_refuses_a_folder_with_something_in_it_but_replaces_a_shop_when_asked(tmp_path):
    arguments = ("generate", "--days", 1, "--orders-per-day", 5, "--datasets", "transactions", "--out", tmp_path)
    (tmp_path / "diary.txt").touch()
    for more in ((), ("--overwrite",)):
        answer = shoplake(*arguments, *more)
        assert answer.exit_code == 2
        assert "is not empty" in answer.stderr or "holds other things" in answer.stderr
    (tmp_path / "diary.txt").unlink()
    assert shoplake(*arguments).exit_code == 0
    assert shoplake(*arguments).exit_code == 2
    assert shoplake(*arguments, "--overwrite", "--start", "2025-02-01").exit_code == 0
    assert [path.name for path in (tmp_path / "transactions/source=shop").iterdir()] == ["date=2025-02-01"]


@pytest.mark.parametrize(
    "wrong, says",
    [(("--dirt", "0.5"), "A dirt of 0.5 is out of range"), (("--datasets", "orders"), "no dataset orders")],
)
def test_generate_answers_options_without_sense_with_a_sentence(tmp_path, wrong, says):
    answer = shoplake("generate", "--out", tmp_path / "shop", *wrong)
    assert (answer.exit_code, says in answer.stderr) == (2, True)


def test_good_arguments_of_drop_get_as_far_as_the_lake(orders):
    answer = shoplake("drop", "transactions", orders, "--date", "2025-01-15", "--source", "shop")
    assert (answer.exit_code, answer.stderr) == (
        1,
        "No local lake is running: start it with `shoplake up`.\n",
    )


def test_an_unknown_environment_is_misuse():
    answer = shoplake("--env", "nowhere", "runs")
    assert answer.exit_code == 2
    assert answer.stderr == "Environment 'nowhere' is not in lake.yaml: it knows local, dev.\n"


def test_up_is_of_the_local_lake_only():
    answer = shoplake("--env", "dev", "up")
    assert answer.exit_code == 2
    assert "local lake only" in answer.stderr


def test_an_empty_query_is_misuse():
    answer = shoplake("query", "-", stdin="\n")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("There is no SQL to run")


def test_down_without_a_lake_is_fine():
    answer = shoplake("down")
    assert (answer.exit_code, answer.stdout) == (0, "No local lake was running.\n")


def test_reset_leaves_a_folder_alone_that_is_no_lakes(tmp_path, monkeypatch):
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    monkeypatch.setenv("SHOPLAKE_STATE_DIR", str(tmp_path))
    answer = shoplake("reset", "--yes")
    assert answer.exit_code == 1
    assert answer.stderr.startswith(f"{tmp_path} holds something other than a local lake")
    assert precious.read_text() == "keep"


def test_reset_deletes_a_lakes_folder_only_when_told_to(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOPLAKE_STATE_DIR", str(tmp_path))
    (tmp_path / STARTING_FILE).touch()
    assert shoplake("reset").exit_code == 2
    assert tmp_path.exists()
    assert shoplake("reset", "--yes").exit_code == 0
    assert not tmp_path.exists()


def refused(code, message):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetItem")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            NoCredentialsError(),
            "No usable AWS credentials for environment dev (Unable to locate credentials): sign in or set AWS_PROFILE.",
        ),
        (
            refused("ExpiredToken", "The token has expired."),
            "AWS doesn't accept the credentials in use (The token has expired): sign in again.",
        ),
        (
            refused("ResourceNotFoundException", "no table"),
            "The lake of environment dev isn't wholly there (GetItem: no table): run `make deploy ENV=dev`.",
        ),
        (
            refused("AccessDeniedException", "no"),
            "These credentials may not do that in environment dev (GetItem: no).",
        ),
    ],
)
def test_errors_of_aws_are_one_sentence(error, sentence):
    assert aws_problem(error, "dev") == sentence


def test_a_local_lake_that_went_away_is_said_so():
    gone = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")
    assert aws_problem(gone, "local").startswith("The local lake no longer answers")


def test_a_defect_is_no_problem_of_aws():
    assert aws_problem(KeyError("rows"), "local") is None


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
