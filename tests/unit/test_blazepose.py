"""BlazePose by our own graph: geometry by hand, refinement in plain loops, and MediaPipe's own points."""

import numpy as np
import pytest

import facemesh_images
import index_bundles
from thermark.core import bundle, files, geometry
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.landmarks import load as vocabulary
from thermark.models import blazepose
from thermark.models.blazepose import BlazePose
from thermark.models.inference.contract import Assets
from thermark.models.inference.detectors import DESIGNS, Detections, Detector

FACE = slice(0, 11)
IMAGE = np.zeros((200, 240, 3), np.uint8)


class Stub:
    """A landmark graph without weights: point k at (2 k, 200) px of the input, no heat anywhere, chosen flags."""

    def __init__(self, *flags: float) -> None:
        self.flags = list(flags)

    def __call__(self, picture):
        assert picture.shape == (256, 256, 3) and picture.min() >= 0 and picture.max() <= 1
        points = np.zeros((39, 5), np.float32)
        points[:, 0], points[:, 1] = 2 * np.arange(39), 200
        points[:, 3] = np.where(np.arange(39) == 7, np.log(4), 0)
        heat = np.full(64 * 64 * 39, -20, np.float32)
        return [points.ravel(), np.array([self.flags.pop(0)], np.float32), np.zeros(1), heat, np.zeros(1)]


def detected(*persons) -> Detections:
    """Return detections of (hips, circle), ever less sure."""
    points = np.zeros((len(persons), 4, 2))
    points[:, :2] = np.array(persons, float).reshape(-1, 2, 2)
    boxes = np.tile(np.array([10.0, 20, 30, 40]), (len(persons), 1))
    return Detections(boxes, points, np.linspace(0.9, 0.6, len(persons)))


def test_the_region_is_a_circle_and_a_quarter_and_stands_on_its_hips():
    straight = blazepose.upright(np.array([[100.0, 120], [100, 80], [0, 0], [0, 0]]))
    edges = np.array([[128, 128], [0, 0], [256, 256]])
    assert geometry.apply(straight, edges) == pytest.approx(np.array([[100, 120], [50, 70], [150, 170]]))
    lying = blazepose.upright(np.array([[100.0, 120], [140, 120], [0, 0], [0, 0]]))  # the head is on the right
    assert geometry.apply(lying, np.array([[128, 0]]))[0] == pytest.approx([150, 120])
    assert geometry.apply(lying, np.array([[256, 128]]))[0] == pytest.approx([100, 170])


def test_a_sure_heat_map_moves_a_point_to_its_centre_and_another_does_not():
    heat = np.full((64, 64, 3), -30.0)
    heat[10, 20] = heat[10, 22] = 30  # cells of 4 px: rows first
    heat[:, :, 1] = -0.1  # never as sure as a half
    xy = np.array([[84.0, 44], [84, 44], [-20, 44]])
    moved = blazepose.refined(xy, heat)
    assert moved[0] == pytest.approx([84, 40])
    assert moved[1:].tolist() == xy[1:].tolist()
    heat[10, 25, 0] = 300  # a cell further than three from the point is not seen
    assert blazepose.refined(xy, heat)[0] == pytest.approx([84, 40])


def decoded(xy, heat):
    """RefineLandmarksFromHeatmapCalculator in plain loops, for one point."""
    column, row = int(xy[0] / 256 * 64), int(xy[1] / 256 * 64)
    if column < 0 or column >= 64 or row < 0:
        return xy
    total = across = down = best = 0.0
    for y in range(max(0, row - 3), min(64, row + 4)):
        for x in range(max(0, column - 3), min(64, column + 4)):
            sure = 1 / (1 + np.exp(-heat[y, x]))
            total, across, down, best = total + sure, across + x * sure, down + y * sure, max(best, sure)
    return (across / total * 4, down / total * 4) if best >= 0.5 and total > 0 else xy


