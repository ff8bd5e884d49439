"""A tiny head and the frozen backbone below it, as one predictor: boxes in, points in the frame's pixels out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from thermark import landmarks
from thermark.core import files, geometry
from thermark.core.bundle import Bundle
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import skipped
from thermark.fewshot import backbone as backbones
from thermark.fewshot import cutting
from thermark.fewshot.backbone import Backbone, PackageAbsent
from thermark.fewshot.cutting import Geometry, Pixels
from thermark.fewshot.tiny_head import TinyHead
from thermark.nets.card import WEIGHTS, load_weights
from thermark.nets.card import write as write_card
from thermark.train.checkpoint import State
from thermark.train.codecs.heatmap import Heatmap, Method, to_crop

CARD = "head.json"
Floats = NDArray[np.float32]


class HeadCard(Section):
    """What a head is, what its input is and where it comes from.

    `points` landmarks of `vocabulary` as heat maps of `size` px from `channels` of a crop of `side` px, cut as
    `geometry` and `padding` say; read by `decode`, for maps whose Gaussians had `sigma` px. `backbone`: the
    settings of the network below, `backbone_sha256` of its file. `trained_on`: face sets that either has learned
    from. `labels`: crops it learned from, `labels_val`: crops that chose `best_epoch`, with the mean error
    `val_error` in px of the crop.
    """

    vocabulary: str
    points: PositiveInt
    channels: PositiveInt
    size: PositiveInt
    side: PositiveInt
    geometry: Geometry
    padding: PositiveFloat
    decode: Method
    sigma: PositiveFloat
    backbone: dict[str, Any]
    backbone_sha256: str
    trained_on: list[str]
    labels: int
    labels_val: int
    seed: int
    best_epoch: int
    val_error: float


@dataclass(frozen=True)
class HeadModel:
    """`head` on `backbone`, looking at `padding` times a box (of which the geometry of part 2 has its own)."""

    backbone: Backbone
    head: TinyHead
    card: HeadCard
    padding: float

    @property
    def vocabulary(self) -> str:
        """The name of the landmark vocabulary."""
        return self.card.vocabulary

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The face sets that head or backbone have learned from."""
        return tuple(self.card.trained_on)

    def on_boxes(self, images: Sequence[Pixels], boxes: Sequence[Floats]) -> list[tuple[Floats, Floats]]:
        """Return xy (P, K, 2) in frame px and score (P, K) for the boxes (P, 4) of each image (H, W[, 3]).

        A box that is NaN, has no area or lies outside of the frame gives a row of NaN.
        """
        cuts = [
            [cutting.cut(image, box, self.card.geometry, self.card.side, self.padding) for box in crops]
            for image, crops in zip(images, boxes, strict=True)
        ]
        flat = [crop for crops in cuts for crop in crops]
        xy = np.full((len(flat), self.card.points, 2), np.nan, np.float32)
        score = np.full(xy.shape[:2], np.nan, np.float32)
        rows = [row for row, crop in enumerate(flat) if crop is not None]
        for start in range(0, len(rows), self.backbone.batch):
            part = rows[start : start + self.backbone.batch]
            chosen = [crop for row in part if (crop := flat[row]) is not None]
            at, score[part] = self.on_crops(np.stack([pixels for pixels, _ in chosen]))
            xy[part] = geometry.apply(np.stack([to_frame for _, to_frame in chosen]), at)
        ends = np.cumsum([len(crops) for crops in cuts])
        both = zip(cuts, ends, strict=True)
        return [(xy[end - len(crops) : end], score[end - len(crops) : end]) for crops, end in both]

    def on_crops(self, pixels: Pixels) -> tuple[NDArray[np.float64], Floats]:
        """Return xy (N, K, 2) in crop px and score (N, K) of crops (N, side, side[, 3])."""
        features = self.backbone(pixels)
        codec = Heatmap(self.card.sigma, self.card.decode, self.card.size)
        with torch.inference_mode():
            xy, score = codec.decode(self.head(features))
        return to_crop(xy.cpu().double().numpy(), self.card.side, self.card.size), score.cpu().numpy()


def write(folder: Path, card: HeadCard, weights: State) -> None:
    """Write weights (float32, plain memory order) and card into an existing folder."""
    write_card(folder, card, weights, CARD)


def read(folder: Path) -> tuple[TinyHead, HeadCard]:
    """Return the head in a folder, in evaluation mode, and its card.

    Raises DataError for absent or damaged files, with the reason where there is no head for want of a backbone.
    """
    if reason := skipped(folder.parent):
        raise DataError(
            f"{folder.parent.name} was not trained: {reason}", "`make weights && make repro` tries again"
        )
    try:
        card = parse(files.read_json(folder / CARD), HeadCard, f"{folder.name}/{CARD}")
    except (OSError, ValueError, ConfigError) as error:
        raise DataError(f"{folder} holds no head: {error}", "run `dvc repro` to train it") from error
    if card.points != len(landmarks.load(card.vocabulary)):
        raise DataError(
            f"{folder.name} predicts {card.points} points, {card.vocabulary} has another number", "train it again"
        )
    head = TinyHead(card.channels, card.points, card.size)
    load_weights(head, folder / WEIGHTS)
    return head.eval(), card


def load(folder: Path, weights: Bundle, device: str, settings: Mapping[str, Any] | None = None) -> HeadModel:
    """Return the head in `folder` on the backbone in the bundle `weights`; `settings` overrules the card's.

    Raises DataError when the bundle holds other weights than the head was trained on,
    `fewshot.backbone.PackageAbsent` for want of a package, and what reading head and backbone raises.
    """
    head, card = read(folder)
    below = backbones.load(folder.name, card.backbone | dict(settings or {}), weights, device)
    if (below.sha256, below.channels) != (card.backbone_sha256, card.channels):
        raise DataError(
            f"{weights.folder.name} holds another backbone than {folder.parent.name} was trained on",
            "give it the weights it was trained on, or train it again",
        )
    return HeadModel(below, head.to(below.device), card, card.padding)


__all__ = ["HeadCard", "HeadModel", "PackageAbsent", "load", "read", "write"]
