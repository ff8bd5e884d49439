"""Batches of random views of frames, with the target of each cell of the detector."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.core import seeds
from thermark.train import data, processes
from thermark.train.detection import augment, targets
from thermark.train.detection.augment import FrameAugment
from thermark.train.detection.frames import SMALLEST, FrameSet, LabelledFrame


@dataclass(frozen=True)
class FrameBatch:
    """`images` (B, H, W) uint8; `kinds` (B, A) int8 and `boxes` (B, A, 4) float32 as in `targets.CellTargets`."""

    images: NDArray[np.uint8]
    kinds: NDArray[np.int8]
    boxes: NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """Random views of `frames` at `size` (width, height) px, `batch` at a time, by `seed`.

    Faces whose longer side is below `smallest` px in a view are ignored.
    """

    frames: FrameSet
    size: tuple[int, int]
    batch: int
    seed: int
    limits: FrameAugment
    workers: int = 1
    smallest: float = SMALLEST

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self._orders(0))

    def __call__(self, epoch: int) -> Iterator[FrameBatch]:
        """Yield the epoch's batches, each the part of this process."""
        return data.ahead(
            lambda rows: self.assembled(rows, epoch),
            [processes.part(rows) for rows in self._orders(epoch)],
            self.workers,
        )

    def assembled(self, rows: NDArray[np.int64], epoch: int) -> FrameBatch:
        """Return the batch of these frames; a view depends on seed, epoch and frame, not on the batch."""
        centres, strides = targets.grid(*self.size)
        seen = [self.look(int(row), epoch) for row in rows]
        assignments = [targets.assigned(frame.boxes, frame.ignored, centres, strides) for frame in seen]
        return FrameBatch(
            np.stack([frame.image for frame in seen]),
            np.stack([assigned.kinds for assigned in assignments]),
            np.stack([assigned.boxes for assigned in assignments]),
        )

    def look(self, row: int, epoch: int) -> LabelledFrame:
        """Return the view of a frame in an epoch, beside which another may show."""
        rng = seeds.rng(self.seed, "frame", epoch, row)
        other = self.frames.frames[int(rng.integers(len(self.frames)))]
        return augment.view(self.frames.frames[row], other, self.size, rng, self.limits, self.smallest)

    def _orders(self, epoch: int) -> list[NDArray[np.int64]]:
        return data.order(len(self.frames), self.batch, self.seed, epoch)
