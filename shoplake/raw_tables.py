"""The raw tables that crawlers leave in the catalog: held against the contract, and given new partitions.

A raw table is read by nobody but people: jobs read staged records. So what is wrong with it is a sentence in the
e-mail, never a failure.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.contracts import Column, Contract, fold
from shoplake.words import counted

MAX_SENTENCES = 4  # of one dataset in an e-mail, and in the state of the run
_PARTITIONS_A_CALL = 100
_CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_LENIENT = {"use.null.for.invalid.data": "true"}
# What GetTable says of a table and UpdateTable takes.
_TABLE_INPUT = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType")
# What a crawler may find for a column of the contract's type. Text always fits a time: its formats are the contract's.
_FITS = {
    "integer": ("tinyint", "smallint", "int", "bigint"),
    "number": ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"),
    "boolean": ("boolean", "string", "int", "bigint"),
    "date": ("date", "timestamp", "string", "bigint"),
    "timestamp": ("date", "timestamp", "string", "bigint"),
}


def raw_table(lake: Lake, dataset: str) -> dict[str, Any] | None:
    """Glue's record of a dataset's raw table; None where no crawl has made it yet."""
    try:
        return client("glue").get_table(DatabaseName=lake.database("raw"), Name=dataset)["Table"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            return None
        raise


def let_values_be_missing(lake: Lake, table: dict[str, Any]) -> None:
    """Have Athena read an empty cell of a crawled CSV column of numbers as NULL: its CSV SerDe fails on it otherwise.

    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
    """
    serde, parameters = table["StorageDescriptor"]["SerdeInfo"], table.get("Parameters", {})
    if serde.get("SerializationLibrary") != _CSV_SERDE or _LENIENT.items() <= parameters.items():
        return
    changed = {name: table[name] for name in _TABLE_INPUT if name in table}
    client("glue").update_table(
        DatabaseName=lake.database("raw"), TableInput={**changed, "Parameters": {**parameters, **_LENIENT}}
    )


def differences(dataset: str, columns: Iterable[tuple[str, str]], contract: Contract) -> list[str]:
    """A sentence for each way in which a raw table's columns (name and Glue type) differ from the contract."""
    by_name = {fold(name): column for column in contract.columns for name in column.accepted_names}
    for source in contract.sources:
        for column, names in source.aliases.items():
            by_name = {fold(name): contract.by_name[column] for name in names} | by_name
    known = set(by_name) | {fold(name) for source in contract.sources for name in source.header}
    arrays = {place for source in contract.sources for place in (source.records, source.explode) if place}
    fields = [field for name, kind in columns for field in _fields(name, kind, arrays)]
    found = [(name, kind, by_name.get(fold(name))) for name, kind in fields]
    present = {column.name for _, _, column in found if column}
    sentences = [
        f"raw.{dataset}: no column is the required `{column.name}` (it may be called {_names(column)})"
        for column in contract.columns
        if column.required and not column.is_in(present)
    ]
    sentences += [
        f"raw.{dataset}: column `{name}` holds {kind}, and the contract says {column.logical_type}"
        + (f" ({column.name})" if column.name != name else "")
        for name, kind, column in found
        if column and not _fits(kind, column)
    ]
    opened = {parent for name, _, column in found if column for parent in _parents(name)}
    whole = {parent for name, _ in fields for parent in _parents(name) if fold(parent) in known} - opened
    new = [n for n, _, column in found if not (column or fold(n) in known or whole.intersection(_parents(n)))]
    if new and contract.personal:
        # The verdict of a file names its columns; a crawler also takes a person's row for a header.
        return [*sentences, f"raw.{dataset}: {counted(len(new), 'column')} that the contract doesn't know"]
    return sentences + [
        f"raw.{dataset}: column `{name}` is new: the contract doesn't know it"
        if name.isprintable()
        else f"raw.{dataset}: column {name!a} comes from a file that is no text, which crawlers read all the same"
        for name in new
    ]


