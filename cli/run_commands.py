"""Start runs, follow them, look at them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.connection import command, connect
from cli.options import Json, MaxDollars, RunName, Timeout, Wait
from shoplake.errors import ShoplakeError

if TYPE_CHECKING:
    from rich.console import Console

    from cli.following import Follower
    from shoplake.config import Lake
    from shoplake.run_requests import RunAnswer


def run(
    ctx: typer.Context,
    max_dollars: MaxDollars = None,
    wait: Wait = False,
    timeout: Timeout = 900,
    as_json: Json = False,
) -> None:
    """Start a run over the files that wait, now.

    Example: shoplake run --wait
    """
    lake = connect(ctx.obj)
    from cli.following import following
    from cli.rendering import make_console, print_json
    from shoplake.run_requests import ask_dispatcher

    console = make_console(stderr=as_json)
    wish = {"action": "run", "at_once": True, "max_dollars": max_dollars}
    answer = ask_dispatcher(lake, **wish)
    if wait and (answer.run_id or answer.waiting_for):
        with following(lake, console, timeout) as follower:
            record = _follow_waiting_files(lake, follower, answer, wish)
        if record is not None:
            end_with_result(lake, record, console, as_json)
    if as_json:
        print_json(answer.__dict__)
    elif answer.run_id:
        watch = command(lake.env, f"watch {answer.run_id}")
        console.print(f"Run {answer.run_id} has started, files: {answer.files:,}. {watch} follows it.")
    elif answer.waiting_for:
        console.print(f"Run {answer.waiting_for} is going; what waits goes into the next run by itself.")
    elif not answer.over_budget:
        console.print(_nothing_waits(lake))
    if answer.over_budget:
        raise _too_expensive(lake, answer, "run")


def replay(
    ctx: typer.Context,
    name: RunName,
    max_dollars: MaxDollars = None,
    wait: Wait = False,
    timeout: Timeout = 900,
    as_json: Json = False,
) -> None:
    """Run again over the very same files as an earlier run; loaded rows aren't loaded twice.

    Files of it that were discarded since are left out.

    Example: shoplake replay 2025-01-15-0007 --wait
    """
    lake = connect(ctx.obj)
    from cli.following import following
    from cli.rendering import make_console, print_json
    from cli.reports import find_run
    from shoplake.run_requests import ask_dispatcher

    console = make_console(stderr=as_json)
    run_id = find_run(lake, name)["id"]
    wish = {"action": "replay", "run_id": run_id, "max_dollars": max_dollars}
    answer = ask_dispatcher(lake, **wish)
    if wait and not answer.over_budget:
        with following(lake, console, timeout) as follower:
            while answer.waiting_for:
                follower.until_free()
                answer = ask_dispatcher(lake, **wish)
            record = follower.run(_started(lake, answer, run_id))
        end_with_result(lake, record, console, as_json)
    if answer.waiting_for:
        again = command(lake.env, f"replay {run_id} --wait")
        raise ShoplakeError(f"Run {answer.waiting_for} is going: {again} waits for its end and then replays.")
    started = _started(lake, answer, run_id)
    if as_json:
        print_json(answer.__dict__)
    else:
        console.print(f"Run {started} replays {run_id}. {command(lake.env, f'watch {started}')} follows it.")


def watch(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's id, or latest; else the one going or the next."),
    ] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=1, help="Seconds to follow at most.")] = None,
    as_json: Json = False,
) -> None:
    """Follow a run until it ends; the exit code is its result.

    Example: shoplake watch
    """
    lake = connect(ctx.obj)
    from cli.following import following
    from cli.rendering import make_console
    from cli.reports import find_run

    console = make_console(stderr=as_json)
    run_id = find_run(lake, name)["id"] if name else None
    with following(lake, console, timeout) as follower:
        record = follower.run(run_id or follower.next_run())
    end_with_result(lake, record, console, as_json)


def runs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many runs.")] = 20,
    as_json: Json = False,
) -> None:
    """List runs, the newest first.

    Example: shoplake runs --limit 5
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, runs_view
    from cli.reports import list_runs

    found = list_runs(lake, limit)
    if as_json:
        print_json(found)
    elif found:
        make_console().print(runs_view(found))
    else:
        make_console().print(f"No run yet: {command(lake.env, 'drop DATASET FILE')} starts one.")


