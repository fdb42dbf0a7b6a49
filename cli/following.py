"""Follow runs until they end: a live view on a terminal, a line for each change elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from cli.connection import command
from cli.rendering import progress_view, seconds
from shoplake.config import Lake
from shoplake.dispatch import Dispatcher, execution_status
from shoplake.errors import ShoplakeError
from shoplake.files import CLAIMED, RECEIVED, Files
from shoplake.receipt import StateTime, state_times
from shoplake.runs import ENDED, Runs
from shoplake.times import now
from shoplake.words import counted

POLL_S = 0.5
FILES_AT_ONCE = 100  # asked about in one go while many wait
INTERRUPTED = 130


class Screen(Protocol):
    """Where the progress of runs is shown."""

    def note(self, text: str) -> None: ...

    def show(self, record: dict[str, Any], states: Sequence[StateTime], ended: bool) -> None: ...


class LineScreen:
    """One line for each change, for logs and pipes."""

    def __init__(self, console: Console):
        self._console = console
        self._last_note = ""
        self._said: set[tuple[str, int, str]] = set()

    def note(self, text: str) -> None:
        if text != self._last_note:
            self._last_note = text
            self._console.print(text)

    def show(self, record: dict[str, Any], states: Sequence[StateTime], ended: bool) -> None:
        run_id = record["id"]
        for number, state in enumerate(states):
            took = f" in {seconds(state.seconds)}" if state.seconds is not None else ""
            error = f" ({state.error})" if state.error else ""
            self._say_once((run_id, number, state.state), f"{run_id}  {state.name}: {state.state}{took}{error}")
        if ended:
            self._say_once((run_id, -1, record["state"]), f"{run_id}  {record['state']}")

    def _say_once(self, change: tuple[str, int, str], text: str) -> None:
        if change not in self._said:
            self._said.add(change)
            self._console.print(text)


class LiveScreen:
    """The run's states, redrawn in place; what has ended stays on the terminal."""

    def __init__(self, live: Live):
        self._live = live

    def note(self, text: str) -> None:
        self._live.update(Text(text, style="dim"))

    def show(self, record: dict[str, Any], states: Sequence[StateTime], ended: bool) -> None:
        view = progress_view(record, states, now())
        if ended:
            self._live.update(Group(), refresh=True)
            self._live.console.print(view)
        else:
            self._live.update(view)


class Follower:
    """Waits for runs, for `timeout_s` seconds in all (None: for ever), and shows how they go."""

    def __init__(self, lake: Lake, screen: Screen, timeout_s: float | None):
        self.lake = lake
        self.current: str | None = None  # the run that is being followed
        self._screen = screen
        self._runs, self._files, self._dispatcher = Runs(lake.runs_table), Files(lake.files_table), Dispatcher(lake)
        self._timeout_s = timeout_s
        self._began = time.monotonic()

    def run(self, run_id: str) -> dict[str, Any]:
        """Follow a run until it ends; its record. Raises ShoplakeError when the time is over."""
        self.current = run_id
        while True:
            # The record ends a little before the execution, whose last state then sends the e-mail.
            record = self._runs.get(run_id)
            ended = record["state"] in ENDED and execution_status(self.lake, run_id) != "RUNNING"
            self._screen.show(record, state_times(self.lake, run_id)[0], ended)
            if ended:
                self.current = None
                return record
            self._pause(f"Run {run_id} is still going")

    def files(self, object_ids: Sequence[str]) -> list[str]:
        """Follow until every object version has been through a run; the runs that took them, in order.

        Runs go one at a time, so a run that has claimed a file is followed to its end, and what then still
        waits (it came after the manifest was closed, or goes back after a failure) goes on waiting.
        """
        waiting, taken_by = list(object_ids), []
        while waiting:
            some, waiting = waiting[:FILES_AT_ONCE], waiting[FILES_AT_ONCE:]
            known = self._files.get_many(some)
            items = {object_id: known.get(object_id, {}) for object_id in some}
            takers = (item["run_id"] for item in items.values() if "run_id" in item)
            fresh = dict.fromkeys(run_id for run_id in takers if run_id not in taken_by)
            for run_id in fresh:
                self.run(run_id)
                taken_by.append(run_id)
            still = [i for i, item in items.items() if item.get("state", RECEIVED) in (RECEIVED, CLAIMED)]
            waiting += still
            if still and not fresh:
                self._note_waiting(len(waiting))
                self._pause(f"{_files(len(waiting))} still waiting")
        return taken_by

    def until_free(self) -> list[dict[str, Any]]:
        """Follow the runs that hold the lake, until none does; their records."""
        followed = []
        while (lock := self._runs.lock()) is not None:
            record = self._runs.get(lock.run_id)
            if record and record["state"] not in ENDED:
                followed.append(self.run(lock.run_id))
            else:
                self._pause(f"Run {lock.run_id} still holds the lake")
        return followed

    def next_run(self) -> str:
        """The run that is going, or the next one that starts."""
        before = {record["id"] for record in self._runs.latest(1)}
        while True:
            latest = self._runs.latest(1)
            if latest and (latest[0]["id"] not in before or latest[0]["state"] not in ENDED):
                return latest[0]["id"]
            self._screen.note("No run is going: waiting for the next one.")
            self._pause("No run has started")

    def _note_waiting(self, count: int) -> None:
        lock = self._runs.lock()
        hindrance = None if lock else self._dispatcher.hindrance(now())
        if hindrance and hindrance.over_budget:
            allow = command(self.lake.env, f"run --max-dollars {hindrance.over_budget.allowed_by}")
            raise ShoplakeError(f"No run is started: {hindrance.over_budget.sentence}. {allow} allows it this once.")
        reason = f"run {lock.run_id} to end" if lock else "a run"
        if hindrance and hindrance.not_before:
            reason = f"a run, which starts at {hindrance.not_before[11:16]} UTC at the earliest"
        self._screen.note(f"{_files(count)} waiting for {reason}")

    def _pause(self, situation: str) -> None:
        if self._timeout_s is not None and time.monotonic() - self._began > self._timeout_s:
            watch = command(self.lake.env, f"watch {self.current}" if self.current else "watch")
            raise ShoplakeError(f"{situation} after {self._timeout_s:g} s: {watch} follows on.")
        time.sleep(POLL_S)


@contextmanager
def following(lake: Lake, console: Console, timeout_s: float | None) -> Iterator[Follower]:
    """A follower that shows its progress on the console. Ctrl-C ends the following, not the run: exit code 130."""
    live = Live(console=console, transient=True, refresh_per_second=8) if console.is_terminal else None
    follower = Follower(lake, LiveScreen(live) if live else LineScreen(console), timeout_s)
    try:
        with live or nullcontext():
            yield follower
    except KeyboardInterrupt:
        what = f"Run {follower.current} goes on" if follower.current else "The lake goes on without you"
        again = command(lake.env, f"watch {follower.current}" if follower.current else "watch")
        typer.echo(f"{what}: {again} follows it again.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _files(count: int) -> str:
    return f"{counted(count, 'file')} {'is' if count == 1 else 'are'}"
