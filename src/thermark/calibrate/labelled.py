"""A labels file of either format and its pictures: crops with points in them, or lines with the reasons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.calibrate import coco_labels, csv_labels, pictures
from thermark.calibrate.labels import Floats, LabelRow, LabelRows, require_none
from thermark.calibrate.pictures import ThermalTone
from thermark.core import files, geometry
from thermark.core.errors import DataError
from thermark.core.progress import track

FEWEST = 8
Picture = NDArray[np.uint8]
Cropped = tuple[Picture, Floats]
Cut = Callable[[Picture, Floats], Cropped | None]


@dataclass(frozen=True)
class LabelledCrops:
    """N labelled crops of a user's pictures.

    `names` (N,) str, unique; `groups` (N,) str, what stays on one side when training and testing are divided;
    `contents` (N,) str, sha256 of the picture's file; `pixels` (N, S, S) or (N, S, S, 3) uint8; `xy` (N, K, 2) in
    frame px and `crop_xy` in crop px, NaN = unlabelled; `to_frame` (N, 2, 3) maps crop px to frame px.
    """

    names: NDArray[np.str_]
    groups: NDArray[np.str_]
    contents: NDArray[np.str_]
    pixels: Picture
    xy: Floats
    crop_xy: Floats
    to_frame: Floats

    def __len__(self) -> int:
        return len(self.names)

    @property
    def pictures(self) -> int:
        """How many different pictures there are."""
        return len(np.unique(self.contents))


@dataclass(frozen=True)
class _Part:
    """A row with its group, its picture's sha256, its crop with the map to the frame, and its points there."""

    row: LabelRow
    group: str
    content: str
    pixels: Picture
    to_frame: Floats
    xy: Floats


@dataclass
class _Earlier:
    """What earlier rows occupied: (file, box) and (file, points) -> row's name; content -> (group, row's name)."""

    rows: dict[tuple[str, ...], str]
    contents: dict[str, tuple[str, str]]


def read(path: Path, points: Sequence[str]) -> LabelRows:
    """Read the labels of `points` from COCO JSON or CSV; raises DataError when the whole file cannot serve."""
    return coco_labels.read(path, points) if _is_json(path) else csv_labels.read(path, points)


def read_boxes(path: Path) -> LabelRows:
    """Read boxes alone, rows without points; raises DataError likewise."""
    return coco_labels.boxes(path) if _is_json(path) else csv_labels.read(path, ())


def _is_json(path: Path) -> bool:
    """Tell JSON by its first sign; raises DataError for a file that is absent or empty."""
    try:
        start = path.read_bytes().removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the path of the file") from error
    if not start:
        raise DataError(f"{path.name} is empty", "label some pictures first, as CSV or COCO JSON")
    return start.startswith((b"{", b"[")) or path.suffix.lower() == ".json"


def build(labels: LabelRows, folder: Path, heat: ThermalTone | None, cut: Cut) -> LabelledCrops:
    """Read the labelled pictures of `folder` and cut them: `cut` turns picture and box (4,) into a crop
    (S, S[, 3]) and its map (2, 3) to the frame, or None where nothing is left.

    Raises DataError that counts all problems, those of the labels file among them, and names the first; and when
    fewer than 8 pictures are left to learn from.
    """
    pictures.require_folder(folder)
    problems = list(labels.problems)
    earlier = _Earlier({}, {})
    parts: list[_Part] = []
    by_image: dict[str, list[LabelRow]] = {}
    for row in labels.rows:
        by_image.setdefault(row.image, []).append(row)
    for image, rows in track(by_image.items(), len(by_image), "pictures", "picture"):
        try:
            path = pictures.find(folder, image)
            content, picture = files.sha256(path), pictures.read(path, heat)
        except DataError as error:
            problems += [f"{row.where}: {error.cause}" for row in rows]
            continue
        for row in rows:
            try:
                parts.append(_Part(row, _group(row, content, path, earlier), content, *_crop(row, picture, cut)))
            except DataError as error:
                problems.append(error.cause)
    require_none(problems, len(labels.rows) + len(labels.problems))
    count = len({part.content for part in parts})
    if count < FEWEST:
        raise DataError(
            f"{labels.name} labels {count} different pictures, too few to learn from and to test on",
            f"label at least {FEWEST}, better 30, from more than one recording",
        )
    return LabelledCrops(
        names=np.array([part.row.where for part in parts]),
        groups=np.array([part.group for part in parts]),
        contents=np.array([part.content for part in parts]),
        pixels=_stacked([part.pixels for part in parts]),
        xy=np.stack([part.row.xy for part in parts]),
        crop_xy=np.stack([part.xy for part in parts]),
        to_frame=np.stack([part.to_frame for part in parts]),
    )


