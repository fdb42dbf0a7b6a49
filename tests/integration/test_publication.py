"""Publishing: main moves to the branch, only forward, each table whole; what was begun is finished."""

import pyarrow as pa
import pytest

from shoplake.catalog import LakeCatalog
from shoplake.errors import ConfigurationError, DataError
from shoplake.publication import keep_as_evidence, publish
from shoplake.runs import PUBLISHING, RUNNING, Runs
from shoplake.tables import TableColumn, load_tables
from shoplake.times import now
from tests.integration.small_lake import small_lake

SALES, DAILY = load_tables()["curated.sales"], load_tables()["curated.daily_sales_summary"]
PUBLISHED = load_tables()["curated.published"]


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    made = small_lake("publication", tmp_path_factory.mktemp("build"))
    for table in load_tables().values():
        # Unpartitioned here: pyiceberg needs another package to write into partitions by month.
        LakeCatalog(made).prepare(table.model_copy(update={"partition_by": None}))
    for table in (SALES, DAILY):  # pyiceberg can't begin an empty table on a branch, as Spark does
        append(LakeCatalog(made).load(table), table, "the first run's", "main")
    return made


@pytest.fixture
def run_id(lake, request) -> str:
    """A run that holds the lake, named after its test."""
    runs, name = Runs(lake.runs_table), request.node.name
    runs.begin(name, {"mode": "arrivals", "started_at": "2025-01-01T00:00:00.000Z"})
    runs.move(name, RUNNING, ("starting",))
    runs.take_lock(name, now())
    yield name
    runs.release_lock(name)


def write(lake, table, run_id: str, order_id: str) -> int:
    """One row on the run's branch, as a job writes it. Returns the branch's snapshot."""
    iceberg = LakeCatalog(lake).load(table)
    if run_id not in iceberg.metadata.refs and (main := iceberg.metadata.refs.get("main")):
        iceberg.manage_snapshots().create_branch(main.snapshot_id, run_id).commit()
        iceberg = LakeCatalog(lake).load(table)
    append(iceberg, table, order_id, run_id)
    return refs(lake, table)[run_id]


def append(iceberg, table, value: str, branch: str) -> None:
    column = "order_id" if table is SALES else "category"
    iceberg.append(pa.Table.from_pylist([{column: value}], schema=iceberg.schema().as_arrow()), branch=branch)


def refs(lake, table) -> dict[str, int]:
    return {name: ref.snapshot_id for name, ref in LakeCatalog(lake).load(table).metadata.refs.items()}


def published_rows(lake, run_id: str) -> dict[str, int]:
    rows = LakeCatalog(lake).load(PUBLISHED).scan().to_arrow().to_pylist()
    return {row["table_name"]: row["snapshot_id"] for row in rows if row["run_id"] == run_id}


def test_main_becomes_the_branch_and_the_branch_is_dropped(lake, run_id):
    written = {table.full_name: write(lake, table, run_id, "A") for table in (SALES, DAILY)}
    publish(lake, run_id, now())
    assert refs(lake, SALES) == {"main": written["curated.sales"]}
    assert refs(lake, DAILY) == {"main": written["curated.daily_sales_summary"]}
    assert published_rows(lake, run_id) == written


def test_publishing_twice_changes_nothing_more(lake, run_id):
    target = write(lake, SALES, run_id, "B")
    assert publish(lake, run_id, now()) == publish(lake, run_id, now())
    assert refs(lake, SALES) == {"main": target}
    assert published_rows(lake, run_id) == {"curated.sales": target}


def test_a_publication_that_died_after_one_table_is_finished_by_whoever_comes(lake, run_id, monkeypatch):
    targets = [write(lake, table, run_id, "C") for table in (SALES, DAILY)]
    from shoplake import publication

    stock, moved = publication._move_main, []

    def die_at_the_second(catalog, table, move):
        if moved:
            raise TimeoutError("the function's time is up")
        moved.append(table.full_name)
        stock(catalog, table, move)

    monkeypatch.setattr(publication, "_move_main", die_at_the_second)
    with pytest.raises(TimeoutError):
        publish(lake, run_id, now())
    assert Runs(lake.runs_table).get(run_id)["state"] == PUBLISHING
    assert (refs(lake, SALES)["main"], refs(lake, DAILY)["main"] == targets[1]) == (targets[0], False)
    assert published_rows(lake, run_id) == {}

    monkeypatch.undo()
    publish(lake, run_id, now())
    assert [refs(lake, table) for table in (SALES, DAILY)] == [{"main": target} for target in targets]
    assert len(published_rows(lake, run_id)) == 2


