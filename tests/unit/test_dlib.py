"""dlib's trees: where they are told to look, and what they say where dlib and its weights are."""

import json
import sys
import tomllib
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import facemesh_images
import index_bundles
from thermark.core import bundle
from thermark.core.config import parse
from thermark.core.errors import DataError, SetupError
from thermark.landmarks import project
from thermark.models import dlib as trees
from thermark.models.inference.contract import Assets, Unavailable
from thermark.models.inference.finder import Prompted

GOLDEN = json.loads((Path(__file__).parents[2] / "tests/golden/crops.json").read_text())
IMAGE = np.zeros((120, 160, 3), np.uint8)


def config(**settings) -> trees.Config:
    return parse({"family": "dlib", "weights": "w"} | settings, trees.Config, "x")


def corners(image, own):
    """Trees that answer with the corners of the square they were shown, and its centre."""
    left, top, right, bottom = own
    centre = ((left + right) / 2, (top + bottom) / 2)
    return np.array([[left, top], [right, top], [left, bottom], [right, bottom], centre], np.float32)


def test_a_square_has_the_pixels_whose_centres_lie_in_it():
    # 40 px high, so 44 px wide about (30.5, 45.6): from 8.5 to 52.5, and from 23.6 to 67.6.
    assert trees.square(np.array([10.5, 30, 50.5, 70], np.float32), 1.1, 0.11) == (9, 24, 52, 67)
    assert trees.square(np.array([9.5, 19.5, 19.5, 29.5], np.float32), 1.0, 0.0) == (10, 20, 19, 29)
    # A wide box counts by its height.
    assert trees.square(np.array([0.5, 19.5, 40.5, 29.5], np.float32), 1.0, 0.0) == (16, 20, 25, 29)


def test_a_prompt_has_its_row_and_one_that_is_none_a_row_of_nan():
    options = config(vocabulary="dlib5", side=1.0, lift=0.0)
    one = Prompted(partial(trees.in_squares, trees=corners, config=options), "dlib5")
    boxes = np.array([[9.5, 19.5, 19.5, 29.5], [np.nan] * 4, [10, 10, 10, 30]], np.float32)
    (instances,) = one([IMAGE], [boxes])
    assert instances.xy[0].tolist() == [[10, 20], [19, 20], [10, 29], [19, 29], [14.5, 24.5]]
    assert (
        np.isnan(instances.xy[1:]).all()
        and np.isnan(instances.score[1:]).all()
        and (instances.score[0] == 1).all()
    )
    assert np.isnan(instances.box_score).all()
    with pytest.raises(ValueError, match="no box"):
        one([IMAGE], [None])


def test_what_the_detector_finds_is_shown_to_the_trees_as_it_is():
    class Detector:
        def run(self, image, upsample, threshold):
            assert (upsample, threshold) == (2, 0.0)
            return self.found, [1.5, 0.25][: len(self.found)], [0, 1]

        found: tuple = ()

    def rectangle(*own):
        return SimpleNamespace(
            **{name: lambda at=at: at for name, at in zip(("left", "top", "right", "bottom"), own, strict=True)}
        )

    detector = Detector()
    assert trees.faces(IMAGE, detector, corners, 2, 5).xy.shape == (0, 5, 2)
    detector.found = (rectangle(10, 20, 19, 29), rectangle(-3, 0, 5, 8))
    instances = trees.faces(IMAGE, detector, corners, 2, 5)
    assert instances.xy[1, 0].tolist() == [-3, 0] and instances.box_score.tolist() == [1.5, 0.25]
    assert instances.boxes.tolist() == [[9.5, 19.5, 19.5, 29.5], [-3.5, -0.5, 5.5, 8.5]]


def test_without_dlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    bundle.write(tmp_path, "ok", "", {})
    with pytest.raises(Unavailable, match="dlib-bin"):
        trees.load(config(), Assets(bundle.read(tmp_path)), "cpu")
    with pytest.raises(SetupError, match="CPU only"):
        trees.load(config(), Assets(bundle.read(tmp_path)), "cuda")


def test_the_package_that_it_names_is_the_one_that_is_pinned():
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["dlib"] == [trees.PACKAGE]


@pytest.mark.parametrize("name", ["68", "5"])
def test_it_answers_as_dlib_in_a_rectangle_worked_out_by_hand(name):
    pytest.importorskip("dlib")
    held = index_bundles.fetch_or_skip("dlib")
    settings = {} if name == "68" else {"file": "shape_predictor_5_face_landmarks.dat", "vocabulary": "dlib5"}
    one = trees.load(config(**settings), Assets(held), "cpu")
    box = np.array([[111, 125, 203, 222]], np.float32)
    (instances,) = one([facemesh_images.picture(facemesh_images.FACES / "face_0.png")], [box])
    assert instances.xy[0].tolist() == GOLDEN[f"dlib_{name}"]


def test_both_see_the_same_eyes():
    """Subject's right before left: a mixed-up order would be an eye's distance off."""
    pytest.importorskip("dlib")
    held = index_bundles.fetch_or_skip("dlib")
    seen = []
    for settings in ({}, {"file": "shape_predictor_5_face_landmarks.dat", "vocabulary": "dlib5"}):
        one = trees.load(config(given="own", **settings), Assets(held), "cpu")
        (instances,) = one([facemesh_images.picture(facemesh_images.FACES / "face_0.png")], [None])
        assert len(instances.xy) == 1
        seen.append(project(instances.xy.astype(np.float64), one.vocabulary, "tfw5")[0, :2])
    assert np.linalg.norm(seen[0] - seen[1], axis=1).max() < 6
    assert seen[0][0, 0] < seen[0][1, 0] - 20


def test_another_vocabulary_or_file_is_refused(tmp_path):
    pytest.importorskip("dlib")
    held = index_bundles.fetch_or_skip("dlib")
    with pytest.raises(DataError, match="has not the 68 points of ibug68"):
        trees.load(config(file="shape_predictor_5_face_landmarks.dat"), Assets(held), "cpu")
    (tmp_path / "x.dat").write_bytes(b"nothing")
    bundle.write(tmp_path, "ok", "", {"x.dat": {}})
    with pytest.raises(DataError, match="no shape predictor"):
        trees.load(config(file="x.dat"), Assets(bundle.read(tmp_path)), "cpu")
