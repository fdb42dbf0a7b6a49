"""Chance that repeats itself: the same seed gives the same numbers, whatever else is drawn."""

import zlib
from collections.abc import Mapping

import numpy as np

# Constants of SplitMix64 (Steele, Lea and Flood, 2014).
_STEP, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def generator(seed: int, purpose: str, *place: int) -> np.random.Generator:
    """Random numbers for one purpose and place, such as the orders of day 3's slice 0."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *place])


def trait(seed: int, purpose: str, ids: np.ndarray) -> np.ndarray:
    """A number in [0, 1) that belongs to each id for good: no table of a million customers is needed."""
    start = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        mixed = (ids.astype(np.uint64) + np.uint64(1)) * _STEP + start
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def pick(shares: Mapping | np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The index into `shares` that each number in [0, 1) falls on; shares need not sum to 1."""
    weights = np.array(list(shares.values()) if isinstance(shares, Mapping) else shares, float)
    edges = np.cumsum(weights)
    return np.minimum(np.searchsorted(edges, uniform * edges[-1], side="right"), len(edges) - 1)


def pick_from(words: list, uniform: np.ndarray) -> list:
    """One of the words for each number in [0, 1)."""
    return [words[index] for index in (uniform * len(words)).astype(int)]


def geometric(rng: np.random.Generator, p: float, size: int, most: int) -> np.ndarray:
    """1, 2, 3 ... with mean 1/p, at most `most`."""
    return np.minimum(rng.geometric(p, size), most)
