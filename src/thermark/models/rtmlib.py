"""Top-down pose models through rtmlib: DWPose (Yang et al. 2023, arXiv 2307.15880), and an RGB teacher of ours.

rtmlib's RTMPose prepares the crops and reads the answers; only the loop over boxes is replaced, by one call of the
network for all boxes of all images. The difference is in the rounding of the network's convolutions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.models.inference import contract, sessions
from thermark.models.inference.boxes import Detect, PersonBoxes, Rows, boxes_in, person_detector, predict_in_boxes
from thermark.models.inference.contract import Assets, Floats, Given, Image, Instances, croppable
from thermark.models.inference.sessions import RTMPose

PADDING = 1.25  # of the box, fixed in rtmlib
AT_ONCE = 16  # crops in one call of the network: bounds the memory that large inputs take


class Config(PersonBoxes):
    """`pose` is a file of the bundle `weights`, too.

    With `whole_frame` a frame without persons is taken for one person, as rtmlib does and as no variant should
    that is not named so.
    """

    pose: str
    given: Given = "own"
    whole_frame: bool = False

    @model_validator(mode="after")
    def _whole_frame_is_for_own_persons(self) -> "Config":
        if self.whole_frame and self.given != "own":
            raise ValueError("whole_frame is what to do when the detector finds nobody")
        return self


@dataclass(frozen=True)
class RtmlibPose:
    """A pose model of rtmlib's with its card; see Model for the rest."""

    pose: RTMPose
    card: Mapping[str, Any]
    vocabulary: str
    given: Given
    box_source: str
    trained_on: tuple[str, ...]
    detector: Detect | None = None
    whole_frame: bool = False
    batch: int = 16

    @property
    def providers(self) -> Mapping[str, Sequence[str]]:
        """What onnxruntime runs its networks on, best first."""
        return {"pose": sessions.providers(self.pose), **contract.providers(self.detector)}

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each RGB image, as in Model.

        A point of which the score is not positive, or not finite, is NaN: rtmlib puts the former one bin outside
        the crop, and the latter anywhere.
        """
        if not images:
            return []
        persons = boxes_in(images, boxes, self.detector)
        if self.detector is not None:
            persons = [self._or_frame(image, *person) for image, person in zip(images, persons, strict=True)]
        points = len(landmarks.load(self.vocabulary))
        predictions = predict_in_boxes(
            [xyxy for xyxy, _ in persons], points, croppable, AT_ONCE, partial(self._predict, images)
        )
        return [Instances(*both, *person) for both, person in zip(predictions, persons, strict=True)]

    def _or_frame(self, image: Image, boxes: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Return detected boxes, or the outline of the image if there are none and that is allowed."""
        if len(boxes) or not self.whole_frame:
            return boxes, scores
        height, width = image.shape[:2]
        return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]], np.float32), np.full(1, np.nan, np.float32)

    def _predict(self, images: Sequence[Image], owners: Rows, boxes: Floats) -> tuple[Floats, Floats]:
        """Return xy and score for boxes (B, 4) in images number `owners` (B,), with one call of the network."""
        inputs = {number: sessions.ordered(images[number], self.card) for number in np.unique(owners)}
        # rtmlib's boxes are outlines that begin at 0, ours at -0.5. Its points need no shift: it warps by pixel
        # centres, and undoes the same map.
        prepared = [
            self.pose.preprocess(inputs[number], box.astype(np.float64) + 0.5)
            for number, box in zip(owners, boxes, strict=True)
        ]
        crops, centres, scales = (np.stack(part) for part in zip(*prepared, strict=True))
        batch = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)
        outputs = sessions.run(self.pose.session, batch)
        xy, score = self.pose.postprocess(outputs, centres[:, None], scales[:, None])
        missed = ~(np.isfinite(score) & (score > 0))
        xy[missed], score[missed] = np.nan, np.nan
        return xy, score


def load(config: Config, assets: Assets, device: str) -> RtmlibPose:
    """Open the pose model and its detector, compare them with their cards, and run each once.

    Raises DataError for files that are absent, damaged or unlike their card (input size, number of points,
    channel order, padding), and SetupError for an absent device.
    """
    path, card = assets.weights.file(config.pose), assets.weights.cards[config.pose]
    sessions.require_channels(card, config.pose)
    if card.get("padding", PADDING) != PADDING:
        raise DataError(
            f"{config.pose} wants {card['padding']} times the box, rtmlib shows {PADDING}", "train it with that"
        )
    size = sessions.image_size(assets.weights, config.pose)
    pose = sessions.tool(RTMPose, path, size, device, config.threads)
    _check_answer(sessions.tried(pose.session, config.pose, size), config.pose, card, size)
    detector, source = person_detector(config, assets.weights, device)
    return RtmlibPose(
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
    expected = [(1, points, 2 * size[0]), (1, points, 2 * size[1])]
    if shapes != expected:
        raise DataError(
            f"{name} answers {shapes}, its card ({card['vocabulary']} at {size[0]} x {size[1]}) means {expected}",
            "take the file that belongs to the card",
        )
