"""Paired differences: known answers, mirror symmetry, intervals that hold what they promise, and no verdict."""

import numpy as np
import pytest
from scipy import stats

from thermark.core.errors import DataError
from thermark.metrics.bootstrap import interval
from thermark.metrics.paired import Paired, paired


def errors(values, subjects=None, per_seed=None):
    values = np.asarray(values, float)
    ids = np.array([f"{index:03}" for index in range(len(values))])
    table = {"ids": ids, "subjects": ids if subjects is None else np.asarray(subjects), "nme_io": values}
    return table if per_seed is None else table | {"per_seed": np.asarray(per_seed, float)}


def seeded(per_seed):
    return errors(np.mean(per_seed, axis=0), per_seed=per_seed)


def test_known_answer_and_direction():
    faces = np.arange(1.0, 11.0)
    comparison = paired(errors(faces), errors(2 * faces), "nme_io", 500, 0)
    assert comparison.difference == -5.5
    assert -8 <= comparison.low < comparison.high <= -3
    assert comparison.verdict == "lower error"
    assert (comparison.faces, comparison.left_out, comparison.seeds, comparison.varied) == (
        10,
        0,
        (0, 0),
        "subjects",
    )


def test_a_constant_gap_has_no_doubt_however_different_the_faces():
    easy_and_hard = np.array([0.01, 0.5, 3.0, 9.0])
    comparison = paired(errors(easy_and_hard + 0.25), errors(easy_and_hard), "nme_io", 200, 0)
    assert (comparison.difference, comparison.low, comparison.high) == pytest.approx((0.25, 0.25, 0.25))
    assert comparison.verdict == "higher error"


def test_faces_missed_by_either_are_left_out_and_counted():
    a, b = errors([1.0, np.inf, 5.0, np.nan, np.inf]), errors([0.0, 1.0, np.inf, np.nan, np.inf])
    comparison = paired(a, b, "nme_io", 50, 0)
    assert (comparison.difference, comparison.faces, comparison.left_out) == (1.0, 1, 3)


def test_without_seeds_it_is_the_bootstrap_of_the_differences():
    rng = np.random.default_rng(0)
    a, b = rng.gamma(2, 1, 40), rng.gamma(2, 1, 40)
    subjects = np.repeat(np.arange(10), 4).astype(str)
    comparison = paired(errors(a, subjects), errors(b, subjects), "nme_io", 300, 7)
    assert (comparison.low, comparison.high) == pytest.approx(interval(a - b, subjects, 300, 7), rel=1e-9)


def test_an_interval_that_touches_zero_shows_nothing():
    comparison = Paired(-0.1, -0.2, 0.0, 9, 0, (0, 0), "subjects")
    assert comparison.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("seeds", "verdict"),
    [
        ((0, 0), "lower error"),  # predictions as they are, of no training
        ((3, 3), "lower error"),
        ((3, 0), "lower error"),
        ((5, 3), "lower error"),
        ((1, 1), "one seed: no verdict"),
        ((1, 3), "one seed: no verdict"),
        ((0, 1), "one seed: no verdict"),
        ((2, 1), "one seed: no verdict"),
        ((3, 2), "two seeds: no verdict"),
        ((2, 2), "two seeds: no verdict"),
    ],
)
def test_nothing_is_said_about_a_training_from_fewer_than_three_seeds(seeds, verdict):
    """However clear the interval is."""
    assert Paired(-2.0, -2.1, -1.9, 9, 0, seeds, "subjects").verdict == verdict
    faces = np.random.default_rng(0).gamma(2, 1, 40)
    recipes = []
    for count, gap in zip(seeds, (0.0, 9.0), strict=True):
        runs = faces + gap + np.random.default_rng(count).normal(0, 0.01, (max(count, 1), 40))
        recipes.append(seeded(runs) if count else errors(runs[0]))
    comparison = paired(*recipes, "nme_io", 200, 0)
    assert (comparison.seeds, comparison.verdict) == (seeds, verdict)
    assert comparison.varied == ("subjects and seeds" if max(seeds) > 1 and 1 not in seeds else "subjects")
    assert comparison.high < 0


def test_different_faces_are_refused():
    a, b = errors([1.0, 2.0]), errors([1.0, 2.0])
    for name in ("ids", "subjects"):
        with pytest.raises(DataError, match=name):
            paired(a, b | {name: b[name][::-1]}, "nme_io", 10, 0)
    with pytest.raises(DataError, match="different faces"):
        paired(a, errors([1.0]), "nme_io", 10, 0)
    with pytest.raises(DataError, match="per_seed"):
        paired(a, b | {"per_seed": np.ones((3, 5))}, "nme_io", 10, 0)


