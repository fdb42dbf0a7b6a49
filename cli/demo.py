"""The whole way in one command: a local lake, real orders and a made-up shop dropped into it, and what came of them."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.connection import local_problems, require_local
from cli.lake_commands import check_declarations, start

if TYPE_CHECKING:
    from rich.console import Console

    from cli.uploads import Drop, DroppedTree
    from shoplake.config import Lake

DATASET = "transactions"
QUESTIONS = {
    "Revenue by day of the real orders": """
        SELECT order_day, sum(orders) AS orders, sum(units) AS units, sum(revenue) AS revenue
        FROM daily_sales_summary WHERE order_day < DATE '2010-12-04' GROUP BY order_day ORDER BY order_day
    """,
    "Revenue by category of the made-up shop": """
        SELECT category, sum(orders) AS orders, sum(units) AS units, sum(revenue) AS revenue
        FROM daily_sales_summary WHERE order_day >= DATE '2025-01-01' GROUP BY category ORDER BY revenue DESC
    """,
}


def demo(
    ctx: typer.Context,
    timeout: float = typer.Option(900, "--timeout", metavar="SECONDS", help="How long to wait for the run."),
) -> None:
    """Start a local lake, load real orders and a small made-up shop, and show what came of them.

    Example: shoplake demo
    """
    require_local(ctx.obj, "demo")
    began = time.monotonic()
    lake = check_declarations()
    drops = samples()
    typer.echo("1. A lake on this machine: S3, Step Functions, Lambda, Glue with Spark, Athena. Nothing leaves it.")
    with local_problems():
        start(lake, None, _quiet)
    from cli.rendering import make_console

    console = make_console()
    console.print("\n2. Real orders (UCI Online Retail) and a made-up shop, dirty on purpose, into raw/; a run starts.")
    ok = load(lake, drops, console, timeout)
    if ok:
        console.print("\n3. What can be asked now, in Athena's SQL.")
        for title, sql in QUESTIONS.items():
            ask(lake, title, sql, console)
    look_further(console)
    downloads = install_seconds()
    if downloads is not None:
        console.print(f"Downloading and installing took {downloads} s, once; ", end="")
    console.print(f"this demo took {time.monotonic() - began:.0f} s.")
    raise typer.Exit(0 if ok else 1)


def samples() -> "list[Drop | DroppedTree]":
    """The files of samples/ of this checkout."""
    from cli.uploads import Drop, read_tree
    from shoplake.errors import ConfigurationError
    from shoplake.inventory import load_inventory
    from shoplake.root import root

    real, made_up = root() / "samples" / "online_retail", root() / "samples" / "shop"
    files = sorted(real.glob("*.csv*"))
    if not files or not made_up.is_dir():
        raise ConfigurationError("The demo's files are missing: run it in a checkout of Shoplake, which has samples/.")
    return [Drop(DATASET, tuple(files)), read_tree(made_up, load_inventory())]


def load(lake: "Lake", drops: "list[Drop | DroppedTree]", console: "Console", timeout: float) -> bool:
    """Drop the files, follow their run, print its result and receipt. Whether it went well."""
    from cli import uploads
    from cli.following import following
    from cli.rendering import receipt_view
    from cli.reports import report_of
    from cli.run_commands import is_success, print_result
    from shoplake.runs import Runs

    uploaded = [one for dropped in drops for one in uploads.upload(lake, dropped, console)]
    with following(lake, console, timeout) as follower:
        run_ids = follower.files([one.object_id for one in uploaded])
    records = [Runs(lake.runs_table).get(run_id) for run_id in run_ids]
    for record in records:
        print_result(lake, record, console)
        console.print(receipt_view(report_of(lake, record)["receipt"]))
        if record.get("files") and not any(report_of(lake, record)["show"]["tables"].values()):
            console.print("Dropped before: the same bytes add nothing, and the tables are as they were.")
    return all(map(is_success, records))


def ask(lake: "Lake", title: str, sql: str, console: "Console") -> None:
    """One question and its answer."""
    from cli.data_commands import is_number
    from cli.rendering import query_view
    from shoplake.athena import run_query

    answer = run_query(lake, " ".join(sql.split()))
    console.print(f"\n{title}", style="bold")
    console.print(query_view(console, answer.columns, [is_number(kind) for kind in answer.types], answer.rows))


def look_further(console: "Console") -> None:
    steps = {
        "shoplake mail": "the e-mail that the run sent",
        "shoplake show latest": "the run: files, verdicts, states, rows",
        "shoplake tables": "the published tables",
        'shoplake query "SELECT * FROM sales LIMIT 5"': "any question",
        "shoplake drop transactions FILE --wait": "your own orders",
        "shoplake down": "stop the lake; what it holds stays",
    }
    console.print("\nWhere to look next (in .venv/bin, or after `source .venv/bin/activate`)")
    for command, meaning in steps.items():
        console.print(f"  {command:<46} {meaning}", markup=False, highlight=False)


def install_seconds() -> int | None:
    """What `make install` noted of its time."""
    note = Path(sys.prefix, ".installed")
    text = note.read_text().strip() if note.exists() else ""
    return int(text) if text.isdigit() else None


def _quiet(sentence: str) -> None:
    """The demo shows the lake at work, not each thing that is created for it."""
