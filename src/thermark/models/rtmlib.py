"""Top-down pose models through rtmlib: DWPose (Yang et al. 2023, arXiv 2307.15880), and an RGB teacher of ours.

rtmlib's RTMPose prepares the crops and reads the answers; only the loop over boxes is replaced, by one call of the
network for all boxes of all images. The difference is in the rounding of the network's convolutions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from thermark import landmarks
from thermark.core.bundle import Bundle
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.models.inference import contract, persons, sessions
from thermark.models.inference.contract import Floats, Given, Image, Instances
from thermark.models.inference.persons import Persons
from thermark.models.inference.sessions import RTMPose

PADDING = 1.25  # of the box, fixed in rtmlib
AT_ONCE = 16  # crops in one call of the network: bounds the memory that large inputs take


class Config(Section):
    """`pose` and `detector` are files of the bundle `weights`; only who finds its `own` persons has a detector.

    `detector_score` and `nms` are its thresholds. With `whole_frame` a frame without persons is taken for one
    person, as rtmlib does and as no variant should that is not named so. `threads`: of onnxruntime, in native
    arithmetic.
    """

    family: str
    weights: str
    pose: str
    detector: str | None = None
    given: Given = "own"
    whole_frame: bool = False
    detector_score: float = Field(default=0.7, ge=0, le=1)
    nms: float = Field(default=0.45, ge=0, le=1)
    threads: PositiveInt = 2

    @model_validator(mode="after")
    def _boxes_have_one_source(self) -> "Config":
        if (self.given == "own") != (self.detector is not None):
            raise ValueError("`given: own` needs a detector, any other `given` must have none")
        if self.whole_frame and self.given != "own":
            raise ValueError("whole_frame is what to do when the detector finds nobody")
        return self


@dataclass(frozen=True)
class TopDown:
    """A pose model of rtmlib's with its card; see FramePredictor for the rest."""

    pose: RTMPose
    card: Mapping[str, Any]
    vocabulary: str
    given: Given
    box_source: str
    trained_on: tuple[str, ...]
    detector: Persons | None = None
    whole_frame: bool = False
    batch: int = 16

    @property
    def providers(self) -> Mapping[str, Sequence[str]]:
        """What onnxruntime runs its networks on, best first."""
        return {"pose": sessions.providers(self.pose)} | contract.providers(self.detector)

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each RGB image, as FramePredictor says.

        A point of which the score is not positive, or not finite, is NaN: rtmlib puts the former one bin outside
        the crop, and the latter anywhere.
        """
        if not images:
            return []
        if self.detector is not None:
            found = [
                self._or_frame(image, *said) for image, said in zip(images, self.detector(images), strict=True)
            ]
        else:
            found = [(box, np.full(len(box), np.nan, np.float32)) for box in boxes if box is not None]
        xy, score = self._located(images, [box for box, _ in found])
        ends = np.cumsum([len(box) for box, _ in found])[:-1]
        parts = zip(found, np.split(xy, ends), np.split(score, ends), strict=True)
        return [Instances(points, says, box, sure) for (box, sure), points, says in parts]

    def _or_frame(self, image: Image, boxes: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Return what the detector said, or the outline of the image if it found nobody and that is allowed."""
        if len(boxes) or not self.whole_frame:
            return boxes, scores
        height, width = image.shape[:2]
        return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]], np.float32), np.full(1, np.nan, np.float32)

    def _located(self, images: Sequence[Image], boxes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return xy (B, K, 2) and score (B, K) for all boxes of all images; no box, no points."""
        every = np.concatenate([*boxes, np.zeros((0, 4), np.float32)])
        whose = np.repeat(np.arange(len(boxes)), [len(box) for box in boxes])
        points = len(landmarks.load(self.vocabulary))
        xy = np.full((len(every), points, 2), np.nan, np.float32)
        score = np.full((len(every), points), np.nan, np.float32)
        usable = contract.croppable(every)
        for start in range(0, len(usable), AT_ONCE):
            rows = usable[start : start + AT_ONCE]
            seen = {image: sessions.ordered(images[image], self.card) for image in np.unique(whose[rows])}
            xy[rows], score[rows] = self._answer([(seen[whose[row]], every[row]) for row in rows])
        return xy, score

    def _answer(self, asked: list[tuple[Image, Floats]]) -> tuple[Floats, Floats]:
        """Return points and scores for pairs of an image and a box in it, with one call of the network."""
        # rtmlib's boxes are outlines that begin at 0, ours at -0.5. Its points need no shift: it warps by pixel
        # centres, and undoes the same map.
        made = [self.pose.preprocess(image, box.astype(np.float64) + 0.5) for image, box in asked]
        crops, centres, scales = (np.stack(part) for part in zip(*made, strict=True))
        inputs = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)
        outputs = sessions.run(self.pose.session, inputs)
        xy, score = self.pose.postprocess(outputs, centres[:, None], scales[:, None])
        nothing = ~(np.isfinite(score) & (score > 0))
        xy[nothing], score[nothing] = np.nan, np.nan
        return xy, score


def load(config: Config, bundle: Bundle, device: str) -> TopDown:
    """Open the pose model and its detector, compare them with their cards, and run each once.

    Raises DataError for files that are absent, damaged or not what their card says (input size, number of points,
    channel order, padding), and SetupError for an absent device.
    """
    path, card = bundle.file(config.pose), bundle.cards[config.pose]
    sessions.require_channels(card, config.pose)
    if card.get("padding", PADDING) != PADDING:
        raise DataError(
            f"{config.pose} wants {card['padding']} times the box, rtmlib shows {PADDING}", "train it with that"
        )
    size = sessions.image_size(bundle, config.pose)
    pose = sessions.tool(RTMPose, path, size, device, config.threads)
    _check_answer(sessions.tried(pose.session, config.pose, size), config.pose, card, size)
    detector, source = None, str(config.given)
    if config.detector is not None:
        at = (config.detector_score, config.nms, device, config.threads)
        detector, source = persons.load(bundle, config.detector, *at), Path(config.detector).stem
    return TopDown(
        pose=pose,
        card=card,
        vocabulary=card["vocabulary"],
        given=config.given,
        box_source=f"{source} or frame" if config.whole_frame else source,
        trained_on=tuple(card.get("face_sets", [])),
        detector=detector,
        whole_frame=config.whole_frame,
    )


def _check_answer(
    outputs: list[NDArray[np.float32]], name: str, card: Mapping[str, Any], size: tuple[int, int]
) -> None:
    """Raise DataError unless the outputs are SimCC of half-pixel bins for the points of the card's vocabulary."""
    if not card.get("vocabulary"):
        raise DataError(f"the card of {name} states no vocabulary", "say which landmarks it predicts")
    points = len(landmarks.load(card["vocabulary"]))
    shapes = [output.shape for output in outputs]
    wanted = [(1, points, 2 * size[0]), (1, points, 2 * size[1])]
    if shapes != wanted:
        raise DataError(
            f"{name} answers {shapes}, its card ({card['vocabulary']} at {size[0]} x {size[1]}) means {wanted}",
            "take the file that belongs to the card",
        )
