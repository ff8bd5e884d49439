import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark import landmarks
from thermark.core import geometry, seeds
from thermark.train import augment
from thermark.train.augment import PLAIN, Augment, ViewGeometry

views = st.builds(
    ViewGeometry,
    flip=st.booleans(),
    scale=st.floats(0.5, 1.5),
    degrees=st.floats(-80, 80),
    shift=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    hole=st.none(),
)


def dot(xy: np.ndarray, size: int) -> np.ndarray:
    """An image of a round blob at `xy`."""
    rows, columns = np.mgrid[:size, :size]
    return (255 * np.exp(-((columns - xy[0]) ** 2 + (rows - xy[1]) ** 2) / 18)).astype(np.uint8)


def centre(image: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image.astype(float).sum()
    return np.array([(columns * image).sum() / total, (rows * image).sum() / total])


def test_the_plain_view_is_the_identity():
    np.testing.assert_allclose(augment.matrix(PLAIN, 64), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@given(views, st.floats(-0.12, 0.12), st.floats(-0.12, 0.12))
def test_pixels_and_points_move_together(view, x, y):
    size = 96
    xy = np.array([(size - 1) / 2 + size * x, (size - 1) / 2 + size * y])
    to_plain = augment.matrix(view, size)
    moved = geometry.apply(geometry.invert(to_plain), xy[None])[0]
    if (moved < 14).any() or (moved > size - 15).any():
        return
    actual = centre(geometry.warp(dot(xy, size), to_plain, size))
    np.testing.assert_allclose(actual, moved, atol=0.2)


def test_scale_enlarges_and_shift_moves_to_the_right():
    xy = np.array([[31.5 + 10, 31.5]])
    larger = augment.matrix(ViewGeometry(False, 1.5, 0, (0, 0), None), 64)
    assert geometry.apply(geometry.invert(larger), xy)[0, 0] == pytest.approx(31.5 + 15)
    shifted = augment.matrix(ViewGeometry(False, 1, 0, (0.25, 0), None), 64)
    assert geometry.apply(geometry.invert(shifted), xy)[0, 0] == pytest.approx(41.5 + 16)


def test_flip_with_permutation_is_an_involution_on_names():
    vocabulary = landmarks.load("ibug68")
    xy = seeds.rng(0).uniform(5, 58, (68, 2))
    flipped = geometry.apply(augment.matrix(ViewGeometry(True, 1, 0, (0, 0), None), 64), xy)[vocabulary.flip]
    assert flipped[36, 0] == pytest.approx(63 - xy[45, 0])
    again = geometry.apply(augment.matrix(ViewGeometry(True, 1, 0, (0, 0), None), 64), flipped)[vocabulary.flip]
    np.testing.assert_allclose(again, xy)


def test_draws_stay_within_their_limits_and_take_all_of_them():
    limits = Augment(scale=0.25, rotation=60, rotation_p=0.6, shift=0.16, shift_p=0.3, hole_p=0.5)
    drawn = [augment.draw(seeds.rng(0, index), limits) for index in range(2000)]
    scales = np.array([view.scale for view in drawn])
    turns = np.array([view.degrees for view in drawn])
    shifts = np.array([view.shift for view in drawn])
    assert 0.75 <= scales.min() < 0.77 and 1.23 < scales.max() <= 1.25
    assert 50 < np.abs(turns).max() <= 60 and (turns != 0).mean() == pytest.approx(0.6, abs=0.04)
    assert np.abs(shifts).max() <= 0.16 and (shifts[:, 0] != 0).mean() == pytest.approx(0.3, abs=0.04)
    assert np.mean([view.flip for view in drawn]) == pytest.approx(0.5, abs=0.04)
    holes = np.array([view.hole for view in drawn if view.hole is not None])
    assert len(holes) / len(drawn) == pytest.approx(0.5, abs=0.04)
    assert (holes >= 0).all() and (holes[:, :2] + holes[:, 2:] <= 1).all()
    assert holes[:, 2:].min() >= 0.2 and holes[:, 2:].max() <= 0.4
    # A normal distribution cut at one standard deviation: its own is 0.5396.
    assert scales.std() / 0.25 == pytest.approx(0.5396, rel=0.05)


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)])
def test_distort_keeps_type_and_shape_and_repeats_itself(shape):
    image = seeds.rng(0).integers(0, 256, shape, np.uint8)
    before = image.copy()
    limits = Augment(blur_p=0.5, noise_p=0.5)
    different = 0
    for index in range(20):
        first = augment.distort(image, seeds.rng(1, index), limits)
        assert first.shape == shape and first.dtype == np.uint8
        np.testing.assert_array_equal(first, augment.distort(image, seeds.rng(1, index), limits))
        different += not np.array_equal(first, image)
    np.testing.assert_array_equal(image, before)
    assert different == 20


def test_punch_blackens_the_hole_and_nothing_else():
    image = np.full((40, 40), 200, np.uint8)
    augment.punch(image, ViewGeometry(False, 1, 0, (0, 0), (0.25, 0.5, 0.5, 0.25)))
    assert (image[20:30, 10:30] == 0).all() and (image == 0).sum() == 200


def test_jitter_is_within_its_bounds_and_takes_all_of_them():
    """On a patch of mid saturation and value, where a level of RGB is less than a degree of hue."""
    patch = cv2.cvtColor(np.full((4, 4, 3), (90, 128, 150), np.uint8), cv2.COLOR_HSV2RGB)
    start = cv2.cvtColor(patch, cv2.COLOR_RGB2HSV)[0, 0].astype(int)
    moves = []
    for index in range(400):
        image = augment.jitter(patch, seeds.rng(0, index), Augment(hue=12, saturation=40, value=25))
        moves.append(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[0, 0].astype(int) - start)
    moves = np.array(moves)
    extent = np.abs(moves).max(axis=0)
    assert (extent <= np.array([12, 40, 25]) + 2).all() and (extent >= np.array([10, 35, 22])).all()
    assert (moves.min(axis=0) < 0).all() and (moves.max(axis=0) > 0).all()
    assert (np.abs(moves) <= 1).all(axis=1).mean() == pytest.approx(1 / 8, abs=0.06)


def test_jitter_keeps_what_it_may_not_change():
    image = seeds.rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    before = image.copy()
    none = Augment(hue=0, saturation=0, value=0)
    for index in range(20):
        np.testing.assert_array_equal(augment.jitter(image, seeds.rng(1, index), none), before)
        first = augment.jitter(image, seeds.rng(1, index), Augment())
        assert first.shape == image.shape and first.dtype == np.uint8
        np.testing.assert_array_equal(first, augment.jitter(image, seeds.rng(1, index), Augment()))
    np.testing.assert_array_equal(image, before)


def test_jitter_of_value_alone_brightens_every_channel_alike_and_ends_at_the_limits():
    """Grey has no hue to change: value shifts it by the same step everywhere, cut at 0 and 255."""
    grey = np.repeat(np.array([[0, 100, 250]], np.uint8)[..., None], 3, axis=-1)
    for index in range(50):
        image = augment.jitter(grey, seeds.rng(2, index), Augment(hue=90, saturation=0, value=20)).astype(int)
        assert (image == image[..., :1]).all()
        step = image[0, 1, 0] - 100
        assert image[0, :, 0].tolist() == [max(0, step), 100 + step, min(255, 250 + step)] and abs(step) <= 20
