"""The bytes of a file as received: hashed, counted, unpacked from gzip, never held whole."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from shoplake.staging.model import Refused, too_large

READ_BYTES = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's code for a window of 32 KB inside a gzip wrapper


class ByteSource:
    """Reads a stream once, to its end.

    `size_bytes` and the MD5 are of the bytes as received, `uncompressed_bytes` of what `chunks` gave.
    """

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self.is_gzip = False
        self.size_bytes = 0
        self.uncompressed_bytes = 0
        self._stream = stream
        self._max_bytes = max_bytes
        self._hash = hashlib.md5(usedforsecurity=False)

    def chunks(self) -> Iterator[bytes]:
        """The uncompressed bytes in pieces of at most READ_BYTES.

        Gzip is known by its magic bytes, whatever the file's name. Raises Refused when the file is
        over the size limit, or when its gzip is torn or corrupt.
        """
        first = self._read()
        while first and len(first) < len(GZIP_MAGIC) and (more := self._read()):
            first += more
        self.is_gzip = first.startswith(GZIP_MAGIC)
        for piece in self._gunzipped(first) if self.is_gzip else self._plain(first):
            self.uncompressed_bytes += len(piece)
            if self.uncompressed_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
            yield piece

    def drain(self) -> None:
        """Read what is left, for the hash and the size of a file that is refused already."""
        while self._read():
            pass

    @property
    def md5(self) -> str:
        """Of the bytes read so far, in hexadecimal."""
        return self._hash.hexdigest()

    def _read(self) -> bytes:
        data = self._stream.read(READ_BYTES)
        self._hash.update(data)
        self.size_bytes += len(data)
        return data

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._read()

    def _gunzipped(self, compressed: bytes) -> Iterator[bytes]:
        """The content of all gzip members, one after the other."""
        member = zlib.decompressobj(_GZIP_WINDOW)
        while compressed:
            try:
                piece = member.decompress(compressed, READ_BYTES)
            except zlib.error as error:
                raise Refused(
                    "unreadable",
                    f"is gzip that can't be unpacked ({error}): compress it again and drop it again.",
                ) from error
            if piece:
                yield piece
            if not member.eof:
                compressed = member.unconsumed_tail or self._read()
            elif compressed := self._next_member(member.unused_data):
                member = zlib.decompressobj(_GZIP_WINDOW)
        if not member.eof:
            raise Refused(
                "truncated",
                "is gzip that was cut off before its end, so none of it was loaded: "
                "copy the whole file and drop it again.",
            )

    def _next_member(self, rest: bytes) -> bytes:
        """What follows a gzip member; zeros that pad it, as tapes and some tools leave, are skipped."""
        while not (rest := rest.lstrip(b"\0")):
            rest = self._read()
            if not rest:
                return b""
        return rest
