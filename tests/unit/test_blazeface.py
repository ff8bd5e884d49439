"""MediaPipe's detectors: anchors, letter-box and suppression by hand, and what MediaPipe answers itself."""

import cv2
import numpy as np
import pytest

import facemesh_images
from thermark.core import files, geometry
from thermark.core.errors import DataError
from thermark.models.inference import detectors
from thermark.models.inference.detectors import Detections, Detector
from thermark.models.inference.litert import Graph

SHORT, FULL, PERSON = (detectors.DESIGNS[kind] for kind in ("short_range", "full_range", "person"))


def candidates(boxes, scores) -> Detections:
    """Return candidates whose key points are the corners of their boxes, three times over."""
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    return Detections(boxes, np.tile(boxes.reshape(-1, 2, 2), (1, 3, 1)), np.asarray(scores, float))


def test_short_range_has_896_anchors():
    anchors = detectors.anchors(SHORT.size, SHORT.levels)
    assert anchors.shape == (896, 2)
    assert anchors[:4].tolist() == [[4, 4], [4, 4], [12, 4], [12, 4]]
    assert anchors[31:33].tolist() == [[124, 4], [4, 12]]
    assert anchors[511:519].tolist() == [[124, 124], *[[8, 8]] * 6, [24, 8]]
    assert anchors[-1].tolist() == [120, 120]


def test_full_range_has_one_anchor_for_every_fourth_pixel():
    anchors = detectors.anchors(FULL.size, FULL.levels)
    assert anchors.shape == (2304, 2)
    assert anchors[[0, 1, 47, 48, 2303]].tolist() == [[2, 2], [6, 2], [190, 2], [2, 6], [190, 190]]


def test_persons_have_2254_anchors_of_which_six_share_the_coarsest_cells():
    anchors = detectors.anchors(PERSON.size, PERSON.levels)
    assert anchors.shape == (2254, 2)
    assert anchors[[0, 1, 2, 1567]].tolist() == [[4, 4], [4, 4], [12, 4], [220, 220]]
    assert anchors[[1568, 1570, 1959]].tolist() == [[8, 8], [24, 8], [216, 216]]
    assert anchors[[1960, 1965, 1966, 2253]].tolist() == [[16, 16], [16, 16], [48, 16], [208, 208]]


def test_the_letter_box_shows_the_whole_frame_in_the_middle():
    to_image = detectors.letter_box(200, 100, 128)
    corners = geometry.apply(to_image, np.array([[0, 32], [128, 96], [64, 64]]))
    assert corners == pytest.approx(np.array([[-0.5, -0.5], [199.5, 99.5], [99.5, 49.5]]))


