"""A file's text: its bytes as received, unpacked, as UTF-8; its beginning can be looked at before it is read."""

from collections.abc import Iterator

from shoplake.staging.encodings import Transcoder, refuse_binary, refuse_known_binary, transcoder_for
from shoplake.staging.model import Refused
from shoplake.staging.source import READ_BYTES, ByteSource

SAMPLE_BYTES = 1024 * 1024
"""What is looked at before the first record is read: a CSV header, or the path to a JSON file's array, ends in it."""


class Text:
    """The text of one file, held as far as it was looked at. Raises Refused where it is empty or not text."""

    def __init__(self, received: ByteSource) -> None:
        self._chunks = received.chunks()
        sample, self.is_whole = self._read(SAMPLE_BYTES)
        refuse_known_binary(sample)
        self.transcoder: Transcoder
        self.transcoder, bom_bytes = transcoder_for(sample)
        self.has_bom = bom_bytes > 0
        self.sample = self.transcoder.feed(sample[bom_bytes:], final=self.is_whole)
        if not self.sample.strip():
            raise Refused(
                "empty",
                "is empty: it holds neither a header nor records. Export it again, or leave it out.",
            )
        refuse_binary(self.sample)

    def look_further(self) -> None:
        """Make the sample twice as long, as far as the file goes."""
        more, self.is_whole = self._read(len(self.sample))
        self.sample += self.transcoder.feed(more, final=self.is_whole)

    def pieces(self, start: int) -> Iterator[bytes]:
        """All of the text from an offset in the sample, in pieces of one size to bound what is held for each."""
        first, self.sample = self.sample, b""
        for place in range(start, len(first), READ_BYTES):
            yield first[place : place + READ_BYTES]
        del first
        for piece in self._chunks:
            yield self.transcoder.feed(piece)
        yield self.transcoder.feed(b"", final=True)

    def _read(self, wanted: int) -> tuple[bytes, bool]:
        """At least so many of the next bytes, and whether they are the file's last."""
        pieces, size = [], 0
        for piece in self._chunks:
            pieces.append(piece)
            size += len(piece)
            if size >= wanted:
                return b"".join(pieces), False
        return b"".join(pieces), True
