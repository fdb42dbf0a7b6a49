"""Runs one query: finds its tables, translates Athena's SQL to DuckDB's, computes, and turns rows to text."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from local.athena import catalog, errors, iceberg, raw, semantics, values
from local.athena.errors import BytesLimitExceeded, QueryFailed

MAX_VIEW_DEPTH = 16
PLACEHOLDER = sqlglot.TokenType.PLACEHOLDER
# One query must not starve Spark, which has the same cores.
SETTINGS = {"TimeZone": "'UTC'", "threads": "2", "memory_limit": "'1GB'"}


@dataclass
class Result:
    """What a query gave: all values as Athena prints them, None for NULL.

    `sources` are the tables that were read, as `database.table`, each with its signature then.
    """

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    scanned_bytes: int = 0
    sources: dict[str, str] = field(default_factory=dict)


def parse(sql: str, parameters: list[str]) -> exp.Expression:
    """The statement, with `parameters` (SQL literals) in the place of its question marks."""
    try:
        statements = sqlglot.parse(_with_parameters(sql.rstrip().rstrip(";"), parameters), dialect="athena")
    except ParseError as problem:
        raise errors.from_parser(problem) from problem
    except TokenError as problem:
        raise QueryFailed("SYNTAX_ERROR", str(problem)) from problem
    if len(statements) != 1 or statements[0] is None:
        raise QueryFailed("SYNTAX_ERROR", "Only one sql statement is allowed")
    return statements[0]


def _with_parameters(sql: str, parameters: list[str]) -> str:
    places = [token for token in sqlglot.tokenize(sql, dialect="trino") if token.token_type == PLACEHOLDER]
    if len(places) != len(parameters):
        message = f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}"
        raise QueryFailed("INVALID_PARAMETER_USAGE", message)
    for place, parameter in reversed(list(zip(places, parameters, strict=True))):
        sql = sql[: place.start] + parameter + sql[place.end + 1 :]
    return sql


class Query:
    """One statement's connection to DuckDB and the tables that it sees. Close it after use."""

    def __init__(self, database: str, bytes_limit: int | None = None) -> None:
        self._database = database
        self._bytes_limit = bytes_limit
        self._connection = duckdb.connect(":memory:")
        for name, value in SETTINGS.items():
            self._connection.execute(f"SET {name} = {value}")
        # Raw tables count on TRY_CAST giving NULL; this optimizer makes it an error.
        self._connection.execute("SET disabled_optimizers = 'type_pushdown'")
        self._temporary: Path | None = None
        self._views = 0
        self._schema: dict[str, dict[str, exp.DataType]] = {}
        self._result = Result()

    def __enter__(self) -> "Query":
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def shape(self, query: exp.Query) -> list[tuple[str, str]]:
        """Names and Athena types of the columns that `query` gives, without computing it."""
        translated = self._translate(query)
        described = self._execute(f"DESCRIBE {translated}", query).fetchall()
        return [
            (semantics.result_name(row[0], index), values.athena_type(row[1])) for index, row in enumerate(described)
        ]

    def run(self, query: exp.Query) -> Result:
        """Raises QueryFailed, or BytesLimitExceeded before anything is read."""
        translated = self._translate(query)
        if self._bytes_limit and self._result.scanned_bytes > self._bytes_limit:
            raise BytesLimitExceeded(self._result.scanned_bytes)
        cursor = self._execute(translated, query)
        described = cursor.description or []
        self._result.columns = [semantics.result_name(item[0], index) for index, item in enumerate(described)]
        self._result.types = [values.athena_type(str(item[1])) for item in described]
        try:
            self._result.rows = [[values.text(cell) for cell in row] for row in cursor.fetchall()]
        except duckdb.Error as problem:
            raise errors.from_duckdb(problem, query) from problem
        return self._result

    def _execute(self, sql: str, query: exp.Expression) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql)
        except duckdb.Error as problem:
            raise errors.from_duckdb(problem, query) from problem

    def _translate(self, query: exp.Query) -> str:
        tree = query.copy()
        semantics.name_unnamed_columns(tree)
        self._resolve_tables(tree, self._database, depth=0)
        return semantics.as_trino_computes(tree, self._schema).sql(dialect="duckdb")

    def _resolve_tables(self, tree: exp.Expression, database: str, depth: int) -> None:
        """Make a DuckDB view of every table that `tree` names, and name that view instead."""
        local_names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        found = [
            (node, (node.db or database).lower(), node.name.lower())
            for node in tree.find_all(exp.Table)
            if isinstance(node.this, exp.Identifier) and (node.db or node.name.lower() not in local_names)
        ]
        # All views first: pruning looks at the tree as it was written.
        views = [self._create_view(node, schema, name, depth) for node, schema, name in found]
        for (node, _, name), view in zip(found, views, strict=True):
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
            node.set("this", exp.to_identifier(view))
            for part in ("db", "catalog", "version"):
                node.set(part, None)
        for column in tree.find_all(exp.Column):
            # database.table.column: the view is known by the table's name alone.
            column.set("db", None)
            column.set("catalog", None)

    def _create_view(self, node: exp.Table, database: str, name: str, depth: int) -> str:
        view = f"table_{self._views}"
        self._views += 1
        if database == "information_schema":
            self._create_information_schema(view, node, name)
        else:
            self._create_table_view(view, node, database, name, depth)
        described = self._connection.execute(f"DESCRIBE {view}").fetchall()
        self._schema[view] = {
            row[0]: exp.DataType.build(row[1], dialect="duckdb", udt=True) for row in described if row[0] != raw.PATH
        }
        return view

    def _create_table_view(self, view: str, node: exp.Table, database: str, name: str, depth: int) -> None:
        base, _, own_table = name.partition("$")
        table = catalog.entry(database, base, node)
        self._result.sources[f"{database}.{name}"] = catalog.signature(database, name)
        if catalog.is_view(table):
            self._expand(view, catalog.view(table), depth)
        elif iceberg.is_iceberg(table) and own_table:
            iceberg.create_metadata_view(self._connection, view, table, node, own_table)
        elif iceberg.is_iceberg(table):
            self._result.scanned_bytes += iceberg.create_view(self._connection, view, table, node)
        else:
            self._result.scanned_bytes += self._create_raw_view(view, table, node)

    def _expand(self, view: str, definition: catalog.View, depth: int) -> None:
        if depth > MAX_VIEW_DEPTH:
            raise QueryFailed("VIEW_IS_RECURSIVE", "Views are nested too deeply")
        body = parse(definition.sql, [])
        self._resolve_tables(body, definition.database, depth + 1)
        translated = semantics.as_trino_computes(body, self._schema).sql(dialect="duckdb")
        self._execute(f"CREATE VIEW {view} AS {translated}", body)

    def _create_raw_view(self, view: str, table: dict, node: exp.Table) -> int:
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="shoplake-athena-"))
        try:
            return raw.create_view(self._connection, view, table, node, self._temporary, self._bytes_limit)
        except duckdb.Error as problem:
            raise errors.from_duckdb(problem, node) from problem

    def _create_information_schema(self, view: str, node: exp.Table, name: str) -> None:
        tables = [(database, table) for database in catalog.databases() for table in catalog.entries(database)]
        if name == "tables":
            columns = ("table_catalog", "table_schema", "table_name", "table_type")
            rows = [
                (
                    "awsdatacatalog",
                    database,
                    table["Name"],
                    "VIEW" if catalog.is_view(table) else "BASE TABLE",
                )
                for database, table in tables
            ]
        elif name == "columns":
            columns = ("table_catalog", "table_schema", "table_name", "column_name", "data_type")
            rows = [
                ("awsdatacatalog", database, table["Name"], column, values.athena_type_of_glue(kind))
                for database, table in tables
                for column, kind in catalog.columns(table)
            ]
        else:
            raise QueryFailed(
                "TABLE_NOT_FOUND", f"Table 'awsdatacatalog.information_schema.{name}' does not exist", node
            )
        shape = ", ".join(f"{column} VARCHAR" for column in columns)
        self._connection.execute(f"CREATE TABLE {view} ({shape})")
        if rows:
            places = ", ".join("?" for _ in columns)
            self._connection.executemany(f"INSERT INTO {view} VALUES ({places})", rows)
