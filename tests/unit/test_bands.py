"""What is usual: bands around the figures of earlier runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.bands import usual_share, usual_volume

volumes = st.lists(st.integers(0, 1_000_000), min_size=5, max_size=20)
shares = st.lists(st.floats(0, 1), min_size=5, max_size=20)


def test_nothing_is_unusual_before_five_runs():
    assert usual_volume([1000] * 4) is None
    assert usual_share([0.0] * 4, rows=1000) is None


def test_a_third_to_three_times_the_usual_rows_are_usual():
    low, high = usual_volume([3000] * 5)
    assert (round(low), round(high)) == (999, 9002)


def test_a_hundred_rows_more_or_fewer_than_few_are_usual():
    assert usual_volume([12] * 5) == (0.0, pytest.approx(112))


def test_a_history_that_varies_has_a_wider_band():
    low, high = usual_volume([1000, 100, 10_000, 500, 2000, 8000, 200])
    assert low < 100 and high > 10_000


def test_one_odd_run_among_many_does_not_move_the_band():
    assert usual_volume([3000] * 9 + [1]) == usual_volume([3000] * 10)


def test_five_points_of_nulls_more_or_fewer_are_usual():
    assert usual_share([0.2] * 5, rows=1_000_000) == (pytest.approx(0.15), pytest.approx(0.25))
    assert usual_share([0.0] * 5, rows=1_000_000) == (0.0, 0.05)


def test_a_share_of_few_rows_scatters_more():
    """Three standard errors: 3 x sqrt(0.5 x 0.5 / 100) = 0.15."""
    assert usual_share([0.5] * 5, rows=100) == (pytest.approx(0.35), pytest.approx(0.65))
    assert usual_share([0.5] * 5, rows=49) is None


@given(volumes)
def test_the_middle_of_the_history_is_always_a_usual_volume(history):
    low, high = usual_volume(history)
    assert 0 <= low <= sorted(history)[len(history) // 2] <= high


@given(shares, st.integers(50, 10_000))
def test_the_middle_of_the_history_is_always_a_usual_share(history, rows):
    low, high = usual_share(history, rows)
    assert 0 <= low <= sorted(history)[len(history) // 2] <= high <= 1


@given(volumes, st.randoms())
def test_the_order_of_the_runs_does_not_matter(history, random):
    shuffled = random.sample(history, len(history))
    assert usual_volume(shuffled) == usual_volume(history)
