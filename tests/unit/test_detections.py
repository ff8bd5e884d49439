"""Detected against labelled boxes: hand-built cases, and a slow evaluation by the definition."""

import math

import numpy as np
import pytest

from thermark.core import detections, seeds
from thermark.core.detections import FALSE_ALARM, LEFT_OUT, Boxes
from thermark.metrics.detection import detection_scores


def boxes(*rows, ignored=None) -> Boxes:
    """Return a table of (frame, x1, y1, x2, y2[, score])."""
    table = np.array([row[1:5] for row in rows], float).reshape(-1, 4)
    scores = np.array([row[5] for row in rows]) if rows and len(rows[0]) == 6 else np.zeros(len(rows))
    return Boxes(
        np.array([row[0] for row in rows], str), table, scores, None if ignored is None else np.array(ignored)
    )


def random_tables(seed: int) -> tuple[Boxes, Boxes]:
    """Return labels, some ignored, and detections near and far of them, on a grid of scores so that some tie."""
    rng = seeds.rng(seed, "detections")
    corner, size = rng.uniform(0, 80, (12, 2)), rng.uniform(8, 30, (12, 2))
    labels = np.concatenate([corner, corner + size], axis=1)
    predictions = np.concatenate([labels[rng.integers(12, size=25)] + rng.normal(0, 3, (25, 4)), labels[:5] + 200])
    frames = rng.integers(3, size=12).astype(str)
    return (
        Boxes(frames, labels, ignored=rng.random(12) < 0.2),
        Boxes(rng.integers(3, size=30).astype(str), predictions, rng.integers(1, 20, 30) / 20),
    )


