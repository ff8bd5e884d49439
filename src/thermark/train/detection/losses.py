"""The losses of a detector's cells: pure functions of tensors, float32 also under autocast."""

import torch
from torch import Tensor
from torch.nn import functional as F

BETA = 2.0
TINY = 1e-7


def quality_focal(logits: Tensor, quality: Tensor, beta: float = BETA) -> Tensor:
    """Return |quality - p|^beta times the cross entropy of p = sigmoid(logits) with `quality` 0..1, one by one.

    Quality focal loss (Li et al. 2020, arXiv 2006.04388, eq. 4): the focal loss where quality is 0 or 1, so that
    the thousands of plain background cells of a frame do not drown a face; in between, the target of a score is
    how well the box of its cell fits, which is what overlapping boxes are ranked by.
    """
    logits, quality = logits.float(), quality.float()
    entropy = F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    return (quality - logits.sigmoid()).abs().pow(beta) * entropy


def overlaps(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and generalised IoU (...) of boxes (..., 4) with others (..., 4), pair by pair.

    Generalised IoU (Rezatofighi et al. 2019, arXiv 1902.09630): less the part of the smallest box around both that
    neither covers, so that boxes which do not touch have a gradient. Both are in units of 1, at most 1, and the
    latter above -1.
    """
    boxes, others = boxes.float(), others.float()
    near, far = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    shared = (far - near).clamp(min=0).prod(dim=-1)
    union = _area(boxes) + _area(others) - shared
    iou = shared / union.clamp(min=TINY)
    low, high = torch.minimum(boxes[..., :2], others[..., :2]), torch.maximum(boxes[..., 2:], others[..., 2:])
    around = (high - low).prod(dim=-1)
    return iou, iou - (around - union) / around.clamp(min=TINY)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)
