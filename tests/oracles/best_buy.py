"""Best Buy's open catalogue counted a second time, in plain Python over the raw JSON: shares no code with the jobs.

The rule: a name is trimmed, and a no-break space in it is a space.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """A product: the number in its image's name, and the names of its categories from the top."""

    product_id: str
    name: str
    price: Decimal
    category_path: str | None


def products(file: Path) -> list[Product]:
    """Every product of the file."""
    return [
        Product(
            product_id=row["image"].rpartition("/")[2].partition("_")[0],
            name=_clean(row["name"]),
            price=Decimal(str(row["price"])),
            category_path="/".join(map(_clean, row["categories"])) or None,
        )
        for row in json.loads(file.read_text())
    ]


def category_paths(file: Path) -> dict[str, str]:
    """The names from the top to each category that has a name, by its id, as the file states them."""
    rows = json.loads(file.read_text())
    return {row["id"]: "/".join(_clean(step["name"]) for step in row["path"]) for row in rows if row["name"]}


def _clean(name: str) -> str:
    return name.replace("\u00a0", " ").strip()
