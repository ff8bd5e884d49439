"""`thermark predict` without a predictor: what the shipped landmarker finds on pictures of one's own."""

import argparse
import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.calibrate import pictures, table
from thermark.calibrate.labels import SHOWN
from thermark.calibrate.options import Unit
from thermark.core import files
from thermark.core.errors import ConfigError, DataError, ThermarkError
from thermark.core.progress import track
from thermark.core.radiometry import Tone
from thermark.landmarker import overlay, units
from thermark.landmarker import pictures as shown
from thermark.landmarker.landmarker import Landmarker
from thermark.landmarker.pictures import Picture
from thermark.landmarker.result import Landmarks

Floats = NDArray[np.float32]


@dataclass
class Notes:
    """What is said after the last picture: those that cannot be read, and the names of remarkable ones."""

    failures: list[ThermarkError] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)

    def require_some(self, total: int) -> None:
        """Raise the first failure, ConfigError for a unit and DataError otherwise, when no picture can be read."""
        if len(self.failures) == total:
            first = self.failures[0]
            remedy = first.remedy if isinstance(first, ConfigError) else "check --images"
            raise type(first)(f"no picture can be read: {first.cause}", remedy)

    def say(self, total: int) -> None:
        """Print the warnings to stderr."""
        pictures.warn_turned(self.turned)
        if self.counts:
            which = f"{len(self.counts)} of {total} pictures have no temperatures"
            print(f"warning: {which}: integers in no known unit: {pictures.first(self.counts)}", file=sys.stderr)
        if self.failures:
            first = "; ".join(
                f"{error.cause} ({error.remedy})" if isinstance(error, ConfigError) else error.cause
                for error in self.failures[:SHOWN]
            )
            print(f"warning: {len(self.failures)} of {total} pictures cannot be read: {first}", file=sys.stderr)


def find(options: argparse.Namespace) -> None:
    """Run the command with its options (`options.describe_predict`): a row a face, an empty one for none.

    A picture that cannot be read, or whose floats look as if they were in another unit than stated, has empty
    cells and a warning. Raises DataError (ConfigError for the unit) when that is so of all pictures, DataError
    when boxes cannot be used and for weights that are absent or damaged, ConfigError for overlays that lie among
    the pictures or cannot be written. Then no CSV is written; overlays of earlier pictures stay.
    """
    table.require_file(options.out)
    require_apart(options.overlays, options.images)
    boxes_of = table.input_boxes(options.images, options.boxes)
    pictures.warn_left_out(options.images)
    landmarker = opened(options)
    folder, notes = pictures.root(options.images), Notes()
    rows = nobody = 0
    with files.replacing(options.out) as temporary, table.opened(temporary) as file:
        writer = csv.writer(file, lineterminator="\n")
        warm = [f"{name}_celsius" for name in landmarker.names] if options.temperatures else []
        writer.writerow([*table.header(landmarker.names), *warm])
        for name, boxes in track(boxes_of.items(), len(boxes_of), "predicting", "picture"):
            picture = noted(folder, name, options.unit, landmarker.tone, notes)
            if picture is None:
                faces = unread(boxes, landmarker)
            else:
                faces = landmarker.on_picture(picture, boxes)
                draw(options.overlays, name, picture.grey, faces)
                nobody += not len(faces)
            for line in lines(name, faces, options.temperatures):
                writer.writerow(line)
                rows += 1
        notes.require_some(len(boxes_of))
    notes.say(len(boxes_of))
    print(f"{options.out}: {rows} rows of {len(boxes_of)} pictures, {nobody} without a face")


def opened(options: argparse.Namespace) -> Landmarker:
    """Return the landmarker that the options ask for; raises what it raises, ConfigError for a wrong tone."""
    tone = pictures.tone(options.tone) if options.tone else None
    return Landmarker(
        options.landmarker,
        threshold=options.threshold,
        longest=options.longest,
        flip=not options.no_flip,
        tone=tone,
    )


def require_apart(overlays: Path | None, folder: Path) -> None:
    """Raise ConfigError for overlays in the folder of the pictures, where the next run would look for faces."""
    if overlays is not None and overlays.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{overlays} lies among the pictures", f"choose --overlays outside of {folder}")


def noted(folder: Path, name: str, unit: Unit, tone: Tone, notes: Notes) -> Picture | None:
    """Return a picture, None for one that cannot be read, and note what is to be said of it."""
    try:
        picture = readable(folder / name, unit, tone)
    except (DataError, ConfigError) as error:
        notes.failures.append(error)
        return None
    if picture.counts:
        notes.counts.append(name)
    if pictures.turned(folder / name):
        notes.turned.append(name)
    return picture


def readable(path: Path, unit: Unit, tone: Tone) -> Picture:
    """Return a picture with its degrees Celsius, if it has some.

    Raises DataError for what cannot be read, ConfigError for floats that look as if they were in another unit.
    """
    image = shown.decoded(path)
    if image.dtype.kind != "f":
        return shown.taken(image, path.name, tone)
    known = units.present(image, unit)
    units.require_no_grey_levels(known, path.name, unit)
    return shown.of_celsius(pictures.converted(known, path.name, unit), path.name, tone)


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


def draw(folder: Path | None, name: str, grey: NDArray[np.uint8], found: Landmarks) -> None:
    """Write a picture (H, W) with what was found in it as <folder>/<name>.png; nothing without a folder."""
    if folder is None:
        return
    path = folder / f"{name}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as temporary:
            temporary.write_bytes(cv2.imencode(".png", overlay.drawn(grey, found)[..., ::-1])[1].tobytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "choose other --overlays") from error
