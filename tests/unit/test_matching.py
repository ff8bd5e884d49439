"""Matching of detections to labelled faces: scenes with known answers, and an independent assignment as bound."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from test_evaluate import faces

from thermark.core.errors import DataError
from thermark.metrics.face_size import face_size
from thermark.metrics.matching import assign, centroid_distances, greedy

NAN = np.nan


def points(*places: tuple[float, float]) -> np.ndarray:
    return np.array(places, np.float64).reshape(-1, 1, 2)


def matched(truth: np.ndarray, predicted: np.ndarray, cap: float = 80.0) -> list[int]:
    """Return the matches within one frame, all predictions equally confident."""
    frames, predicted_frames = np.full(len(truth), "f"), np.full(len(predicted), "f")
    caps = np.full(len(truth), cap)
    return assign(frames, truth, caps, predicted_frames, predicted, np.ones(len(predicted))).tolist()


def test_two_people_are_matched_each_to_their_own_in_any_order():
    truth = points((10, 10), (100, 10))
    assert matched(truth, points((98, 10), (13, 14))) == [1, 0]
    assert matched(truth, points((13, 14), (98, 10))) == [0, 1]


def test_the_globally_nearest_pair_is_served_first_even_where_that_costs_the_other():
    """Both noses are nearest to the middle one; the total would be less the other way round (7 + 7 < 4 + 11)."""
    truth, predictions = points((0, 0), (11, 0)), points((7, 0), (18, 0))
    assert matched(truth, predictions) == [1, 0]  # 4 first, then 18
    assert matched(truth, predictions, cap=17.9) == [
        -1,
        0,
    ]  # what is left is too far, although 7 + 7 would have done
    assert matched(truth, predictions[::-1], cap=18.0) == [0, 1]


def test_one_detection_answers_for_one_of_two_noses():
    assert matched(points((0, 0), (10, 0)), points((6, 0))) == [-1, 0]
    assert matched(points((0, 0), (10, 0)), points((5, 0))) == [0, -1]  # equally far: the lower row


def test_two_detections_of_one_nose_leave_one_over():
    assert matched(points((0, 0)), points((2, 0), (1, 0))) == [1]


def test_a_cap_exactly_met_is_met():
    assert matched(points((0, 0)), points((48, 64)), cap=80.0) == [0]
    assert matched(points((0, 0)), points((48, 64)), cap=np.nextafter(80.0, 0)) == [-1]


def test_each_face_has_its_own_cap():
    distances = np.array([[5.0, 50.0], [50.0, 5.0]])
    assert greedy(distances, np.array([4.9, 5.0])).tolist() == [-1, 1]
    assert greedy(distances, np.array([np.inf, NAN])).tolist() == [0, -1]
    assert greedy(np.array([[np.inf, NAN]]), np.array([np.inf])).tolist() == [-1]


def test_nothing_is_matched_to_nothing():
    nobody = np.zeros((0, 1, 2))
    assert matched(nobody, points((1, 1))) == []
    assert matched(points((1, 1)), nobody) == [-1]
    assert matched(nobody, nobody) == []
    assert matched(points((1, 1), (NAN, NAN)), points((NAN, NAN), (np.inf, 1), (2, 1))) == [2, -1]


def test_frames_do_not_share_detections():
    frames, predicted_frames = np.array(["b", "a", "b"]), np.array(["c", "b", "a", "a"])
    truth, predictions = points((0, 0), (0, 0), (9, 0)), points((0, 0), (8, 0), (3, 0), (1, 0))
    answer = assign(frames, truth, np.full(3, 5.0), predicted_frames, predictions, np.ones(4))
    assert answer.tolist() == [-1, 3, 1]


def test_centroids_are_those_of_the_points_that_both_have():
    truth = np.array([[[0, 0], [10, 0], [NAN, NAN]]])
    predictions = np.array(
        [[[3, 0], [13, 0], [500, 0]], [[0, NAN], [10, 7], [0, 0]], [[NAN, NAN], [NAN, NAN], [1, 1]]]
    )
    np.testing.assert_allclose(centroid_distances(truth, predictions), [[3, 7, NAN]])


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_equally_far_detections_the_confident_one_then_the_left_one_is_taken(order):
    """(4, 0), (-4, 0) and (0, 4) are all 4 px away."""
    truth, predictions = points((0, 0)), points((4, 0), (-4, 0), (0, 4))[order]
    for confidence, taken in (((0.5, 0.5, 0.9), 2), ((0.5, 0.5, 0.5), 1), ((0.6, 0.5, 0.5), 0)):
        sure = np.array(confidence)[order]
        answer = assign(np.array(["f"]), truth, np.array([9.0]), np.full(3, "f"), predictions, sure)
        assert order[answer[0]] == taken


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_two_about_the_same_place_the_first_points_decide(order):
    """Both have their middle at (5, 5): the one whose first point is further left is taken, whatever its last."""
    truth, predictions = (
        np.array([[[0.0, 0], [10, 10]]]),
        np.array([[[10.0, 10], [0, 0]], [[0, 0], [10, 10]]])[order],
    )
    answer = assign(np.array(["f"]), truth, np.array([9.0]), np.full(2, "f"), predictions, np.ones(2))
    assert order[answer[0]] == 1


TABLES = st.tuples(st.integers(0, 6), st.integers(0, 6)).flatmap(
    # Few values, so that ties are frequent.
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 7.0, NAN, np.inf]))
)


@given(TABLES, st.sampled_from([0.5, 1.5, 3.0, 10.0]))
def test_matches_are_one_to_one_within_the_cap_maximal_and_no_better_than_the_best_assignment(table, cap):
    answer = greedy(table, np.full(len(table), cap))
    rows = np.flatnonzero(answer >= 0)
    columns = answer[rows]
    assert len(set(columns.tolist())) == len(columns)
    assert (table[rows, columns] <= cap).all()
    able = np.isfinite(table) & (table <= cap)
    left = np.delete(np.delete(able, rows, axis=0), columns, axis=1)
    assert not left.any()  # no pair that could still be formed
    size, cost = assignment(table, able)
    assert size / 2 <= len(rows) <= size
    if len(rows) == size:
        assert table[rows, columns].sum() >= cost - 1e-9


def assignment(table: np.ndarray, able: np.ndarray) -> tuple[int, float]:
    """Return the most pairs that can be formed, and the least total distance of so many."""
    heavy = 1e6
    rows, columns = linear_sum_assignment(np.where(able, np.nan_to_num(table, posinf=0.0), heavy))
    kept = able[rows, columns]
    return int(kept.sum()), float(table[rows[kept], columns[kept]].sum())


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_predictions_and_of_frames_does_not_matter(seed):
    """On a coarse grid with few confidences, where almost everything ties; also with twins and NaN."""
    rng = np.random.default_rng(seed)
    count, predicted_count = rng.integers(0, 9), rng.integers(0, 12)
    truth, predicted = (rng.integers(0, 4, (n, 2, 2)).astype(float) for n in (count, predicted_count))
    predicted[rng.uniform(size=predicted_count) < 0.2] = NAN
    frames, predicted_frames = rng.choice(list("abc"), count), rng.choice(list("abcd"), predicted_count)
    caps, confidence = rng.choice([1.0, 2.0, 9.0], count), rng.choice([0.2, 0.8], predicted_count)
    answer = assign(frames, truth, caps, predicted_frames, predicted, confidence)
    order = rng.permutation(predicted_count)
    again = assign(frames, truth, caps, predicted_frames[order], predicted[order], confidence[order])
    same = points_of(predicted, answer), points_of(predicted[order], again)
    np.testing.assert_array_equal(*same)
    renamed = {"a": "z", "b": "m", "c": "k", "d": "a"}
    here, there = (np.array([renamed[name] for name in column], "U1") for column in (frames, predicted_frames))
    assert assign(here, truth, caps, there, predicted, confidence).tolist() == answer.tolist()
    alone = np.full(count, -1)
    for name in np.unique(frames):
        rows, predicted_rows = np.flatnonzero(frames == name), np.flatnonzero(predicted_frames == name)
        part = assign(
            frames[rows],
            truth[rows],
            caps[rows],
            predicted_frames[predicted_rows],
            predicted[predicted_rows],
            confidence[predicted_rows],
        )
        alone[rows[part >= 0]] = predicted_rows[part[part >= 0]]
    assert alone.tolist() == answer.tolist()


def points_of(predicted: np.ndarray, answer: np.ndarray) -> np.ndarray:
    return np.array([predicted[row] if row >= 0 else np.full((2, 2), NAN) for row in answer])


def test_thousands_of_frames_take_a_moment():
    rng = np.random.default_rng(0)
    frames = np.array([f"{index:05}" for index in range(5000)]).repeat(2)
    truth = rng.uniform(0, 50, (10_000, 68, 2)) + np.where(np.arange(10_000) % 2, 100, 0)[:, None, None]
    order = rng.permutation(10_000)
    predictions = (truth + rng.normal(0, 1, truth.shape))[order]
    start = time.process_time()  # of this process alone, however busy the machine is
    answer = assign(frames, truth, np.full(10_000, 20.0), frames[order], predictions, np.ones(10_000))
    assert time.process_time() - start < 20  # 0.5 s of a core
    assert (order[answer] == np.arange(10_000)).all()


def test_a_face_is_as_large_as_the_longer_side_of_its_prompt():
    table = replace(faces(3), prompts=np.float32([[0, 0, 10, 30], [5, 5, 25, 15], [0, 0, 40, 40]]))
    assert face_size(table).tolist() == [30, 20, 40]


def test_without_a_prompt_the_labelled_box_is_scaled_as_those_of_others_are():
    prompts = np.float32([[0, 0, 10, 10], [0, 0, 30, 20], [0, 0, 80, 80], [NAN] * 4, [NAN] * 4, [0, 0, 0, 0]])
    widths = np.float32([100, 100, 100, 50, NAN, 10])
    boxes = np.stack([0 * widths, 0 * widths, widths, 9 * widths], axis=1)
    size = face_size(replace(faces(6), prompts=prompts, boxes=boxes))
    assert size == pytest.approx([10, 30, 80, 0.3 * 50, 15, 0.3 * 10])  # ratios 0.1, 0.3, 0.8; sizes 3 10 15 30 80
    bare = np.full((6, 4), NAN, np.float32)
    assert face_size(replace(faces(6), prompts=bare, boxes=boxes)).tolist() == [100, 100, 100, 50, 100, 10]
    with pytest.raises(DataError, match="no face of the set has a box"):
        face_size(replace(faces(6), prompts=bare, boxes=bare))
