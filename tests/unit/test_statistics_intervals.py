"""Intervals hold the truth as often as they say, detectable effects are detected, rates have their formula."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulated_errors import grouped, margin, of_subjects
from thermark.metrics.bootstrap import difference, difference_spread, interval
from thermark.metrics.rates import rate, rate_interval, wilson
from thermark.metrics.spread import NORMAL, Spread

GROUPS = (10, 30, 100)
BROAD = [pytest.param(groups, 8000, marks=pytest.mark.slow) for groups in GROUPS]
DRAWN = 8  # sets of resamples: one could be an unlucky one, one for each study would take long


def held(rng, subjects, studies):
    """The part of studies whose interval holds the true mean, 5: normal subjects, unequal numbers of faces."""
    inside = 0
    for study in range(studies):
        names = grouped(rng, subjects)
        values = 5 + of_subjects(rng, names, 1.0) + rng.normal(0, 1.0, len(names))
        low, high = interval(values, names, 500, study % DRAWN)
        inside += low <= 5 <= high
    return inside / studies


@pytest.mark.parametrize(("subjects", "studies"), [*((groups, 800) for groups in GROUPS), *BROAD])
def test_intervals_hold_the_truth_in_93_to_97_of_100_studies(subjects, studies):
    """Two standard errors are granted to the few studies of the fast variant, nothing to the many."""
    spare = 2 * margin(0.95, studies) / 3 if studies < 1000 else 0.0
    assert 0.93 - spare <= held(np.random.default_rng(subjects), subjects, studies) <= 0.97 + spare


def paired_study(rng, subjects, seeds, effect=0.0):
    """Two contestants on the same faces, (S, N) each, that differ by `effect`, and the subjects.

    One seed is one that no other could have been: predictions of no training.
    """
    names = grouped(rng, subjects, (4, 9))
    hard, moods = rng.gamma(2, 1, len(names)), 0.05 * (seeds > 1)
    errors = []
    for shift in (effect, 0.0):
        means = hard + shift + of_subjects(rng, names, 0.3) + rng.normal(0, moods, (seeds, 1))
        errors.append(means + rng.normal(0, 0.2, means.shape))
    return errors[0], errors[1], names


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(
    ("subjects", "studies"),
    [(10, 400), (30, 400), *(pytest.param(count, 4000, marks=pytest.mark.slow) for count in GROUPS)],
)
def test_four_of_five_studies_show_the_effect_that_they_call_detectable(subjects, studies, seeds):
    rng = np.random.default_rng([subjects, seeds])
    effect = np.mean(
        [
            difference_spread(*paired_study(rng, subjects, seeds), 300, study % DRAWN).detectable()
            for study in range(400)
        ]
    )
    hits = 0
    for study in range(studies):
        low, high = difference(*paired_study(rng, subjects, seeds, effect), 300, study % DRAWN)
        hits += low > 0 or high < 0
    assert hits / studies == pytest.approx(0.8, abs=margin(0.8, studies) + 0.03)


@pytest.mark.parametrize(("subjects", "factor"), [(10, 2.262 + 0.883), (30, 2.045 + 0.854), (10_000, 2.802)])
def test_the_detectable_effect_is_bloom_s(subjects, factor):
    error = 0.7  # standard error of a mean of subjects, which a bootstrap of them finds by sqrt(1 - 1 / G) smaller
    half = NORMAL * error * np.sqrt(1 - 1 / subjects)
    assert Spread(9.0, half, half, subjects).detectable() == pytest.approx(factor * error, rel=1e-3)


def test_what_trainings_leave_in_doubt_is_detectable_by_the_same_rule():
    means = np.array([4.0, 5.0, 7.5]), np.array([1.0, 3.2, 2.9, 1.1])
    errors = [np.repeat(values[:, None], 40, axis=1) for values in means]
    welch = stats.ttest_ind(*means, equal_var=False)
    error = (means[0].mean() - means[1].mean()) / welch.statistic
    expected = (stats.t.ppf(0.975, welch.df) + stats.t.ppf(0.8, welch.df)) * error
    spread = difference_spread(*errors, grouped(np.random.default_rng(0), 20, (2, 3)), 200, 0)
    assert spread.detectable() == pytest.approx(expected)


def by_formula(hits, count):
    """Wilson (1927), with the normal's 97.5 % quantile."""
    z, part = 1.959963984540054, hits / count
    centre = part + z**2 / (2 * count)
    half = z * np.sqrt(part * (1 - part) / count + z**2 / (4 * count**2))
    return (centre - half) / (1 + z**2 / count), (centre + half) / (1 + z**2 / count)


