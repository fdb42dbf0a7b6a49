"""Give up files that failed runs have left."""

import getpass
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.connection import LOCAL, command, connect
from cli.errors import Misuse
from cli.options import Json

if TYPE_CHECKING:
    from shoplake.config import Lake
    from shoplake.files import FileVersion


def discard(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="RUN|KEY...", help="Runs whose held files, or keys in raw/.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the file.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Give up the held files of a run, or files by their key: no run takes them any more.

    A key names its held versions, and where none is held a file that still waits. The object stays in raw/; dropping
    it again is a new file.

    Example: shoplake discard 2025-01-15-0007 --reason "the export was cut short"
    """
    lake = connect(ctx.obj)
    from cli.rendering import MAX_FILES, make_console, plain, print_json
    from shoplake.files import Files
    from shoplake.times import iso, now

    found = _to_discard(lake, names)
    console = make_console(stderr=True)
    for file in found[:MAX_FILES]:
        console.print(plain(file.key))
    if len(found) > MAX_FILES:
        console.print(f"... and {len(found) - MAX_FILES:,} more")
    if not yes:
        if not sys.stdin.isatty():
            raise Misuse(f"No run would take these files any more ({len(found):,}): add --yes to confirm.")
        typer.confirm(f"Discard these files ({len(found):,})?", abort=True)
    files, by, at = Files(lake.files_table), _who(lake), iso(now())
    done = [file for file in found if files.discard(file.object_id, by, at, reason)]
    if as_json:
        print_json([{"key": file.key, "version_id": file.version_id} for file in done])
    else:
        make_console().print(f"Discarded files: {len(done):,}.")
    if len(done) < len(found):
        console.print(f"Not discarded, since a run took them just now: {len(found) - len(done):,}.")
        raise typer.Exit(1)


def _to_discard(lake: "Lake", names: Sequence[str]) -> list["FileVersion"]:
    """The files that the names stand for, each once. Raises Misuse for a name that stands for none."""
    from cli.reports import find_run
    from shoplake.files import HELD, RECEIVED, Files, FileVersion

    files = Files(lake.files_table)
    held, waiting = files.waiting(HELD), files.waiting(RECEIVED)
    raw, bucket = lake.zone("raw"), lake.uri("")
    found = {}
    for name in names:
        key = name.removeprefix(bucket)
        if key.startswith(raw):
            of_key = [[item for item in items if item["key"] == key] for items in (held, waiting)]
            items = of_key[0] or of_key[1]  # a new version that waits is not what failed
            missing = f"No file {key} is held or waiting"
        else:
            run_id = find_run(lake, name)["id"]
            items = [item for item in held if item["run_id"] == run_id]
            missing = f"Run {run_id} holds no file"
        if not items:
            raise Misuse(f"{missing}: {command(lake.env, 'status')} lists what is held.")
        found |= {item["object_id"]: FileVersion.of(item) for item in items}
    return list(found.values())


def _who(lake: "Lake") -> str:
    """Who discards: the person on this machine, and on AWS the identity that AWS knows."""
    person = getpass.getuser()
    if lake.env == LOCAL:
        return person
    from shoplake.aws import client

    return f"{person}, {client('sts').get_caller_identity()['Arn']}"
