"""A job's `--extra-py-files`: wheels, zips and modules, unpacked into folders that Python can import from."""

import io
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath


def unpack(key: str, etag: str, content: bytes, folder: Path) -> Path:
    """The folder with the file's packages: one per ETag, so that other content is another folder.

    `key` is the S3 key; a `.py` file is a module by itself. Raises zipfile.BadZipFile for a broken archive.
    """
    target = folder / etag.strip('"')
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    # Renamed when complete: two jobs may unpack the same file at once.
    partial = Path(tempfile.mkdtemp(dir=folder, prefix=".partial-"))
    name = PurePosixPath(key).name
    if name.endswith(".py"):
        (partial / name).write_bytes(content)
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(partial)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)
        if not target.exists():
            raise
    return target
