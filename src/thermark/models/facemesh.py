"""MediaPipe FaceMesh with 468 points, run by a small graph of our own: a re-implementation, and labelled so.

It does what the face mesh of `mediapipe 0.10.21` (Apache-2.0) does to a single picture, after the options in its
graph `face_landmark_front_cpu`, with the models of that wheel. The mesh has no irises: those ten points are NaN.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from thermark import landmarks
from thermark.core import geometry
from thermark.models.inference import golden_check
from thermark.models.inference.contract import Assets, BundleConfig, Instances, on_cpu
from thermark.models.inference.detectors import DESIGNS, Detections, Detector, Range, region, sampled
from thermark.models.inference.finder import Finder, Prompted
from thermark.models.inference.litert import ENGINE, Graph

Image = NDArray[np.uint8]
Floats = NDArray[np.floating]

FILE = "face_landmark.tflite"
POINTS, SIZE = 468, 192
PRESENT = 0.5  # the least probability of a face in what was cropped
ROI = 1.5  # the region's side, in longer sides of the detected box
# MediaPipe's own points are met within a hundredth of this fraction of the face; swapped colours miss by 1 %.
EXACT = 0.005
NEARLY = 0.02  # an older network of the same points differs by 1.3 %
CROP = 256  # px, of the second stage behind the full-range detector
VOCABULARY = "mediapipe478"


class Config(BundleConfig):
    """Where FaceMesh looks for faces.

    `detector`: `short_range`, its own on the whole frame; `full_range`, BlazeFace's on the frame, then a 256-px
    crop of each face for FaceMesh with its own detector; `given`, the prompt instead of a detector. `faces`: at
    most how many FaceMesh answers for in a picture, be it the frame or a crop. `pad`: how many longer sides of the
    box the crop shows, or the region around a prompt, by default 1.25 and 1.5; it means nothing to `short_range`.
    `older`: the weights are not those of mediapipe 0.10.21, and need find the known face only nearly.
    """

    detector: Literal["short_range", "full_range", "given"] = "short_range"
    faces: PositiveInt = 1
    pad: PositiveFloat | None = None
    older: bool = False


@dataclass(frozen=True)
class FaceMesh:
    """The landmark network: 468 points in a turned square of an image."""

    graph: Graph

    @staticmethod
    def open(path: Path) -> "FaceMesh":
        """Open the model file; raises DataError when it is not that network."""
        return FaceMesh(Graph(path, SIZE, (3 * POINTS, 1)))

    def __call__(self, image: Image, to_image: NDArray[np.float64]) -> tuple[Floats, float]:
        """Return xy (468, 2) in pixels of an RGB image, and the probability of a face, for a `region` of it."""
        picture = sampled(image, to_image, SIZE, cv2.BORDER_REPLICATE)
        points, logit = self.graph(picture.astype(np.float32) / np.float32(255))
        xy = points.astype(np.float64).reshape(POINTS, 3)[:, :2]
        return geometry.apply(to_image, xy), float(1 / (1 + np.exp(-np.float64(logit[0]))))


def upright(detections: Detections, scale: float = ROI) -> list[NDArray[np.float64]]:
    """Return the regions, (2, 3) maps, of faces whose eyes are level in them, `scale` longer sides wide."""
    maps = []
    for box, (right, left) in zip(detections.boxes, detections.points[:, :2], strict=True):
        angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
        maps.append(around(box, scale, angle))
    return maps


def around(box: Floats, scale: float, angle: float = 0.0) -> NDArray[np.float64]:
    """Return the region, a (2, 3) map, that is centred on a box (4,) and `scale` of its longer sides wide."""
    return region((box[:2] + box[2:]) / 2, scale * geometry.box_size(box).max(), angle, SIZE)


MeshDetection = tuple[Floats, float, Floats, float]  # xy (468, 2), probability of a face, box (4,), its score
Detect = Callable[[Sequence[Image]], list[Detections]]


def detected_meshes(image: Image, mesh: FaceMesh, detector: Detect, most: int) -> list[MeshDetection]:
    """Return at most so many faces in an RGB image, best first: FaceMesh with its short-range detector."""
    detections = detector([image])[0].best(most)
    meshes = [mesh(image, to_image) for to_image in upright(detections)]
    rows = zip(meshes, detections.boxes, detections.scores, strict=True)
    return [(xy, flag, box, float(score)) for (xy, flag), box, score in rows if flag >= PRESENT]


def in_crops(
    image: Image,
    detector: Detect,
    look: Callable[[Image], list[MeshDetection]],
    pad: float = 1.25,
) -> list[MeshDetection]:
    """Return what `look` finds in a crop of every face that BlazeFace full range detects in an RGB image.

    The crop is square, `pad` longer sides of the box wide, 256 px, black beyond the frame.
    """
    (detections,) = detector([image])
    faces: list[MeshDetection] = []
    for box, score in zip(detections.boxes, detections.scores, strict=True):
        to_image = geometry.crop_to_source(box, CROP, pad)
        inside = look(geometry.warp(image, to_image, CROP))
        faces += [(geometry.apply(to_image, xy), flag, box, float(score)) for xy, flag, _, _ in inside]
    return faces


def in_boxes(image: Image, boxes: Floats, mesh: FaceMesh, pad: float = ROI) -> Instances:
    """Return a row for each box (P, 4), NaN without box or face: `pad` longer sides of the box, not turned."""
    rows = []
    for box in np.asarray(boxes, np.float64):
        xy, flag = np.full((POINTS, 2), np.nan), np.nan
        if np.isfinite(box).all() and (geometry.box_size(box) > 0).all():
            points, flag = mesh(image, around(box, pad))
            xy = points if flag >= PRESENT else xy
        rows.append((xy, flag, box, np.nan))
    return instances(rows)


def instances(meshes: Sequence[MeshDetection]) -> Instances:
    """Return faces as instances of 478 points, the irises NaN; a point's score is the probability of a face."""
    points = len(landmarks.load(VOCABULARY))
    if not meshes:
        return Instances.none(points)
    xy = np.full((len(meshes), points, 2), np.nan, np.float32)
    xy[:, :POINTS] = [row[0] for row in meshes]
    flags = np.array([row[1] for row in meshes], np.float32)[:, None]
    score = np.where(np.isnan(xy).any(axis=-1), np.float32(np.nan), flags)
    boxes = np.array([row[2] for row in meshes], np.float32)
    return Instances(xy, score, boxes, np.array([row[3] for row in meshes], np.float32))