def overlap(a, b) -> float:
    """Return the intersection over union of two boxes, by the definition."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def test_overlaps_are_those_of_the_definition():
    labels, predictions = random_tables(0)
    wanted = [[overlap(a, b) for b in predictions.xyxy] for a in labels.xyxy]
    np.testing.assert_allclose(detections.overlaps(labels.xyxy, predictions.xyxy), wanted, atol=1e-12)
    assert detections.overlaps(np.zeros((1, 4)), np.zeros((1, 4)))[0, 0] == 0  # no area, no overlap, no warning
    np.testing.assert_allclose(
        detections.overlaps(np.array([[0, 0, 10, 10]]), np.array([[5, 0, 15, 10]])), [[1 / 3]]
    )


def test_a_face_is_found_once_by_the_surest_and_in_its_own_frame():
    labels = boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10))
    predictions = boxes(("a", 1, 0, 11, 10, 0.5), ("a", 0, 0, 10, 10, 0.4), ("c", 0, 0, 10, 10, 0.9))
    # The surer one takes the face although the other fits better, as in PASCAL VOC and COCO.
    assert detections.matched(labels, predictions).tolist() == [0, FALSE_ALARM, FALSE_ALARM]


def test_of_two_faces_the_one_that_overlaps_more_is_taken_and_the_other_stays_free():
    labels = boxes(("a", 0, 0, 10, 10), ("a", 3, 0, 13, 10))
    predictions = boxes(("a", 2.6, 0, 12.6, 10, 0.9), ("a", 3, 0, 13, 10, 0.8))
    assert detections.matched(labels, predictions).tolist() == [1, 0]
    assert detections.matched(labels, predictions, overlap=0.6).tolist() == [1, FALSE_ALARM]


def test_who_finds_an_ignored_face_is_left_out_however_often_and_a_counted_face_comes_first():
    labels = boxes(("a", 0, 0, 10, 10), ("a", 1, 0, 11, 10), ignored=[True, False])
    predictions = boxes(
        ("a", 0, 0, 10, 10, 0.9), ("a", 0, 0, 10, 10, 0.8), ("a", 0, 0, 10, 10, 0.7), ("a", 50, 50, 60, 60, 0.6)
    )
    assert detections.matched(labels, predictions).tolist() == [1, LEFT_OUT, LEFT_OUT, FALSE_ALARM]


def test_average_precision_of_a_hand_built_list():
    matches, scores = np.array([0, FALSE_ALARM, 1, LEFT_OUT, FALSE_ALARM]), np.array([0.9, 0.8, 0.7, 0.65, 0.6])
    # Recall 1/4 at precision 1, 2/4 at 2/3; the other two faces are never found.
    assert detections.average_precision(matches, scores, 4) == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    assert detections.at(matches, scores, 4, 0.7) == (0.5, pytest.approx(2 / 3))
    assert detections.at(matches, scores, 4, 0.95)[0] == 0 and math.isnan(
        detections.at(matches, scores, 4, 0.95)[1]
    )
    assert math.isnan(detections.average_precision(matches, scores, 0))
    assert detections.average_precision(matches[:0], scores[:0], 4) == 0


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_that_of_the_definition(seed):
    labels, predictions = random_tables(seed)
    matches = detections.matched(labels, predictions)
    count = int((~labels.ignored).sum())
    points = [
        (
            sum(s >= 0 and score >= least for s, score in zip(matches, predictions.scores, strict=True)) / count,
            sum(s >= 0 and score >= least for s, score in zip(matches, predictions.scores, strict=True))
            / max(
                1,
                sum(
                    s != LEFT_OUT and score >= least for s, score in zip(matches, predictions.scores, strict=True)
                ),
            ),
        )
        for least in sorted(set(predictions.scores), reverse=True)
    ]
    steps = np.linspace(0, 1, count * 1000 + 1)[:-1] + 1 / (count * 2000)
    area = np.mean(
        [max([precision for recall, precision in points if recall >= step], default=0) for step in steps]
    )
    assert detections.average_precision(matches, predictions.scores, count) == pytest.approx(area, abs=1e-9)
    shuffled = seeds.rng(seed, "order").permutation(len(matches))
    assert detections.average_precision(matches[shuffled], predictions.scores[shuffled], count) == pytest.approx(
        area, abs=1e-9
    )


@pytest.mark.parametrize("seed", range(10))
def test_no_threshold_has_a_better_f1_than_the_best(seed):
    labels, predictions = random_tables(seed)
    matches, count = detections.matched(labels, predictions), int((~labels.ignored).sum())

    def f1(threshold: float) -> float:
        recall, precision = detections.at(matches, predictions.scores, count, threshold)
        return (
            0.0
            if math.isnan(precision) or recall + precision == 0
            else 2 * recall * precision / (recall + precision)
        )

    best = detections.best_threshold(matches, predictions.scores, count)
    assert f1(best) == pytest.approx(max(f1(least) for least in np.linspace(0.001, 1, 500)))
    assert best not in predictions.scores  # half-way: the last digit of a score decides nothing


def test_without_a_find_the_threshold_is_a_half():
    assert detections.best_threshold(np.array([FALSE_ALARM]), np.array([0.3]), 2) == 0.5
    assert detections.best_threshold(np.zeros(0, int), np.zeros(0), 2) == 0.5


def test_faces_of_a_height_are_counted_with_what_finds_them_and_false_alarms_of_that_height():
    labels = boxes(("a", 0, 0, 10, 20), ("a", 100, 0, 140, 60), ("b", 0, 0, 10, 25), ignored=[False, False, True])
    predictions = boxes(
        ("a", 0, 0, 10, 20, 0.9), ("a", 100, 0, 140, 60, 0.8), ("b", 50, 50, 60, 72, 0.7), ("b", 0, 0, 10, 25, 0.6)
    )
    matches = detections.matched(labels, predictions)
    assert matches.tolist() == [0, 1, FALSE_ALARM, LEFT_OUT]
    faces, kept, scores = detections.of_height(labels, predictions, matches, 20, 32)
    assert (faces, kept.tolist(), scores.tolist()) == (1, [0, FALSE_ALARM], [0.9, 0.7])
    assert detections.of_height(labels, predictions, matches, 32, 64)[:2] == (1, pytest.approx([1]))


def test_scores_of_frames_say_what_was_missed_and_what_is_no_face():
    labels = boxes(
        ("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10), ("b", 30, 0, 40, 10), ("z", 0, 0, 10, 10), ignored=[0, 0, 1, 0]
    )
    labels = Boxes(labels.frames, labels.xyxy, ignored=labels.ignored.astype(bool))
    predictions = boxes(
        ("a", 0, 1, 10, 11, 0.9),
        ("a", 40, 40, 50, 50, 0.8),
        ("b", 0, 0, 10, 10, 0.3),
        ("b", 30, 0, 40, 10, 0.9),
        ("z", 0, 0, 1, 1, 1.0),
    )
    scores = detection_scores(["a", "b", "empty"], labels, predictions, threshold=0.5)
    assert (scores.recall, scores.precision, scores.faces, scores.frames) == (0.5, 0.5, 2, 3)
    assert scores.missed == {"b": [1]} and scores.false_alarms == {"a": [1]}
    assert scores.ap50 == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert scores.numbers() == {
        "ap50": scores.ap50,
        "recall": 0.5,
        "precision": 0.5,
        "faces": 2,
        "frames": 3,
        "missed": 1,
        "false_alarms": 1,
        "threshold": 0.5,
    }
    assert detection_scores(["empty"], labels, predictions, 0.5).numbers()["recall"] is None
