"""A raw table of the Glue catalog (CSV, JSON Lines or Parquet files) as a DuckDB view.

A table is the files under its location, or, when it has partition keys, those under its partitions' locations.
As in Athena, a file is what the table's SerDe makes of it, whatever its name; `.gz` says that it is compressed.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from ministack.services import glue, s3
from sqlglot import exp

from local.athena import pruning, serdes, store, texts
from local.athena.errors import BytesLimitExceeded, QueryFailed
from local.athena.serdes import quoted

PATH = "$path"
DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class RawFile:
    """One object of a table: where it is, on disk and in S3, and its partition's values as text, None for NULL."""

    path: Path
    location: str
    size: int
    values: tuple[str | None, ...]


def create_view(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    entry: dict,
    node: exp.Table,
    folder: Path,
    bytes_limit: int | None,
) -> int:
    """Make `view` show the table that `node` of a query names. Returns the bytes that the query scans.

    Partitions that the query's WHERE rules out are not read. `folder` takes copies of files that DuckDB can't read
    as they are. Raises BytesLimitExceeded when the files alone are over the limit, before any is read.
    """
    keys = [(key["Name"], serdes.duckdb_type(key.get("Type", "string"))) for key in entry.get("PartitionKeys") or []]
    files = _files(connection, entry, keys, node)
    serde = serdes.of(entry)
    if not files:
        shape = [*serde.columns, *keys, *([(PATH, "VARCHAR")] if _names_path(node) else [])]
        empty = [f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in shape]
        connection.execute(f"CREATE VIEW {view} AS SELECT {', '.join(empty)} WHERE FALSE")
        return 0
    scanned = serde.scanned_bytes([file.path for file in files], _used_columns(node))
    if bytes_limit and scanned > bytes_limit:
        raise BytesLimitExceeded(scanned)
    if serde.is_text:
        paths = [texts.readable(file.path, file.location, folder) for file in files]
    else:
        paths = [str(file.path) for file in files]
    partitions = {f"key_{index}": [file.values[index] for file in files] for index in range(len(keys))}
    of_files = pa.table({"path": paths, "location": [file.location for file in files]} | {
        name: pa.array(values, pa.string()) for name, values in partitions.items()
    })  # fmt: skip
    connection.register(f"{view}_files", of_files)
    relation = serde.relation(connection, list(dict.fromkeys(paths)))
    of_partition = [f"CAST(key_{index} AS {kind}) AS {quoted(name)}" for index, (name, kind) in enumerate(keys)]
    columns = [*(quoted(name) for name, _ in serde.columns), *of_partition]
    if _names_path(node):
        columns.append(f"location AS {quoted(PATH)}")
    connection.execute(
        f"CREATE VIEW {view} AS SELECT {', '.join(columns)} FROM {relation} JOIN {view}_files ON filename = path"
    )
    return scanned


def _names_path(node: exp.Table) -> bool:
    """Whether the query asks for the files' places, which `*` doesn't give."""
    return any(column.name.lower() == PATH for column in node.root().find_all(exp.Column))


def signature(database: str, entry: dict) -> str:
    """Text that changes with the table's definition, its partitions and the objects that it reads."""
    found = glue._partitions.get(f"{database}/{entry['Name']}") or []
    places = [partition["StorageDescriptor"]["Location"] for partition in found]
    places = places or [entry["StorageDescriptor"]["Location"]]
    definition = [entry["StorageDescriptor"], entry.get("PartitionKeys"), entry.get("Parameters")]
    return repr([*definition, *((place, store.fingerprint(place)) for place in places)])


def _files(
    connection: duckdb.DuckDBPyConnection, entry: dict, keys: list[tuple[str, str]], node: exp.Table
) -> list[RawFile]:
    if not keys:
        return _files_under(entry["StorageDescriptor"]["Location"], ())
    found = glue._partitions.get(f"{entry['DatabaseName']}/{entry['Name']}") or []
    partitions = [
        (partition["StorageDescriptor"]["Location"], tuple(_value(text) for text in partition["Values"]))
        for partition in found
    ]
    kept = pruning.partitions(connection, node, keys, [values for _, values in partitions])
    return [file for index in kept for file in _files_under(*partitions[index])]


def _files_under(location: str, values: tuple[str | None, ...]) -> list[RawFile]:
    """The objects under a location. Those whose name or folder begins with `_` or `.` are hidden, as in Athena."""
    bucket, _, prefix = location.partition("://")[2].partition("/")
    prefix = prefix and prefix.rstrip("/") + "/"
    objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
    found = []
    for key in sorted(key for key in list(objects) if key.startswith(prefix) and not key.endswith("/")):
        if any(part.startswith(("_", ".")) for part in key.removeprefix(prefix).split("/")):
            continue
        path = store.path_on_disk(f"s3://{bucket}/{key}")
        if path is None:
            raise QueryFailed("HIVE_CANNOT_OPEN_SPLIT", f"s3://{bucket}/{key} does not exist")
        if size := path.stat().st_size:
            found.append(RawFile(path, f"s3://{bucket}/{key}", size, values))
    return found


def _value(text: str) -> str | None:
    return None if text == DEFAULT_PARTITION else text


def _used_columns(node: exp.Table) -> set[str] | None:
    """Names that the query uses, in lower case; None for all of them."""
    query = node.root()
    if any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star)):
        return None
    return {column.name.lower() for column in query.find_all(exp.Column)}
