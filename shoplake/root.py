"""Where `lake.yaml`, the contracts and the table files are.

In a checkout they stand beside the package; in a wheel or a function's zip, inside it (`shoplake/_lake`).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
BUNDLED = _PACKAGE / "_lake"
DECLARATIONS = ("lake.yaml", "contracts", "tables", "state_machines", "views")


def root() -> Path:
    """The folder that holds the lake's declarations."""
    return BUNDLED if BUNDLED.is_dir() else _PACKAGE.parent
