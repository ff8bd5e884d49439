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


@pytest.mark.parametrize("white_is_hot", [True, False])
def test_in_given_boxes_the_points_lie_on_the_face(faces, white_is_hot):
    find = Landmarker(threads=1)
    seen = [(image if white_is_hot else 255 - image, box[None], truth) for image, box, truth in faces]
    errors = [nme(find(image, boxes=box).points[0], truth) for image, box, truth in seen]
    assert np.median(errors) < 6.2  # 5.3 either way; 4.7 to 6.7 with five other seeds


@pytest.mark.parametrize("white_is_hot", [True, False])
def test_faces_are_found_without_boxes(faces, white_is_hot):
    find = Landmarker(threads=1)
    near = []
    for image, _, truth in faces:
        detections = find(image if white_is_hot else 255 - image)
        near.append(len(detections) > 0 and nme(detections.points[0], truth) < 20)
    assert np.mean(near) > 0.7  # 18 and 19 of 24; 0.83 to 0.96 with five other seeds


def test_detected_boxes_end_at_the_chin_of_rendered_faces(faces):
    """On the real camera they end 15 % of the height too low, although rendered necks are warm, too."""
    detect = Landmarker(threads=1)._detector
    below = []
    for image, _, truth in faces:
        boxes, tight = detect(image)[0], np.concatenate([truth.min(axis=0), truth.max(axis=0)])
        nearest = np.abs(boxes - tight).sum(axis=1).argmin() if len(boxes) else None
        below.append(np.nan if nearest is None else (boxes[nearest, 3] - tight[3]) / (tight[3] - tight[1]))
    assert abs(np.nanmedian(below)) < 0.04  # 0.001 on 294 of 300 others


def test_temperatures_are_those_of_the_picture_at_the_points(faces):
    """A picture of degrees: as the camera's own percentiles make it grey, and read where the points are."""
    find = Landmarker(threads=1)
    errors = []
    for image, box, truth in faces:
        degrees = 20 + 0.06 * image.astype(np.float32)
        found = find(degrees, boxes=box[None])
        errors.append(nme(found.points[0], truth))
        x, y = np.rint(found.points[0]).astype(int).T
        inside = (x > 0) & (y > 0) & (x < image.shape[1] - 1) & (y < image.shape[0] - 1)
        around = np.stack([degrees[y[inside] + dy, x[inside] + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
        celsius = found.temperatures[0][inside]
        assert (around.min(axis=0) - 1e-3 <= celsius).all() and (celsius <= around.max(axis=0) + 1e-3).all()
    assert np.median(errors) < 6.2
