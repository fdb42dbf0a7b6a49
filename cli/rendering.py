"""What people see: Rich views of runs, receipts, tables and query results. Nothing here asks AWS.

Values come from files of unknown origin, so nothing is read as markup and control characters are shown, not sent.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from textwrap import shorten
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from shoplake.checks import Check
from shoplake.receipt import OUTCOMES, StateTime, by_interest, problem_text
from shoplake.times import parse

PIPE_WIDTH = 10_000  # columns where there is no terminal: nothing is wrapped in logs and pipes
MAX_FILES = 20
MAX_PROBLEMS = 3
STYLES = {
    "ok": "green", "warning": "yellow", "problem": "red",
    "succeeded": "green", "accepted": "green", "failed": "red", "refused": "red", "held": "red",
    "accepted_with_rejects": "yellow", "duplicate": "dim", "running": "cyan", "publishing": "cyan", "starting": "cyan",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def make_console(stderr: bool = False) -> Console:
    """A console that takes text as it is. `stderr` where standard output is kept for JSON."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def plain(value: Any) -> str:
    """A value as text that can't steer the terminal."""
    return _CONTROL.sub(lambda found: repr(found.group())[1:-1], str(value))


def runs_view(runs: Sequence[dict[str, Any]]) -> RenderableType:
    """Runs, a line each, in the order given. The day of a run's start is in its name."""
    of_rows = ("read", "applied", "quarantined")
    counts = [">files\naccepted", ">files\nrefused", *(f">rows\n{name}" for name in of_rows)]
    table = _table("run", "state", "start\n(UTC)", ">time", *counts, ">cost")
    for run in runs:
        files = number(run["files"]["accepted"]), number(run["files"]["refused"])
        rows = (number(run["rows"][name]) for name in of_rows)
        began, took = f"{parse(run['started_at']):%H:%M}", seconds(run["seconds"])
        cost = dollars(run["dollars"], digits=3)
        table.add_row(run["run_id"], word(run["state"]), began, took, *files, *rows, cost)
    return table


def progress_view(record: dict[str, Any], states: Sequence[StateTime], now: datetime) -> RenderableType:
    """A run that is going: its states so far, and how long they took."""
    table = Table.grid(padding=(0, 2))
    for state in states:
        took = state.seconds if state.seconds is not None else (now - parse(state.started_at)).total_seconds()
        table.add_row("", state.name, Text(seconds(took), justify="right"), word(state.state), state.error or "")
    return Group(_headline(record["id"], record["state"]), table)


def result_view(show: dict[str, Any], failure: dict[str, Any] | None = None) -> RenderableType:
    """What came of a run: verdicts, rows, tables, and why it failed where it did."""
    parts: list[RenderableType] = [_headline(show["run_id"], show["state"], show["seconds"])]
    if failure and show["state"] == "failed":
        reason = f"Failed in {failure['state']}: {failure['error']}: {failure['sentence']}"
        parts.append(Text(plain(reason), style="red"))
    if show["inputs"]:
        parts.append(_files(show["inputs"]))
    parts.append(Text(_balance(show)))
    if show["tables"]:
        heading = "table" if show["state"] == "succeeded" else "table (not published)"
        parts.append(_changes(show["tables"], heading))
    return Group(*parts)


def show_view(show: dict[str, Any], failure: dict[str, Any] | None = None) -> RenderableType:
    """Everything that is said of one run: its result and its states."""
    states = _table("state of the run", "result", "started", ">time", "error")
    for state in show["states"]:
        began, took = instant(state["started_at"]), seconds(state["seconds"])
        states.add_row(state["name"], word(state["state"]), began, took, plain(state["error"] or ""))
    return Group(result_view(show, failure), states)


