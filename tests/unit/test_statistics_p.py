"""p values: brute force, scipy, Holm by the closed testing that defines it, and false alarms in whole families."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulated_errors import margin, of_subjects, recipes, sign_flip
from thermark.metrics.bootstrap import difference_spread
from thermark.metrics.compared import Config, pairwise
from thermark.metrics.family import holm
from thermark.metrics.permutation import EXACT, sign_flips, subject_means
from thermark.metrics.spread import NORMAL, SMALLEST, TAIL, Spread


def brute_force(means):
    """All patterns of signs, one at a time."""
    patterns = list(itertools.product([1, -1], repeat=len(means)))
    sums = [sum(sign * mean for sign, mean in zip(pattern, means, strict=True)) for pattern in patterns]
    return sum(abs(one) >= abs(sum(means)) - 1e-9 for one in sums) / len(patterns)


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=5))
def test_the_exact_p_is_that_of_brute_force(means):
    """Whole numbers: many patterns tie with what was seen, and count."""
    assert sign_flip(np.array(means, float), np.arange(len(means)).astype(str)) == brute_force(means)


def test_five_subjects_of_unequal_faces_weigh_the_same():
    subjects = np.array(list("aaaaaaabbcdde"))
    gaps = np.array([1.0] * 7 + [3, 5, -2, 0.5, 1.5, np.nan])
    gaps[0] = np.inf
    assert subject_means(gaps, subjects) == pytest.approx([1, 4, -2, 1, np.nan], nan_ok=True)
    assert sign_flip(gaps, subjects) == brute_force([1, 4, -2, 1]) == 10 / 16


def test_the_smallest_p_is_two_patterns_of_all():
    for subjects in (2, 5, 10, EXACT):
        assert sign_flip(np.ones(subjects), np.arange(subjects).astype(str)) == 2 / 2**subjects


@pytest.mark.parametrize("subjects", [4, 9, 12])
def test_the_exact_p_is_scipys(subjects):
    means = np.random.default_rng(subjects).normal(0.4, 1, subjects)
    reference = stats.permutation_test((means,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flips(means[None])[0] == pytest.approx(reference.pvalue, abs=1e-12)


def test_drawn_patterns_come_near_all_of_them():
    rng, flips = np.random.default_rng(0), 50_000
    for gap in (0.0, 0.3, 0.6):
        means = rng.normal(gap, 1, EXACT + 2)
        signs = 1 - 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)
        expected = np.mean(np.abs(signs @ means) >= abs(means.sum()) - 1e-9)
        assert sign_flips(means[None], flips)[0] == pytest.approx(expected, abs=margin(expected, flips))
    assert sign_flips(np.ones((1, 40)), 999)[0] == 1 / 1000  # what was seen is one of the patterns
    assert sign_flips(np.zeros((1, 40)), 999)[0] == 1


def test_drawn_patterns_are_those_of_the_seed_and_of_nobody_else():
    means = np.random.default_rng(1).normal(0.2, 1, (70, 20))
    together = sign_flips(means, 999, 4)
    assert together.tolist() == [sign_flips(row[None], 999, 4)[0] for row in means]
    assert together.tolist() != sign_flips(means, 999, 5).tolist()


def test_rows_may_lack_subjects():
    means = np.array([[1.0, 2.0, np.nan, -0.5], [np.nan, 1.0, np.nan, np.nan], [np.nan] * 4, [1.0, 1.0, 2.0, 3.0]])
    p_values = sign_flips(means)
    assert p_values == pytest.approx([brute_force([1, 2, -0.5]), np.nan, np.nan, 2 / 16], nan_ok=True)


def test_nothing_and_one_subject_have_no_p():
    assert np.isnan(sign_flip(np.array([]), np.array([], str)))
    assert np.isnan(sign_flip(np.array([1.0, 2.0]), np.array(["s", "s"])))
    assert np.isnan(sign_flip(np.array([np.inf, np.nan]), np.array(["s", "t"])))


def closed(p):
    """Holm by definition: the largest p, Bonferroni's, of all sets of hypotheses that one is in."""
    p_holm = []
    for index in range(len(p)):
        others = [other for other in range(len(p)) if other != index]
        sets = [(index, *more) for size in range(len(p)) for more in itertools.combinations(others, size)]
        p_holm.append(max(min(1.0, len(each) * min(p[one] for one in each)) for each in sets))
    return p_holm


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_is_closed_testing_with_bonferroni(p):
    assert holm(np.array(p)) == pytest.approx(closed(p), rel=1e-12)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=8), st.randoms())
def test_holm_is_monotone_and_leaves_out_what_could_not_be_compared(p, random):
    p_holm = holm(np.array(p))
    there = np.isfinite(p)
    assert np.isnan(p_holm[~there]).all() and (p_holm[there] >= np.array(p)[there]).all()
    assert (np.diff(p_holm[there][np.argsort(np.array(p)[there], kind="stable")]) >= 0).all()
    assert p_holm[there] == pytest.approx(holm(np.array(p)[there]))
    order = random.sample(range(len(p)), len(p))
    assert holm(np.array(p)[order]) == pytest.approx(p_holm[order], nan_ok=True)


