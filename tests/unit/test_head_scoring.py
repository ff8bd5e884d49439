"""Errors in crop and in frame pixels, by hand."""

import numpy as np
import pytest

from thermark.fewshot import scoring
from thermark.train.codecs.heatmap import Heatmap, to_crop, to_map

# Twice as wide, half as high in the frame, and somewhere else.
STRETCHED = np.array([[2.0, 0, 100], [0, 0.5, -7]])


def repeated(to_frame: np.ndarray, count: int) -> np.ndarray:
    return np.repeat(to_frame[None], count, axis=0)


def test_numbers_by_hand():
    gap = np.array([[3.0, 4], [0, 2], [np.nan, np.nan], [0, 30]])[:, None]
    numbers = scoring.numbers(gap, repeated(STRETCHED, 4))
    wanted = {"crops": 4, "missed": 1, "crop_mean": 37 / 3, "crop_median": 5}
    wanted |= {"crop_pck@3": 1 / 4, "crop_pck@5": 2 / 4, "crop_pck@10": 2 / 4, "crop_pck@20": 2 / 4}
    native = [np.hypot(6, 2), 1.0, 15.0]
    wanted |= {"native_mean": np.mean(native), "native_median": native[0]}
    wanted |= {"native_pck@3": 1 / 4, "native_pck@5": 1 / 4, "native_pck@10": 2 / 4, "native_pck@20": 3 / 4}
    assert numbers == pytest.approx(wanted)


def test_each_crop_has_its_own_scale_and_a_map_may_turn():
    turned = np.array([[0.0, -3, 5], [3, 0, 9]])
    numbers = scoring.numbers(np.full((2, 1, 2), [3.0, 4]), np.stack([STRETCHED, turned]))
    assert numbers["crop_mean"] == numbers["crop_median"] == 5
    assert numbers["native_mean"] == pytest.approx((np.hypot(6, 2) + 15) / 2)


def test_what_has_no_label_is_neither_missed_nor_counted():
    gap = np.array([[[1.0, 0], [np.nan, np.nan]], [[np.nan, np.nan], [np.nan, np.nan]], [[0, 3], [8, 0]]])
    labelled = np.array([[True, False], [False, False], [True, True]])
    numbers = scoring.numbers(gap, repeated(np.eye(2, 3), 3), labelled)
    assert (numbers["crops"], numbers["missed"]) == (2, 0)
    assert numbers["crop_mean"] == 4 and numbers["crop_pck@5"] == pytest.approx(2 / 3)
    labelled[1, 0] = True
    numbers = scoring.numbers(gap, repeated(np.eye(2, 3), 3), labelled)
    assert (numbers["crops"], numbers["missed"], numbers["crop_mean"]) == (3, 1, 4)
    assert numbers["crop_pck@5"] == 2 / 4


def test_with_misses_alone_there_is_no_mean_and_pck_is_nothing():
    numbers = scoring.numbers(np.full((3, 1, 2), np.nan), repeated(STRETCHED, 3))
    assert numbers["missed"] == 3 and "crop_mean" not in numbers and "native_median" not in numbers
    assert numbers["crop_pck@20"] == numbers["native_pck@20"] == 0
    assert scoring.numbers(np.zeros((0, 1, 2)), np.zeros((0, 2, 3))) == {"crops": 0, "missed": 0}


def test_rounding_costs_a_pixel_and_a_half_of_a_crop():
    # Known: the mean distance from the centre of a square of side a to its points is 0.382598 a.
    xy = np.random.default_rng(0).uniform(20, 230, (20_000, 1, 2))
    numbers = scoring.quantisation(xy, 256, 64, repeated(STRETCHED, len(xy)))
    assert numbers["crop_mean"] == pytest.approx(0.382598 * 4, rel=0.01)
    assert numbers["crop_pck@3"] == 1 and numbers["missed"] == 0
    assert numbers["native_mean"] > 1.2 * numbers["crop_mean"]


def test_rounding_is_what_argmax_makes_of_a_perfect_map():
    torch = pytest.importorskip("torch")

    rng = np.random.default_rng(1)
    xy = rng.uniform(-0.5, 255.5, (40, 2, 2))
    xy[0] = [[7.5, 9.5], [5.5, 13.5]]  # on pixels of the map, and half-way between them
    xy[3, 1] = np.nan
    maps = Heatmap(2.0).encode(torch.from_numpy(to_map(xy, 256, 64)).float(), torch.ones(xy.shape[:2]))[0]
    pixel, _ = Heatmap(2.0).decode(maps)
    gap = to_crop(pixel.numpy().astype(float), 256, 64) - xy
    wanted = scoring.numbers(gap, repeated(STRETCHED, 40), np.isfinite(xy).all(axis=-1))
    assert wanted["missed"] == 0 and wanted["crops"] == 40
    assert scoring.quantisation(xy, 256, 64, repeated(STRETCHED, 40)) == pytest.approx(wanted)
