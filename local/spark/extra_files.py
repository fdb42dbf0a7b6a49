"""A job's `--extra-py-files`: wheels, zips and modules, as Glue puts them on the job's path. It unpacks nothing.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
"""

import os
import tempfile
from pathlib import Path, PurePosixPath


def keep(key: str, etag: str, content: bytes, folder: Path) -> Path:
    """What Python can import from: the archive itself, or the folder of a single module.

    `key` is the S3 key. Other content has another ETag, and a folder of its own.
    """
    place = folder / etag.strip('"')
    file = place / PurePosixPath(key).name
    if not file.exists():
        place.mkdir(parents=True, exist_ok=True)
        # Renamed when complete: two jobs may keep the same file at once.
        descriptor, partial = tempfile.mkstemp(dir=place, prefix=".partial-")
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
        os.replace(partial, file)
    return place if file.suffix == ".py" else file
