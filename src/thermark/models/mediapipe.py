"""MediaPipe's own Tasks on whole frames: FaceLandmarker with 478 points, and FaceDetector, BlazeFace with six.

Both need the package `mediapipe` 0.10.31 (Apache-2.0), which brings no models. Tasks take one picture at a time.
"""

import atexit
import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import shorten
from types import ModuleType
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from thermark import landmarks
from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.models.inference import golden_check, two_stage
from thermark.models.inference.contract import (
    Assets,
    BundleConfig,
    Floats,
    Given,
    Image,
    Instances,
    Unavailable,
    on_cpu,
    usable,
)
from thermark.models.inference.finder import Finder
from thermark.models.inference.quiet import quiet

Task = Literal["landmarker", "detector"]
VOCABULARY: dict[Task, str] = {"landmarker": "mediapipe478", "detector": "blazeface6"}
# Half a pixel of the networks' inputs: BlazeFace sees the longer side of the picture in 128; that of the
# mesh's own region is not published. It was measured over mirrored pairs of FaceSynthetics, in longer sides of
# the mesh.
HALF_CELL: dict[Task, float] = {"landmarker": 0.0021, "detector": 0.5 / 128}
MANY = 1000  # faces that a detector may return: all
# Of a known face, in its longer sides. The points to compare with are of an older mesh; 468 points that are read
# as 478 are wrong by half the face.
TOLERANCE: dict[Task, float] = {"landmarker": 0.05, "detector": 0.1}


class Config(BundleConfig):
    """What runs, and on what.

    `file`: the model in the bundle that `task` runs. `faces`: how many are looked for in a picture, at most.
    `min_confidence`: of the detector, and of a face being in what it found. `given`: the whole frame (`own`), or
    `crop` px of `padding` longer sides round each prompt, which is then answered by the first face in it.
    `detector`: a model in the bundle for FaceDetector, which finds faces first; the landmarker then sees each as
    part 3 of the posts cuts it, 1.25 longer sides, clipped to the frame and stretched to 256 px. `as_told`: points
    are the package's, from the outline of the picture, as the posts take them, and not moved to pixel
    centres.
    """

    file: str
    task: Task
    faces: PositiveInt = 5
    min_confidence: float = Field(default=0.5, ge=0, le=1)
    given: Literal["own", "prompt"] = "own"
    padding: PositiveFloat = 1.5
    crop: PositiveInt = 256
    detector: str | None = None
    as_told: bool = False

    @model_validator(mode="after")
    def _only_a_landmarker_has_a_detector(self) -> "Config":
        if self.detector and (self.task, self.given) != ("landmarker", "own"):
            raise ValueError("`detector` is for `task: landmarker` and `given: own`")
        return self


