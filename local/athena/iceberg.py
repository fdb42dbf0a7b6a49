"""An Iceberg table of the Glue catalog as a DuckDB view of its main branch."""

import duckdb
import pyarrow as pa
from pyiceberg import types
from pyiceberg.manifest import DataFileContent
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, StaticTable
from sqlglot import exp

from local.athena import pruning, store
from local.athena.errors import QueryFailed

METADATA_TABLES = ("files", "history", "manifests", "partitions", "refs", "snapshots")
STORE_IO = {"py-io-impl": "local.athena.store.StoreIO"}
DUCKDB_TYPES = {
    types.BooleanType: "BOOLEAN",
    types.IntegerType: "INTEGER",
    types.LongType: "BIGINT",
    types.FloatType: "FLOAT",
    types.DoubleType: "DOUBLE",
    types.DateType: "DATE",
    types.TimeType: "TIME",
    types.TimestampType: "TIMESTAMP",
    types.TimestamptzType: "TIMESTAMP WITH TIME ZONE",
    types.StringType: "VARCHAR",
    types.UUIDType: "UUID",
    types.BinaryType: "BLOB",
    types.FixedType: "BLOB",
}


def is_iceberg(entry: dict) -> bool:
    """Whether a table of the Glue catalog is an Iceberg table."""
    return (entry.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG"


def load(entry: dict) -> StaticTable:
    """The table as its catalog entry points to it."""
    return StaticTable.from_metadata(entry["Parameters"]["metadata_location"], STORE_IO)


def signature(entry: dict) -> str:
    """Text that changes when the published data or the columns do; commits to other branches leave it."""
    metadata = load(entry).metadata
    return f"{metadata.table_uuid} {metadata.current_snapshot_id} {metadata.current_schema_id}"


def create_view(connection: duckdb.DuckDBPyConnection, view: str, entry: dict, node: exp.Table) -> int:
    """Make `view` show what `node` of a query names: main, or the snapshot of its FOR … AS OF.

    Returns the bytes of the columns that the query uses in the files that its WHERE leaves.
    """
    table = load(entry)
    snapshot_id = _snapshot_id(connection, table, node)
    snapshot = table.metadata.snapshot_by_id(snapshot_id) if snapshot_id is not None else None
    schema = (
        table.schemas()[snapshot.schema_id] if snapshot and snapshot.schema_id in table.schemas() else table.schema()
    )
    tasks = _plan(table, schema, snapshot_id, node)
    _create_view(connection, view, schema, tasks)
    used = _used_fields(node, schema)
    return sum(_bytes_of(task, used) for task in tasks)


def create_metadata_view(
    connection: duckdb.DuckDBPyConnection, view: str, entry: dict, node: exp.Table, kind: str
) -> None:
    """Make `view` show one of the table's own tables, as `"sales$snapshots"`."""
    if kind not in METADATA_TABLES:
        known = ", ".join(f"${name}" for name in METADATA_TABLES)
        raise QueryFailed("TABLE_NOT_FOUND", f"Table '{node.name}' does not exist; there are {known}", node)
    connection.register(view, getattr(load(entry).inspect, kind)())


def _snapshot_id(connection: duckdb.DuckDBPyConnection, table: StaticTable, node: exp.Table) -> int | None:
    version = node.args.get("version")
    if version is None:
        return table.metadata.current_snapshot_id
    if version.name.upper() == "VERSION":
        text = version.expression.name
        # A branch or tag has a name, and only main may be read.
        if not text.isdigit() or table.metadata.snapshot_by_id(int(text)) is None:
            raise QueryFailed("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exist: {text}", node)
        return int(text)
    instant = version.expression.sql(dialect="duckdb")
    (epoch_ms,) = connection.execute(f"SELECT epoch_ms(CAST({instant} AS TIMESTAMPTZ))").fetchone()
    snapshot = table.snapshot_as_of_timestamp(epoch_ms)
    if snapshot is None:
        raise QueryFailed("INVALID_ARGUMENTS", f"No version of table '{node.name}' is as old as {instant}", node)
    return snapshot.snapshot_id


def _plan(table: StaticTable, schema: Schema, snapshot_id: int | None, node: exp.Table) -> list[FileScanTask]:
    if snapshot_id is None:
        return []
    condition = pruning.row_filter(node, schema)
    scan = table.scan(row_filter=condition, snapshot_id=snapshot_id, case_sensitive=False)
    return list(scan.plan_files())


def _used_fields(node: exp.Table, schema: Schema) -> set[int]:
    """Ids of the fields, nested ones included, that the query may read: named ones, or all after a star."""
    query = node.root()
    names = {column.name.lower() for column in query.find_all(exp.Column)}
    takes_all = any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star))
    used = set()
    for field in schema.fields:
        if takes_all or field.name.lower() in names:
            used |= {field.field_id, *Schema(field).field_ids}
    return used


