"""Views of frames: boxes go where the pixels go."""

import numpy as np
import pytest

from thermark.core import seeds
from thermark.train.detection import augment
from thermark.train.detection.augment import FrameAugment
from thermark.train.detection.frames import LabelledFrame

SIZE = (128, 96)
STILL = {
    "gamma": 0.0,
    "contrast": 0.0,
    "brightness": 0.0,
    "blur_p": 0.0,
    "coarse_p": 0.0,
    "noise_p": 0.0,
    "hole_p": 0.0,
}
GEOMETRY = FrameAugment(invert_p=0.0, paste_p=0.0, **STILL)


def marked(box=(30, 20, 59, 49), width: int = 160, height: int = 120) -> LabelledFrame:
    """Return a dark frame with a bright rectangle that covers the pixels of its box."""
    image = np.full((height, width), 20, np.uint8)
    x1, y1, x2, y2 = box
    image[y1 : y2 + 1, x1 : x2 + 1] = 220
    outline = np.array([[x1 - 0.5, y1 - 0.5, x2 + 0.5, y2 + 0.5]], np.float32)
    return LabelledFrame(image, outline, np.zeros(1, bool))


def nobody(level: int = 20) -> LabelledFrame:
    return LabelledFrame(np.full((120, 160), level, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, bool))


def bright(image: np.ndarray) -> np.ndarray:
    """Return the outline of what is brighter than half-way between the two levels, to a part of a pixel."""
    share = np.clip((image.astype(float) - 20) / 200, 0, 1)
    columns, rows = share.max(axis=0), share.max(axis=1)
    ends = []
    for profile in (columns, rows):
        inside = np.flatnonzero(profile > 0.02)
        low, high = inside[0], inside[-1]
        # The outermost pixel is covered by as much as it is bright.
        ends.append((low + 0.5 - profile[low], high - 0.5 + profile[high]))
    return np.array([ends[0][0], ends[1][0], ends[0][1], ends[1][1]])


@pytest.mark.parametrize("seed", range(40))
def test_boxes_go_where_the_pixels_go(seed):
    rng = seeds.rng(seed, "view")
    seen = augment.view(marked(), nobody(), SIZE, rng, GEOMETRY)
    assert seen.image.shape == SIZE[::-1] and seen.image.dtype == np.uint8
    [box] = seen.boxes
    if (box[:2] < 1).any() or (box[2:] > np.array(SIZE) - 2).any():
        return  # cut off: below
    image = np.where(np.abs(seen.image.astype(int) - 20) < 4, 20, seen.image)
    if seen.image[0, 0] != 20 or seen.image[-1, -1] != 20:
        x1, y1, x2, y2 = np.rint(box).astype(int) + np.array([-4, -4, 5, 5])  # beside the frame is grey
        mask = np.full_like(image, 20)
        mask[max(y1, 0) : y2, max(x1, 0) : x2] = image[max(y1, 0) : y2, max(x1, 0) : x2]
        image = mask
    scale = (box[3] - box[1]) / 30
    np.testing.assert_allclose(box, bright(image), atol=0.3 if scale <= 1 else 0.3 + scale / 2)


def test_most_of_those_views_are_looked_at():
    boxes = [augment.view(marked(), nobody(), SIZE, seeds.rng(seed, "view"), GEOMETRY).boxes for seed in range(40)]
    whole = [len(b) == 1 and (b[0][:2] >= 1).all() and (b[0][2:] <= np.array(SIZE) - 2).all() for b in boxes]
    assert np.mean(whole) > 0.5
    heights = [float(b[0][3] - b[0][1]) for b in boxes]
    assert min(heights) < 24 and max(heights) >= 55  # zoom is bounded by 2


def test_a_view_depends_on_the_generator_alone_and_changes_nothing():
    one, other = marked(), marked((80, 60, 119, 99))
    before = one.image.copy(), one.boxes.copy()
    views = [augment.view(one, other, SIZE, seeds.rng(3, "v"), FrameAugment()) for _ in range(2)]
    np.testing.assert_array_equal(views[0].image, views[1].image)
    np.testing.assert_array_equal(views[0].boxes, views[1].boxes)
    np.testing.assert_array_equal(one.image, before[0])
    np.testing.assert_array_equal(one.boxes, before[1])


