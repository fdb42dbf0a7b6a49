"""The beginning of a file, unpacked: what a crawler looks at."""

import gzip
import io
import zlib
from dataclasses import dataclass
from typing import BinaryIO

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
SAMPLE_BYTES = 128 * 1024
_MAX_UNPACKED_PARQUET = 64 * 1024 * 1024  # its columns stand at its end, so that a gzipped one is unpacked whole


class Unreadable(Exception):
    """No crawler can tell what is in the file; the text says why."""


@dataclass(frozen=True)
class Sample:
    """`content` holds the file's first bytes, unpacked; all of them where `is_whole`."""

    content: bytes
    is_whole: bool
    compression: str  # none or gzip


def take_sample(file: BinaryIO) -> Sample:
    """Up to SAMPLE_BYTES of a file. Raises Unreadable where it is empty or the gzip stream broken."""
    head = file.read(SAMPLE_BYTES)
    if not head:
        raise Unreadable("the file is empty")
    if not head.startswith(GZIP_MAGIC):
        return Sample(head, is_whole=not file.read(1), compression="none")
    unpacker, unpacked = zlib.decompressobj(wbits=31), b""
    try:
        while head and len(unpacked) < SAMPLE_BYTES and not unpacker.eof:
            unpacked += unpacker.decompress(head, SAMPLE_BYTES - len(unpacked))
            head = unpacker.unconsumed_tail or file.read(SAMPLE_BYTES)
    except zlib.error as error:
        raise Unreadable(f"the gzip stream is broken ({error})") from None
    if not unpacked:
        raise Unreadable("the gzip stream is empty")
    return Sample(unpacked, is_whole=unpacker.eof, compression="gzip")


def open_parquet(file: BinaryIO, sample: Sample) -> BinaryIO:
    """A Parquet file as one that can be sought in, unpacked when it is gzipped. Raises Unreadable when too large."""
    file.seek(0)
    if sample.compression == "none":
        return file
    try:
        content = gzip.GzipFile(fileobj=file).read(_MAX_UNPACKED_PARQUET + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"the gzip stream is broken ({error})") from None
    if len(content) > _MAX_UNPACKED_PARQUET:
        raise Unreadable("the gzipped Parquet file is too large to look into")
    return io.BytesIO(content)
