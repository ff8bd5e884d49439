"""SimCC in numpy against the codec that trains and evaluates, in PyTorch."""

import numpy as np
import pytest
import torch

from thermark import landmarks
from thermark.landmarker import simcc
from thermark.train.codecs.simcc import SimCC

CODEC = SimCC((32, 32))


def compared(x: np.ndarray, y: np.ndarray) -> None:
    """Hold numpy's answers to torch's, the last step of models/learned.py included."""
    xy, score = CODEC.decode((torch.from_numpy(x), torch.from_numpy(y)))
    score = torch.where(score.isfinite(), score, torch.nan)
    xy = torch.where(score[..., None].isnan(), torch.nan, xy)
    points, scores = simcc.decode(x, y)
    assert points.dtype == scores.dtype == np.float32
    np.testing.assert_array_equal(points, xy.numpy())
    np.testing.assert_array_equal(scores, score.numpy())


@pytest.mark.parametrize("scale", [1e-9, 1.0, 300.0])
def test_logits_are_read_as_the_codec_reads_them(scale):
    rng = np.random.default_rng(0)
    compared(*(rng.normal(0, scale, (5, 68, 64)).astype(np.float32) for _ in range(2)))


def test_plateaus_and_ties_up_to_noise_have_the_codecs_answer():
    rng = np.random.default_rng(1)
    logits = rng.integers(-2, 3, (200, 4, 64)).astype(np.float32)
    noisy = logits + rng.uniform(-3e-5, 3e-5, logits.shape).astype(np.float32)
    compared(noisy, np.ascontiguousarray(noisy[..., ::-1]))


def test_what_is_not_finite_is_a_miss():
    logits = np.random.default_rng(2).normal(size=(6, 3, 64)).astype(np.float32)
    other = logits.copy()
    for row, value in enumerate((np.nan, np.inf, -np.inf)):
        logits[row, 0, 5] = value
        other[row + 3, 1, 9] = value
    logits[2, 2] = -np.inf
    with np.errstate(all="raise", invalid="ignore"):
        compared(logits, other)
        points, scores = simcc.decode(logits, other)
    assert np.isnan(scores[0, 0]) and np.isnan(scores[2, 2]) and np.isfinite(scores[2, 0])
    assert np.isnan(points[0, 0]).all()


def test_the_mirror_image_is_turned_back_as_the_codec_does():
    rng = np.random.default_rng(3)
    x, y = (rng.normal(size=(2, 68, 64)).astype(np.float32) for _ in range(2))
    partner = landmarks.load("ibug68").flip
    wanted = CODEC.flip((torch.from_numpy(x), torch.from_numpy(y)), torch.from_numpy(partner))
    for have, want in zip(simcc.unflipped(x, y, partner), wanted, strict=True):
        np.testing.assert_array_equal(have, want.numpy())
