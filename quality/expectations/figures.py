"""Expectations about figures of a whole batch: how new it is, how many rows a file has, how many values are missing."""

from datetime import datetime
from typing import Any

from quality.bands import usual_share, usual_volume
from quality.expectations.measured import Judgement, MeasuredExpectation


class ExpectFresh(MeasuredExpectation):
    """The newest `column` of `table` (a name in SQL) is at most `hours` older than `as_of` (ISO 8601).

    `as_of` is the arrival of the run's last file: no clock is read. That nothing arrives at all is for the alarms.
    """

    column: str
    table: str
    hours: float
    as_of: str

    def measures(self) -> dict[str, str]:
        return {"newest": f"(SELECT unix_micros(max({self.column})) FROM {self.table})"}

    def judge(self, found: dict[str, Any]) -> Judgement:
        if found["newest"] is None:
            return Judgement(True, "no row yet")
        as_of_s = datetime.fromisoformat(self.as_of).timestamp()
        hours = max(0.0, (as_of_s - found["newest"] / 1e6) / 3600)
        in_words = f"the newest is {hours:,.1f} hours old ({self.hours:,g} are allowed)"
        return Judgement(hours <= self.hours, in_words, observed=hours)


class ExpectUsualNullRate(MeasuredExpectation):
    """`column` is null about as often as in earlier runs (`history`: shares, 0 to 1; see quality.bands)."""

    column: str
    history: list[float]

    def measures(self) -> dict[str, str]:
        return {"nulls": f"count_if({self.column} IS NULL)"}

    def judge(self, found: dict[str, Any]) -> Judgement:
        nulls, rows = found["nulls"], found["rows"]
        share = nulls / rows if rows else 0.0
        usual = usual_share(self.history, rows)
        if usual is None:
            return Judgement(True, f"{share:.1%} null; too few rows or runs to say what is usual", nulls, share)
        in_words = f"{share:.1%} null; usual are {usual[0]:.1%} to {usual[1]:.1%}"
        return Judgement(usual[0] <= share <= usual[1], in_words, nulls, share)


class ExpectUsualVolume(MeasuredExpectation):
    """Files of a dataset have about as many rows as in earlier runs (`history`: rows a file; see quality.bands).

    Of the run's ledger, whose rows are files. Rows read, not rows applied: a replay applies none, and a run of ten
    files reads ten times as much as a run of one, while rows a file stay as they are.
    """

    column: str  # the dataset's name
    history: list[float]

    def measures(self) -> dict[str, str]:
        return {"volume": f"avg(CASE WHEN dataset = '{self.column}' AND is_accepted THEN read END)"}

    def judge(self, found: dict[str, Any]) -> Judgement:
        volume = found["volume"]
        if volume is None:
            return Judgement(True, "no file")
        usual = usual_volume(self.history)
        if usual is None:
            return Judgement(True, f"{volume:,.0f} rows a file; too few runs to say what is usual", observed=volume)
        in_words = f"{volume:,.0f} rows a file; usual are {usual[0]:,.0f} to {usual[1]:,.0f}"
        return Judgement(usual[0] <= volume <= usual[1], in_words, observed=volume)
