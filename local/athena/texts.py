"""Text files as DuckDB can read them: UTF-8, and lines that all end the same way.

Athena shows bytes that aren't UTF-8 as replacement characters and takes CR, LF and CRLF for line ends, mixed as they
may be. DuckDB refuses both; such a file is copied with those mended.
"""

import codecs
import functools
import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from local.athena.errors import QueryFailed

_CHUNK = 1 << 20


def readable(path: Path, location: str, folder: Path) -> str:
    """The file itself, or a copy of it under `folder`. A name ends with `.gz` exactly where the key does.

    Raises QueryFailed where the key says `.gz` and the file isn't.
    """
    is_packed = location.endswith(".gz")
    status = path.stat()
    try:
        is_clean = _is_clean(str(path), is_packed, status.st_mtime_ns, status.st_size)
        if is_clean and is_packed == path.name.endswith(".gz"):
            return str(path)
        number, copy = tempfile.mkstemp(dir=folder, suffix=".gz" if is_packed and is_clean else ".txt")
        os.close(number)
        if is_clean:
            shutil.copyfile(path, copy)
        else:
            _mend(path, is_packed, copy)
    except (EOFError, OSError, zlib.error) as problem:
        raise QueryFailed("HIVE_CURSOR_ERROR", f"Failed to read file at {location}: {problem}") from None
    return copy


# A question is rarely the last one about a file.
@functools.lru_cache(maxsize=10_000)
def _is_clean(path: str, is_packed: bool, modified_ns: int, size: int) -> bool:
    """Whether the text is UTF-8 and its lines end with LF alone or with CRLF alone."""
    decoder, ends_with_cr = codecs.getincrementaldecoder("utf-8")("strict"), False
    line_feeds = returns = pairs = 0
    with _open(Path(path), is_packed) as file:
        try:
            for chunk in _chunks(file):
                decoder.decode(chunk)
                line_feeds += chunk.count(b"\n")
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (ends_with_cr and chunk.startswith(b"\n"))
                ends_with_cr = chunk.endswith(b"\r")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return returns == pairs and pairs in (0, line_feeds)


def _mend(path: Path, is_packed: bool, copy: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    with _open(path, is_packed) as file, open(copy, "w", encoding="utf-8", newline="\n") as mended:
        pending = ""
        for chunk in (*_chunks(file), b""):
            text = pending + decoder.decode(chunk, final=not chunk)
            # A CR at the end may be half of a CRLF.
            pending = "\r" if chunk and text.endswith("\r") else ""
            mended.write(text.removesuffix(pending).replace("\r\n", "\n").replace("\r", "\n"))


def _open(path: Path, is_packed: bool) -> BinaryIO:
    return gzip.open(path, "rb") if is_packed else path.open("rb")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
