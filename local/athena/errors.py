"""How a query fails, in Athena's words."""

import re

import duckdb
from sqlglot import exp
from sqlglot.errors import ParseError

UNKNOWN_COLUMN = (
    r'Referenced column "([^"]+)" (?:was )?not found',
    r'does not have a column named "([^"]+)"',
    r'Column "([^"]+)" referenced that exists in the SELECT clause',
)


class QueryFailed(Exception):
    """A query that ends FAILED; `str()` is the reason, which begins with Trino's error code."""

    def __init__(self, code: str, message: str, node: exp.Expression | None = None) -> None:
        super().__init__(f"{code}: {position(node)}{message}")
        self.code = code


class BytesLimitExceeded(Exception):
    """A query that ends CANCELLED because it would read more than its workgroup allows."""

    def __init__(self, scanned_bytes: int) -> None:
        super().__init__("Bytes scanned limit was exceeded")
        self.scanned_bytes = scanned_bytes


def position(node: exp.Expression | None) -> str:
    """`line 1:8: `, where the name of `node` stands in the query; empty when that is not known."""
    if node is None:
        return ""
    name = node.this if isinstance(node.this, exp.Expression) else node
    line, last = name.meta.get("line"), name.meta.get("col")
    if line is None:
        return ""
    # The parser keeps the last column of a name.
    length = name.meta.get("end", 0) - name.meta.get("start", 0)
    return f"line {line}:{last - length}: "


def from_parser(problem: ParseError) -> QueryFailed:
    """What Athena says about a statement that doesn't parse."""
    first = problem.errors[0] if problem.errors else {}
    where = f"line {first['line']}:{first['col']}: " if first.get("line") else ""
    near = first.get("highlight")
    return QueryFailed("SYNTAX_ERROR", f"{where}mismatched input" + (f" '{near}'" if near else ""))


def from_duckdb(problem: duckdb.Error, query: exp.Expression) -> QueryFailed:
    """What Athena would say about an error that DuckDB found in `query`."""
    message = str(problem)
    column = next((found for pattern in UNKNOWN_COLUMN if (found := re.search(pattern, message))), None)
    if column:
        name = column.group(1)
        node = _first(query, exp.Column, name)
        return QueryFailed("COLUMN_NOT_FOUND", f"Column '{_written(node) or name}' cannot be resolved", node)
    table = re.search(r'Referenced table "([^"]+)" not found', message)
    if table:
        node = next((c for c in query.find_all(exp.Column) if c.table.lower() == table.group(1).lower()), None)
        return QueryFailed("COLUMN_NOT_FOUND", f"Column '{_written(node) or table.group(1)}' cannot be resolved", node)
    function = re.search(r"Function with name (\S+) does not exist", message)
    if function:
        return QueryFailed("FUNCTION_NOT_FOUND", f"Function '{function.group(1)}' not registered")
    of_file = _bad_file(message)
    if of_file:
        return of_file
    kind, _, rest = message.partition(": ")
    first_line = rest.strip().partition("\n")[0]
    if isinstance(problem, duckdb.ConversionException):
        return QueryFailed("INVALID_CAST_ARGUMENT", first_line)
    if isinstance(problem, duckdb.BinderException | duckdb.ParserException):
        return QueryFailed("SYNTAX_ERROR", first_line)
    return QueryFailed("GENERIC_INTERNAL_ERROR", f"{kind}: {first_line}")


def _bad_file(message: str) -> QueryFailed | None:
    """What Athena says of a raw table's file that isn't what its SerDe reads."""
    own = re.search(r"(HIVE_\w+): (.*)", message)  # from local.athena.serdes
    if own:
        return QueryFailed(own.group(1), own.group(2))
    torn = re.search(r"Malformed JSON (.*)", message)
    if torn:
        return QueryFailed("HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object - {torn.group(1)}")
    return None


def _first(query: exp.Expression, kind: type, name: str):
    return next((node for node in query.find_all(kind) if node.name.lower() == name.lower()), None)


def _written(column: exp.Column | None) -> str:
    return ".".join(part.name for part in column.parts).lower() if column is not None else ""
