"""`thermark predict`: what a calibrated head, or any trained run, finds on a folder of pictures."""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark import landmarks
from thermark.calibrate import paths, pictures, table
from thermark.calibrate.labelled import touches, whole
from thermark.calibrate.labels import SHOWN
from thermark.calibrate.pictures import ThermalTone
from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.models import learned
from thermark.train import precision

CHUNK = 16  # pictures that go through a network together
Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Predict = Callable[[Sequence[Picture], Sequence[Floats]], list[tuple[Floats, Floats]]]


@dataclass(frozen=True)
class Input:
    """A picture with its boxes (P, 4): None is one that cannot be read, and `error` is why.

    `turned` says that its EXIF tag turns it.
    """

    name: str
    picture: Picture | None
    boxes: Floats
    error: str = ""
    turned: bool = False


def predict(options: argparse.Namespace) -> None:
    """Run the command with its options (`options.describe_predict`): one row a box, empty cells for a miss.

    A picture that cannot be read has empty cells and a warning. Raises DataError when none can be read, when boxes
    cannot be used and for a predictor that is absent or damaged; then nothing is written.
    """
    table.require_file(options.out)
    seed = paths.only_seed(options.predictor)
    heat = pictures.heat(options.tone, options.unit) if options.tone else paths.heat(seed)
    boxes_of = table.input_boxes(options.images, options.boxes)
    pictures.warn_left_out(options.images)
    vocabulary, on_boxes = load_predictor(seed, options.weights)
    points = landmarks.load(vocabulary).points
    failures: list[str] = []
    turned: list[str] = []
    rows = missed = 0
    with files.replacing(options.out) as temporary, table.opened(temporary) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.header(points))
        for inputs in batches(
            track(
                read_inputs(pictures.root(options.images), boxes_of, heat), len(boxes_of), "predicting", "picture"
            )
        ):
            failures += [item.error for item in inputs if item.error]
            turned += [item.name for item in inputs if item.turned]
            for line in output_rows(inputs, on_boxes, len(points)):
                writer.writerow(line)
                rows, missed = rows + 1, missed + ("" in line[5:])
        if len(failures) == len(boxes_of):
            raise DataError(f"no picture can be read: {failures[0]}", "check --images")
    pictures.warn_turned(turned)
    if failures:
        first = "; ".join(failures[:SHOWN])
        print(f"warning: {len(failures)} of {len(boxes_of)} pictures cannot be read: {first}", file=sys.stderr)
    print(f"{options.out}: {rows} rows of {len(boxes_of)} pictures, {missed} with a point missed")


def load_predictor(seed: Path, weights: Path | None) -> tuple[str, Predict]:
    """Return vocabulary and function of a calibrated head, a head with its bundle, or a trained network."""
    if (seed / "model.json").is_file():
        network = learned.read(seed, precision.chosen("auto"))
        return network.vocabulary, network.on_boxes
    head = paths.loaded(seed, weights)[0]
    return head.vocabulary, head.on_boxes


def read_inputs(folder: Path, boxes_of: dict[str, Floats | None], heat: ThermalTone | None) -> Iterator[Input]:
    """Read the pictures one after the other; raises ConfigError for temperatures without a tone mapping."""
    for name, boxes in boxes_of.items():
        try:
            picture = pictures.read(folder / name, heat)
        except DataError as error:
            nothing = np.full((1, 4), np.nan, np.float32)
            yield Input(name, None, nothing if boxes is None else boxes, error.cause)
            continue
        given = whole(picture)[None].astype(np.float32) if boxes is None else boxes
        yield Input(name, picture, given, turned=pictures.turned(folder / name))


def batches(inputs: Iterator[Input]) -> Iterator[list[Input]]:
    """Yield pictures in groups of at most 16, which are all grey or all colour but for the unreadable."""
    batch: list[Input] = []
    depth = 0
    for item in inputs:
        channels = item.picture.ndim if item.picture is not None else depth
        if batch and (len(batch) == CHUNK or (depth and channels != depth)):
            yield batch
            batch = []
        batch.append(item)
        depth = channels
    if batch:
        yield batch


def output_rows(inputs: list[Input], on_boxes: Predict, points: int) -> Iterator[list[str]]:
    """Yield the cells of each box, in order; a box beside the picture is a miss, whatever the prediction."""
    read = [(item.picture, _boxes_inside(item.boxes, item.picture)) for item in inputs if item.picture is not None]
    predictions = iter(on_boxes([picture for picture, _ in read], [boxes for _, boxes in read]) if read else [])
    for item in inputs:
        missing = np.full((len(item.boxes), points, 2), np.nan), np.full((len(item.boxes), points), np.nan)
        xy, score = missing if item.picture is None else next(predictions)
        for box, point_xy, scores in zip(item.boxes, xy, score, strict=True):
            yield table.cells(item.name, box, point_xy, scores)


def _boxes_inside(boxes: Floats, picture: Picture) -> Floats:
    """Return boxes (P, 4), NaN for those that lie beside the picture."""
    kept = [touches(box, picture) for box in boxes]
    return np.where(np.array(kept)[:, None], boxes, np.float32(np.nan))
