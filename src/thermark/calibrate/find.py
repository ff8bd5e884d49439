"""`thermark predict` without a predictor: what the shipped landmarker finds on a folder of pictures."""

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.calibrate import pictures, table
from thermark.calibrate.labels import SHOWN
from thermark.calibrate.options import Unit
from thermark.core import files, images
from thermark.core.errors import ConfigError, DataError
from thermark.core.progress import track
from thermark.landmarker import overlay
from thermark.landmarker import pictures as shown
from thermark.landmarker.landmarker import Landmarker
from thermark.landmarker.result import Landmarks

Floats = NDArray[np.float32]


def find(options: argparse.Namespace) -> None:
    """Run the command with its options (`options.describe_predict`): a row a face, an empty one for none.

    A picture that cannot be read has empty cells and a warning. Raises DataError when none can be read, when boxes
    cannot be used and for weights that are absent or damaged, ConfigError for overlays among the pictures; then
    nothing is written.
    """
    table.require_file(options.out)
    require_apart(options.overlays, options.images)
    tone = pictures.tone(options.tone) if options.tone else None
    boxes_of = table.input_boxes(options.images, options.boxes)
    landmarker = Landmarker(options.landmarker, threshold=options.threshold, tone=tone)
    names = landmarker.names
    failures: list[str] = []
    rows = nobody = 0
    with files.replacing(options.out) as temporary, table.opened(temporary) as file:
        writer = csv.writer(file, lineterminator="\n")
        warm = [f"{name}_celsius" for name in names] if options.temperatures else []
        writer.writerow([*table.header(names), *warm])
        for name, boxes in track(boxes_of.items(), len(boxes_of), "predicting", "picture"):
            try:
                image = readable(options.images / name, options.unit)
            except DataError as error:
                failures.append(error.cause)
                found = unread(boxes, landmarker)
            else:
                found = landmarker(image, boxes=boxes)
                draw(options.overlays, name, image, found, landmarker)
                nobody += not len(found)
            for line in lines(name, found, options.temperatures):
                writer.writerow(line)
                rows += 1
        if len(failures) == len(boxes_of):
            raise DataError(f"no picture can be read: {failures[0]}", "check --images")
    if failures:
        first = "; ".join(failures[:SHOWN])
        print(f"warning: {len(failures)} of {len(boxes_of)} pictures cannot be read: {first}", file=sys.stderr)
    print(f"{options.out}: {rows} rows of {len(boxes_of)} pictures, {nobody} without a face")


def require_apart(overlays: Path | None, folder: Path) -> None:
    """Raise ConfigError for overlays in the folder of the pictures, where the next run would look for faces."""
    if overlays is not None and overlays.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{overlays} lies among the pictures", f"choose --overlays outside of {folder}")


def readable(path: Path, unit: Unit) -> NDArray[Any]:
    """Return a picture of 8 bits, or degrees Celsius (H, W) float32; raises what pictures.read raises."""
    image = images.decode(path)
    shown.require_size(image, path.name)
    if image.dtype == np.uint8:
        return image
    if image.ndim != 2:
        raise DataError(f"{path.name} has {image.shape[2]} channels of {image.dtype}", "save it as 8-bit")
    return pictures.degrees(image, path.name, unit)


def unread(boxes: Floats | None, landmarker: Landmarker) -> Landmarks:
    """Return a miss for each box (P, 4) of a picture that cannot be read, none where no boxes are given."""
    given = np.zeros((0, 4), np.float32) if boxes is None else boxes
    scores = np.full((len(given), len(landmarker.names)), np.nan, np.float32)
    points = np.repeat(scores[..., None], 2, axis=2)
    return Landmarks(points, scores, given, scores[:, 0], scores, landmarker.card.landmarks.vocabulary)


def lines(name: str, found: Landmarks, temperatures: bool) -> list[list[str]]:
    """Return the cells of each face, or a row that has nothing but the picture's name."""
    count = len(found.names)
    if not len(found):
        return [[name] + [""] * (4 + (3 + temperatures) * count)]
    celsius = np.full(found.scores.shape, np.nan) if found.temperatures is None else found.temperatures
    parts = zip(found.boxes, found.points, found.scores, celsius, strict=True)
    return [
        table.cells(name, box, xy, scores) + [table.number(value, 3) for value in warm] * temperatures
        for box, xy, scores, warm in parts
    ]


def draw(folder: Path | None, name: str, image: NDArray[Any], found: Landmarks, landmarker: Landmarker) -> None:
    """Write the picture with what was found in it as <folder>/<name>.png; nothing without a folder."""
    if folder is None:
        return
    path = folder / f"{name}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as temporary:
            drawn = overlay.drawn(landmarker.grey(image), found)
            temporary.write_bytes(cv2.imencode(".png", drawn[..., ::-1])[1].tobytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "choose other --overlays") from error
