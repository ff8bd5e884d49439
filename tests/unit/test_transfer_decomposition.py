"""What an error on a real camera is made of, on faces whose errors are put together from known parts."""

import numpy as np
import pytest

from camera_faces import NAMES, faces_of, predictions_of, shape
from thermark.report.transfer import camera_scores, page

EYES = 40.0  # px, of camera_faces.shape


def decomposed(xy, guess):
    faces = faces_of(xy)
    return camera_scores.in_boxes(faces, [predictions_of(faces, guess)])["decomposition"]


def rows(prefix, numbers):
    return [NAMES.index(f"{prefix}_{number}") for number in numbers if f"{prefix}_{number}" in NAMES]


def test_a_face_in_the_wrong_place_has_no_error_once_it_is_moved():
    xy = np.stack([shape(seed) for seed in range(6)])
    parts = decomposed(xy, xy + np.float32([6, -8]))
    assert parts["moved"] == pytest.approx(0, abs=1e-6) and parts["aligned"] == pytest.approx(0, abs=1e-6)


def test_a_face_that_is_turned_and_scaled_needs_more_than_a_move():
    xy = np.stack([shape(seed) for seed in range(6)])
    c, s = 1.1 * np.cos(0.1), 1.1 * np.sin(0.1)
    parts = decomposed(xy, xy @ np.float32([[c, s], [-s, c]]) + 30)
    assert parts["moved"] > 0.05 and parts["aligned"] == pytest.approx(0, abs=1e-5)


def test_points_that_are_defined_otherwise_differ_by_a_constant_in_the_axes_of_the_face():
    """The faces are rolled and of several sizes: an offset in px would be constant in none of them."""
    offset = np.random.default_rng(5).normal(0, 4, (54, 2))
    xy, guess = [], []
    for number in range(9):
        c, s = (1 + number / 4) * np.cos(number), (1 + number / 4) * np.sin(number)
        turn = np.array([[c, s], [-s, c]])
        xy.append(shape(number) @ turn)
        guess.append((shape(number) + offset) @ turn)
    parts = decomposed(np.stack(xy), np.stack(guess))
    assert parts["moved"] > 0.05 and parts["offset"] == pytest.approx(0, abs=1e-5)


def test_no_offset_is_fitted_on_the_person_whom_it_is_taken_from():
    """Three people, of whom one has points somewhere else: neither they nor the others gain by the mean."""
    xy = np.stack([shape(number) for number in range(9)])
    guess = xy.copy()
    guess[0::3] += np.float32([9, 0])  # the first person's faces
    # The first person is compared with the others' offset, none; the others with half of the first one's.
    assert decomposed(xy, guess)["offset"] == pytest.approx((9 + 4.5 + 4.5) / 3 / EYES, abs=1e-6)


@pytest.mark.parametrize(("tip", "hidden"), [(115, range(9, 17)), (85, range(8))])
def test_the_far_side_of_the_jaw_is_the_one_that_a_turned_head_hides(tip, hidden):
    """The nose of a head that is turned to its own left is image-right of the eyes' middle."""
    xy = shape()
    xy[NAMES.index("nose_bridge_3"), 0] = tip
    guess, near = xy.copy(), [number for number in range(17) if number not in hidden and number != 8]
    far = rows("jaw", hidden)
    assert len(far) == 8
    guess[far, 1] += 12
    guess[rows("jaw", near), 1] += 4
    guess[rows("jaw", [8])] += 40  # the chin is of neither side
    parts = decomposed(np.stack([xy, xy]), np.stack([guess, guess]))
    assert {name: round(parts[name] * EYES, 4) for name in ("far_jaw", "near_jaw", "rest")} == {
        "far_jaw": 12,
        "near_jaw": 4,
        "rest": 0,
    }


def test_faces_that_look_ahead_have_no_sides_and_misses_are_left_out():
    xy = np.stack([shape(seed) for seed in range(4)])
    guess = xy + np.float32([6, -8])
    guess[1] = np.nan
    parts = decomposed(xy, guess)
    assert set(parts) == {"moved", "aligned", "offset"} and parts["moved"] == pytest.approx(0, abs=1e-6)
    cells = page.decomposed({"x": {"decomposition": parts}}).splitlines()[-1].strip("|").split("|")
    assert [cell.strip() for cell in cells[4:]] == ["–"] * 3


def test_a_contestant_without_a_face_has_no_parts():
    xy = np.stack([shape(seed) for seed in range(3)])
    faces = faces_of(xy)
    numbers = camera_scores.in_boxes(faces, [predictions_of(faces, np.full_like(xy, np.nan))])
    assert "decomposition" not in numbers and page.decomposed({"x": numbers}) == ""


def test_every_part_has_a_column():
    xy = np.stack([shape()] * 2)
    xy[:, NAMES.index("nose_bridge_3"), 0] = 115
    assert set(page.DECOMPOSITION) == set(decomposed(xy, xy + 1))
