"""How a dataset's day is written as a file: plainly, or in another form that the lake reads all the same."""

import csv
import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from generator.text import json_text

Record = dict[str, Any]
GZIP_LEVEL = 6


@dataclass(frozen=True)
class Form:
    """What CSV and JSON Lines have in common."""

    kind: str = "plain"
    expected: Mapping[str, Any] = field(default_factory=dict)  # what a verdict says of the form
    is_gzipped: bool = False
    encoding: str = "utf-8"
    begin: bytes = b""
    line_end: str = "\n"
    extension = ""

    @property
    def suffix(self) -> str:
        return f".{self.extension}.gz" if self.is_gzipped else f".{self.extension}"

    def open(self, file: BinaryIO) -> BinaryIO:
        """The stream to write into; without a clock in it."""
        return gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) if self.is_gzipped else file

    def encode(self, lines: pa.StringArray) -> bytes | pa.Buffer:
        """Lines with their endings, as the file's bytes."""
        if not len(lines):
            return b""
        text = pc.binary_join_element_wise(lines, "", self.line_end)
        content = text.buffers()[2]  # the texts of the column, one after the other: what a file is
        return content if self.encoding == "utf-8" else content.to_pybytes().decode().encode(self.encoding)


@dataclass(frozen=True)
class CsvForm(Form):
    """A CSV. `names` maps a column to its name in the header, in the header's order."""

    names: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    constants: Mapping[str, str] = field(default_factory=dict)  # columns that the dataset doesn't have
    extension = "csv"

    @property
    def header(self) -> str:
        return self.delimiter.join(self.names.values())

    def lines(self, columns: Mapping[str, pa.StringArray]) -> pa.StringArray:
        """A line a record, without its ending."""
        cells = [columns.get(name, self.constants.get(name)) for name in self.names]
        return pc.binary_join_element_wise(*cells, self.delimiter)

    def parse(self, line: str) -> Record:
        (cells,) = csv.reader(io.StringIO(line, newline=""), delimiter=self.delimiter)
        return dict(zip(self.names, cells, strict=True))

    def render(self, record: Record) -> str:
        return self._row(list(record.values()))

    def torn(self, record: Record) -> str:
        """The beginning of a record, as after a full disk."""
        return self._row(list(record.values())[:3])

    def widened(self, record: Record) -> str:
        """A record with two cells too many."""
        return self._row([*record.values(), "and", "more"])

    def _row(self, cells: list[str]) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=self.delimiter, lineterminator="").writerow(cells)
        return out.getvalue()


@dataclass(frozen=True)
class JsonForm(Form):
    """JSON Lines. `renamed` maps a field to another name for it; `extra` are fields that the dataset doesn't have."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    extension = "jsonl"
    header = None

    def lines(self, records: pa.StringArray) -> pa.StringArray:
        """Plain records in this form."""
        for name, other in self.renamed.items():
            records = pc.replace_substring(records, f'"{name}":', f'"{other}":')
        if self.extra:
            records = pc.binary_join_element_wise(pc.utf8_slice_codeunits(records, 0, -1), self._tail, "")
        return records

    def parse(self, line: str) -> Record:
        original = {other: name for name, other in self.renamed.items()}
        return {original.get(name, name): value for name, value in json.loads(line).items()}

    def render(self, record: Record) -> str:
        return json_text({self.renamed.get(name, name): value for name, value in record.items()})

    def torn(self, record: Record) -> str:
        """The first half of a record."""
        text = self.render(record)
        return text[: len(text) // 2]

    @property
    def _tail(self) -> str:
        return f",{json_text(self.extra)[1:]}"


def csv_forms(plain: CsvForm, synonyms: Mapping[str, str], extra: Mapping[str, str]) -> tuple[CsvForm, ...]:
    """The other forms of a dataset's CSV: drifted headers, encodings, delimiters, line endings, gzip."""
    renamed = {name: synonyms.get(name, name) for name in plain.names}
    turned = dict(reversed(plain.names.items()))
    widened = {**plain.names, **{name: name for name in extra}}
    return (
        replace(plain, kind="extra_column", names=widened, constants=extra, expected={"extra_columns": list(extra)}),
        replace(plain, kind="latin_1", encoding="latin-1", expected={"encoding": "windows-1252"}),
        replace(plain, kind="renamed_columns", names=renamed, expected={"header": list(renamed.values())}),
        replace(plain, kind="semicolons", delimiter=";", expected={"delimiter": ";"}),
        replace(plain, kind="gzip", is_gzipped=True),
        replace(plain, kind="reordered_columns", names=turned, expected={"header": list(turned.values())}),
        replace(plain, kind="byte_order_mark_and_crlf", begin=b"\xef\xbb\xbf", line_end="\r\n"),
        replace(plain, kind="utf_16", encoding="utf-16-le", begin=b"\xff\xfe", expected={"encoding": "utf-16-le"}),
        replace(plain, kind="tabs", delimiter="\t", expected={"delimiter": "\t"}),
    )


def json_forms(plain: JsonForm, synonyms: Mapping[str, str], extra: Mapping[str, Any]) -> tuple[JsonForm, ...]:
    """The other forms of JSON Lines."""
    return (
        replace(plain, kind="extra_column", extra=extra, expected={"extra_columns": list(extra)}),
        replace(plain, kind="renamed_columns", renamed=synonyms),
        replace(plain, kind="gzip", is_gzipped=True),
        replace(plain, kind="byte_order_mark_and_crlf", begin=b"\xef\xbb\xbf", line_end="\r\n"),
    )
