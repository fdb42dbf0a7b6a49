"""A machine that fails: a full disk, and kill -9 of the lake while a run is in each of its states.

After a kill there is `shoplake up` and nothing else. Just before it another file comes in, too late for anything that
was saved to know of it. The kills follow upon each other: the run that starts after one is the victim of the next.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.checkout import copy_of_the_checkout
from tests.end_to_end.local_lake import RUN_TIMEOUT_S, LocalLake, eventually, free_port
from tests.end_to_end.orders import csv_text, order_line, orders_file
from tests.end_to_end.traces import (
    Published,
    each_run_is_recorded_once,
    history,
    leaves_no_trace,
    nothing_is_left,
    one_letter_tells,
    tables_are_whole,
    the_account_closes,
)

pytestmark = pytest.mark.lake

FILL_THE_DISK = """
with open({filler!r}, "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(1_000_000))
    except OSError:
        pass
"""
DISK = "600m"
HOLD = "\nimport time\nfor _ in range(6000):\n    time.sleep(0.1)\n"
HOLD_EVERY_CALL = "\nimport time\n\ndef handler(event, context):\n    time.sleep(600)\n"
HOLD_AFTER_ONE_TABLE = """
import time
from shoplake import publication

def hold_after(move):
    def moving(*given):
        move(*given)
        time.sleep(600)
    return moving

publication._move_main = hold_after(publication._move_main)
"""


@dataclass(frozen=True)
class Hold:
    """How a run is held in a state: by a job that waits between or after its writes, or by a function that waits."""

    state: str
    source: str
    addition: str  # what is deployed in that source, behind `after`, else at its end
    is_held: Callable[[LocalLake, str, Published], bool]  # whether this run, after what was published before, is there
    after: str = ""

    @property
    def late_file(self) -> str:
        return f"late-for-{self.state.split()[0].lower()}.csv"

    @contextmanager
    def added_to(self, checkout: Path) -> Iterator[None]:
        """The sources have it meanwhile; `up` deploys them."""
        source = checkout / self.source
        original = source.read_text()
        assert original.count(self.after) == 1 or not self.after
        source.write_text(
            original.replace(self.after, self.after + self.addition) if self.after else original + self.addition
        )
        try:
            yield
        finally:
            source.write_text(original)


def is_saved(lake: LocalLake, service: str, *words: str) -> bool:
    """Whether a service's state on disk has these words: what a kill leaves of it."""
    saved = (lake.state_dir / "services" / f"{service}.json").read_text()
    return all(word in saved for word in words)


def is_saved_in(lake: LocalLake, run_id: str, state: str) -> bool:
    """Whether what a kill leaves knows that the run entered a state: on a busy machine the lake saves seconds later."""
    saved = json.loads((lake.state_dir / "services" / "stepfunctions.json").read_text())
    events = [
        event
        for execution in saved["payload"]["executions"]["data"].values()
        if execution["name"] == run_id
        for event in execution["events"]
    ]
    return any(event.get("stateEnteredEventDetails", {}).get("name") == state for event in events)


def is_validating(lake: LocalLake, run_id: str, before: Published) -> bool:
    return is_saved(lake, "stepfunctions", f"execution:{lake.names.state_machine_name}:{run_id}")


def hold_job(state: str, script: str) -> Hold:
    job = Path(script).stem

    def has_written(lake: LocalLake, run_id: str, before: Published) -> bool:
        return f"runs/{run_id}/ledger/{job}.json" in lake.objects(f"runs/{run_id}/ledger/")

    return Hold(state, script, HOLD, has_written)


def is_between_two_tables(lake: LocalLake, run_id: str, before: Published) -> bool:
    """Whether the merge has written curated.sales on the run's branch, and nothing else yet."""
    written = [run_id in lake.iceberg(f"curated.{name}").metadata.refs for name in ("sales", "daily_sales_summary")]
    return written == [True, False]


def has_moved_one_table(lake: LocalLake, run_id: str, before: Published) -> bool:
    moved = len(history(lake, "processed.transactions")) == before.moves["processed.transactions"] + 1
    return moved and is_saved(lake, "dynamodb", run_id, "publishing")


BEFORE_PUBLISH = (
    Hold("Validate and stage files", "lambdas/file_validator/handler.py", HOLD_EVERY_CALL, is_validating),
    hold_job("Transform", "jobs/transaction_etl.py"),
    Hold(
        "Merge master data",
        "jobs/master_data_merge.py",
        "    import time\n    time.sleep(600)\n",
        is_between_two_tables,
        after="    days, buyers = ([], None) if orders is None else merge_sales(run, orders)\n",
    ),
    hold_job("Check quality", "quality/quality_gate.py"),
)
PUBLISH = Hold("Publish", "lambdas/publish/handler.py", HOLD_AFTER_ONE_TABLE, has_moved_one_table)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """An empty disk of its own in memory, where this user may mount one; else a plain folder."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The sources that the lake is started from and deploys: no file is held before the last kill."""
    folder = copy_of_the_checkout(tmp_path_factory.mktemp("sources") / "checkout")
    declaration, usual = folder / "lake.yaml", "infrastructure_retries: 2"
    text = declaration.read_text()
    assert usual in text
    declaration.write_text(text.replace(usual, f"infrastructure_retries: {len(BEFORE_PUBLISH) + 1}"))
    return folder


@pytest.fixture(scope="module")
def own_lake(disk, checkout):
    """A new lake. It starts Spark with a run's first job: after each kill there is one run or two."""
    lake = LocalLake(disk / "lake", checkout, SHOPLAKE_WARM_SPARK="0")
    try:
        bring_up(lake, "--port", str(free_port()))
        yield lake
    finally:
        lake.command("down")


def bring_up(lake: LocalLake, *options: str) -> None:
    up = lake.command("up", *options)
    assert up.exit_code == 0, up.err


def test_a_disk_that_is_full_during_transform(own_lake, disk, tmp_path):
    if not disk.is_mount():
        pytest.skip("no disk of a size of its own: only root may mount one")
    lake, file, filler = own_lake, orders_file(tmp_path, "full"), disk / "filler"
    before = Published.of(lake)
    with lake.script_changed("transaction_etl", lambda text: FILL_THE_DISK.format(filler=str(filler)) + text):
        try:
            lake.drop(file)
            failed = eventually(lake.running_run, 60)
            eventually(lambda: lake.states_of_jobs("transaction_etl")[:1] == ["FAILED"], RUN_TIMEOUT_S)
            refused = lake.command("drop", "transactions", orders_file(tmp_path, "refused"))
        finally:
            filler.unlink(missing_ok=True)
    assert refused.exit_code == 1
    assert "No space left on device: the disk of the local lake is full" in refused.err
    assert "Traceback" not in refused.err

    (letter,) = eventually(lambda: lake.delivered(failed), RUN_TIMEOUT_S)
    assert "No space left on device" in letter["body"]
    assert f"shoplake replay {failed}" in letter["body"]
    replay = lake.ask("replay", failed, "--wait", "--timeout", str(RUN_TIMEOUT_S))
    leaves_no_trace(lake, before, failed, "Transform", replay["run_id"], {file.name})


@dataclass(frozen=True)
class Kills:
    """What was published before the first kill, the run that each ended, by the state that it was in, and the last."""

    before: Published
    runs: dict[str, str]
    last_run: str
    published_then: list[Published]  # as soon as the lake was up again, while the next run was held

    def run_after(self, state: str) -> str:
        """The run that `up` started when the one in that state had been killed."""
        runs = [*self.runs.values(), self.last_run]
        return runs[runs.index(self.runs[state]) + 1]


@pytest.fixture(scope="module")
def kills(own_lake, checkout, tmp_path_factory):
    """A file is dropped, and the lake killed in each state of the runs that take it and what has come since."""
    lake, before, runs, last, children, then = own_lake, Published.of(own_lake), {}, "", [], []
    for hold in (*BEFORE_PUBLISH, PUBLISH):
        with hold.added_to(checkout):
            bring_up(lake)
            assert_ended(children)
            if not runs:
                lake.drop(orders_file(tmp_path_factory.mktemp("orders"), "killed"))
            else:
                then.append(Published.of(lake))
            last = runs[hold.state] = held_run(lake, hold, before, last)
        lake.put(f"raw/transactions/{hold.late_file}", csv_text(order_line(hold.late_file)).encode())
        children = lake.kill()
    bring_up(lake)
    assert_ended(children)
    return Kills(before, runs, lake.run_after(last), then)


def held_run(lake: LocalLake, hold: Hold, before: Published, last: str) -> str:
    """The run after the last one, once it is where it is held."""
    run_id = eventually(lambda: run_after(lake, last), 60)
    eventually(lambda: hold.is_held(lake, run_id, before) and is_saved_in(lake, run_id, hold.state), 120)
    return run_id


def run_after(lake: LocalLake, run_id: str) -> str | None:
    """The run that is going, once it is a later one."""
    running = lake.running_run()
    return running if running and running > run_id else None


def assert_ended(pids: list[int]) -> None:
    """What the killed daemon had started ended with it, or was ended by `up`."""
    eventually(lambda: not any(is_running(pid) for pid in pids), 10)


def is_running(pid: int) -> bool:
    """Whether the process is there, and no zombie that nobody has waited for."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def files_of(lake: LocalLake, run_id: str) -> set[str]:
    return {file["key"].rpartition("/")[2] for file in lake.ask("show", run_id)["inputs"]}


@pytest.mark.parametrize("hold", BEFORE_PUBLISH, ids=lambda hold: hold.state)
def test_a_killed_run_has_failed_and_one_letter_tells_what_to_do(own_lake, kills, hold):
    run_id = kills.runs[hold.state]
    one_letter_tells(own_lake, run_id, hold.state)
    each_run_is_recorded_once(own_lake, {run_id: "failed"})


def test_after_each_kill_the_tables_stand_as_before(kills):
    assert kills.published_then == [kills.before] * len(BEFORE_PUBLISH)


@pytest.mark.parametrize("number", range(4), ids=[hold.state for hold in BEFORE_PUBLISH])
def test_the_next_run_takes_the_files_of_a_killed_one_and_the_late_file(own_lake, kills, number):
    dropped = {"killed.csv", *(hold.late_file for hold in BEFORE_PUBLISH[: number + 1])}
    assert files_of(own_lake, kills.run_after(BEFORE_PUBLISH[number].state)) == dropped


def test_a_publication_only_goes_forward(own_lake, kills):
    """The run that was killed between two tables is finished, with all that earlier ones had read; then the next."""
    lake, run_id = own_lake, kills.runs[PUBLISH.state]
    the_account_closes(lake, run_id, {"killed.csv", *(hold.late_file for hold in BEFORE_PUBLISH)}, rows=7)
    (letter,) = lake.delivered(run_id)
    assert f"run {run_id} published: 5 files, 7 rows" in letter["subject"]
    the_account_closes(lake, kills.last_run, {PUBLISH.late_file}, rows=1)
    each_run_is_recorded_once(lake, {run_id: "succeeded", kills.last_run: "succeeded"})


def test_tables_went_from_one_publication_to_the_next_and_stood_nowhere_else(own_lake, kills):
    tables_are_whole(own_lake, kills.before, kills.runs[PUBLISH.state], kills.last_run)
    late_orders = {hold.late_file for hold in (*BEFORE_PUBLISH, PUBLISH)}
    orders = {order for (order,) in own_lake.columns("curated.sales", "order_id")}
    assert {"killed-1", "killed-2", "killed-3"} | late_orders <= orders
    nothing_is_left(own_lake)
