"""Stage one file: from its bytes as received to staged records, rejects and what the verdict needs."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shoplake.staging.columns import refuse_missing
from shoplake.staging.dialect import Contract, HeaderMatch, find_header, refuse_ambiguous, refuse_unusable
from shoplake.staging.json_file import find_json_header
from shoplake.staging.json_records import JsonRecords
from shoplake.staging.model import HIDDEN, Limits, Problem, Refusal, Refused, Staging, too_large
from shoplake.staging.names import kind_of, refuse_other_form
from shoplake.staging.parquet_file import ParquetRecords, ParquetRows, spool
from shoplake.staging.records import Batch, Layout, RecordReader, Reject
from shoplake.staging.source import ByteSource
from shoplake.staging.text import Text
from shoplake.staging.writer import StagedFiles

_MAX_GROWTH = 4
"""How much more the texts of the records may be than a file may hold: exploded arrays and Parquet pages repeat them."""


@dataclass
class _Findings:
    """What is known of the file so far; in the end the fields of Staging of the same names."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    has_bom: bool = False
    line_ending: str | None = None
    header: list[str] = field(default_factory=list)
    source: str | None = None
    extra_columns: list[str] = field(default_factory=list)
    rows_read: int = 0
    rows_staged: int = 0
    rows_quarantined: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stage(
    stream: BinaryIO,
    file_name: str,
    contract: Contract,
    staged_path: Path,
    rejects_path: Path,
    limits: Limits,
) -> Staging:
    """Read `stream` once and write its records to `staged_path` and its rejects to `rejects_path`.

    Parquet: one row a record, `_line`, `_raw` (the record's text without its line ending) and contract columns,
    all strings, exactly as in the file. `_line` is the physical line of the record's first character, from 1; in
    an array the record's ordinal; the elements of an exploded array share their record's. CSV gives the columns
    that its header names, JSON all of them.
    Rejects: JSON Lines of line, raw_text, reasons, detail and for an exploded array element, only there when a
    record was rejected. A refused file leaves neither. Raises only what reading the stream or writing raises.
    """
    received, findings = ByteSource(stream, limits.max_bytes), _Findings()
    refusal, text_bytes = None, 0
    try:
        with StagedFiles(staged_path, rejects_path) as files:
            for batch in _batches(received, file_name, contract, limits, files, findings):
                findings.rows_read += len(batch.lines) + len(batch.rejects)
                text_bytes += batch.raw.nbytes
                if text_bytes > limits.max_bytes * _MAX_GROWTH:
                    raise too_large(limits.max_bytes)
                files.write(batch)
                room = limits.max_problems - len(findings.problems)
                findings.problems += [_problem(reject, contract) for reject in batch.rejects[:room]]
    except Refused as refused:
        refusal = Refusal(refused.code, refused.sentence)
        findings.rows_read = 0
        findings.problems = list(refused.problems[: limits.max_problems])
        if refused.code != "too_large":
            received.drain()
    else:
        findings.rows_staged, findings.rows_quarantined = files.rows, files.rejects
        _note_rows(findings)
    return Staging(
        refusal=refusal,
        md5="" if refusal and refusal.code == "too_large" else received.md5,
        size_bytes=received.size_bytes,
        uncompressed_bytes=received.uncompressed_bytes,
        **vars(findings),
    )


def _batches(
    received: ByteSource, file_name: str, contract: Contract, limits: Limits, files: StagedFiles, findings: _Findings
) -> Iterator[Batch]:
    """The file's records; `files` are begun and `findings` filled on the way."""
    kind = kind_of(file_name, contract.dataset, contract.formats)
    if kind == "parquet":
        yield from _parquet_batches(received, file_name, contract, limits, files, findings)
        return
    text = Text(received)
    findings.format, findings.has_bom, findings.encoding = kind, text.has_bom, text.transcoder.encoding
    _note_gzip(file_name, received.is_gzip, findings)
    if kind == "json":
        yield from _json_batches(text, contract, limits, files, findings)
    else:
        yield from _csv_batches(text, contract, limits, files, findings)
    findings.encoding = text.transcoder.encoding
    if text.transcoder.note:
        findings.notes.append(text.transcoder.note)


