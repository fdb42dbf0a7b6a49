"""How fast is `shoplake generate`, and how much memory does it take?

    make bench

Writes a shop of the wanted size into a temporary folder, with and without clicks, and prints megabytes, CPU
milliseconds a megabyte (which neighbours on the machine don't change), MB/s and the most memory held.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = {  # orders of a day, datasets, and the days that make about 100 MB of them
    "everything, 500 orders a day": (500, None, 4),
    "everything, 20,000 orders a day": (20_000, None, 1),
    "everything, 2% dirt": (500, None, 4),
    "orders and products, 20,000 orders a day": (20_000, "transactions,products", 10),
}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--times", type=int, default=1, help="this many times the days")
    given = options.parse_args()
    for name, (orders, datasets, days) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["--days", days * given.times, "--orders-per-day", orders, "--out", f"{folder}/shop"]
            arguments += ["--datasets", datasets] if datasets else []
            arguments += ["--dirt", "0.02"] if "dirt" in name else []
            print(f"{name}: {measured(arguments, Path(folder))}", flush=True)


def measured(arguments: list, folder: Path) -> str:
    """One run in a process of its own."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "cli.main", "generate", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return (
        f"{megabytes:,.0f} MB, {1000 * cpu_s / megabytes:.0f} ms of CPU a MB, {megabytes / seconds:.0f} MB/s; "
        f"most memory of a process so far {after.ru_maxrss / 1024:,.0f} MB"
    )


if __name__ == "__main__":
    main()
