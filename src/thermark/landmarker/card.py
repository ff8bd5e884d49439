"""What the shipped networks are, and that their files are the ones that were measured."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError, in_one_line
from thermark.core.radiometry import Tone

FOLDER = Path(__file__).parent / "weights"
NAME = "card.json"
REMEDY = "install the package again, or copy a folder of weights that `make package` made"

# fp32: as it was trained. fp16: weights stored in half precision, computed in float32. weights8: those of products
# stored in 8 bits, computed in float32. int8: the backbone computed in 8 bits, the head as in weights8.
Precision = Literal["fp32", "fp16", "weights8", "int8"]
Triple = tuple[float, float, float]


class NetworkCard(Section):
    """A file, its sha256, and the seed of the run that it comes from; `trained_on` names face sets."""

    file: str
    sha256: str
    run: str
    seed: int
    precision: Precision
    trained_on: list[str]


class ShippedDetector(NetworkCard):
    """A detector of faces in one grey picture.

    Pictures are resized so that their longer side has `longest` pixels. Boxes of a score below `threshold`
    are dropped, and those that overlap a better one by more than `overlap` (intersection over union).
    """

    longest: int = 320
    threshold: float = Field(gt=0, lt=1)
    overlap: float = Field(default=0.5, gt=0, lt=1)


class Compression(Section):
    """What the file's precision costs, on `faces` labelled faces of the split `val` of the face set `data`.

    `nme_fp32` and `nme` are mean errors in % of the diagonal of the labels' box, before and after; `delta` is
    their relative difference in %, on the same faces, with its 95 % interval `low`..`high` by subject.
    `calibration` crops of the split `train`, drawn by `seed`, have told the ranges of 8 bits.
    """

    data: str
    faces: int
    nme_fp32: float
    nme: float
    delta: float
    low: float
    high: float
    calibration: int
    seed: int


class ShippedLandmarks(NetworkCard):
    """A network of `vocabulary` points, from a square image that shows `padding` times the longer side of a box.

    `size` names the architecture; the rest is as in nets/card.py. `compression` is None for a file in fp32.
    """

    size: str
    vocabulary: str
    input_size: int
    padding: float
    mean: Triple
    std: Triple
    cropped: tuple[int, float] | None = None
    compression: Compression | None = None


class LandmarkerCard(Section):
    """Both networks, the licence of their files, and how degrees Celsius become the grey that they see."""

    licence: str
    tone: Tone
    detector: ShippedDetector
    landmarks: ShippedLandmarks


def read(folder: Path = FOLDER) -> LandmarkerCard:
    """Return the card of a folder of weights; raises DataError when it is absent or damaged."""
    path = folder / NAME
    try:
        return parse(files.read_json(path), LandmarkerCard, NAME)
    except OSError as error:
        raise DataError(f"there are no weights of the landmarker: {path} cannot be read", REMEDY) from error
    except (ConfigError, ValueError) as error:
        raise DataError(f"{path} is damaged: {in_one_line(error)}", REMEDY) from error


def content(folder: Path, card: NetworkCard) -> bytes:
    """Return the bytes of a network's file; raises DataError unless they are the ones that the card means."""
    path = folder / card.file
    try:
        found = files.sha256(path)
    except OSError as error:
        raise DataError(f"there are no weights of the landmarker: {path} cannot be read", REMEDY) from error
    if found != card.sha256:
        raise DataError(f"{path} is damaged: its sha256 is {found[:12]}..., not {card.sha256[:12]}...", REMEDY)
    return path.read_bytes()
