"""A machine that fails: kill -9 of the lake while a run is in each of its states, and a full disk.

After a kill there is `shoplake up` and nothing else. Just before it another file comes in, too late for anything that
was saved to know of it.
"""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.local_lake import RUN_TIMEOUT_S, LocalLake, eventually, free_port
from tests.end_to_end.orders import csv_text, order_line, orders_file
from tests.end_to_end.traces import (
    Published,
    each_run_is_recorded_once,
    history,
    leaves_no_trace,
    nothing_is_left,
    tables_are_whole,
    the_account_closes,
)

pytestmark = pytest.mark.lake

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
    """How a run is held in a state: by a job that has written all and doesn't end, or by a function that waits."""

    state: str
    name: str
    change: Callable[[str], str]
    of_a_job: bool = True

    def on(self, lake: LocalLake) -> AbstractContextManager:
        changed = lake.script_changed if self.of_a_job else lake.function_changed
        return changed(self.name, self.change)


VALIDATE = Hold("Validate and stage files", "file_validator", lambda text: text + HOLD_EVERY_CALL, of_a_job=False)
JOBS = [
    Hold("Transform", "transaction_etl", lambda text: text + HOLD),
    Hold("Merge master data", "master_data_merge", lambda text: text + HOLD),
    Hold("Check quality", "quality_gate", lambda text: text + HOLD),
]
PUBLISH = Hold("Publish", "publish", lambda text: text + HOLD_AFTER_ONE_TABLE, of_a_job=False)


FILL_THE_DISK = """
with open({filler!r}, "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(1_000_000))
    except OSError:
        pass
"""
DISK = "600m"


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
def own_lake(disk):
    """A new lake. It starts Spark with a run's first job: after each kill there is one run or two."""
    lake = LocalLake(disk / "lake", SHOPLAKE_WARM_SPARK="0")
    try:
        up = lake.command("up", "--port", str(free_port()))
        assert up.exit_code == 0, up.err
        yield lake
    finally:
        lake.command("down")


@dataclass(frozen=True)
class Killed:
    """A run that died with the lake, what was published before it, its file, and the file that came too late."""

    run_id: str
    before: Published
    file: str
    late_file: str


def kill_while(lake: LocalLake, hold: Hold, folder: Path, is_held: Callable[[str], bool]) -> Killed:
    """Drop a file, hold its run, put another file, kill the lake, and start it again."""
    name = hold.state.split()[0].lower()
    file, late_file = orders_file(folder, name), f"{name}-late.csv"
    before = Published.of(lake)
    hold.on(lake).__enter__()  # `up` deploys again what belongs there
    lake.drop(file)
    run_id = eventually(lake.running_run, 60)
    eventually(lambda: is_held(run_id), 120)
    lake.put(f"raw/transactions/{late_file}", csv_text(order_line(f"{name}-late")).encode())
    children = lake.kill()
    up = lake.command("up")
    assert up.exit_code == 0, up.err
    eventually(lambda: not any(is_running(pid) for pid in children), 10)
    return Killed(run_id, before, file.name, late_file)


def is_running(pid: int) -> bool:
    """Whether the process is there, and no zombie that nobody has waited for."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def is_saved(lake: LocalLake, service: str, *words: str) -> bool:
    """Whether a service's state on disk has these words: what a kill leaves of it."""
    saved = (lake.state_dir / "services" / f"{service}.json").read_text()
    return all(word in saved for word in words)


def test_killed_while_validating(own_lake, tmp_path):
    lake = own_lake

    def is_validating(run_id: str) -> bool:
        return is_saved(lake, "stepfunctions", f"execution:{lake.names.state_machine_name}:{run_id}")

    killed = kill_while(lake, VALIDATE, tmp_path, is_validating)
    leaves_nothing(lake, killed, VALIDATE.state)


@pytest.mark.parametrize("hold", JOBS, ids=lambda hold: hold.name)
def test_killed_while_a_job_is_at_work(own_lake, tmp_path, hold):
    lake = own_lake

    def has_written(run_id: str) -> bool:
        return f"runs/{run_id}/ledger/{hold.name}.json" in lake.objects(f"runs/{run_id}/ledger/")

    killed = kill_while(lake, hold, tmp_path, has_written)
    leaves_nothing(lake, killed, hold.state)


def leaves_nothing(lake: LocalLake, killed: Killed, state: str) -> None:
    """The run failed, and the next one, which `up` started, published its file and the late one."""
    next_run = lake.run_after(killed.run_id)
    files = {killed.file, killed.late_file}
    leaves_no_trace(lake, killed.before, killed.run_id, state, next_run, files, rows=4)


def test_killed_between_two_tables_of_a_publication(own_lake, tmp_path):
    """A publication only goes forward: the same run is finished, and the next one takes the late file."""
    lake = own_lake
    moves = Published.of(lake).moves["processed.transactions"]

    def has_moved_one(run_id: str) -> bool:
        moved = len(history(lake, "processed.transactions")) == moves + 1
        return moved and is_saved(lake, "dynamodb", run_id, "publishing")

    killed = kill_while(lake, PUBLISH, tmp_path, has_moved_one)
    next_run = lake.run_after(killed.run_id)
    tables_are_whole(lake, killed.before, killed.run_id, next_run)
    the_account_closes(lake, killed.run_id, {killed.file}, rows=3)
    the_account_closes(lake, next_run, {killed.late_file}, rows=1)
    (letter,) = lake.delivered(killed.run_id)
    assert f"run {killed.run_id} published: 1 file, 3 rows" in letter["subject"]
    each_run_is_recorded_once(lake, {killed.run_id: "succeeded", next_run: "succeeded"})
    nothing_is_left(lake)


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
