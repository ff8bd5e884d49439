"""Single metrics against hand-built answers, brute force and numerical integration."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from thermark.core import point_errors
from thermark.landmarks import load
from thermark.metrics import auc, bootstrap, distances, measures, normalisers

IBUG = load("ibug68")


def face(interocular: float = 60.0, width: float = 120.0, height: float = 160.0) -> np.ndarray:
    """A (1, 68, 2) face whose eye corners and whose box have the given sizes."""
    rng = np.random.default_rng(0)
    xy = rng.uniform([10, 20], [10 + width, 20 + height], (68, 2))
    right, left = IBUG.interocular
    xy[right], xy[left] = [30, 50], [30 + interocular, 50]
    xy[0], xy[16] = [10, 20], [10 + width, 20 + height]
    return xy[None]


def test_three_pixels_at_sixty_are_exactly_five_percent():
    truth = face()
    errors = distances.distances(truth, truth + np.array([3.0, 0.0]))
    assert distances.per_face(errors) / normalisers.interocular(truth, IBUG) == pytest.approx([0.05])
    sizes = normalisers.box_normalisers(truth)
    assert sizes["diag"] == pytest.approx([200.0])
    assert sizes["mean_wh"] == pytest.approx([140.0])
    assert sizes["sqrt_wh"] == pytest.approx([np.sqrt(120 * 160)])


def test_unlabelled_is_nan_and_missed_is_infinite():
    truth, predicted = face(), face() + 1.0
    truth[0, 3] = np.nan
    truth[0, 4, 1] = np.nan
    predicted[0, 4] = np.nan
    predicted[0, 5, 0] = np.nan
    predicted[0, 6] = np.inf
    errors = distances.distances(truth, predicted)[0]
    assert np.isnan(errors[[3, 4]]).all()
    assert np.isinf(errors[[5, 6]]).all()
    assert np.isfinite(np.delete(errors, [3, 4, 5, 6])).all()


@pytest.mark.parametrize("corner", ["unlabelled", "coincident"])
def test_a_face_without_eyes_has_no_normaliser(corner):
    truth = face()
    right, left = IBUG.interocular
    truth[0, right] = np.nan if corner == "unlabelled" else truth[0, left]
    assert np.isnan(normalisers.interocular(truth, IBUG)).all()


def test_a_single_point_has_no_box_and_no_eyes():
    truth = np.array([[[4.0, 5.0]]])
    assert all(np.isnan(size).all() for size in normalisers.box_normalisers(truth).values())
    assert np.isnan(normalisers.interocular(truth, load("nose1"))).all()


def test_per_face_is_missed_when_any_labelled_point_is():
    errors = np.array([[1.0, 3.0, np.nan], [1.0, np.inf, 2.0], [np.nan, np.nan, np.nan]])
    result = distances.per_face(errors)
    assert result[0] == 2.0
    assert np.isinf(result[1])
    assert np.isnan(result[2])


def test_pooled_equals_the_mmpose_formula():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 100, (7, 68, 2))
    predicted = truth + rng.normal(0, 3, truth.shape)
    mask = rng.uniform(size=(7, 68)) < 0.7
    factor = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    # keypoint_nme of MMPose 1.3: (K, N) distances, -1 where masked, the rest averaged together.
    reference = np.full((68, 7), -1.0)
    for n in range(7):
        for k in range(68):
            if mask[n, k]:
                reference[k, n] = np.linalg.norm(predicted[n, k] / factor[n] - truth[n, k] / factor[n])
    expected = reference[reference != -1].sum() / max(1, (reference != -1).sum())
    errors = distances.distances(np.where(mask[..., None], truth, np.nan), predicted)
    pooled = measures.pooled(SimpleNamespace(errors=errors, size={"io": factor}.get), "io")
    assert pooled == pytest.approx(expected, rel=1e-12)
    assert pooled != pytest.approx(point_errors.mean_of_finite(distances.per_face(errors) / factor), rel=1e-6)


ERRORS = arrays(np.float64, (6, 5), elements=st.one_of(st.floats(0, 40), st.just(np.nan), st.just(np.inf)))


@given(ERRORS, st.floats(0.5, 30))
def test_pck_equals_brute_force(errors, threshold):
    hits = total = 0
    for value in errors.ravel():
        if np.isnan(value):
            continue
        total += 1
        hits += value <= threshold
    if total:
        assert point_errors.pck(errors, threshold) == pytest.approx(hits / total)
    else:
        assert np.isnan(point_errors.pck(errors, threshold))


@given(st.lists(st.one_of(st.floats(0, 0.2), st.just(np.inf)), min_size=1, max_size=20), st.floats(0.02, 0.15))
def test_auc_equals_numerical_integration_of_the_curve(values, limit):
    values = np.array(values)
    grid = np.linspace(0, limit, 20001)
    fraction = np.searchsorted(np.sort(values), grid, side="right") / len(values)
    assert auc.auc(values, limit) == pytest.approx(np.trapezoid(fraction, grid) / limit, abs=1e-3)


def test_auc_and_failures_by_hand():
    values = np.array([0.0, 0.04, 0.08, 0.1, np.inf, np.nan])
    assert auc.auc(values, 0.08) == pytest.approx((1 + 0.5) / 5)
    assert auc.failure_rate(values, 0.08) == pytest.approx(2 / 5)
    error, fraction = auc.ced(values, 0.16, 5)
    assert error == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert fraction == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert np.isnan(auc.auc(np.array([np.nan]), 0.08))


def test_bootstrap_resamples_subjects_not_frames():
    values = np.repeat([1.0, 2.0, 3.0, 4.0], 100)
    subjects = np.repeat(["a", "b", "c", "d"], 100)
    low, high = bootstrap.interval(values, subjects, 2000, seed=0)
    # Of the 256 equally likely draws, 2.5 % lie outside of 1.5 and 3.5. Four subjects: 3 degrees of freedom.
    half = stats.t.ppf(0.975, 3) / 1.959964 * np.sqrt(4 / 3)
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), rel=1e-5)
    narrow = bootstrap.interval(values, np.arange(400).astype(str), 2000, seed=0)
    assert narrow[1] - narrow[0] < 0.3


@pytest.mark.parametrize("subjects", [6, 10, 30])
def test_of_few_subjects_it_is_students_interval(subjects):
    rng = np.random.default_rng(subjects)
    means = stats.norm.ppf((np.arange(subjects) + 0.5) / subjects)  # as normal as so few can be
    names = np.repeat([f"s{index}" for index in range(subjects)], 5)
    noise = rng.normal(0, 0.3, (subjects, 5))
    values = (means[:, None] + noise - noise.mean(axis=1, keepdims=True)).ravel()
    low, high = bootstrap.interval(values, names, 20_000, seed=0)
    half = stats.t.ppf(0.975, subjects - 1) * means.std(ddof=1) / np.sqrt(subjects)
    assert (low, high) == pytest.approx((-half, half), rel=0.06)


def test_no_end_lies_where_no_mean_can_be():
    hits, subjects = np.array([1.0] * 9 + [0.0]), np.arange(10).astype(str)
    assert bootstrap.interval(hits, subjects, 500, 0)[1] > 1
    low, high = bootstrap.interval(hits, subjects, 500, 0, within=(0.0, 1.0))
    assert 0 <= low < 0.9 < high == 1


def test_who_found_one_subject_alone_has_no_interval():
    subjects = np.repeat(["a", "b", "c"], 4)
    values = np.where(subjects == "a", np.arange(12.0), np.inf)
    assert bootstrap.interval(values, subjects, 200, 0) is None
    values[4] = 1.0
    assert bootstrap.interval(values, subjects, 200, 0) is not None


def test_bootstrap_is_seeded_and_refuses_one_subject():
    values, subjects = np.arange(5.0), np.array(list("abcab"))
    assert bootstrap.interval(values, subjects, 50, 7) == bootstrap.interval(values, subjects, 50, 7)
    assert bootstrap.interval(values, subjects, 50, 7) != bootstrap.interval(values, subjects, 50, 8)
    assert bootstrap.interval(values, np.full(5, "a"), 50, 7) is None
    assert bootstrap.interval(np.full(5, np.inf), subjects, 50, 7) is None


def test_bootstrap_in_chunks_keeps_the_law(monkeypatch):
    values = np.random.default_rng(2).normal(5, 1, 60)
    subjects = np.arange(60).astype(str)
    whole = bootstrap.interval(values, subjects, 500, seed=3)
    monkeypatch.setattr(bootstrap, "KEPT", 0)
    monkeypatch.setattr(bootstrap, "CHUNK", 60 * 7)
    assert bootstrap.interval(values, subjects, 500, seed=3) == pytest.approx(whole, rel=1e-12)
