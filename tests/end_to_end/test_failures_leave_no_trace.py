"""A run that fails leaves the tables as they were, says so once, frees the lake, and can be replayed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.local_lake import DATASET, RUN_TIMEOUT_S, LocalLake, eventually
from tests.end_to_end.orders import orders_file
from tests.end_to_end.traces import ORDER_TABLES, Published, leaves_no_trace

pytestmark = pytest.mark.lake

# Two minutes of work before the job's own, in pieces, since Python stops between statements only.
BUSY = "import time\nfor _ in range(1200):\n    time.sleep(0.1)\n"
REVENUE_EXPECTATION = "The day's revenue and units are the sums of net amounts and quantities in sales"
ONE_TOO_HIGH = """    from pyspark.sql.functions import expr
    from shoplake.spark.curated import sales

    sound, too_high = sales.to_daily_summary, expr("cast(revenue + 1 AS decimal(18,4))")
    sales.to_daily_summary = lambda lines: sound(lines).withColumn("revenue", too_high)
    try:
        main()
    finally:
        sales.to_daily_summary = sound  # the module outlives the job
"""


@dataclass(frozen=True)
class Breakage:
    """What is broken for one run, and how that shows."""

    name: str
    job: str
    change: Callable[[str], str]
    state: str
    error: str
    sentence: str


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
        change=lambda script: script.replace("    main()\n", ONE_TOO_HIGH),
        state="Check quality",
        error="QualityCheckFailed",
        sentence=REVENUE_EXPECTATION,
    ),
]


each_breakage = pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)


@dataclass(frozen=True)
class Failure:
    """A run that failed, and the lake before it and after it."""

    show: dict[str, Any]
    snapshots_before: dict[str, int]
    snapshots_after: dict[str, int]
    lines_after: int
    status_after: dict[str, Any]

    @property
    def run_id(self) -> str:
        return self.show["run_id"]


@dataclass(frozen=True)
class Failures:
    """What was published before, each failure by the name of its breakage, and the replay that succeeded."""

    before: Published
    by_breakage: dict[str, Failure]
    replay: dict[str, Any]
    lines_replayed: int
    status_replayed: dict[str, Any]


@pytest.fixture(scope="module")
def published(lake, tmp_path_factory):
    """A lake that holds something; the number of its lines."""
    lake.clear()
    lake.load(orders_file(tmp_path_factory.mktemp("orders"), "before"))
    return count_of_lines(lake, "before")


@pytest.fixture(scope="module")
def failures(lake, published, tmp_path_factory):
    """A run over one file and two replays of it: at first one thing is broken, then another, at last nothing."""
    file = orders_file(tmp_path_factory.mktemp("orders"), "failing")
    published_before, failed, asked = Published.of(lake), {}, ("drop", DATASET, file)
    for breakage in BREAKAGES:
        before = lake.snapshots()
        with lake.script_changed(breakage.job, breakage.change):
            done = lake.command(*asked, "--wait", "--json", "--timeout", str(RUN_TIMEOUT_S))
        assert done.exit_code == 1, done.err
        show = done.json["runs"][0] if "runs" in done.json else done.json
        lines_after = count_of_lines(lake, "failing")
        failed[breakage.name] = Failure(show, before, lake.snapshots(), lines_after, lake.status())
        asked = ("replay", show["run_id"])
    replay = lake.ask(*asked, "--wait", "--timeout", str(RUN_TIMEOUT_S))
    return Failures(published_before, failed, replay, count_of_lines(lake, "failing"), lake.status())


def count_of_lines(lake: LocalLake, orders: str) -> int:
    """Published sales lines of the orders whose number begins so."""
    (row,) = lake.query(f"SELECT count(*) AS lines FROM sales WHERE order_id LIKE '{orders}-%'")
    return row["lines"]


@each_breakage
def test_the_run_fails_in_the_state_that_broke(failures, breakage):
    show = failures.by_breakage[breakage.name].show
    failed = [state["name"] for state in show["states"] if state["state"] == "failed"]
    assert (show["state"], failed[0]) == ("failed", breakage.state)


@each_breakage
def test_the_published_tables_stay_as_they_were(failures, breakage):
    failure = failures.by_breakage[breakage.name]
    assert None not in {failure.snapshots_before[table] for table in ORDER_TABLES}
    assert failure.snapshots_after == failure.snapshots_before
    assert failure.lines_after == 0


@each_breakage
def test_the_lock_is_free_and_the_file_is_held(failures, breakage):
    status = failures.by_breakage[breakage.name].status_after
    assert status["running_run"] is None
    assert status["files"] == {"waiting": 0, "held": 1}


@each_breakage
def test_one_letter_names_the_state_the_dataset_the_cause_and_the_next_command(lake, failures, breakage):
    run_id = failures.by_breakage[breakage.name].run_id
    (letter,) = lake.delivered(run_id)
    assert f"run {run_id} failed in {breakage.state}" in letter["subject"]
    for words in (
        "Nothing of this run was published: every table is as it was before.",
        f"State    {breakage.state}",
        "Dataset  transactions",
        breakage.error,
        breakage.sentence,
        "raw/transactions/failing.csv",
        f"shoplake replay {run_id}",
    ):
        assert words in letter["body"]


def test_a_replay_publishes_once_the_causes_are_gone(failures):
    first, second = failures.by_breakage.values()
    assert (second.show["replay_of"], failures.replay["replay_of"]) == (first.run_id, second.run_id)
    assert failures.replay["state"] == "succeeded"
    assert (failures.replay["rows"]["applied"], failures.lines_replayed) == (3, 3)
    assert failures.status_replayed["files"] == {"waiting": 0, "held": 0}


@each_breakage
def test_nothing_else_is_left_of_the_failure(lake, failures, breakage):
    failed, replay = failures.by_breakage[breakage.name].run_id, failures.replay["run_id"]
    leaves_no_trace(lake, failures.before, failed, breakage.state, replay, {"failing.csv"})


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
        eventually(lambda: "RUNNING" in lake.states_of_jobs("transaction_etl"), 60)
    run_id = lake.running_run()
    lake.aws("stepfunctions").stop_execution(executionArn=lake.names.execution_arn(run_id), cause="by a test")
    next_run = lake.run_after(run_id)
    eventually(lambda: lake.running_run() is None, 30)
    return Stopped(
        before=published_before,
        show=lake.ask("show", run_id),
        snapshots_before=before,
        next_run=lake.ask("show", next_run),
        lines=count_of_lines(lake, "stopped"),
        status=lake.status(),
        letters=lake.letters_of(run_id),
        jobs=lake.states_of_jobs("transaction_etl"),
    )


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
