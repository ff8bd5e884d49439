"""CHARLOTTE-ThermalFace as it unpacks: ten folders of 16-bit TIFFs and a CSV, with the real files' defects."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thermark.core import files, seeds, visibility
from thermark.core.config import Section
from thermark.core.origin import mark_rendered
from thermark.core.parallel import ordered
from thermark.core.progress import track
from thermark.synth.render.person import Person, sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.sensor import observe
from thermark.synth.writers import grey, write_image

DISTANCES = (1.0, 1.5, 2.0, 2.6, 3.3, 4.0, 4.6, 5.3, 6.0, 6.6)  # metres
ROOMS = (20.5, 22.5, 24.5, 26.5)  # deg C
POSITIONS = tuple((yaw, pitch) for pitch in (-20, -10, 0, 10, 20) for yaw in (-60, -30, 0, 30, 60))
PROFILE_FROM = 40.0  # degrees of yaw from which half a face is annotated
HEADER = ("ID", "Subject", "Distance", "Relative Humidity", "Air Flow", "Environment Temperature", "Sensation")
COLUMNS = tuple(f"{axis}{index}" for axis in "xy" for index in range(73))
DISTANCE, TEMPERATURE, FIRST_X, FIRST_Y = 2, 5, 7, 80
# Reading A of the 43 points in iBUG numbers: contour; brow; nose, eye, outer and inner mouth; forehead comes last.
BEFORE_BROW = {"right": range(9), "left": range(16, 7, -1)}
BROW = {"right": range(17, 22), "left": range(26, 21, -1)}
AFTER_BROW = {
    "right": (*range(27, 34), *range(36, 42), 48, 49, 50, 51, 57, 58, 59, 60, 61, 62, 66, 67),
    "left": (*range(27, 31), 35, 34, 33, 45, 44, 43, 42, 47, 46, 54, 53, 52, 51, 57, 56, 55, 64, 63, 62, 66, 65),
}
FOREHEAD_RISE = 0.9  # forehead points above the brows, in lengths of the nose bridge


class Config(Section):
    """How many labelled frames in all, how many unlabelled a subject, and the camera (px)."""

    seed: int = 0
    subjects: int = Field(default=10, gt=0)
    count: int = Field(default=600, gt=0)
    unlabelled: int = Field(default=2, ge=0)
    width: int = Field(default=320, gt=0)
    height: int = Field(default=240, gt=0)
    focal: float = Field(default=1100.0, gt=0)
    supersample: int = Field(default=2, gt=0)

    @model_validator(mode="after")
    def _enough_combinations(self) -> Self:
        """Refuse more frames a subject than there are rooms, distances and head positions to combine."""
        combinations = len(ROOMS) * len(DISTANCES) * len(POSITIONS)
        count = -(-self.count // self.subjects) + self.unlabelled
        if count > combinations:
            raise ValueError(f"{count} frames a subject are more than the {combinations} combinations")
        return self


@dataclass(frozen=True)
class CharlotteShot:
    """One frame: `index` counts the 1,000 combinations of room, distance and head position."""

    subject: int
    index: int

    @property
    def room(self) -> int:
        """Return the room condition, from 0."""
        return self.index // (len(DISTANCES) * len(POSITIONS))

    @property
    def name(self) -> str:
        """Return the digits by which CSV and image meet: subject, condition from 1, frame."""
        frame = self.index % (len(DISTANCES) * len(POSITIONS)) + 1
        return f"{self.subject}{self.room + 1}{frame:03d}"

    @property
    def distance(self) -> float:
        """Return the distance to the camera in metres."""
        return DISTANCES[self.index // len(POSITIONS) % len(DISTANCES)]

    @property
    def position(self) -> tuple[float, float]:
        """Return nominal yaw and pitch in degrees."""
        return POSITIONS[self.index % len(POSITIONS)]


def write(out: Path, config: Config, workers: int | None = None) -> None:
    """Write `S1..S10` under `out`; the bytes do not depend on `workers`."""
    shots = [shot for subject in range(1, config.subjects + 1) for shot in _shots(subject, config)]
    with files.fresh_directory(out) as root:
        work = ordered(partial(_write, root=root, config=config), shots, workers)
        done = list(track(work, len(shots), "render charlotte", "frames"))
        visible: dict[str, NDArray[np.bool_]] = {}
        for subject in range(1, config.subjects + 1):
            of_subject = [labels for shot, labels in zip(shots, done, strict=True) if shot.subject == subject]
            labelled_ones = of_subject[config.unlabelled :]
            _write_table(root / f"S{subject}/S{subject}.csv", subject, [row for row, _ in labelled_ones])
            visible |= {f"S{subject}/{row[0]}": flags for row, flags in labelled_ones}
        visibility.write(root, visible)
        mark_rendered(root, config)


def _shots(subject: int, config: Config) -> list[CharlotteShot]:
    """Return a subject's share of all combinations, in a drawn order; the unlabelled come first."""
    count = config.count // config.subjects + (subject <= config.count % config.subjects)
    combinations = len(ROOMS) * len(DISTANCES) * len(POSITIONS)
    order = seeds.rng(config.seed, "charlotte", "shots", subject).permutation(combinations)
    return [CharlotteShot(subject, int(index)) for index in order[: count + config.unlabelled]]


def _person(subject: int, seed: int) -> Person:
    return sample_person(seeds.rng(seed, "charlotte", "person", subject))


