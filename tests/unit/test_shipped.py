"""The shipped networks, on rendered people that they have never seen: faces are found, points lie on them."""

import numpy as np
import pytest

from thermark import Landmarker, landmarks
from thermark.datasets import cameras as reader
from thermark.datasets.checks.splits import Fractions
from thermark.metrics.normalisers import interocular
from thermark.synth.writers import cameras

SEED = 2026  # not that of the profiles
READ = reader.Config(raw="r", split=Fractions(val=0.3, test=0.3))
IBUG68 = landmarks.load("ibug68")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Return pictures (H, W), each of one face: its box (4,), and its 68 points."""
    root = tmp_path_factory.mktemp("shipped") / "raw"
    config = cameras.Config(seed=SEED, count=24, people=(0, 1, 0, 0), smallest=64, cut=0, visible=False)
    cameras.write(root, config, 1)
    loaded = reader.load(root, READ)
    pictures = [reader.read(root / loaded.frames.paths[frame], READ) for frame in range(config.count)]
    assert list(loaded.faces.frames) == list(loaded.frames.ids)
    return list(zip(pictures, loaded.faces.boxes, loaded.faces.xy[:, : len(IBUG68.points)], strict=True))


def nme(xy: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean distance of points (68, 2) over that of the eyes, in percent."""
    return float(100 * np.linalg.norm(xy - truth, axis=1).mean() / interocular(truth[None], IBUG68)[0])


def test_in_given_boxes_the_points_lie_on_the_face(faces):
    find = Landmarker(threads=1)
    errors = [nme(find(image, boxes=box[None]).points[0], truth) for image, box, truth in faces]
    assert np.median(errors) < 10  # 6.0 to 6.9 with five other seeds


def test_faces_are_found_without_boxes(faces):
    find = Landmarker(threads=1)
    near = []
    for image, _, truth in faces:
        detections = find(image)
        near.append(len(detections) > 0 and nme(detections.points[0], truth) < 20)
    assert np.mean(near) > 0.65  # 0.79 to 0.92 with five other seeds
