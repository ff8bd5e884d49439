"""A network of 68 points that is turned to a nose: what it keeps, what it begins with, what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import drawn_faces
import tiny_runs
from thermark import landmarks
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_table
from thermark.nets import card
from thermark.nets.rtmpose import RTMPose
from thermark.train.recipes import adapted

SECTION = tiny_runs.TINY | {
    "recipe": "adapted",
    "train": "noses",
    "labels": "nose1",
    "vocabulary": "nose1",
    "teacher": "rgb_t",
    "known": "ibug68",
    "epochs": 1,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Return a tree with drawn faces of which the nose alone is labelled, and a teacher of all 68 points."""
    root = tmp_path_factory.mktemp("adapted")
    drawn_faces.write(root / "faces/noses", 20, tiny_runs.SIDE)
    faces = open_table(root / "faces/noses")
    nose = landmarks.project(faces.xy, "ibug68", "nose1")
    only = replace(faces, xy=nose, visible=np.ones((20, 1), bool), vocabularies=np.full(20, "nose1"))
    only.save(root / "faces/noses/faces.npz")
    tiny_runs.write_scaled(root / "models/rgb_t/seed0")
    return root


def config(**changed) -> adapted.Config:
    return parse(SECTION | changed, adapted.Config, "noses.x")


def test_a_point_begins_as_the_mean_of_those_it_is_read_from(root):
    net, about = card.read(root / "models/rgb_t/seed0")
    nose = RTMPose("t", 1, tiny_runs.SIDE)
    weights = adapted.adapted(net.state_dict(), about, "nose1")
    nose.load_state_dict(weights)
    features = torch.randn(2, net.backbone.channels, 2, 2)
    with torch.inference_mode():
        maps = net.head.maps(features)
        rows = [29, 30, 31 + 1, 31 + 2, 31 + 3]  # by hand, in the order of iBUG
        names = [landmarks.load("ibug68").points[row] for row in rows]
        assert names == ["nose_bridge_2", "nose_bridge_3", "nostril_row_1", "nostril_row_2", "nostril_row_3"]
        torch.testing.assert_close(nose.head.maps(features)[:, 0], maps[:, rows].mean(1), rtol=1e-4, atol=1e-5)
    kept = [name for name in weights if not name.startswith("head.final_layer")]
    assert all(torch.equal(weights[name], net.state_dict()[name]) for name in kept) and len(kept) > 100


def test_the_same_vocabulary_changes_nothing(root):
    net, about = card.read(root / "models/rgb_t/seed0")
    weights = net.state_dict()
    assert adapted.adapted(weights, about, "ibug68") is weights


def test_what_it_leaves_says_where_it_comes_from(root, tmp_path):
    done = adapted.train(config(), 0, root / "faces", root / "models", tmp_path / "state")
    assert (done.card.vocabulary, done.card.points, done.card.start, done.card.teacher) == (
        "nose1",
        1,
        "rgb_t",
        "",
    )
    assert done.card.trained_on == ["noses", "elsewhere"]
    assert np.isfinite(done.progress.best)


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        (DataError, {"teacher": "nobody"}, "there is no teacher nobody"),
        (DataError, {"size": "s"}, "rgb_t is of size t"),
        (DataError, {"input_size": 96}, "at 64 px"),
        (DataError, {"known": "nose1"}, "predicts ibug68"),
        (
            ConfigError,
            {"vocabulary": "charlotte73", "labels": "nose1"},
            "no bridge leads from ibug68",
        ),
    ],
)
def test_unfit_teachers_are_refused_before_any_work(root, tmp_path, kind, changed, words):
    with pytest.raises(kind, match=words):
        adapted.train(config(**changed), 0, root / "faces", root / "models", tmp_path / "state")
    assert not list(tmp_path.glob("state/*"))
