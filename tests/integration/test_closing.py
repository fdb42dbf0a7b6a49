"""How a run ends, however it ends: files given back or held, the lock freed, one e-mail; each step may be repeated."""

import pytest

from shoplake import closing
from shoplake.aws import client, get_json, put_json
from shoplake.closing import close_dead_run, close_run, explain, is_infrastructure, roll_back
from shoplake.dispatch import Dispatcher
from shoplake.files import CLAIMED, HELD, RECEIVED, Files
from shoplake.runs import FAILED, PUBLISHING, RUNNING, SUCCEEDED, Runs
from shoplake.times import now
from tests.integration.small_lake import drop, letters_to, received, small_lake

BROKEN = {"state": "Transform", "error": "ValueError", "cause": "no such thing"}
THROTTLED = {"state": "Prepare tables", "error": "ClientError", "cause": '{"errorMessage": "Throttling: slow down"}'}


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    made = small_lake("closing", tmp_path_factory.mktemp("build"))
    letters_to("closing-mail", made)
    for job in made.inventory.jobs:
        client("glue").create_job(
            Name=made.job_name(job), Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://x/y"}
        )
    return made


@pytest.fixture
def run(lake):
    """A run over one new file, as far as its execution has been started: its id and the file's."""
    drop(lake, "orders.csv", str(now()).encode())
    dispatcher = Dispatcher(lake)
    dispatcher.sweep()
    run_id = dispatcher.start_waiting(now()).run_id
    (held,) = [v.object_id for v in closing.read_manifest(lake, run_id)][-1:]
    yield run_id, held
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))
    Runs(lake.runs_table).release_lock(run_id)
    for item in client("dynamodb").scan(TableName=lake.files_table)["Items"]:
        client("dynamodb").delete_item(TableName=lake.files_table, Key={"object_id": item["object_id"]})
    for version in client("s3").list_object_versions(Bucket=lake.bucket, Prefix="raw/").get("Versions", []):
        client("s3").delete_object(Bucket=lake.bucket, Key=version["Key"], VersionId=version["VersionId"])
    mails()


def mails() -> list[dict]:
    """The messages since the last time, subject and text."""
    return received(client("sqs").get_queue_url(QueueName="closing-mail")["QueueUrl"])


def state_of(lake, file: str) -> str:
    return Files(lake.files_table).get(file)["state"]


@pytest.mark.parametrize(
    ("error", "job_run", "expected"),
    [
        ("ClientError", None, True),
        ("States.Timeout", None, True),
        ("Lambda.TooManyRequestsException", None, True),
        ("Glue.ThrottlingException", None, True),
        ("States.ExceedToleratedFailureThreshold", None, True),
        ("ABORTED", None, True),
        ("States.TaskFailed", {"JobRunState": "TIMEOUT"}, True),
        ("States.TaskFailed", {"JobRunState": "ERROR"}, True),
        ("States.TaskFailed", {"JobRunState": "FAILED"}, False),
        ("States.TaskFailed", None, False),
        ("ValueError", None, False),
        ("DataError", None, False),
    ],
)
def test_what_another_try_may_cure_is_told_from_what_needs_a_person(error, job_run, expected):
    assert is_infrastructure(error, job_run) is expected


@pytest.mark.parametrize("cause", ["", "{}", "[]", "\n", "not json {", '{"errorMessage": ""}'])
def test_every_cause_can_be_explained(lake, cause):
    assert explain(lake, "2000-01-01-0001", {"state": "Transform", "error": "ValueError", "cause": cause}).sentence


def test_a_failure_that_needs_a_person_holds_the_files_and_says_replay(lake, run):
    run_id, file = run
    roll_back(lake, run_id, BROKEN)
    close_run(lake, run_id, [], BROKEN)
    assert state_of(lake, file) == HELD
    assert Runs(lake.runs_table).get(run_id)["state"] == FAILED
    assert Runs(lake.runs_table).lock() is None
    (mail,) = mails()
    assert f"shoplake --env closing replay {run_id}" in mail["Message"]
    assert "no such thing" in mail["Message"]


def test_the_mail_of_a_failed_run_tells_what_its_crawls_found(lake, run):
    run_id, _ = run
    keys = lake.run_keys(run_id)
    put_json(lake.bucket, keys.crawl("transactions"), {"reason": "new header", "warnings": ["coupon is new"]})
    put_json(lake.bucket, keys.crawl("products"), {"reason": "daily"})  # the run died before it was compared
    roll_back(lake, run_id, BROKEN)
    close_run(lake, run_id, [], BROKEN)
    (mail,) = mails()
    assert "Warnings\n  coupon is new\n" in mail["Message"]


