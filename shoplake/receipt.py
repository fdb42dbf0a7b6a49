"""What a run did and what it cost, put together from the verdicts, the ledgers and the execution's history."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shoplake.aws import client, list_keys
from shoplake.config import Lake
from shoplake.manifest import read_manifest
from shoplake.state_machine import top_level_states
from shoplake.times import iso, parse
from shoplake.verdicts import MAX_PROBLEMS, Verdict, read_ledgers, read_verdicts

OUTCOMES = ("applied", "unchanged", "superseded", "quarantined", "duplicate")
_MAP_STATE = "Validate and stage files"
_CRAWL_STATE = "Crawl raw"


@dataclass
class StateTime:
    """One state of a run: when it was entered, how long it took, what it used."""

    name: str
    state: str
    started_at: str
    seconds: float | None = None
    error: str | None = None
    dpu_seconds: float = 0.0
    dollars: float = 0.0


@dataclass
class Report:
    """Everything that is to be said of one run, finished or not."""

    run: dict[str, Any]
    inputs: list[dict[str, Any]] = field(default_factory=list)
    states: list[StateTime] = field(default_factory=list)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    dollars: float = 0.0
    datasets: list[str] = field(default_factory=list)

    def as_show(self) -> dict[str, Any]:
        """The form of `shoplake show --json`."""
        states = [
            {
                "name": s.name,
                "state": s.state,
                "started_at": s.started_at,
                "seconds": s.seconds,
                "error": s.error,
            }
            for s in self.states
        ]
        return {**self.run, "inputs": self.inputs, "states": states, "tables": self.tables}

    def as_receipt(self) -> dict[str, Any]:
        """The form of `shoplake receipt --json`."""
        states = [
            {"name": s.name, "seconds": s.seconds, "dpu_seconds": s.dpu_seconds, "dollars": s.dollars}
            for s in self.states
        ]
        return {
            "run_id": self.run["run_id"],
            "bytes_in": self.run["bytes_in"],
            "rows": self.run["rows"],
            "states": states,
            "seconds": self.run["seconds"],
            "dollars": self.run["dollars"],
            "peak_memory_bytes": self.peak_memory_bytes,
        }


def build_report(lake: Lake, record: dict[str, Any], ended_at: datetime | None = None) -> Report:
    """The report of a run as far as it has come. `record` is its item in the table `runs`."""
    run_id = record["id"]
    keys = lake.run_keys(run_id)
    verdicts = read_verdicts(lake.bucket, keys)
    ledgers = read_ledgers(lake.bucket, keys)
    states, transitions = state_times(lake, run_id)
    if ended_at is not None and states and states[-1].seconds is None:
        _end(states[-1], ended_at, "succeeded")  # the state that writes this very report
    _add_costs(lake, run_id, states, verdicts)
    inputs = file_lines(verdicts, ledgers)
    dollars = sum(s.dollars for s in states)
    dollars += (transitions + 2 * len(verdicts)) / 1000 * lake.inventory.prices.states_thousand_transitions
    end = ended_at or (parse(record["ended_at"]) if record.get("ended_at") else None)
    run = {
        "run_id": run_id,
        "state": record["state"],
        "started_at": record["started_at"],
        "ended_at": iso(end) if end else None,
        "files": _file_counts(inputs),
        "rows": {name: sum(line["rows"][name] for line in inputs) for name in ("read", *OUTCOMES)},
        "seconds": round((end - parse(record["started_at"])).total_seconds(), 3) if end else None,
        "dollars": round(dollars, 6),
        "bytes_in": int(record.get("bytes_in", 0)),
        "mode": record["mode"],
        "replay_of": record.get("replay_of"),
    }
    tables: dict[str, dict[str, int]] = {}
    for ledger in ledgers:
        tables |= ledger["tables"]
    peaks = [v.peak_memory_bytes for v in verdicts] + [ledger["peak_memory_bytes"] for ledger in ledgers]
    # From the manifest, since a run may end before it has verdicts.
    datasets = sorted({file.dataset for file in read_manifest(lake, run_id) if file.dataset})
    return Report(run, inputs, states, tables, max(peaks, default=0), dollars, datasets)


def file_lines(verdicts: list[Verdict], ledgers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every file of a run: its verdict, completed by what the job made of its rows."""
    return [_file_line(verdict, _counts_of(verdict, ledgers)) for verdict in verdicts]


