"""Boxes to inputs and heat maps to points, against known places and the published arithmetic written as loops."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from thermark.core import geometry
from thermark.models.inference import heatmaps
from thermark.models.inference.topdown import TopDown
from thermark.nets import dark

SIZE = (64, 48)


def gaussians(places, shape, sigma, height=1.0):
    """Return heat maps (1, K, H, W) with their summits at (x, y)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    maps = [height * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in places]
    return torch.tensor(np.stack(maps)[None], dtype=torch.float32)


@pytest.mark.parametrize(("shape", "sigma", "blur"), [((256, 192), 6.0, 2.0), ((64, 48), 2.0, 0.8)])
def test_a_gaussian_is_found_where_it_is(shape, sigma, blur):
    rng = np.random.default_rng(0)
    margin = 3 * sigma + 6
    places = rng.uniform(margin, np.array(shape[::-1]) - margin, (40, 2))
    xy, score = dark.decode(gaussians(places, shape, sigma, height=0.7), blur)
    assert np.abs(xy[0].numpy() - places).max() < 0.05
    assert score.min() > 0.65 and score.max() <= 0.7


def test_the_refinement_does_better_than_the_pixel():
    places = [(20.5, 30.4), (24.4, 33.5)]
    xy, _ = dark.decode(gaussians(places, (64, 48), 2.0), 0.8)
    assert np.abs(xy[0].numpy() - places).max() < 0.01


@pytest.mark.parametrize(("shape", "sigma", "blur"), [((256, 192), 6.0, 2.0), ((64, 48), 2.0, 0.8)])
def test_the_digits_of_bfloat16_are_enough(shape, sigma, blur):
    places = np.random.default_rng(5).uniform(3 * sigma + 6, np.array(shape[::-1]) - 3 * sigma - 6, (40, 2))
    xy, _ = dark.decode(gaussians(places, shape, sigma, height=0.7).bfloat16(), blur)
    assert np.abs(xy[0].numpy() - places).max() < 0.05


def published(maps, blur):
    """Refine maxima (K, 2) of heat maps (K, H, W) one by one, as MMPose's UDP codec does, with OpenCV's blur."""
    points = []
    for heatmap in maps:
        y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
        wide = np.pad(heatmap, 5)
        soft = cv2.GaussianBlur(wide, (11, 11), blur)[5:-5, 5:-5]
        soft = np.log(np.clip(soft * heatmap.max() / soft.max(), 1e-3, 50))
        p = np.pad(soft, 1, mode="edge")[y : y + 3, x : x + 3].astype(np.float64)
        gradient = np.array([p[1, 2] - p[1, 0], p[2, 1] - p[0, 1]]) / 2
        xx, yy = p[1, 2] - 2 * p[1, 1] + p[1, 0], p[2, 1] - 2 * p[1, 1] + p[0, 1]
        xy = (p[2, 2] - p[1, 2] - p[2, 1] + 2 * p[1, 1] - p[1, 0] - p[0, 1] + p[0, 0]) / 2
        hessian = np.array([[xx, xy], [xy, yy]]) + np.finfo(np.float32).eps * np.eye(2)
        points.append(np.array([x, y]) - np.linalg.inv(hessian) @ gradient)
    return np.array(points)


def test_decoding_is_the_published_one():
    rng = np.random.default_rng(1)
    # Skew, several summits, and some at the border.
    rough = ndimage.gaussian_filter(rng.uniform(0, 1, (2, 30, 40, 28)), (0, 0, 2.5, 1.5)).astype(np.float32)
    rough = (rough - 0.4) * 3
    rough[:, :6] = gaussians([(0, 5), (27, 39), (13, 0), (0, 0), (27.3, 12), (14, 38.6)], (40, 28), 3.0).numpy()
    xy, score = dark.decode(torch.from_numpy(rough), 2.0)
    for one, maps in zip(xy.numpy(), rough, strict=True):
        np.testing.assert_allclose(one, published(maps, 2.0), atol=2e-2)
    np.testing.assert_array_equal(score.numpy(), rough.max(axis=(2, 3)))


def test_one_by_one_is_the_same_as_together():
    rng = np.random.default_rng(2)
    rough = torch.from_numpy(ndimage.gaussian_filter(rng.normal(size=(3, 5, 32, 24)), (0, 0, 2, 2)))
    together, scores = dark.decode(rough, 2.0)
    for row in range(3):
        for point in range(5):
            alone, score = dark.decode(rough[row : row + 1, point : point + 1], 2.0)
            torch.testing.assert_close(alone[0, 0], together[row, point], atol=1e-4, rtol=0)
            assert score[0, 0] == scores[row, point]


