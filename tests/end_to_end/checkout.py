"""A copy of the sources that a test may break or change, and run with `run_shoplake(checkout=...)`."""

import shutil
from pathlib import Path

from tests.end_to_end.local_lake import ROOT

SOURCES = (
    "cli", "contracts", "jobs", "lake.yaml", "lambdas", "local", "monitoring", "pyproject.toml", "quality", "queries",
    "shoplake", "state_machines", "tables", "views",
)  # fmt: skip


def copy_of_the_checkout(folder: Path) -> Path:
    """All that the command reads and deploys, copied into a new folder."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder
