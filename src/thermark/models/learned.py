"""A network that was trained here, as a model of faces in prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thermark import landmarks
from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.core.geometry import Array
from thermark.core.runs import seed_number
from thermark.models.inference.contract import Assets, Floats, Given, Image, Instances
from thermark.models.inference.learned_config import Flip, LearnedConfig
from thermark.nets import card
from thermark.nets.pixels import normalised
from thermark.train import precision
from thermark.train.codecs import Codec
from thermark.train.codecs.networks import codec_of

Points = NDArray[np.float32]
Scores = NDArray[np.float32]
Config = LearnedConfig


@dataclass(frozen=True)
class Learned:
    """A network of square input `size` that looks at `padding` times the prompt; float32 throughout.

    `net` maps normalised images (N, 3, size, size) to outputs that `codec` reads; with `flip` (K,) those of the
    image and of its mirror image are averaged. `trained_on` names the face sets of its
    training. `cropped`: (side, times the prompt) of the packed crops that it learned from; pictures are cropped
    like that first, so that a face has the same answer in a picture as in a face set.
    """

    net: nn.Module
    vocabulary: str
    size: int
    padding: float
    device: torch.device
    codec: Codec[Any]
    flip: NDArray[np.int64] | None = None
    trained_on: tuple[str, ...] = ()
    cropped: tuple[int, float] | None = None

    given: ClassVar[Given] = "prompt"
    box_source: ClassVar[str] = "prompt"
    batch: ClassVar[int] = 16

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the instances of each image, as in Model."""
        given = [np.zeros((0, 4), np.float32) if xyxy is None else xyxy for xyxy in boxes]
        unknown = [np.full(len(xyxy), np.nan, np.float32) for xyxy in given]
        parts = zip(self.on_boxes(images, given), given, unknown, strict=True)
        return [Instances(*both, xyxy, nan) for both, xyxy, nan in parts]

    def on_boxes(
        self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[NDArray[np.float32]], batch: int = 64
    ) -> list[tuple[Points, Scores]]:
        """Return xy (P, K, 2) in source pixels and score (P, K) for the boxes (P, 4) of each image (H, W[, 3]).

        A box that is NaN or has no area gives a row of NaN. Images are all grey or all colour, and may differ in
        size; their crops go through the network together, at most `batch` at once.
        """
        flat = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
        counts = [len(xyxy) for xyxy in boxes]
        owners = np.repeat(np.arange(len(boxes)), counts)
        usable = np.isfinite(flat).all(axis=1) & (geometry.box_size(flat).max(axis=1) > 0)
        parts = [self._located([], np.zeros((0, 2, 3)))]
        for start in range(0, len(flat), batch):
            part = slice(start, start + batch)
            maps = np.full((len(flat[part]), 2, 3), np.nan)
            crops = []
            for row, (at, box) in enumerate(zip(owners[part], flat[part], strict=True)):
                if usable[start + row]:
                    crop, maps[row] = self._cut(images[at], box)
                    crops.append(crop)
            parts.append(self._located(crops, maps))
        xy, score = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        return [
            (xy[end - count : end], score[end - count : end])
            for end, count in zip(np.cumsum(counts), counts, strict=True)
        ]

    def on_crops(
        self, pixels: NDArray[np.uint8], to_source: Array, padding: float, to_packed: Array | None = None
    ) -> tuple[Points, Scores]:
        """Return the same from packed crops, as in CropModel."""
        to_crop = geometry.input_to_crop(self.size, self.padding, pixels.shape[1], padding)
        rows = np.flatnonzero(np.isfinite(to_source).all(axis=(1, 2)))
        crops, maps = [], np.full(to_source.shape, np.nan)
        for row in rows:
            to_input = to_crop if to_packed is None else geometry.compose(to_packed[row], to_crop)
            crops.append(geometry.warp(pixels[row], to_input, self.size))
            maps[row] = geometry.compose(to_source[row], to_input)
        return self._located(crops, maps)

    def _cut(self, image: NDArray[np.uint8], box: NDArray[np.float32]) -> tuple[NDArray[np.uint8], Array]:
        """Return the network's input for a box (4,) in an image, and its map to the image."""
        if self.cropped is None:
            to_source = geometry.crop_to_source(box, self.size, self.padding)
            return geometry.warp(image, to_source, self.size), to_source
        side, padding = self.cropped
        packed = geometry.crop_to_source(box, side, padding)
        to_crop = geometry.input_to_crop(self.size, self.padding, side, padding)
        return geometry.warp(geometry.warp(image, packed, side), to_crop, self.size), geometry.compose(
            packed, to_crop
        )

    def _located(self, crops: list[NDArray[np.uint8]], to_source: Array) -> tuple[Points, Scores]:
        """Return points and scores for the finite rows of `to_source`, whose images are `crops`."""
        rows = np.asarray(np.isfinite(to_source).all(axis=(1, 2)), np.bool_)
        points = len(landmarks.load(self.vocabulary))
        xy = np.full((len(rows), points, 2), np.nan, np.float32)
        score = np.full((len(rows), points), np.nan, np.float32)
        if crops:
            in_crop, score[rows] = self._forward(np.stack(crops))
            xy[rows] = geometry.apply(to_source[rows], in_crop)
        return xy, score

    @torch.inference_mode()
    def _forward(self, images: NDArray[np.uint8]) -> tuple[Points, Scores]:
        batch = normalised(images, self.device)
        outputs = self.net(batch)
        if self.flip is not None:
            flip = torch.from_numpy(self.flip).to(self.device)
            outputs = self.codec.mean(outputs, self.codec.flip(self.net(batch.flip(-1)), flip))
        xy, score = self.codec.decode(outputs)
        # A score that is not finite is no evidence of any place.
        score = torch.where(score.isfinite(), score, torch.nan)
        return torch.where(score[..., None].isnan(), torch.nan, xy).cpu().numpy(), score.cpu().numpy()


def load(config: LearnedConfig, assets: Assets, device: str) -> Learned:
    """Return the network of the seed of a run in `assets`; raises DataError as `read`, SetupError for no GPU."""
    if assets.run is None or seed_number(assets.run) is None:
        raise DataError(f"{config.run} holds no seed<k> folder", "run `dvc repro` to train the model")
    return read(assets.run, precision.chosen(device), config.flip)


def read(folder: Path, device: torch.device | str = "cpu", flip: Flip = "aligned") -> Learned:
    """Read a folder with model.safetensors and model.json; the mirror image is averaged in by `flip`.

    Raises DataError when files are absent or damaged, when weights and card disagree, and when the card's number
    of points is not that of its vocabulary.
    """
    net, about = card.read(folder)
    vocabulary = landmarks.load(about.vocabulary)
    if len(vocabulary) != about.points:
        raise DataError(
            f"{folder.name} predicts {about.points} points, {about.vocabulary} has {len(vocabulary)}",
            "train the model again with this version",
        )
    device = torch.device(device)
    net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Learned(
        net=net,
        vocabulary=about.vocabulary,
        size=about.input_size,
        padding=about.padding,
        device=device,
        codec=codec_of(about, aligned=flip == "aligned"),
        flip=None if flip == "none" else vocabulary.flip,
        trained_on=tuple(about.trained_on),
        cropped=about.cropped,
    )