def test_a_map_without_a_summit_points_nowhere():
    maps = torch.zeros(1, 4, 32, 24)
    maps[0, 1] = -1
    maps[0, 2, 5, 7] = torch.nan
    maps[0, 3, 9, 4] = 2.0
    xy, score = dark.decode(maps, 2.0)
    assert xy[0, :3].isnan().all()
    assert score[0, :2].tolist() == [0, -1] and score[0, 2].isnan()
    torch.testing.assert_close(xy[0, 3], torch.tensor([4.0, 9.0]))


def test_mirror_images_come_back():
    maps = gaussians([(5, 9), (20, 3), (11, 30)], (40, 28), 2.0)
    partner = torch.tensor([1, 0, 2])
    mirrored = maps.flip(-1)[:, partner]
    assert torch.equal(heatmaps.flipped_back(mirrored, partner), maps)


def test_the_frame_is_seen_from_the_centre_of_its_first_pixel_to_that_of_its_last():
    # 97 x 129 at 1024 x 768: the aspect is right, so padding is all that is added.
    frame = np.array([[-0.5, -0.5, 96.5, 128.5]])
    (to_frame,) = heatmaps.input_to_frame(frame, (1024, 768))
    corners = geometry.apply(to_frame, np.array([[0.0, 0], [767, 1023]]))
    np.testing.assert_allclose(corners, [[48 - 60, 64 - 80], [48 + 60, 64 + 80]], atol=1e-9)
    square = np.array([[-0.5, -0.5, 96.5, 96.5]])
    same = heatmaps.input_to_frame(square, (97, 97), padding=1.0)[0]
    np.testing.assert_allclose(same, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("box", "sides"), [((10, 20, 31, 101), (75, 100)), ((0, 0, 61, 41), (75, 100)), ((5, 5, 305, 10), None)]
)
def test_one_side_grows_to_the_aspect(box, sides):
    (to_frame,) = heatmaps.input_to_frame(np.array([box], np.float32), (1024, 768))
    first, last = geometry.apply(to_frame, np.array([[0.0, 0], [767, 1023]]))
    assert np.allclose((first + last) / 2, (np.array(box[:2]) + box[2:]) / 2)
    width, height = last - first
    assert np.isclose(width / height, 0.75)
    assert width >= 1.25 * (box[2] - box[0] - 1) - 1e-9 and height >= 1.25 * (box[3] - box[1] - 1) - 1e-9
    if sides:
        np.testing.assert_allclose((width, height), sides)


@pytest.mark.parametrize("box", [(np.nan, 0, 5, 5), (3, 3, 3, 3), (5, 5, 2, 2), (0, 0, np.inf, 4)])
def test_an_unusable_box_gives_no_map(box):
    maps = heatmaps.input_to_frame(np.array([box, (0, 0, 9, 9)], np.float32), SIZE)
    assert np.isnan(maps[0]).all() and np.isfinite(maps[1]).all()


@settings(max_examples=50)
@given(st.tuples(*[st.floats(-50, 300)] * 2), st.tuples(*[st.floats(3, 400)] * 2))
def test_into_a_heat_map_and_back(corner, sides):
    box = np.array([[*corner, corner[0] + sides[0], corner[1] + sides[1]]])
    (to_frame,) = heatmaps.input_to_frame(box, SIZE)
    # A stride that does not divide the input.
    to_input = heatmaps.heatmap_to_input((10, 6), SIZE)
    there = geometry.compose(geometry.invert(to_input), geometry.invert(to_frame))
    inside = box.reshape(2, 2)
    np.testing.assert_allclose(
        geometry.apply(to_frame, geometry.apply(to_input, geometry.apply(there, inside))), inside, atol=1e-6
    )
    # The published formula: places on the heat map over its last pixel, times the side, from the corner.
    side, middle = (to_frame[[0, 1], [0, 1]] * (47, 63)), inside.mean(axis=0)
    places = np.array([[0.0, 0], [5, 9], [2.5, 4.25]])
    np.testing.assert_allclose(
        geometry.apply(to_frame, geometry.apply(to_input, places)),
        places / (5, 9) * side + middle - side / 2,
        atol=1e-9,
    )


