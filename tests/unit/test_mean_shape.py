import numpy as np
import pytest

from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.datasets.readers.loaded import build_faces
from thermark.models import mean_shape


def table(xy: np.ndarray, splits: list[str]) -> Faces:
    ids = np.array([f"{i}" for i in range(len(xy))])
    return build_faces(ids, ids, np.array(splits), "ibug68", xy.astype(np.float32))


def test_similar_faces_are_predicted_exactly_and_test_faces_are_not_seen():
    shape = np.random.default_rng(0).uniform(0, 1, (68, 2))
    shape[0], shape[1] = (0, 0), (1, 1)
    xy = np.stack([shape * 80 + 10, shape * 40 + 200, np.random.default_rng(1).uniform(0, 99, (68, 2))])
    faces = table(xy, ["train", "train", "test"])
    model = mean_shape.fit(faces)
    [instances] = model([np.zeros((9, 9, 3), np.uint8)], [faces.prompts])
    points, score = instances.xy, instances.score
    assert np.allclose(points[:2], xy[:2], atol=1e-3) and (score == 1).all()


def test_an_unlabelled_point_cannot_have_a_mean():
    xy = np.random.default_rng(3).uniform(0, 9, (2, 68, 2))
    xy[:, 5] = np.nan
    with pytest.raises(DataError, match="every point"):
        mean_shape.fit(table(xy, ["train", "train"]))


def test_two_vocabularies_have_no_mean():
    faces = table(np.random.default_rng(4).uniform(0, 9, (2, 68, 2)), ["train", "train"])
    faces.vocabularies[1] = "nose1"
    with pytest.raises(DataError, match="several"):
        mean_shape.fit(faces)
