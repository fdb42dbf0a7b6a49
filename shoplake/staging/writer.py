"""What staging leaves on disk: records in Parquet, rejects in JSON Lines."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from shoplake.staging.records import Batch, Reject

ROW_GROUP_ROWS = 64 * 1024  # a group is written once it holds so many rows or bytes
ROW_GROUP_BYTES = 32 * 1024 * 1024

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each reject


class StagedFiles:
    """Writes both files of one staged file; on an exception both are removed.

    The Parquet has one row a record: `_line` int64, `_raw` string, then the contract's columns as
    strings. The rejects' file is made with the first reject, so a clean file has none.
    """

    def __init__(self, staged_path: Path, rejects_path: Path) -> None:
        self._staged_path = staged_path
        self._rejects_path = rejects_path
        self.folder = staged_path.parent  # for what a reader has to put aside
        self.rows = 0
        self.rejects = 0
        self._schema: pa.Schema | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._rejects_file = None
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._pending_bytes = 0

    def __enter__(self) -> Self:
        self._rejects_path.unlink(missing_ok=True)
        return self

    def begin(self, columns: Sequence[str]) -> None:
        """Open the Parquet file with these columns, once, before the first batch."""
        self._schema = pa.schema(
            [("_line", pa.int64()), ("_raw", pa.string()), *((name, pa.string()) for name in columns)]
        )
        # A raw text hardly ever repeats: a dictionary of them only costs time.
        self._parquet = pq.ParquetWriter(
            self._staged_path,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(self._schema.names[2:]),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            if self._parquet:
                self._parquet.close()
            if self._rejects_file:
                self._rejects_file.close()
        if kind is not None:
            self._staged_path.unlink(missing_ok=True)
            self._rejects_path.unlink(missing_ok=True)

    def write(self, batch: Batch) -> None:
        """Add the good records and the rejects of a batch."""
        for reject in batch.rejects:
            self._write_reject(reject)
        if not len(batch.lines):
            return
        records = pa.record_batch([batch.lines, batch.raw, *batch.columns], schema=self._schema)
        self.rows += records.num_rows
        self._pending.append(records)
        self._pending_rows += records.num_rows
        self._pending_bytes += records.nbytes
        if self._pending_rows >= ROW_GROUP_ROWS or self._pending_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is pending: as one row group, or as several when its rows are tiny."""
        if self._pending:
            self._parquet.write_table(pa.Table.from_batches(self._pending), row_group_size=ROW_GROUP_ROWS * 2)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0

    def _write_reject(self, reject: Reject) -> None:
        if self._rejects_file is None:
            self._rejects_file = self._rejects_path.open("w", encoding="utf-8")
        entry = {
            "line": reject.line,
            "raw_text": reject.raw_text,
            "reasons": [reject.reason],
            "detail": reject.detail,
        }
        if reject.element is not None:
            entry["element"] = reject.element
        self._rejects_file.write(_ENCODE(entry) + "\n")
        self.rejects += 1