class MediaPipe:
    """A task, which is closed on leaving a `with` block, by `close`, or when the next one is opened after its end.

    Faces come largest first; of equal ones the surer, then the one further left. FaceLandmarker tells no scores:
    its points have score 1, its boxes are the outlines of the mesh and have score NaN.
    """

    batch = 8
    trained_on: tuple[str, ...] = ()

    def __init__(self, config: Config, package: ModuleType, task: Any) -> None:
        """Take over `task`, which `opened` made with `package`."""
        self.config = config
        self.vocabulary = VOCABULARY[config.task]
        self.given: Given = config.given
        self.box_source: str = "blazeface_short_range" if config.given == "own" else config.given
        self._package, self._task = package, task
        _open.append(task)
        self._end = weakref.finalize(self, _left.append, task)
        self._end.atexit = False

    def close(self) -> None:
        """Close the task, if it is open."""
        if self._end.detach():
            _close(self._task)

    def __enter__(self) -> "MediaPipe":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the faces of each image; raises ValueError for what is no picture, before MediaPipe gets it."""
        return [
            self.predict(image) if given is None else self._prompted(image, given)
            for image, given in zip(images, boxes, strict=True)
        ]

    def predict(self, image: Image) -> Instances:
        """Return the faces of one RGB image (H, W, 3) uint8, in its pixels."""
        usable(image)  # after an empty image its graph fails on good ones
        height, width = image.shape[:2]
        package = self._package
        wrapped = package.Image(image_format=package.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        shift = 0.0 if self.config.as_told else HALF_CELL[self.config.task]
        return ordered(READ[self.config.task](self._task.detect(wrapped), width, height, shift), self.config.faces)

    def _prompted(self, image: Image, boxes: Floats) -> Instances:
        usable(image)  # after an empty image its graph fails on good ones
        points = len(landmarks.load(self.vocabulary))
        xy = np.full((len(boxes), points, 2), np.nan, np.float32)
        score = np.full((len(boxes), points), np.nan, np.float32)
        for row, box in enumerate(boxes):
            if not (np.isfinite(box).all() and geometry.box_size(box).max() > 0):
                continue
            to_image = geometry.crop_to_source(box, self.config.crop, self.config.padding)
            inside = self.predict(geometry.warp(image, to_image, self.config.crop))
            if len(inside.xy):
                xy[row], score[row] = geometry.apply(to_image, inside.xy[0]), inside.score[0]
        return Instances(xy, score, boxes, np.full(len(boxes), np.nan, np.float32))


def load(config: Config, assets: Assets, device: str) -> MediaPipe | Finder:
    """Return the contestant, once it has found a known face.

    Raises Unavailable when the package is absent or cannot be loaded, DataError for a file that is no such model
    or finds other points, SetupError for a GPU.
    """
    on_cpu(device, "MediaPipe's Tasks here")
    path = assets.weights.file(config.file)
    # As what runs, prompts, thresholds and the number of faces aside, which are no matter of the model.
    plain = Config(family=config.family, weights=config.weights, file=config.file, task=config.task, faces=1)
    known = golden_check.read("facemesh")
    expected = replace(known, xy=landmarks.project(known.xy, "mediapipe478", VOCABULARY[config.task]))
    with quiet(), MediaPipe(plain, *opened(plain, path)) as predictor:
        try:
            golden_check.check(config.file, predictor, expected, TOLERANCE[config.task])
        except RuntimeError as error:  # a graph may fail on its first picture only
            raise _refused(path, config.task, error) from error
    with quiet():
        contestant = MediaPipe(config, *opened(config, path))
        contestant.predict(known.picture)  # the last greetings come with the first picture
        if config.detector is None:
            return contestant
        finder = Config(
            family=config.family,
            weights=config.weights,
            task="detector",
            file=config.detector,
            faces=MANY,
            as_told=config.as_told,
        )
        heads = MediaPipe(finder, *opened(finder, assets.weights.file(config.detector))).predict
        points, vocabulary = contestant.predict, VOCABULARY["landmarker"]
        find = partial(two_stage.faces, finder=heads, points=points, vocabulary=vocabulary, as_told=config.as_told)
        cascade = Finder(find, vocabulary, Path(config.detector).stem, batch=8)
        try:
            golden_check.check(config.detector, cascade, expected, TOLERANCE["landmarker"])
        except RuntimeError as error:  # 0.10.31 opens a full-range detector and fails on its first picture
            reason = shorten(str(error).replace("\n", " "), 160)
            raise Unavailable(f"this version of mediapipe cannot run {config.detector}: {reason}") from error
    return cascade


def opened(config: Config, path: Path) -> tuple[ModuleType, Any]:
    """Return the package and a task made from the model in `path`; raises Unavailable and DataError."""
    close_left()
    try:
        import mediapipe  # seconds, and many machines lack it
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise Unavailable(f"the package mediapipe cannot be imported: {error}") from error
    base, least = BaseOptions(model_asset_path=str(path)), config.min_confidence
    try:
        if config.task == "detector":
            few = vision.FaceDetectorOptions(base_options=base, min_detection_confidence=least)
            return mediapipe, vision.FaceDetector.create_from_options(few)
        many = vision.FaceLandmarkerOptions(
            base_options=base,
            num_faces=config.faces,
            min_face_detection_confidence=least,
            min_face_presence_confidence=least,
        )
        return mediapipe, vision.FaceLandmarker.create_from_options(many)
    except (RuntimeError, ValueError, FileNotFoundError) as error:  # it tells so of missing parts of the file
        raise _refused(path, config.task, error) from error
    except OSError as error:
        raise Unavailable(f"the package mediapipe cannot load its library: {error}") from error


def _refused(path: Path, task: Task, error: Exception) -> DataError:
    reason = shorten(str(error), 160) or type(error).__name__
    return DataError(f"{path.name} does not run as a face {task}: {reason}", "bring the weights again")


# The package's own `__del__` raises at exit and after an error; and a task that the garbage collector closes may
# wait forever for a lock of the thread it interrupts. So no task is let go of before it was closed here.
_open: list[Any] = []
_left: list[Any] = []


def close_left() -> None:
    """Close the tasks whose contestants are gone."""
    while _left:
        _close(_left.pop())


def _close(task: Any) -> None:
    """Close a task for good, also one whose graph has failed, which raises what it raised before."""
    try:
        task.close()
    except (RuntimeError, ValueError):
        task._lib.close()
    finally:
        task._handle = None
        _open.remove(task)


@atexit.register
def _abandon() -> None:
    """Keep what is still open from closing itself while the interpreter falls apart."""
    for task in _open:
        task._handle = None


def _mesh(result: Any, width: int, height: int, shift: float) -> Instances:
    """Return FaceLandmarker's faces in pixels, moved by `shift` longer sides of the mesh."""
    faces = [[(point.x * width, point.y * height) for point in face] for face in result.face_landmarks]
    if not faces:
        return Instances.none(len(landmarks.load("mediapipe478")))
    xy = np.array(faces, np.float64)
    side = geometry.box_size(geometry.bounding_box(xy)).max(axis=-1)
    xy = (xy - shift * side[:, None, None]).astype(np.float32)
    ones, unknown = np.ones(xy.shape[:2], np.float32), np.full(len(xy), np.nan, np.float32)
    return Instances(xy, ones, geometry.bounding_box(xy), unknown)


def _detected(result: Any, width: int, height: int, shift: float) -> Instances:
    """Return FaceDetector's faces in pixels, moved by `shift` longer sides of the picture.

    Of a point the score is that of its face.
    """
    faces = result.detections
    if not faces:
        return Instances.none(len(landmarks.load("blazeface6")))
    moved = shift * max(width, height)
    xy = np.array([[(point.x * width, point.y * height) for point in face.keypoints] for face in faces])
    outlines = [face.bounding_box for face in faces]
    corners = np.array([(box.origin_x, box.origin_y) for box in outlines], np.float64)
    sides = np.array([(box.width, box.height) for box in outlines])
    boxes = np.concatenate([corners, corners + sides], axis=1) - moved
    scores = np.array([face.categories[0].score for face in faces], np.float32)
    points = np.repeat(scores[:, None], xy.shape[1], axis=1)
    return Instances((xy - moved).astype(np.float32), points, boxes.astype(np.float32), scores)


READ = {"landmarker": _mesh, "detector": _detected}


def ordered(faces: Instances, count: int) -> Instances:
    """Return the first `count` instances: the largest first, then the surer, then the one further left."""
    size = geometry.box_size(faces.boxes).prod(axis=-1)
    order = np.lexsort((faces.boxes[:, 0], -np.nan_to_num(faces.box_score), -size))[:count]
    return Instances(faces.xy[order], faces.score[order], faces.boxes[order], faces.box_score[order])
