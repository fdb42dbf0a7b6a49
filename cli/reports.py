"""Find runs by their names, and what is known of them: the stored receipt of an ended one, else a report made now."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cli.connection import command
from cli.errors import Misuse
from shoplake.aws import client, get_json_or_none
from shoplake.config import Lake
from shoplake.keys import RunKeys
from shoplake.receipt import build_report
from shoplake.runs import ENDED, FAILED, Runs

LATEST = "latest"
_OF_LIST = ("run_id", "state", "started_at", "ended_at", "files", "rows", "seconds", "dollars")


def find_run(lake: Lake, name: str) -> dict[str, Any]:
    """The record of a run, by its id or as `latest`. Raises Misuse where there is none."""
    runs = Runs(lake.runs_table)
    if name == LATEST:
        latest = runs.latest(1)
        if not latest:
            raise Misuse(f"There is no run yet: {command(lake.env, 'drop transactions FILE')} starts one.")
        return latest[0]
    record = runs.get(name)
    if record is None:
        raise Misuse(f"There is no run {name!r}: {command(lake.env, 'runs')} lists them.")
    return record


def report_of(lake: Lake, record: dict[str, Any]) -> dict[str, Any]:
    """`show` and `receipt` of a run, in the forms that `--json` prints."""
    if record["state"] in ENDED:
        stored = get_json_or_none(lake.bucket, RunKeys(record["id"], lake.zone("runs")).receipt)
        if stored is not None:
            return stored
    report = build_report(lake, record)
    return {"show": report.as_show(), "receipt": report.as_receipt()}


def failure_of(lake: Lake, record: dict[str, Any]) -> dict[str, Any] | None:
    """State, error and sentence of a failed run, where they were noted."""
    if record["state"] != FAILED:
        return None
    return get_json_or_none(lake.bucket, RunKeys(record["id"], lake.zone("runs")).failure)


def list_runs(lake: Lake, limit: int) -> list[dict[str, Any]]:
    """The newest runs first, in the form of `runs --json`."""
    records = Runs(lake.runs_table).latest(limit)
    return [{name: show[name] for name in _OF_LIST} for show in _shows(lake, records)]


def _shows(lake: Lake, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    for service in ("s3", "glue", "stepfunctions"):
        client(service)  # made once, before the threads ask for it
    with ThreadPoolExecutor(8) as pool:
        return [report["show"] for report in pool.map(lambda record: report_of(lake, record), records)]
