"""A trained face detector as two files: `model.safetensors`, and `model.json` with all that inference needs."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.nets.card import CARD, WEIGHTS, load_weights, write
from thermark.nets.face_detector import FaceDetector, Widths

__all__ = ["CARD", "WEIGHTS", "DetectorCard", "build", "read", "write"]


class DetectorCard(Section):
    """What a trained detector is, what its input is and where it comes from.

    A network of `widths` for grey frames of `longest` px; its boxes are of the kind `boxes`. `threshold`
    of the score has the best F1 on the validation frames, where `val_ap50` was reached in `best_epoch` (from 1);
    `nms` is the overlap above which two boxes are one face. `shape`: the mean landmarks of `vocabulary` in
    fractions of the box, of the faces of `trained_on`.
    """

    kind: Literal["face_detector"] = "face_detector"
    widths: tuple[PositiveInt, ...] = tuple(Widths())
    longest: PositiveInt
    boxes: Literal["tight"] = "tight"
    threshold: float = Field(gt=0, lt=1)
    nms: float = Field(gt=0, lt=1)
    vocabulary: str
    shape: list[tuple[float, float]]
    trained_on: list[str]
    params: int
    seed: int
    precision: Literal["fp32", "bf16"]
    best_epoch: int
    val_ap50: float


def build(card: DetectorCard) -> FaceDetector:
    """Return the network that a card describes, with random weights."""
    return FaceDetector(Widths(*card.widths))


def read(folder: Path) -> tuple[FaceDetector, DetectorCard]:
    """Return the detector of a folder in evaluation mode, and its card.

    Raises DataError for absent or damaged files and for weights that are not exactly the card's network.
    """
    try:
        card = parse(files.read_json(folder / CARD), DetectorCard, f"{folder.name}/{CARD}")
    except (OSError, ValueError, ConfigError) as error:
        raise DataError(f"{folder} holds no detector: {error}", "run `dvc repro` to train it") from error
    net = build(card)
    load_weights(net, folder / WEIGHTS)
    return net.eval(), card