def test_a_main_that_moved_without_the_lock_is_never_moved_back(lake, run_id):
    write(lake, SALES, run_id, "D")
    append(LakeCatalog(lake).load(SALES), SALES, "intruder", "main")
    intruder = refs(lake, SALES)["main"]
    with pytest.raises(DataError, match=r"curated\.sales: .*somebody wrote to the table without the lake's lock"):
        publish(lake, run_id, now())
    assert refs(lake, SALES)["main"] == intruder


def test_a_run_that_lost_the_lake_publishes_nothing(lake, run_id):
    before = refs(lake, DAILY)["main"]
    write(lake, DAILY, run_id, "late")
    Runs(lake.runs_table).release_lock(run_id)
    with pytest.raises(DataError, match="no longer holds the lake"):
        publish(lake, run_id, now())
    assert refs(lake, DAILY)["main"] == before


def test_a_run_that_wrote_nothing_publishes_nothing(lake, run_id):
    assert publish(lake, run_id, now()) == []
    assert published_rows(lake, run_id) == {}


def test_a_failed_runs_branches_stay_for_some_days_and_main_stays_where_it_was(lake, run_id):
    before = refs(lake, DAILY)["main"]
    target = write(lake, DAILY, run_id, "E")
    assert keep_as_evidence(lake, run_id) == {"curated.daily_sales_summary": target}
    ref = LakeCatalog(lake).load(DAILY).metadata.refs[run_id]
    assert (ref.snapshot_id, ref.max_ref_age_ms) == (target, 3 * 24 * 3600 * 1000)
    assert refs(lake, DAILY)["main"] == before


def test_missing_tables_are_made_and_new_columns_added_without_touching_rows(lake):
    catalog = LakeCatalog(lake)
    narrow = SALES.model_copy(
        update={"name": "narrow", "columns": SALES.columns[:3], "key": ("order_id",), "partition_by": None}
    )
    wide = narrow.model_copy(update={"columns": SALES.columns[:4]})
    assert [catalog.prepare(narrow), catalog.prepare(narrow), catalog.prepare(wide)] == [
        "created",
        "unchanged",
        "widened",
    ]
    assert [field.name for field in catalog.load(wide).schema().fields] == list(SALES.column_names[:4])
    assert catalog.load(wide).schema().fields[3].doc == SALES.columns[3].description


def prepared(lake, name: str, *columns: tuple[str, str]):
    """A table of some columns (name, type), made or adapted. Returns its columns as the catalog has them."""
    declared = [TableColumn(name=column, type=kind, description=column) for column, kind in columns]
    table = SALES.model_copy(update={"name": name, "columns": tuple(declared), "partition_by": None})
    LakeCatalog(lake).prepare(table)
    return [(field.name, str(field.field_type)) for field in LakeCatalog(lake).load(table).schema().fields]


def test_new_columns_stand_where_they_are_declared(lake):
    prepared(lake, "ordered", ("b", "string"), ("e", "string"))
    found = prepared(lake, "ordered", *((name, "string") for name in "abcde"))
    assert [name for name, _ in found] == ["a", "b", "c", "d", "e"]


def test_types_are_widened_as_far_as_iceberg_can(lake):
    prepared(lake, "typed", ("count", "int"), ("amount", "decimal(10,2)"))
    found = prepared(lake, "typed", ("count", "bigint"), ("amount", "decimal(18,2)"))
    assert found == [("count", "long"), ("amount", "decimal(18, 2)")]


def test_a_type_that_can_not_be_widened_is_told(lake):
    prepared(lake, "fixed", ("count", "int"))
    with pytest.raises(ConfigurationError, match=r"^curated\.fixed: column count is declared as string, .*int"):
        prepared(lake, "fixed", ("count", "string"))
