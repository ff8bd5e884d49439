"""A picture with what was found in it, for people to look at."""

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import geometry
from thermark.landmarker.result import Landmarks

SHOWN = 640  # px: the longer side is enlarged by a whole number up to this
BITS = 4  # OpenCV draws between pixels in units of 1 / 16
RADIUS = 22  # of a point, in these units
CLOSED = ("right_eye", "left_eye", "mouth_outer", "mouth_inner")
BOX, LINE, POINT = (255, 176, 0), (0, 190, 255), (255, 255, 255)  # RGB


def drawn(grey: NDArray[np.uint8], found: Landmarks) -> NDArray[np.uint8]:
    """Return a picture (H, W) enlarged as RGB (H', W', 3) uint8, with boxes, outlines and points of its faces."""
    times = max(1, SHOWN // max(grey.shape))
    large = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
    canvas = np.repeat(np.asarray(large, np.uint8)[..., None], 3, axis=2)
    for box, points in zip(found.boxes, found.points, strict=True):
        if np.isfinite(box).all():
            near, far = _placed(box.reshape(2, 2), times).tolist()
            cv2.rectangle(canvas, near, far, BOX, 1, cv2.LINE_AA, BITS)
        for part, closed in _parts(found.names):
            outline = points[part]
            if np.isfinite(outline).all():
                cv2.polylines(canvas, [_placed(outline, times)], closed, LINE, 1, cv2.LINE_AA, BITS)
        for point in points[np.isfinite(points).all(axis=1)]:
            cv2.circle(canvas, _placed(point[None], times)[0].tolist(), RADIUS, POINT, -1, cv2.LINE_AA, BITS)
    return canvas


def _placed(xy: NDArray[np.float32], times: int) -> NDArray[np.int32]:
    """Return points (N, 2) in an enlarged picture, in OpenCV's parts of a pixel."""
    return np.asarray(np.rint(geometry.resized(xy.astype(np.float64), times) * 2**BITS), np.int32)


def _parts(names: tuple[str, ...]) -> list[tuple[NDArray[np.int64], bool]]:
    """Return the points of each outline, `jaw_0, jaw_1, ...`, in order, and whether it is closed."""
    outlines = [name.rpartition("_")[0] for name in names]
    rows = {outline: [row for row, other in enumerate(outlines) if other == outline] for outline in outlines}
    return [(np.array(at), outline in CLOSED) for outline, at in rows.items() if outline and len(at) > 1]
