"""The daemon of the local lake: `python -m local.server --state-dir DIR --port N --smtp-port N`.

Runs the emulator with its gaps filled, the mailbox and the warm Spark driver until SIGTERM or SIGINT.
While it answers, `<state_dir>/lake.json` says where; while it lives, it holds a lock on
`<state_dir>/lake.lock`, so that a folder never has two daemons. Logs to standard error.
"""

import argparse
import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from local import gaps
from local.emulator import Emulator
from local.mailbox import Mailbox

LOCK_FILE = "lake.lock"
PROCESS_FILE = "lake.json"
# Set to 0, Spark starts with the first job instead of with the lake: saves memory where no job runs.
WARM_SPARK = "SHOPLAKE_WARM_SPARK"
SAVE_EVERY_S = 30  # even where no request asked for a change: executions and schedules go on by themselves
SAVE_PAUSE_S = 0.5  # at least, between two saves
SAVE_SHARE = 0.05  # of the time at most is spent saving, however much there is
LOCK_PATIENCE_S = 2

logger = logging.getLogger("local.server")


def main() -> None:
    arguments = _arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    state_dir = arguments.state_dir.absolute()
    state_dir.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lock = hold_lock(state_dir)
    try:
        _serve(state_dir, arguments.port, arguments.smtp_port, stop)
    except Exception as failure:
        logger.exception("The local lake ended")
        _exit(lock, f"{type(failure).__name__}: {failure}", code=1)
    _exit(lock, "The local lake has stopped.", code=0)


def hold_lock(state_dir: Path) -> IO:
    """The open, locked file: this process owns the folder as long as it is open. Exits when another does."""
    lock = (state_dir / LOCK_FILE).open("w")
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            # Somebody who asks for the lake's status holds the lock for a moment.
            if time.monotonic() > deadline:
                sys.exit(f"Another local lake already runs on {state_dir}.")
            time.sleep(0.05)


def _serve(state_dir: Path, port: int, smtp_port: int, stop: threading.Event) -> None:
    process_file = state_dir / PROCESS_FILE
    process_file.unlink(missing_ok=True)
    os.environ["SHOPLAKE_SMTP_PORT"] = str(smtp_port)
    mailbox = Mailbox(state_dir, smtp_port).start()
    emulator = Emulator(port, state_dir)
    try:
        emulator.start()
        if os.environ.get(WARM_SPARK, "1") != "0":
            gaps.warm_up_all()
        _write_process_file(process_file, emulator.url, port, smtp_port)
        logger.info("The local lake answers at %s", emulator.url)
        _save_until(stop, emulator)
    finally:
        emulator.stop()
        mailbox.stop()
        process_file.unlink(missing_ok=True)


def _save_until(stop: threading.Event, emulator: Emulator) -> None:
    """Save soon after every change: what a killed daemon has done since its last save is lost."""
    pause_s, saved_at = SAVE_PAUSE_S, time.monotonic()
    while not stop.wait(pause_s):
        began = time.monotonic()
        if not emulator.changed.is_set() and began - saved_at < SAVE_EVERY_S:
            continue
        try:
            emulator.save()
        except OSError as full:
            logger.error("The lake's state could not be saved: %s", full)
            emulator.changed.set()
        saved_at = time.monotonic()
        pause_s = max(SAVE_PAUSE_S, (saved_at - began) / SAVE_SHARE)


def _write_process_file(path: Path, url: str, port: int, smtp_port: int) -> None:
    content = {
        "pid": os.getpid(),
        "port": port,
        "url": url,
        "smtp_port": smtp_port,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)


def _exit(lock: IO, last_words: str, code: int) -> None:
    """End at once: the interpreter's own end would wait for threads of functions and executions."""
    logging.shutdown()
    # The last line of the log is what `shoplake up` shows.
    print(last_words, file=sys.stderr, flush=True)
    lock.close()
    os._exit(code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.server", description="The local lake's daemon.")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
