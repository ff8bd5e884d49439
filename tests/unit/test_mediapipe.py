"""MediaPipe's Tasks as contestants: what is checked before they see it, and what their answers mean in pixels."""

import gc
import os
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from thermark import landmarks
from thermark.core.bundle import Bundle
from thermark.core.errors import DataError, SetupError
from thermark.models import mediapipe
from thermark.models.inference import golden_check
from thermark.models.inference.contract import Assets, Instances, Unavailable
from thermark.models.inference.quiet import quiet
from thermark.models.mediapipe import Config, MediaPipe

FILES = {"landmarker": "face_landmarker.task", "detector": "blaze_face_short_range.tflite"}


def config(task="landmarker", **changed) -> Config:
    settings = {"family": "mediapipe", "weights": "mediapipe", "task": task, "file": FILES[task]}
    return Config(**(settings | changed))


def bundle(path) -> Bundle:
    return Bundle(path.parent, "ok", "", {path.name: {}})


class Scripted:
    """Stands in for a task: it finds faces of normalised points (F, K, 2), or what a function says of an image."""

    def __init__(self, says):
        self.says, self.seen, self.closed = says, [], 0

    def detect(self, image):
        self.seen.append(image)
        faces = self.says(image) if callable(self.says) else self.says
        points = [[SimpleNamespace(x=x, y=y) for x, y in face] for face in faces]
        return SimpleNamespace(face_landmarks=points)

    def close(self):
        self.closed += 1


PACKAGE = SimpleNamespace(Image=lambda image_format, data: data, ImageFormat=SimpleNamespace(SRGB=1))
POINTS = len(landmarks.load("mediapipe478"))


def square(x, y, side) -> np.ndarray:
    """Return a mesh (478, 2) of which all points are corners of a square."""
    corners = np.array([(x, y), (x + side, y), (x, y + side), (x + side, y + side)])
    return corners[np.arange(POINTS) % 4]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((9, 9, 3), np.int8),
    ],
)
def test_what_is_no_picture_never_reaches_mediapipe(image):
    task = Scripted([])
    for given, box in (("own", None), ("prompt", np.array([[1, 1, 5, 5]], np.float32))):
        with pytest.raises(ValueError, match="an image"):
            MediaPipe(config(given=given), PACKAGE, task)([image], [box])
    assert not task.seen


def test_faces_come_in_pixels_the_largest_first():
    task = Scripted([square(0.1, 0.2, 0.1), square(0.5, 0.2, 0.3), square(0.3, 0.6, 0.2)])
    image = np.zeros((100, 200, 3), np.uint8)
    (instances,) = MediaPipe(config(faces=2), PACKAGE, task)([image], [None])
    # Normalised 0.5 is 100 of 200; then half a pixel of the region's input, 0.21 % of a side of 60, comes off.
    np.testing.assert_allclose(
        instances.xy[0, :2], [[100 - 0.126, 20 - 0.126], [160 - 0.126, 20 - 0.126]], atol=1e-4
    )
    np.testing.assert_allclose(instances.boxes, [[100, 20, 160, 50], [60, 60, 100, 80]], atol=0.13)
    assert (instances.score == 1).all() and np.isnan(instances.box_score).all()
    assert (
        instances.xy.dtype
        == instances.score.dtype
        == instances.boxes.dtype
        == instances.box_score.dtype
        == np.float32
    )


def test_of_equal_faces_the_surer_comes_first_then_the_one_further_left():
    boxes = np.array([[50, 0, 60, 10], [0, 0, 20, 20], [30, 0, 40, 10], [10, 0, 20, 10]], np.float32)
    scores = np.array([0.6, 0.5, 0.9, 0.6], np.float32)
    instances = Instances(boxes[:, None, :2], scores[:, None], boxes, scores)
    assert mediapipe.ordered(instances, 9).boxes[:, 0].tolist() == [0, 30, 10, 50]
    assert mediapipe.ordered(instances, 2).score[:, 0].tolist() == pytest.approx([0.5, 0.9])
    assert len(mediapipe.ordered(Instances.none(6), 3).xy) == 0