@pytest.mark.parametrize("box", [(20, 30, 50, 70), (-20, -10, 400, 300)])
def test_a_crop_shows_what_the_map_says(box):
    """Against scipy's splines for a reduction, and against the smooth picture itself for an enlargement."""
    y, x = np.mgrid[:240, :320]
    smooth = 127 + 60 * np.sin(x / 17) + 60 * np.cos(y / 13)
    image = np.repeat(np.rint(smooth).astype(np.uint8)[..., None], 3, axis=2)
    (to_frame,) = heatmaps.input_to_frame(np.array([box], np.float32), (96, 72))
    crop = heatmaps.crop(image, to_frame, (96, 72))
    assert crop.shape == (96, 72, 3) and crop.dtype == np.uint8
    v, u = np.mgrid[:96, :72]
    at = geometry.apply(to_frame, np.stack([u, v], axis=-1).reshape(-1, 2).astype(float))
    wanted = ndimage.map_coordinates(smooth, at.T[::-1], order=1, mode="constant").reshape(96, 72)
    inside = ((at > 0) & (at < (319, 239))).all(axis=1).reshape(96, 72)
    assert np.abs(crop[..., 0].astype(float) - wanted)[inside].max() < 3
    outside = ((at < -1) | (at > (320, 240))).any(axis=1).reshape(96, 72)
    assert not crop[outside].any()


def test_a_summit_lands_on_its_pixel_in_the_frame():
    """A bright pixel of the frame, seen through a crop, is found at its place: the whole way there and back."""

    def bright(inputs):
        # The strided brightness is the heat map of all points; 0 where the crop is black.
        grey = (inputs - inputs.amin((1, 2, 3), keepdim=True))[:, :1]
        return grey.expand(-1, 133, -1, -1)

    image = np.zeros((150, 200, 3), np.uint8)
    y, x = np.mgrid[:150, :200]
    image[:] = (250 * np.exp(-((x - 131.3) ** 2 + (y - 40.6) ** 2) / 50))[..., None].round()
    boxes = np.array([[100, 20, 160, 90], [np.nan] * 4, [110, -30, 170, 80]], np.float32)
    contestant = TopDown(
        bright, "coco_wholebody133", "labelled", (256, 192), torch.device("cpu"), 0.8, flip=False, batch=2
    )
    (seen,) = contestant([image], [boxes])
    assert seen.xy.shape == (3, 133, 2) and seen.xy.dtype == np.float32
    np.testing.assert_allclose(seen.xy[[0, 2]], np.broadcast_to([131.3, 40.6], (2, 133, 2)), atol=0.15)
    assert np.isnan(seen.xy[1]).all() and np.isnan(seen.score[1]).all()
    np.testing.assert_array_equal(seen.boxes, boxes)
    assert np.isnan(seen.box_score).all()


def test_the_mirror_image_is_averaged_in_at_the_right_place():
    calls = []

    def bright(inputs):
        calls.append(inputs)
        grey = (inputs - inputs.amin((1, 2, 3), keepdim=True))[:, :1]
        return grey.expand(-1, 133, -1, -1)

    image = np.zeros((150, 200, 3), np.uint8)
    y, x = np.mgrid[:150, :200]
    image[:] = (250 * np.exp(-((x - 131.3) ** 2 + (y - 40.6) ** 2) / 50))[..., None].round()
    boxes = np.array([[100, 20, 160, 90]], np.float32)
    contestant = TopDown(
        bright, "coco_wholebody133", "labelled", (256, 192), torch.device("cpu"), 0.8, flip=True, batch=2
    )
    (seen,) = contestant([image], [boxes])
    assert len(calls) == 2 and torch.equal(calls[1], calls[0].flip(-1))
    np.testing.assert_allclose(seen.xy[0], np.broadcast_to([131.3, 40.6], (133, 2)), atol=0.15)


def test_what_the_detector_finds_is_what_comes_back():
    def find(images):
        nobody = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        two = np.array([[10, 10, 60, 90], [5, 5, 50, 50]], np.float32), np.array([0.9, 0.8], np.float32)
        return [nobody, two, nobody][: len(images)]

    def flat(inputs):
        return torch.ones(len(inputs), 133, 16, 12)

    contestant = TopDown(
        flat, "coco_wholebody133", "own", SIZE, torch.device("cpu"), 0.8, flip=False, batch=1, find=find
    )
    images = [np.zeros((100, 80, 3), np.uint8)] * 3
    seen = contestant(images, [None] * 3)
    assert [len(one.boxes) for one in seen] == [0, 2, 0]
    np.testing.assert_array_equal(seen[1].box_score, np.array([0.9, 0.8], np.float32))
    assert contestant([], []) == []
