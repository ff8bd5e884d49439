"""The shipped networks, on rendered people that they have never seen: faces are found, points lie on them."""

import json

import numpy as np
import pytest

from thermark import Landmarker
from thermark.core.images import luma
from thermark.synth.writers import cameras

SEED = 2026  # not that of the profiles
EYES = [36, 45]  # outer corners


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Return pictures (H, W), each of one face: its box (4,) as two corners, and its 68 points."""
    root = tmp_path_factory.mktemp("shipped") / "raw"
    config = cameras.Config(seed=SEED, count=24, people=(0, 1, 0, 0), smallest=64, cut=0, visible=False)
    cameras.write(root, config, 1)
    stored = json.loads((root / cameras.FILE).read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in stored["images"]}
    return [
        (
            luma(root / names[face["image_id"]]),
            np.array([*face["bbox"][:2], *np.add(face["bbox"][:2], face["bbox"][2:])]),
            np.reshape(face["keypoints"], (70, 3))[:68, :2].astype(float),
        )
        for face in stored["annotations"]
    ]


def nme(xy: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean distance of points over that of the eyes, in percent."""
    span = np.linalg.norm(np.subtract(*truth[EYES]))
    return float(100 * np.linalg.norm(xy - truth, axis=1).mean() / span)


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
