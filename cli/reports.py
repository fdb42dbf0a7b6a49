"""Find runs by their names, and what is known of them: the stored receipt of an ended one, else a report made now."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from cli.connection import command
from cli.errors import Misuse
from shoplake.aws import client, get_json_or_none
from shoplake.config import Lake
from shoplake.dispatch import Dispatcher
from shoplake.files import RECEIVED, Files
from shoplake.held import held_files
from shoplake.monitoring import alarms_that_are_on
from shoplake.receipt import build_report
from shoplake.runs import ENDED, FAILED, Runs
from shoplake.times import now

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
        stored = get_json_or_none(lake.bucket, lake.run_keys(record["id"]).receipt)
        if stored is not None:
            return stored
    report = build_report(lake, record)
    return {"show": report.as_show(), "receipt": report.as_receipt()}


def failure_of(lake: Lake, record: dict[str, Any]) -> dict[str, Any] | None:
    """State, error and sentence of a failed run, where they were noted."""
    if record["state"] != FAILED:
        return None
    return get_json_or_none(lake.bucket, lake.run_keys(record["id"]).failure)


def standing_of(lake: Lake) -> dict[str, Any]:
    """How the lake is: the run that is going and the last one, files that wait or are held, and what hinders a run.

    `next_run` is None where nothing hinders a run over the files that wait, or none waits.
    """
    runs, held = Runs(lake.runs_table), held_files(lake)
    lock, latest = runs.lock(), runs.latest(1)
    return {
        "running_run": lock.run_id if lock else None,
        "files": {"waiting": len(Files(lake.files_table).waiting(RECEIVED)), "held": len(held)},
        "alarms": alarms_that_are_on(lake),
        "last_run": {"run_id": latest[0]["id"], "state": latest[0]["state"]} if latest else None,
        "next_run": _next_run(lake),
        "held_files": [asdict(file) for file in held],
    }


def _next_run(lake: Lake) -> dict[str, Any] | None:
    hindrance = Dispatcher(lake).hindrance(now())
    if hindrance is None or not (hindrance.not_before or hindrance.over_budget):
        return None
    over, sentence = hindrance.over_budget, f"not before {hindrance.not_before}"
    if over:
        allow = command(lake.env, f"run --max-dollars {over.allowed_by}")
        sentence = f"not started: {over.sentence}; {allow} allows it once"
    return {
        "not_before": hindrance.not_before,
        "over_budget": over.as_json() if over else None,
        "sentence": sentence,
    }


def list_runs(lake: Lake, limit: int) -> list[dict[str, Any]]:
    """The newest runs first, in the form of `runs --json`."""
    records = Runs(lake.runs_table).latest(limit)
    return [{name: show[name] for name in _OF_LIST} for show in _shows(lake, records)]


def _shows(lake: Lake, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    for service in ("s3", "glue", "stepfunctions"):
        client(service)  # made once, before the threads ask for it
    with ThreadPoolExecutor(8) as pool:
        return [report["show"] for report in pool.map(lambda record: report_of(lake, record), records)]
