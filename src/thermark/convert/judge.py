"""What storing and computing a landmark network with fewer bits costs, on faces that it has not learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.convert.compress import compressed
from thermark.core import seeds
from thermark.core.errors import DataError
from thermark.core.faces import Crops, open_set
from thermark.landmarker.card import Compression, Precision, ShippedLandmarks
from thermark.landmarker.network import LandmarkSession
from thermark.metrics import bootstrap, normalisers
from thermark.metrics.distances import distances, per_face
from thermark.models.inference import engine
from thermark.train import data

BATCH = 32  # crops in one call of the calibration
REPLICATES = 2000
Errors = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """A network in one precision: its file's `content`, and what that costs."""

    precision: Precision
    content: bytes
    cost: Compression

    def line(self) -> str:
        """Return size and cost in a few words."""
        cost, size = self.cost, len(self.content) / 1e6
        return f"{self.precision}: {size:.2f} MB, error {cost.delta:+.2f} % ({cost.low:+.2f} to {cost.high:+.2f})"


def judged(
    whole: bytes, card: ShippedLandmarks, faces: Path, precisions: Sequence[Precision], calibration: int, seed: int
) -> list[Judged]:
    """Return the network `whole`, ONNX in fp32, in each precision with its cost.

    `calibration` crops of the split `train` of the face set `faces`, drawn by `seed`, tell the ranges; the faces
    of its split `val` judge. Raises DataError for too few of the former and none of the latter.
    """
    table, crops = open_set(faces)
    xy = data.translated(table, card.vocabulary)
    train, val = (data.usable(table, crops, xy, split) for split in ("train", "val"))
    if len(train) < calibration:
        cause = f"{faces.name} has {len(train)} crops to calibrate on, not {calibration}"
        raise DataError(cause, "take a larger face set, or a lower `calibration`")
    before = face_errors(whole, card, crops, xy, val)
    rows = np.flatnonzero(np.isfinite(before))
    if not len(rows):
        raise DataError(f"{faces.name} has no validation face of which the labels have a size", "take another set")
    drawn = np.sort(seeds.rng(seed, "calibration").choice(train, calibration, replace=False))
    batches = calibration_batches(card, crops, drawn)
    tried = []
    for precision in precisions:
        content = compressed(whole, precision, batches)
        after = face_errors(content, card, crops, xy, val)
        delta, low, high = relative(before[rows], after[rows], table.subjects[val][rows], seed)
        cost = Compression(
            data=faces.name,
            faces=len(rows),
            nme_fp32=float(before[rows].mean()),
            nme=float(after[rows].mean()),
            delta=delta,
            low=low,
            high=high,
            calibration=calibration,
            seed=seed,
        )
        tried.append(Judged(precision, content, cost))
    return tried


def calibration_batches(card: ShippedLandmarks, crops: Crops, rows: Rows) -> list[NDArray[np.float32]]:
    """Return the network's input for packed crops number `rows`, in batches, cut as for a prediction."""
    network = LandmarkSession(None, card)
    cut = [network.from_packed(pixels, crops.padding) for pixels in np.asarray(crops.pixels[rows])]
    return [network.normalised(cut[start : start + BATCH]) for start in range(0, len(cut), BATCH)]


def face_errors(content: bytes, card: ShippedLandmarks, crops: Crops, xy: Errors, rows: Rows) -> Errors:
    """Return the mean error (N,) of faces number `rows` in % of the diagonal of their labels' box.

    `xy` (M, K, 2) labels all faces, in source pixels, NaN where it does not. NaN for a face whose labels have no
    size. Raises DataError for a network that misses a point.
    """
    network = LandmarkSession(engine.opened(Path(card.file), content=content), card)
    points, _ = network.on_crops(np.asarray(crops.pixels[rows]), crops.to_source[rows], crops.padding)
    if not np.isfinite(points).all():
        raise DataError(f"{card.run} misses points of faces whose boxes it is given", "package another run")
    labels = xy[rows]
    return np.asarray(100 * per_face(distances(labels, points)) / normalisers.box_normalisers(labels)["diag"])


def relative(before: Errors, after: Errors, subjects: NDArray[np.str_], seed: int) -> tuple[float, float, float]:
    """Return by how many % the mean of `after` (N,) is above that of `before`, and its 95 % interval by subject.

    The errors are of the same faces; of one subject the interval has no width.
    """
    base = float(before.mean())
    delta = 100 * (float(after.mean()) / base - 1)
    bounds = bootstrap.difference(after, before, subjects, REPLICATES, seed)
    low, high = (100 * bound / base for bound in bounds) if bounds else (delta, delta)
    return delta, low, high
