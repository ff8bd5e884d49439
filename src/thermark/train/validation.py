"""The error that training is steered by."""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thermark.nets.pixels import normalised
from thermark.train import data
from thermark.train.codecs import Codec
from thermark.train.data import Samples
from thermark.train.precision import autocast


def nme(
    model: nn.Module,
    codec: Codec[Any],
    samples: Samples,
    batch: int,
    device: torch.device,
    exact: Literal["fp32", "bf16"],
) -> float:
    """Return the mean over faces of the mean point error in units of the prompt's side; no flip test.

    Not the inter-ocular distance: that of a few profiles would decide which epoch is the best. NaN when a
    labelled point's outputs are.
    """
    rows = data.in_order(len(samples), batch)
    errors = []
    for held_out in data.ahead(lambda part: data.assemble(samples, part), rows):
        with torch.inference_mode(), autocast(exact, device):
            outputs = model(normalised(held_out.images, device))
        xy = codec.decode(outputs)[0].cpu().numpy()
        errors.append(per_face(xy, held_out) * samples.padding / samples.size)
    return float(np.mean(np.concatenate(errors)))


def per_face(xy: NDArray[np.float32], batch: data.Batch) -> NDArray[np.float32]:
    """Return the mean distance (B,) of points (B, K, 2) from the labelled ones of a batch, in its pixels."""
    distance = np.linalg.norm(xy - batch.xy, axis=-1)
    mean: NDArray[np.float32] = np.where(batch.weight > 0, distance, 0).sum(axis=1) / batch.weight.sum(axis=1)
    return mean
