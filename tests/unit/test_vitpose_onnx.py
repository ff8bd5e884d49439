"""Whole-body heads of ViTPose++ as ONNX: heat maps whose summits are known, and files that are something else."""

import cv2
import numpy as np
import pytest

import onnx_graphs
from thermark.core import bundle
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.models import vitpose_onnx
from thermark.models.inference.contract import Assets

SIZE = (192, 256)  # of the input, width before height
CARD = onnx_graphs.card(SIZE, vocabulary="coco_wholebody133")


def summits(places: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    """Return heat maps (K, 64, 48) with their summits at (x, y)."""
    y, x = np.mgrid[:64, :48]
    return np.stack([0.8 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * sigma**2)) for a, b in places])


def loaded(folder, card=CARD, device="cpu", **settings):
    bundle.write(folder, "ok", "", {"pose.onnx": card})
    section = {"family": "vitpose_onnx", "weights": "w", "flip": False} | settings
    return vitpose_onnx.load(parse(section, vitpose_onnx.Config, "x"), Assets(bundle.read(folder)), device)


@pytest.mark.parametrize("batch", ["batch", 1])
def test_133_summits_are_found_between_the_pixels(tmp_path, batch):
    places = np.random.default_rng(0).uniform((9, 9), (38, 54), (133, 2))
    onnx_graphs.always(tmp_path / "pose.onnx", SIZE, summits(places), batch)
    # A frame of 193 x 257 counts 192 x 256 from centre to centre; 1.25 times that is 240 x 320.
    frame = np.zeros((257, 193, 3), np.uint8)
    box = np.array([[-0.5, -0.5, 192.5, 256.5]], np.float32)
    one = loaded(tmp_path)
    assert (one.vocabulary, one.given, one.box_source) == ("coco_wholebody133", "frame", "frame")
    for prediction in one([frame] * 3, [box] * 3):
        # The first and last pixels of heat map, input and crop lie on each other.
        wanted = places / (47, 63) * (240, 320) + (96 - 120, 128 - 160)
        np.testing.assert_allclose(prediction.xy[0], wanted, atol=0.15)  # of a heat map's pixel it is a thirtieth
        assert (prediction.score[0] > 0.7).all()


def test_the_blur_is_that_of_the_published_kernel():
    kernel = cv2.getGaussianKernel(11, 0)  # 0: as wide as OpenCV thinks right, which is what is published
    np.testing.assert_allclose(cv2.getGaussianKernel(11, vitpose_onnx.SIGMA), kernel, atol=1e-12)


def test_a_mirror_image_is_averaged_in_unless_it_is_not(tmp_path):
    """A network that says the same of every picture: its mirrored answer is the other half of the mean."""
    places = np.full((133, 2), (12.0, 20.0))
    onnx_graphs.always(tmp_path / "pose.onnx", SIZE, summits(places))
    frame, box = np.zeros((257, 193, 3), np.uint8), np.array([[-0.5, -0.5, 192.5, 256.5]], np.float32)
    [alone], [both] = loaded(tmp_path)([frame], [box]), loaded(tmp_path, flip=True)([frame], [box])
    np.testing.assert_allclose(both.score, alone.score / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("card", "word"),
    [
        (CARD | {"channels": "bgr"}, "does not state rgb"),
        (CARD | {"vocabulary": "ibug68"}, "does not state rgb and coco_wholebody133"),
        (CARD | {"input_size": [288, 384]}, "takes"),
        (CARD | {"input_size": None}, "no input_size"),
    ],
)
def test_a_card_of_another_network_is_refused(tmp_path, card, word):
    onnx_graphs.always(tmp_path / "pose.onnx", SIZE, np.zeros((133, 64, 48)))
    with pytest.raises(DataError, match=word):
        loaded(tmp_path, card)


@pytest.mark.parametrize("shape", [(17, 64, 48), (133, 48, 64), (133, 128, 96)])
def test_another_network_is_refused(tmp_path, shape):
    onnx_graphs.always(tmp_path / "pose.onnx", SIZE, np.zeros(shape))
    with pytest.raises(DataError, match=r"answers .* its card means \[\(1, 133, 64, 48\)\]"):
        loaded(tmp_path)