def receipt_view(receipt: dict[str, Any]) -> RenderableType:
    """What a run took: time, Glue and money by state, rows and bytes in all."""
    dpu_seconds = sum(state["dpu_seconds"] for state in receipt["states"])
    total = {"name": "in all", **receipt, "dpu_seconds": dpu_seconds}
    states = _table("state of the run", ">time", ">DPU-seconds", ">cost")
    for line in (*receipt["states"], total):
        states.add_row(line["name"], seconds(line["seconds"]), f"{line['dpu_seconds']:,.1f}", dollars(line["dollars"]))
    rows = receipt["rows"]
    read = f"{size(receipt['bytes_in'])} in, {rows['read']:,} rows read, {rows['applied']:,} applied"
    facts = f"Run {receipt['run_id']}: {read}"
    return Group(Text(facts), states, Text(f"Peak memory of a function or job: {size(receipt['peak_memory_bytes'])}"))


def tables_view(tables: Sequence[dict[str, Any]]) -> RenderableType:
    """The lake's tables as they are published."""
    view = _table("database", "table", ">rows", ">files", ">bytes", ">snapshot")
    for table in tables:
        snapshot = Text("none", style="dim") if table["snapshot_id"] is None else str(table["snapshot_id"])
        rows, files = number(table["rows"]), number(table["files"])
        view.add_row(table["database"], table["table"], rows, files, size(table["bytes"]), snapshot)
    return view


def queries_view(queries: Sequence[tuple[str, str]]) -> RenderableType:
    """Named queries with what each answers."""
    view = _table("named query", "what it answers")
    for name, about in queries:
        view.add_row(Text(plain(name), overflow="fold", no_wrap=True), plain(about))
    return view


def query_view(
    console: Console,
    columns: Sequence[str],
    are_numbers: Sequence[bool],
    rows: Sequence[Sequence[str | None]],
) -> RenderableType:
    """A query's result. Values are shown as Athena gives them; numbers to the right, null dim.

    Where the columns don't fit side by side, one record stands below the other.
    """
    cells = [[Text("null", style="dim") if cell is None else Text(plain(cell)) for cell in row] for row in rows]
    table = _table()
    for name, is_number in zip(columns, are_numbers, strict=True):
        table.add_column(plain(name), justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    wanted = Measurement.get(console, console.options.update(width=PIPE_WIDTH), table).maximum
    return table if wanted <= console.width or not rows else _records(columns, cells)


def checks_view(checks: Sequence[Check]) -> RenderableType:
    """What was looked at, and below it what to do where something is wrong."""
    view = Table.grid(padding=(0, 2))
    for check in checks:
        view.add_row(word(check.state), check.name, Text(plain(check.found), overflow="fold"))
        if check.advice:
            view.add_row("", "", Text(plain(check.advice), style="bold", overflow="fold"))
    return view


def status_view(status: dict[str, Any]) -> RenderableType:
    """How the lake is."""
    last, next_run = status["last_run"], status["next_run"]
    facts = {}
    if "endpoint" in status:
        facts = {
            "endpoint": status["endpoint"],
            "process": f"{status['pid']}, since {instant(status['started_at'])}",
            "memory": size(status["memory_bytes"]),
            "state folder": status["state_dir"],
        }
    facts |= {
        "running": status["running_run"] or "no run",
        "files": f"{status['files']['waiting']} waiting, {status['files']['held']} held",
        "alarms": f"{len(status['alarms'])} on: {', '.join(status['alarms'])}" if status["alarms"] else "none on",
        "last run": f"{last['run_id']} {last['state']}" if last else "none yet",
    }
    if next_run:
        facts["next run"] = next_run["sentence"]
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        table.add_row(Text(name, style="dim"), Text(fact, overflow="fold"))
    return Group(table, held_view(status["held_files"])) if status["held_files"] else table


def held_view(held: Sequence[dict[str, str]]) -> RenderableType:
    """Files that failed runs left: by which run, since when, and why."""
    table = _table("held file", "run", "since (UTC)", "reason")
    for file in held[:MAX_FILES]:
        since = f"{parse(file['since']):%Y-%m-%d %H:%M}"
        table.add_row(plain(file["key"]), file["run_id"], since, plain(shorten(file["reason"], 160)))
    more = len(held) - MAX_FILES
    return Group(table, Text(f"... and {more:,} more files: --json lists them all", style="dim")) if more > 0 else table


def mail_text(mail: Sequence[dict[str, str]]) -> str:
    """E-mails as text, one after the other."""
    letters = (f"To: {m['to']}\nSubject: {m['subject']}\nSent: {m['sent_at']}\n\n{m['body'].rstrip()}\n" for m in mail)
    return ("\n" + "-" * 72 + "\n").join(plain(letter) for letter in letters)


def word(state: str) -> Text:
    """A state or verdict in its colour."""
    return Text(state.replace("_", " "), style=STYLES.get(state, ""))


def number(value: int) -> str:
    return f"{value:,}"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f} s"


