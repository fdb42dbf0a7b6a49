"""The emulator's S3 from inside its own process: no request, no credentials, files where they lie on disk."""

import hashlib
import io
from pathlib import Path

from ministack.services import s3
from pyiceberg.io import FileIO, InputFile, OutputFile


def read(location: str) -> bytes | None:
    """Content of s3://bucket/key; None when there is no such object."""
    return s3._get_object_data(*_bucket_and_key(location))


def path_on_disk(location: str) -> Path | None:
    """The file that holds s3://bucket/key; None when the emulator doesn't keep it on disk."""
    path = s3._object_disk_path(*_bucket_and_key(location))
    return Path(path) if path and Path(path).is_file() else None


def fingerprint(prefix: str) -> str:
    """Text that changes with any object under s3://bucket/prefix."""
    bucket, key_prefix = _bucket_and_key(prefix)
    objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
    found = [(key, record.get("etag")) for key, record in list(objects.items()) if key.startswith(key_prefix)]
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _bucket_and_key(location: str) -> tuple[str, str]:
    bucket, _, key = location.partition("://")[2].partition("/")
    return bucket, key


class StoreInput(InputFile):
    """One S3 object, for pyiceberg to read."""

    def __len__(self) -> int:
        return len(self._content())

    def exists(self) -> bool:
        return read(self.location) is not None

    def open(self, seekable: bool = True) -> io.BytesIO:
        return io.BytesIO(self._content())

    def _content(self) -> bytes:
        content = read(self.location)
        if content is None:
            raise FileNotFoundError(self.location)
        return content


class StoreIO(FileIO):
    """pyiceberg's way to the emulator's S3. Reads only."""

    def new_input(self, location: str) -> StoreInput:
        return StoreInput(location)

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError("Local Athena only reads.")

    def delete(self, location) -> None:
        raise NotImplementedError("Local Athena only reads.")
