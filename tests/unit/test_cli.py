"""The command line without a lake: help, and what misuse and refusals of AWS are answered with."""

import re

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from typer.testing import CliRunner

from cli.main import app
from cli.uploads import read_tree
from local.control import STARTING_FILE
from shoplake.aws_problems import aws_problem
from shoplake.inventory import load_inventory

COMMANDS = [
    "up", "down", "reset", "status", "drop", "run", "runs", "watch", "show", "replay", "tables", "query",
    "mail", "receipt", "discard", "generate",
]  # fmt: skip


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
    assert answer.stderr == "Environment 'nowhere' is not in lake.yaml: it knows local, dev, staging, prod.\n"


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