def finder(look: Callable[[Image], list[MeshDetection]], detector: Range) -> Finder:
    """Return the contestant that answers with all that `look` finds."""
    return Finder(lambda image: instances(look(image)), VOCABULARY, f"blazeface_{detector}")


def load(config: Config, assets: Assets, device: str) -> Finder | Prompted:
    """Return the contestant, once its graphs have found the points of a known face.

    Raises DataError for files that are other models or answer otherwise, SetupError for a GPU.
    """
    on_cpu(device, ENGINE)
    mesh = FaceMesh.open(assets.weights.file(FILE))
    short = Detector(assets.weights.file(DESIGNS["short_range"].file), "short_range")
    look = partial(detected_meshes, mesh=mesh, detector=short, most=config.faces)
    face = golden_check.read("facemesh")
    golden_check.check(FILE, finder(look, "short_range"), face, NEARLY if config.older else EXACT)
    if config.detector == "given":
        return Prompted(partial(in_boxes, mesh=mesh, pad=config.pad or ROI), VOCABULARY)
    if config.detector == "short_range":
        return finder(look, "short_range")
    full = Detector(assets.weights.file(DESIGNS["full_range"].file), "full_range")
    cropped = partial(in_crops, detector=full, look=look)
    # The crop is another sampling of the same face, hence only close.
    golden_check.check(DESIGNS["full_range"].file, finder(cropped, "full_range"), face)
    return finder(partial(cropped, pad=config.pad or 1.25), "full_range")
