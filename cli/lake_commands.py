"""Start, stop, empty and look at the local lake, and read its mail."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.connection import (
    LOCAL,
    connect,
    enter,
    local_problems,
    mail_of,
    require_local,
    running_lake,
    state_dir,
)
from cli.errors import Misuse
from cli.options import Json
from shoplake.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shoplake.config import Lake


def up(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", envvar="SHOPLAKE_PORT", min=1, max=65535, help="Port on 127.0.0.1; else a free one."),
    ] = None,
) -> None:
    """Start the local lake and deploy what has changed; what it held before is still there.

    Example: shoplake up
    """
    require_local(ctx.obj, "up")
    lake = check_declarations()
    with local_problems():
        start(lake, port, typer.echo)
    dataset = next(iter(lake.inventory.datasets))
    typer.echo(f"Next: shoplake drop {dataset} FILE --wait")


def down(ctx: typer.Context) -> None:
    """Stop the local lake; what it holds stays.

    Example: shoplake down
    """
    require_local(ctx.obj, "down")
    from local import control

    with local_problems():
        was_running = control.down(state_dir())
    stopped = f"The local lake has stopped; what it holds stays in {state_dir()}."
    typer.echo(stopped if was_running else "No local lake was running.")


def reset(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Stop the local lake and delete everything that it holds.

    Example: shoplake reset --yes
    """
    require_local(ctx.obj, "reset")
    from local import control

    folder = state_dir()
    if not folder.exists():
        typer.echo(f"Nothing to delete: there is no {folder}.")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise Misuse(f"This deletes every table, file and run in {folder}: add --yes to confirm.")
        typer.confirm(f"Delete every table, file, run and mail in {folder}?", abort=True)
    with local_problems():
        control.reset(folder)
    typer.echo(f"The local lake is empty: {folder} is gone.")


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the run that is going, files that wait or are held, and when the next run may start.

    Of the local lake also where it answers and what memory it takes.

    Example: shoplake status
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, status_view
    from cli.reports import standing_of

    found = {**(_process_facts() if ctx.obj == LOCAL else {}), **standing_of(lake)}
    if as_json:
        print_json(found)
    else:
        make_console().print(status_view(found))


def _process_facts() -> dict[str, Any]:
    """Where the local lake's process is, and what it takes."""
    from local.control import memory_bytes

    process = running_lake()
    return {
        "endpoint": process.url,
        "pid": process.pid,
        "started_at": process.started_at,
        "memory_bytes": memory_bytes(process),
        "state_dir": str(process.state_dir),
    }


def mail(
    ctx: typer.Context,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Only the last N e-mails.")] = None,
    as_json: Json = False,
) -> None:
    """Print the e-mails that the local lake has sent, the newest last.

    Example: shoplake mail --last 1
    """
    letters = mail_of(ctx.obj)
    from cli.rendering import mail_text, print_json

    letters = letters[-last:] if last else letters
    if as_json:
        print_json(letters)
    else:
        typer.echo(mail_text(letters) if letters else "No e-mail yet: each run sends one when it ends.")


def check_declarations() -> "Lake":
    """The local lake's inventory, once everything that is declared was read. Raises ConfigurationError."""
    from shoplake.config import load_lake
    from shoplake.contracts import load_contract
    from shoplake.monitoring import Monitoring
    from shoplake.sql_files import named_queries, views
    from shoplake.state_machine import top_level_states
    from shoplake.tables import load_tables

    lake = load_lake(LOCAL)
    for dataset in lake.inventory.datasets:
        load_contract(dataset)
    load_tables()
    named_queries(lake)
    views(lake)
    place = lake.inventory.state_machine.definition
    try:
        top_level_states(lake)
    except FileNotFoundError:
        raise ConfigurationError(f"lake.yaml: state_machine.definition: there is no file {place}.") from None
    except KeyError as unknown:
        placeholder = f"${{{unknown.args[0]}}}"
        raise ConfigurationError(f"{place}: nothing in lake.yaml fills the placeholder {placeholder}.") from None
    except ValueError as mistake:
        raise ConfigurationError(f"{place}: not valid JSON ({mistake}).") from None
    _ = Monitoring(lake).dashboards  # which shows the machine's states
    return lake


def start(lake: "Lake", port: int | None, say: "Callable[[str], None]") -> None:
    """Start the daemon and bring it up to date. What it needs is looked for first."""
    from local import control
    from local.jars import jar_paths
    from local.java import find_java

    find_java()
    jar_paths()
    process = control.up(state_dir(), port, say)
    enter(process)
    from local.provision import provision
    from shoplake.artifacts import build_artifacts
    from shoplake.root import root
    from shoplake.run_requests import ask_dispatcher

    say("building functions, jobs and the wheel")
    artifacts = build_artifacts(root(), _empty(process.state_dir / "build"))
    changes = provision(lake, artifacts, progress=say)
    say(f"Deployed, changes: {len(changes)}." if changes else "Everything was deployed already.")
    swept = ask_dispatcher(lake, action="sweep", quiet_before=process.started_at)
    if swept.run_id:
        say(f"Run {swept.run_id} has started over files that waited: {swept.files:,}.")
    typer.echo(f"The local lake answers at {process.url} (process {process.pid}).")
    typer.echo(f"It keeps everything in {process.state_dir}.")


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
