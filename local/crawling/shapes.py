"""What one file is: its format, its columns with their types, and how its records are written."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from local.crawling.glue_types import UNKNOWN, merge, type_of_arrow, type_of_json, type_of_text
from local.crawling.samples import PARQUET_MAGIC, Sample, Unreadable, open_parquet, take_sample

DELIMITERS = ",|\t;\x01"  # those that the built-in classifier knows
_UTF8_BOM = "\ufeff"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_NAME = 150  # characters of a column's name, by the built-in classifier's rule for headers


@dataclass(frozen=True)
class Classifiers:
    """A crawler's own classifiers, which go before the built-in ones.

    `csv` is a CsvClassifier and `json_paths` JsonPaths of JsonClassifiers, as Glue's API takes them.
    """

    csv: dict[str, Any] = field(default_factory=dict)
    json_paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """One file as a crawler sees it. `columns` are names and types in the file's order."""

    classification: str  # csv, json or parquet
    columns: dict[str, Any]
    compression: str
    record_bytes: float  # of a record on average, unpacked
    delimiter: str | None = None
    is_quoted: bool = False
    has_header: bool = True
    serde: str | None = None  # what a CSV classifier asks for
    quote: str = '"'


def shape_of(file: BinaryIO, classifiers: Classifiers) -> Shape:
    """The shape of a file that can be sought in. Raises Unreadable where no classifier knows it."""
    sample = take_sample(file)
    if sample.content.startswith(PARQUET_MAGIC):
        return _parquet(open_parquet(file, sample), sample)
    if sample.content.startswith(_UTF16_BOMS) or b"\0" in sample.content[:4096]:
        raise Unreadable("the file is not text in UTF-8")
    text = sample.content.decode("utf-8", errors="replace").removeprefix(_UTF8_BOM)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, sample, classifiers.json_paths)
    return _csv(text, sample, classifiers.csv)


def _parquet(file: BinaryIO, sample: Sample) -> Shape:
    try:
        metadata = pq.read_metadata(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise Unreadable(f"the Parquet file is broken ({error})") from None
    schema = metadata.schema.to_arrow_schema()
    size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    columns = {f.name.lower(): type_of_arrow(f.type) for f in schema}
    return Shape("parquet", columns, sample.compression, size / max(metadata.num_rows, 1))


def _json(text: str, sample: Sample, json_paths: tuple[str, ...]) -> Shape:
    """JSON Lines, and an array where a classifier's path leads to it; any other array is one column, as in Glue."""
    starts = [start for path in json_paths if (start := _start_of_array(text, path)) is not None]
    is_one_column = not starts and text.lstrip().startswith("[")
    columns, count = {}, 0
    for record in _values(text, starts[0] if starts else 0):
        if is_one_column:
            columns["array"] = merge(columns.get("array", [UNKNOWN]), [type_of_json(record)])
        elif isinstance(record, dict):
            columns = merge(columns, type_of_json(record))
        count += 1
    if not columns:
        raise Unreadable("the file holds no whole JSON object")
    return Shape("json", columns, sample.compression, len(text) / count)


def _start_of_array(text: str, json_path: str) -> int | None:
    """Where the array of a path such as `$[*]` or `$.orders[*]` begins; None where the file has no such array."""
    names = re.findall(r"\.(\w+)", json_path)
    position = 0
    for name in names:
        found = re.compile(rf'"{re.escape(name)}"\s*:\s*').search(text, position)
        if found is None:
            return None
        position = found.end()
    rest = text[position:]
    return position if rest.lstrip().startswith("[") else None


def _values(text: str, start: int) -> Iterator[Any]:
    """The JSON values from a position on, one after the other, those of an array as well; ends at what is cut off."""
    decoder, between = json.JSONDecoder(), re.compile(r"[\s,\[]*")
    position = between.match(text, start).end()
    while position < len(text) and text[position] != "]":
        try:
            value, position = decoder.raw_decode(text, position)
        except ValueError:
            return
        yield value
        position = re.compile(r"[\s,]*").match(text, position).end()


def _csv(text: str, sample: Sample, classifier: dict[str, Any]) -> Shape:
    first_line = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    if delimiter not in first_line:
        raise Unreadable("the file has a single column, which no CSV classifier takes")
    applies = classifier and classifier.get("Delimiter", delimiter) == delimiter
    classifier = classifier if applies else {}
    quote = classifier.get("QuoteSymbol", '"')
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote))
    except csv.Error as error:
        raise Unreadable(f"the file is not CSV ({error})") from None
    rows = [row for row in (rows if sample.is_whole else rows[:-1]) if row]
    if not rows:
        raise Unreadable("the file's first record is longer than what a crawler looks at")
    has_header = _has_header(rows, classifier.get("ContainsHeader", "UNKNOWN"))
    data = rows[1:] if has_header else rows
    names = rows[0] if has_header else [""] * len(rows[0])
    columns = {}
    for position, name in enumerate(names):
        kind = UNKNOWN
        for row in data:
            if position < len(row):
                kind = merge(kind, type_of_text(row[position]))
        columns[_column_name(name, position, columns)] = kind
    return Shape(
        "csv",
        columns,
        sample.compression,
        len(text) / len(rows),
        delimiter=delimiter,
        is_quoted=quote in text,
        has_header=has_header,
        serde=classifier.get("Serde"),
        quote=quote,
    )


def _has_header(rows: list[list[str]], told: str) -> bool:
    """Whether the first row names the columns: as the classifier is told, else by the built-in one's rules.

    Every name is a string and not too long, and some value below is not a string.
    https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
    """
    if told != "UNKNOWN":
        return told == "PRESENT"
    names, data = rows[0], rows[1:]
    if any(type_of_text(name) != "string" or len(name) > _LONGEST_NAME for name in names):
        return False
    return any(type_of_text(value) not in ("string", UNKNOWN) for row in data for value in row)


def _column_name(name: str, position: int, taken: dict[str, Any]) -> str:
    """A name as the catalog has it: lower case, `col3` where there is none, unique."""
    wanted = name.strip().lower() or f"col{position}"
    unique, number = wanted, 2
    while unique in taken:
        unique, number = f"{wanted}_{number}", number + 1
    return unique
