"""Start runs, follow them, look at them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.connection import command, connect
from cli.errors import Misuse
from cli.options import Json, RunName, Timeout, Wait
from shoplake.errors import ShoplakeError

if TYPE_CHECKING:
    from rich.console import Console

    from shoplake.config import Lake


def run(ctx: typer.Context, wait: Wait = False, timeout: Timeout = 900, as_json: Json = False) -> None:
    """Start a run over the files that wait, now.

    Example: shoplake run --wait
    """
    lake = connect(ctx.obj)
    from cli.following import following
    from cli.rendering import make_console, print_json
    from cli.requests import ask_dispatcher

    console = make_console(stderr=as_json)
    answer = ask_dispatcher(lake, action="run")
    if answer.run_id is not None and not as_json:
        console.print(f"Run {answer.run_id} has started over {answer.files:,} files.")
    if wait and (answer.run_id or answer.waiting_for):
        with following(lake, console, timeout) as follower:
            if answer.waiting_for:
                follower.until_free()
                answer = ask_dispatcher(lake, action="run")
            # None where the end of the other run has already started one over these files.
            run_id = answer.run_id or follower.next_run()
            record = follower.run(run_id)
        end_with_result(lake, [record], console, as_json)
    if as_json:
        print_json({"run_id": answer.run_id, "files": answer.files, "waiting_for": answer.waiting_for})
    elif answer.waiting_for:
        console.print(f"Run {answer.waiting_for} is going: files that wait go into the next run, which starts by itself.")
    elif answer.run_id is None:
        console.print(f"No file waits: {command(lake.env, 'drop DATASET FILE')} brings one.")
