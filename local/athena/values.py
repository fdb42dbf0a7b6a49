"""Types and values as Athena shows them: everything is text, and the same text on AWS."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

# By DuckDB's name; parametrised and nested types are handled in `athena_type`.
ATHENA_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "bigint",
    "HUGEINT": "bigint",  # DuckDB's sum of integers
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "varchar",
    "JSON": "json",
    "UUID": "varchar",
    "BLOB": "varbinary",
    "DATE": "date",
    "TIME": "time(3)",
    "TIMESTAMP": "timestamp(3)",
    "TIMESTAMP_S": "timestamp(3)",
    "TIMESTAMP_MS": "timestamp(3)",
    "TIMESTAMP_NS": "timestamp(3)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(3) with time zone",
    "INTERVAL": "interval day to second",
    '"NULL"': "unknown",
}
GLUE_TYPES = {
    "integer": "int",
    "varchar": "string",
    "json": "string",
    "varbinary": "binary",
    "unknown": "string",
}


def athena_type(duckdb_type: str) -> str:
    """Athena's name of a DuckDB type, as `decimal(18,4)` or `timestamp(3)`."""
    if duckdb_type.endswith("]"):
        return "array"
    kind = duckdb_type.partition("(")[0]
    if kind == "DECIMAL":
        return duckdb_type.lower().replace(" ", "")
    return {"STRUCT": "row", "MAP": "map"}.get(kind) or ATHENA_TYPES.get(duckdb_type, "varchar")


def glue_type(athena: str) -> str:
    """The Glue catalog's name of an Athena type, for a view's columns."""
    plain = athena if athena.startswith("decimal") else re.sub(r"\(.*", "", athena)
    return GLUE_TYPES.get(plain, plain)


def athena_type_of_glue(glue: str) -> str:
    """Athena's name of a Glue catalog type."""
    return {"string": "varchar", "int": "integer", "binary": "varbinary"}.get(glue, glue)


def split_type(athena: str) -> tuple[str, int, int]:
    """Name, precision and scale as GetQueryResults tells them: `decimal(18,4)` is decimal, 18 and 4."""
    match = re.fullmatch(r"(\w+)\((\d+)(?:,(\d+))?\)(.*)", athena)
    if match:
        name, precision, scale, rest = match.groups()
        return name + rest, int(precision), int(scale or 0)
    precisions = {
        "varchar": 2147483647,
        "bigint": 19,
        "integer": 10,
        "smallint": 5,
        "tinyint": 3,
        "double": 17,
        "float": 17,
    }
    return athena, precisions.get(athena, 0), 0


def text(value) -> str | None:
    """A value as Athena prints it; None for NULL."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case float():
            return _double(value)
        case datetime(tzinfo=None):
            return value.isoformat(" ", "milliseconds")
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds") + " UTC"
        case date():
            return value.isoformat()
        case bytes():
            return value.hex(" ")
        case list() | tuple():
            return "[" + ", ".join(_inside(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_inside(key)}={_inside(item)}" for key, item in value.items()) + "}"
    return str(value)


def _inside(value) -> str:
    """A value within an array, map or row."""
    return "null" if value is None else text(value)


def _double(value: float) -> str:
    """As Java prints a double: 0.1, 1.0E7, NaN, Infinity."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        shown = f"{Decimal(repr(value)):f}"
        return shown if "." in shown else shown + ".0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{exponent + len(digits) - 1}"


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """A result file: everything in quotes, NULL as nothing."""
    lines = [_csv_line(columns), *(_csv_line(row) for row in rows)]
    return "".join(lines).encode()


def _csv_line(cells: Sequence[str | None]) -> str:
    quoted = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells)
    return ",".join(quoted) + "\n"


def from_csv(content: bytes, width: int) -> list[list[str | None]]:
    """The rows of a result file below its header, NULLs as None. `width` is the number of columns.

    The csv module can't tell "" from nothing, so the unquoted cells are marked first.
    """
    marked = re.sub(r'("(?:[^"]|"")*")|(?<=,)(?=,|\n)|^(?=,|\n)', _mark_null, content.decode(), flags=re.MULTILINE)
    rows = list(csv.reader(io.StringIO(marked, newline="")))[1:]
    return [[None if cell == _NULL else cell for cell in row] for row in rows if len(row) == width]


_NULL = "\N{NULL}NULL"


def _mark_null(match: re.Match) -> str:
    return match.group(1) or _NULL
