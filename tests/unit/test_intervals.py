"""Intervals hold what they promise: simulated subjects and seeds, and references that share no code with them."""

import numpy as np
import pytest
from scipy import stats

from thermark.metrics.bootstrap import difference, interval

STUDIES, REPLICATES = 500, 300
# Three standard errors of a coverage of 95 % over so many studies: 2.9 percentage points.
MARGIN = 3 * np.sqrt(0.95 * 0.05 / STUDIES)


def simulated(rng, seeds, subjects, spread, faces=2):
    """Errors (S, N) about a true mean of 5: effects of seeds, of subjects, of both together, and of each face."""
    of_seeds, of_subjects, of_both = spread
    means = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(0, of_subjects, subjects)
    means = means + rng.normal(0, of_both, (seeds, subjects))
    return 5 + np.repeat(means, faces, axis=1) + rng.normal(0, 0.1, (seeds, subjects * faces))


def named(subjects, faces=2):
    return np.repeat([f"s{index}" for index in range(subjects)], faces)


def coverage(found, truth):
    return np.mean([low <= truth <= high for low, high in found])


@pytest.mark.parametrize("subjects", [10, 30])
@pytest.mark.parametrize("spread", [(0.3, 1.0, 0.3), (0.3, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 0.3, 0.3)])
def test_three_seeds_and_few_subjects_hold_the_truth_as_often_as_they_say(subjects, spread):
    rng, names = np.random.default_rng([subjects, *np.multiply(spread, 10).astype(int)]), named(subjects)
    intervals = [interval(simulated(rng, 3, subjects, spread), names, REPLICATES, 0) for _ in range(STUDIES)]
    assert 0.95 - MARGIN <= coverage(intervals, 5) <= 0.98 + MARGIN / 2


def test_subjects_alone_would_hold_it_far_too_seldom():
    """What the seeds are for: an interval that knows subjects only misses most trainings."""
    rng, names = np.random.default_rng(0), named(30)
    runs = [simulated(rng, 3, 30, (1.0, 0.3, 0.3)) for _ in range(100)]
    assert coverage([interval(run.mean(axis=0), names, 200, 0) for run in runs], 5) < 0.5


def test_where_seeds_alone_differ_it_is_students_interval_of_their_means():
    means = np.array([4.0, 5.0, 7.5])
    values = np.repeat(means[:, None], 40, axis=1)
    half = stats.t.ppf(0.975, 2) * stats.sem(means)
    expected = means.mean() - half, means.mean() + half
    assert interval(values, named(20), 200, 0) == pytest.approx(expected, rel=1e-9)
    half = stats.t.ppf(0.975, 1) * 0.5  # two seeds that are one px apart
    assert interval(values[:2], named(20), 200, 0) == pytest.approx((4.5 - half, 4.5 + half), rel=1e-9)


def test_where_seeds_alone_differ_a_difference_is_welchs():
    a, b = np.array([4.0, 5.0, 7.5]), np.array([1.0, 1.2, 0.9, 1.1])
    errors = [np.repeat(means[:, None], 40, axis=1) for means in (a, b)]
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert difference(*errors, named(20), 200, 0) == pytest.approx((welch.low, welch.high), rel=1e-9)


def test_what_seeds_do_to_single_subjects_is_counted_once():
    """No seed is better than another, each only on other subjects: the subjects' doubt has that in it already."""
    apart = np.tile([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]], (1, 10))
    values = 5 + apart  # (3, 30), every seed's and every subject's mean is 5
    assert interval(values, named(30, 1), 500, 0) == pytest.approx((5, 5))


def test_the_bootstrap_of_subjects_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (1, 40))
    values[0, :9], values[0, 30:33], values[0, 20] = np.inf, np.inf, np.nan
    subjects = rng.integers(0, 8, 40).astype(str)
    drawn = np.random.default_rng(1).integers(0, 8, (20_000, 8))
    groups = [values[0][(subjects == str(index)) & np.isfinite(values[0])] for index in range(8)]
    means = [np.concatenate([groups[index] for index in draw]).mean() for draw in drawn]
    estimate = np.concatenate(groups).mean()
    widening = stats.t.ppf(0.975, 7) / stats.norm.ppf(0.975) * np.sqrt(8 / 7)
    ends = estimate + widening * (np.percentile(means, [2.5, 97.5]) - estimate)
    assert interval(values, subjects, 20_000, 5) == pytest.approx(ends, abs=0.01)