@pytest.mark.parametrize("seed", range(5))
def test_refinement_equals_plain_loops_inside_and_outside(seed):
    rng = np.random.default_rng(seed)
    xy, heat = rng.uniform(-30, 290, (33, 2)), rng.normal(-3, 2, (64, 64, 33))
    expected = [decoded(point, heat[..., number]) for number, point in enumerate(xy)]
    moved = blazepose.refined(xy, heat)
    assert moved == pytest.approx(np.array(expected))
    assert not np.array_equal(moved, xy) and (moved == xy).all(axis=1).any()


def test_points_come_back_through_a_turned_region_and_say_how_visible_they_are():
    lying = detected([[100, 120], [140, 120]])  # 100 px about (100, 120), turned by a quarter
    instances = blazepose.persons(IMAGE, lambda images: [lying], BlazePose(Stub(0.9)), 4)
    assert instances.xy.shape == (1, 33, 2)
    assert instances.xy[0, 0] == pytest.approx([150 - 200 / 256 * 100, 70], abs=1e-4)
    assert instances.xy[0, 32] == pytest.approx([150 - 200 / 256 * 100, 70 + 64 / 256 * 100], abs=1e-4)
    assert instances.score[0, 6:9] == pytest.approx([0.5, 0.8, 0.5])
    assert instances.boxes.tolist() == [[10, 20, 30, 40]] and instances.box_score == pytest.approx([0.9])


def test_who_is_no_person_is_left_out_and_no_more_than_asked_are_looked_at():
    three = detected(*[[[100, 120], [100, 80]]] * 3)

    def sure(most, *flags):
        return blazepose.persons(IMAGE, lambda images: [three], BlazePose(Stub(*flags)), most).box_score.tolist()

    assert sure(4, 0.9, 0.49, 0.5) == pytest.approx([0.9, 0.6])
    assert sure(2, 0.9, 0.9) == pytest.approx([0.9, 0.75])
    assert sure(1, 0.1) == []


def test_it_finds_the_persons_that_mediapipe_finds_in_rendered_pictures():
    wheel = index_bundles.fetch_or_skip("mediapipe_wheel")
    detector = Detector(wheel.file(DESIGNS["person"].file), "person")
    body = BlazePose.open(wheel.file(blazepose.FILE))
    expected = files.read_arrays(facemesh_images.FACES / "bodies.npz")
    faces = []
    for name, image in facemesh_images.rendered().items():
        instances, known = blazepose.persons(image, detector, body, 1), expected[f"{name}|body"]
        assert instances.xy.shape == known.shape, name
        faces += [*np.linalg.norm(instances.xy - known, axis=-1)[:, FACE] / max(image.shape)]
    assert np.median(faces) < 3e-4
    # A heat map that is just as sure as it must be moves a point in one and not in the other.
    assert np.mean(np.array(faces) < 3e-3) > 0.95


def test_it_speaks_of_33_points():
    wheel = index_bundles.fetch_or_skip("mediapipe_wheel")
    config = parse({"family": "blazepose", "weights": "w"}, blazepose.Config, "x")
    one = blazepose.load(config, Assets(wheel), "cpu")
    assert (one.given, one.vocabulary, one.box_source) == ("own", "blazepose33", "blazepose")
    assert len(vocabulary(one.vocabulary)) == blazepose.POINTS


def test_another_network_is_refused(tmp_path):
    wheel = index_bundles.fetch_or_skip("mediapipe_wheel")
    (tmp_path / "pose_detection.tflite").write_bytes(wheel.file("pose_detection.tflite").read_bytes())
    (tmp_path / blazepose.FILE).write_bytes(wheel.file("face_landmark.tflite").read_bytes())
    bundle.write(tmp_path, "ok", "", {"pose_detection.tflite": {}, blazepose.FILE: {}})
    config = parse({"family": "blazepose", "weights": "w"}, blazepose.Config, "x")
    with pytest.raises(DataError, match=r"pose_landmark_full\.tflite takes .*192"):
        blazepose.load(config, Assets(bundle.read(tmp_path)), "cpu")
