"""The views of `views/`, kept in Athena as the files say: made when their tables are there, remade when one differs.

A view's entry in the Glue catalog bears a fingerprint of what it was made from, so that a run that changes nothing
costs two calls. The fingerprint covers the types of the tables' columns too: Athena refuses a view whose columns
have other types than when it was made.
"""

import hashlib

from shoplake.athena import QueryFailed, run_query
from shoplake.aws import client
from shoplake.config import Lake
from shoplake.sql_files import View, views
from shoplake.tables import load_tables

FINGERPRINT = "shoplake_made_from"
# What makes a view in the catalog, of that which GetTable tells.
_DEFINITION = (
    "Name", "StorageDescriptor", "PartitionKeys", "TableType", "ViewOriginalText", "ViewExpandedText",
)  # fmt: skip


def refresh_views(lake: Lake) -> list[str]:
    """Make every declared view whose tables all exist and that is missing or differs. Returns what went wrong."""
    declared, problems = views(lake), []
    present = {name: _tables_of(lake, name) for name in {"processed", "curated"}}
    existing = {f"{database}.{name}" for database, tables in present.items() for name in tables}
    for view in declared:
        if not existing.issuperset(view.reads):
            continue
        fingerprint = fingerprint_of(view)
        entry = present[view.database].get(view.name, {})
        if entry.get("Parameters", {}).get(FINGERPRINT) == fingerprint:
            continue
        try:
            run_query(lake, f'CREATE OR REPLACE VIEW "{lake.database(view.database)}"."{view.name}" AS\n{view.sql}')
            _mark(lake, view, fingerprint)
        except QueryFailed as failure:
            problems.append(f"Athena can't make the view {view.full_name}: {failure}")
    return problems


def fingerprint_of(view: View) -> str:
    """What the view is made from, in 16 characters: its text, and the columns of the tables that it reads."""
    columns = [(name, column.name, column.type) for name in view.reads for column in load_tables()[name].columns]
    return hashlib.sha256(repr((view.sql, columns)).encode()).hexdigest()[:16]


def _tables_of(lake: Lake, database: str) -> dict[str, dict]:
    """The catalog's entries of a database by name; none where there is no such database."""
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=lake.database(database))
    return {table["Name"]: table for page in pages for table in page["TableList"]}


def _mark(lake: Lake, view: View, fingerprint: str) -> None:
    """Write into the view's catalog entry what it was made from. Athena's own CREATE takes no properties."""
    glue, database = client("glue"), lake.database(view.database)
    entry = glue.get_table(DatabaseName=database, Name=view.name)["Table"]
    wanted = {name: entry[name] for name in _DEFINITION if name in entry}
    wanted["Parameters"] = {**entry.get("Parameters", {}), FINGERPRINT: fingerprint}
    glue.update_table(DatabaseName=database, TableInput=wanted)
