import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import geometry

coordinate = st.floats(-500, 500)
positive = st.floats(1, 400)


def test_integer_coordinates_are_pixel_centres():
    # A 4-px image halved: the centre between pixels 0 and 1 lands on pixel 0.
    assert geometry.resized(np.array([0.5, 2.5]), 0.5).tolist() == [0.0, 1.0]


def test_a_crop_of_the_whole_image_is_the_image():
    image = np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)
    outline = np.array([-0.5, -0.5, 31.5, 31.5])
    matrix = geometry.crop_to_source(outline, 32, 1.0)
    assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]])
    assert (geometry.warp(image, matrix, 32) == image).all()


def test_crop_pixels_lie_where_the_box_says():
    # Box of 40 x 20 at (10, 30), padding 1.5: a 60-px square about (30, 40), seen at 30 px: 2 px a pixel.
    matrix = geometry.crop_to_source(np.array([10, 30, 50, 50]), 30, 1.5)
    first, last = geometry.apply(matrix, np.array([[0.0, 0.0], [29.0, 29.0]]))
    assert first.tolist() == [1.0, 11.0]  # outline at 0 and 10, first centre one source pixel further
    assert last.tolist() == [59.0, 69.0]


@given(coordinate, coordinate, positive, positive, st.integers(8, 256), st.floats(0.5, 3))
def test_crop_maps_and_their_inverse_cancel(x, y, width, height, size, padding):
    matrix = geometry.crop_to_source(np.array([x, y, x + width, y + height]), size, padding)
    points = np.array([[0.0, 0.0], [size / 3, size - 1.0]])
    there = geometry.apply(matrix, points)
    assert np.allclose(geometry.apply(geometry.invert(matrix), there), points, atol=1e-6)


@given(st.floats(-180, 180), st.floats(0.2, 4))
def test_composition_applies_the_inner_map_first(degrees, scale):
    inner = geometry.rotation_about((3.0, 4.0), degrees, scale)
    outer = np.array([[2.0, 0, 5], [0, 3, -1]])
    points = np.random.default_rng(1).normal(size=(7, 2))
    expected = geometry.apply(outer, geometry.apply(inner, points))
    assert np.allclose(geometry.apply(geometry.compose(outer, inner), points), expected)


def test_rotation_keeps_its_centre_and_turns_x_to_y():
    matrix = geometry.rotation_about((10.0, 20.0), 90.0, 2.0)
    moved = geometry.apply(matrix, np.array([[10.0, 20.0], [11.0, 20.0]]))
    assert np.allclose(moved, [[10, 20], [10, 22]])


@pytest.mark.parametrize("size", [100, 50, 33, 20, 10, 7])
def test_a_warped_dot_stays_where_its_coordinates_go(size):
    # Strong reduction goes through area averaging: that path must not shift the picture.
    image = np.zeros((200, 240), np.float32)
    cv2.circle(image, (120, 80), 24, 1.0, -1, cv2.LINE_AA)
    matrix = geometry.crop_to_source(np.array([60, 20, 180, 140]), size, 1.2)
    crop = geometry.warp(image, matrix, size)
    rows, columns = np.mgrid[:size, :size]
    centroid = np.array([[(crop * columns).sum(), (crop * rows).sum()]]) / crop.sum()
    assert np.allclose(geometry.apply(matrix, centroid), [[120, 80]], atol=0.35)


@pytest.mark.parametrize("box", [[5, 5, 5, 5], [np.nan] * 4, [9, 9, 1, 1]])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(ValueError, match="no area"):
        geometry.crop_to_source(np.array(box, float), 64, 1.25)


def test_bounding_box_ignores_unlabelled_points():
    xy = np.array([[[1, 2], [np.nan, np.nan], [5, -3]], [[np.nan] * 2] * 3])
    boxes = geometry.bounding_box(xy)
    assert boxes[0].tolist() == [1, -3, 5, 2]
    assert np.isnan(boxes[1]).all()
