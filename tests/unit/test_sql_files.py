"""Named queries and views as files: what is read of them, and what is said of one that is wrong."""

import re

import pytest

from shoplake import sql_files
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.errors import ConfigurationError
from shoplake.inventory import load_inventory
from shoplake.root import root
from shoplake.tables import load_tables

GOOD = "-- Units\n-- How many units were sold?\nSELECT sum(quantity) AS units FROM ${curated}.sales;\n"


@pytest.fixture
def lake():
    return Lake(load_inventory(), "dev", "111122223333")


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(sql_files, "root", lambda: tmp_path)

    def file(place: str, text: str = GOOD) -> None:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return file


def test_a_named_query_is_the_whole_file_for_the_environments_databases(lake, write):
    write("queries/units-sold.sql")
    (query,) = sql_files.named_queries(lake)
    assert query.name == "units-sold"
    assert query.sql == "-- Units\n-- How many units were sold?\nSELECT sum(quantity) AS units FROM curated_dev.sales"
    assert query.stored_description == "Units. How many units were sold? (queries/units-sold.sql)"


def test_a_view_is_its_select_and_knows_what_it_reads(lake, write):
    write("views/curated/units.sql")
    (view,) = sql_files.views(lake)
    assert (view.full_name, view.reads) == ("curated.units", ("curated.sales",))
    assert view.sql == "SELECT sum(quantity) AS units FROM curated_dev.sales"


@pytest.mark.parametrize(
    ("place", "text", "sentence"),
    [
        (
            "queries/Units.sql", GOOD,
            "queries/Units.sql: the file's name is the name in Athena: use small letters, digits and hyphens.",
        ),
        (
            "views/curated/units-sold.sql", GOOD,
            "views/curated/units-sold.sql: the file's name is the name in Athena: use small letters, digits and "
            "underscores.",
        ),
        (
            "queries/units.sql", "SELECT 1\n",
            "queries/units.sql: begin with two comment lines (`-- Title`, `-- What it answers`), then one SELECT.",
        ),
        (
            "queries/units.sql", "-- Units\n-- How many?\nDROP TABLE sales\n",
            "queries/units.sql: begin with two comment lines (`-- Title`, `-- What it answers`), then one SELECT.",
        ),
        (
            "queries/units.sql", GOOD.replace("${curated}", "${curate}"),
            "queries/units.sql: ${curate} is no database of lake.yaml: use ${raw}, ${processed}, ${curated}.",
        ),
        (
            "views/curated/units.sql", GOOD.replace("sales", "sale"),
            "views/curated/units.sql: curated.sale is no table under tables/: read those alone.",
        ),
        (
            "views/curated/costs.sql", GOOD.replace("${curated}.sales", "${processed}.runs"),
            "views/curated/costs.sql: a view of curated reads processed.runs, which its readers may not: read curated "
            "tables, or move it to views/processed/.",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_named_with_what_to_do(lake, write, place, text, sentence):
    write(place, text)
    with pytest.raises(ConfigurationError) as refusal:
        (sql_files.named_queries if place.startswith("queries") else sql_files.views)(lake)
    assert str(refusal.value) == sentence


def test_a_view_is_made_again_when_its_text_or_a_type_of_its_tables_changes(lake, write, monkeypatch):
    from shoplake import views

    write("views/curated/units.sql")
    (before,) = sql_files.views(lake)
    write("views/curated/units.sql", GOOD.replace("sum", "max"))
    (after,) = sql_files.views(lake)
    assert views.fingerprint_of(before) == views.fingerprint_of(before) != views.fingerprint_of(after)
    tables = views.load_tables()
    first, *others = tables["curated.sales"].columns
    widened = tables["curated.sales"].model_copy(
        update={"columns": (first.model_copy(update={"type": "bigint"}), *others)}
    )
    expected = views.fingerprint_of(before)
    monkeypatch.setattr(views, "load_tables", lambda: {**tables, "curated.sales": widened})
    assert views.fingerprint_of(before) != expected


def readable(lake: Lake, name: str) -> bool:
    """Whether analysts may read a table, `database.name`."""
    return not {name, name.partition(".")[0]}.isdisjoint(lake.inventory.athena.analysts_read)


def test_analysts_may_read_what_named_queries_read_besides_an_operators_own(lake):
    reads = {
        path.stem: [".".join(found) for found in re.findall(r"\$\{(\w+)\}\.(\w+)", path.read_text())]
        for path in (root() / "queries").glob("*.sql")
    }
    assert all(reads.values())
    not_theirs = {query for query, names in reads.items() if not all(readable(lake, name) for name in names)}
    assert not_theirs == {"cost-of-runs", "data-quality", "rows-set-aside"}


def test_analysts_read_nothing_of_persons_in_processed(lake):
    personal = {
        name
        for name, table in load_tables().items()
        if name.startswith("processed.") and table.contract and load_contract(table.contract).personal
    }
    assert {"processed.customers", "processed.events"} <= personal
    assert [name for name in personal if readable(lake, name)] == []
