import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thermark.train.codecs.simcc import SimCC, default_sigma
from thermark.train.losses import Targets
from thermark.train.losses.simcc import divergence, loss

BETA10 = "rtmpose beta10 label_softmax, "


@pytest.mark.parametrize(
    ("case", "sigma", "split"),
    [("rtm", None, 2), ("aniso", (4.9, 5.66), 2), ("ratio3", (5.66, 5.66), 3)],
)
def test_encode_is_the_reference_codec(case, sigma, split, golden):
    with np.load(golden("simcc_encode.npz")) as stored:
        xy, visible = torch.from_numpy(stored["keypoints"]), torch.from_numpy(stored["visible"])
        labels, weight = SimCC((256, 256), sigma=sigma, split=split).encode(xy, visible)
        np.testing.assert_allclose(labels[0], stored[f"{case}_x"], atol=1e-6)
        np.testing.assert_allclose(labels[1], stored[f"{case}_y"], atol=1e-6)
        np.testing.assert_array_equal(weight, stored[f"{case}_w"])


def test_one_hot_labels_are_those_of_the_reference_codec(golden):
    """Inside, a single bin and the weight as it was; the reference gives any point outside weight 0, so do we."""
    with np.load(golden("simcc_encode.npz")) as stored:
        xy, visible = torch.from_numpy(stored["keypoints"]), torch.from_numpy(stored["visible"])
        labels, weight = SimCC((256, 256), "one_hot").encode(xy, visible)
        np.testing.assert_array_equal(labels[0], stored["onehot_x"])
        np.testing.assert_array_equal(labels[1], stored["onehot_y"])
        np.testing.assert_array_equal(weight, stored["onehot_w"])
        assert set(labels[0].sum(-1).unique().tolist()) == {0.0, 1.0}


def test_decode_is_the_reference_codec(golden):
    with np.load(golden("simcc_decode.npz")) as stored:
        logits = (torch.from_numpy(stored["simcc_x"])[None], torch.from_numpy(stored["simcc_y"])[None])
        xy, score = SimCC((256, 256)).decode(logits)
        # Where the score is not positive, the reference has no point.
        there = stored["argmax_scores"] > 0
        np.testing.assert_array_equal(xy[there], stored["argmax_keypoints"][there])
        np.testing.assert_array_equal(score, stored["argmax_scores"])


def test_default_sigma_is_the_published_one():
    assert [default_sigma(pixels) for pixels in (192, 256, 384)] == [4.9, 5.66, 6.93]


@given(st.integers(0, 127), st.integers(0, 191))
def test_decoding_a_label_returns_its_point(x2, y2):
    xy = torch.tensor([[[x2 / 2, y2 / 2]]])
    labels, weight = SimCC((64, 96)).encode(xy, torch.ones(1, 1))
    assert weight.item() == 1
    points, score = SimCC((64, 96)).decode(labels)
    assert torch.equal(points, xy) and score.item() == 1


def test_peaks_of_nan_logits_are_nan_and_negative_peaks_count():
    logits = torch.full((1, 2, 8), -1.0)
    logits[0, 0, 3] = -0.5
    logits[0, 1, 5] = torch.nan
    xy, score = SimCC((4, 4)).decode((logits, logits))
    assert xy[0, 0].tolist() == [1.5, 1.5] and score[0, 0] == -0.5
    assert xy[0, 1].isnan().all() and score[0, 1].isnan()


@given(st.integers(0, 126))
def test_flip_undoes_a_flip_in_pixel_centres(x2):
    """A point at p in an image of 64 px is at 63 - p after the flip, and its logits come back to p."""
    flip = torch.tensor([1, 0])
    xy = torch.tensor([[[x2 / 2, 7.0], [20.0, 9.0]]])
    flipped = (torch.tensor([[63.0, 0.0]]) + xy * torch.tensor([-1.0, 1.0]))[:, flip]
    codec = SimCC((64, 64))
    labels, _ = codec.encode(flipped, torch.ones(1, 2))
    assert torch.equal(codec.decode(codec.flip(labels, flip))[0], xy)


@pytest.mark.parametrize(
    ("name", "weights", "beta"),
    [
        (BETA10 + "0/1 weights", "weights", 10),
        (BETA10 + "soft weights", "weights_soft", 10),
        (BETA10 + "no target weight", None, 10),
        ("beta1 label_softmax label_beta1", "weights", 1),
    ],
)
def test_divergence_is_the_reference_loss(name, weights, beta, golden):
    reference = json.loads(golden("losses.json").read_text())["KLDiscretLoss"][name]
    with np.load(golden("simcc_losses.npz")) as stored:
        values = {key: torch.from_numpy(stored[key]) for key in stored.files}
    x, y = values["student_x"].requires_grad_(), values["student_y"].requires_grad_()
    weight = values[weights] if weights else torch.ones_like(values["weights"])
    value = divergence((x, y), (values["gt_x"], values["gt_y"]), weight, beta)
    value.backward()
    assert value.item() == pytest.approx(reference["value"], rel=1e-5)
    assert x.grad.norm().item() == pytest.approx(reference["grad_x_norm"], rel=1e-5)
    assert y.grad.norm().item() == pytest.approx(reference["grad_y_norm"], rel=1e-5)
    np.testing.assert_allclose(x.grad.flatten()[:6], reference["grad_x_first6"], rtol=1e-4)


def test_loss_encodes_its_targets(golden):
    reference = json.loads(golden("losses.json").read_text())["KLDiscretLoss"][BETA10 + "0/1 weights"]
    with np.load(golden("simcc_losses.npz")) as stored:
        values = {key: torch.from_numpy(stored[key]) for key in stored.files}
    targets = Targets(values["gt_keypoints"], values["gt_visible"])
    value = loss((values["student_x"], values["student_y"]), targets, SimCC((256, 256)))
    assert value.item() == pytest.approx(reference["value"], rel=1e-5)


def test_loss_takes_the_label_it_is_told_to():
    """With one bin of 1 in 64, softmax(10 label) is e^10 against 63 ones; two logits of zeros answer 1/64 each."""
    targets = Targets(torch.full((1, 1, 2), 10.0), torch.ones(1, 1))
    zeros = torch.zeros(1, 1, 64)
    total = np.exp(10) + 63
    divergence = np.exp(10) / total * np.log(64 * np.exp(10) / total) + 63 / total * np.log(64 / total)
    value = loss((zeros, zeros), targets, SimCC((32, 32), "one_hot"))
    assert value.item() == pytest.approx(2 * divergence / 64, rel=1e-5)
