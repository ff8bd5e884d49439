import numpy as np
import pytest

from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.models import mean_shape
from thermark.models.inference.contract import Assets


def table(xy: np.ndarray, splits: list[str]) -> Faces:
    boxes = geometry.bounding_box(xy)
    ids = np.array([f"{i}" for i in range(len(xy))])
    return Faces(
        ids=ids,
        frames=ids,
        subjects=ids,
        splits=np.array(splits),
        vocabularies=np.full(len(xy), "ibug68"),
        boxes=boxes,
        prompts=boxes,
        xy=xy.astype(np.float32),
        visible=np.ones(xy.shape[:2], bool),
    )


def test_similar_faces_are_predicted_exactly_and_test_faces_are_not_seen():
    shape = np.random.default_rng(0).uniform(0, 1, (68, 2))
    shape[0], shape[1] = (0, 0), (1, 1)
    xy = np.stack([shape * 80 + 10, shape * 40 + 200, np.random.default_rng(1).uniform(0, 99, (68, 2))])
    faces = table(xy, ["train", "train", "test"])
    model = mean_shape.fit(faces)
    [instances] = model([np.zeros((9, 9, 3), np.uint8)], [faces.prompts])
    points, score = instances.xy, instances.score
    assert np.allclose(points[:2], xy[:2], atol=1e-3) and (score == 1).all()


def test_crops_tell_the_same_as_boxes_and_no_prompt_is_a_miss():
    rng = np.random.default_rng(2)
    faces = table(rng.uniform(20, 90, (3, 68, 2)), ["train"] * 3)
    model = mean_shape.fit(faces)
    maps = np.stack([geometry.crop_to_source(box, 64, 1.75) for box in faces.prompts])
    maps[1] = np.nan
    points, score = model.on_crops(np.zeros((3, 64, 64), np.uint8), maps, 1.75)
    direct = model([np.zeros((9, 9, 3), np.uint8)], [faces.prompts])[0].xy
    assert np.allclose(points[[0, 2]], direct[[0, 2]], atol=1e-3)
    assert np.isnan(points[1]).all() and np.isnan(score[1]).all()


def test_an_unlabelled_point_cannot_have_a_mean():
    xy = np.random.default_rng(3).uniform(0, 9, (2, 68, 2))
    xy[:, 5] = np.nan
    with pytest.raises(DataError, match="every point"):
        mean_shape.fit(table(xy, ["train", "train"]))


def test_the_set_that_it_averages_is_said(tmp_path):
    (tmp_path / "shown").mkdir()
    rng = np.random.default_rng(5)
    table(rng.uniform(0, 9, (2, 68, 2)), ["train", "train"]).save(tmp_path / "shown" / "faces.npz")
    model = mean_shape.load(mean_shape.Config(family="mean_shape", train="shown"), Assets(faces=tmp_path), "cpu")
    assert model.trained_on == ("shown",)


def test_two_vocabularies_have_no_mean():
    faces = table(np.random.default_rng(4).uniform(0, 9, (2, 68, 2)), ["train", "train"])
    faces.vocabularies[1] = "nose1"
    with pytest.raises(DataError, match="several"):
        mean_shape.fit(faces)