def _csv_batches(
    text: Text, contract: Contract, limits: Limits, files: StagedFiles, findings: _Findings
) -> Iterator[Batch]:
    header = find_header(text.sample, text.is_whole, contract)
    findings.delimiter, findings.line_ending = header.dialect.delimiter.decode(), header.line_ending
    _note_header(header.names, header.match, contract, findings)
    refuse_unusable(header, contract)
    columns = header.match.columns
    files.begin(list(columns))
    layout = Layout(
        dialect=header.dialect,
        width=header.width,
        positions=list(columns.values()),
        first_line=header.next_line,
        max_record_bytes=limits.max_record_bytes,
    )
    yield from RecordReader(layout).batches(text.pieces(header.end))


def _json_batches(
    text: Text, contract: Contract, limits: Limits, files: StagedFiles, findings: _Findings
) -> Iterator[Batch]:
    header = find_json_header(text, contract, limits.max_record_bytes)
    findings.format = header.form.name
    refuse_other_form(header.form.name, contract.dataset, contract.formats)
    _note_header(header.names, header.match, contract, findings)
    if header.names:
        refuse_missing(header.names, header.match, header.contract)
    records = JsonRecords(header.contract, header.match.source, header.names)
    files.begin(records.columns)
    yield from records.batches(header.form.cuts(text.pieces(header.form.start), limits.max_record_bytes))
    findings.extra_columns += records.later_names
    if records.repeated_keys:
        findings.notes.append(
            f"records that name a field twice, of which the last one counts: {records.repeated_keys:,}"
        )
    if records.empty_arrays:
        findings.notes.append(f"records whose array `{header.match.source.explode}` is empty: {records.empty_arrays:,}")


def _parquet_batches(
    received: ByteSource, file_name: str, contract: Contract, limits: Limits, files: StagedFiles, findings: _Findings
) -> Iterator[Batch]:
    findings.format = "parquet"
    with tempfile.NamedTemporaryFile(dir=files.folder) as spooled:
        spool(received, Path(spooled.name))
        _note_gzip(file_name, received.is_gzip, findings)
        rows = ParquetRows(Path(spooled.name), contract, limits.max_bytes)
        match = contract.match_header(rows.names)
        _note_header(rows.names, match, contract, findings)
        refuse_ambiguous(match, contract.dataset)
        refuse_missing(rows.names, match, contract)
        records = ParquetRecords(match, limits.max_record_bytes)
        files.begin(records.columns)
        yield from records.batches(rows.tables())


def _note_gzip(file_name: str, is_gzip: bool, findings: _Findings) -> None:
    is_named_gzip = file_name.lower().endswith(".gz")
    if is_gzip and not is_named_gzip:
        findings.notes.append("the file is gzipped though its name does not end in .gz; it was unpacked")
    if is_named_gzip and not is_gzip:
        findings.notes.append("the file is not gzipped though its name ends in .gz; it was read as it is")


def _note_header(names: list[str], match: HeaderMatch, contract: Contract, findings: _Findings) -> None:
    findings.source = match.source.name if match.source else None
    if contract.personal and not match.columns:
        return  # no header perhaps, but a person's row
    findings.header = names
    findings.extra_columns = list(match.extra)


def _note_rows(findings: _Findings) -> None:
    if not findings.rows_read:
        findings.notes.append(
            "the file holds a header and no records" if findings.format == "csv" else "the file holds no records"
        )
    if findings.rows_quarantined > len(findings.problems):
        findings.notes.append(
            f"the first {len(findings.problems):,} of {findings.rows_quarantined:,} problems are listed"
        )


def _problem(reject: Reject, contract: Contract) -> Problem:
    """The record's text is what the problem shows, but for a person's."""
    return Problem.of(reject.line, None, HIDDEN if contract.personal else reject.raw_text, reject.reason)
