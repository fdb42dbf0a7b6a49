"""One local lake for all tests here, and the one load that several files look at."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.local_lake import SAMPLES, LocalLake, free_port

THREE_DAYS = tuple(SAMPLES / f"2010-12-0{day}.csv.gz" for day in (1, 2, 3))


@pytest.fixture(scope="package")
def lake(tmp_path_factory):
    """A running local lake with a state folder and a port of its own; stopped at the end, whatever happens."""
    local = LocalLake(tmp_path_factory.mktemp("lake"))
    try:
        up = local.command("up", "--port", str(free_port()))
        assert up.exit_code == 0, up.err
        yield local
    finally:
        local.command("down")


@dataclass(frozen=True)
class Loaded:
    """A load of an empty lake, and all that the commands said of it before anything else happened."""

    show: dict[str, Any]
    receipt: dict[str, Any]
    record: dict[str, Any]
    letters: list[dict[str, str]]
    tables: dict[str, dict[str, Any]]
    published: list[dict[str, Any]]
    sales: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    months: list[dict[str, Any]]
    countries: list[dict[str, Any]]
    contents: dict[str, list[tuple]]
    branches: list[str]


@pytest.fixture(scope="package")
def three_days(lake):
    """The three days of UCI's Online Retail, dropped together into the empty lake."""
    lake.clear()
    show = lake.load_together(*THREE_DAYS)
    run_id = show["run_id"]
    return Loaded(
        show=show,
        receipt=lake.ask("receipt", run_id),
        record=lake.record_of(run_id),
        letters=lake.letters_of(run_id),
        tables={f"{table['database']}.{table['table']}": table for table in lake.ask("tables")},
        published=lake.query(f"SELECT table_name, snapshot_id FROM published WHERE run_id = '{run_id}'"),
        sales=lake.query("SELECT * FROM sales"),
        summary=lake.query("SELECT * FROM daily_sales_summary"),
        months=lake.query("SELECT month, orders, units, revenue, customers FROM revenue_by_month"),
        countries=lake.query("@revenue-by-country"),
        contents=lake.contents(),
        branches=lake.branches(),
    )
