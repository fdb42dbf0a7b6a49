"""What a statement is: a query, one about the catalog, a view's making, or one that local Athena refuses."""

import re

import sqlglot
from sqlglot import exp

from local.athena import catalog, engine
from local.athena.engine import Result
from local.athena.errors import QueryFailed

READ_ONLY = "Local Athena is read only: tables are written by the lake's jobs."
_NAME = r'[\w`"$.-]+'
_SHOW = {
    "databases": re.compile(r"(?is)show\s+(?:databases|schemas)"),
    "tables": re.compile(rf"(?is)show\s+tables(?:\s+(?:in|from)\s+({_NAME}))?(?:\s+(?:like\s+)?'([^']*)')?"),
    "views": re.compile(rf"(?is)show\s+views(?:\s+(?:in|from)\s+({_NAME}))?"),
    "columns": re.compile(rf"(?is)show\s+columns\s+(?:in|from)\s+({_NAME})"),
    "partitions": re.compile(rf"(?is)show\s+partitions\s+({_NAME})"),
    "create_view": re.compile(rf"(?is)show\s+create\s+view\s+({_NAME})"),
    "describe": re.compile(rf"(?is)desc(?:ribe)?\s+(?:formatted\s+|extended\s+)?({_NAME})"),
}


def execute(sql: str, database: str, parameters: list[str], bytes_limit: int | None = None) -> Result:
    """Run one statement of Athena's SQL. Raises QueryFailed or BytesLimitExceeded."""
    text = _without_comments(sql)
    for kind, pattern in _SHOW.items():
        match = pattern.fullmatch(text)
        if match:
            return _show(kind, database, *match.groups())
    statement = engine.parse(sql, parameters)
    if isinstance(statement, exp.Query):
        with engine.Query(database, bytes_limit) as query:
            return query.run(statement)
    if isinstance(statement, exp.Create) and statement.kind == "VIEW":
        return _create_view(statement, database)
    if isinstance(statement, exp.Drop) and statement.kind == "VIEW":
        name = statement.find(exp.Table)
        if_exists = bool(statement.args.get("exists"))
        catalog.drop_view((name.db or database).lower(), name.name.lower(), if_exists, name)
        return Result()
    raise QueryFailed("NOT_SUPPORTED", READ_ONLY)


def _without_comments(sql: str) -> str:
    """The statement without leading comments and the closing semicolon, to recognise it by its first words."""
    return re.sub(r"\A(\s|--[^\n]*(\n|\Z)|/\*.*?\*/)*", "", sql, flags=re.DOTALL).rstrip().rstrip(";").rstrip()


def _create_view(statement: exp.Create, database: str) -> Result:
    name, body = statement.this, statement.expression
    if isinstance(name, exp.Schema):
        raise QueryFailed("NOT_SUPPORTED", "Name a view's columns in its query, with AS", name.this)
    with engine.Query(database) as query:
        shape = query.shape(body)
    unnamed = next((column for column, _ in shape if re.fullmatch(r"_col\d+", column)), None)
    if unnamed:
        raise QueryFailed("MISSING_COLUMN_NAME", "Column name not specified", name)
    zoned = next((kind for _, kind in shape if kind.endswith("with time zone")), None)
    if zoned:
        raise QueryFailed("NOT_SUPPORTED", f"Unsupported Hive type: {zoned}")
    definition = catalog.View(body.sql(dialect="athena"), database)
    replace = bool(statement.args.get("replace"))
    catalog.put_view((name.db or database).lower(), name.name.lower(), definition, shape, replace, name)
    return Result()


def _show(kind: str, database: str, name: str | None = None, like: str | None = None) -> Result:
    if kind == "databases":
        return _column("database_name", catalog.databases())
    if kind in ("tables", "views"):
        entries = catalog.entries(_unquoted(name)[-1] if name else database)
        names = [table["Name"] for table in entries if kind == "tables" or catalog.is_view(table)]
        pattern = (like or "*").replace("*", ".*")
        found = [table for table in names if re.fullmatch(pattern, table)]
        return _column("tab_name" if kind == "tables" else "views", found)
    *schema, table_name = _unquoted(name)
    schema_name = schema[-1] if schema else database
    table = catalog.entry(schema_name, table_name)
    if kind == "columns":
        return _column("field", [column for column, _ in catalog.columns(table)])
    if kind == "create_view":
        if not catalog.is_view(table):
            raise QueryFailed("NOT_SUPPORTED", f"'{schema_name}.{table_name}' is not a view")
        pretty = sqlglot.parse_one(catalog.view(table).sql, dialect="athena").sql(dialect="athena", pretty=True)
        return _column("Create View", [f"CREATE VIEW {schema_name}.{table_name} AS", *pretty.splitlines()])
    if kind == "partitions":
        if not table.get("PartitionKeys"):
            message = f"Table {schema_name}.{table_name} is not a partitioned Hive table; of an Iceberg table read "
            raise QueryFailed("NOT_SUPPORTED", message + f'"{table_name}$partitions"')
        return _column("partition", catalog.partitions(schema_name, table))
    rows = [[column, data_type, ""] for column, data_type in catalog.columns(table)]
    return Result(["col_name", "data_type", "comment"], ["varchar"] * 3, rows)


def _column(name: str, cells: list[str]) -> Result:
    return Result([name], ["varchar"], [[cell] for cell in cells])


def _unquoted(name: str) -> list[str]:
    return name.replace("`", "").replace('"', "").lower().split(".")
