import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thermark.synth.render.head import mean_head
from thermark.synth.render.patch import Part, normals, patch, triangles
from thermark.synth.render.raster import buffers, fragments, rasterise

FACE = np.array([[0, 1, 2]], np.int32)
ALL = np.ones(3, np.float32)


def draw(
    xy: np.ndarray, depth: np.ndarray, faces: np.ndarray = FACE, size: int = 16, keep: np.ndarray | None = None
):
    triangle, weights, nearness = buffers(size, size)
    keep = np.ones(len(xy), np.float32) if keep is None else keep
    inverse = (1 / depth).astype(np.float32)
    rasterise(xy.astype(np.float32), inverse, keep, faces, 0, triangle, weights, nearness)
    return triangle, weights, nearness


def inside(xy: np.ndarray, x: float, y: float) -> float:
    """Return the smallest edge function of a point, positive inside; independent of the rasteriser."""
    edges = []
    for i in range(3):
        (ax, ay), (bx, by) = xy[i], xy[(i + 1) % 3]
        edges.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
    return min(edges) if sum(edges) > 0 else -max(edges)


@given(st.lists(st.floats(-4, 20, width=32), min_size=6, max_size=6))
def test_a_triangle_covers_exactly_the_pixel_centres_inside_it(numbers: list[float]):
    xy = np.array(numbers).reshape(3, 2)
    triangle, _, _ = draw(xy, np.full(3, 100.0))
    for y in range(16):
        for x in range(16):
            distance = inside(xy, x, y)
            if abs(distance) > 1e-3 and abs(np.linalg.det(np.c_[xy, ALL])) > 1e-2:
                assert (triangle[y, x] == 0) == (distance > 0)


def test_weights_are_perspective_correct():
    near, far = 100.0, 300.0
    xy = np.array([[0, 0], [15, 0], [0, 15]], float)
    _, weights, nearness = draw(xy, np.array([near, far, far]))
    # Midway between corners on screen, 1/z is the mean of the corners' 1/z, and so is (attribute / z).
    x, y = 7, 0
    u = 1 - x / 15
    inverse = u / near + (1 - u) / far
    assert np.isclose(nearness[y, x], inverse, rtol=1e-5)
    assert np.isclose(weights[y, x, 0], u / near / inverse, rtol=1e-4)


def test_the_nearer_surface_wins_whatever_the_order():
    xy = np.array([[-5, -5], [40, -5], [-5, 40]] * 2, float)
    depth = np.array([200.0] * 3 + [100.0] * 3)
    for faces in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        triangle, _, nearness = draw(xy, depth, np.array(faces, np.int32))
        assert np.allclose(nearness, 0.01)
        assert (triangle == faces.index([3, 4, 5])).all()


def test_holes_open_where_keep_is_negative():
    xy = np.array([[-50, -50], [80, -50], [-50, 80]], float)
    keep = (xy[:, 0] - 7.5).astype(np.float32)  # keep what is right of x = 7.5
    triangle, _, _ = draw(xy, np.full(3, 10.0), keep=keep)
    assert (triangle[:, :8] == -1).all() and (triangle[:, 8:] == 0).all()


def test_fragments_share_out_pixels():
    """Two triangles meet at a slanted edge: shares add up to one, and attributes are the samples' mean."""
    xy = np.array([[-40, -40], [56.5, -40], [-40, 56.5], [56.5, 56.5]])
    faces = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    triangle, weights, _ = draw(xy, np.full(4, 50.0), faces)
    attributes = np.c_[xy, np.ones(4)].astype(np.float32)  # the attribute is the sample's own place
    group = np.array([3, 5], np.int16)
    pixel, surface, share, mean = fragments(attributes, faces, group, triangle, weights, 2)
    assert np.allclose(np.bincount(pixel, share, 64), 1)
    assert set(surface) == {3, 5} and len(pixel) > 64
    whole = share == 1
    centre = np.stack([pixel % 8 * 2 + 0.5, pixel // 8 * 2 + 0.5], axis=1)
    assert np.allclose(mean[whole, :2], centre[whole], atol=1e-3)
    assert np.allclose(mean[:, 2], 1, atol=1e-5)


def test_normals_of_a_sphere_point_outwards():
    polar, around = np.meshgrid(np.linspace(0.4, 2.6, 40), np.linspace(0, 2 * np.pi, 60), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=-1)
    vectors = normals(points.astype(np.float32), 1.0, ring=True)
    outward = np.sign((vectors * points).sum(-1).mean()) * vectors
    assert (outward[1:-1] * points[1:-1]).sum(-1).min() > 0.995


def test_the_mean_head_is_symmetric_and_its_normals_face_outwards():
    head = mean_head()
    mirrored = head.points[:, ::-1] * (-1, 1, 1)
    assert np.allclose(head.points, mirrored, atol=1e-9)
    grid = patch(Part.SKIN, head.points, outward=-1.0)
    normal = normals(grid.points, grid.outward, ring=True)
    nose = np.unravel_index(np.argmin(head.points[..., 2]), head.front.shape)
    back = np.unravel_index(np.argmax(head.points[..., 2]), head.front.shape)
    assert normal[nose][2] < -0.5 and normal[back][2] > 0.5
    assert len(triangles(*head.front.shape)) == 2 * (head.front.shape[0] - 1) * (head.front.shape[1] - 1)
