"""How new the published tables are: the newest instant in each, against the objective of its contract."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table, load_tables


@dataclass(frozen=True)
class Objective:
    """The newest value of a table's column is to be at most so many hours old."""

    column: str
    hours: float


@lru_cache(maxsize=1)
def objectives() -> dict[str, Objective]:
    """The objective of each table that has one, by the table's full name.

    A contract states it for one of its columns; it holds for every published table that has this column and is
    made from the contract's dataset, however many tables lie between.
    """
    found = {}
    for name, table in load_tables().items():
        for contract in _contracts_of(table):
            objective = load_contract(contract).freshness
            if table.branched and objective and objective[0] in table.column_names:
                found[name] = Objective(*objective)
                break
    return found


def _contracts_of(table: Table) -> list[str]:
    """The contracts of the table and of those that it is made from, the nearest first."""
    tables, names, waiting = load_tables(), [], [table.full_name]
    for name in waiting:  # grows meanwhile
        if tables[name].contract:
            names.append(tables[name].contract)
        waiting += [source for source in tables[name].touched_by if source not in waiting]
    return names


def newest_instants(lake: Lake) -> dict[str, datetime]:
    """The newest instant of each table that has an objective and a row, from the tables' metadata alone."""
    from shoplake.catalog import LakeCatalog

    catalog, found = LakeCatalog(lake), {}
    for name, objective in objectives().items():
        iceberg = catalog.load(load_tables()[name])
        newest = iceberg and _greatest(iceberg, objective.column)
        if newest:
            found[name] = newest
    return found


def _greatest(iceberg, column: str) -> datetime | None:
    """The greatest value of a timestamp column on main: the upper bounds in the manifests, which are exact."""
    from pyiceberg.conversions import from_bytes
    from pyiceberg.utils.datetime import micros_to_timestamptz

    snapshot = iceberg.current_snapshot()
    if snapshot is None or column not in iceberg.schema().column_names:
        return None
    column_field = iceberg.schema().find_field(column)
    entries = (e for manifest in snapshot.manifests(iceberg.io) for e in manifest.fetch_manifest_entry(iceberg.io))
    bounds = [(entry.data_file.upper_bounds or {}).get(column_field.field_id) for entry in entries]
    micros = [from_bytes(column_field.field_type, bound) for bound in bounds if bound is not None]
    return micros_to_timestamptz(max(micros)) if micros else None
