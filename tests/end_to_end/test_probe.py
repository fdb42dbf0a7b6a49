"""The probe with which `make deploy` ends, on a real lake: the one difference is that it runs on this machine.

It leaves a category in the load that other files look at, whose tables they name; each of them that needs another load
empties the lake first.
"""

import subprocess
import sys

import pytest

from local.control import environment, status
from tests.end_to_end.local_lake import ROOT, RUN_TIMEOUT_S

pytestmark = pytest.mark.lake

PROBE = """
from datetime import UTC, datetime
from deploy.probe import probe
from shoplake.config import load_lake
probe(load_lake("local"), datetime.now(UTC), print, poll_s=0.5)
"""


def test_a_probe_goes_through_a_whole_run_changes_no_figure_and_waits_for_the_e_mail(lake, three_days):
    before = contents(lake)
    probed = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=environment(status(lake.state_dir)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
    )
    assert probed.returncode == 0, probed.stderr
    dropped, taken, succeeded = probed.stdout.splitlines()
    run_id = taken.removeprefix("Run ").removesuffix(" took it")
    assert dropped.startswith("Dropped s3://shoplake-local-lake-000000000000/raw/categories/source=shop/probe-")
    assert succeeded.startswith(f"Run {run_id} succeeded, and its message was sent at ")
    assert len(lake.letters_of(run_id)) == 1
    after = contents(lake)
    assert [name for name in after if after[name] != before[name]] == ["processed.categories"]
    names = dict(lake.columns("processed.categories", "category_id", "name"))
    assert names["shoplake-probe"].startswith("Probe of 20")


def contents(lake) -> dict[str, list[str]]:
    return {name: sorted(map(repr, rows)) for name, rows in lake.contents().items()}
