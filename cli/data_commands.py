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
    from shoplake.athena import StoredQuery
    from shoplake.config import Lake

STANDARD_INPUT = "-"
NAMED = "@"
_INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint")
_FLOATS = ("float", "real", "double")


def drop(
    ctx: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(help="A dataset of lake.yaml, for example transactions.", show_default=False)
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Files to upload.", show_default=False)
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option("--tree", metavar="FOLDER", help="Instead of DATASET and FILE: a folder laid out like raw/."),
    ] = None,
    day: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The files' day.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the files come from.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Load bytes again that were loaded before.")] = False,
    wait: Wait = False,
    timeout: Timeout = 900,
    as_json: Json = False,
) -> None:
    """Upload files into raw/; a run over them starts by itself.

    Example: shoplake drop transactions day.csv --wait
    Example: shoplake drop --tree shop/ --wait
    """
    from cli import uploads
    from cli.rendering import make_console, print_json
    from shoplake.inventory import load_inventory

    dropped: uploads.Drop | uploads.DroppedTree
    if tree is not None:
        if dataset or day or source:
            raise Misuse("--tree takes dataset, date and source from its folders: leave the others out.")
        dropped = uploads.read_tree(tree, load_inventory(), force)
    elif dataset and files:
        dropped = uploads.Drop(dataset, tuple(files), day, source, force)
        uploads.check(dropped, load_inventory())
    else:
        raise Misuse("Missing argument 'FILE...': name a dataset and its files, or a folder with --tree.")
    lake = connect(ctx.obj)
    console = make_console(stderr=as_json)
    if tree is not None and dropped.skipped_sentence:
        console.print(dropped.skipped_sentence, soft_wrap=True)
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
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL",
            help="Athena's SQL, @NAME for a named query (shoplake queries lists them), or - for standard input.",
        ),
    ],
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="How many rows to fetch at most.")] = 1000,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute anew, even where an earlier result would serve.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask Athena; tables without a database are curated ones. A question that was asked since the last publication is
    answered from its result, which costs nothing.

    Example: shoplake query "SELECT * FROM daily_sales_summary LIMIT 5", or shoplake query @revenue-by-day
    """
    statement = sys.stdin.read() if sql == STANDARD_INPUT else sql
    if not statement.strip():
        raise Misuse('There is no SQL to run: give it in quotes, for example shoplake query "SELECT 1".')
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, query_view, size
    from shoplake.athena import QueryFailed, run_query
    from shoplake.words import counted

    if statement.startswith(NAMED):
        statement = _named_query(lake, statement.strip().removeprefix(NAMED)).sql
    try:
        answer = run_query(lake, statement, max_rows + 1, may_reuse=not fresh)
    except QueryFailed as failure:
        raise QueryFailed("The query failed: " + " ".join(str(failure).split())) from None
    rows, there_is_more = answer.rows[:max_rows], len(answer.rows) > max_rows
    if there_is_more:
        typer.echo(f"Only the first {max_rows:,} rows: --max-rows gives more.", err=True)
    if as_json:
        values = [[json_value(cell, kind) for cell, kind in zip(row, answer.types, strict=True)] for row in rows]
        scanned = {"scanned_bytes": answer.scanned_bytes, "is_reused": answer.is_reused}
        print_json({"columns": answer.columns, "rows": values, **scanned})
        return
    console = make_console()
    if answer.columns:
        console.print(query_view(console, answer.columns, [is_number(kind) for kind in answer.types], rows))
    reused = ", result reused" if answer.is_reused else ""
    console.print(f"{counted(len(rows), 'row')}, {size(answer.scanned_bytes)} scanned{reused}", style="dim")


def queries(ctx: typer.Context, as_json: Json = False) -> None:
    """List the named queries: questions that are kept in Athena, ready to ask.

    Example: shoplake queries
    """
    lake = connect(ctx.obj)
    from cli.rendering import make_console, print_json, queries_view
    from shoplake.athena import stored_queries

    found = stored_queries(lake)
    if as_json:
        print_json([{"name": query.name, "description": query.about, "sql": query.sql} for query in found])
    elif found:
        make_console().print(queries_view([(query.name, query.about) for query in found]))
        typer.echo(f"{command(lake.env, f'query {NAMED}{found[0].name}')} asks the first of them.")
    else:
        typer.echo("There is no named query: each file under queries/ becomes one.")


def _named_query(lake: "Lake", name: str) -> "StoredQuery":
    """Raises Misuse where Athena keeps no query of that name."""
    from difflib import get_close_matches

    from shoplake.athena import stored_queries

    found = {query.name: query for query in stored_queries(lake)}
    if name not in found:
        near = get_close_matches(name, found, 1)
        hint = f"did you mean {NAMED}{near[0]}?" if near else f"{command(lake.env, 'queries')} lists them."
        raise Misuse(f"There is no named query {name!r}: {hint}")
    return found[name]


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
    items = Files(lake.files_table).get_many([one.object_id for one in uploaded]).values()
    held = any(item["state"] == HELD for item in items)
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
