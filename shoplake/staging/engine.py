"""Stage one file: from its bytes as received to staged records, rejects and what the verdict needs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shoplake.staging.dialect import Contract, Header, find_header, refuse_unusable
from shoplake.staging.encodings import Transcoder, refuse_binary, refuse_known_binary, transcoder_for
from shoplake.staging.model import Limits, Problem, Refusal, Refused, Staging
from shoplake.staging.records import Layout, RecordReader, Reject
from shoplake.staging.source import READ_BYTES, ByteSource
from shoplake.staging.writer import StagedFiles

# Endings of names by a contract's format. The JSON forms and Parquet join here, each with its reader.
EXTENSIONS = {"csv": (".csv", ".tsv")}
SAMPLE_BYTES = 1024 * 1024
"""What is looked at before the first record is read; a header must end within it."""


@dataclass
class _Findings:
    """What is known of the file so far; in the end the fields of Staging of the same names."""

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

    Parquet: one row a record, `_line` (physical line of its first character, from 1), `_raw` (its text
    without the line ending) and each matched contract column, all strings, exactly as in the file.
    Rejects: JSON Lines of line, raw_text, reasons and detail, only there when a record was rejected.
    A refused file leaves neither. Raises only what reading the stream or writing the files raises.
    """
    received = ByteSource(stream, limits.max_bytes)
    findings = _Findings()
    refusal = None
    try:
        _refuse_other_formats(file_name, contract)
        _stage_csv(received, file_name, contract, staged_path, rejects_path, limits, findings)
    except Refused as refused:
        refusal = Refusal(refused.code, refused.sentence)
        findings.rows_read = findings.rows_staged = findings.rows_quarantined = 0
        findings.problems = list(refused.problems[: limits.max_problems])
        if refused.code != "too_large":
            received.drain()
    return Staging(
        refusal=refusal,
        md5="" if refusal and refusal.code == "too_large" else received.md5,
        size_bytes=received.size_bytes,
        uncompressed_bytes=received.uncompressed_bytes,
        **vars(findings),
    )


def _refuse_other_formats(file_name: str, contract: Contract) -> None:
    accepted = [ending for name in contract.formats for ending in EXTENSIONS.get(name, ())]
    if not file_name.lower().removesuffix(".gz").endswith(tuple(accepted)):
        raise Refused(
            "wrong_format",
            f"has a name that {contract.dataset} doesn't accept: it must end in {' or '.join(accepted)}, "
            "with or without .gz. Rename or export it and drop it again.",
        )


def _stage_csv(
    received: ByteSource,
    file_name: str,
    contract: Contract,
    staged_path: Path,
    rejects_path: Path,
    limits: Limits,
    findings: _Findings,
) -> None:
    chunks = received.chunks()
    sample, is_whole = _sample(chunks)
    _note_gzip(file_name, received.is_gzip, findings)
    refuse_known_binary(sample)
    transcoder, bom_bytes = transcoder_for(sample)
    text = transcoder.feed(sample[bom_bytes:], final=is_whole)
    findings.has_bom, findings.encoding = bom_bytes > 0, transcoder.encoding
    if not text.strip():
        raise Refused(
            "empty",
            "is empty: it holds neither a header nor records. Export it again, or leave it out.",
        )
    refuse_binary(text)

    header = find_header(text, is_whole, contract)
    _note_header(header, findings)
    refuse_unusable(header, contract)
    columns = header.match.columns
    reader = RecordReader(
        Layout(
            dialect=header.dialect,
            width=header.width,
            positions=list(columns.values()),
            first_line=header.next_line,
            max_record_bytes=limits.max_record_bytes,
        )
    )
    with StagedFiles(staged_path, rejects_path, list(columns)) as files:
        for batch in reader.batches(_text_chunks(text[header.end :], chunks, transcoder)):
            findings.rows_read += len(batch.lines) + len(batch.rejects)
            files.write(batch)
            room = limits.max_problems - len(findings.problems)
            findings.problems += [_problem(reject) for reject in batch.rejects[:room]]
    findings.rows_staged, findings.rows_quarantined = files.rows, files.rejects
    findings.encoding = transcoder.encoding
    if transcoder.note:
        findings.notes.append(transcoder.note)
    if not findings.rows_read:
        findings.notes.append("the file holds a header and no records")
    if findings.rows_quarantined > len(findings.problems):
        findings.notes.append(
            f"the first {len(findings.problems):,} of {findings.rows_quarantined:,} problems are listed"
        )


def _sample(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """The beginning of a file, and whether that is the whole file."""
    pieces, size = [], 0
    for piece in chunks:
        pieces.append(piece)
        size += len(piece)
        if size >= SAMPLE_BYTES:
            return b"".join(pieces), False
    return b"".join(pieces), True


def _text_chunks(first: bytes, chunks: Iterator[bytes], transcoder: Transcoder) -> Iterator[bytes]:
    """The rest of the file as UTF-8, in pieces of one size to bound what is held for each."""
    for start in range(0, len(first), READ_BYTES):
        yield first[start : start + READ_BYTES]
    for piece in chunks:
        yield transcoder.feed(piece)
    yield transcoder.feed(b"", final=True)


def _note_gzip(file_name: str, is_gzip: bool, findings: _Findings) -> None:
    is_named_gzip = file_name.lower().endswith(".gz")
    if is_gzip and not is_named_gzip:
        findings.notes.append("the file is gzipped though its name does not end in .gz; it was unpacked")
    if is_named_gzip and not is_gzip:
        findings.notes.append("the file is not gzipped though its name ends in .gz; it was read as it is")


def _note_header(header: Header, findings: _Findings) -> None:
    findings.delimiter = header.dialect.delimiter.decode()
    findings.line_ending = header.line_ending
    findings.header = header.names
    findings.source = header.match.source.name if header.match.source else None
    findings.extra_columns = list(header.match.extra)


def _problem(reject: Reject) -> Problem:
    return Problem.of(reject.line, None, reject.raw_text, reject.reason)
