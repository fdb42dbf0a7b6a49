"""The lake keeps to itself, and what it holds outlives its daemon."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.memory import family
from tests.end_to_end.local_lake import LocalLake, eventually
from tests.end_to_end.orders import orders_file

pytestmark = pytest.mark.lake

LISTENING = "0A"  # TCP_LISTEN in the kernel's tables
MAX_MEMORY_BYTES = 4_000_000_000


@dataclass(frozen=True)
class Seen:
    """All that the commands tell of what the lake holds."""

    tables: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    mail: list[dict[str, str]]
    files: dict[str, int]
    contents: dict[str, list[tuple]]

    @classmethod
    def of(cls, lake: LocalLake) -> "Seen":
        contents = {name: sorted(rows, key=repr) for name, rows in lake.contents().items()}
        return cls(lake.ask("tables"), lake.ask("runs"), lake.ask("mail"), lake.status()["files"], contents)


@pytest.fixture(scope="module")
def before(lake, tmp_path_factory):
    """A lake that holds a published file, and nothing else that matters here."""
    lake.clear()
    lake.load(orders_file(tmp_path_factory.mktemp("orders"), "before"))
    return Seen.of(lake)


@pytest.fixture(scope="module")
def restarted(lake, before):
    """What the lake shows after `down` and `up`."""
    assert lake.command("down").exit_code == 0
    assert lake.command("status").exit_code == 1
    up = lake.command("up")
    assert up.exit_code == 0, up.err
    return Seen.of(lake)


def wait_until_idle(lake: LocalLake) -> None:
    """Until no run is going and no file waits for one."""
    eventually(lambda: lake.running_run() is None and "received" not in lake.states_of_files(), 120)


def program_of(pid: int) -> str | None:
    """The name of a process's program; None when it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except FileNotFoundError:
        return None


def test_nothing_listens_beyond_loopback(lake, before):
    processes = family(lake.process.pid)
    programs = {program_of(pid) for pid in processes}
    assert "java" in programs  # Spark is among those that are looked at
    addresses = listening_addresses(processes)
    assert ("127.0.0.1", lake.process.port) in addresses
    assert {address for address, _ in addresses} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_everything_is_as_it_was_after_down_and_up(before, restarted):
    assert restarted == before


def test_up_again_changes_nothing(lake, restarted):
    wait_until_idle(lake)
    held, pid = Seen.of(lake), lake.process.pid
    up = lake.command("up")
    assert (up.exit_code, lake.process.pid) == (0, pid)
    assert "Everything was deployed already." in up.out
    wait_until_idle(lake)
    assert Seen.of(lake) == held


def test_the_whole_lake_fits_into_four_gigabytes(lake, restarted, tmp_path):
    lake.load(orders_file(tmp_path, "again"))
    assert 500e6 < lake.status()["memory_bytes"] < MAX_MEMORY_BYTES


def listening_addresses(pids: list[int]) -> set[tuple[str, int]]:
    """Address and port of each TCP socket that one of these processes listens on, from /proc."""
    sockets = set()
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):  # a process that has just ended listens no more
            for link in Path(f"/proc/{pid}/fd").iterdir():
                sockets.add(os.readlink(link))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.add((readable(address), int(port, 16)))
    return found


def readable(address: str) -> str:
    """An address as /proc/net has it, little-endian words in hexadecimal, as people write it."""
    packed = bytes.fromhex(address)
    words = b"".join(packed[start : start + 4][::-1] for start in range(0, len(packed), 4))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words)
