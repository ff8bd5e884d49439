"""BlazePose full (Bazarevsky et al. 2020, arXiv 2006.10204): whole persons on whole frames, with 33 points each.

It does what the pose solution of `mediapipe 0.10.21` (Apache-2.0) does to a single picture, after the options in
its graph `pose_landmark_cpu`, with the models of that wheel. In a crop of a head its nose is far off: it finds its
own persons, and is given no boxes.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from thermark.core import geometry
from thermark.models.inference.contract import Assets, BundleConfig, Image, Instances, on_cpu, usable
from thermark.models.inference.detectors import DESIGNS, Detector, region, sampled
from thermark.models.inference.finder import Finder
from thermark.models.inference.litert import ENGINE, Graph

Floats = NDArray[np.floating]

FILE = "pose_landmark_full.tflite"
POINTS, SIZE = 33, 256
OUTPUTS = 39  # points of the network, of which the last six help to follow a person through a video
CELLS = 64  # of a side of its heat maps, which begin at the corner of the input as its points do
REACH = 3  # cells around a point in which a heat map is averaged
SURE = 0.5  # the least peak there that corrects a point
PRESENT = 0.5  # the least probability of a person in the region
ROI = 1.25  # the region's side, in diameters of the circle about the person
VISIBLE = 3  # place of the logit among the five numbers of a point


class Config(BundleConfig):
    """`persons`: at most so many are answered for in a picture, the surest detections first."""

    persons: PositiveInt = 1


@dataclass(frozen=True)
class BlazePose:
    """The landmark network: 33 points in a turned square of an image."""

    graph: Graph

    @staticmethod
    def open(path: Path) -> "BlazePose":
        """Open the model file; raises DataError when it is not that network."""
        # Points, presence, outline, heat maps, points in metres; their numbers tell them apart.
        return BlazePose(Graph(path, SIZE, (5 * OUTPUTS, 1, SIZE**2, CELLS**2 * OUTPUTS, 3 * OUTPUTS)))

    def __call__(self, image: Image, to_image: NDArray[np.float64]) -> tuple[Floats, Floats, float]:
        """Return xy (33, 2) in pixels of an RGB image, how visible each is, and the probability of a person."""
        picture = sampled(image, to_image, SIZE, cv2.BORDER_REPLICATE)
        numbers, flag, _, heat, _ = self.graph(picture.astype(np.float32) / np.float32(255))
        raw = numbers.astype(np.float64).reshape(OUTPUTS, 5)[:POINTS]
        xy = refined(raw[:, :2], heat.reshape(CELLS, CELLS, OUTPUTS)[..., :POINTS])
        return geometry.apply(to_image, xy), _sigmoid(raw[:, VISIBLE]), float(flag[0])


def refined(xy: Floats, heat: Floats) -> Floats:
    """Return points (K, 2), in input pixels (edge = 0), moved to the centre of the heat around them if it is sure.

    `heat` (64, 64, K) are logits. A cell stands for its corner, as MediaPipe has it, and a point less than a cell
    before the first is in the first.
    """
    moved = np.array(xy, np.float64)
    cell = SIZE / CELLS
    ticks = np.arange(CELLS)
    for number, (column, row) in enumerate(np.trunc(moved / cell).astype(int)):
        if not (0 <= column < CELLS and row >= 0):
            continue
        rows, columns = (slice(max(0, at - REACH), at + REACH + 1) for at in (row, column))
        near = _sigmoid(heat[rows, columns, number].astype(np.float64))
        if near.size and near.max() >= SURE:
            total = near.sum()
            moved[number, 0] = cell * (near.sum(axis=0) @ ticks[columns]) / total
            moved[number, 1] = cell * (near.sum(axis=1) @ ticks[rows]) / total
    return moved


def upright(points: Floats) -> NDArray[np.float64]:
    """Return the region, a (2, 3) map, of a person with a detector's key points (4, 2): hips below the circle."""
    hips, circle = points[:2]
    across, down = circle - hips
    angle = np.pi / 2 - np.arctan2(-down, across)
    return region(hips, ROI * 2 * float(np.hypot(across, down)), float(angle), SIZE)


def persons(image: Image, detector: Detector, body: BlazePose, most: int) -> Instances:
    """Return at most so many persons in an RGB image; boxes are those of their faces, as the detector has them."""
    usable(image)
    detections = detector([image])[0].best(most)
    predictions = [body(image, upright(points)) for points in detections.points]
    kept = [number for number, (_, _, flag) in enumerate(predictions) if flag >= PRESENT]
    if not kept:
        return Instances.none(POINTS)
    xy, visible = (np.array([predictions[number][part] for number in kept], np.float32) for part in (0, 1))
    return Instances(
        xy, visible, detections.boxes[kept].astype(np.float32), detections.scores[kept].astype(np.float32)
    )


def _sigmoid(logits: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-logits))
    return probability


def load(config: Config, assets: Assets, device: str) -> Finder:
    """Open both networks; raises DataError for files that are other models, SetupError for a GPU."""
    on_cpu(device, ENGINE)
    detector = Detector(assets.weights.file(DESIGNS["person"].file), "person")
    body = BlazePose.open(assets.weights.file(FILE))
    return Finder(partial(persons, detector=detector, body=body, most=config.persons), "blazepose33", "blazepose")