def test_seeds_that_differ_widen_the_interval_and_equal_ones_do_not():
    faces = np.random.default_rng(2).gamma(2, 1, 60)
    gap = np.random.default_rng(3).normal(0.3, 0.2, 60)
    steady = [np.tile(faces + gap, (3, 1)), np.tile(faces, (3, 1))]
    shift = np.array([[-0.5], [0.0], [0.5]])
    widths = {}
    for name, arrays in {"steady": steady, "moody": [steady[0] + shift, steady[1] - shift]}.items():
        comparison = paired(*map(seeded, arrays), "nme_io", 1000, 0)
        assert comparison.varied == "subjects and seeds" and comparison.seeds == (3, 3)
        assert comparison.difference == pytest.approx(gap.mean())
        widths[name] = comparison.high - comparison.low
    alone = paired(errors(faces + gap), errors(faces), "nme_io", 1000, 0)
    assert widths["steady"] == pytest.approx(alone.high - alone.low, rel=0.1)
    # Welch's t of the seeds' means (s = 0.5 for both: 4 degrees of freedom), and the faces' own doubt beside it
    seeds = stats.t.ppf(0.975, 4) * 0.5 * np.sqrt(2 / 3)
    assert widths["moody"] == pytest.approx(2 * np.hypot(seeds, widths["steady"] / 2), rel=0.01)


def test_subjects_of_many_faces_weigh_by_their_faces_with_seeds_too():
    subjects = ["a"] * 7 + ["b"] * 2 + ["c"]
    faces = np.random.default_rng(4).gamma(2, 1, 10)
    a, b = (errors(faces + gap, subjects, np.tile(faces + gap, (2, 1))) for gap in (0.25, 0.0))
    comparison = paired(a, b, "nme_io", 200, 0)
    assert (comparison.difference, comparison.low, comparison.high) == pytest.approx((0.25, 0.25, 0.25))
    gap = np.where(np.array(subjects) == "a", 1.0, 0.0)
    comparison = paired(errors(faces + gap, subjects, np.tile(faces + gap, (2, 1))), b, "nme_io", 500, 0)
    assert comparison.difference == pytest.approx(0.7)
    # The percentiles are 0 and 1, draws without a and of a alone; three subjects have 2 degrees of freedom.
    widening = stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975) * np.sqrt(3 / 2)
    assert (comparison.low, comparison.high) == pytest.approx((0.7 - 0.7 * widening, 0.7 + 0.3 * widening))


def test_one_seed_against_several_speaks_of_the_weights_only():
    a = seeded(np.random.default_rng(0).gamma(2, 1, (3, 20)))
    b = seeded(a["nme_io"][None] + 1)
    comparison = paired(a, b, "nme_io", 50, 0)
    assert (comparison.seeds, comparison.varied) == ((3, 1), "subjects")
    assert (comparison.low, comparison.high) == pytest.approx((-1, -1))


def null(rng, subjects, of_seeds, shared, of_both):
    """Two recipes of equal merit, three seeds each, which may share (0 to 1) what a seed of one number does."""
    hard = np.repeat(rng.gamma(2, 1, subjects), 2)
    common = rng.normal(0, 1, (3, 1))
    runs = []
    for spread in of_seeds:
        effects = spread * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(0, 1, (3, 1)))
        both = np.repeat(rng.normal(0, of_both, (3, subjects)), 2, axis=1)
        runs.append(hard + effects + both + rng.normal(0, 0.1, (3, 2 * subjects)))
    return runs


@pytest.mark.parametrize("subjects", [10, 30])
@pytest.mark.parametrize(
    ("of_seeds", "shared", "of_both"),
    [((0.3, 0.3), 0.0, 0.3), ((0.3, 0.3), 0.0, 1.0), ((1.0, 0.2), 0.0, 0.3), ((0.3, 0.3), 0.7, 0.3)],
)
def test_equal_recipes_are_seldom_told_apart(subjects, of_seeds, shared, of_both):
    """False verdicts, in either direction together, in 5 % of studies at most, whether seeds are paired or not."""
    rng, studies, wrong = np.random.default_rng(subjects), 400, 0
    names = np.repeat([f"s{index}" for index in range(subjects)], 2)
    for _ in range(studies):
        recipes = [
            errors(np.mean(run, axis=0), names, run) for run in null(rng, subjects, of_seeds, shared, of_both)
        ]
        comparison = paired(*recipes, "nme_io", 200, 0)
        assert comparison.varied == "subjects and seeds"
        wrong += comparison.verdict != "no difference shown"
    assert wrong / studies <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_one_seed_would_tell_equal_recipes_apart_most_of_the_time():
    """What the rule is for: intervals over faces alone leave out zero, and yet there is no verdict."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(100):
        one, other = (seeded(run[:1]) for run in null(rng, 30, (0.5, 0.5), 0.0, 0.1))
        comparison = paired(one, other, "nme_io", 200, 0)
        wrong += not comparison.low <= 0 <= comparison.high
        assert comparison.verdict == "one seed: no verdict"
    assert wrong > 60


def test_a_clear_difference_is_shown():
    rng, count = np.random.default_rng(0), 0
    for _ in range(50):
        one, other = null(rng, 30, (0.2, 0.2), 0.0, 0.2)
        count += paired(seeded(one + 1.5), seeded(other), "nme_io", 200, 0).verdict == "higher error"
    assert count >= 45