def test_a_region_is_turned_from_x_to_y():
    to_image = detectors.region((10, 20), 40, np.pi / 2, 8)
    places = geometry.apply(to_image, np.array([[4, 4], [8, 4], [4, 8], [0, 0]]))
    assert places == pytest.approx(np.array([[10, 20], [10, 40], [-10, 20], [30, 0]]))


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_it_samples_as_a_perspective_warp_between_corners_does(angle):
    """As MediaPipe's converter for OpenCV does it: corners of a turned rectangle to those of the input."""
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (90, 120, 3), np.uint8), (0, 0), 2)
    centre, side, size = np.array([55.0, 40.0]), 70.0, 48
    corners = cv2.boxPoints((tuple(centre + 0.5), (side, side), np.rad2deg(angle)))  # its frame begins at the edge
    targets = np.array([[0, size], [0, 0], [size, 0], [size, size]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, targets)
    expected = cv2.warpPerspective(image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    seen = detectors.sampled(image, detectors.region(centre, side, angle, size), size, cv2.BORDER_REPLICATE)
    assert np.abs(seen.astype(int) - expected).max() <= 2
    wrong = cv2.warpAffine(
        image,
        detectors.region(centre, side, angle, size),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    assert np.abs(wrong.astype(int) - expected).max() > 2


def test_decoding_is_relative_to_the_anchor_and_drops_what_is_no_face():
    centres = np.array([[4.0, 4.0], [12.0, 4.0], [20.0, 4.0], [28.0, 4.0]])
    numbers = np.zeros((4, 16))
    numbers[:, 2:4] = 8, 6
    numbers[1, :2] = 3, -1  # moves the box, and nothing else
    numbers[1, 4:6] = 2, 5
    numbers[2, 2] = -8  # no width
    numbers[3, 9] = np.nan
    with np.errstate(all="raise"):  # a logit far out is clipped, not an overflow
        detections = detectors.decode(numbers.ravel(), np.array([-1e9, 1e9, 5.0, 5.0]), centres, 0.5)
    assert detections.boxes.tolist() == [[11, 0, 19, 6]]
    assert detections.points[0, :2].tolist() == [[14, 9], [12, 4]]
    assert detections.scores.tolist() == [1.0]


def test_a_score_at_the_threshold_counts():
    numbers = np.tile(np.r_[0, 0, 8, 8, np.zeros(12)], (2, 1))
    detections = detectors.decode(numbers, np.array([0.0, -1e-3]), np.zeros((2, 2)), 0.5)
    assert detections.scores.tolist() == [0.5]


def test_overlapping_candidates_are_averaged_by_score():
    detections = detectors.merged(
        candidates([[0, 0, 10, 10], [100, 0, 110, 10], [0, 2, 10, 12], [0, 9, 10, 19]], [0.9, 0.95, 0.6, 0.8]), 0.3
    )
    assert detections.scores.tolist() == [0.95, 0.9, 0.8]
    assert detections.boxes.tolist()[0] == [100, 0, 110, 10]
    assert detections.boxes[1] == pytest.approx([0, 0.8, 10, 10.8])  # (0.9 * 0 + 0.6 * 2) / 1.5
    assert detections.points[1, 5] == pytest.approx([10, 10.8])
    assert detections.boxes[2].tolist() == [
        0,
        9,
        10,
        19,
    ]  # overlaps the merged pair's second, which is gone by then


@pytest.mark.parametrize(("height", "faces"), [(3.5, 1), (2.5, 2)])
def test_candidates_are_one_face_from_three_tenths_of_overlap(height, faces):
    detections = detectors.merged(candidates([[0, 0, 10, 10], [0, 0, 10, height]], [0.9, 0.8]), detectors.OVERLAP)
    assert len(detections) == faces


def test_an_overlap_at_the_limit_is_none():
    assert len(detectors.merged(candidates([[0, 0, 10, 10], [0, 0, 10, 5]], [0.9, 0.8]), 0.5)) == 2


def brute_force(boxes, scores, overlap):
    """Weighted suppression once more, in plain loops."""
    left = [(-s, -(b[2] - b[0]) * (b[3] - b[1]), b[0], b[1], tuple(b)) for b, s in zip(boxes, scores, strict=True)]
    left.sort()
    detections = []
    while left:
        best, near, far = left[0][4], [], []
        for row in left:
            b = row[4]
            wide = min(best[2], b[2]) - max(best[0], b[0])
            high = min(best[3], b[3]) - max(best[1], b[1])
            shared = wide * high if wide > 0 and high > 0 else 0.0
            union = (best[2] - best[0]) * (best[3] - best[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
            (near if shared / union > overlap else far).append(row)
        total = sum(-row[0] for row in near)
        detections.append([-left[0][0], *(sum(-row[0] * row[4][i] for row in near) / total for i in range(4))])
        left = far
    return np.array(detections)


@pytest.mark.parametrize("seed", range(20))
def test_suppression_equals_brute_force_whatever_the_order(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 40))
    corner = rng.integers(0, 40, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(4, 30, (count, 2))], axis=1).astype(float)
    scores = rng.choice([0.5, 0.6, 0.75, 0.9], count)  # ties
    expected = brute_force(boxes, scores, 0.3)
    for order in (np.arange(count), rng.permutation(count)):
        detections = detectors.merged(candidates(boxes[order], scores[order]), 0.3)
        assert np.c_[detections.scores, detections.boxes] == pytest.approx(expected)
        assert detections.points[:, 0] == pytest.approx(expected[:, 1:3])


def test_no_candidate_is_no_face():
    detections = detectors.merged(candidates([], []), 0.3)
    assert (detections.boxes.shape, detections.points.shape, detections.scores.shape) == ((0, 4), (0, 6, 2), (0,))
    assert len(detectors.placed(detections, detectors.letter_box(20, 10, 8))) == 0


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    for content in (b"", b"<html>quota exceeded</html>" * 100):
        (tmp_path / "bad.tflite").write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.tflite"):
            Detector(tmp_path / "bad.tflite", "short_range")


def test_a_detector_is_not_taken_for_the_other():
    with pytest.raises(DataError, match="not \\(1, 192, 192, 3\\) and 2304 and 36864"):
        Detector(facemesh_images.model(SHORT.file), "full_range")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((20, 20), np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((20, 20, 3), np.float32),
    ],
)
def test_what_is_no_rgb_image_is_refused_and_harms_nothing(image):
    detector = Detector(facemesh_images.model(SHORT.file), "short_range")
    good = facemesh_images.picture(facemesh_images.FACES / "face_0.png")
    before = detector([good])[0]
    with pytest.raises(ValueError, match="image"):
        detector([good, image])
    assert np.array_equal(detector([good])[0].boxes, before.boxes)


@pytest.mark.parametrize(("kind", "key"), [("short_range", "short"), ("full_range", "full")])
def test_it_finds_the_faces_that_mediapipe_finds_in_rendered_pictures(kind, key):
    detector = Detector(facemesh_images.model(detectors.DESIGNS[kind].file), kind)
    expected = files.read_arrays(facemesh_images.FACES / "rendered.npz")
    compare(detector, facemesh_images.rendered(), expected, key)


@pytest.mark.parametrize(("kind", "key"), [("short_range", "short"), ("full_range", "full")])
def test_it_finds_the_faces_that_mediapipe_finds_in_real_pictures(kind, key, mirror):
    detector = Detector(facemesh_images.model(detectors.DESIGNS[kind].file), kind)
    expected = files.read_arrays(facemesh_images.FACES / "real.npz")
    folder = mirror("facesynthetics_100")
    for name in facemesh_images.REAL:
        compare(
            detector, facemesh_images.real(name, facemesh_images.picture(folder / f"{name}.png")), expected, key
        )


def compare(detector, pictures, expected, key):
    for name, detections in zip(pictures, detector(list(pictures.values())), strict=True):
        rows = expected[f"{name}|{key}"]
        assert len(detections) == len(rows), name
        assert detections.boxes == pytest.approx(rows[:, :4], abs=0.05), name
        assert detections.points.reshape(-1, 12) == pytest.approx(rows[:, 4:16], abs=0.05), name
        assert detections.scores == pytest.approx(rows[:, 16], abs=1e-3), name


def test_threads_and_batches_change_nothing():
    """Which is why the graph has one of each."""
    from ai_edge_litert.interpreter import Interpreter

    path = facemesh_images.model(FULL.file)
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 192, 192, 3)).astype(np.float32)
    graph = Graph(path, 192, (2304 * 16, 2304))
    expected = np.stack([graph(picture)[0] for picture in pictures])
    many = Interpreter(str(path), num_threads=2)
    many.resize_tensor_input(many.get_input_details()[0]["index"], pictures.shape)
    many.allocate_tensors()
    many.set_tensor(many.get_input_details()[0]["index"], pictures)
    many.invoke()
    answers = [many.get_tensor(output["index"]) for output in many.get_output_details()]
    widest = max(answers, key=np.size)
    assert np.array_equal(widest.reshape(3, -1), expected)
