"""The services' state on disk: all of it as of one instant, however the process ends.

The emulator writes a file a service, one after the other, at a clean stop. A process killed in between would leave
the run table newer than the Glue catalog: runs that read as published and tables that don't have their rows. Here the
services that a publication writes to are copied between two requests, and the files replace the old ones together:

    services/.next/    the changed files, while they are written
    services/.ready/   the same folder renamed: from here on they count, and are moved to services/
"""

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Runs, files and published tables must be of one instant. Both services answer on the event loop alone.
TOGETHER = ("dynamodb", "glue")
SNAPSHOT_TRIES = 20

logger = logging.getLogger(__name__)


class SavedState:
    """The state files of one emulator. `between_requests` runs a function while no request is being answered."""

    def __init__(self, folder: Path, between_requests: Callable[[Callable[[], Any]], Any]) -> None:
        self._folder = folder
        self._next, self._ready = folder / ".next", folder / ".ready"
        self._between_requests = between_requests
        self._written: dict[str, str] = {}
        self._lock = threading.Lock()

    def recover(self) -> None:
        """Finish a save that was cut off, or forget it. Before the emulator reads the files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._next, ignore_errors=True)
        self._move_ready()

    def save(self, getters: dict[str, Callable[[], dict | None]]) -> None:
        """Write what has changed since the last save. Raises OSError (a full disk); the old state stays whole."""
        with self._lock:
            self._move_ready()
            states = self._between_requests(lambda: {name: getters[name]() for name in TOGETHER if name in getters})
            states |= {name: _copied(get) for name, get in getters.items() if name not in states}
            texts = {name: _text(name, state) for name, state in states.items() if state is not None}
            changed = {name: text for name, text in texts.items() if self._written.get(name) != text}
            if not changed:
                return
            self._write(changed)
            self._written |= changed

    def _write(self, texts: dict[str, str]) -> None:
        shutil.rmtree(self._next, ignore_errors=True)
        self._next.mkdir()
        try:
            for name, text in texts.items():
                (self._next / f"{name}.json").write_text(text)
        except OSError:
            shutil.rmtree(self._next, ignore_errors=True)
            raise
        self._next.rename(self._ready)
        self._move_ready()

    def _move_ready(self) -> None:
        if self._ready.exists():
            for file in self._ready.iterdir():
                file.replace(self._folder / file.name)
            self._ready.rmdir()


def _copied(get_state: Callable[[], dict]) -> dict:
    """A service's state, copied while threads may change it: another try when one did."""
    for _ in range(SNAPSHOT_TRIES - 1):
        try:
            return get_state()
        except RuntimeError:  # "dictionary changed size during iteration"
            time.sleep(0.01)
    return get_state()


def _text(service: str, state: dict) -> str:
    """The emulator's own format of a state file."""
    from ministack.core import persistence

    content = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(content, default=persistence._json_default)
