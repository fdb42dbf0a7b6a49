"""What is usual: bands around what earlier runs had.

A band is the median of the history, and around it three robust standard deviations: 3 x 1.4826 x the median absolute
deviation (the Hampel identifier; Leys and others, "Detecting outliers: Do not use standard deviation around the mean,
use absolute deviation around the median", Journal of Experimental Social Psychology 49, 2013). One odd run among many
moves neither. A floor keeps a history without any spread from calling every change unusual.
"""

from collections.abc import Sequence
from math import expm1, log, log1p, sqrt
from statistics import median

LEAST_RUNS = 5  # of history, before anything is called unusual
MOST_RUNS = 20  # of history, the newest
LEAST_FACTOR = 3.0  # a third of the usual rows to three times as many are always usual
LEAST_ROWS = 100  # so many rows more or fewer are always usual
LEAST_SHARE = 0.05  # five points more or fewer nulls are always usual
LEAST_ROWS_OF_A_SHARE = 50  # a share of fewer rows says nothing, now or in the history
_ROBUST = 3 * 1.4826


def usual_volume(history: Sequence[float]) -> tuple[float, float] | None:
    """From how many to how many rows are usual. None where the history is too short to say.

    The band is drawn around logarithms, since volumes differ by factors: half and double are equally far.
    """
    if len(history) < LEAST_RUNS:
        return None
    low, high = _around([log1p(value) for value in history], log(LEAST_FACTOR))
    centre = median(history)
    return max(0.0, min(expm1(low), centre - LEAST_ROWS)), max(expm1(high), centre + LEAST_ROWS)


def usual_share(history: Sequence[float], rows: int) -> tuple[float, float] | None:
    """From which to which share (0 to 1) is usual for so many rows. None where history or rows are too few to say.

    Few rows scatter more: three standard errors of a share of `rows` rows are usual too.
    """
    if len(history) < LEAST_RUNS or rows < LEAST_ROWS_OF_A_SHARE:
        return None
    centre = median(history)
    low, high = _around(history, max(LEAST_SHARE, 3 * sqrt(centre * (1 - centre) / rows)))
    return max(0.0, low), min(1.0, high)


def _around(values: Sequence[float], floor: float) -> tuple[float, float]:
    centre = median(values)
    spread = max(floor, _ROBUST * median(abs(value - centre) for value in values))
    return centre - spread, centre + spread
