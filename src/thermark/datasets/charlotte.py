"""CHARLOTTE-ThermalFace: ten people, ten distances, four room temperatures, 25 head positions.

Layout: `S1..S10/`, each with `R{subject}{condition}{frame}.tiff` (uint16, raw/100 - 273.15 deg C) and
`S{n}.csv` with columns ID, Distance, ..., x0..x72, y0..y72. Every CSV declares 73 points, so a row's scheme is
recognised by how many of its pairs are filled: 73 = frontal, 43 = profile, anything else is skipped and listed.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermark.core import images, origin, tree, visibility
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Frames, Modality
from thermark.core.geometry import bounding_box, box_size
from thermark.core.radiometry import Celsius, linear_celsius
from thermark.datasets.checks import census, splits
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import csv_tables, profile_points
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import (
    Check,
    Findings,
    Loaded,
    OneCamera,
    build_faces,
    build_frames,
    require_any,
    strings,
    warn_unless,
)

MODALITY: Modality = "thermal"
POINTS, PROFILE = census.POINTS, census.PROFILE
SCHEMES = {
    "charlotte73": Scheme(POINTS, eyes=(36, 45)),
    "charlotte43_left": Scheme(PROFILE),
    "charlotte43_right": Scheme(PROFILE),
}
WIDTH, WIDTH_BAND = 200, 15  # px: the median face, as published subsets suggest
BELOW_FOREHEAD = {"A": 40, "B": 39}  # where the forehead begins in each reading

CARD = DataSetCard(
    title="CHARLOTTE-ThermalFace",
    url="https://github.com/TeCSAR-UNCC/UNCC-ThermalFace",
    licence="research use; CC BY-NC-SA 4.0 according to a third party",
    redistribution="no",
    citation="Ashrafi et al., Charlotte-ThermalFace, Infrared Physics & Technology 124, 104209 (2022)",
    notes="The order of the 43 profile points is not documented: Side results are provisional. Published High, "
    "Low and Mean subsets do not say how the face box is measured.",
    labels="human",
    boxes="tight",
)


class Config(OneCamera):
    """Radiometry, subsets, split and the reading of profile rows.

    `scale`, `offset`: raw to degrees Celsius; `plausible`: where the median face temperature must lie.
    `resolution`: box width in px from which a face is High, or `median`; `band`: half width of the Mean subset,
    px. `profile`: reading of the 43 points by which boxes are measured; `side_margin`: nose displacement, as a
    fraction of the box width, below which the visible side is unclear. `val`, `test`: subjects.
    """

    scale: float = 0.01
    offset: float = -273.15
    plausible: tuple[float, float] = (28.0, 40.0)
    resolution: float | Literal["median"] = 200.0
    band: float = 15.0
    profile: Literal["A", "B"] = "A"
    side_margin: float = 0.05
    val: tuple[str, ...] = ("S5",)
    test: tuple[str, ...] = ("S3", "S8", "S10")


@dataclass(frozen=True)
class Row:
    """One usable line of a CSV: `xy` (73, 2) float32, NaN beyond the row's scheme."""

    subject: str
    name: str
    image: Path
    distance: str
    vocabulary: str
    xy: NDArray[np.float32]


def load(root: Path, config: Config) -> Loaded:
    """Return frames and faces of all subjects under `root`; raises DataError when there is none."""
    findings = Findings()
    paths = [PurePosixPath(name) for name in tree.files(root)]
    pictures = _pictures(root, paths, findings)
    unused = set(pictures.values())
    rows: list[Row] = []
    for path in sorted(paths, key=lambda p: (_number(p.stem), p.as_posix())):
        if path.suffix.lower() == ".csv" and re.fullmatch(r"S\d+", path.stem, re.IGNORECASE):
            rows += _rows(root / path, _subject(path), pictures, unused, config, findings)
    require_any(len(rows), "labelled CHARLOTTE row", root.name, findings)
    findings.add("missing_annotation", *(path.relative_to(root).as_posix() for path in sorted(unused)))
    for (subject, _), picture in pictures.items():
        _tally(findings, subject, {"pictures": 1, "unlabelled": int(picture in unused)})
    faces = _faces(rows, root, config, findings)
    if origin.origin(root) == "real":
        findings.check(*census.checks(findings.facts["census"]), _width(findings.facts["median_box_width"]))
    return Loaded(_frames(rows, root), faces, findings)