def test_a_mirrored_frame_mirrored_again_is_the_frame():
    flip = FrameAugment(flip_p=1.0, invert_p=0.0, **STILL)
    once = augment.toned(marked(), seeds.rng(0), flip)
    assert once.boxes[0].tolist() == [159 - 59.5, 19.5, 159 - 29.5, 49.5]
    assert (once.image[30, 100:130] == 220).all() and once.image[30, 99] == 20
    twice = augment.toned(once, seeds.rng(0), flip)
    np.testing.assert_array_equal(twice.image, marked().image)
    np.testing.assert_array_equal(twice.boxes, marked().boxes)


def test_the_other_polarity_is_255_less():
    invert = FrameAugment(flip_p=0.0, invert_p=1.0, **STILL)
    np.testing.assert_array_equal(augment.toned(marked(), seeds.rng(0), invert).image, 255 - marked().image)


def test_a_face_beyond_the_edge_counts_while_half_of_it_shows():
    frame = marked((0, 20, 29, 49))
    for corner, boxes, ignored in (
        ((0, 0), 1, False),
        ((-14, 0), 1, False),
        ((-16, 0), 1, True),
        ((-30, 0), 0, None),
    ):
        seen, _ = augment.placed(frame, SIZE, 1.0, corner)
        assert len(seen.boxes) == boxes, corner
        if boxes:
            assert seen.ignored.tolist() == [ignored] and seen.boxes[0][0] == -0.5 + corner[0]


def test_what_a_frame_hides_of_the_one_behind_does_not_count():
    back = LabelledFrame(
        np.full(SIZE[::-1], 90, np.uint8),
        np.array([[0, 0, 20, 20], [60, 0, 80, 20], [45, 0, 65, 20], [40, 5, 50, 15]], np.float32) - 0.5,
        np.zeros(4, bool),
    )
    front = LabelledFrame(np.full(SIZE[::-1], 7, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    seen = augment.over(front, (30, 0, 31, 40), back)  # columns 30 to 60
    # The first is free, of the second a column is hidden, of the third 16 columns of 20, the last is gone.
    assert seen.boxes[:, 0].tolist() == [-0.5, 59.5, 44.5] and seen.ignored.tolist() == [False, False, True]
    assert (seen.image[:40, 30:61] == 7).all() and (seen.image == 7).sum() == 40 * 31


def test_a_face_that_gets_too_small_is_ignored():
    seen, _ = augment.placed(marked(), SIZE, 0.3, (5, 5))
    assert seen.ignored.tolist() == [True] and len(seen.boxes) == 1


def test_the_size_below_which_faces_are_ignored_is_that_of_the_settings():
    """A face of 9 px in front, one behind: both count where 8 px are enough, neither where 14 are."""
    fixed = FrameAugment(invert_p=0.0, paste_p=1.0, anchor_p=1.0, heights=(9.0, 9.0), zoom=(0.3, 0.3), **STILL)
    tiny = LabelledFrame(nobody().image, np.array([[70, 50, 77, 57]], np.float32), np.zeros(1, bool))
    for smallest, counted in ((8.0, True), (14.0, False)):
        kinds = set()
        for seed in range(12):
            seen = augment.view(marked(), tiny, SIZE, seeds.rng(seed, "small"), fixed, smallest)
            whole = (seen.boxes[:, :2] >= 0).all(axis=1) & (seen.boxes[:, 2:] < SIZE).all(axis=1)
            kinds |= set(seen.ignored[whole & (np.ptp(seen.boxes[:, 1::2], axis=1) > 8)].tolist())
        assert kinds == {not counted}, smallest


@pytest.mark.parametrize("seed", range(30))
def test_every_view_is_a_picture_with_boxes_that_show(seed):
    seen = augment.view(
        marked(), marked((80, 60, 119, 99)), SIZE, seeds.rng(seed, "any"), FrameAugment(paste_p=1.0)
    )
    assert seen.image.shape == SIZE[::-1] and seen.image.dtype == np.uint8
    assert seen.boxes.shape == (len(seen.ignored), 4) and seen.boxes.dtype == np.float32
    assert np.isfinite(seen.boxes).all() and seen.ignored.dtype == bool
    touching = (seen.boxes[:, 2:] > -0.5).all(axis=1) & (seen.boxes[:, :2] < np.array(SIZE)).all(axis=1)
    assert touching.all()


def test_a_range_the_wrong_way_round_is_refused():
    with pytest.raises(ValueError, match="`zoom` is not from low to high"):
        FrameAugment(zoom=(2.0, 1.0))
