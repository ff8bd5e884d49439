"""Losses of the face detector against independent references and by hand."""

import numpy as np
import pytest
import torch

from thermark.core import seeds
from thermark.train.detection import losses


def focal(logit: float, label: int) -> float:
    """Return the focal loss of Lin et al. 2017, eq. 4, with gamma 2 and no alpha."""
    p = 1 / (1 + np.exp(-logit))
    right = p if label else 1 - p
    return float(-((1 - right) ** 2) * np.log(right))


@pytest.mark.parametrize("label", [0, 1])
def test_of_faces_and_background_it_is_the_focal_loss(label):
    logits = np.linspace(-6, 6, 25)
    loss = losses.quality_focal(torch.tensor(logits), torch.full((25,), float(label)))
    np.testing.assert_allclose(loss.numpy(), [focal(logit, label) for logit in logits], rtol=1e-4)


def test_between_them_it_is_zero_where_the_score_is_the_quality_and_nowhere_lower():
    quality = torch.tensor([0.1, 0.5, 0.83])
    at_best = losses.quality_focal(torch.logit(quality), quality)
    np.testing.assert_allclose(at_best, 0, atol=1e-10)
    # By hand: p = 0.5, q = 0.8: 0.3^2 x ln 2.
    assert losses.quality_focal(torch.zeros(1), torch.tensor([0.8])).item() == pytest.approx(0.09 * np.log(2))
    logits = torch.linspace(-5, 5, 101)
    assert losses.quality_focal(logits, torch.full_like(logits, 0.7)).argmin().item() == 58  # logit(0.7) = 0.85


def test_it_is_finite_with_its_gradient_at_extreme_scores():
    logits = torch.tensor([-200.0, 200.0, 0.0], requires_grad=True)
    loss = losses.quality_focal(logits, torch.tensor([1.0, 0.0, 0.5])).sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def painted(a: np.ndarray, b: np.ndarray, size: int = 40) -> tuple[float, float]:
    """Return IoU and generalised IoU of boxes with whole corners, by counting unit squares."""
    y, x = np.mgrid[:size, :size]
    first, second = ((x >= c[0]) & (x < c[2]) & (y >= c[1]) & (y < c[3]) for c in (a, b))
    rows, columns = np.nonzero(first | second)
    around = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    union = (first | second).sum()
    iou = (first & second).sum() / union
    return iou, iou - (around - union) / around


def test_overlaps_are_those_of_painted_boxes():
    rng = seeds.rng(0, "giou")
    near = rng.integers(0, 25, (60, 2, 2))
    pairs = np.concatenate([near, near + rng.integers(1, 15, (60, 2, 2))], axis=-1)
    iou, generalised = losses.overlaps(*torch.tensor(pairs.transpose(1, 0, 2)))
    wanted = np.array([painted(a, b) for a, b in pairs])
    np.testing.assert_allclose(np.stack([iou, generalised], axis=1), wanted, atol=1e-6)
    assert (wanted[:, 0] > 0).sum() > 10 and (wanted[:, 1] < 0).sum() > 10


def test_boxes_that_do_not_touch_are_drawn_towards_each_other():
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]], requires_grad=True)
    losses.overlaps(box, torch.tensor([[20.0, 0.0, 30.0, 10.0]]))[1].sum().backward()
    assert box.grad[0, 2] > 0  # its right side is to go right
    # Equal boxes: both are 1; a box twice as wide: a half.
    iou, generalised = losses.overlaps(torch.tensor([[0, 0, 20, 10.0]]), torch.tensor([[0, 0, 10, 10.0]]))
    assert (iou.item(), generalised.item()) == (0.5, 0.5)
    assert losses.overlaps(box.detach(), box.detach())[1].item() == 1
