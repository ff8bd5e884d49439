"""What a tiny head learns from: features and labels in memory, and the order in which they are seen."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thermark.core import seeds
from thermark.core.errors import DataError
from thermark.train.codecs.heatmap import to_map

Rows = NDArray[np.int64]
# Rows that are read at once.
MANY = 64


class FeatureSource(Protocol):
    """What gives the features (n, C, h, w), of any floating dtype, of rows (n,) int64."""

    def __getitem__(self, rows: Rows, /) -> Tensor: ...


@dataclass(frozen=True)
class FeatureSamples:
    """Crops in memory, on the device that trains.

    `features` (n, h, w, C) with all channels of a cell side by side; labels `xy` (n, K, 2) float32 in px of the
    heat map, NaN = unlabelled.
    """

    features: Tensor
    xy: Tensor

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def known(self) -> Tensor:
        """Which labels (n, K) there are, float32."""
        return self.xy.isfinite().all(dim=-1).float()

    def batch(self, rows: Rows | slice) -> Tensor:
        """Return features (N, C, h, w) of rows of these samples, in channels_last order."""
        if isinstance(rows, slice):
            return self.features[rows].permute(0, 3, 1, 2)
        # Copies whole rows; plain indexing goes number by number, a tenth of all training.
        chosen = torch.from_numpy(rows).to(self.features.device)
        return self.features.index_select(0, chosen).permute(0, 3, 1, 2)


def labelled(xy: NDArray[np.float64], rows: Rows, purpose: str) -> Rows:
    """Return which of `rows` have a label in `xy` (M, K, 2), ascending and once; DataError where none has."""
    rows = np.unique(np.asarray(rows, np.int64))
    rows = rows[np.isfinite(xy[rows]).all(axis=-1).any(axis=-1)]
    if not len(rows):
        raise DataError(f"no crop to {purpose} the head on has a label", "check the split and the labels")
    return rows


def loaded(
    features: FeatureSource,
    xy: NDArray[np.float64],
    rows: Rows,
    side: int,
    dtype: torch.dtype,
    device: torch.device,
) -> FeatureSamples:
    """Read `rows` once for all epochs; `xy` (M, K, 2) in pixels of crops of `side` px.

    1024 channels of 16 x 16 are half a megabyte a crop in bfloat16, twice that in float32.
    """
    _, channels, height, width = features[rows[:1]].shape
    whole = torch.empty(len(rows), height, width, channels, dtype=dtype, device=device)
    for first in range(0, len(rows), MANY):
        part = features[rows[first : first + MANY]]
        whole[first : first + MANY] = part.permute(0, 2, 3, 1)
    return FeatureSamples(whole, torch.from_numpy(to_map(xy[rows], side)).float().to(device))


def batches(count: int, batch: int, seed: int, epoch: int, steps: int | None = None) -> list[Rows]:
    """Return the rows of each training batch of an epoch, shuffled; all of them, the last batch may be smaller.

    With `steps`, so many batches of as many passes as they take, the last one cut short. A single row left over
    joins the batch before it: batch normalisation would take its statistics for those of all. The published
    numbers of crops leave none over.
    """
    drawn: list[Rows] = []
    for turn in range(steps or 1):
        order = seeds.rng(seed, "head order", epoch, *([turn] if turn else [])).permutation(count)
        starts = list(range(0, count, batch))
        if len(starts) > 1 and count - starts[-1] == 1:
            starts.pop()
        drawn += np.split(order, starts[1:])
        if len(drawn) >= (steps or 1):
            break
    return drawn[:steps]