def dollars(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"${value:,.{digits}f}"


def size(count: int) -> str:
    """Bytes in the unit that reads best, by thousands."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def instant(text: str | None) -> str:
    """An ISO instant to the second, in UTC."""
    return "" if text is None else f"{parse(text):%Y-%m-%d %H:%M:%S}Z"


def _records(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> RenderableType:
    records = Table.grid(padding=(0, 2))
    records.add_column(style="bold")
    records.add_column(overflow="fold")
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            records.add_row(plain(name), cell)
        records.add_row()
    return records


def _balance(show: dict[str, Any]) -> str:
    """What became of the rows. Only a run that succeeded has accounted for each of them."""
    rows = show["rows"]
    if show["state"] == "failed":
        return f"Rows: {rows['read']:,} read, none published: every table is as it was before."
    if show["state"] != "succeeded":
        return f"Rows: {rows['read']:,} read so far"
    return f"Rows: {rows['read']:,} read = " + " + ".join(f"{rows[name]:,} {name}" for name in OUTCOMES)


def _headline(run_id: str, state: str, took: float | None = None) -> Text:
    end = f" in {seconds(took)}" if took is not None else ""
    return Text.assemble(f"Run {run_id} ", word(state), end)


def _files(inputs: Sequence[dict[str, Any]]) -> RenderableType:
    """A run's files, those with something to say first."""
    table = _table("file", "verdict", ">read", *(f">{name}" for name in OUTCOMES))
    remarks: list[Text] = []
    for file in by_interest(inputs)[:MAX_FILES]:
        counts = (number(file["rows"][name]) for name in ("read", *OUTCOMES))
        table.add_row(plain(file["key"]), word(file["verdict"]), *counts)
        remarks += _remarks(file)
    more = len(inputs) - MAX_FILES
    if more > 0:
        remarks.append(Text(f"... and {more:,} more files: --json lists them all", style="dim"))
    return Group(table, *remarks)


def _remarks(file: dict[str, Any]) -> list[Text]:
    style = "red" if file["verdict"] == "refused" else "yellow"
    remarks = []
    if file.get("sentence"):
        remarks.append(Text(f"{plain(file['key'])}: {plain(file['sentence'])}", style=style))
    for problem in file["problems"][:MAX_PROBLEMS]:
        remarks.append(Text(f"{plain(file['key'])}: {plain(problem_text(problem))}", style=style))
    more = len(file["problems"]) - MAX_PROBLEMS
    if more > 0:
        remarks.append(Text(f"{plain(file['key'])}: ... and {more:,} more problems: --json lists them", style="dim"))
    return remarks


def _changes(tables: dict[str, dict[str, int]], heading: str) -> RenderableType:
    view = _table(heading, ">inserted", ">updated", ">deleted")
    for name, change in tables.items():
        view.add_row(name, number(change["inserted"]), number(change["updated"]), number(change["deleted"]))
    return view


def _table(*headings: str) -> Table:
    """A table with these headings; one that begins with `>` is of numbers."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        is_number = heading.startswith(">")
        table.add_column(heading.removeprefix(">"), justify="right" if is_number else "left", overflow="fold")
    return table
