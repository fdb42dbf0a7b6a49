"""Where `lake.yaml`, the contracts and the table files are.

In a checkout they stand beside the package; in a wheel or a function's zip, inside it (`shoplake/_lake`). Lambda
unpacks its zips. Glue puts a wheel on a job's path as it is, and no file within can be opened: they are unpacked first.
"""

import tempfile
import zipfile
from functools import cache
from pathlib import Path
from zipimport import zipimporter

_PACKAGE = Path(__file__).resolve().parent
BUNDLED = _PACKAGE / "_lake"
DECLARATIONS = ("lake.yaml", "contracts", "tables", "state_machines", "views")


@cache
def root() -> Path:
    """The folder that holds the lake's declarations."""
    if isinstance(__spec__.loader, zipimporter):
        return _unpacked(__spec__.loader.archive)
    return BUNDLED if BUNDLED.is_dir() else _PACKAGE.parent


@cache
def _unpacked(archive: str) -> Path:
    """The declarations in a folder of their own, which goes with the machine that the job has for itself."""
    folder = Path(tempfile.mkdtemp(prefix="shoplake-"))
    inside = f"{_PACKAGE.name}/{BUNDLED.name}/"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder, [name for name in opened.namelist() if name.startswith(inside)])
    return folder / inside
