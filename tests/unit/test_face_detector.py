"""The face detector's network, what is left of its boxes, and its card."""

from pathlib import Path

import numpy as np
import pytest
import torch

from thermark.core import seeds
from thermark.core.detections import overlaps
from thermark.core.errors import DataError
from thermark.datasets.readers import boxes
from thermark.nets import complexity, detector_card, face_boxes, face_detector
from thermark.nets.detector_card import DetectorCard
from thermark.nets.face_detector import Exported, FaceDetector, Widths

SMALL = Widths(4, 4, 8, 8, 16, 8)


def net(seed: int = 0, widths: Widths = SMALL) -> FaceDetector:
    """Return a network of random weights whose scores and sides are no longer nearly constant."""
    torch.manual_seed(seed)
    one = FaceDetector(widths)
    for branch in (one.head.score, one.head.sides):
        torch.nn.init.normal_(branch[-1].weight, std=1.0)
    return one.eval()


def card(**changes) -> DetectorCard:
    options = {
        "widths": SMALL,
        "longest": 320,
        "threshold": 0.4,
        "nms": 0.5,
        "vocabulary": "facesynthetics70",
        "shape": [(0.5, 0.25)] * 70,
        "trained_on": ["cameras"],
        "params": 1,
        "seed": 0,
        "precision": "fp32",
        "best_epoch": 1,
        "val_ap50": 0.9,
    }
    return DetectorCard(**(options | changes))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (96, 64)])
