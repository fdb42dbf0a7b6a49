"""The e-mails: what ran, what was refused and why, what is held, what to do next. Plain text, for a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shoplake.config import Lake
from shoplake.estimate import OverBudget, dollars
from shoplake.receipt import OUTCOMES, Report, by_interest, problem_text
from shoplake.runs import FAILED
from shoplake.words import counted

MAX_SUBJECT = 99  # SNS: under 100 ASCII characters
MAX_LISTED = 20


@dataclass(frozen=True)
class Failure:
    """Why a run failed: the state, the error's name, what it said, and the dataset where that is known.

    `evidence` is the snapshot of each branch that was kept, `published` the tables that had moved by then.
    """

    state: str
    error: str
    sentence: str
    dataset: str | None = None
    are_files_held: bool = True
    evidence: dict[str, int] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Message:
    """One e-mail and the attributes that a subscription may filter by."""

    topic: str
    subject: str
    body: str
    attributes: dict[str, str | list[str]]


def success_message(
    lake: Lake, report: Report, warnings: list[str], quality: dict[str, Any] | None, held: list[str]
) -> Message:
    """The e-mail of a run that ended well, with nothing to load included."""
    run = report.run
    files, rows = run["files"], run["rows"]
    if files["accepted"]:
        headline = f"published: {counted(files['accepted'], 'file')}, {counted(rows['applied'], 'row')}"
    else:
        headline = "nothing to load"
    if files["refused"]:
        headline += f", {files['refused']} refused"
    alerts = warnings + [
        f"{f['table']}: not met{_by_rows(f)}: {f['rule']}" for f in (quality or {}).get("warnings", [])
    ]
    parts = [
        _summary(lake, report),
        _files(report),
        _tables(report),
        _listed("Warnings", alerts),
        _held(lake, held),
        _receipt(report),
        _places(lake, report, quality),
        _listed("Next", _next_after_success(lake, report)),
    ]
    return _message(
        lake,
        "notifications",
        run["run_id"],
        headline,
        parts,
        report.datasets,
        "warning" if alerts or files["refused"] else "info",
    )


def failure_message(
    lake: Lake,
    report: Report,
    failure: Failure,
    quality: dict[str, Any] | None,
    held: list[str],
    warnings: Sequence[str] = (),
) -> Message:
    """The e-mail of a run that failed: what broke, that nothing was published, and the next command."""
    run = report.run
    critical = (quality or {}).get("critical", [])
    headline = f"failed in {failure.state}"
    headline += f": {counted(len(critical), 'expectation')}" if critical else f": {failure.error}"
    cause = [
        f"State    {failure.state}",
        f"Dataset  {failure.dataset or ', '.join(report.datasets) or 'none'}",
        f"Error    {failure.error}: {failure.sentence}",
    ]
    broken = [
        f"{f['table']}: {f['rule']}: {f['unexpected']} of {f['checked']} rows, for example {f['examples']}"
        for f in critical
    ]
    evidence = [
        f"{table} at snapshot {snapshot} (branch {run['run_id']})" for table, snapshot in failure.evidence.items()
    ]
    parts = [
        _what_readers_see(failure),
        "\n".join(cause),
        _listed("Expectations that were not met", broken),
        _listed("Warnings", list(warnings)),
        _summary(lake, report),
        _files(report),
        _held(lake, held),
        _listed(f"Evidence, kept for {lake.inventory.evidence_days} days", evidence),
        _receipt(report),
        _places(lake, report, quality),
        _listed("Next", _next_after_failure(lake, run["run_id"], failure)),
    ]
    topic = "quality" if critical else "notifications"
    return _message(lake, topic, run["run_id"], headline, parts, report.datasets, "critical")


def held_message(lake: Lake, held: list[str]) -> Message:
    """The daily reminder of files that no run takes until a person decides."""
    steps = [
        "When the cause is gone: " + _command(lake, "replay RUN"),
        "To give the files up: " + _command(lake, "discard RUN") + ", or discard KEY for single ones",
    ]
    headline = f"{counted(len(held), 'file')} held: replay or discard"
    return _notice(lake, "notifications", headline, [_held(lake, held), _listed("Next", steps)], "warning")


def over_budget_message(lake: Lake, over: OverBudget) -> Message:
    """Files wait, since a run over them would cost more than a run may."""
    steps = [
        "To load them all the same, once: " + _command(lake, f"run --max-dollars {over.allowed_by}"),
        f"To allow it always: raise max_dollars of environment {lake.env} in lake.yaml, and deploy.",
        "To give up a file that waits: " + _command(lake, "discard KEY"),
    ]
    cause = f"{over.sentence}. No run was started; the files wait, and so does whatever comes after them."
    headline = f"run not started: about {dollars(over.estimate.dollars)}, over max_dollars"
    return _notice(lake, "cost", headline, [cause, _listed("Next", steps)], "warning")


def refused_request_message(lake: Lake, asked: str, sentence: str) -> Message:
    """An event asked for a run that could not be started."""
    cause = f"{asked}: {sentence}"
    return _notice(lake, "notifications", "request for a run refused", [cause], "warning")


def _notice(lake: Lake, topic: str, headline: str, parts: list[str], severity: str) -> Message:
    """An e-mail that is of no run."""
    return Message(
        topic=topic,
        subject=_subject(f"[{lake.inventory.project} {lake.env}] {headline}"),
        body="\n\n".join([f"{headline[0].upper()}{headline[1:]}.", *filter(None, parts)]) + "\n",
        attributes={"env": lake.env, "severity": severity, "dataset": ["none"]},
    )


def _subject(text: str) -> str:
    """What SNS takes: one line of ASCII."""
    return " ".join(text.encode("ascii", "replace").decode().split())[:MAX_SUBJECT]


def _message(
    lake: Lake, topic: str, run_id: str, headline: str, parts: list[str], datasets: list[str], severity: str
) -> Message:
    return Message(
        topic=topic,
        subject=_subject(f"[{lake.inventory.project} {lake.env}] run {run_id} {headline}"),
        body="\n\n".join([f"Run {run_id} {headline}.", *filter(None, parts)]) + "\n",
        attributes={"env": lake.env, "severity": severity, "dataset": datasets or ["none"]},
    )


def _summary(lake: Lake, report: Report) -> str:
    run = report.run
    files, rows = run["files"], run["rows"]
    split = f"{rows['read']:,} read = " + " + ".join(f"{rows[name]:,} {name}" for name in OUTCOMES)
    if run["state"] == FAILED:
        split = f"{rows['read']:,} read, none published"
    verdicts = f"{files['accepted']} loaded, {files['refused']} refused, {files['duplicate']} duplicate"
    lines = [f"Files    {verdicts}; {run['bytes_in']:,} bytes", f"Rows     {split}"]
    if run.get("replay_of"):
        lines.append(f"Replay   of run {run['replay_of']}")
    return "\n".join(lines)


def _files(report: Report) -> str:
    """Refused files first, then those with rejects, duplicates and columns that nobody knows; of all, the first few."""
    lines = []
    files = by_interest(report.inputs)
    for file in files[:MAX_LISTED]:
        lines.append(f"  {file['verdict']:<21} {file['key']} ({counted(file['rows']['read'], 'row')})")
        if file["sentence"]:
            lines.append(f"      {file['sentence']}")
        for problem in file["problems"][:3]:
            lines.append("      " + problem_text(problem))
        if file["extra_columns"]:
            lines.append(
                f"      columns that the contract doesn't know, kept in raw: {', '.join(file['extra_columns'][:10])}"
            )
        lines += [f"      note: {note}" for note in file["notes"]]
    if len(files) > MAX_LISTED:
        lines.append(f"  ... and {len(files) - MAX_LISTED} more: shoplake show {report.run['run_id']}")
    return "\n".join(["Files", *lines]) if lines else ""


def _tables(report: Report) -> str:
    changes = [
        f"{table:<32} {c['inserted']:>9,} inserted {c['updated']:>9,} updated {c['deleted']:>9,} deleted"
        for table, c in report.tables.items()
    ]
    return _listed("Tables", changes)


def _receipt(report: Report) -> str:
    def line(name: str, seconds: float | None, dpu_seconds: float, dollars: float) -> str:
        return f"{name:<26} {seconds or 0:>8.1f} s {dpu_seconds:>8.1f} DPU-s  ${dollars:.4f}"

    lines = [line(s.name, s.seconds, s.dpu_seconds, s.dollars) for s in report.states]
    in_all = sum(s.dpu_seconds for s in report.states)
    return _listed("Receipt", [*lines, line("In all", report.run["seconds"], in_all, report.run["dollars"])])


def _places(lake: Lake, report: Report, quality: dict[str, Any] | None) -> str:
    run_id = report.run["run_id"]
    keys = lake.run_keys(run_id)
    lines = [f"Execution    {lake.execution_arn(run_id)}", f"Run          {lake.uri(keys.folder)}"]
    if quality:
        lines.append(f"Data Docs    {lake.uri(quality['data_docs'])}")
    if report.run["rows"]["quarantined"] or report.run["files"]["refused"]:
        set_aside = [f for f in report.inputs if f["verdict"] == "refused" or f["rows"]["quarantined"]]
        places = {f"{lake.zone('quarantine')}{f['dataset'] or 'unknown'}/{run_id}/" for f in set_aside}
        lines += [f"Quarantine   {lake.uri(place)}" for place in sorted(places)]
    return _listed("Where to look", lines)


def _held(lake: Lake, held: list[str]) -> str:
    listed = held[:MAX_LISTED]
    more = [f"... and {len(held) - MAX_LISTED} more"] if len(held) > MAX_LISTED else []
    return _listed("Held until replayed or discarded", [*listed, *more])


def _next_after_success(lake: Lake, report: Report) -> list[str]:
    run_id = report.run["run_id"]
    steps = [_command(lake, f"show {run_id}")]
    if report.run["files"]["accepted"]:
        steps.append(_command(lake, 'query "SELECT * FROM daily_sales_summary ORDER BY order_day DESC LIMIT 10"'))
    return steps


def _next_after_failure(lake: Lake, run_id: str, failure: Failure) -> list[str]:
    if failure.published:
        return [
            _command(lake, f"show {run_id}"),
            "Somebody wrote to a table without the lake's lock: only runs may. Find out who, before the next run.",
            "The files' lines are published, so that a replay finds nothing to do; to stop these reminders: "
            + _command(lake, f"discard {run_id}"),
        ]
    if failure.are_files_held:
        return [
            _command(lake, f"show {run_id}"),
            "When the cause is gone: " + _command(lake, f"replay {run_id}"),
            "To give the files up: " + _command(lake, f"discard {run_id}"),
        ]
    by_themselves = "The files go into the next run by themselves; to start it now: "
    return [_command(lake, f"show {run_id}"), by_themselves + _command(lake, "run")]


def _what_readers_see(failure: Failure) -> str:
    if not failure.published:
        return "Nothing of this run was published: every table is as it was before."
    return (
        f"Published before it failed: {', '.join(failure.published)}. Each of these tables is whole; the others are as "
        "they were before, and follow when these lines change again: a replay finds them published already."
    )


def _command(lake: Lake, command: str) -> str:
    env = "" if lake.env == "local" else f" --env {lake.env}"
    return f"shoplake{env} {command}"


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _by_rows(finding: dict[str, Any]) -> str:
    """What was found, where it is a figure; else how many rows break an expectation, where it is of rows."""
    if finding.get("observed") is not None:
        return f" ({finding['in_words']})"
    return "" if finding["unexpected"] is None else f" by {counted(finding['unexpected'], 'row')}"
