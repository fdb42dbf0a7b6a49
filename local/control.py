"""Start, stop and look at the local lake from the command line's process."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local.emulator import HOST, SERVICES, answers, client_environment
from local.memory import resident_bytes, with_variable
from local.server import LOCK_FILE, PROCESS_FILE

DEFAULT_PORT = 4566
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
KILLED_PATIENCE_S = 3
LOG_FILE = Path("logs") / "server.log"
STARTING_FILE = "up.lock"
PORTS_FILE = "ports.json"
ROOT = Path(__file__).resolve().parent.parent


class LakeError(RuntimeError):
    """Something about the local lake that a person can act on; the message is one clear sentence."""


@dataclass(frozen=True)
class LakeProcess:
    """A running lake. `started_at` is ISO 8601 in UTC."""

    pid: int
    port: int
    url: str
    smtp_port: int
    started_at: str
    state_dir: Path


def up(state_dir: Path, port: int | None = None, progress: Callable[[str], None] = lambda text: None) -> LakeProcess:
    """Start the lake of `state_dir`, or find it running. Returns when it answers.

    `progress` is told each step in a few words. Raises LakeError: the port is taken, another start is
    under way, or the daemon ended at its start.
    """
    state_dir = Path(state_dir).absolute()
    refuse_foreign_folder(state_dir)
    state_dir.mkdir(parents=True, exist_ok=True)
    with _only_start(state_dir):
        running = status(state_dir)
        if running is not None:
            if port not in (None, running.port):
                raise LakeError(
                    f"The local lake already runs on port {running.port}: "
                    f"use that, or run `shoplake down` before starting it on port {port}."
                )
            return running
        # A daemon that was just killed keeps its lock for a moment.
        if not _wait_until(lambda: not is_locked(state_dir), KILLED_PATIENCE_S):
            raise LakeError(
                f"The local lake of {state_dir} runs but doesn't answer: run `shoplake down` and then `shoplake up`."
            )
        _end_leftovers(state_dir)
        before = _read_json(state_dir / PORTS_FILE)
        port = _choose_port(port, before.get("port"))
        smtp_port = _first_free([before.get("smtp_port")])
        progress(f"starting the local lake on port {port}")
        return _start(state_dir, port, smtp_port)


def down(state_dir: Path) -> bool:
    """Stop the lake, keeping its state. Returns whether one was running."""
    state_dir = Path(state_dir).absolute()
    if not is_locked(state_dir):
        (state_dir / PROCESS_FILE).unlink(missing_ok=True)
        _end_leftovers(state_dir)
        return False
    pid = _read_json(state_dir / PROCESS_FILE).get("pid")
    if pid is None:
        raise LakeError("The local lake is just starting or stopping: try again in a few seconds.")
    _signal(pid, signal.SIGTERM)
    if not _wait_until(lambda: not is_locked(state_dir), STOP_TIMEOUT_S):
        # The daemon leads a process group of its own: functions and Spark end with it.
        _signal(-pid, signal.SIGKILL)
        _wait_until(lambda: not is_locked(state_dir), STOP_TIMEOUT_S)
    (state_dir / PROCESS_FILE).unlink(missing_ok=True)
    return True


def status(state_dir: Path) -> LakeProcess | None:
    """The running lake of `state_dir`; None when there is none or it doesn't answer."""
    state_dir = Path(state_dir).absolute()
    found = _read_json(state_dir / PROCESS_FILE)
    if not found:
        return None
    if not is_locked(state_dir):
        (state_dir / PROCESS_FILE).unlink(missing_ok=True)  # left behind by a daemon that was killed
        return None
    process = LakeProcess(**found, state_dir=state_dir)
    return process if answers(process.url, timeout_s=5) else None


def reset(state_dir: Path) -> None:
    """Stop the lake and delete all that it holds: tables, files, runs, mail and logs."""
    state_dir = Path(state_dir).absolute()
    refuse_foreign_folder(state_dir)
    down(state_dir)
    if state_dir.exists():
        shutil.rmtree(state_dir)


def environment(process: LakeProcess) -> dict[str, str]:
    """Variables that lead AWS clients to this lake, whatever the person's own shell says."""
    return client_environment(process.url, process.state_dir)


def memory_bytes(process: LakeProcess) -> int:
    """Resident memory of the daemon and all processes that it started; 0 where /proc is missing."""
    return resident_bytes(process.pid)


def refuse_foreign_folder(state_dir: Path) -> None:
    """A folder that holds anything but a lake is not used, since `reset` deletes it whole."""
    if not state_dir.exists() or (state_dir / STARTING_FILE).exists():
        return
    if not state_dir.is_dir() or any(state_dir.iterdir()):
        raise LakeError(f"{state_dir} holds something other than a local lake: give an empty or new folder.")


@contextmanager
def _only_start(state_dir: Path) -> Iterator[None]:
    with open(state_dir / STARTING_FILE, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeError("Another `shoplake up` is starting this lake: wait for it to finish.") from None
        yield


def is_locked(state_dir: Path) -> bool:
    """Whether a daemon owns the folder. Its lock ends with it, however it ends."""
    try:
        with open(state_dir / LOCK_FILE) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def _end_leftovers(state_dir: Path) -> None:
    """End functions and Spark of a daemon that was killed.

    They would go on where they were, find the next daemon on the same port, and write to it in the name of a run
    that it has closed meanwhile. (A parent-death signal would end them at once, but Linux sends it when the thread
    that started them ends, and the emulator starts functions on threads of one call.)
    """
    variable = "STATE_DIR", str(state_dir / SERVICES)
    for pid in with_variable(*variable):
        _signal(pid, signal.SIGKILL)
    _wait_until(lambda: not with_variable(*variable), KILLED_PATIENCE_S)


def _choose_port(asked: int | None, before: int | None) -> int:
    """The asked port; else the one that this lake had, since URLs of queues are stored; else a free one."""
    if asked is None:
        return _first_free([before, DEFAULT_PORT])
    if not is_free(asked):
        raise LakeError(
            f"Port {asked} is taken by another program: stop that program, give another --port, "
            "or leave it out and a free one is chosen."
        )
    return asked


def _first_free(wanted: list[int | None]) -> int:
    for port in wanted:
        if port is not None and is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _start(state_dir: Path, port: int, smtp_port: int) -> LakeProcess:
    log_path = state_dir / LOG_FILE
    log_path.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "local.server", "--state-dir", str(state_dir)]
    command += ["--port", str(port), "--smtp-port", str(smtp_port)]
    with open(log_path, "ab") as log:
        # A session of its own: the daemon doesn't end with the terminal that started it.
        daemon = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            raise LakeError(f"The local lake ended at its start: {_last_line(log_path)} (log: {log_path})")
        running = status(state_dir)
        if running is not None and running.pid == daemon.pid:
            (state_dir / PORTS_FILE).write_text(json.dumps({"port": port, "smtp_port": smtp_port}))
            return running
        time.sleep(0.05)
    _signal(-daemon.pid, signal.SIGKILL)
    raise LakeError(f"The local lake did not answer within {START_TIMEOUT_S} s (log: {log_path})")


def _last_line(log_path: Path) -> str:
    lines = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it logged nothing"


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _signal(pid: int, number: signal.Signals) -> None:
    """Signal a process, or with a negative number its group. One that is gone already is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