def test_a_textbook_family():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def false_alarms(subjects, family, studies, flips=499):
    """How many families without any difference show one: the same baseline, skewed errors, unequal spreads."""
    rng = np.random.default_rng([subjects, family])
    hard = rng.gamma(1, 1, (studies, 1, subjects))
    errors = hard + rng.gamma(0.5, 1, (studies, family + 1, subjects))
    means = errors[:, 1:] - errors[:, :1]
    p = sign_flips(means.reshape(-1, subjects), flips).reshape(studies, family)
    return np.mean([holm(row).min() <= 0.05 for row in p])


@pytest.mark.parametrize("family", [3, 10])
@pytest.mark.parametrize(
    ("subjects", "studies"),
    [(10, 1000), (30, 1000), *(pytest.param(count, 20_000, marks=pytest.mark.slow) for count in (10, 14, 30))],
)
def test_families_without_a_difference_seldom_show_one(subjects, studies, family):
    assert false_alarms(subjects, family, studies) <= 0.05 + margin(0.05, studies)


def test_without_holm_they_would_do_so_often():
    rng = np.random.default_rng(0)
    p = sign_flips(rng.normal(size=(10_000, 10))).reshape(1000, 10)
    assert np.mean(p.min(axis=1) <= 0.05) > 0.3


def alarmed(studies, family, subjects, of_seeds):
    """Families of trained recipes of equal merit, each against one baseline, that show a difference (part)."""
    rng, wrong = np.random.default_rng([family, subjects]), 0
    pairs = [(f"c{index}", "c0") for index in range(1, family + 1)]
    config = Config(cap=50, bootstrap=200, flips=499)
    for _ in range(studies):
        made = pairwise(recipes(rng, family + 1, subjects, of_seeds), "error", config, pairs=pairs)
        # Not `shown`: what is too small to speak of is not shown either, and would hide a wrong p.
        wrong += holm(np.array([made[pair].p for pair in pairs])).min() <= 0.05
    return wrong / studies


@pytest.mark.parametrize("of_seeds", [0.1, 1.0])
@pytest.mark.parametrize(
    ("family", "subjects", "studies"),
    [
        (3, 10, 200),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((3, 10, 2000), (10, 10, 1000), (3, 30, 2000))),
    ],
)
def test_nor_do_families_of_trainings(family, subjects, studies, of_seeds):
    assert alarmed(studies, family, subjects, of_seeds) <= 0.05 + margin(0.05, studies)


def test_flipped_signs_alone_would_take_a_lucky_seed_for_a_method():
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(100):
        a, b = recipes(rng, 2, 30, 1.0).values()
        wrong += sign_flip(a["error"] - b["error"], a["subjects"], 199) <= 0.05
    assert wrong > 60


spreads = st.builds(
    Spread,
    estimate=st.floats(-5, 5),
    below=st.floats(0, 3),
    above=st.floats(0, 3),
    subjects=st.integers(2, 60),
    variance=st.sampled_from([0.0, 0.01, 1.0]),
    freedom=st.sampled_from([1.0, 2.0, 4.0]),
    common=st.sampled_from([0.0, 0.001, 0.5]),
)


@given(spreads)
def test_p_is_below_a_level_just_where_that_interval_leaves_out_zero(spread):
    p = spread.p()
    assert SMALLEST <= p <= 1
    for tail in (0.0005, TAIL, 0.2):
        below, above = spread.reach(tail)
        low, high = spread.estimate - below, spread.estimate + above
        if min(abs(low), abs(high)) > 1e-6:
            assert (p < 2 * tail) == (low > 0 or high < 0)


def test_p_where_seeds_alone_differ_is_welchs():
    a, b = np.array([4.0, 5.0, 7.5]), np.array([1.0, 3.2, 2.9, 1.1])
    errors = [np.repeat(means[:, None], 40, axis=1) for means in (a, b)]
    spread = difference_spread(*errors, np.repeat(np.arange(20), 2).astype(str), 200, 0)
    assert spread.p() == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-6)


def test_p_of_normal_percentiles_is_students():
    values = np.random.default_rng(0).normal(0.5, 1, 12)
    half = NORMAL * values.std() / np.sqrt(12)  # what endless draws of normal subjects would give
    p_value = Spread(values.mean(), half, half, 12).p()
    assert p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6)


def test_no_doubt_and_no_difference():
    assert Spread(0.0, 0.0, 0.0, 5).p() == 1
    assert Spread(0.1, 0.0, 0.0, 5).p() == SMALLEST


def test_effects_of_subjects_are_one_a_subject():
    names = np.repeat(["a", "b"], [3, 4])
    assert len(set(of_subjects(np.random.default_rng(0), names, 1.0).tolist())) == 2
