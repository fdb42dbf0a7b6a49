"""Who buys. A customer is a number; all that is known of them follows from it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator import assumptions, vocabulary
from generator.demand import Slice
from generator.draws import pick, pick_from, trait
from generator.options import Options
from generator.text import csv_cells, instants, joined, number, strings

COUNTRIES = tuple(assumptions.COUNTRIES)
_SIGN_UP_BEFORE_ORDER_S = (60, 600)
_SIGN_UP_YEARS = 2  # the customers of before the shop's first day signed up within these


def customer_ids(numbers: np.ndarray) -> pa.StringArray:
    """`C0000001` for customer 0; empty for -1, an unknown one."""
    known = joined("C", number(numbers + 1, 7))
    return pc.if_else(pa.array(numbers >= 0), known, "")


def countries_of(seed: int, numbers: np.ndarray) -> np.ndarray:
    """Index into COUNTRIES."""
    return pick(assumptions.COUNTRIES, trait(seed, "country", numbers))


def repeat_customers(rng: np.random.Generator, size: int, customers: int) -> np.ndarray:
    """Who orders again: loyal ones often, else rather those who came lately."""
    recent = customers - 1 - (customers * rng.random(size) ** 1.7).astype(np.int64)
    every = assumptions.LOYAL_EVERY
    loyal = rng.integers(0, max(1, customers // every), size) * every
    return np.where(rng.random(size) < assumptions.LOYAL_SHARE, loyal, np.maximum(recent, 0))


def signed_up_with_order(seed: int, numbers: np.ndarray, ordered_at: np.ndarray) -> np.ndarray:
    """Minutes before the first order, on the same day."""
    low, high = _SIGN_UP_BEFORE_ORDER_S
    return ordered_at - (low + trait(seed, "sign-up", numbers) * (high - low)).astype(np.int64)


def signed_up_before_start(seed: int, numbers: np.ndarray, start: int) -> np.ndarray:
    return start - 1 - (trait(seed, "sign-up", numbers) * _SIGN_UP_YEARS * 365 * 86400).astype(np.int64)


def signed_up_without_order(seed: int, numbers: np.ndarray, within: Slice) -> np.ndarray:
    """Of customers of the slice that sign up and don't order."""
    return within.day_start + 43200 + (trait(seed, "sign-up", numbers) * 3600).astype(np.int64)


def emails(seed: int, numbers: np.ndarray) -> list[str]:
    """At example.com, which RFC 2606 reserves: nobody's."""
    return [f"customer{n + 1}@example.com" for n in numbers]


def csv_columns(options: Options, numbers: np.ndarray, signed_up_at: np.ndarray) -> dict[str, pa.StringArray]:
    """The customers' records. Phones are Ofcom's numbers for drama, 07700 900000 to 900999, of Britons only."""
    seed = options.seed
    first = pick_from(vocabulary.FIRST_NAMES, trait(seed, "first name", numbers))
    last = pick_from(vocabulary.LAST_NAMES, trait(seed, "last name", numbers))
    country = countries_of(seed, numbers)
    drama = (trait(seed, "phone", numbers) * 1000).astype(int)
    return {
        "customer_id": customer_ids(numbers),
        "name": csv_cells(strings([f"{a} {b}" for a, b in zip(first, last, strict=True)])),
        "email": strings(emails(seed, numbers)),
        "phone": strings(
            [f"07700 900{n:03d}" if c == 0 else "" for n, c in zip(drama, country, strict=True)]
        ),
        "country": strings([COUNTRIES[c] for c in country]),
        "signed_up_at": instants(signed_up_at),
        "marketing_consent": strings(
            ["true" if u < assumptions.CONSENT_SHARE else "false" for u in trait(seed, "consent", numbers)]
        ),
    }  # fmt: skip
