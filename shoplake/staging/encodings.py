"""From a file's bytes to UTF-8: what the encoding is, and whether this is text at all."""

import codecs
import re

from shoplake.staging.model import Refused

# How the first bytes of files begin that are often dropped by mistake.
_MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook",
    b"%PDF-": "a PDF",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"PAR1\x15": "a Parquet file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x1f\x8b": "gzip inside gzip",
    b"BZh91AY&SY": "a bzip2 archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
}
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_UTF16_SAMPLE_BYTES = 4096
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f") + b"\x7f"
# Random bytes are 11% control characters. A few stray ones make a bad record, not a binary file.
_MAX_CONTROL_SHARE = 0.05
_MIN_CONTROLS = 8

# `surrogateescape` leaves a byte that isn't UTF-8 as U+DC80..U+DCFF. The five bytes that Windows-1252
# doesn't define become the control character of the same number, as browsers do.
_ESCAPED = re.compile("[\udc80-\udcff]")
_TO_WINDOWS_1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)}


class Utf8Transcoder:
    """Passes UTF-8 through; each byte that isn't UTF-8 is read as Windows-1252, early or late."""

    def __init__(self) -> None:
        self._pending = b""
        self._foreign_bytes = 0

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """The next bytes as valid UTF-8; a character torn by the end of `data` waits for the next call."""
        data = self._pending + data if self._pending else data
        self._pending = b""
        if data.isascii():
            return data
        try:
            _, used = codecs.utf_8_decode(data, "strict", final)
            valid = data[:used]
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(data, "surrogateescape", final)
            self._foreign_bytes += len(_ESCAPED.findall(text))
            valid = text.translate(_TO_WINDOWS_1252).encode()
        self._pending = data[used:]
        return valid

    @property
    def encoding(self) -> str:
        """utf-8, or windows-1252 once a byte was not UTF-8."""
        return "windows-1252" if self._foreign_bytes else "utf-8"

    @property
    def note(self) -> str | None:
        """What a person should know about the encoding, if anything."""
        if not self._foreign_bytes:
            return None
        noun = "byte was" if self._foreign_bytes == 1 else "bytes were"
        return f"{self._foreign_bytes:,} {noun} not UTF-8 and read as Windows-1252"


class Utf16Transcoder:
    """UTF-16 of one byte order to UTF-8; what is no character becomes U+FFFD."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._replaced = 0

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """The next bytes as UTF-8; half a character waits for the next call."""
        text = self._decoder.decode(data, final)
        self._replaced += text.count("\ufffd")
        return text.encode()

    @property
    def note(self) -> str | None:
        """What a person should know about the encoding, if anything."""
        if not self._replaced:
            return None
        return f"characters that stand as U+FFFD because they were not UTF-16: {self._replaced:,}"


Transcoder = Utf8Transcoder | Utf16Transcoder


def transcoder_for(sample: bytes) -> tuple[Transcoder, int]:
    """The transcoder for a file that begins with `sample`, and the length of its byte order mark (or 0)."""
    for bom, encoding in _BOMS.items():
        if sample.startswith(bom):
            return (Utf8Transcoder() if encoding == "utf-8" else Utf16Transcoder(encoding)), len(bom)
    unmarked = _unmarked_utf16(sample[:_UTF16_SAMPLE_BYTES])
    return (Utf16Transcoder(unmarked) if unmarked else Utf8Transcoder()), 0


def _unmarked_utf16(sample: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, where the text begins with two characters of ASCII.

    Then one byte of those pairs is a NUL, and in a header and mostly Latin text of many pairs.
    """
    pairs = len(sample) // 2
    nuls = {"utf-16-be": sample[0::2], "utf-16-le": sample[1::2]}
    shares = {encoding: data.count(0) / max(1, pairs) for encoding, data in nuls.items()}
    for encoding, data in nuls.items():
        if data.startswith(b"\0\0") and shares[encoding] >= 0.3 and sum(shares.values()) <= 1.05:
            return encoding
    return None


def refuse_known_binary(sample: bytes) -> None:
    """Raise Refused when the first bytes are those of a well-known file that isn't text."""
    for magic, kind in _MAGIC.items():
        if sample.startswith(magic):
            raise Refused("binary", f"is {kind}, not text: export it as CSV and drop it again.")


def refuse_binary(text: bytes) -> None:
    """Raise Refused when the beginning of a file, as UTF-8, isn't text.

    A NUL in the first line, or many control characters, make a file binary. A NUL in a later line
    only costs that record.
    """
    controls = len(text) - len(text.translate(None, delete=_CONTROLS))
    many = controls >= _MIN_CONTROLS and controls > _MAX_CONTROL_SHARE * len(text)
    first_line = re.match(rb"\s*[^\r\n]*", text)[0]
    if b"\0" in first_line or many:
        raise Refused(
            "binary",
            "is not text (it holds NUL or control characters from its beginning): export it as CSV and drop it again.",
        )
