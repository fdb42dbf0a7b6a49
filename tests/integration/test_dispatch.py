"""The lake's door: what is recorded, who gets the lock, what a run claims, and what becomes of runs that died."""

import json
from datetime import timedelta

import pytest

from shoplake.aws import client
from shoplake.closing import close_dead_run
from shoplake.dispatch import Dispatcher, execution_status
from shoplake.errors import ShoplakeError
from shoplake.files import CLAIMED, HELD, RECEIVED, Files, FileVersion
from shoplake.manifest import read_manifest, write_manifest
from shoplake.runs import FAILED, Runs
from shoplake.times import now
from tests.integration.small_lake import drop, empty, small_lake


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    return small_lake("dispatch", tmp_path_factory.mktemp("build"))


@pytest.fixture
def dispatcher(lake):
    """The door of an empty lake: nothing under raw/, nothing recorded, nobody holds the lock."""
    yield Dispatcher(lake, close_dead_run)
    empty(lake)


def files(lake) -> Files:
    return Files(lake.files_table)


def state_of(lake, key: str, version: str) -> str:
    return files(lake).get(f"{key}#{version}")["state"]


def stop(lake, run_id: str) -> None:
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))


def test_a_repeated_notification_changes_nothing(lake, dispatcher):
    dropped = drop(lake, "a.csv")
    assert dispatcher.record(*dropped).object_id == "#".join(dropped)
    assert dispatcher.record(*dropped) is None
    assert len(files(lake).waiting(RECEIVED)) == 1


def test_each_version_of_a_key_is_a_file_of_its_own(lake, dispatcher):
    for body in (b"1", b"2"):
        dispatcher.record(*drop(lake, "a.csv", body))
    assert len(files(lake).waiting(RECEIVED)) == 2


def test_what_a_key_and_its_metadata_say_is_recorded(lake, dispatcher):
    key, version = drop(lake, "source=uci/date=2010-12-01/a b.csv", **{"shoplake-force": "true"})
    dispatcher.record(key, version)
    item = files(lake).get(f"{key}#{version}")
    assert (item["dataset"], item["source"], item["force"], int(item["size"])) == ("transactions", "uci", True, 1)


def test_folders_and_what_is_gone_are_passed_over(lake, dispatcher):
    assert dispatcher.record(*drop(lake, "folder/", b"")) is None
    key, version = drop(lake, "gone.csv")
    client("s3").delete_object(Bucket=lake.bucket, Key=key, VersionId=version)
    assert dispatcher.record(key, version) is None


def test_a_file_that_was_recorded_just_now_is_taken_though_the_index_lags(lake, dispatcher, monkeypatch):
    file = dispatcher.record(*drop(lake, "a.csv"))
    monkeypatch.setattr(dispatcher.files, "waiting", lambda state, limit=None: [])
    assert dispatcher.start_waiting(now(), [file]).files == 1


def test_a_sweep_finds_what_no_notification_announced(lake, dispatcher):
    drop(lake, "a.csv")
    assert (dispatcher.sweep(), dispatcher.sweep()) == (1, 0)


def test_a_sweep_looks_only_at_what_it_does_not_know(lake, dispatcher, monkeypatch):
    for n in range(3):
        dispatcher.record(*drop(lake, f"{n}.csv"))
    new, looked_at, record = drop(lake, "new.csv"), [], dispatcher.record
    monkeypatch.setattr(dispatcher, "record", lambda *file: looked_at.append(file) or record(*file))
    assert dispatcher.sweep() == 1
    assert looked_at == [new]


def test_a_run_claims_all_that_waits_and_lists_it_by_arrival(lake, dispatcher):
    dropped = [drop(lake, name) for name in ("b.csv", "a.csv")]
    for file in dropped:
        dispatcher.record(*file)
    started = dispatcher.start_waiting(now())
    assert started.files == 2
    assert [state_of(lake, *file) for file in dropped] == [CLAIMED, CLAIMED]
    manifest = client("s3").get_object(Bucket=lake.bucket, Key=lake.run_keys(started.run_id).manifest)
    body = manifest["Body"].read().decode()
    lines = [json.loads(line) for line in body.splitlines()]
    assert [line["number"] for line in lines] == [0, 1]
    assert lines == sorted(lines, key=lambda line: (line["arrived_at"], line["key"]))
    assert execution_status(lake, started.run_id) == "RUNNING"


def test_a_run_never_takes_the_name_of_an_earlier_one(lake, dispatcher):
    taken = dispatcher.runs.next_id(now())
    following = f"{taken[:-4]}{int(taken[-4:]) + 1:04d}"
    dispatcher.record(*drop(lake, "a.csv"))
    write_manifest(lake, following, [FileVersion.of(item) for item in files(lake).waiting(RECEIVED)])
    assert dispatcher.start_waiting(now()).run_id == f"{taken[:-4]}{int(taken[-4:]) + 2:04d}"