def test_a_failure_that_another_try_may_cure_returns_the_files(lake, run):
    run_id, file = run
    roll_back(lake, run_id, THROTTLED)
    close_run(lake, run_id, [], THROTTLED)
    assert state_of(lake, file) == RECEIVED
    (mail,) = mails()
    assert "Throttling: slow down" in mail["Message"]
    assert "The files go into the next run by themselves" in mail["Message"]


def test_every_step_may_be_repeated_and_the_mail_goes_out_once(lake, run):
    run_id, file = run
    for _ in range(2):
        roll_back(lake, run_id, BROKEN)
    for _ in range(2):
        close_run(lake, run_id, [], BROKEN)
    assert close_dead_run(lake, run_id, "FAILED") is False
    assert (state_of(lake, file), int(Files(lake.files_table).get(file)["attempts"])) == (HELD, 1)
    assert len(mails()) == 1


def test_a_roll_back_that_breaks_leaves_no_file_behind(lake, run, monkeypatch):
    run_id, file = run
    monkeypatch.setattr(closing, "explain", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        roll_back(lake, run_id, BROKEN)
    monkeypatch.undo()
    assert state_of(lake, file) == CLAIMED
    close_run(lake, run_id, [], BROKEN)
    assert state_of(lake, file) == HELD


def test_the_mail_says_replay_for_files_that_a_broken_roll_back_left(lake, run):
    run_id, file = run
    close_run(lake, run_id, [], THROTTLED)  # as if the roll back had never begun
    assert state_of(lake, file) == HELD
    (mail,) = mails()
    assert f"replay {run_id}" in mail["Message"]


def test_evidence_that_cannot_be_kept_costs_no_file(lake, run, monkeypatch):
    run_id, file = run
    monkeypatch.setattr(closing, "keep_as_evidence", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        roll_back(lake, run_id, BROKEN)
    assert state_of(lake, file) == HELD


def test_a_half_made_publication_is_never_closed(lake, run):
    run_id, _ = run
    Runs(lake.runs_table).move(run_id, PUBLISHING, (RUNNING,), publication=[])
    with pytest.raises(RuntimeError, match="is half published"):
        close_run(lake, run_id, [], BROKEN)
    assert Runs(lake.runs_table).lock().run_id == run_id
    assert mails() == []


def test_a_dead_run_that_was_publishing_is_finished_and_succeeds(lake, run):
    run_id, _ = run
    Runs(lake.runs_table).move(run_id, PUBLISHING, (RUNNING,), publication=[])
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))
    assert close_dead_run(lake, run_id, "ABORTED") is True
    assert Runs(lake.runs_table).get(run_id)["state"] == SUCCEEDED
    assert Runs(lake.runs_table).lock() is None
    assert len(mails()) == 1


def test_the_first_reason_is_the_one_that_is_told(lake, run):
    run_id, _ = run
    roll_back(lake, run_id, BROKEN)
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))
    close_dead_run(lake, run_id, "FAILED")
    assert get_json(lake.bucket, lake.run_keys(run_id).failure)["error"] == "ValueError"
    (mail,) = mails()
    assert mail["Subject"].endswith("failed in Transform: ValueError")


def test_a_file_that_a_new_run_has_taken_is_not_given_back_by_the_old_one(lake, run):
    run_id, file = run
    Files(lake.files_table).settle({file: CLAIMED}, "another run")
    assert Files(lake.files_table).give_back({file: HELD}, run_id, "broken", "now") == set()
    assert Files(lake.files_table).get(file)["run_id"] == "another run"


def close_without_mail(lake, run_id: str, monkeypatch, given: dict | None) -> None:
    """As if the function died between freeing the lake and sending the e-mail, and the execution with it."""
    with monkeypatch.context() as dying:
        dying.setattr(closing, "send_once", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            close_run(lake, run_id, [], given)
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))
    assert (Runs(lake.runs_table).lock(), mails()) == (None, [])


def test_a_sweep_has_the_mail_sent_that_a_dying_function_left_unsent(lake, run, monkeypatch):
    run_id, _ = run
    roll_back(lake, run_id, BROKEN)
    close_without_mail(lake, run_id, monkeypatch, BROKEN)
    for _ in range(2):
        Dispatcher(lake, close_dead_run).sweep()
    (mail,) = mails()
    assert mail["Subject"].endswith(f"run {run_id} failed in Transform: ValueError")


def test_a_run_that_ended_well_is_told_of_as_such_however_its_execution_ended(lake, run, monkeypatch):
    run_id, _ = run
    close_without_mail(lake, run_id, monkeypatch, None)
    Dispatcher(lake, close_dead_run).sweep()
    (mail,) = mails()
    assert mail["Subject"].endswith(f"run {run_id} nothing to load")
    assert Runs(lake.runs_table).get(run_id)["state"] == SUCCEEDED
