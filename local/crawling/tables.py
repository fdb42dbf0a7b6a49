"""From the shapes of files to the table that a crawler leaves in the catalog.

A table's columns are those of all its files; a CSV file is read by position, so that columns keep the order in
which they were first seen and new ones come last. Its partition keys are the `name=value` folders of its files.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from local.crawling.glue_types import glue_type, merge
from local.crawling.shapes import Shape

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_FORMATS = {
    "csv": (_TEXT_INPUT, _TEXT_OUTPUT, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
    "json": (_TEXT_INPUT, _TEXT_OUTPUT, "org.openx.data.jsonserde.JsonSerDe"),
    "parquet": (
        f"{_PARQUET}.MapredParquetInputFormat",
        f"{_PARQUET}.MapredParquetOutputFormat",
        f"{_PARQUET}.serde.ParquetHiveSerDe",
    ),
}
_OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


@dataclass(frozen=True)
class CrawledFile:
    """An object under a crawler's target: where it lies and what it is (None: not looked into)."""

    folders: tuple[str, ...]  # between the target and the name
    size: int
    shape: Shape | None = None


@dataclass(frozen=True)
class CrawledTable:
    """What all files of a target come to. `partitions` are tuples of folders such as ("date=2025-01-31",)."""

    columns: list[dict[str, str]]
    keys: tuple[str, ...]
    partitions: list[tuple[str, ...]]
    outside: int  # files that lie in no partition though the table has some
    passed_over: int  # files of another format than the table's
    parameters: dict[str, str]
    _shape: Shape

    def storage(self, location: str) -> dict[str, Any]:
        """The StorageDescriptor of the table or of one of its partitions."""
        reads, writes, serde = _FORMATS[self._shape.classification]
        serde_parameters = {"serialization.format": "1"}
        if self._shape.classification == "csv":
            delimiter = self._shape.delimiter
            serde_parameters = {"field.delim": delimiter}
            if self._shape.serde == "OpenCSVSerDe":
                serde = _OPEN_CSV
                serde_parameters = {"separatorChar": delimiter, "quoteChar": self._shape.quote}
        elif self._shape.classification == "json":
            serde_parameters = {"paths": ",".join(column["Name"] for column in self.columns)}
        return {
            "Columns": self.columns,
            "Location": location,
            "InputFormat": reads,
            "OutputFormat": writes,
            "Compressed": self._shape.compression != "none",
            "NumberOfBuckets": -1,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters},
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": self.parameters,
            "StoredAsSubDirectories": False,
        }


def describe(files: Sequence[CrawledFile], crawler: str, known_columns: Iterable[str] = ()) -> CrawledTable | None:
    """The table that files make, oldest file first; None where none of them could be read.

    The format of most files is the table's. Where a header is missing in some files, the others name the
    columns. `known_columns` are the present table's: they stay in front, as far as some file has them.
    """
    seen = [file for file in files if file.shape]
    if not seen:
        return None
    (classification, _), *_ = Counter(file.shape.classification for file in seen).most_common()
    own = [file for file in seen if file.shape.classification == classification]
    if any(file.shape.has_header for file in own):
        own = [file for file in own if file.shape.has_header]
    types: dict[str, Any] = {}
    for file in own:
        types = merge(types, file.shape.columns) if types else dict(file.shape.columns)
    keys = _partition_keys(files)
    order = [name for name in known_columns if name in types]
    order += [name for name in types if name not in order]
    columns = [{"Name": _beside(name, keys), "Type": glue_type(types[name])} for name in order]
    typical = _typical([file.shape for file in own])
    partitions = sorted({file.folders for file in files if keys and _keys(file) == keys})
    return CrawledTable(
        columns,
        keys,
        partitions,
        outside=sum(_keys(file) != keys for file in files) if keys else 0,
        passed_over=len(seen) - len(own),
        parameters=_parameters(files, own, typical, crawler),
        _shape=typical,
    )


def _typical(shapes: list[Shape]) -> Shape:
    """A file that is written as most are: same delimiter, SerDe and compression."""
    manner = Counter((shape.delimiter, shape.serde, shape.compression) for shape in shapes).most_common(1)[0][0]
    return next(s for s in reversed(shapes) if (s.delimiter, s.serde, s.compression) == manner)


def _parameters(files: Sequence[CrawledFile], own: list[CrawledFile], shape: Shape, crawler: str) -> dict[str, str]:
    size = sum(file.size for file in files)
    record_bytes = max(1, round(sum(file.shape.record_bytes for file in own) / len(own)))
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": crawler,
        "averageRecordSize": str(record_bytes),
        "classification": shape.classification,
        "compressionType": shape.compression,
        "objectCount": str(len(files)),
        "recordCount": str(max(1, size // record_bytes)),  # an estimate, as Glue's is
        "sizeKey": str(size),
        "typeOfData": "file",
    }
    if shape.classification == "csv":
        parameters |= {
            "areColumnsQuoted": str(any(file.shape.is_quoted for file in own)).lower(),
            "columnsOrdered": "true",
            "delimiter": shape.delimiter,
            **({"skip.header.line.count": "1"} if shape.has_header else {}),
        }
    return parameters


def _partition_keys(files: Sequence[CrawledFile]) -> tuple[str, ...]:
    """The keys that most files' folders have; of those as common the deepest."""
    chains = Counter(_keys(file) for file in files)
    return max(chains, key=lambda chain: (chains[chain], len(chain)), default=())


def _keys(file: CrawledFile) -> tuple[str, ...]:
    """The keys of a file's folders; none where one of them is a plain folder."""
    keys = tuple(folder.partition("=")[0].lower() for folder in file.folders)
    return keys if all("=" in folder for folder in file.folders) else ()


def _beside(name: str, keys: tuple[str, ...]) -> str:
    """A column's name where a partition key may bear the same: no table has a name twice."""
    return f"{name}_2" if name in keys else name