@given(st.integers(1, 500), st.data())
def test_wilson_is_the_formula(count, data):
    hits = data.draw(st.integers(0, count))
    assert wilson(hits / count, count) == pytest.approx(by_formula(hits, count), abs=1e-12)


@pytest.mark.parametrize("subjects", [1, 2, 10, 100])
def test_all_or_nothing_is_wilsons_over_subjects_and_not_over_faces(subjects):
    names = np.repeat(np.arange(subjects), 50).astype(str)
    hits = np.ones(len(names))
    for replicates in (0, 100):
        bounds = rate_interval(hits, names, replicates, 0)
        assert bounds == pytest.approx((subjects / (subjects + NORMAL**2), 1.0))
        assert rate_interval(1 - hits, names, replicates, 0) == pytest.approx((0.0, 1 - bounds[0]))
    assert rate_interval(np.tile(hits, (3, 1)), names, 100, 0) == pytest.approx(bounds)
    counted = np.where(names == "0", 1.0, np.nan)
    assert rate_interval(counted, names, 100, 0) == pytest.approx(by_formula(1, 1))


def test_a_rate_between_is_the_bootstrap_of_subjects():
    rng = np.random.default_rng(0)
    names = grouped(rng, 20)
    hits = (
        rng.random(len(names)) < np.repeat(rng.uniform(0, 1, 20), np.unique(names, return_counts=True)[1])
    ) * 1.0
    bounds = rate_interval(hits, names, 1000, 3)
    assert bounds == interval(hits, names, 1000, 3)
    faces = by_formula(hits.sum(), len(hits))
    assert bounds[1] - bounds[0] > 2 * (
        faces[1] - faces[0]
    )  # subjects differ: faces are worth less than they count


def test_equal_subjects_leave_at_least_the_doubt_of_single_faces():
    """One miss of each: every resample says nine of ten, and no more is known than of so many single faces."""
    hits, names = np.tile([1.0] * 9 + [0.0], 10), np.repeat(np.arange(10), 10).astype(str)
    assert interval(hits, names, 500, 0) == pytest.approx((0.9, 0.9))
    assert rate_interval(hits, names, 500, 0) == pytest.approx(by_formula(90, 100))


def test_rates_are_means_over_seeds_and_leave_out_what_does_not_count():
    assert rate(np.array([1, 0, np.nan, 1])) == pytest.approx(2 / 3)
    assert rate(np.array([[1.0, 1, 0, 0], [1, 1, 1, 1]])) == 0.75
    for nothing in (np.array([]), np.array([np.nan]), np.array([[1.0, 1.0], [np.nan, np.nan]])):
        assert np.isnan(rate(nothing))
        assert rate_interval(nothing, np.arange(nothing.shape[-1]).astype(str), 100, 0) is None
    assert rate_interval(np.array([1.0, 0.0]), np.array(["s", "s"]), 100, 0) is None
    assert rate_interval(np.array([1.0, 0.0]), np.array(["s", "t"]), 0, 0) is None


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=40))
def test_a_rates_interval_holds_it_and_is_never_certain(rows):
    names, hits = np.array([str(name) for name, _ in rows]), np.array([hit for _, hit in rows])
    if (bounds := rate_interval(hits, names, 200, 0)) is not None:
        assert 0 <= bounds[0] <= rate(hits) <= bounds[1] <= 1
        assert bounds[1] - bounds[0] > 0.01


@cache
def rates_held(subjects, part, studies):
    rng, inside = np.random.default_rng(subjects), 0
    for study in range(studies):
        names = grouped(rng, subjects)
        rates = rng.beta(4 * part, 4 * (1 - part), subjects)  # a fifth of what varies is between subjects
        hits = (rng.random(len(names)) < rates[np.unique(names, return_inverse=True)[1]]) * 1.0
        low, high = rate_interval(hits, names, 300, study % DRAWN)
        inside += low <= part <= high
    return inside / studies


@pytest.mark.parametrize("subjects", GROUPS)
def test_rates_in_the_middle_hold_the_truth(subjects):
    assert 0.95 - margin(0.95, 600) - 0.01 <= rates_held(subjects, 0.6, 600) <= 0.97 + margin(0.95, 600)


def test_rare_misses_of_few_subjects_are_held_too_seldom_as_the_module_says():
    assert 0.78 <= rates_held(30, 0.97, 600) <= 0.92
