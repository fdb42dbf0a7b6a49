"""The Glue catalog's tables and views as Athena sees them."""

import base64
import json
import re
from dataclasses import dataclass

from ministack.services import glue
from sqlglot import exp

from local.athena import iceberg, raw
from local.athena.errors import QueryFailed
from local.athena.values import glue_type

VIEW = "VIRTUAL_VIEW"
ICEBERG_CURRENT = "iceberg.field.current"


@dataclass(frozen=True)
class View:
    """A view: its query and the database that unqualified names in it belong to."""

    sql: str
    database: str


def entry(database: str, name: str, node: exp.Expression | None = None) -> dict:
    """The catalog's record of a table or view. Raises QueryFailed when there is none."""
    found = glue._tables.get(f"{database}/{name}")
    if found is None:
        if database not in glue._databases:
            schema = node.args.get("db") if node is not None else None
            raise QueryFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", schema or node)
        raise QueryFailed("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist", node)
    return found


def entries(database: str) -> list[dict]:
    """All tables and views of a database, by name."""
    if database not in glue._databases:
        raise QueryFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
    tables = [table for key, table in glue._tables.items() if key.startswith(f"{database}/")]
    return sorted(tables, key=lambda table: table["Name"])


def databases() -> list[str]:
    return sorted(glue._databases.keys())


def columns(table: dict) -> list[tuple[str, str]]:
    """Names and Glue types of a table's columns, its partition keys last."""
    listed = [
        *((table.get("StorageDescriptor") or {}).get("Columns") or []),
        *(table.get("PartitionKeys") or []),
    ]
    # Iceberg keeps dropped columns in the catalog, marked.
    current = [column for column in listed if (column.get("Parameters") or {}).get(ICEBERG_CURRENT) != "false"]
    return [(column["Name"], column.get("Type", "string")) for column in current]


def partitions(database: str, table: dict) -> list[str]:
    """A table's partitions as `date=2025-01-15/source=shop`."""
    keys = [key["Name"] for key in table.get("PartitionKeys") or []]
    found = glue._partitions.get(f"{database}/{table['Name']}") or []
    return ["/".join(f"{key}={value}" for key, value in zip(keys, item["Values"], strict=True)) for item in found]


def is_view(table: dict) -> bool:
    return table.get("TableType") == VIEW


def view(table: dict) -> View:
    """A view's definition, from the comment in which Athena and Presto keep it."""
    encoded = re.search(r"/\* Presto View: (\S+) \*/", table.get("ViewOriginalText") or "")
    if encoded is None:
        raise QueryFailed("INVALID_VIEW", f"View '{table['Name']}' was not made by Athena")
    definition = json.loads(base64.b64decode(encoded.group(1)))
    return View(definition["originalSql"], definition.get("schema") or table["DatabaseName"])


def put_view(
    database: str,
    name: str,
    definition: View,
    shape: list[tuple[str, str]],
    replace: bool,
    node: exp.Expression,
) -> None:
    """Create or replace a view; `shape` is its columns' names and Athena types."""
    if database not in glue._databases:
        raise QueryFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", node)
    existing = glue._tables.get(f"{database}/{name}")
    if existing is not None and not (replace and is_view(existing)):
        raise QueryFailed("TABLE_ALREADY_EXISTS", f"View or table already exists: '{database}.{name}'", node)
    presto = {
        "originalSql": definition.sql,
        "catalog": "awsdatacatalog",
        "schema": definition.database,
        "columns": [{"name": column, "type": kind} for column, kind in shape],
    }
    encoded = base64.b64encode(json.dumps(presto).encode()).decode()
    table_input = {
        "Name": name,
        "TableType": VIEW,
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": glue_type(kind)} for column, kind in shape],
            "Location": "",
        },
    }
    operation = glue._update_table if existing is not None else glue._create_table
    status, _headers, body = operation({"DatabaseName": database, "TableInput": table_input})
    if status >= 300:
        raise QueryFailed("GENERIC_INTERNAL_ERROR", str(body))


def drop_view(database: str, name: str, if_exists: bool, node: exp.Expression) -> None:
    existing = glue._tables.get(f"{database}/{name}")
    if existing is None and if_exists:
        return
    if existing is None or not is_view(existing):
        raise QueryFailed("TABLE_NOT_FOUND", f"View 'awsdatacatalog.{database}.{name}' does not exist", node)
    glue._delete_table({"DatabaseName": database, "Name": name})


def signature(database: str, name: str) -> str:
    """Text that changes whenever a query of the table, view or `table$snapshots` may give another answer."""
    base, _, own_table = name.partition("$")
    table = entry(database, base)
    if is_view(table):
        return table["ViewOriginalText"]
    if iceberg.is_iceberg(table):
        return table["Parameters"]["metadata_location"] if own_table else iceberg.signature(table)
    return raw.signature(database, table)
