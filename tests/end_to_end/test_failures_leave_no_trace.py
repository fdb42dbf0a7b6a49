"""A run that fails leaves the tables as they were, says so once, frees the lake, and can be replayed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.local_lake import RUN_TIMEOUT_S, LocalLake, eventually
from tests.end_to_end.orders import orders_file
from tests.end_to_end.traces import ORDER_TABLES, Published, leaves_no_trace

pytestmark = pytest.mark.lake

# Two minutes of work before the job's own, in pieces, since Python stops between statements only.
BUSY = "import time\nfor _ in range(1200):\n    time.sleep(0.1)\n"
REVENUE_EXPECTATION = "The day's revenue is the sum of the net amounts in sales"


@dataclass(frozen=True)
class Breakage:
    """What is broken for one run, and how that shows."""

    name: str
    job: str
    change: Callable[[str], str]
    state: str
    error: str
    sentence: str


def revenue_one_too_high(script: str) -> str:
    sound = 'revenue = F.sum("net_amount")\n'
    assert script.count(sound) == 1
    return script.replace(sound, 'revenue = F.sum("net_amount") + 1\n')


BREAKAGES = [
    Breakage(
        name="a_job_fails",
        job="transaction_etl",
        change=lambda script: "raise ValueError('no room left on the moon')\n" + script,
        state="Transform",
        error="ValueError",
        sentence="no room left on the moon",
    ),
    Breakage(
        name="an_expectation_is_not_met",
        job="master_data_merge",
        change=revenue_one_too_high,
        state="Check quality",
        error="QualityCheckFailed",
        sentence=REVENUE_EXPECTATION,
    ),
]


@dataclass(frozen=True)
class Failure:
    """A run that failed, the lake before and after it, and its replay."""

    breakage: Breakage
    before: Published
    show: dict[str, Any]
    snapshots_before: dict[str, int]
    snapshots_after: dict[str, int]
    lines_after: int
    status_after: dict[str, Any]
    replay: dict[str, Any]
    lines_replayed: int
    status_replayed: dict[str, Any]
    letters: list[dict[str, str]]


@pytest.fixture(scope="module")
def published(lake, tmp_path_factory):
    """A lake that holds something; the number of its lines."""
    lake.clear()
    lake.load(orders_file(tmp_path_factory.mktemp("orders"), "before"))
    return count_of_lines(lake, "before")


@pytest.fixture(scope="module", params=BREAKAGES, ids=lambda breakage: breakage.name)
def failure(lake, published, tmp_path_factory, request):
    """A run over one file while something is broken, then its replay with everything whole again."""
    breakage: Breakage = request.param
    file = orders_file(tmp_path_factory.mktemp("orders"), breakage.name)
    published_before, before = Published.of(lake), lake.snapshots()
    with lake.script_changed(breakage.job, breakage.change):
        show = lake.load(file, exit_code=1)
    after, status_after, lines_after = lake.snapshots(), lake.status(), count_of_lines(lake, breakage.name)
    replay = lake.ask("replay", show["run_id"], "--wait", "--timeout", str(RUN_TIMEOUT_S))
    return Failure(
        breakage=breakage,
        before=published_before,
        show=show,
        snapshots_before=before,
        snapshots_after=after,
        lines_after=lines_after,
        status_after=status_after,
        replay=replay,
        lines_replayed=count_of_lines(lake, breakage.name),
        status_replayed=lake.status(),
        letters=lake.letters_of(show["run_id"]),
    )


def count_of_lines(lake: LocalLake, orders: str) -> int:
    """Published sales lines of the orders whose number begins so."""
    (row,) = lake.query(f"SELECT count(*) AS lines FROM sales WHERE order_id LIKE '{orders}-%'")
    return row["lines"]


def test_the_run_fails_in_the_state_that_broke(failure):
    failed = [state["name"] for state in failure.show["states"] if state["state"] == "failed"]
    assert (failure.show["state"], failed[0]) == ("failed", failure.breakage.state)


def test_the_published_tables_stay_as_they_were(failure):
    assert None not in {failure.snapshots_before[table] for table in ORDER_TABLES}
    assert failure.snapshots_after == failure.snapshots_before
    assert failure.lines_after == 0


def test_the_lock_is_free_and_the_file_is_held(failure):
    assert failure.status_after["running_run"] is None
    assert failure.status_after["files"] == {"waiting": 0, "held": 1}


def test_one_letter_names_the_state_the_dataset_the_cause_and_the_next_command(failure):
    (letter,) = failure.letters
    run_id = failure.show["run_id"]
    assert f"run {run_id} failed in {failure.breakage.state}" in letter["subject"]
    for words in (
        "Nothing of this run was published: every table is as it was before.",
        f"State    {failure.breakage.state}",
        "Dataset  transactions",
        failure.breakage.error,
        failure.breakage.sentence,
        f"raw/transactions/{failure.breakage.name}.csv",
        f"shoplake replay {run_id}",
    ):
        assert words in letter["body"]


def test_a_replay_publishes_once_the_cause_is_gone(failure):
    assert (failure.replay["state"], failure.replay["replay_of"]) == ("succeeded", failure.show["run_id"])
    assert (failure.replay["rows"]["applied"], failure.lines_replayed) == (3, 3)
    assert failure.status_replayed["files"] == {"waiting": 0, "held": 0}


def test_nothing_else_is_left_of_the_failure(lake, failure):
    failed, replay = failure.show["run_id"], failure.replay["run_id"]
    leaves_no_trace(lake, failure.before, failed, failure.breakage.state, replay, {f"{failure.breakage.name}.csv"})


@dataclass(frozen=True)
class Stopped:
    """A run that was stopped from outside, and the run that came after it."""

    before: Published
    show: dict[str, Any]
    snapshots_before: dict[str, int]
    next_run: dict[str, Any]
    lines: int
    status: dict[str, Any]
    letters: list[dict[str, str]]
    jobs: list[str]


@pytest.fixture(scope="module")
def stopped(lake, published, tmp_path_factory):
    """StopExecution while the run's job is at work. Nothing else is done: the lake must help itself."""
    file = orders_file(tmp_path_factory.mktemp("orders"), "stopped")
    published_before, before = Published.of(lake), lake.snapshots()
    with lake.script_changed("transaction_etl", lambda script: BUSY + script):
        lake.drop(file)
        eventually(lambda: "RUNNING" in states_of_jobs(lake), 60)
    run_id = lake.status()["running_run"]
    lake.aws("stepfunctions").stop_execution(executionArn=lake.names.execution_arn(run_id), cause="by a test")
    next_run = eventually(lambda: ended_after(lake, run_id), 120)
    eventually(lambda: lake.status()["running_run"] is None, 30)
    return Stopped(
        before=published_before,
        show=lake.ask("show", run_id),
        snapshots_before=before,
        next_run=lake.ask("show", next_run["run_id"]),
        lines=count_of_lines(lake, "stopped"),
        status=lake.status(),
        letters=lake.letters_of(run_id),
        jobs=states_of_jobs(lake),
    )


