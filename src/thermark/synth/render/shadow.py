"""Cast shadows: the part of a person that the key lamp lights, at the resolution of the vertices."""

import numpy as np
from numpy.typing import NDArray

from thermark.synth.render.raster import buffers, rasterise

_SIZE = 224
_BIAS = 7.0  # mm, against a surface shading itself
_TAPS = [(dx, dy) for dx in (-3, 0, 3) for dy in (-3, 0, 3)]


def lit(
    points: NDArray[np.float32],
    keep: NDArray[np.float32],
    faces: NDArray[np.int32],
    centre: NDArray[np.float32],
    direction: NDArray[np.float32],
    reach: float = 230.0,
) -> NDArray[np.float32]:
    """Return how much (0..1) of a lamp in `direction` (3,) arrives at vertices (V, 3), softened over some mm.

    Only what lies within `reach` mm of the axis through `centre` is considered; the rest is lit.
    """
    across = np.cross(direction, (0.0, 1.0, 0.0))
    across /= np.linalg.norm(across)
    over = np.cross(direction, across)
    frame = np.stack([across, over, direction], axis=1).astype(np.float32)
    local = (points - centre) @ frame
    scale = np.float32(_SIZE / (2 * reach))
    xy = local[:, :2] * scale + np.float32((_SIZE - 1) / 2)
    nearness = local[:, 2] + np.float32(4000)
    triangle, weights, depth = buffers(_SIZE, _SIZE)
    rasterise(xy, nearness, keep, faces, 0, triangle, weights, depth)
    column, row = np.rint(xy).astype(np.int32).T
    out = np.zeros(len(points), np.float32)
    bare = np.float32(_BIAS) + nearness
    for dx, dy in _TAPS:
        at_row, at_column = np.clip(row + dy, 0, _SIZE - 1), np.clip(column + dx, 0, _SIZE - 1)
        out += bare >= depth[at_row, at_column]
    return out / np.float32(len(_TAPS))
