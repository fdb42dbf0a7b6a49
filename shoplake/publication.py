"""Publishing: each table's main moves to the run's branch in one commit, table by table.

Not one atomic step over several tables, so it only goes forward: before the first move the run's record
says what every table is to become, and whoever finds a half-done publication (a retry, the roll back,
whoever takes over the lock) finishes it. Each table is whole at every instant.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.update import AssertRefSnapshotId, SetSnapshotRefUpdate

from shoplake.catalog import LakeCatalog
from shoplake.config import Lake
from shoplake.errors import DataError
from shoplake.runs import PUBLISHING, RUNNING, Runs
from shoplake.tables import Table, load_tables
from shoplake.times import iso, parse

logger = logging.getLogger(__name__)
MAIN = "main"


@dataclass(frozen=True)
class Move:
    """One table's part of a publication: main is at `expected` and is to become `target`."""

    table: str
    expected: int | None
    target: int


def publication_order(tables: dict[str, Table]) -> list[Table]:
    """Branched tables, each after the tables that touch it: aggregates last."""
    ordered: dict[str, Table] = {}

    def visit(table: Table) -> None:
        for name in table.touched_by:
            visit(tables[name])
        ordered.setdefault(table.full_name, table)

    for table in tables.values():
        visit(table)
    return [table for table in ordered.values() if table.branched]


def publish(lake: Lake, run_id: str, now: datetime) -> list[Move]:
    """Publish a run's branches, or finish what was begun. Returns the moves made or found made.

    Raises DataError when the run no longer holds the lake, or a table's main isn't where the run began: somebody
    wrote without the lock.
    """
    catalog, runs = LakeCatalog(lake), Runs(lake.runs_table)
    moves = recorded_moves(runs, run_id)
    if moves is not None and "published_at" in runs.get(run_id):
        return moves
    if moves is None:
        moves = plan_moves(catalog, run_id)
        lock = runs.lock()
        holds = lock is not None and lock.run_id == run_id
        recorded = [asdict(move) for move in moves]
        if not holds or not runs.move(run_id, PUBLISHING, (RUNNING, PUBLISHING), publication=recorded):
            raise DataError("the run was closed meanwhile and no longer holds the lake; nothing was published")
    tables = load_tables()
    for move in moves:
        _move_main(catalog, tables[move.table], move)
    if moves:
        _record_complete(catalog, run_id, moves, now)
    for move in moves:
        _drop_branch(catalog.load(tables[move.table]), run_id)
    runs.update(run_id, published_at=iso(now))
    return moves


def moved_tables(lake: Lake, run_id: str) -> list[str]:
    """The tables that a publication has moved already."""
    catalog, tables = LakeCatalog(lake), load_tables()
    moves = recorded_moves(Runs(lake.runs_table), run_id) or []
    return [move.table for move in moves if _head(catalog.load(tables[move.table]), MAIN) == move.target]


def recorded_moves(runs: Runs, run_id: str) -> list[Move] | None:
    """The moves that a run has set out to make; None where it hasn't come that far."""
    recorded = (runs.get(run_id) or {}).get("publication")
    if recorded is None:
        return None
    return [Move(m["table"], None if m["expected"] is None else int(m["expected"]), int(m["target"])) for m in recorded]


def plan_moves(catalog: LakeCatalog, run_id: str) -> list[Move]:
    """The tables that the run wrote to, in the order of publication."""
    moves = []
    for table in publication_order(load_tables()):
        iceberg = catalog.load(table)
        branch = iceberg.metadata.refs.get(run_id) if iceberg else None
        if branch is not None:
            moves.append(Move(table.full_name, _head(iceberg, MAIN), branch.snapshot_id))
    return moves


def keep_as_evidence(lake: Lake, run_id: str) -> dict[str, int]:
    """Give a failed run's branches their time to live. Returns the snapshot of each, by table."""
    catalog = LakeCatalog(lake)
    age_ms = lake.inventory.evidence_days * 24 * 3600 * 1000
    kept = {}
    for move in plan_moves(catalog, run_id):
        iceberg = catalog.load(load_tables()[move.table])
        expiring = SetSnapshotRefUpdate(ref_name=run_id, type="branch", snapshot_id=move.target, max_ref_age_ms=age_ms)
        catalog.catalog.commit_table(iceberg, (AssertRefSnapshotId(ref=run_id, snapshot_id=move.target),), (expiring,))
        kept[move.table] = move.target
    return kept


def _move_main(catalog: LakeCatalog, table: Table, move: Move) -> None:
    iceberg = catalog.load(table)
    head = _head(iceberg, MAIN)
    if head == move.target:
        return
    if head != move.expected or not _is_ancestor(iceberg, move.expected, move.target):
        raise DataError(
            f"{move.table}: main is at snapshot {head}, but this run began at {move.expected}; somebody wrote to the "
            "table without the lake's lock. Nothing of the table was published: replay the run."
        )
    forward = SetSnapshotRefUpdate(ref_name=MAIN, type="branch", snapshot_id=move.target)
    catalog.catalog.commit_table(iceberg, (AssertRefSnapshotId(ref=MAIN, snapshot_id=head),), (forward,))
    logger.info("published %s at snapshot %s", move.table, move.target)


def _record_complete(catalog: LakeCatalog, run_id: str, moves: list[Move], now: datetime) -> None:
    """Add the run's rows to curated.published, once."""
    published = catalog.load(load_tables()["curated.published"])
    rows = pa.Table.from_pylist(
        [
            {
                "run_id": run_id,
                "table_name": m.table,
                "snapshot_id": m.target,
                "published_at": parse(iso(now)),
            }
            for m in moves
        ],
        schema=published.schema().as_arrow(),
    )
    published.overwrite(rows, overwrite_filter=EqualTo("run_id", run_id))


def _drop_branch(iceberg: IcebergTable, run_id: str) -> None:
    if run_id in iceberg.metadata.refs:
        iceberg.manage_snapshots().remove_branch(run_id).commit()


def _head(iceberg: IcebergTable, ref: str) -> int | None:
    found = iceberg.metadata.refs.get(ref)
    return found.snapshot_id if found else None


def _is_ancestor(iceberg: IcebergTable, ancestor: int | None, descendant: int) -> bool:
    """Whether main can move forward: an empty table's main is an ancestor of everything."""
    snapshot = iceberg.snapshot_by_id(descendant)
    while snapshot is not None:
        if snapshot.snapshot_id == ancestor:
            return True
        parent = snapshot.parent_snapshot_id
        snapshot = iceberg.snapshot_by_id(parent) if parent is not None else None
    return ancestor is None