def ended_after(lake: LocalLake, run_id: str) -> dict[str, Any] | None:
    """The first later run, once it has ended."""
    later = sorted((run for run in lake.ask("runs") if run["run_id"] > run_id), key=lambda run: run["run_id"])
    return later[0] if later and later[0]["ended_at"] else None


def states_of_jobs(lake: LocalLake) -> list[str]:
    """The state of each run of the orders job, the newest first."""
    runs = lake.aws("glue").get_job_runs(JobName=lake.names.job_name("transaction_etl"))["JobRuns"]
    return [run["JobRunState"] for run in runs]


def test_a_stopped_run_is_closed_as_failed(stopped):
    assert (stopped.show["state"], stopped.show["tables"]) == ("failed", {})
    assert stopped.show["ended_at"] is not None


def test_the_job_of_a_stopped_run_is_stopped(stopped):
    assert stopped.jobs[:2] == ["SUCCEEDED", "STOPPED"]


def test_one_letter_says_that_the_run_was_stopped_and_that_its_files_go_on_by_themselves(stopped):
    (letter,) = stopped.letters
    assert "failed in Transform: ABORTED" in letter["subject"]
    assert "The files go into the next run by themselves" in letter["body"]


def test_the_files_of_a_stopped_run_are_published_by_the_next_one_which_starts_by_itself(stopped):
    assert [file["key"] for file in stopped.next_run["inputs"]] == ["raw/transactions/stopped.csv"]
    assert (stopped.next_run["state"], stopped.next_run["mode"], stopped.lines) == ("succeeded", "arrivals", 3)
    assert stopped.status["files"] == {"waiting": 0, "held": 0}


def test_nothing_else_is_left_of_a_stopped_run(lake, stopped):
    failed, next_run = stopped.show["run_id"], stopped.next_run["run_id"]
    leaves_no_trace(lake, stopped.before, failed, "Transform", next_run, {"stopped.csv"})
