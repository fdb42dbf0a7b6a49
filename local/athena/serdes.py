"""What each of Hive's SerDes makes of files, as a relation in DuckDB's SQL.

A text SerDe gets one line at a time, as in Hive: a line break within quotes ends the record there too. Values that
don't fit their column's type are NULL (LazySimpleSerDe, JSON) or fail the query (OpenCSVSerde, which on AWS doesn't
take empty numbers either). https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from local.athena.errors import QueryFailed

NO_DELIMITER = "\x01\x02\x03\x04"  # in no line, so that a line is one value
MAX_LINE_BYTES = 12_000_000
_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
# What Hive takes for a value of a type; DuckDB's casts take more.
_FORMS = {
    **dict.fromkeys(_INTEGERS, r"[+-]?\d+"),
    "BOOLEAN": "(?i)true|false",
    "TIMESTAMP": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?",
    "DATE": r"\d{4}-\d\d-\d\d",
}


@dataclass(frozen=True)
class Serde:
    """How a table's files are read. `columns` are names and DuckDB types, without partition keys."""

    columns: list[tuple[str, str]]
    kinds: list[str]  # the columns' Glue types
    parameters: dict[str, str]
    skip: int
    is_lenient: bool  # the table's use.null.for.invalid.data
    is_text = True

    def scanned_bytes(self, paths: Sequence[Path], used: set[str] | None) -> int:
        """All bytes of the files, compressed as they are; `used` columns make a difference to Parquet alone."""
        return sum(path.stat().st_size for path in paths)

    def relation(self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
        """A relation of the table's columns and `filename`."""
        fields = ", ".join(
            f"{self.value(index, kind)} AS {quoted(name)}" for index, (name, kind) in enumerate(self.columns)
        )
        return f"(SELECT {fields}, filename FROM (SELECT {self.record()} AS record, filename FROM {self.lines(paths)}))"

    def lines(self, paths: Sequence[str]) -> str:
        """A relation of the files' lines: `line` and `filename`."""
        packed = [path for path in paths if path.endswith(".gz")]
        plain = [path for path in paths if not path.endswith(".gz")]
        settings = (
            f"columns = {{line: 'VARCHAR'}}, delim = {_text(NO_DELIMITER)}, quote = '', escape = '', header = false, "
            f"skip = {self.skip}, auto_detect = false, filename = true, max_line_size = {MAX_LINE_BYTES}"
        )
        readers = [
            f"SELECT coalesce(line, '') AS line, filename "
            f"FROM read_csv({_texts(files)}, compression = '{compression}', {settings})"
            for files, compression in ((plain, "none"), (packed, "gzip"))
            if files
        ]
        return f"({' UNION ALL '.join(readers)})"

    def record(self) -> str:
        """An expression that takes `line` apart."""
        raise NotImplementedError

    def value(self, index: int, kind: str) -> str:
        """An expression for a column, of `record`."""
        raise NotImplementedError


class LazySimple(Serde):
    """Values between delimiters, never unquoted; `\\N` is NULL."""

    def record(self) -> str:
        delimiter = self.parameters.get("field.delim") or self.parameters.get("serialization.format", "1")
        return f"string_split(line, {_text(chr(1) if delimiter == '1' else delimiter)})"

    def value(self, index: int, kind: str) -> str:
        return _typed(f"nullif(record[{index + 1}], '\\N')", kind, "NULL")


class OpenCsv(Serde):
    """Values that may be quoted; all text, unless the table says otherwise."""

    def record(self) -> str:
        separator = self.parameters.get("separatorChar", ",")
        mark = self.parameters.get("quoteChar", '"')
        escape = self.parameters.get("escapeChar", "\\")
        s, q, e = (f"\\x{{{ord(character):x}}}" for character in (separator, mark, escape))
        pattern = f"{s}({q}(?:[^{q}{e}]|{e}.|{q}{q})*{q}|[^{s}]*)"
        unquoted = f"replace(f[2:-2], {_text(mark * 2)}, {_text(mark)})"
        unescaped = f"replace({unquoted}, {_text(escape + mark)}, {_text(mark)})" if escape != mark else unquoted
        is_quoted = f"length(f) > 1 AND starts_with(f, {_text(mark)}) AND ends_with(f, {_text(mark)})"
        found = f"regexp_extract_all({_text(separator)} || line, {_text(pattern)}, 1)"
        return f"list_transform({found}, lambda f: CASE WHEN {is_quoted} THEN {unescaped} ELSE f END)"

    def value(self, index: int, kind: str) -> str:
        text = f"record[{index + 1}]"
        if self.is_lenient:
            return _typed(text, kind, "NULL")
        place = f"' for field {index}: For input string: \"'"
        refusal = f"error('HIVE_BAD_DATA: Error parsing field value ''' || {text} || ''{place} || {text} || '\"')"
        return _typed(text, kind, f"CASE WHEN {text} IS NOT NULL THEN {refusal} END")


class JsonLines(Serde):
    """An object a line. Names are matched without case, as the SerDe does by default."""

    def relation(self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
        lines = self.lines(paths)
        (found,) = connection.execute(
            f"SELECT json_group_structure(TRY_CAST(line AS JSON)) FROM {lines} WHERE json_valid(line)"
        ).fetchone()
        found = json.loads(found) if found else {}
        names = {name.lower(): name for name in found} if isinstance(found, dict) else {}
        shape, taken = {}, []
        for (name, kind), glue in zip(self.columns, self.kinds, strict=True):
            key = names.get(name.lower(), name)
            shape[key] = _json_shape(exp.DataType.build(glue, dialect="hive"), found.get(key) if names else None)
            taken.append(f"CAST(record[{_text(key)}] AS {kind}) AS {quoted(name)}")
        ignores = self.parameters.get("ignore.malformed.json", "false").lower() == "true"
        text = (
            "CASE WHEN json_valid(line) THEN line ELSE '{}' END"
            if ignores
            else "coalesce(nullif(trim(line), ''), '{}')"
        )
        record = f"from_json({text}, {_text(json.dumps(shape))})"
        return f"(SELECT {', '.join(taken)}, filename FROM (SELECT {record} AS record, filename FROM {lines}))"


class Parquet(Serde):
    """Columns by name; one that a file lacks is NULL."""

    is_text = False

    def scanned_bytes(self, paths: Sequence[Path], used: set[str] | None) -> int:
        return sum(_parquet_bytes(path, used) for path in paths)

    def relation(self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
        reader = f"read_parquet({_texts(paths)}, union_by_name = true, filename = true)"
        present = {row[0].lower() for row in connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()}
        fields = [
            f"CAST({quoted(name) if name.lower() in present else 'NULL'} AS {kind}) AS {quoted(name)}"
            for name, kind in self.columns
        ]
        return f"(SELECT {', '.join(fields)}, filename FROM {reader})"


_SERDES = {
    "LazySimpleSerDe": LazySimple,
    "OpenCSVSerde": OpenCsv,
    "JsonSerDe": JsonLines,
    "ParquetHiveSerDe": Parquet,
}


def of(entry: dict[str, Any]) -> Serde:
    """The SerDe of a table of the catalog. Raises QueryFailed for one that local Athena doesn't know."""
    storage = entry["StorageDescriptor"]
    info = storage.get("SerdeInfo") or {}
    library = info.get("SerializationLibrary") or ""
    kind = _SERDES.get(library.rpartition(".")[2])
    if kind is None:
        known = ", ".join(_SERDES)
        raise QueryFailed(
            "NOT_SUPPORTED", f"Local Athena reads no files with {library or 'no SerDe'}; it knows {known}"
        )
    columns = [(column["Name"], column.get("Type", "string")) for column in storage.get("Columns") or []]
    properties = entry.get("Parameters") or {}
    skip = properties.get("skip.header.line.count", "0")
    return kind(
        columns=[(name, duckdb_type(glue)) for name, glue in columns],
        kinds=[glue for _, glue in columns],
        parameters=info.get("Parameters") or {},
        skip=int(skip) if skip.isdigit() else 0,
        is_lenient=properties.get("use.null.for.invalid.data", "").lower() == "true",
    )


def duckdb_type(glue: str) -> str:
    """DuckDB's name of a Glue type such as `array<struct<id:bigint>>`."""
    return exp.DataType.build(glue, dialect="hive", udt=True).sql("duckdb")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(text: str, kind: str, otherwise: str) -> str:
    """`text` as a value of a type; `otherwise` where it is none."""
    if kind.startswith("TEXT"):
        return text
    form = _FORMS.get(kind)
    fits = f"regexp_full_match({text}, {_text(form)}) AND " if form else ""
    cast = f"TRY_CAST({text} AS {kind})"
    return f"CASE WHEN {fits}{cast} IS NOT NULL THEN {cast} ELSE {otherwise} END"


def _json_shape(kind: exp.DataType, found: Any) -> Any:
    """What `from_json` is to give for a type, with the names of members as the files spell them (`found`)."""
    if kind.is_type("STRUCT"):
        spelled = {name.lower(): name for name in found} if isinstance(found, dict) else {}
        members = {member.name: member.args["kind"] for member in kind.expressions}
        keys = {name: spelled.get(name.lower(), name) for name in members}
        return {
            key: _json_shape(members[name], found.get(key) if isinstance(found, dict) else None)
            for name, key in keys.items()
        }
    if kind.is_type("ARRAY"):
        return [_json_shape(kind.expressions[0], found[0] if isinstance(found, list) and found else None)]
    return kind.sql("duckdb").replace("TEXT", "VARCHAR")


def _parquet_bytes(path: Path, used: set[str] | None) -> int:
    """Compressed bytes of the used columns' chunks."""
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowInvalid as problem:
        raise QueryFailed("HIVE_BAD_DATA", f"Not valid Parquet file: {path.name} ({problem})") from None
    chunks = (
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    return sum(
        chunk.total_compressed_size
        for chunk in chunks
        if used is None or chunk.path_in_schema.partition(".")[0].lower() in used
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"
