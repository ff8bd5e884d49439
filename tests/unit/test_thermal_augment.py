"""Random thermal cameras: each term by hand, streams of their own, and nothing by default."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import geometry, seeds
from thermark.core.shards import Shards
from thermark.train import augment, data, pairs, thermal
from thermark.train.augment import PLAIN, Augment, BoxVariation, ViewGeometry
from thermark.train.data import Samples
from thermark.train.thermal import Thermal

ALL = Thermal(
    patch_p=1,
    motion_p=1,
    coarse_p=1,
    shading_p=1,
    stripes_p=1,
    local_p=1,
    tone_p=1,
    gamma=2,
    invert_p=1,
    compress_p=1,
)


def picture(side: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (100 + 60 * np.sin(rows / 9) + 40 * np.cos(columns / 7)).astype(np.uint8)


def samples(count: int = 6, colour: bool = False) -> Samples:
    pixels = seeds.rng(3).integers(0, 256, (count, 96, 96, 3) if colour else (count, 96, 96), np.uint8)
    return Samples(
        size=64,
        padding=1.25,
        crops=(Shards((pixels,)),),
        to_crop=(np.array([[1.0, 0, 16], [0, 1.0, 16]]),),
        origins=np.stack([np.zeros(count, int), np.arange(count)], axis=1),
        xy=seeds.rng(4).uniform(10, 50, (count, 3, 2)),
        weight=np.ones((count, 3), np.float32),
        flip=np.arange(3),
    )


def streams(index: int):
    return [seeds.rng(1, name, index) for name in ("covers", "sensor", "tone")]


def test_nothing_is_on_by_default_and_old_views_and_pictures_stay():
    assert not Thermal().active and not Augment().reframes and Augment().thermal == Thermal()
    # A batch with each new term at rest is that without: other streams were not touched.
    plain = data.assemble(samples(), np.arange(6), 5, 2, Augment())
    other = Augment(thermal=Thermal(patches=7, coarse=(2.0, 6.0)), boxes=BoxVariation(larger=(1.1, 1.2)))
    again = data.assemble(samples(), np.arange(6), 5, 2, other)
    np.testing.assert_array_equal(plain.images, again.images)
    np.testing.assert_array_equal(plain.xy, again.xy)


def test_other_cameras_move_no_point_and_leave_colour_alone():
    rows, limits = np.arange(6), Augment(thermal=ALL)
    plain, other = (data.assemble(samples(), rows, 5, 2, each) for each in (Augment(), limits))
    np.testing.assert_array_equal(plain.xy, other.xy)
    assert (plain.images != other.images).any(axis=(1, 2)).all()
    colour = [data.assemble(samples(colour=True), rows, 5, 2, each).images for each in (Augment(), limits)]
    np.testing.assert_array_equal(*colour)


def test_a_picture_depends_on_its_row_and_not_on_its_place_in_the_batch():
    limits = Augment(thermal=ALL, boxes=BoxVariation(p=0.5), aspect=0.1)
    whole = data.assemble(samples(), np.arange(6), 5, 2, limits)
    part = data.assemble(samples(), np.array([4, 1]), 5, 2, limits)
    np.testing.assert_array_equal(whole.images[[4, 1]], part.images)
    assert (whole.images != data.assemble(samples(), np.arange(6), 5, 3, limits).images).any(axis=(1, 2)).all()


def test_turning_one_term_on_leaves_what_the_others_draw():
    """Ablations compare like with like: without stripes the same tone and the same patches."""
    for index in range(10):
        tone = Thermal(tone_p=1, gamma=2, invert_p=0.5)
        both = Thermal(tone_p=1, gamma=2, invert_p=0.5, stripes_p=1, stripes=0.0)
        np.testing.assert_array_equal(
            thermal.camera(picture(), *streams(index), tone), thermal.camera(picture(), *streams(index), both)
        )


@given(st.integers(0, 10_000), st.integers(3, 80), st.integers(3, 80))
def test_every_camera_shows_a_picture_of_the_same_kind(index, height, width):
    image = seeds.rng(0, index).integers(0, 256, (height, width), np.uint8)
    before = image.copy()
    made = thermal.compressed(thermal.camera(image, *streams(index), ALL), seeds.rng(9, index), ALL)
    assert made.shape == image.shape and made.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_tone_curve_rises_from_black_to_white(steps):
    levels = np.arange(256) / 255
    curved = thermal.curve(levels, np.array(steps))
    assert (np.diff(curved) > 0).all() and curved[0] == 0 and curved[-1] == pytest.approx(1)


def test_a_tone_curve_by_hand():
    # Two pieces: 0.15 + 0.85 * 1 = 1 and 0.15, so that the middle is at 1 / 1.15.
    assert thermal.curve(np.array([0.0, 0.25, 0.5, 1.0]), np.array([1.0, 0.0])) == pytest.approx(
        [0, 0.5 / 1.15, 1 / 1.15, 1]
    )


def test_inverted_polarity_is_the_negative_and_gamma_is_a_power():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    flipped = thermal.gained(image, seeds.rng(0), Thermal(invert_p=1))
    np.testing.assert_array_equal(flipped, 255 - image)
    powers = []
    for index in range(300):
        values = thermal.gained(image, seeds.rng(0, index), Thermal(gamma=2)).ravel() / 255
        powers.append(np.log(values[128]) / np.log(128 / 255))
    assert min(powers) == pytest.approx(0.5, abs=0.02) and max(powers) == pytest.approx(2, abs=0.03)
    assert np.median(powers) == pytest.approx(1, abs=0.15)  # even in its logarithm


def test_motion_is_a_mean_along_a_line():
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 90
    np.testing.assert_array_equal(thermal.smeared(image, 0.0, 2.5)[4], [0, 0, 0, 30, 30, 30, 0, 0, 0])
    np.testing.assert_array_equal(thermal.smeared(image, np.pi / 2, 2.5)[:, 4], [0, 0, 0, 30, 30, 30, 0, 0, 0])
    assert thermal.smeared(image, 1.0, 0.9) is image
    flat = np.full((7, 5), 201, np.uint8)
    np.testing.assert_array_equal(thermal.smeared(flat, 0.4, 6), flat)


def test_a_small_sensor_means_over_its_pixels_and_is_enlarged():
    image = np.kron(np.array([[10, 30], [50, 90]], np.uint8), np.ones((4, 4), np.uint8))
    small = thermal.reduced(image, 4.0)
    np.testing.assert_array_equal(small, [[10, 30], [50, 90]])
    assert thermal.enlarged(small, (8, 8), smooth=True).shape == (8, 8)
    assert thermal.reduced(image, 1.0) is image and thermal.enlarged(image, image.shape, smooth=False) is image
    # Nothing moves: the middle of a blob stays where it is, whatever the sensor.
    rows, columns = np.mgrid[:96, :96]
    blob = (255 * np.exp(-((columns - 40.0) ** 2 + (rows - 52.0) ** 2) / 90)).astype(np.uint8)
    for factor in (2.0, 3.3, 6.0):
        seen = thermal.enlarged(thermal.reduced(blob, factor), blob.shape, smooth=False).astype(float)
        assert (columns * seen).sum() / seen.sum() == pytest.approx(40, abs=0.1)
        assert (rows * seen).sum() / seen.sum() == pytest.approx(52, abs=0.1)


def test_shading_goes_through_its_knots_and_is_smooth():
    field = np.array([[0.1, 0.2], [0.0, -0.1]])
    shaded = thermal.shaded(np.full((101, 101), 100, np.uint8), field).astype(int) - 100
    corners = shaded[[0, 0, -1, -1], [0, -1, 0, -1]] / 255
    assert corners == pytest.approx(field.ravel(), abs=0.003)
    assert shaded[50, 50] / 255 == pytest.approx(field.mean(), abs=0.003)
    assert np.abs(np.diff(shaded, axis=0)).max() <= 2 and np.abs(np.diff(shaded, axis=1)).max() <= 2
    assert thermal.blend(17, 4).sum(axis=1) == pytest.approx(np.ones(17))


def test_stripes_are_rows_or_columns_and_are_cut_at_white():
    image = np.full((2, 3), 250, np.uint8)
    np.testing.assert_array_equal(
        thermal.striped(image, np.array([1, -10, 0]) / 255, rows=True), [[251] * 3, [240] * 3]
    )
    np.testing.assert_array_equal(
        thermal.striped(image, np.array([1, -10, 20]) / 255, rows=False), [[251, 240, 255]] * 2
    )


def test_patches_are_of_any_level_within_their_sides():
    how, levels, sizes = Thermal(patches=1, patch=(0.25, 0.5)), set(), []
    for index in range(300):
        image = np.full((80, 80), 7, np.uint8)
        covered = thermal.patched(image, seeds.rng(0, index), how) != 7
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        if len(rows):
            sizes += [rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1]
        levels.add(int(thermal.patched(image, seeds.rng(0, index), how).max()) // 32)
        assert (image == 7).all()
    assert min(sizes) >= 18 and max(sizes) <= 41  # a rough surface may show the old level at a side
    assert levels == set(range(8))


def test_compression_is_jpeg_of_a_quality_within_bounds():
    image = picture()
    how = Thermal(compress_p=1, quality=(70, 70))
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    np.testing.assert_array_equal(
        thermal.compressed(image, seeds.rng(0), how), cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    )
    assert thermal.compressed(image, seeds.rng(0), Thermal()) is image


def test_another_convention_of_boxes_shrinks_the_face_and_moves_it_the_other_way():
    """A box of 1.25 times the side that is 0.04 sides further up shows the face 0.8 times as large and lower."""
    limits = Augment(boxes=BoxVariation(p=1, larger=(1.25, 1.25), down=(-0.04, -0.04)))
    view = augment.reframed(PLAIN, seeds.rng(0), limits)
    assert view == ViewGeometry(False, 0.8, 0.0, (0.0, 0.04), None)
    middle = np.array([[49.5, 49.5]])
    seen = geometry.apply(geometry.invert(augment.matrix(view, 100)), middle)
    assert seen == pytest.approx(np.array([[49.5, 49.5 + 0.8 * 4]]))


def test_aspect_stretches_one_axis_and_shrinks_the_other():
    view = ViewGeometry(False, 1.0, 0.0, (0.0, 0.0), None, 1.25)
    ends = np.array([[49.5 + 20, 49.5], [49.5, 49.5 + 20]])
    seen = geometry.apply(geometry.invert(augment.matrix(view, 100)), ends)
    assert seen == pytest.approx(np.array([[49.5 + 25, 49.5], [49.5, 49.5 + 16]]))
    drawn = [augment.reframed(PLAIN, seeds.rng(0, at), Augment(aspect=0.2)).stretch for at in range(500)]
    assert 0.8 <= min(drawn) < 0.81 and 1.19 < max(drawn) <= 1.2


def test_pixels_and_points_move_together_under_new_views():
    rows, columns = np.mgrid[:96, :96]
    xy = np.array([[40.0, 55.0]])
    blob = (255 * np.exp(-((columns - 40.0) ** 2 + (rows - 55.0) ** 2) / 18)).astype(np.uint8)
    limits = Augment(aspect=0.2, boxes=BoxVariation(p=0.7))
    for index in range(20):
        view = augment.reframed(augment.draw(seeds.rng(0, index), limits), seeds.rng(1, index), limits)
        to_plain = augment.matrix(view, 96)
        seen = geometry.warp(blob, to_plain, 96).astype(float)
        centre = [(columns * seen).sum() / seen.sum(), (rows * seen).sum() / seen.sum()]
        assert geometry.apply(geometry.invert(to_plain), xy)[0] == pytest.approx(centre, abs=0.2)


def test_a_teacher_sees_the_same_place_and_no_other_camera():
    """With light at rest a grey teacher's picture is the student's; other cameras change the latter alone."""
    still = {"brightness": 0.0, "contrast": 0.0, "blur_p": 0.0, "noise_p": 0.0, "aspect": 0.2, "hole_p": 0.5}
    plain, other = (
        pairs.assemble(
            samples(),
            samples(),
            np.arange(6),
            5,
            2,
            Augment(**still, boxes=BoxVariation(p=1), thermal=Thermal(**options)),
        )
        for options in ({}, {"tone_p": 1.0, "invert_p": 1.0, "patch_p": 1.0})
    )
    np.testing.assert_array_equal(plain.teacher, plain.student.images)
    np.testing.assert_array_equal(plain.teacher, other.teacher)
    np.testing.assert_array_equal(plain.student.xy, other.student.xy)
    assert (other.student.images != plain.student.images).any(axis=(1, 2)).all()
    upright = pairs.assemble(samples(), samples(), np.arange(6), 5, 2, Augment(**still | {"aspect": 0.0}))
    assert not np.array_equal(upright.teacher, plain.teacher)