def _parents(name: str) -> list[str]:
    """The objects that a member is in, by its path. One that the contract knows whole is kept as JSON text."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _fields(name: str, kind: str, arrays: set[str]) -> Iterator[tuple[str, str]]:
    """A column as the validator sees it: the members of an object by their path, those of the contract's arrays bare.

    `maker struct<name:string>` is `maker.name string`.
    """
    inner = kind.removeprefix("array<") if kind.startswith("array<struct<") else kind
    if not inner.startswith("struct<"):
        yield name, kind
        return
    place = "" if name in arrays else f"{name}."
    for member in _members(inner.removeprefix("struct<")):
        own_name, _, own_kind = member.partition(":")
        yield from _fields(place + own_name, own_kind, arrays)


def _members(text: str) -> Iterator[str]:
    """The members of a struct, `a:int` and so on, out of what follows `struct<`."""
    depth, start = 0, 0
    for position, letter in enumerate(text):
        if letter in "<(":
            depth += 1
        elif letter in ",>" and depth == 0:
            yield text[start:position]
            start = position + 1
            if letter == ">":
                return
        elif letter in ">)":
            depth -= 1


def _fits(kind: str, column: Column) -> bool:
    """Whether values of a Glue type can be the column's. Anything can be text."""
    if column.logical_type not in _FITS:
        return True
    return re.split(r"[<(]", kind, maxsplit=1)[0] in _FITS[column.logical_type]


def _names(column: Column) -> str:
    return ", ".join(f"`{name}`" for name in column.accepted_names)


def shortened(sentences: list[str], dataset: str) -> list[str]:
    """As many as an e-mail takes, each of a bounded length."""
    more = len(sentences) - MAX_SENTENCES
    told = [sentence[:200] for sentence in sentences[:MAX_SENTENCES]]
    return [*told, f"raw.{dataset}: ... and {more} more differences"] if more > 0 else told


def add_partitions(lake: Lake, dataset: str, folders: list[str]) -> int:
    """Give the raw table the partitions of these folders (`date=2025-01-31`), with the table's own columns.

    Folders of other keys than the table's are left out; those that it has already change nothing. Returns how
    many are new.
    """
    table = raw_table(lake, dataset)
    if table is None or not table.get("PartitionKeys"):
        return 0
    storage = table["StorageDescriptor"]
    inputs = [
        {
            "Values": [part.partition("=")[2] for part in folder.split("/")],
            "StorageDescriptor": {**storage, "Location": f"{storage['Location'].rstrip('/')}/{folder}/"},
            "Parameters": table.get("Parameters", {}),
        }
        for folder in folders
        if _is_partition(folder, table)
    ]
    added = 0
    for start in range(0, len(inputs), _PARTITIONS_A_CALL):
        some = inputs[start : start + _PARTITIONS_A_CALL]
        answer = client("glue").batch_create_partition(
            DatabaseName=lake.database("raw"), TableName=dataset, PartitionInputList=some
        )
        errors = [error["ErrorDetail"] for error in answer.get("Errors", [])]
        refused = [error for error in errors if error["ErrorCode"] != "AlreadyExistsException"]
        if refused:
            raise RuntimeError(f"Glue refused {len(refused)} partitions: {refused[0]['ErrorMessage']}")
        added += len(some) - len(errors)
    return added


def outside_partitions(dataset: str, table: dict[str, Any], folders: list[str], without_folder: int) -> list[str]:
    """A sentence where files of a run lie in no partition of a partitioned raw table, so that SQL on it misses them."""
    keys = [key["Name"] for key in table.get("PartitionKeys", [])]
    strays = [folder for folder in folders if not _is_partition(folder, table)]
    if not keys or not (strays or without_folder):
        return []
    place = "/".join(f"{key}=..." for key in keys)
    what = [f"{counted(len(strays), 'folder')} such as {strays[0]}"] if strays else []
    what += [f"{counted(without_folder, 'file')} in no folder"] if without_folder else []
    return [f"raw.{dataset}: SQL on it misses {' and '.join(what)}, outside its partitions ({place})"]


def _is_partition(folder: str, table: dict[str, Any]) -> bool:
    return [part.partition("=")[0] for part in folder.split("/")] == [key["Name"] for key in table["PartitionKeys"]]