def test_a_detection_is_moved_by_half_a_pixel_of_the_detectors_input():
    point = SimpleNamespace(x=0.25, y=0.5)
    box = SimpleNamespace(origin_x=64, origin_y=32, width=128, height=120)
    face = SimpleNamespace(keypoints=[point] * 6, bounding_box=box, categories=[SimpleNamespace(score=0.75)])
    shift = mediapipe.HALF_CELL["detector"]
    instances = mediapipe._detected(SimpleNamespace(detections=[face]), 512, 256, shift)
    np.testing.assert_allclose(instances.xy, np.full((1, 6, 2), [128 - 2.0, 128 - 2.0]))
    np.testing.assert_allclose(instances.boxes, [[62, 30, 190, 150]])
    assert instances.score.tolist() == [[0.75] * 6] and instances.box_score.tolist() == [0.75]
    assert len(mediapipe._detected(SimpleNamespace(detections=[]), 512, 256, shift).xy) == 0


def test_a_prompt_is_answered_in_its_place_and_through_its_crop():
    def bright(image):
        rows, columns = np.nonzero(image[..., 0] > 128)
        if not len(rows):
            return []
        # As MediaPipe does, edges count: the middle of the first pixel is half a pixel from 0.
        middle = (np.array([columns.mean(), rows.mean()]) + 0.5) / len(image)
        return [np.repeat(middle[None], POINTS, axis=0)]

    image = np.zeros((120, 160, 3), np.uint8)
    image[50:61, 90:101] = 255
    boxes = np.array([[80, 40, 110, 70], [np.nan] * 4, [0, 0, 20, 20], [5, 5, 5, 5]], np.float32)
    (instances,) = MediaPipe(config(given="prompt"), PACKAGE, Scripted(bright))([image], [boxes])
    assert np.isnan(instances.xy).all(axis=(1, 2)).tolist() == [False, True, True, True]
    assert np.isnan(instances.score).all(axis=1).tolist() == [False, True, True, True]
    # The crop is 45 px in 256, of which MediaPipe's half pixel is a tenth of ours.
    np.testing.assert_allclose(instances.xy[0], np.full((POINTS, 2), [95, 55]), atol=0.15)
    np.testing.assert_array_equal(instances.boxes, boxes)
    assert np.isnan(instances.box_score).all()
    (nobody,) = MediaPipe(config(given="prompt"), PACKAGE, Scripted(bright))([image], [boxes[:0]])
    assert nobody.xy.shape == (0, POINTS, 2)


def test_who_it_is():
    one = MediaPipe(config("detector"), PACKAGE, Scripted([]))
    assert (one.vocabulary, one.given, one.box_source) == ("blazeface6", "own", "blazeface_short_range")
    other = MediaPipe(config(given="prompt"), PACKAGE, Scripted([]))
    assert (other.vocabulary, other.given, other.box_source) == ("mediapipe478", "prompt", "prompt")


def test_a_task_is_closed_once_however_it_ends():
    task = Scripted([])
    with MediaPipe(config(), PACKAGE, task) as contestant:
        pass
    contestant.close()
    del contestant
    assert task.closed == 1


def test_the_garbage_collector_closes_nothing_itself():
    """It may run inside the very calls, and locks, that closing needs."""
    task = Scripted([])
    contestant = MediaPipe(config(), PACKAGE, task)
    contestant.itself = contestant
    del contestant
    gc.collect()
    assert task.closed == 0
    mediapipe.close_left()
    mediapipe.close_left()
    assert task.closed == 1


def test_an_absent_package_and_an_absent_gpu_are_told_apart(tmp_path, monkeypatch):
    path = tmp_path / FILES["landmarker"]
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(Unavailable, match="mediapipe cannot be imported"):
        mediapipe.load(config(), Assets(bundle(path)), "auto")
    with pytest.raises(SetupError):
        mediapipe.load(config(), Assets(bundle(path)), "cuda")


def test_native_chatter_is_dropped_and_nothing_else(capfd):
    with pytest.raises(KeyError), quiet():
        os.write(2, b"chatter")
        raise KeyError
    print("ours", file=sys.stderr)
    os.write(2, b"and theirs")
    assert capfd.readouterr().err == "ours\nand theirs"


# ---------------------------------------------------------------------------------------------- the real package


@pytest.fixture(scope="module", params=["landmarker", "detector"])
def real(request, mirror):
    pytest.importorskip("mediapipe")
    with mediapipe.load(config(request.param), Assets(bundle(mirror(FILES[request.param]))), "cpu") as contestant:
        yield contestant


