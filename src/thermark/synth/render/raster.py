"""A z-buffer: which triangle is seen through each sample, and the value of each pixel."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, fastmath=False)
def rasterise(xy, inverse_depth, keep, faces, first, triangle, weights, depth):  # type: ignore[no-untyped-def]
    """Draw triangles into `triangle` (H, W) int32, `weights` (H, W, 2) and `depth` (H, W) float32.

    `xy` (V, 2) float32 pixels, `inverse_depth` (V,) float32 1/mm, `keep` (V,) float32 (holes where negative),
    `faces` (F, 3) int32; triangle f is written as f + `first`. `weights` are perspective-correct barycentric
    weights of the first two corners. `depth` holds 1/z: larger is nearer. A pixel is its centre.
    """
    height, width = triangle.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if keep[a] < 0 and keep[b] < 0 and keep[c] < 0:
            continue
        wa, wb, wc = inverse_depth[a], inverse_depth[b], inverse_depth[c]
        if wa <= 0 or wb <= 0 or wc <= 0:
            continue
        ax, ay, bx, by, cx, cy = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        left, right = min(ax, bx, cx), max(ax, bx, cx)
        top, bottom = min(ay, by, cy), max(ay, by, cy)
        if right < 0 or bottom < 0 or left > width - 1 or top > height - 1:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        scale = 1 / area
        x0, x1 = max(0, int(np.ceil(left))), min(width - 1, int(np.floor(right)))
        y0, y1 = max(0, int(np.ceil(top))), min(height - 1, int(np.floor(bottom)))
        whole = keep[a] >= 0 and keep[b] >= 0 and keep[c] >= 0
        u_right, v_right = (by - cy) * scale, (cy - ay) * scale
        for y in range(y0, y1 + 1):
            u_row = ((bx - x0) * (cy - y) - (by - y) * (cx - x0)) * scale
            v_row = ((cx - x0) * (ay - y) - (cy - y) * (ax - x0)) * scale
            for x in range(x0, x1 + 1):
                u, v = u_row + (x - x0) * u_right, v_row + (x - x0) * v_right
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                near = u * wa + v * wb + w * wc
                if near <= depth[y, x]:
                    continue
                pu, pv = u * wa / near, v * wb / near
                if not whole and pu * keep[a] + pv * keep[b] + (1 - pu - pv) * keep[c] < 0:
                    continue
                depth[y, x] = near
                triangle[y, x] = f + first
                weights[y, x, 0] = pu
                weights[y, x, 1] = pv


@njit(cache=True, fastmath=False)
def fragments(attributes, faces, group, triangle, weights, s):  # type: ignore[no-untyped-def]
    """Merge s x s samples into fragments: one for each pixel and each surface (`group` of its triangles) in it.

    `attributes` (V, A) float32, `faces` (F, 3), `group` (F,), `triangle` and `weights` as drawn by
    `rasterise`. Returns the flat pixel index (N,) int32, the surface (N,) int16, its share of the pixel (N,)
    float32 and the attributes' mean (N, A) float32.
    """
    height, width, size = triangle.shape[0] // s, triangle.shape[1] // s, attributes.shape[1]
    count = 0
    mine = np.empty(s * s, np.int32)
    for fill in range(2):  # count first, then fill
        if fill:
            pixel, surface = np.empty(count, np.int32), np.empty(count, np.int16)
            share, mean = np.empty(count, np.float32), np.zeros((count, size), np.float32)
            count = 0
        for y in range(height):
            for x in range(width):
                for k in range(s * s):
                    t = triangle[y * s + k // s, x * s + k % s]
                    mine[k] = group[t] if t >= 0 else -1
                for k in range(s * s):
                    if mine[k] < 0:
                        continue
                    same = 0
                    for j in range(k, s * s):
                        if mine[j] != mine[k]:
                            continue
                        same += 1
                        if fill:
                            row, column = y * s + j // s, x * s + j % s
                            t = triangle[row, column]
                            u, v = weights[row, column, 0], weights[row, column, 1]
                            w = np.float32(1) - u - v
                            for i in range(size):
                                mean[count, i] += (
                                    u * attributes[faces[t, 0], i]
                                    + v * attributes[faces[t, 1], i]
                                    + w * attributes[faces[t, 2], i]
                                )
                    if fill:
                        pixel[count], surface[count] = y * width + x, mine[k]
                        share[count] = np.float32(same) / np.float32(s * s)
                        for i in range(size):
                            mean[count, i] /= np.float32(same)
                    count += 1
                    for j in range(s * s - 1, k - 1, -1):  # these samples are spoken for
                        if mine[j] == mine[k]:
                            mine[j] = -1
    return pixel, surface, share, mean


def buffers(height: int, width: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Return empty `triangle` (-1), `weights` and `depth` (0: infinitely far) buffers."""
    return (
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 2), np.float32),
        np.zeros((height, width), np.float32),
    )
