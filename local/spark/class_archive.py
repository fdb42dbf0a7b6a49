"""The classes that Spark's JVM needs, in a file that Java maps at its start instead of reading 300 jars again.

`python -m local.spark.class_archive` makes it, once, by a warm-up of a driver; a second call is instant. It saves a
quarter of what a cold lake waits for. Java looks itself whether the file still fits its version and the jars, and
does without it where not ("Application Class-Data Sharing" in Java's documentation).
"""

import os
import socket
import sys
import tempfile
import time
from pathlib import Path

from local.emulator import HOST, Emulator
from local.jars import JarsMissing, class_archive
from local.java import JavaMissing
from local.spark.process import DriverProcess
from local.spark.settings import spark_settings

WARM_UP_TIMEOUT_S = 300
DUMP_TIMEOUT_S = 120


class ArchiveFailed(RuntimeError):
    """The driver ended, or wasn't warm in time."""


def make() -> Path:
    """The archive, made when it isn't there yet. Raises ArchiveFailed, JarsMissing or JavaMissing."""
    target = class_archive()
    if target.is_file():
        return target
    partial = target.with_suffix(".partial")
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(_free_port(), Path(folder)).start()
        try:
            settings = spark_settings(emulator.url, warehouse=None)
            driver = DriverProcess(Path(folder) / "spark", settings, lambda: None, new_archive=partial)
            driver.send({"do": "warm_up"})
            deadline = time.monotonic() + WARM_UP_TIMEOUT_S
            while driver.is_alive() and not driver.is_warm and time.monotonic() < deadline:
                time.sleep(0.1)
            driver.end(DUMP_TIMEOUT_S)
        finally:
            emulator.stop()
    if not driver.is_warm or not partial.is_file():
        partial.unlink(missing_ok=True)
        raise ArchiveFailed("Spark could not be warmed up for its archive of classes; it starts without, more slowly.")
    return partial.rename(target)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def main() -> int:
    """Make the archive and say so. What fails is told, and no reason to end an installation: it only saves time."""
    started = time.monotonic()
    try:
        size = make().stat().st_size
    except (ArchiveFailed, JarsMissing, JavaMissing) as problem:
        print(problem, file=sys.stderr)
        return 0
    print(f"Spark's classes are archived: {size / 1e6:,.0f} MB in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads of the emulator may be left
