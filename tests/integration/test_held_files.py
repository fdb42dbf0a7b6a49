"""Files that failed runs left: how they are told of, and what becomes of those that are given up."""

import pytest
from typer.testing import CliRunner

from cli import held_commands
from cli.main import app
from shoplake.aws import client
from shoplake.closing import close_run, roll_back
from shoplake.dispatch import Dispatcher
from shoplake.errors import ShoplakeError
from shoplake.files import CLAIMED, DISCARDED, HELD, RECEIVED, Files
from shoplake.held import HeldFile, held_files
from shoplake.manifest import read_manifest
from shoplake.runs import Runs
from shoplake.times import iso, now
from tests.integration.small_lake import drop, empty, small_lake

BROKEN = {"state": "Publish", "error": "ValueError", "cause": "no such thing"}
AT = "2025-01-15T08:00:00.000Z"


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    return small_lake("held", tmp_path_factory.mktemp("build"))


@pytest.fixture
def failed(lake):
    """A run over two files that failed for a reason that needs a person: its id and the files' names."""
    dropped = [drop(lake, name) for name in ("a.csv", "b.csv")]
    dispatcher = Dispatcher(lake)
    dispatcher.sweep()
    run_id = dispatcher.start_waiting(now()).run_id
    roll_back(lake, run_id, BROKEN)
    close_run(lake, run_id, [], BROKEN)
    yield run_id, ["#".join(file) for file in dropped]
    empty(lake)


@pytest.fixture
def command(lake, monkeypatch):
    """The discard command, as if the lake were the one at hand."""
    monkeypatch.setattr(held_commands, "connect", lambda env: lake)
    return lambda *given: CliRunner().invoke(app, ["discard", *given])


def states(lake, files: list[str]) -> dict[str, str]:
    return {name: item["state"] for name, item in Files(lake.files_table).get_many(files).items()}


def discard(lake, file: str) -> bool:
    return Files(lake.files_table).discard(file, "ann", AT, "cut short")


def test_a_held_file_tells_its_run_its_reason_and_since_when(lake, failed):
    run_id, (first, _) = failed
    key, version = first.split("#")
    earliest, later = held_files(lake)
    assert earliest == HeldFile(key, version, run_id, earliest.since, "Publish: ValueError: no such thing")
    assert Runs(lake.runs_table).get(run_id)["started_at"] <= earliest.since <= iso(now())
    assert later.key == "raw/transactions/b.csv"


def test_a_discarded_file_keeps_who_when_and_why_and_is_held_no_more(lake, failed):
    _, (first, second) = failed
    assert discard(lake, first) is True
    item = Files(lake.files_table).get(first)
    assert [item[name] for name in ("state", "discarded_by", "discarded_at", "discarded_for")] == [
        DISCARDED, "ann", AT, "cut short",
    ]  # fmt: skip
    assert [f"{file.key}#{file.version_id}" for file in held_files(lake)] == [second]


def test_no_run_and_no_sweep_takes_a_discarded_file_again(lake, failed):
    _, files = failed
    for file in files:
        discard(lake, file)
    dispatcher = Dispatcher(lake)
    assert dispatcher.sweep() == 0
    assert dispatcher.start_waiting(now()).run_id is None


def test_a_file_that_waits_can_be_discarded_and_one_that_a_run_has_cannot(lake, failed):
    _, (first, second) = failed
    Files(lake.files_table).settle({first: RECEIVED}, "r")
    Files(lake.files_table).settle({second: CLAIMED}, "r")
    assert (discard(lake, first), discard(lake, second)) == (True, False)


def test_a_replay_leaves_discarded_files_out(lake, failed):
    run_id, (first, second) = failed
    discard(lake, first)
    again = Dispatcher(lake).replay(run_id, now())
    assert [file.object_id for file in read_manifest(lake, again.run_id)] == [second]
    assert states(lake, [first, second]) == {first: DISCARDED, second: CLAIMED}


