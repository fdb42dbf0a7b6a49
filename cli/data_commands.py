"""Bring files into the lake, and read what became of them: its tables and Athena's SQL."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.connection import command, connect
from cli.errors import Misuse
from cli.options import Json, Timeout, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cli.uploads import Uploaded
    from shoplake.config import Lake

STANDARD_INPUT = "-"
_INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint")
_FLOATS = ("float", "real", "double")


def drop(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset of lake.yaml, for example transactions.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to upload.")],
    day: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The files' day.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the files come from.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Load bytes again that were loaded before.")] = False,
    wait: Wait = False,
    timeout: Timeout = 900,
    as_json: Json = False,
) -> None:
    """Upload files into raw/; a run over them starts by itself.

    Example: shoplake drop transactions day.csv --wait
    """
    from cli import uploads
    from cli.rendering import make_console, print_json
    from shoplake.config import load_inventory

    dropped = uploads.Drop(dataset, tuple(files), day, source, force)
    uploads.check(dropped, load_inventory())
    lake = connect(ctx.obj)
    console = make_console(stderr=as_json)
    uploaded = []
    for one in uploads.upload(lake, dropped, console):
        uploaded.append(one)
        if not as_json:
            console.print(lake.uri(one.key), soft_wrap=True)
    if wait:
        _wait_for(lake, uploaded, console, timeout, as_json)
    elif as_json:
        print_json({"files": [one.__dict__ for one in uploaded], "runs": []})
    else:
        console.print(f"A run over them starts by itself: {command(lake.env, 'watch')} follows it.")


def tables(ctx: typer.Context, as_json: Json = False) -> None:
    """List the lake's tables as they are published: rows, files, bytes, snapshot.

    Example: shoplake tables
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, tables_view

    found = _published_tables(lake)
    if as_json:
        print_json(found)
    elif found:
        make_console().print(tables_view(found))
    else:
        first = command(lake.env, "drop DATASET FILE")
        make_console().print(f"No table yet: the first run makes them, and {first} starts one.")


def query(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Athena's SQL, or - to read it from standard input.")],
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="How many rows to fetch at most.")] = 1000,
    as_json: Json = False,
) -> None:
    """Ask Athena; tables without a database are curated ones.

    Example: shoplake query "SELECT * FROM daily_sales_summary LIMIT 5"
    """
    statement = sys.stdin.read() if sql == STANDARD_INPUT else sql
    if not statement.strip():
        raise Misuse('There is no SQL to run: give it in quotes, for example shoplake query "SELECT 1".')
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, query_view, size
    from shoplake.athena import QueryFailed, run_query

    try:
        answer = run_query(lake, statement, max_rows + 1)
    except QueryFailed as failure:
        raise QueryFailed("The query failed: " + " ".join(str(failure).split())) from None
    rows, there_is_more = answer.rows[:max_rows], len(answer.rows) > max_rows
    if there_is_more:
        typer.echo(f"Only the first {max_rows:,} rows: --max-rows gives more.", err=True)
    if as_json:
        values = [[json_value(cell, kind) for cell, kind in zip(row, answer.types, strict=True)] for row in rows]
        print_json({"columns": answer.columns, "rows": values, "scanned_bytes": answer.scanned_bytes})
        return
    console = make_console()
    if answer.columns:
        console.print(query_view(console, answer.columns, [is_number(kind) for kind in answer.types], rows))
    console.print(f"{len(rows):,} rows, {size(answer.scanned_bytes)} scanned", style="dim")


def is_number(athena_type: str) -> bool:
    return athena_type in (*_INTEGERS, *_FLOATS) or athena_type.startswith("decimal")


def json_value(cell: str | None, athena_type: str) -> Any:
    """A cell as JSON has it. Decimals stay text, exactly as Athena gives them, and so do NaN and Infinity."""
    if cell is None:
        return None
    if athena_type in _INTEGERS:
        return int(cell)
    if athena_type in _FLOATS:
        return cell if cell.lstrip("+-").casefold() in ("nan", "inf", "infinity") else float(cell)
    if athena_type == "boolean":
        return cell.casefold() == "true"
    return cell


def _wait_for(lake: "Lake", uploaded: "Sequence[Uploaded]", console: "Console", timeout: float, as_json: bool) -> None:
    """Follow the runs that take the files, print what came of them, and end by their result."""
    from cli.following import following
    from cli.rendering import print_json
    from cli.reports import report_of
    from cli.run_commands import is_success, print_result
    from shoplake.files import HELD, Files
    from shoplake.runs import Runs

    with following(lake, console, timeout) as follower:
        run_ids = follower.files([one.object_id for one in uploaded])
    records = [Runs(lake.runs_table).get(run_id) for run_id in run_ids]
    if as_json:
        shows = [report_of(lake, record)["show"] for record in records]
        print_json({"files": [one.__dict__ for one in uploaded], "runs": shows})
    else:
        for record in records:
            print_result(lake, record, console)
    held = any(Files(lake.files_table).get(one.object_id)["state"] == HELD for one in uploaded)
    raise typer.Exit(0 if all(map(is_success, records)) and not held else 1)


def _published_tables(lake: "Lake") -> list[dict[str, Any]]:
    """Each declared table that exists, from the summary of its main snapshot; no data is read."""
    from shoplake.catalog import LakeCatalog
    from shoplake.tables import load_tables

    catalog, found = LakeCatalog(lake), []
    for table in load_tables().values():
        iceberg = catalog.load(table)
        if iceberg is None:
            continue
        snapshot = iceberg.current_snapshot()
        summary = snapshot.summary if snapshot else None

        def total(name: str, summary=summary) -> int:
            return int(summary[name] or 0) if summary else 0

        found.append({
            "database": lake.database(table.database),
            "table": table.name,
            "rows": total("total-records"),
            "files": total("total-data-files"),
            "bytes": total("total-files-size"),
            "snapshot_id": snapshot.snapshot_id if snapshot else None,
        })  # fmt: skip
    return found
