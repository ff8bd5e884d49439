"""Places of a detected box: where they are, and which of them counts."""

import numpy as np
import pytest

from thermark.landmarker import moved


def test_places_go_up_and_down_by_parts_of_the_height_and_the_first_is_the_box_itself():
    places = moved.moved(np.float32([[10, 20, 50, 120], [0, 0, 10, 10]]))
    assert places.shape == (2, 5, 4) and places[:, 0].tolist() == [[10, 20, 50, 120], [0, 0, 10, 10]]
    assert places[0, :, 1] == pytest.approx([20, 0, 10, 30, 40]) and places[1, :, 3] == pytest.approx(
        [10, 8, 9, 11, 12]
    )
    assert (places[..., ::2] == places[:, :1, ::2]).all()
    assert np.ptp(places[..., 3] - places[..., 1], axis=1) == pytest.approx([0, 0], abs=1e-5)


def test_the_place_with_the_highest_mean_score_counts_and_nan_never_does():
    scores = np.full((4, 5, 2), 0.5)
    scores[1, 3] = [0.4, 0.8]
    scores[2, 0] = [np.nan, 0.99]
    scores[3] = np.nan
    assert moved.surest(scores).tolist() == [0, 3, 1, 0]


def test_no_faces_have_no_places():
    assert moved.moved(np.zeros((0, 4), np.float32)).shape == (0, 5, 4)
    assert moved.surest(np.zeros((0, 5, 68))).shape == (0,)