def read(path: Path, config: Config) -> Celsius:
    """Return degrees Celsius (H, W) float32; raises DataError when unreadable or not 16-bit."""
    return linear_celsius(images.single(path, "uint16"), config.scale, config.offset)


def _number(stem: str) -> int:
    digits = re.sub(r"\D", "", stem)
    return int(digits) if digits else -1


def _pictures(root: Path, paths: list[PurePosixPath], findings: Findings) -> dict[tuple[str, str], Path]:
    """Return (subject, digits of the name) -> radiometric TIFF, whatever the case of its suffix."""
    pictures: dict[tuple[str, str], Path] = {}
    for path in paths:
        match = re.fullmatch(r"R(\d+)", path.stem, re.IGNORECASE)
        if match and path.suffix.lower() in (".tif", ".tiff"):
            key = (_subject(path), match[1])
            if key in pictures:
                findings.add("duplicate_image", path.as_posix())
            pictures.setdefault(key, root / path)
    return pictures


def _tally(findings: Findings, subject: str, counts: dict[str, int]) -> None:
    """Add counts to those of a subject."""
    tally = findings.facts.setdefault("census", {}).setdefault(subject, {})
    for kind, number in counts.items():
        tally[kind] = tally.get(kind, 0) + number


def _subject(path: PurePosixPath) -> str:
    """Return the nearest folder called S<n>, or the file's own name where that is S<n>."""
    for name in (path.stem, *(parent.name for parent in path.parents)):
        if re.fullmatch(r"S\d+", name, re.IGNORECASE):
            return name.upper()
    return "S0"


def _rows(
    path: Path,
    subject: str,
    pictures: dict[tuple[str, str], Path],
    unused: set[Path],
    config: Config,
    findings: Findings,
) -> list[Row]:
    """Return the usable rows of one subject's CSV, note all others, and strike their images off `unused`."""
    table = csv_tables.read(path)
    xy = _points(table, path)
    _tally(findings, subject, census.count(table, xy, config.side_margin))
    findings.add("blank_row", *(f"{path.name}, line {line}" for line in table.blank))
    findings.add("spreadsheet_error", *(f"{path.name}: {cell}" for cell in table.unreadable()))
    rows, occurrences = [], dict[str, int]()
    for index, name in enumerate(table.columns["id"]):
        where = f"{path.name}, line {table.lines[index]}: {name}"
        occurrences[name] = occurrences.get(name, 0) + 1
        image = pictures.get((subject, re.sub(r"\D", "", name)))
        if image is None:
            findings.add("missing_image", where)
            continue
        unused.discard(image)
        try:
            vocabulary = _vocabulary(xy[index], config.side_margin)
        except DataError as error:
            findings.add("odd_row", f"{where}: {error.cause}")
            continue
        if occurrences[name] > 1:
            findings.add("duplicate_id", where)
            name = f"{name}#{occurrences[name]}"
        rows.append(Row(subject, name, image, _distance(table, index), vocabulary, xy[index]))
    return rows


def _points(table: csv_tables.CsvTable, path: Path) -> NDArray[np.float32]:
    """Return all points (rows, 73, 2); raises DataError when a column is absent."""
    columns = ["id", *(f"{axis}{index}" for axis in "xy" for index in range(POINTS))]
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise DataError(
            f"{path.name} has no column {absent[0]}", "check that it is the published file (docs/data.md)"
        )
    axes = [np.stack([table.number(f"{axis}{index}") for index in range(POINTS)], axis=1) for axis in "xy"]
    return np.stack(axes, axis=-1).astype(np.float32)


