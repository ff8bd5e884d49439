"""Every codec reads what it writes, also in a mirror image."""

import pytest
import torch

from thermark.train.codecs.heatmap import Heatmap
from thermark.train.codecs.simcc import SimCC

SIDE = 32
# Codec, and the sum of a place and its mirror image: pixels of maps lie on outlines of cells, not on centres.
CODECS = [(SimCC((SIDE, SIDE)), SIDE - 1), (Heatmap(2.0, size=SIDE), SIDE)]
each = pytest.mark.parametrize(("codec", "mirror"), CODECS, ids=["simcc", "heatmap"])
XY = torch.tensor([[[12.0, 9.0], [20.0, 15.0], [8.0, 22.0]]])
PARTNER = torch.tensor([1, 0, 2])


@each
def test_a_point_comes_back(codec, mirror):
    targets, weight = codec.encode(XY, torch.ones(1, 3))
    xy, score = codec.decode(targets)
    assert torch.equal(xy, XY) and torch.equal(score, torch.ones(1, 3)) and torch.equal(weight, torch.ones(1, 3))


@each
def test_flip_undoes_a_mirror_image(codec, mirror):
    flipped = (torch.tensor([mirror, 0.0]) + XY * torch.tensor([-1.0, 1.0]))[:, PARTNER]
    targets, _ = codec.encode(flipped, torch.ones(1, 3))
    assert torch.equal(codec.decode(codec.flip(targets, PARTNER))[0], XY)


@each
def test_the_mean_of_two_that_agree_is_either(codec, mirror):
    targets, _ = codec.encode(XY, torch.ones(1, 3))
    assert torch.equal(codec.decode(codec.mean(targets, targets))[0], XY)


@each
def test_an_unlabelled_point_may_be_nan(codec, mirror):
    targets, weight = codec.encode(torch.full((1, 1, 2), torch.nan), torch.zeros(1, 1))
    parts = targets if isinstance(targets, tuple) else (targets,)
    assert weight.item() == 0 and all(part.abs().sum() == 0 for part in parts)
