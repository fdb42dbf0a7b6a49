"""What a state machine runs together and must stop together.

A scope is an execution, one attempt of a Parallel or Map state, or one task with a time-out. It is over
when it was cancelled, when its execution no longer runs, or when the scope around it is over. Tasks that
wait ask their scope, so that StopExecution, time-outs and a failed sibling branch reach them, as on AWS.
"""

import contextlib
import contextvars
import threading
import time

POLL_S = 0.05

_emulator_stops = threading.Event()


class ScopeOver(Exception):
    """Whoever sees this must stop: it is not an error of the state, so no Retry or Catch applies."""


class Scope:
    def __init__(self, execution: dict, parent: "Scope | None" = None) -> None:
        self.execution = execution
        self._parent = parent
        self._cancelled = threading.Event()

    def child(self) -> "Scope":
        """A scope inside this one, of the same execution."""
        return Scope(self.execution, parent=self)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def is_over(self) -> bool:
        return (
            self._cancelled.is_set()
            or _emulator_stops.is_set()
            or self.execution.get("status") != "RUNNING"
            or (self._parent is not None and self._parent.is_over)
        )

    def check(self) -> None:
        """Raises ScopeOver when this scope is over."""
        if self.is_over:
            raise ScopeOver

    def sleep(self, seconds: float) -> None:
        """Wait; raises ScopeOver as soon as this scope is over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            self._cancelled.wait(min(left, POLL_S))
        self.check()


def end_all() -> None:
    """Every scope is over: the emulator stops."""
    _emulator_stops.set()


def emulator_stops() -> bool:
    return _emulator_stops.is_set()


_current: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("scope", default=None)


def current() -> Scope | None:
    """The scope that this thread works in; None outside an execution."""
    return _current.get()


@contextlib.contextmanager
def entered(scope: Scope):
    """Work in `scope` for the length of a with statement. Threads inherit it through their context."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)