def by_interest(files: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A run's files as a person wants them: refused ones first, then rejects, duplicates, and unknown columns."""
    verdicts = ("refused", "accepted_with_rejects", "duplicate", "accepted")
    return sorted(files, key=lambda file: (verdicts.index(file["verdict"]), not file["extra_columns"]))


def problem_text(problem: dict[str, Any]) -> str:
    """One problem of a file in words: `line 19, price = '-4.99': below_minimum`."""
    where = "file" if problem["line"] is None else f"line {problem['line']}"
    if problem["column"]:
        where += f", {problem['column']}"
        where += "" if problem["value"] is None else f" = {problem['value']!r}"
    return f"{where}: {problem['rule']}"


def _file_line(verdict: Verdict, counts: dict[str, Any]) -> dict[str, Any]:
    rows = {"read": verdict.rows_read, **{name: int(counts.get(name, 0)) for name in OUTCOMES}}
    problems = [p.model_dump() for p in verdict.problems] + counts.get("problems", [])
    refused = counts.get("refused")
    word = verdict.verdict
    if refused:
        word = "refused"
    elif verdict.is_loaded:
        word = "accepted_with_rejects" if rows["quarantined"] else "accepted"
    return {
        "key": verdict.key,
        "dataset": verdict.dataset,
        "verdict": word,
        "reason": "too_many_rejects" if refused else verdict.reason,
        "sentence": refused or verdict.sentence,
        "rows": rows,
        "problems": problems[:MAX_PROBLEMS],
        "notes": verdict.notes,
        "extra_columns": verdict.extra_columns,
        "version_id": verdict.version_id,
    }


def _counts_of(verdict: Verdict, ledgers: list[dict[str, Any]]) -> dict[str, Any]:
    """The five counts of a file. A duplicate's rows are all duplicates; a refused file's were never read."""
    if verdict.verdict == "duplicate":
        return {
            "duplicate": verdict.rows_read - verdict.rows_quarantined,
            "quarantined": verdict.rows_quarantined,
        }
    for ledger in ledgers:
        found = ledger["files"].get(str(verdict.number))
        if found is not None:
            return {**found, "quarantined": found["quarantined"] + verdict.rows_quarantined}
    return {"quarantined": verdict.rows_quarantined}


def _file_counts(inputs: list[dict[str, Any]]) -> dict[str, int]:
    words = [line["verdict"] for line in inputs]
    return {
        "accepted": words.count("accepted") + words.count("accepted_with_rejects"),
        "refused": words.count("refused"),
        "duplicate": words.count("duplicate"),
    }


def state_times(lake: Lake, run_id: str) -> tuple[list[StateTime], int]:
    """The top-level states that a run has entered, in order, and how many transitions it made in all."""
    history = client("stepfunctions").get_paginator("get_execution_history")
    try:
        pages = list(history.paginate(executionArn=lake.execution_arn(run_id)))
    except client("stepfunctions").exceptions.ExecutionDoesNotExist:
        return [], 0
    own = top_level_states(lake)
    states: list[StateTime] = []
    transitions = 0
    for event in (event for page in pages for event in page["events"]):
        kind, at = event["type"], event["timestamp"]
        if kind.endswith("StateEntered"):
            transitions += 1
            name = event["stateEnteredEventDetails"]["name"]
            if name in own:
                states.append(StateTime(name, "running", iso(at)))
        elif not states:
            continue
        elif kind.endswith("StateExited"):
            if event["stateExitedEventDetails"]["name"] == states[-1].name:
                _end(states[-1], at, "failed" if states[-1].error else "succeeded")
        elif kind in ("ExecutionTimedOut", "ExecutionAborted", "ExecutionFailed"):
            if states[-1].seconds is None:
                states[-1].error = states[-1].error or kind
                _end(states[-1], at, "failed")
        elif kind.endswith(("Failed", "TimedOut")):
            details = next((v for k, v in event.items() if k.endswith("EventDetails")), {})
            states[-1].error = details.get("error") or kind
        elif kind.endswith(("Succeeded", "Scheduled")):
            states[-1].error = None  # another try
    return states, transitions


def _end(state: StateTime, at: datetime, word: str) -> None:
    state.state = word
    state.seconds = round((at - parse(state.started_at)).total_seconds(), 3)


def _add_costs(lake: Lake, run_id: str, states: list[StateTime], verdicts: list[Verdict]) -> None:
    """DPU-seconds and dollars of each state: Glue by its job runs, functions by their time and memory."""
    prices = lake.inventory.prices
    by_name = {state.name: state for state in states}
    for name, job in lake.inventory.jobs.items():
        state = by_name.get(job.state)
        if state is not None:
            used = dpu_seconds_of(lake, name, run_id)
            least = prices.glue_min_billed_s * lake.settings.worker.dpu
            state.dpu_seconds = round(state.dpu_seconds + sum(used), 3)
            state.dollars += sum(max(seconds, least) for seconds in used) / 3600 * prices.glue_dpu_hour
    crawl = by_name.get(_CRAWL_STATE)
    if crawl is not None and crawl.seconds is not None:
        crawls = len(list_keys(lake.bucket, lake.run_keys(run_id).crawls))
        crawl.dpu_seconds = round(crawls * prices.crawler_dpu * crawl.seconds, 3)
        billed_s = crawls * max(crawl.seconds, prices.crawler_min_billed_s)
        crawl.dollars += billed_s / 3600 * prices.crawler_dpu * prices.glue_dpu_hour
    for function in map(lake.function, lake.inventory.functions):
        state = by_name.get(function.state)
        if state is not None and state.seconds is not None:
            calls = len(verdicts) if state.name == _MAP_STATE else 1
            seconds = sum(v.seconds for v in verdicts) if state.name == _MAP_STATE else state.seconds
            gigabyte_seconds = seconds * function.memory_mb / 1024
            state.dollars += gigabyte_seconds * prices.lambda_gb_second_arm64
            state.dollars += calls / 1_000_000 * prices.lambda_million_requests
    for state in states:
        state.dollars = round(state.dollars, 6)


def dpu_seconds_of(lake: Lake, job: str, run_id: str) -> list[float]:
    """DPU-seconds of a job's runs in a run: Glue's own figure, else execution time by workers."""
    return [
        run.get("DPUSeconds") or run.get("ExecutionTime", 0) * lake.settings.worker.dpu
        for run in job_runs_of(lake, job, run_id)
    ]


def job_runs_of(lake: Lake, job: str, run_id: str) -> list[dict[str, Any]]:
    """Glue's runs of a job that belong to a run, the newest first."""
    answer = client("glue").get_job_runs(JobName=lake.job_name(job), MaxResults=20)
    return [run for run in answer["JobRuns"] if run.get("Arguments", {}).get("--run_id") == run_id]
