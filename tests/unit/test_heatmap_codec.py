"""Heat maps to points and points to crop pixels, against Gaussians whose centre is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from thermark.train.codecs.heatmap import METHODS, Heatmap, to_crop, to_map
from thermark.train.losses import Targets, mse

SIGMA = 2.0
inside = st.floats(8, 55, allow_nan=False)


def gaussian(x: float, y: float, height: float = 1.0, size: int = 64) -> torch.Tensor:
    """Return a map (1, 1, size, size) with its summit at (x, y)."""
    row, column = np.mgrid[:size, :size]
    bell = height * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * SIGMA**2))
    return torch.tensor(bell[None, None], dtype=torch.float32)


@given(x=inside, y=inside, height=st.floats(0.05, 3), floor=st.floats(-0.02, 0.02))
@settings(max_examples=60)
def test_a_gaussian_is_found_where_it_is(x, y, height, floor):
    points = {method: Heatmap(SIGMA, method).decode(gaussian(x, y, height))[0][0, 0].numpy() for method in METHODS}
    assert np.abs(points["argmax"] - (x, y)).max() <= 0.5 + 1e-3
    assert (points["argmax"] == np.round(points["argmax"])).all()
    assert np.abs(points["dark"] - (x, y)).max() < 0.05
    assert np.abs(points["soft_argmax"] - (x, y)).max() < 0.02
    # A background moves the places of pixels but not the summit; DARK's logarithm does feel it.
    raised, _ = Heatmap(SIGMA, "soft_argmax").decode(gaussian(x, y, height) + floor)
    assert np.abs(raised[0, 0].numpy() - (x, y)).max() < 0.02


@pytest.mark.parametrize("method", ["dark", "soft_argmax"])
def test_noise_does_not_draw_the_point_aside(method):
    rng = np.random.default_rng(0)
    maps = gaussian(30.3, 20.8) + torch.tensor(rng.normal(0, 0.02, (400, 1, 64, 64)), dtype=torch.float32)
    xy, _ = Heatmap(SIGMA, method).decode(maps)
    gap = xy[:, 0].numpy() - (30.3, 20.8)
    assert np.abs(gap.mean(axis=0)).max() < 0.06
    pixel, _ = Heatmap(SIGMA, "argmax").decode(maps)
    rounded = pixel[:, 0].numpy() - (30.3, 20.8)
    assert np.hypot(*gap.T).mean() < 0.8 * np.hypot(*rounded.T).mean()


@pytest.mark.parametrize("method", METHODS)
def test_a_second_summit_further_away_changes_nothing(method):
    alone, _ = Heatmap(SIGMA, method).decode(gaussian(20.4, 31.3))
    both, score = Heatmap(SIGMA, method).decode(torch.maximum(gaussian(20.4, 31.3), gaussian(45, 12, 0.9)))
    torch.testing.assert_close(both, alone, atol=1e-3, rtol=0)
    assert score[0, 0] == gaussian(20.4, 31.3).max()


def test_the_first_of_equal_pixels_is_taken():
    maps = torch.zeros(1, 1, 6, 8)
    maps[0, 0, 2, 5] = maps[0, 0, 4, 1] = 0.7
    xy, score = Heatmap(SIGMA, "argmax").decode(maps)
    assert xy.tolist() == [[[5.0, 2.0]]] and score.item() == pytest.approx(0.7)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_without_a_summit_is_a_miss_and_only_that_one(method):
    maps = gaussian(30, 20).repeat(2, 3, 1, 1)
    maps[0, 0] = 0.4
    maps[0, 1, 63, 63] = torch.nan
    maps[1, 2, 0, 0] = -torch.inf
    xy, score = Heatmap(SIGMA, method).decode(maps)
    missed = np.array([[True, True, False], [False, False, True]])
    assert (xy.isnan().any(dim=-1).numpy() == missed).all() and (score.isnan().numpy() == missed).all()
    assert np.abs(xy.numpy()[~missed] - (30, 20)).max() < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_a_map_below_zero_still_points(method):
    xy, score = Heatmap(SIGMA, method).decode(gaussian(30, 20) - 2)
    assert np.abs(xy[0, 0].numpy() - (30, 20)).max() < 0.01
    assert score.item() == pytest.approx(-1)


def test_a_step_that_leads_away_is_not_taken():
    # A plateau with a lone pixel: the blurred map has next to no curvature.
    flat = torch.linspace(0.9, 0.99, 64).repeat(64, 1)[None, None].clone()
    flat[0, 0, 30, 30] = 1.0
    xy, _ = Heatmap(SIGMA, "dark").decode(flat)
    assert (xy[0, 0] - torch.tensor([30.0, 30.0])).norm() <= SIGMA


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [(0, 0), (63, 63), (0, 40), (12, 63)])
def test_points_at_the_border_are_found(method, place):
    xy, _ = Heatmap(SIGMA, method).decode(gaussian(*place))
    assert np.abs(xy[0, 0].numpy() - place).max() < 0.51


def test_many_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(1)
    maps = torch.cat([gaussian(*rng.uniform(5, 58, 2), height) for height in rng.uniform(0.2, 1, 6)])
    maps = (maps + 0.05 * torch.tensor(rng.normal(size=maps.shape), dtype=torch.float32)).reshape(3, 2, 64, 64)
    for method in METHODS:
        together, scores = Heatmap(SIGMA, method).decode(maps)
        for row in range(3):
            alone, score = Heatmap(SIGMA, method).decode(maps[row : row + 1])
            torch.testing.assert_close(alone[0], together[row], atol=1e-4, rtol=0)
            torch.testing.assert_close(score[0], scores[row])


def test_pixel_i_lies_on_four_i_from_the_outline():
    # The outline of a crop is half a pixel before the centre of its first pixel.
    pixel = np.array([[0.0, 0], [1, 2], [63, 10.25]])
    np.testing.assert_allclose(to_crop(pixel, 256, 64), [[-0.5, -0.5], [3.5, 7.5], [251.5, 40.5]])


@given(x=st.floats(-50, 400), y=st.floats(-50, 400), side=st.sampled_from([128, 192, 256]))
def test_there_and_back(x, y, side):
    xy = np.array([x, y])
    np.testing.assert_allclose(to_crop(to_map(xy, side, 64), side, 64), xy, atol=1e-9)
    tensor = torch.tensor(xy)
    torch.testing.assert_close(to_map(tensor, side, 64), torch.from_numpy(to_map(xy, side, 64)))


def test_a_label_is_a_gaussian_around_its_exact_place():
    points = torch.tensor([[[10.25, 50.5], [torch.nan, 3.0]]])
    (maps,), _ = Heatmap(SIGMA).encode(points, torch.ones(1, 2))
    for x, y in ((10, 50), (12, 48), (0, 63)):
        assert maps[0, y, x].item() == pytest.approx(np.exp(-((x - 10.25) ** 2 + (y - 50.5) ** 2) / 8), abs=1e-6)
    assert maps[1].abs().sum() == 0


def test_the_loss_is_the_mean_over_labelled_maps():
    maps, xy = torch.rand(4, 2, 8, 8), torch.rand(4, 2, 2) * 8
    known = torch.tensor([[1.0, 0], [1, 1], [0, 0], [0, 1]])
    codec = Heatmap(SIGMA, size=8)
    labels, _ = codec.encode(xy, known)
    wanted = F.mse_loss(maps[known > 0], labels[known > 0]).item()
    assert mse.loss(maps, Targets(xy, known), codec).item() == pytest.approx(wanted)
