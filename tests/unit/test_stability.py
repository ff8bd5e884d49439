"""Stability of gradient norms: known answers, and scipy and numpy as references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from thermark.core.errors import DataError
from thermark.metrics.stability import over_seeds, stability, windowed


def test_numbers_of_a_hand_made_log():
    numbers = stability(np.array([1.0, 3.0, 2.0, 6.0]))
    assert numbers["mean"] == 3.0
    assert numbers["std"] == pytest.approx(np.sqrt((4 + 0 + 1 + 9) / 4))
    assert numbers["cv"] == pytest.approx(numbers["std"] / 3)
    assert numbers["mean_step_change"] == pytest.approx((2 + 1 + 4) / 3)
    # line: slope 14 / 10, so 1.4^2 * 5 of 14 is explained
    assert numbers["r2"] == pytest.approx(1.4**2 * 5 / 14)


@given(arrays(np.float64, st.integers(3, 60), elements=st.floats(0.01, 100)))
def test_against_scipy_and_numpy(norms):
    if np.ptp(norms) < 1e-3:
        return
    numbers = stability(norms)
    assert numbers["std"] == pytest.approx(stats.tstd(norms) * np.sqrt(1 - 1 / len(norms)))
    assert numbers["cv"] == pytest.approx(stats.variation(norms))
    assert numbers["r2"] == pytest.approx(stats.linregress(np.arange(len(norms)), norms).rvalue ** 2, abs=1e-9)


def test_a_straight_line_is_explained_and_a_zigzag_is_not():
    assert stability(np.linspace(5, 1, 50))["r2"] == pytest.approx(1)
    zigzag = stability(np.tile([1.0, 2.0], 500))
    assert zigzag["r2"] < 1e-4 and zigzag["mean_step_change"] == 1 and zigzag["std"] == 0.5


def test_scale_moves_all_but_the_ratios():
    norms = np.random.default_rng(0).gamma(4, 1, 100)
    small, large = stability(norms), stability(1000 * norms)
    for name in ("mean", "std", "mean_step_change"):
        assert large[name] == pytest.approx(1000 * small[name])
    for name in ("cv", "r2"):
        assert large[name] == pytest.approx(small[name])


def test_the_window_is_half_open_and_counts_steps_from_one():
    steps, norms = np.arange(1, 11), np.arange(1.0, 11.0)
    assert list(windowed(steps, norms, 3, 6)) == [3, 4, 5]
    assert list(windowed(steps, norms, 9, 99)) == [9, 10]
    assert not len(windowed(steps, norms, 11, 99))


@pytest.mark.parametrize("steps", [[1, 2, 4], [1, 2, 2], [2, 1, 3]])
def test_a_log_with_a_gap_is_refused(steps):
    with pytest.raises(DataError, match="follow"):
        windowed(np.array(steps), np.ones(3), 1, 4)


@pytest.mark.parametrize(
    ("norms", "message"),
    [
        ([1.0, 2.0], "2 gradient norms"),
        ([1.0, np.nan, 2.0], "norm 2 of the window is nan"),
        ([1.0, 2.0, np.inf], "norm 3 of the window is inf"),
        ([1.0, -2.0, 1.0], "-2"),
        ([0.1] * 7, "equal"),
        ([0.0] * 7, "equal"),
    ],
)
def test_what_cannot_be_measured_is_an_error(norms, message):
    with pytest.raises(DataError, match=message):
        stability(np.array(norms))


def test_seeds_are_averaged_and_their_spread_is_told():
    one, two = stability(np.array([1.0, 2.0, 4.0])), stability(np.array([2.0, 4.0, 8.0]))
    assert over_seeds([one]) == one
    both = over_seeds([one, two])
    assert both["std"] == pytest.approx(1.5 * one["std"])
    assert both["std_seed_std"] == pytest.approx(one["std"] / np.sqrt(2))
    assert both["cv_seed_std"] == pytest.approx(0)