def show(ctx: typer.Context, name: RunName, as_json: Json = False) -> None:
    """Show a run: each file's verdict and problems, its states, the tables that it changed.

    Example: shoplake show latest
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, show_view
    from cli.reports import failure_of, find_run, report_of

    record = find_run(lake, name)
    report = report_of(lake, record)["show"]
    if as_json:
        print_json(report)
    else:
        make_console().print(show_view(report, failure_of(lake, record)))


def receipt(ctx: typer.Context, name: RunName, as_json: Json = False) -> None:
    """Show what a run took: seconds, DPU-seconds and dollars by state.

    Example: shoplake receipt latest
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, receipt_view
    from cli.reports import find_run, report_of

    paid = report_of(lake, find_run(lake, name))["receipt"]
    if as_json:
        print_json(paid)
    else:
        make_console().print(receipt_view(paid))


def end_with_result(lake: "Lake", record: dict[str, Any], console: "Console", as_json: bool) -> None:
    """Print what came of a run that has ended, and end the command by its result."""
    from cli.rendering import print_json
    from cli.reports import report_of

    if as_json:
        print_json(report_of(lake, record)["show"])
    else:
        print_result(lake, record, console)
    raise typer.Exit(0 if is_success(record) else 1)


def print_result(lake: "Lake", record: dict[str, Any], console: "Console") -> None:
    """What came of a run, and the command to run next where it failed."""
    from cli.rendering import result_view
    from cli.reports import failure_of, report_of

    failure = failure_of(lake, record)
    console.print(result_view(report_of(lake, record)["show"], failure))
    if failure and failure.get("files_become") == "held":
        again = command(lake.env, f"replay {record['id']} --wait")
        console.print(f"Its files are held. When the cause is gone: {again}")


def is_success(record: dict[str, Any]) -> bool:
    from shoplake.runs import SUCCEEDED

    return record["state"] == SUCCEEDED


def _follow_waiting_files(
    lake: "Lake", follower: "Follower", answer: "RunAnswer", wish: dict[str, Any]
) -> dict[str, Any] | None:
    """Follow the run that takes the files which wait. None where it was over before it could be seen."""
    from shoplake.run_requests import ask_dispatcher

    busy_with, followed = answer.waiting_for, []
    while answer.waiting_for:
        followed += follower.until_free()
        answer = ask_dispatcher(lake, **wish)
    if answer.run_id:
        return follower.run(answer.run_id)
    if answer.over_budget:
        raise _too_expensive(lake, answer, "run")
    # Nothing waits any more: the end of the other run has started one over these files by itself.
    followed += follower.until_free()
    return next((record for record in reversed(followed) if record["id"] != busy_with), None)


def _nothing_waits(lake: "Lake") -> str:
    from shoplake.held import held_files
    from shoplake.words import counted

    held = len(held_files(lake))
    if not held:
        return f"No file waits: {command(lake.env, 'drop DATASET FILE')} brings one."
    files = f"{counted(held, 'file')} {'is' if held == 1 else 'are'}"
    return f"No file waits, but {files} held: {command(lake.env, 'status')} lists them, replay or discard them."


def _too_expensive(lake: "Lake", answer: "RunAnswer", again: str) -> ShoplakeError:
    over = answer.over_budget
    allow = command(lake.env, f"{again} --max-dollars {over['allowed_by']}")
    return ShoplakeError(f"No run was started: {over['sentence']}. {allow} allows it this once.")


def _started(lake: "Lake", answer: "RunAnswer", run_id: str) -> str:
    if answer.over_budget:
        raise _too_expensive(lake, answer, f"replay {run_id}")
    if answer.run_id is None:
        raise ShoplakeError(f"No run was started over the files of {run_id}: another request took them just now.")
    return answer.run_id