def _write(shot: CharlotteShot, root: Path, config: Config) -> tuple[list[str], NDArray[np.bool_]]:
    """Write one frame as TIFF and JPEG; return its line of the CSV and which of the line's points are visible."""
    rng = seeds.rng(config.seed, "charlotte", shot.subject, shot.index)
    yaw, pitch = shot.position + rng.normal(0, 4, 2)
    # A head is anywhere within a tenth of the picture's width from the middle.
    reach = 0.1 * config.width / config.focal * shot.distance
    x, y = rng.uniform(-reach, reach), rng.uniform(-reach / 2, reach / 2)
    pose = sample_pose(rng, (float(x), float(y), shot.distance), yaw=float(yaw), pitch=float(pitch))
    camera = Camera(config.width, config.height, config.focal, config.supersample)
    scene = render_scene([(_person(shot.subject, config.seed), pose)], camera, (ROOMS[shot.room],), rng)
    celsius = observe(scene.celsius[0], rng)
    folder = root / f"S{shot.subject}"
    write_image(folder / f"R{shot.name}.tiff", np.rint((celsius + 273.15) * 100).astype(np.uint16))
    write_image(folder / f"N{shot.name}.jpg", grey(celsius))
    points = labelled(scene.xy[0].astype(np.float64), float(yaw))
    cells = (f"{value:.2f}" if np.isfinite(value) else "" for value in points.T.flat)
    return [*_conditions(shot, rng), *cells], visible_points(scene.visible[0], float(yaw))


def _conditions(shot: CharlotteShot, rng: np.random.Generator) -> list[str]:
    temperature = ROOMS[shot.room] + rng.normal(0, 0.1)
    sensation = round((temperature - 23.5) / 1.5)
    return [
        f"R{shot.name}",
        str(shot.subject),
        f"{shot.distance:g}",
        f"{rng.uniform(35, 55):.1f}",
        f"{rng.uniform(0, 0.2):.2f}",
        f"{temperature:.2f}",
        str(sensation),
    ]


def labelled(xy: NDArray[np.float64], yaw: float) -> NDArray[np.float64]:
    """Return the 73 points (73, 2) of a frontal face, or the 43 of the visible half, from 68 or more points.

    Beyond the scheme is NaN. A face turned to image-right (yaw > 0) shows the subject's right half.
    """
    points = np.full((73, 2), np.nan)
    if abs(yaw) < PROFILE_FROM:
        points[:68], points[68:] = xy[:68], forehead(xy)
    else:
        points[:43] = half(xy, "right" if yaw > 0 else "left")
    return points


def forehead(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return five points (5, 2) above the brows, image-left first, by the direction of the nose bridge."""
    base = np.stack([xy[17], xy[19], (xy[21] + xy[22]) / 2, xy[24], xy[26]])
    points: NDArray[np.float64] = base + FOREHEAD_RISE * (xy[27] - xy[30])
    return points


def half(xy: NDArray[np.float64], side: str) -> NDArray[np.float64]:
    """Return 43 points (43, 2) of the subject's `side` in the order of reading A, from 68 points or more.

    Six brow points stand for five: the middle one becomes two, a third of the way to its neighbours, so that their
    mean gives it back exactly.
    """
    before, after = BEFORE_BROW[side], AFTER_BROW[side]
    brow = xy[list(BROW[side])]
    step = (brow[3] - brow[1]) / 6
    six = np.stack([brow[0], brow[1], brow[2] - step, brow[2] + step, brow[3], brow[4]])
    above = forehead(xy)[:3] if side == "right" else forehead(xy)[:1:-1]
    return np.concatenate([xy[list(before)], six, xy[list(after)], above])


def visible_points(flags: NDArray[np.bool_], yaw: float) -> NDArray[np.bool_]:
    """Return which points of `labelled` are visible, (73,) or (43,), from the flags of 68 points or more.

    The renderer has no forehead points: they are as visible as the brow beneath.
    """
    above = np.array([flags[17], flags[19], flags[21] and flags[22], flags[24], flags[26]])
    if abs(yaw) < PROFILE_FROM:
        return np.concatenate([flags[:68], above])
    side = "right" if yaw > 0 else "left"
    brow = flags[list(BROW[side])][[0, 1, 2, 2, 3, 4]]
    three = above[:3] if side == "right" else above[:1:-1]
    return np.concatenate([flags[list(BEFORE_BROW[side])], brow, flags[list(AFTER_BROW[side])], three])


def _write_table(path: Path, subject: int, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[*HEADER, *COLUMNS], *_with_defects(sorted(rows), subject)])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _with_defects(rows: list[list[str]], subject: int) -> Iterator[list[str]]:
    """Yield the rows with the defects of the published files.

    S2 repeats ids, S2 and S10 hold spreadsheet errors, some rows of S3 and S7 lack points, S6 ends in a blank row.
    """
    for number, row in enumerate(rows):
        if subject in (2, 10) and number % 9 == 4:
            row = [*row[:TEMPERATURE], "#DIV/0!", *row[TEMPERATURE + 1 :]]
        if subject in (3, 7) and number % 20 == 7:
            row = [
                *row[: FIRST_X + 30],
                *[""] * 10,
                *row[FIRST_X + 40 : FIRST_Y + 30],
                *[""] * 10,
                *row[FIRST_Y + 40 :],
            ]
        yield row
        if subject == 2 and number % 12 == 5:
            yield row
    if subject == 6:
        yield [""] * (len(HEADER) + len(COLUMNS))
