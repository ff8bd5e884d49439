"""Paired differences: known answers, mirror symmetry, and intervals that hold what they promise."""

import numpy as np
import pytest

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
    found = paired(errors([1.0, 2.0, 3.0]), errors([2.0, 4.0, 6.0]), "nme_io", 500, 0)
    assert found.difference == -2.0
    assert -3 <= found.low < found.high <= -1
    assert found.verdict == "lower error"
    assert (found.faces, found.left_out, found.seeds, found.varied) == (3, 0, (1, 1), "subjects")


def test_a_constant_gap_has_no_doubt_however_different_the_faces():
    easy_and_hard = np.array([0.01, 0.5, 3.0, 9.0])
    found = paired(errors(easy_and_hard + 0.25), errors(easy_and_hard), "nme_io", 200, 0)
    assert (found.difference, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert found.verdict == "higher error"


def test_faces_missed_by_either_are_left_out_and_counted():
    a, b = errors([1.0, np.inf, 5.0, np.nan, np.inf]), errors([0.0, 1.0, np.inf, np.nan, np.inf])
    found = paired(a, b, "nme_io", 50, 0)
    assert (found.difference, found.faces, found.left_out) == (1.0, 1, 3)


def test_nothing_in_common_is_no_verdict():
    found = paired(errors([np.inf, 1.0]), errors([1.0, np.inf]), "nme_io", 50, 0)
    assert (found.difference, found.low, found.faces, found.left_out) == (None, None, 0, 2)
    assert found.verdict == "no difference shown"


def test_one_subject_gives_no_interval_and_no_verdict():
    found = paired(errors([1.0, 2.0], ["s", "s"]), errors([5.0, 5.0], ["s", "s"]), "nme_io", 50, 0)
    assert found.difference == -3.5 and found.low is None and found.verdict == "no difference shown"


def test_without_seeds_it_is_the_bootstrap_of_the_differences():
    rng = np.random.default_rng(0)
    a, b = rng.gamma(2, 1, 40), rng.gamma(2, 1, 40)
    subjects = np.repeat(np.arange(10), 4).astype(str)
    found = paired(errors(a, subjects), errors(b, subjects), "nme_io", 300, 7)
    assert (found.low, found.high) == interval(a - b, subjects, 300, 7)


def test_an_interval_that_touches_zero_shows_nothing():
    found = Paired(-0.1, -0.2, 0.0, 9, 0, (1, 1), "subjects")
    assert found.verdict == "no difference shown"


@pytest.mark.parametrize("seeds", [1, 3])
def test_swapping_mirrors_everything(seeds):
    rng = np.random.default_rng(1)
    a, b = (seeded(rng.gamma(2, 1, (seeds, 50))) for _ in range(2))
    b["per_seed"] += 0.8
    b["nme_io"] += 0.8
    forth, back = paired(a, b, "nme_io", 400, 3), paired(b, a, "nme_io", 400, 3)
    assert forth.difference == pytest.approx(-back.difference)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert (forth.verdict, back.verdict) == ("lower error", "higher error")


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
        found = paired(*map(seeded, arrays), "nme_io", 1000, 0)
        assert found.varied == "subjects and seeds" and found.seeds == (3, 3)
        assert found.difference == pytest.approx(gap.mean())
        widths[name] = found.high - found.low
    alone = paired(errors(faces + gap), errors(faces), "nme_io", 1000, 0)
    assert widths["steady"] == pytest.approx(alone.high - alone.low, rel=0.1)
    # two-sample t of the seed means: s = 0.5, 3 + 3 seeds, t(0.975, 4) = 2.776
    assert widths["moody"] == pytest.approx(2 * 2.776 * 0.5 * np.sqrt(2 / 3), rel=0.08)


def test_subjects_of_many_faces_weigh_by_their_faces_with_seeds_too():
    subjects = ["a"] * 7 + ["b"] * 2 + ["c"]
    faces = np.random.default_rng(4).gamma(2, 1, 10)
    a, b = (errors(faces + gap, subjects, np.tile(faces + gap, (2, 1))) for gap in (0.25, 0.0))
    found = paired(a, b, "nme_io", 200, 0)
    assert (found.difference, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    gap = np.where(np.array(subjects) == "a", 1.0, 0.0)
    found = paired(errors(faces + gap, subjects, np.tile(faces + gap, (2, 1))), b, "nme_io", 500, 0)
    assert found.difference == pytest.approx(0.7)
    assert (found.low, found.high) == pytest.approx((0.0, 1.0))  # draws without a, and of a alone


def test_one_seed_against_several_speaks_of_the_weights_only():
    a = seeded(np.random.default_rng(0).gamma(2, 1, (3, 20)))
    found = paired(a, errors(a["nme_io"] + 1), "nme_io", 50, 0)
    assert (found.seeds, found.varied) == ((3, 1), "subjects")


@pytest.mark.parametrize(("trainings", "least", "most"), [(3, 0.90, 0.99), (1, 0.0, 0.6)])
def test_coverage_of_no_true_difference(trainings, least, most):
    """Two recipes of equal merit: with seeds the interval holds zero in about 95 % of studies, without it errs."""
    rng = np.random.default_rng(0)
    held = 0
    for study in range(200):
        hard = rng.gamma(2, 1, 60)
        both = [hard + rng.normal(0, 0.3, (trainings, 1)) + rng.normal(0, 0.3, (trainings, 60)) for _ in range(2)]
        found = paired(*map(seeded, both), "nme_io", 200, study)
        held += found.verdict == "no difference shown"
    assert least <= held / 200 <= most


def test_coverage_where_faces_are_the_doubt():
    rng = np.random.default_rng(0)
    held = 0
    for study in range(300):
        subjects = np.repeat(np.arange(25), 4).astype(str)
        a = rng.gamma(2, 1, 100)
        gap = 0.5 + np.repeat(rng.normal(0, 1, 25), 4) + rng.normal(0, 0.3, 100)
        found = paired(errors(a + gap, subjects), errors(a, subjects), "nme_io", 200, study)
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 300 <= 0.98
