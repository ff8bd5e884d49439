"""The highest place of a map: noise of arithmetic moves it nowhere, and nothing else is taken for noise."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from thermark.nets import peaks
from thermark.train.codecs.heatmap import METHODS, Heatmap
from thermark.train.codecs.simcc import SimCC

RNG = np.random.default_rng(0)


def noisy(values: torch.Tensor, draws: int = 50) -> torch.Tensor:
    """Return copies (draws, ...) of values, each number off by a few of its last digits."""
    off = torch.from_numpy(RNG.uniform(-5e-7, 5e-7, (draws, *values.shape))).float()
    return values * (1 + off)


def test_it_is_the_plain_maximum_where_that_is_clear():
    values = torch.from_numpy(RNG.normal(size=(2000, 64))).float()
    values[torch.arange(2000), values.argmax(dim=-1)] += 1e-3
    top, place = peaks.highest(values)
    assert torch.equal(top, values.max(dim=-1).values) and torch.equal(place, values.argmax(dim=-1))
    assert not peaks.flat(values).any()


def test_equal_places_have_one_answer_whatever_the_last_digit():
    values = torch.full((1, 96), -0.2)
    values[0, [17, 18, 60]] = 0.7
    assert set(peaks.highest(noisy(values))[1].flatten().tolist()) == {17}
    # The plain maximum flips: or this would prove nothing.
    assert len(set(noisy(values).argmax(dim=-1).flatten().tolist())) == 3


def test_what_is_more_than_noise_counts():
    values = torch.full((1, 8), 0.5)
    values[0, 6] *= 1 + 3 * peaks.NOISE
    assert peaks.highest(values)[1].item() == 6 and not peaks.flat(values)
    values[0, 6] = 0.5 * (1 + 0.3 * peaks.NOISE)
    assert peaks.highest(values)[1].item() == 0 and peaks.flat(values)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_the_scale_does_not_matter(scale):
    values = torch.from_numpy(RNG.normal(size=(50, 64))).float()
    values[:, 7] = 9.0
    values *= scale
    assert (peaks.highest(values)[1] == 7).all()


def test_what_is_not_finite():
    values = torch.zeros(3, 5)
    values[0, 2], values[1, 3], values[1, 0], values[2, 1] = torch.nan, 1.0, -torch.inf, torch.inf
    top, place = peaks.highest(values)
    assert top[0].isnan() and (top[1], place[1]) == (1.0, 3) and top[2] == torch.inf
    assert not peaks.flat(values)[1]


def test_a_plateau_is_read_alike_on_every_machine():
    """Where a crop is uniform, cells are equal but for the last digit, and an enlarged map has a plateau there."""
    cells = torch.from_numpy(RNG.normal(size=(1, 1, 8, 8))).float()
    cells[0, 0, 2:5, 3:7] = 4.0
    maps = F.interpolate(noisy(cells)[:, 0], (64, 64), mode="bilinear", align_corners=False)
    assert len(set(maps.flatten(1).argmax(dim=-1).tolist())) > 5
    xy, _ = Heatmap(2.0).decode(maps)
    assert xy[:, 0].unique(dim=0).tolist() == [[28, 20]]


def test_a_map_that_says_nothing_but_noise_is_a_miss():
    maps = noisy(torch.full((1, 1, 64, 64), 0.3))[:, 0]
    for method in METHODS:
        xy, score = Heatmap(2.0, method).decode(maps)
        assert xy.isnan().all() and score.isnan().all()


def test_symmetric_logits_are_read_on_one_side():
    """A network that says the same of an image and of its mirror image has two summits for a point between."""
    logits = torch.zeros(1, 1, 128)
    logits[..., 40] = logits[..., 86] = 3.0
    many = noisy(logits)[:, 0]
    xy, _ = SimCC((64, 64)).decode((many, many))
    assert (xy == 20).all()
