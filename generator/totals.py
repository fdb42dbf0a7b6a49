"""What a correct lake must come to, once every file is loaded and every planted defect set aside."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from generator.orders import CANCELLED, FAILED, RETURN_LINE_NUMBERS, Lines

DAY_S = 86400
_ZONE_STEP_S = 900  # time zones change their offsets on a quarter of an hour


class Totals:
    """Lines, orders, units and revenue by the order's day in the lake's time zone, as its lines stand at last.

    Revenue is net of discount, without tax and shipping; returns count on their own day, negative; cancelled and
    failed orders don't count. An order counts on each day that has a line of it.
    """

    def __init__(self, time_zone: str):
        self._zone = time_zone
        self._days: dict[int, np.ndarray] = {}
        self.lines = 0  # distinct lines, of any status

    def add(self, lines: Lines) -> None:
        """New lines."""
        self.lines += len(lines)
        self._count(lines, 1)

    def replace(self, old: Lines, new: Lines) -> None:
        """Lines that have another status now."""
        self._count(old, -1)
        self._count(new, 1)

    def _count(self, lines: Lines, sign: int) -> None:
        counted = lines.where(~np.isin(lines.status, (CANCELLED, FAILED)))
        days = local_days(counted.ordered_at, self._zone)
        # A return brings its order's first line back, under a number of its own.
        is_first = np.isin(counted.line_number, (1, 1 + RETURN_LINE_NUMBERS))
        for day in np.unique(days):
            which = days == day
            found = [which.sum(), is_first[which].sum(), counted.quantity[which].sum(), counted.net[which].sum()]
            self._days[int(day)] = self._days.get(int(day), np.zeros(4, np.int64)) + sign * np.array(found)

    def as_json(self) -> dict:
        """The days with any line, in order, and their sums."""
        by_day = {
            np.datetime64(day, "D").item().isoformat(): _figures(found)
            for day, found in sorted(self._days.items())
            if found[0]
        }
        everything = _figures(sum(self._days.values(), np.zeros(4, np.int64)))
        return {"sales_rows": self.lines, **everything, "by_day": by_day}


def _figures(found: np.ndarray) -> dict:
    lines, orders, units, pence = map(int, found)
    sign, size = "-" if pence < 0 else "", abs(pence)
    return {
        "lines": lines, "orders": orders, "units": units, "revenue": f"{sign}{size // 100}.{size % 100:02d}",
    }  # fmt: skip


def local_days(seconds: np.ndarray, zone: str) -> np.ndarray:
    """Days since 1970 of instants, in a time zone."""
    steps, which = np.unique(seconds // _ZONE_STEP_S, return_inverse=True)
    offsets = np.array([_offset_s(int(step), zone) for step in steps], np.int64)
    return (seconds + offsets[which]) // DAY_S if len(seconds) else seconds


@lru_cache(maxsize=200)
def _offset_s(step: int, zone: str) -> int:
    return int(datetime.fromtimestamp(step * _ZONE_STEP_S, UTC).astimezone(ZoneInfo(zone)).utcoffset().total_seconds())
