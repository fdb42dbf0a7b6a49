"""Make up a shop of any size, as files to drop."""

import shutil
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import Misuse

if TYPE_CHECKING:
    from rich.console import Console

    from generator.shop import Written


def generate(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write; new or empty.")],
    days: Annotated[int, typer.Option("--days", min=1, help="How many days.")] = 30,
    orders_per_day: Annotated[int, typer.Option("--orders-per-day", min=1, help="Orders of an average day.")] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another shop.")] = 1,
    dirt: Annotated[float, typer.Option("--dirt", metavar="SHARE", help="Share of bad lines, 0 to 0.04.")] = 0.0,
    start: Annotated[datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day.")] = "2025-01-01",
    datasets: Annotated[str | None, typer.Option("--datasets", metavar="A,B", help="Only these datasets.")] = None,
    part_mb: Annotated[int, typer.Option("--part-mb", min=1, help="Split a day's file at this size.")] = 128,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a shop generated there before.")] = False,
) -> None:
    """Make up a shop: files of orders, products, clicks and more, with known dirt and the truth about it.

    The same options give the same bytes.

    Example: shoplake generate --days 30 --orders-per-day 500 --dirt 0.02 --out shop/
    """
    from cli.rendering import make_console
    from generator import Options
    from generator import generate as write_shop
    from generator.options import DATASETS, BadOption
    from shoplake.inventory import load_inventory

    try:
        options = Options(
            out=out,
            days=days,
            orders_per_day=orders_per_day,
            seed=seed,
            dirt=dirt,
            start=start.date(),
            datasets=tuple(datasets.split(",")) if datasets else DATASETS,
            part_mb=part_mb,
            time_zone=load_inventory().reporting_time_zone,
        )
    except BadOption as mistake:
        raise Misuse(str(mistake)) from None
    make_room(out, overwrite)
    console = make_console()
    if options.day(days - 1) > date.today():
        console.print("Its last days are in the future: a lake rejects orders of more than a day after they arrive.")
    began = time.monotonic()
    written = write_shop(options, _Progress(console, days))
    tell(console, out, written, time.monotonic() - began)


def make_room(out: Path, overwrite: bool) -> None:
    """Refuse a folder that holds anything; with `overwrite` remove the shop that was generated there."""
    from generator.shop import belongings, is_shop

    if out.exists() and not out.is_dir():
        raise Misuse(f"{out} is a file: name a folder with --out.")
    if not out.exists() or not any(out.iterdir()):
        return
    if not overwrite:
        raise Misuse(f"{out} is not empty: name another folder, or replace the shop in it with --overwrite.")
    if not is_shop(out):
        raise Misuse(f"{out} holds other things than a generated shop (it has no truth.jsonl): name another folder.")
    for path in belongings(out):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


class _Progress:
    """A bar on a terminal, silence elsewhere."""

    def __init__(self, console: "Console", days: int):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("generating days"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[size]}"))
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self._bar.disable = not console.is_terminal
        self._task = self._bar.add_task("", total=days, size="")
        self._days = days

    def __call__(self, days: int, written_bytes: int) -> None:
        from cli.rendering import size

        if days == 1:
            self._bar.start()
        self._bar.update(self._task, completed=days, size=size(written_bytes))
        if days == self._days:
            self._bar.stop()


def tell(console: "Console", out: Path, written: "Written", seconds: float) -> None:
    """What was written, and what to do with it."""
    from rich.table import Table

    from cli.rendering import size

    table = Table(box=None, pad_edge=False)
    for name, justify in {"dataset": "left", "files": "right", "rows": "right", "bytes": "right"}.items():
        table.add_column(name, justify=justify)
    for name, files in written.files.items():
        table.add_row(name, f"{files:,}", f"{written.rows[name]:,}", size(written.bytes[name]))
    table.add_row(
        "all", *(f"{sum(n.values()):,}" for n in (written.files, written.rows)), size(sum(written.bytes.values()))
    )
    console.print(table)
    console.print(f"Written to {out} in {seconds:.1f} s; planted defects: {sum(written.planted.values()):,}.")
    console.print(f"Next: shoplake drop --tree {out} --wait", soft_wrap=True)
    if (out / "late").is_dir():
        console.print(f"Then the files that come late: shoplake drop --tree {out / 'late'} --wait", soft_wrap=True)