def test_a_file_that_is_discarded_while_its_replay_starts_is_left_out_too(lake, failed, monkeypatch):
    run_id, (first, second) = failed
    dispatcher = Dispatcher(lake)
    take_lock = dispatcher.runs.take_lock
    monkeypatch.setattr(dispatcher.runs, "take_lock", lambda *given: discard(lake, first) and take_lock(*given))
    again = dispatcher.replay(run_id, now())
    assert [file.object_id for file in read_manifest(lake, again.run_id)] == [second]


def test_a_replay_without_any_file_left_says_so(lake, failed):
    run_id, files = failed
    for file in files:
        discard(lake, file)
    with pytest.raises(ShoplakeError, match=f"Run {run_id} has no file to replay"):
        Dispatcher(lake).replay(run_id, now())
    assert Runs(lake.runs_table).lock() is None


def test_the_same_bytes_dropped_again_are_a_new_file_that_waits(lake, failed):
    _, files = failed
    for file in files:
        discard(lake, file)
    dispatcher = Dispatcher(lake)
    dispatcher.record(*drop(lake, "a.csv"))
    assert dispatcher.start_waiting(now()).files == 1


def test_other_failures_of_the_same_files_are_told_with_the_newest_reason(lake, failed):
    run_id, (first, second) = failed
    again = Dispatcher(lake).replay(run_id, now()).run_id
    slow = {"state": "Transform", "error": "DataError", "cause": "too late"}
    roll_back(lake, again, slow)
    close_run(lake, again, [], slow)
    assert {(file.run_id, file.reason) for file in held_files(lake)} == {(again, "Transform: DataError: too late")}
    assert states(lake, [first, second]) == {first: HELD, second: HELD}
    assert client("s3").head_object(Bucket=lake.bucket, Key=first.split("#")[0])


def test_the_command_discards_a_whole_run_and_keeps_the_reason(lake, failed, command):
    run_id, files = failed
    done = command(run_id, "--yes", "--reason", "cut short")
    assert (done.exit_code, done.stdout) == (0, "Discarded files: 2.\n")
    assert states(lake, files) == dict.fromkeys(files, DISCARDED)
    assert Files(lake.files_table).get(files[0])["discarded_for"] == "cut short"


@pytest.mark.parametrize("prefix", ["", "s3://shoplake-held-lake-000000000000/"])
def test_the_command_discards_single_keys(lake, failed, command, prefix):
    _, (first, second) = failed
    assert command(prefix + first.split("#")[0], "--yes").exit_code == 0
    assert states(lake, [first, second]) == {first: DISCARDED, second: HELD}


def test_a_new_version_that_waits_is_not_discarded_with_the_one_that_is_held(lake, failed, command):
    _, (first, _) = failed
    key = first.split("#")[0]
    version = client("s3").put_object(Bucket=lake.bucket, Key=key, Body=b"mended")["VersionId"]
    mended = Dispatcher(lake).record(key, version).object_id
    assert command(key, "--yes").stdout == "Discarded files: 1.\n"
    assert states(lake, [first, mended]) == {first: DISCARDED, mended: RECEIVED}


def test_without_a_yes_nothing_is_discarded(lake, failed, command):
    run_id, files = failed
    done = command(run_id)
    assert done.exit_code == 2
    assert "No run would take these files any more (2): add --yes to confirm." in done.stderr
    assert states(lake, files) == dict.fromkeys(files, HELD)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("raw/transactions/c.csv", "No file raw/transactions/c.csv is held or waiting: "),
        ("2000-01-01-0001", "There is no run '2000-01-01-0001': "),
    ],
)
def test_a_name_that_stands_for_no_file_discards_nothing_at_all(lake, failed, command, name, sentence):
    run_id, files = failed
    done = command(run_id, name, "--yes")
    assert (done.exit_code, done.stderr[: len(sentence)]) == (2, sentence)
    assert states(lake, files) == dict.fromkeys(files, HELD)