def _vocabulary(xy: NDArray[np.float32], margin: float) -> str:
    """Return the scheme of a row's points (73, 2); raises DataError when it has none, or an unclear side."""
    remedy = "mend the row or leave it out"
    if not np.array_equal(np.isnan(xy[:, 0]), np.isnan(xy[:, 1])):
        raise DataError("has an x without a y", remedy)
    filled = ~np.isnan(xy[:, 0])
    count = int(filled.sum())
    if count == POINTS:
        return "charlotte73"
    if count != PROFILE or not filled[:PROFILE].all():
        raise DataError(f"has {count} filled pairs", remedy)
    displacement = float(census.displacement(xy[:PROFILE]))
    if abs(displacement) < margin:
        raise DataError(f"does not show which side is visible (nose at {displacement:+.2f})", remedy)
    # A nose near the image's left edge of the face leaves the image-right half in view: the subject's left.
    return "charlotte43_left" if displacement < 0 else "charlotte43_right"


def _distance(table: csv_tables.CsvTable, index: int) -> str:
    """Return the distance as written, in a plain form, or an empty string."""
    value = table.number("distance")[index] if "distance" in table.columns else np.nan
    return f"{value:g}" if np.isfinite(value) else ""


def _frames(rows: list[Row], root: Path) -> Frames:
    """Return one frame a TIFF, in the order of first use: a repeated id is a second face of the same frame."""
    first = {row.image: row for row in reversed(rows)}
    kept = [first[image] for image in dict.fromkeys(row.image for row in rows)]
    ids, subjects = strings(map(_frame, kept)), strings(row.subject for row in kept)
    return build_frames(ids, subjects, (row.image.relative_to(root).as_posix() for row in kept), MODALITY)


def _frame(row: Row) -> str:
    return f"{row.subject}/{row.image.stem}"


def _faces(rows: list[Row], root: Path, config: Config, findings: Findings) -> Faces:
    subjects = strings(row.subject for row in rows)
    vocabularies = strings(row.vocabulary for row in rows)
    xy = np.stack([row.xy for row in rows])
    boxes = _boxes(xy, vocabularies, config.profile)
    profile = xy[vocabularies != "charlotte73", :PROFILE]
    findings.facts["profile_reading"] = readings = profile_points.readings(profile)
    if readings:
        findings.check(profile_points.check(readings, config.profile))
    chosen = splits.by_list(subjects, config.val, config.test)
    splits.require(chosen, [name for name in ("val", "test") if getattr(config, name)])
    ids, frames = strings(f"{row.subject}/{row.name}" for row in rows), strings(map(_frame, rows))
    visible = visibility.among(np.asarray(~np.isnan(xy).any(axis=-1)), map(_frame, rows), root)
    strata = _resolution(box_size(boxes)[:, 0], config, findings) | {
        "view": np.where(vocabularies == "charlotte73", "Front", "Side"),
        "distance": strings(row.distance for row in rows),
    }
    return build_faces(
        ids, subjects, chosen, vocabularies, xy, frames=frames, boxes=boxes, visible=visible, strata=strata
    )


def _boxes(xy: NDArray[np.float32], vocabularies: NDArray[np.str_], profile: str) -> NDArray[np.float32]:
    """Return the tight boxes (N, 4) of the points below the forehead, which iBUG 68 does not know."""
    frontal = vocabularies == "charlotte73"
    below = np.where(frontal[:, None], np.arange(POINTS) < 68, np.arange(POINTS) < BELOW_FOREHEAD[profile])
    return bounding_box(np.where(below[..., None], xy, np.float32(np.nan)))


def _resolution(widths: NDArray[np.floating], config: Config, findings: Findings) -> dict[str, NDArray[np.str_]]:
    """Return the strata by box width and note the median, which published subsets put at 200 px."""
    median = float(np.median(widths))
    threshold = median if config.resolution == "median" else config.resolution
    findings.facts.update(median_box_width=median, resolution_threshold=threshold)
    return {
        "resolution": np.where(widths >= threshold, "High", "Low"),
        "band": np.where(np.abs(widths - threshold) <= config.band, "Mean", ""),
    }


def _width(median: float) -> Check:
    expected, found = f"{WIDTH} +- {WIDTH_BAND} px", f"the median face is {median:.0f} px wide"
    remedy = "High and Low are not those of published subsets"
    return warn_unless(abs(median - WIDTH) <= WIDTH_BAND, "face width", expected, found, remedy)
