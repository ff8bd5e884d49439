"""A trained detector and a trained student as the folder of weights that the landmarker ships.

The student is exported, stored in the first precision whose error on validation faces stays within the limit,
and described by a card that the landmarker reads and one for people.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from thermark.convert import judge, model_card
from thermark.convert import onnx as exported
from thermark.convert.judge import Judged
from thermark.core import files, runs
from thermark.core.config import Section
from thermark.core.errors import ConfigError, DataError, in_one_line
from thermark.core.radiometry import Tone
from thermark.landmarker import card as cards
from thermark.landmarker.card import LandmarkerCard, Precision, ShippedDetector, ShippedLandmarks
from thermark.landmarker.landmarker import Landmarker
from thermark.nets import card as model_cards
from thermark.nets.card import ModelCard

DETECTOR, LANDMARKS, MODEL_CARD = "detector.onnx", "landmarks.onnx", "MODEL_CARD.md"
LICENCE = "Apache-2.0"


class Config(Section):
    """A packaged pair's section of params.yaml.

    `run` and `detector`: a student and an exported detector, of which `seed` is taken; `faces`: the face set whose
    training crops calibrate and whose validation faces judge; `scores`: a JSON file of what was measured with them
    (model_card.Measured). `precisions` are tried in their order: the first whose error is at most `limit` % above
    that of fp32, at the upper end of its 95 % interval, and that fits into `max_mb` with the detector, is taken.
    `threshold`: of a face's score, null for the detector's own. `tone`: how degrees Celsius become grey.
    """

    run: str
    detector: str
    faces: str
    scores: str
    seed: NonNegativeInt = 0
    precisions: tuple[Precision, ...] = Field(default=("int8", "weights8", "fp16"), min_length=1)
    calibration: PositiveInt = 256
    limit: PositiveFloat = 1.0
    max_mb: PositiveFloat = 6.0
    threshold: float | None = Field(default=None, gt=0, lt=1)
    tone: Tone = Tone(name="percentile")


def package(config: Config, models: Path, detector: Path, faces: Path, scores: Path, out: Path) -> list[str]:
    """Write the folder `out`, all or nothing, and return lines: one a precision that was tried.

    It holds detector.onnx, landmarks.onnx, card.json and MODEL_CARD.md. `models` holds the runs, `detector` the
    exported detector, `faces` is the face set. Raises DataError when one of them is absent or damaged, when no
    precision is good and small enough, and when the landmarker cannot run what was made.
    """
    if reason := runs.skipped(models / config.run):
        raise DataError(f"{config.run} was not trained: {reason}", "package another run")
    net, about = model_cards.read(runs.seed_folder(models / config.run, config.seed))
    finder = detector_file(detector, config.seed)
    found, measured = detector_card(finder, config), model_card.read(scores)
    whole, card = exported.graph(net, about.input_size, about.points), landmarks_card(config, about)
    tried = judge.judged(whole, card, faces, config.precisions, config.calibration, config.seed)
    best = chosen(tried, config, finder.stat().st_size)
    with files.fresh_directory(out) as folder:
        (folder / DETECTOR).write_bytes(finder.read_bytes())
        (folder / LANDMARKS).write_bytes(best.content)
        sums = {name: {"sha256": files.sha256(folder / name)} for name in (DETECTOR, LANDMARKS)}
        changed = {"precision": best.precision, "compression": best.cost} | sums[LANDMARKS]
        content = LandmarkerCard(
            licence=LICENCE,
            tone=config.tone,
            detector=found.model_copy(update=sums[DETECTOR]),
            landmarks=card.model_copy(update=changed),
        )
        files.write_json(folder / cards.NAME, content.model_dump())
        files.write_text(folder / MODEL_CARD, model_card.text(content, about, measured, folder))
        verify(folder, config.max_mb)
    lines = [one.line() for one in tried]
    if not model_card.about_these(measured, content):
        lines.append(f"{scores} is about other files: the model card has no numbers until these are scored")
    return lines


def chosen(tried: list[Judged], config: Config, detector: int) -> Judged:
    """Return the first that is good enough and fits beside a detector of so many bytes; DataError for none."""
    room = config.max_mb * 1e6 - detector
    for one in tried:
        if one.cost.high <= config.limit and len(one.content) <= room:
            return one
    lines = "; ".join(one.line() for one in tried)
    raise DataError(
        f"nothing costs at most {config.limit:g} % in {room / 1e6:.2f} MB: {lines}",
        "allow a higher `limit` or `max_mb`, or train a smaller network",
    )


def detector_file(folder: Path, seed: int) -> Path:
    """Return the detector.onnx of a folder or of its seed; raises DataError for none."""
    for place in (folder, runs.seed_folder(folder, seed)):
        if (place / DETECTOR).is_file():
            return place / DETECTOR
    raise DataError(f"{folder} holds no {DETECTOR}", "run `dvc repro` to export the detector")


def detector_card(path: Path, config: Config) -> ShippedDetector:
    """Return the card of an exported detector from its file's metadata; raises DataError where there is none."""
    try:
        metadata = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
        return ShippedDetector(
            file=DETECTOR,
            sha256="",
            run=config.detector,
            seed=config.seed,
            precision="fp16",
            trained_on=list(json.loads(metadata["trained_on"])),
            longest=int(metadata["longest"]),
            threshold=float(metadata["threshold"]) if config.threshold is None else config.threshold,
            overlap=float(metadata["nms"]),
        )
    except (DecodeError, KeyError, ValueError) as error:
        cause = f"{path} does not say what it is: {in_one_line(error)}"
        raise DataError(cause, "export the detector again") from error


def landmarks_card(config: Config, about: ModelCard) -> ShippedLandmarks:
    """Return the card of a student in fp32, not yet of a file."""
    same = ("trained_on", "size", "vocabulary", "input_size", "padding", "mean", "std", "cropped")
    kept = {name: getattr(about, name) for name in same}
    return ShippedLandmarks(file=LANDMARKS, sha256="", run=config.run, seed=config.seed, precision="fp32", **kept)


def verify(folder: Path, max_mb: float) -> None:
    """Raise DataError unless a folder of weights agrees with its card, runs, and is small enough."""
    found = Landmarker(folder)(np.full((96, 128), 128, np.uint8), boxes=np.array([[20, 10, 90, 80]]))
    if not np.isfinite(found.points).all():
        raise DataError(f"the landmarks in {folder} find nothing", "package another run")
    size = sum(path.stat().st_size for path in folder.glob("*.onnx")) / 1e6
    if size > max_mb:
        raise DataError(f"the networks in {folder} have {size:.2f} MB, not {max_mb:g}", "compress them more")
    if not (folder / MODEL_CARD).is_file():
        raise DataError(f"{folder} holds no {MODEL_CARD}", "package it again")


def ship(source: Path, target: Path, max_mb: float = 6.0) -> None:
    """Copy packaged networks into the Python package; nothing, and DataError, unless they are good."""
    if not source.is_dir():
        raise ConfigError(f"there is no {source}", "run `dvc repro package@NAME`, then `make package P=NAME`")
    verify(source, max_mb)
    with files.fresh_directory(target) as fresh:
        for path in sorted(source.iterdir()):
            (fresh / path.name).write_bytes(path.read_bytes())
        verify(fresh, max_mb)
