"""A Parquet file: spooled to disk, since it is read from its end, and then read by batches of rows."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shoplake.contracts import Contract, HeaderMatch, fold
from shoplake.staging.model import Refused, too_large
from shoplake.staging.parquet_text import as_json, as_texts
from shoplake.staging.records import Batch, Reject
from shoplake.staging.source import ByteSource

MAGIC = b"PAR1"
_MAX_NESTING = 8  # structs within structs that are opened
_BATCH_BYTES = 2 * 1024 * 1024
_MIN_BATCH_ROWS, _MAX_BATCH_ROWS = 16, 10_000
_READ_BYTES = 1024 * 1024


def spool(received: ByteSource, path: Path) -> None:
    """Write a file to disk, unpacked. Raises Refused where it is empty, no Parquet file, or cut off."""
    beginning = end = b""
    with path.open("wb") as spooled:
        for piece in received.chunks():
            beginning += piece[: len(MAGIC) - len(beginning)]
            end = (end + piece)[-len(MAGIC) :]
            spooled.write(piece)
    if not beginning:
        raise Refused("empty", "is empty: it holds no Parquet. Export it again, or leave it out.")
    if beginning != MAGIC:
        raise Refused(
            "wrong_format",
            "is not Parquet, though its name says so: give it a name that ends as its form does, and drop it again.",
        )
    if end != MAGIC:
        raise Refused(
            "truncated",
            "is Parquet that was cut off before its end, so none of it was loaded: "
            "copy the whole file and drop it again.",
        )


class ParquetRows:
    """The rows of a spooled file. Raises Refused where the file, or a page in it, can't be read."""

    def __init__(self, path: Path, contract: Contract, max_bytes: int) -> None:
        self._kept_whole = {fold(column.name) for column in contract.columns}
        try:
            self._file = pq.ParquetFile(path, buffer_size=_READ_BYTES)
            self.names = self._flat(self._file.schema_arrow.empty_table()).column_names
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from error
        metadata = self._file.metadata
        self._decoded_bytes = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        if self._decoded_bytes > max_bytes:
            raise too_large(max_bytes)

    def tables(self) -> Iterator[pa.Table]:
        """The rows in batches, structs opened."""
        rows = self._file.metadata.num_rows
        batch_size = int(rows * _BATCH_BYTES / max(self._decoded_bytes, 1))
        batches = self._file.iter_batches(batch_size=min(max(batch_size, _MIN_BATCH_ROWS), _MAX_BATCH_ROWS))
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(error) from error
            if batch is None:
                return
            yield self._flat(pa.Table.from_batches([batch]))

    def _flat(self, table: pa.Table) -> pa.Table:
        """The table with its structs opened, but for empty ones and those under a contract column's own name."""
        for _ in range(_MAX_NESTING):
            parts = [table.select([place]) for place in range(table.num_columns)]
            opened = [part.flatten() if self._is_to_open(part.schema.field(0)) else part for part in parts]
            if all(part.num_columns == 1 and part is parts[place] for place, part in enumerate(opened)):
                break
            names = [name for part in opened for name in part.column_names]
            table = pa.table([column for part in opened for column in part.itercolumns()], names=names)
        return table

    def _is_to_open(self, field: pa.Field) -> bool:
        return pa.types.is_struct(field.type) and field.type.num_fields > 0 and fold(field.name) not in self._kept_whole


class ParquetRecords:
    """Turns tables into batches; a row's number is its ordinal from 1, its text the row as a JSON object."""

    def __init__(self, match: HeaderMatch, max_record_bytes: int) -> None:
        self.columns = list(match.columns)
        self._positions = list(match.columns.values())
        self._max_record_bytes = max_record_bytes

    def batches(self, tables: Iterable[pa.Table]) -> Iterator[Batch]:
        """The good records and the rejects of every table."""
        first = 1
        for table in tables:
            texts = [as_texts(column) for column in table.itercolumns()]
            numbers, raw = np.arange(first, first + table.num_rows), as_json(table, texts)
            first += table.num_rows
            is_long = pc.binary_length(raw).to_numpy() > self._max_record_bytes
            rejects = [self._too_long(int(numbers[row]), raw[int(row)].as_py()) for row in np.flatnonzero(is_long)]
            arrays = [pa.array(numbers), raw, *(texts[place] for place in self._positions)]
            lines, raw, *columns = [array.filter(pa.array(~is_long)) for array in arrays] if rejects else arrays
            yield Batch(lines, raw, columns, rejects)

    def _too_long(self, number: int, text: str) -> Reject:
        kept = text.encode()[: self._max_record_bytes].decode(errors="ignore")
        detail = f"the record is longer than {self._max_record_bytes:,} bytes; its beginning is kept here"
        return Reject(number, kept, "record_too_long", detail)


def _damaged(error: Exception) -> Refused:
    what = re.sub(r"\s+", " ", str(error)).strip()[:200]
    return Refused("unreadable", f"is Parquet that can't be read ({what}): export it again and drop it again.")