@pytest.fixture(scope="module")
def faces(mirror):
    """Return 60 pictures, each with its 68 of the 70 labels."""
    paths = sorted(mirror("facesynthetics_100").glob("*_ldmks.txt"))[:60]
    read = [cv2.imread(str(path).replace("_ldmks.txt", ".png"))[..., ::-1] for path in paths]
    return [np.ascontiguousarray(image) for image in read], np.stack([np.loadtxt(path)[:68] for path in paths])


def found(contestant, images) -> np.ndarray:
    """Return the first face of each image, (N, K, 2), NaN where there is none."""
    predictions = contestant(images, [None] * len(images))
    none = np.full((len(landmarks.load(contestant.vocabulary)), 2), np.nan)
    return np.stack([one.xy[0] if len(one.xy) else none for one in predictions])


def test_real_faces_are_found_where_they_are_labelled(real, faces):
    images, truth = faces
    xy = found(real, images)
    assert np.isnan(xy).any(axis=(1, 2)).sum() <= 3
    eyes = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=-1)
    if real.vocabulary == "mediapipe478":
        error = np.linalg.norm(landmarks.project(xy, "mediapipe478", "ibug68", "P") - truth, axis=-1).mean(axis=1)
        assert np.nanmedian(error / eyes) < 0.08
    tip = landmarks.project(xy, real.vocabulary, "nose1", "tip")[:, 0]
    assert np.nanmedian(np.linalg.norm(tip - truth[:, 30], axis=-1) / eyes) < 0.1
    # The subject's right is on the left of the picture.
    right, left = ("mesh_33", "mesh_263") if real.vocabulary == "mediapipe478" else ("right_eye", "left_eye")
    place = landmarks.load(real.vocabulary).index
    gaps = xy[:, [place(right), place(left)]] - truth[:, [36, 45]]
    assert np.nanmedian(np.linalg.norm(gaps, axis=-1) / eyes[:, None]) < 0.25


def test_pixels_are_counted_from_their_centres(real, faces):
    """A face and its mirror image are mirror images, of which the middle is (W - 1) / 2."""
    images, _ = faces
    flip = landmarks.load(real.vocabulary).flip
    mirrored = found(real, [np.ascontiguousarray(image[:, ::-1]) for image in images])[:, flip]
    middle = (found(real, images) + mirrored)[..., 0].mean(axis=1) / 2
    # Without half a cell it would be 0.5 px and 2 px off.
    assert abs(np.nanmean(middle) - (512 - 1) / 2) < (0.2 if real.vocabulary == "mediapipe478" else 0.6)


def test_a_face_that_is_moved_is_found_where_it_was_moved_to(real, faces):
    images = [np.pad(image, ((0, 64), (0, 64), (0, 0))) for image in faces[0][:12]]
    shift = np.array([16, 40])
    moved = found(real, [np.roll(image, shift[::-1], axis=(0, 1)) for image in images]) - found(real, images)
    # The detector, whose input has a pixel for 4.5 of these, is no surer than that of a single point.
    all_points, each = (1, 1.5) if real.vocabulary == "mediapipe478" else (2, 5)
    np.testing.assert_allclose(np.nanmedian(moved, axis=(0, 1)), shift, atol=all_points)
    assert np.nanmedian(np.linalg.norm(moved - shift, axis=-1)) < each


