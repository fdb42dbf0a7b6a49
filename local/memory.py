"""Processes of a lake and their memory, from Linux's /proc."""

from pathlib import Path

PROC = Path("/proc")


def resident_bytes(pid: int) -> int:
    """Memory of `pid` and its descendants; 0 where /proc is missing.

    A page that several of them share counts once (proportional set size), where the kernel says so.
    """
    return sum(_proportional_bytes(one) or _resident_bytes(one) for one in family(pid))


def family(pid: int) -> list[int]:
    """`pid` and its descendants that are alive."""
    children: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*"):
        parent = _parent(int(entry.name))
        if parent is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def with_variable(name: str, value: str) -> list[int]:
    """Processes that were started with this environment variable, as far as this user may see them."""
    wanted, found = f"{name}={value}".encode(), []
    for entry in PROC.glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or another user's
            continue
        if wanted in variables:
            found.append(int(entry.name))
    return found


def _parent(pid: int) -> int | None:
    parent = _status_field(pid, "PPid")
    return None if parent is None else int(parent)


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _resident_bytes(pid: int) -> int:
    resident = _status_field(pid, "VmRSS")
    return 0 if resident is None else int(resident.removesuffix(" kB")) * 1024


def _status_field(pid: int, name: str) -> str | None:
    """One field of /proc/PID/status; None when the process has ended or has no such field."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    for line in lines:
        field, _, value = line.partition(":")
        if field == name:
            return value.strip()
    return None