def _bytes_of(task: FileScanTask, field_ids: set[int]) -> int:
    sizes = task.file.column_sizes
    return sum(sizes.get(field_id, 0) for field_id in field_ids) if sizes else task.file.file_size_in_bytes


def _create_view(connection: duckdb.DuckDBPyConnection, view: str, schema: Schema, tasks: list[FileScanTask]) -> None:
    """A view of the planned files without deleted rows, by field id, so that older schemas fit."""
    columns = [(field.field_id, field.name, duckdb_type(field.field_type)) for field in schema.fields]
    if not tasks:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {_quoted(name)}" for _, name, kind in columns)
        connection.execute(f"CREATE VIEW {view} AS SELECT {empty} WHERE FALSE")
        return
    by_id = ", ".join(
        f"{field_id}: {{name: {_text(name)}, type: {_text(kind)}, default_value: NULL}}"
        for field_id, name, kind in columns
    )
    files = {task.file.file_path: _local(task.file.file_path) for task in tasks}
    names = ", ".join(_quoted(name) for _, name, _ in columns)
    reader = f"read_parquet({_list(files.values())}, schema = MAP {{{by_id}}}"
    deletes = {delete.file_path for task in tasks for delete in _positional_deletes(task)}
    if not deletes:
        connection.execute(f"CREATE VIEW {view} AS SELECT {names} FROM {reader})")
        return
    paths = pa.table({"file_path": list(files), "local_path": list(files.values())})
    connection.register(f"{view}_files", paths)
    connection.execute(
        f"CREATE VIEW {view}_deleted AS SELECT local_path, pos FROM {view}_files JOIN "
        f"read_parquet({_list(_local(path) for path in deletes)}) USING (file_path)"
    )
    connection.execute(
        f"CREATE VIEW {view} AS SELECT {names} FROM {reader}, filename = true, file_row_number = true) AS data "
        f"ANTI JOIN {view}_deleted ON filename = local_path AND file_row_number = pos"
    )


def _positional_deletes(task: FileScanTask) -> list:
    for delete in task.delete_files:
        if delete.content != DataFileContent.POSITION_DELETES:
            raise QueryFailed("NOT_SUPPORTED", "Local Athena reads no equality deletes")
    return list(task.delete_files)


def duckdb_type(iceberg_type: types.IcebergType) -> str:
    """DuckDB's name of an Iceberg type."""
    match iceberg_type:
        case types.DecimalType(precision=precision, scale=scale):
            return f"DECIMAL({precision},{scale})"
        case types.ListType(element_type=element):
            return f"{duckdb_type(element)}[]"
        case types.MapType(key_type=key, value_type=value):
            return f"MAP({duckdb_type(key)}, {duckdb_type(value)})"
        case types.StructType(fields=fields):
            return f"STRUCT({', '.join(f'{_quoted(f.name)} {duckdb_type(f.field_type)}' for f in fields)})"
    return DUCKDB_TYPES[type(iceberg_type)]


def _local(location: str) -> str:
    path = store.path_on_disk(location)
    if path is None:
        raise QueryFailed("ICEBERG_MISSING_DATA", f"{location} does not exist")
    return str(path)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _list(paths) -> str:
    return "[" + ", ".join(_text(str(path)) for path in paths) + "]"