def test_two_faces_come_the_larger_first_on_either_side(real, faces):
    large = faces[0][1]
    small = cv2.resize(faces[0][0], None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    pad = np.pad(small, ((0, 512 - len(small)), (0, 0), (0, 0)))
    sides = []
    for row in ([large, pad], [pad, large]):
        image = np.concatenate(row, axis=1)
        (instances,), (again,) = real([image], [None]), real([image], [None])
        assert len(instances.xy) == 2
        np.testing.assert_array_equal(instances.xy, again.xy)
        sides.append(bool(instances.boxes[0, 0] < instances.boxes[1, 0]))
    assert sides == [True, False]


def test_nobody_is_found_in_a_blank_image(real):
    for level in (0, 128, 255):
        (instances,) = real([np.full((200, 300, 3), level, np.uint8)], [None])
        assert instances.xy.shape == (0, len(landmarks.load(real.vocabulary)), 2)


def test_a_bad_image_spoils_no_good_one(real, faces):
    good = faces[0][0]
    before = found(real, [good])
    for bad in (good[:0], good[:1, :1], np.dstack([good, good[..., 0]]), good.astype(np.float32)):
        with pytest.raises(ValueError, match="an image"):
            real([good, bad], [None, None])
    np.testing.assert_array_equal(found(real, [good]), before)


def test_a_poisoned_graph_is_left_without_a_word_and_a_new_one_is_right(real, faces, mirror, monkeypatch, capfd):
    good = faces[0][0]
    path = mirror(real.config.file)
    poisoned = mediapipe.load(real.config, Assets(bundle(path)), "cpu")
    with monkeypatch.context() as unchecked:
        unchecked.setattr(mediapipe, "usable", lambda image: None)
        with pytest.raises(RuntimeError):
            poisoned([good[:0]], [None])
    with pytest.raises(RuntimeError):
        poisoned([good], [None])
    capfd.readouterr()
    del poisoned
    assert "Traceback" not in capfd.readouterr().err
    with mediapipe.load(real.config, Assets(bundle(path)), "cpu") as rebuilt:
        np.testing.assert_array_equal(found(rebuilt, [good]), found(real, [good]))


def test_prompts_are_answered_as_the_frame_is(faces, mirror):
    pytest.importorskip("mediapipe")
    path = mirror(FILES["landmarker"])
    images, truth = faces[0][:8], faces[1][:8]
    boxes = np.concatenate([truth.min(axis=1), truth.max(axis=1)], axis=1).astype(np.float32)
    with mediapipe.load(config(), Assets(bundle(path)), "cpu") as frame_contestant:
        whole = found(frame_contestant, images)
    with mediapipe.load(config(given="prompt"), Assets(bundle(path)), "cpu") as prompt_contestant:
        predictions = prompt_contestant(images, [np.stack([box, box * np.nan]) for box in boxes])
    assert all(np.isnan(one.xy[1]).all() for one in predictions)
    apart = (
        np.linalg.norm(np.stack([one.xy[0] for one in predictions]) - whole, axis=-1)
        / np.ptp(boxes, axis=1)[:, None]
    )
    assert np.nanmedian(apart) < 0.02


def test_468_points_that_are_read_as_478_are_refused(mirror, tmp_path):
    pytest.importorskip("mediapipe")
    official = zipfile.ZipFile(mirror(FILES["landmarker"]))
    path = tmp_path / FILES["landmarker"]
    with zipfile.ZipFile(path, "w") as disguised:
        disguised.writestr("face_detector.tflite", official.read("face_detector.tflite"))
        disguised.writestr("face_landmarks_detector.tflite", mirror("face_landmark.tflite").read_bytes())
    with pytest.raises(DataError, match="misses the points of a known face"):
        mediapipe.load(config(), Assets(bundle(path)), "cpu")


@pytest.mark.parametrize("task", ["landmarker", "detector"])
@pytest.mark.parametrize(
    "other", [b"", b"<html>" * 99, "face_landmark.tflite", "face_detection_full_range_sparse.tflite"]
)
def test_files_that_are_something_else_are_refused(task, other, mirror, tmp_path, capfd):
    pytest.importorskip("mediapipe")
    path = tmp_path / FILES[task]
    path.write_bytes(mirror(other).read_bytes() if isinstance(other, str) else other)
    with pytest.raises(DataError) as caught:
        mediapipe.load(config(task), Assets(bundle(path)), "cpu")
    assert caught.value.code == 3 and "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("task", ["landmarker", "detector"])
def test_it_leaves_without_a_word_when_nobody_closes_it(task, mirror):
    pytest.importorskip("mediapipe")
    path = mirror(FILES[task])
    code = f"""
from pathlib import Path
import numpy as np
from thermark.core.bundle import Bundle
from thermark.models import mediapipe
from thermark.models.inference.contract import Assets
config = mediapipe.Config(family="m", weights="m", task={task!r}, file={path.name!r})
held = Assets(Bundle(Path({str(path.parent)!r}), "ok", "", {{{path.name!r}: {{}}}}))
kept = mediapipe.load(config, held, "cpu")
kept([np.zeros((99, 99, 3), np.uint8)], [None])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_the_known_face_is_one_that_the_official_landmarker_finds(mirror):
    pytest.importorskip("mediapipe")
    known = golden_check.read("facemesh")
    with mediapipe.load(config(), Assets(bundle(mirror(FILES["landmarker"]))), "cpu") as contestant:
        (instances,) = contestant([known.picture], [None])
    assert (
        len(instances.xy) == 1
        and golden_check.deviation(instances.xy[0], known.xy) < mediapipe.TOLERANCE["landmarker"] / 2
    )