def test_there_is_an_answer_for_each_cell(height, width):
    logits, sides = net()(torch.rand(2, 1, height, width) * 255)
    count = sum((height // stride) * (width // stride) for stride in face_detector.STRIDES)
    assert logits.shape == (2, count) and sides.shape == (2, count, 4)
    boxes, scores = Exported(net())(torch.rand(2, 1, height, width) * 255)
    assert boxes.shape == (2, count, 4) and ((scores > 0) & (scores < 1)).all()
    assert (boxes[..., 2:] > boxes[..., :2]).all()


def test_it_is_as_small_as_it_has_to_be():
    count = sum(one.numel() for one in FaceDetector().parameters())
    assert 300_000 < count < 700_000  # 1.4 MB in fp16
    kinds = complexity.macs(FaceDetector(), torch.zeros(1, 1, 256, 320))
    products = round((kinds["conv"] + kinds["linear"]) / 1e6)
    page = " ".join((Path(__file__).parents[2] / "docs/detector.md").read_text(encoding="utf-8").split())
    assert f"{count:,} parameters, {products} million products for 320 x 256 px" in page
    tight = np.float32([[0, 0, 100, 120]])
    assert f"overlaps such a box by {overlaps(tight, boxes.to_face(tight))[0, 0]:.2f}." in page


def test_an_untrained_network_sees_a_face_nowhere_and_small_boxes_about_its_cells():
    one = FaceDetector(SMALL).eval()
    boxes, scores = Exported(one)(torch.rand(1, 1, 64, 64) * 255)
    assert (scores < 0.05).all()
    centres, strides = face_detector.cells(torch.zeros(1, 1, 64, 64))
    half = (boxes[0, :, 2:] - boxes[0, :, :2]) / 2 / strides[:, None]
    assert ((half > 1.5) & (half < 4)).all()
    assert (((boxes[0, :, 2:] + boxes[0, :, :2]) / 2 - centres).abs() < strides[:, None]).all()


def test_boxes_by_hand():
    centres, strides = torch.tensor([[11.5, 3.5]]), torch.tensor([8.0])
    sides = torch.log(torch.tensor([[1.0, 2.0, 0.5, 0.25]]))
    np.testing.assert_allclose(face_detector.boxes(sides, centres, strides), [[3.5, -12.5, 15.5, 5.5]], rtol=1e-6)


def test_every_cell_sees_the_other_end_of_the_frame():
    """A face as high as the frame, and what is around a small one, are within the reach of each grid."""
    one = net()
    image = (torch.rand(1, 1, 256, 256) * 255).requires_grad_()
    logits, _ = one(image)
    for cell in (0, 32 * 32, 32 * 32 + 16 * 16):  # the first of each grid, in the upper left corner
        [gradient] = torch.autograd.grad(logits[0, cell], image, retain_graph=True)
        assert gradient[0, 0, -32:, -32:].abs().max() > 0


def test_a_border_of_the_padding_grey_is_like_no_picture():
    """The first convolution sees zeros beyond the edge either way."""
    image = seeds.rng(0).integers(0, 256, (50, 70), np.uint8)
    whole = face_boxes.padded(image)
    assert whole.shape == (1, 1, 64, 96) and whole.dtype == np.float32
    assert (whole[0, 0, :50, :70] == image).all() and (whole[0, 0, 50:] == face_detector.GREY).all()
    assert ((torch.from_numpy(whole) - face_detector.GREY)[0, 0, :, 70:] == 0).all()
    assert face_boxes.padded(np.zeros((64, 32), np.uint8)).shape == (1, 1, 64, 32)
    assert (face_boxes.GREY, face_boxes.MULTIPLE) == (face_detector.GREY, face_detector.MULTIPLE)


def test_large_frames_shrink_and_small_ones_grow():
    large, scale = face_boxes.fitted(np.zeros((480, 640), np.uint8), 320)
    assert large.shape == (240, 320) and scale.tolist() == [0.5, 0.5]
    small = np.zeros((60, 80), np.uint8)
    same, scale = face_boxes.fitted(small, 80)
    assert same is small and scale.tolist() == [1, 1]
    grown, scale = face_boxes.fitted(small, 320)
    assert grown.shape == (240, 320) and scale.tolist() == [4, 4]
    portrait, scale = face_boxes.fitted(np.zeros((50, 37), np.uint8), 320)
    assert portrait.shape == (320, 237) and scale.tolist() == [237 / 37, 320 / 50]
    odd, scale = face_boxes.fitted(np.zeros((333, 1000), np.uint8), 320)
    assert odd.shape == (107, 320) and scale[1] == pytest.approx(107 / 333)


def suppressed(boxes: np.ndarray, scores: np.ndarray, threshold: float, overlap: float) -> list[int]:
    """Return the rows that greedy suppression leaves, by the definition."""
    left, rows = [row for row in np.argsort(-scores, kind="stable") if scores[row] >= threshold], []
    while left:
        best = left.pop(0)
        rows.append(int(best))
        left = [row for row in left if overlaps(boxes[best][None], boxes[row][None])[0, 0] <= overlap]
    return rows


@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_is_what_greedy_suppression_leaves(seed):
    rng = seeds.rng(seed, "nms")
    corner = rng.uniform(-20, 60, (60, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (60, 2))], axis=1).astype(np.float32)
    scores = rng.random(60).astype(np.float32)
    box, score = face_boxes.filtered(boxes, scores, 0.2, 0.4)
    rows = suppressed(boxes, scores, 0.2, 0.4)
    np.testing.assert_array_equal(box, boxes[rows])
    np.testing.assert_array_equal(score, scores[rows])


def test_nothing_above_the_threshold_is_no_box():
    boxes, scores = face_boxes.filtered(np.zeros((3, 4), np.float32), np.full(3, 0.1, np.float32), 0.2, 0.5)
    assert boxes.shape == (0, 4) and scores.shape == (0,) and boxes.dtype == scores.dtype == np.float32


def test_a_card_brings_the_network_back(tmp_path):
    one, image = net(), torch.rand(1, 1, 64, 64) * 255
    detector_card.write(tmp_path, card(), one.state_dict())
    again, metadata = detector_card.read(tmp_path)
    assert metadata == card() and not again.training
    for expected, theirs in zip(one(image), again(image), strict=True):
        torch.testing.assert_close(expected, theirs, rtol=0, atol=0)
    detector_card.write(tmp_path, card(widths=Widths(4, 4, 8, 8, 16, 16)), one.state_dict())
    with pytest.raises(DataError, match="does not fit the network"):
        detector_card.read(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(DataError, match="holds no detector"):
        detector_card.read(tmp_path)
