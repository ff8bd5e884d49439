"""Third-party models agree that the renders are people, and where their features are."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from thermark.core import seeds
from thermark.core.radiometry import Tone, render
from thermark.landmarks import project
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.sensor import observe

pytestmark = pytest.mark.slow

SIZE = 256
COUNT = 50


def portrait(number: int, yaw: float | None) -> tuple[Scene, float]:
    rng = seeds.rng(7, "portrait", number, "frontal" if yaw is None else int(yaw))
    turned = rng.uniform(-30, 30) if yaw is None else yaw * (1 if number % 2 else -1)
    pose = sample_pose(rng, position=(0.0, 0.0, 0.75), yaw=turned)
    return render_scene([(sample_person(rng), pose)], Camera(SIZE, SIZE, 1.75 * SIZE), (22.0,), rng), turned


def inner_errors(scene: Scene, yaw: float, found: np.ndarray) -> np.ndarray:
    """Return the distances (51,) of FaceLandmarker's points in unforeshortened inter-ocular distances."""
    inner = project(found, "mediapipe478", "ibug68", "P")[17:] - scene.xy[0, 17:68]
    scale = np.linalg.norm(scene.xy[0, 36] - scene.xy[0, 45]) / np.cos(np.deg2rad(yaw))
    return np.linalg.norm(inner, axis=1) / scale


@pytest.fixture(scope="module")
def detect(mirror: Callable[[str], Path]):
    vision = pytest.importorskip("mediapipe.tasks.python.vision")
    import mediapipe
    from mediapipe.tasks.python import BaseOptions

    bundle = BaseOptions(model_asset_path=str(mirror("face_landmarker.task")))
    options = vision.FaceLandmarkerOptions(base_options=bundle)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:

        def run(image: np.ndarray) -> np.ndarray | None:
            pixels = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image))
            faces = landmarker.detect(pixels).face_landmarks
            return np.array([(p.x * SIZE - 0.5, p.y * SIZE - 0.5) for p in faces[0]]) if faces else None

        yield run


def test_face_landmarker_finds_frontal_renders_and_agrees_on_the_inner_face(detect):
    shots = [portrait(number, None) for number in range(COUNT)]
    detections = [(scene, yaw, detect(scene.rgb)) for scene, yaw in shots]
    errors = [np.mean(inner_errors(scene, yaw, xy)) for scene, yaw, xy in detections if xy is not None]
    assert len(errors) >= 0.95 * COUNT
    assert np.median(errors) <= 0.06


def test_face_landmarker_finds_most_faces_at_45_degrees(detect):
    detections = [detect(portrait(number, 45.0)[0].rgb) for number in range(COUNT)]
    assert sum(xy is not None for xy in detections) >= 0.6 * COUNT


def test_thermal_renders_are_hard_but_not_alien(detect):
    """Models made for colour find real thermal faces now and then; a render that none ever finds is no face."""
    hits = 0
    for number in range(COUNT):
        scene, _ = portrait(number, None)
        grey = render(observe(scene.celsius[0], seeds.rng(7, "sensor", number)), Tone())
        hits += detect(np.repeat(grey[..., None], 3, axis=2)) is not None
    assert 0.1 * COUNT <= hits < COUNT


def people_scores(session, image: np.ndarray) -> np.ndarray:
    """Return YOLOX's scores (M,) that its anchors hold a person (COCO class 0)."""
    side = session.get_inputs()[0].shape[2]
    scale = min(side / image.shape[0], side / image.shape[1])
    small = cv2.resize(image[..., ::-1], None, fx=scale, fy=scale)
    padded = np.full((side, side, 3), 114, np.float32)
    padded[: small.shape[0], : small.shape[1]] = small
    (out,) = session.run(None, {session.get_inputs()[0].name: padded.transpose(2, 0, 1)[None]})
    return out[0, :, 4] * out[0, :, 5]


def test_yolox_finds_people_in_the_colour_twins_of_thermeval_scenes(mirror):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(mirror("yolox_nano.onnx")), options)
    found = []
    for number in range(24):
        rng = seeds.rng(7, "body", number)
        distance = (0.75, 1.8, 3.0)[number % 3]
        pose = sample_pose(rng, position=(0.0, -0.12 * distance, distance), yaw=rng.uniform(-30, 30))
        scene = render_scene([(sample_person(rng), pose)], Camera(192, 256, 240.0), (22.0,), rng)
        found.append(people_scores(session, scene.rgb).max() > 0.3)
    assert np.mean(found) >= 0.8
