"""How many orders a day has, and at which second of it."""

from dataclasses import dataclass

import numpy as np

from generator import assumptions
from generator.draws import generator
from generator.options import Options

DAY_S = 86400
ORDERS_PER_SLICE = 500
"""A day is made in slices of time of about this many orders, with the visits around them, to bound memory."""
_FIRST_S = 900  # the first order of a day: the visit before it, and a sign-up, are of the same day

_HOUR_EDGES = np.concatenate([[0], np.cumsum(assumptions.HOURS)]) / sum(assumptions.HOURS)
_HOUR_STARTS = np.maximum(np.arange(25) * 3600, _FIRST_S)


@dataclass(frozen=True)
class Slice:
    """A stretch of a day that is made at once. Numbers of orders and of new customers are ranges."""

    day: int
    number: int
    starts: float  # as shares of the day's demand
    ends: float
    orders: range
    new_customers: range
    day_start: int  # seconds since 1970


def expected_orders(options: Options, day: int) -> float:
    """Orders of an ordinary day of that weekday and month."""
    date = options.day(day)
    factor = assumptions.WEEKDAYS[date.weekday()] * assumptions.MONTHS[date.month - 1]
    return options.orders_per_day * factor


def new_customers(options: Options, day: int) -> int:
    """Customers that sign up on the day, most of them with their first order."""
    return round(expected_orders(options, day) * assumptions.NEW_CUSTOMER_SHARE)


def day_start(options: Options, day: int) -> int:
    """Midnight UTC, in seconds since 1970."""
    return (options.day(day).toordinal() - 719163) * DAY_S


def slices(options: Options, day: int, customers: int) -> list[Slice]:
    """The day in slices of equal demand. `customers` have signed up before."""
    orders = max(1, int(generator(options.seed, "demand", day).poisson(expected_orders(options, day))))
    new = new_customers(options, day)
    count = -(-orders // ORDERS_PER_SLICE)
    return [
        Slice(
            day=day,
            number=n,
            starts=n / count,
            ends=(n + 1) / count,
            orders=range(orders * n // count, orders * (n + 1) // count),
            new_customers=range(customers + new * n // count, customers + new * (n + 1) // count),
            day_start=day_start(options, day),
        )
        for n in range(count)
    ]


def moments(rng: np.random.Generator, within: Slice, size: int) -> np.ndarray:
    """Seconds since 1970 within the slice, in order, by the hour's demand."""
    shares = within.starts + np.sort(rng.random(size)) * (within.ends - within.starts)
    seconds = np.interp(shares, _HOUR_EDGES, _HOUR_STARTS).astype(np.int64)
    return within.day_start + np.minimum(seconds, DAY_S - 1)