def _group(row: LabelRow, content: str, path: Path, earlier: _Earlier) -> str:
    """Return what the row is held out with; raises DataError for a second label of one thing."""
    for kind, values in (("box", row.box), ("points", row.xy)):
        key = (kind, path.as_posix(), np.array2string(np.round(values, 3)))
        first = earlier.rows.setdefault(key, row.where)
        if first != row.where:
            same = "the whole picture again" if np.isnan(values).all() else f"the same {kind}"
            raise DataError(f"{row.where}: {path.name} with {same} as in {first}", "")
    group, first = earlier.contents.setdefault(content, (row.group or content, row.where))
    if row.group and row.group != group:
        raise DataError(f"{row.where}: the picture is that of {first} (group {group}), in another group", "")
    return group


def _crop(row: LabelRow, picture: Picture, cut: Cut) -> tuple[Picture, Floats, Floats]:
    """Return pixels (S, S[, 3]), their map to the frame (2, 3) and the points in the crop (K, 2)."""
    height, width = picture.shape[:2]
    labelled = row.xy[np.isfinite(row.xy).all(axis=1)]
    outside = labelled[~_inside(labelled, -0.5, np.array([width, height]) - 0.5)]
    if len(outside):
        x, y = outside[0]
        raise DataError(f"{row.where}: {x:g}, {y:g} is outside of {row.image} ({width} x {height} px)", "")
    box = whole(picture) if np.isnan(row.box).any() else row.box
    if not touches(box, picture):
        raise DataError(f"{row.where}: the box is outside of {row.image} ({width} x {height} px)", "")
    crop = cut(picture, box)
    if crop is None:
        raise DataError(f"{row.where}: nothing of {row.image} is in the box", "")
    pixels, to_frame = crop
    xy = np.asarray(geometry.apply(geometry.invert(to_frame), row.xy), np.float64)
    labelled_xy = xy[np.isfinite(xy).all(axis=1)]
    if not _inside(labelled_xy, -0.5, np.array(pixels.shape[1::-1]) - 0.5).all():
        raise DataError(f"{row.where}: a point lies outside of what is cut around its box", "")
    return pixels, np.asarray(to_frame, np.float64), xy


def whole(picture: Picture) -> Floats:
    """Return the outline of a picture as a box (4,)."""
    return np.array([-0.5, -0.5, picture.shape[1] - 0.5, picture.shape[0] - 0.5])


def touches(box: NDArray[np.floating], picture: Picture) -> bool:
    """Return whether a box (4,) and a picture (H, W[, 3]) have an area in common."""
    outline = whole(picture)
    return bool((box[:2] < outline[2:]).all() and (box[2:] > outline[:2]).all())


def _inside(xy: Floats, low: float, high: Floats) -> NDArray[np.bool_]:
    return np.asarray(((xy >= low) & (xy <= high)).all(axis=-1))


def _stacked(crops: list[Picture]) -> Picture:
    """Return crops (N, S, S), or (N, S, S, 3) with grey repeated where one has colours."""
    if any(crop.ndim == 3 for crop in crops):
        crops = [crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2) for crop in crops]
    return np.stack(crops)
