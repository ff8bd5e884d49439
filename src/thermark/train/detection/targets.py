"""Which cell of a detector answers for which face."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.nets.face_detector import STRIDES

Floats = NDArray[np.float32]
LARGEST = 8.0  # cells of the longer side of the faces of a grid; the next grid has those that are larger
SHARED = 1.25  # faces so much beyond either end belong to both grids, as no size is exact to a few per cent
RADIUS = 1.5  # cells about the middle of a face that answer for it
FACE, NOTHING, ANYTHING = 1, 0, -1


class CellTargets(NamedTuple):
    """The targets of the A cells of a picture.

    `kinds` (A,) int8: FACE, NOTHING, or ANYTHING, which is not trained; `boxes` (A, 4) float32, the face's box in
    pixels, 0 where there is none.
    """

    kinds: NDArray[np.int8]
    boxes: Floats


def grid(width: int, height: int) -> tuple[Floats, Floats]:
    """Return the centres (A, 2) in px of all cells of a picture, and their strides (A,), as `nets` orders them."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        cells = np.stack([columns, rows], axis=-1).reshape(-1, 2) * stride + (stride - 1) / 2
        centres.append(cells)
        strides.append(np.full(len(cells), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def assigned(boxes: Floats, ignored: NDArray[np.bool_], centres: Floats, strides: Floats) -> CellTargets:
    """Return the targets of cells for the faces `boxes` (M, 4), of which some are `ignored` (M,).

    A cell answers for a face when its centre is inside of the box, within RADIUS strides of the middle along
    either axis, and the face has a size of its grid: a longer side of 4 to 8 cells, less on the finest grid, more
    on the coarsest (FCOS with centre sampling). Of several such faces it is the smallest. Cells inside of an
    ignored box that answer for no face are not trained.
    """
    kinds = np.zeros(len(centres), np.int8)
    target_boxes = np.zeros((len(centres), 4), np.float32)
    if not len(boxes):
        return CellTargets(kinds, target_boxes)
    inside, near = _inside(boxes, centres), _near(boxes, centres, strides)
    size = geometry.box_size(boxes)
    responsible = inside & near & _sized(size.max(axis=1), strides) & ~ignored
    kinds[(inside & ignored).any(axis=1)] = ANYTHING
    area = np.where(responsible, size.prod(axis=1), np.inf)
    rows = np.flatnonzero(responsible.any(axis=1))
    kinds[rows] = FACE
    target_boxes[rows] = boxes[area[rows].argmin(axis=1)]
    return CellTargets(kinds, target_boxes)


def _inside(boxes: Floats, centres: Floats) -> NDArray[np.bool_]:
    """Return which centres (A, 2) are inside of which boxes (M, 4), as (A, M)."""
    gaps = np.concatenate([centres[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - centres[:, None]], axis=-1)
    return np.asarray(gaps.min(axis=-1) > 0)


def _near(boxes: Floats, centres: Floats, strides: Floats) -> NDArray[np.bool_]:
    """Return which centres are within RADIUS strides of the middle of which boxes, (A, M)."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    gap = np.abs(centres[:, None] - middle[None]).max(axis=-1)
    return np.asarray(gap <= RADIUS * strides[:, None])


def _sized(longest: Floats, strides: Floats) -> NDArray[np.bool_]:
    """Return which cells are of a grid for which faces with these longer sides (M,) in px, (A, M)."""
    least = np.where(strides == STRIDES[0], 0.0, strides * LARGEST / 2 / SHARED)
    most = np.where(strides == STRIDES[-1], np.inf, strides * LARGEST * SHARED)
    return np.asarray((longest[None] > least[:, None]) & (longest[None] <= most[:, None]))