def test_nothing_that_waits_starts_nothing(dispatcher):
    assert dispatcher.start_waiting(now()).run_id is None


def test_while_a_run_goes_arrivals_wait(lake, dispatcher):
    dispatcher.record(*drop(lake, "a.csv"))
    first = dispatcher.start_waiting(now())
    late = drop(lake, "b.csv")
    dispatcher.record(*late)
    second = dispatcher.start_waiting(now())
    assert (second.run_id, second.waiting_for) == (None, first.run_id)
    assert state_of(lake, *late) == RECEIVED


def test_a_run_that_was_stopped_gives_its_files_back_and_frees_the_lock(lake, dispatcher):
    dropped = drop(lake, "a.csv")
    dispatcher.record(*dropped)
    first = dispatcher.start_waiting(now())
    stop(lake, first.run_id)
    second = dispatcher.start_waiting(now())
    assert second.run_id not in (None, first.run_id)
    assert Runs(lake.runs_table).get(first.run_id)["state"] == FAILED
    assert files(lake).get("#".join(dropped))["run_id"] == second.run_id


def test_files_of_runs_that_keep_dying_are_held_in_the_end(lake, dispatcher):
    dropped = drop(lake, "a.csv")
    dispatcher.record(*dropped)
    for _ in range(lake.inventory.arrivals.infrastructure_retries + 1):
        stop(lake, dispatcher.start_waiting(now()).run_id)
    assert dispatcher.start_waiting(now()).run_id is None
    assert state_of(lake, *dropped) == HELD


def test_a_lock_whose_execution_never_appeared_is_freed_after_a_while(lake, dispatcher):
    dropped = drop(lake, "a.csv")
    dispatcher.record(*dropped)
    runs, at = Runs(lake.runs_table), now()
    runs.take_lock("2000-01-01-0001", at)
    runs.begin("2000-01-01-0001", {"mode": "arrivals", "started_at": "2000-01-01T00:00:00.000Z"})
    files(lake).claim(["#".join(dropped)], "2000-01-01-0001")
    write_manifest(lake, "2000-01-01-0001", [FileVersion.of(files(lake).get("#".join(dropped)))])
    assert dispatcher.start_waiting(at).waiting_for == "2000-01-01-0001"
    later = at + timedelta(seconds=lake.inventory.arrivals.unstarted_claim_s + 1)
    assert dispatcher.start_waiting(later).files == 1


def test_a_lock_without_anything_behind_it_is_freed_too(lake, dispatcher):
    at = now()
    Runs(lake.runs_table).take_lock("2000-01-01-0002", at)
    dispatcher.start_waiting(at + timedelta(hours=1))
    assert Runs(lake.runs_table).lock() is None


def test_after_a_start_of_the_lake_a_lock_from_before_it_without_an_execution_is_freed_at_once(lake):
    runs, at = Runs(lake.runs_table), now()
    runs.take_lock("2000-01-01-0003", at)
    started_before, started_after = at - timedelta(seconds=1), at + timedelta(seconds=1)
    Dispatcher(lake, close_dead_run, quiet_before=started_before).start_waiting(at)
    assert runs.lock().run_id == "2000-01-01-0003"
    Dispatcher(lake, close_dead_run, quiet_before=started_after).start_waiting(at)
    assert runs.lock() is None


def test_a_replay_takes_the_same_versions_and_leaves_loaded_files_as_they_are(lake, dispatcher):
    held, loaded = drop(lake, "held.csv"), drop(lake, "loaded.csv")
    for file in (held, loaded):
        dispatcher.record(*file)
    first = dispatcher.start_waiting(now())
    stop(lake, first.run_id)
    Runs(lake.runs_table).release_lock(first.run_id)
    Runs(lake.runs_table).update(first.run_id, state=FAILED, notified_at="x")
    files(lake).settle({"#".join(held): HELD}, first.run_id)
    files(lake).settle({"#".join(loaded): "accepted"}, first.run_id)
    again = dispatcher.replay(first.run_id, now())
    assert read_manifest(lake, again.run_id) == read_manifest(lake, first.run_id)
    assert (state_of(lake, *held), state_of(lake, *loaded)) == (CLAIMED, "accepted")


@pytest.mark.parametrize("run_id", ["2000-01-01-0009", "nonsense"])
def test_a_replay_of_a_run_that_never_was_says_where_to_look(dispatcher, run_id):
    with pytest.raises(ShoplakeError, match=f"There is no run {run_id}: `shoplake runs` lists them."):
        dispatcher.replay(run_id, now())
