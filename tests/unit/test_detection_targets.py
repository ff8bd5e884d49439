"""Which cells answer for which faces."""

import numpy as np
import pytest
import torch

from thermark.core import seeds
from thermark.nets import face_detector
from thermark.train.detection import targets
from thermark.train.detection.targets import ANYTHING, FACE, NOTHING

SIZE = (160, 128)
GRID = targets.grid(*SIZE)


def assigned(*boxes, ignored=()):
    table = np.array(boxes, np.float32).reshape(-1, 4)
    left_out = np.isin(np.arange(len(table)), ignored)
    return targets.assigned(table, left_out, *GRID)


def test_cells_are_those_of_the_network():
    centres, strides = face_detector.cells(torch.zeros(1, 1, SIZE[1], SIZE[0]))
    np.testing.assert_array_equal(GRID[0], centres)
    np.testing.assert_array_equal(GRID[1], strides)
    # 20 x 16 cells of 8 px, of which the first covers pixels 0..7: its middle is 3.5.
    assert len(GRID[0]) == 20 * 16 + 10 * 8 + 5 * 4 and GRID[0][0].tolist() == [3.5, 3.5]
    assert GRID[0][20 * 16].tolist() == [7.5, 7.5] and GRID[0][21].tolist() == [11.5, 11.5]


def test_a_small_face_is_answered_by_the_cells_about_its_middle():
    kinds, boxes = assigned([40, 40, 60, 64])  # middle (50, 52)
    rows = np.flatnonzero(kinds == FACE)
    # Centres 43.5, 51.5 and 59.5 along x, 43.5, 51.5 and 59.5 along y are within 12 px of the middle and inside.
    assert sorted(map(tuple, GRID[0][rows].tolist())) == [
        (x, y) for x in (43.5, 51.5, 59.5) for y in (43.5, 51.5, 59.5)
    ]
    assert (boxes[rows] == np.float32([40, 40, 60, 64])).all() and not boxes[kinds != FACE].any()
    assert (kinds[kinds != FACE] == NOTHING).all()


@pytest.mark.parametrize(
    ("side", "strides"), [(30, {8}), (63, {8, 16}), (66, {8, 16}), (100, {16}), (126, {16, 32}), (200, {32})]
)
def test_faces_belong_to_the_grid_of_their_size(side, strides):
    kinds, _ = assigned([60 - side / 2, 60 - side / 2, 60 + side / 2, 60 + side / 2])
    assert {*GRID[1][kinds == FACE]} == strides


def test_every_face_of_any_size_and_place_is_answered_for():
    rng = seeds.rng(0, "faces")
    for _ in range(300):
        size = np.exp(rng.uniform(np.log(12), np.log(220))) * np.array([rng.uniform(0.8, 1), 1])
        middle = rng.uniform([2, 2], [SIZE[0] - 3, SIZE[1] - 3])
        kinds, _ = assigned([*(middle - size / 2), *(middle + size / 2)])
        assert (kinds == FACE).any(), (middle, size)


def test_of_two_faces_about_one_cell_the_smaller_one_is_answered_for():
    large, small = [30, 30, 80, 80], [45, 45, 65, 65]
    for order in ([large, small], [small, large]):
        kinds, boxes = assigned(*order)
        cell = np.flatnonzero((GRID[0] == [51.5, 51.5]).all(axis=1))
        assert kinds[cell] == FACE and (boxes[cell] == np.float32(small)).all()


def test_an_ignored_face_is_nobodys_business_and_takes_nothing_from_another():
    kinds, _ = assigned([40, 40, 80, 80], ignored=[0])
    inside = ((GRID[0] > 40) & (GRID[0] < 80)).all(axis=1)
    assert (kinds[inside] == ANYTHING).all() and (kinds[~inside] == NOTHING).all()
    kinds, boxes = assigned([40, 40, 80, 80], [50, 50, 72, 72], ignored=[0])
    faces = boxes[kinds == FACE]
    assert len(faces) and (faces == np.float32([50, 50, 72, 72])).all()
    assert not assigned().kinds.any()
