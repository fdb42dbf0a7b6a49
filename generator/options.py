"""What a generated shop is asked for."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

DATASETS = ("transactions", "products", "categories", "clickstream", "reviews", "customers")
MOST_DIRT = 0.04
"""Contracts refuse a file of whose rows more than 5% break a rule; below that every defect is a row's own."""


class BadOption(ValueError):
    """An option has no sense; the sentence says which and what would."""


@dataclass(frozen=True)
class Options:
    """The same options give the same bytes, but for `out`, where they are written."""

    out: Path
    days: int = 30
    orders_per_day: int = 500
    seed: int = 1
    dirt: float = 0.0
    start: date = date(2025, 1, 1)
    datasets: tuple[str, ...] = DATASETS
    part_mb: int = 128
    time_zone: str = "Europe/London"  # in which the totals of shop.json have their days

    def __post_init__(self) -> None:
        """Raises BadOption, with a sentence."""
        if self.days < 1 or self.orders_per_day < 1 or self.part_mb < 1 or self.seed < 0:
            raise BadOption("Days, orders per day and megabytes a part are at least 1, and the seed is not negative.")
        if not 0 <= self.dirt <= MOST_DIRT:
            raise BadOption(
                f"A dirt of {self.dirt:g} is out of range: it is a share from 0 to {MOST_DIRT}, since a file with "
                "more than 5% broken rows is refused as a whole."
            )
        unknown = [name for name in self.datasets if name not in DATASETS]
        if unknown or not self.datasets:
            raise BadOption(f"There is no dataset {', '.join(unknown) or 'named'}: choose from {', '.join(DATASETS)}.")

    def day(self, number: int) -> date:
        """The day of that number, from 0."""
        return self.start + timedelta(days=number)
