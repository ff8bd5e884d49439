"""Labels in COCO JSON: key points by name, or for one point the boxes of a category of that name.

COCO counts from the outline of the picture: 0.5 is subtracted to count from pixel centres. A box around the person
or head is the annotation's own `bbox` for key points, and the smallest box of the category person around the
point for boxes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thermark.calibrate.labels import REMEDY, Floats, LabelRow, LabelRows, corners, image_name
from thermark.core.cells import plain
from thermark.core.errors import DataError
from thermark.datasets.readers import coco
from thermark.datasets.readers.coco import Category, Coco, Entry, Id
from thermark.datasets.readers.entries import numbers, smallest_around

OUTLINE = 0.5
PERSON = "person"
FIELDS = frozenset({"categories", "name", "keypoints", "bbox", "category_id"})


@dataclass(frozen=True)
class Tables:
    """A file whose tables can be understood: image id -> name, category id -> category, and its annotations."""

    images: dict[Id, str]
    categories: dict[Id, Category]
    annotations: list[tuple[str, Entry]]

    def of(self, categories: Collection[Id]) -> Iterator[tuple[str, Entry]]:
        """Yield the annotations of some categories; what has no usable category is of none."""
        for where, entry in self.annotations:
            key = entry.get("category_id")
            if isinstance(key, int | float | str) and not isinstance(key, bool) and key in categories:
                yield where, entry

    def named(self, name: str) -> set[Id]:
        """Return the ids of the categories of that name."""
        return {key for key, category in self.categories.items() if category.name == name}

    def image(self, entry: Entry, where: str) -> str:
        """Return the name of an annotation's image; raises DataError when there is none."""
        number = coco.identifier(entry, "image_id", where)
        if number not in self.images:
            raise DataError(f"{where}: image_id {str(number)[:20]} is in no entry of `images`", REMEDY)
        return self.images[number]


def read(path: Path, points: Sequence[str]) -> LabelRows:
    """Read the labels of `points`; raises DataError when the tables cannot be understood or lack the points."""
    tables = _tables(path)
    wanted = [plain(point) for point in points]
    skeletons = {key: kind.keypoints for key, kind in tables.categories.items() if {*wanted} <= {*kind.keypoints}}
    if skeletons:
        labels = _from_skeletons(tables, path.name, skeletons, wanted)
    elif len(wanted) == 1 and (boxed := tables.named(wanted[0])):
        labels = _from_boxes(tables, path.name, boxed, tables.named(PERSON))
    else:
        wanted_names = ", ".join(points) + (f", and no category {points[0]}" if len(points) == 1 else "")
        names = ", ".join(category.name for category in tables.categories.values())[:100] or "none"
        raise DataError(
            f"{path.name} has no category with the key points {wanted_names} (its categories: {names})",
            "name the key points like that in the table `categories`",
        )
    if not labels.rows and not labels.problems:
        raise DataError(f"{path.name} labels no {points[0]}", "label some pictures first")
    return labels


def boxes(path: Path) -> LabelRows:
    """Read boxes alone: those of the category person where the file has one, else all; rows without points."""
    tables = _tables(path)
    people = tables.named(PERSON)
    rows, problems = [], []
    for where, entry in tables.of(people) if people else tables.annotations:
        try:
            box = _required_box(entry, where)
            rows.append(LabelRow(where, tables.image(entry, where), "", np.zeros((0, 2)), box))
        except DataError as error:
            problems.append(error.cause)
    if not rows and not problems:
        raise DataError(f"{path.name} holds no box", "give each person or head a bbox, or leave out --boxes")
    return LabelRows(path.name, tuple(rows), tuple(problems))


def _tables(path: Path) -> Tables:
    """Read a file; raises DataError, with a remedy for a user's own one, when it cannot be understood."""
    try:
        content: Coco = coco.read(path, FIELDS)
        images = {key: image_name(str(name), path.name) for key, name in content.images().items()}
        return Tables(images, content.categories(), [*content.entries("annotations")])
    except DataError as error:
        raise DataError(error.cause, "mend the file, or export it as COCO JSON again") from error


def _from_skeletons(
    tables: Tables, name: str, skeletons: Mapping[Id, Sequence[str]], wanted: Sequence[str]
) -> LabelRows:
    rows: list[LabelRow] = []
    problems, unlabelled = [], 0
    for where, entry in tables.of(skeletons):
        try:
            xy = _points(entry, skeletons[entry["category_id"]], wanted, where)
            if np.isnan(xy).all():
                unlabelled += 1
                continue
            rows.append(LabelRow(where, tables.image(entry, where), "", xy, _box(entry, where)))
        except DataError as error:
            problems.append(error.cause)
    unboxed = [row for row in rows if np.isnan(row.box).any()]
    if 0 < len(unboxed) < len(rows):
        problems += [f"{row.where}: there is no bbox, though others have one" for row in unboxed]
    note = (f"{unlabelled} annotations without a labelled point were left out",) if unlabelled else ()
    return LabelRows(name, tuple(rows), tuple(problems), note)


def _from_boxes(tables: Tables, name: str, categories: set[Id], people: set[Id]) -> LabelRows:
    problems: list[str] = []
    persons: dict[str, list[Floats]] = {}
    for where, entry in tables.of(people):
        try:
            persons.setdefault(tables.image(entry, where), []).append(_required_box(entry, where))
        except DataError as error:
            problems.append(error.cause)
    rows = []
    for where, entry in tables.of(categories):
        try:
            image, point_box = tables.image(entry, where), _required_box(entry, where)
            centre = (point_box[:2] + point_box[2:]) / 2
            box = _person(centre, persons.get(image, []), where) if people else np.full(4, np.nan)
            rows.append(LabelRow(where, image, "", centre[None], box))
        except DataError as error:
            problems.append(error.cause)
    return LabelRows(name, tuple(rows), tuple(problems))


def _points(entry: Entry, names: Sequence[str], wanted: Sequence[str], where: str) -> Floats:
    """Return the wanted points (K, 2), NaN where visibility is not positive."""
    if not entry.get("keypoints"):
        return np.full((len(wanted), 2), np.nan)
    every = numbers(entry, "keypoints", where, 3 * len(names)).reshape(-1, 3)
    xyv = every[[names.index(name) for name in wanted]]
    labelled = xyv[:, 2] > 0
    if not np.isfinite(xyv[labelled]).all():
        raise DataError(f"{where}: a key point is not finite", REMEDY)
    return np.where(labelled[:, None], xyv[:, :2] - OUTLINE, np.nan)


def _box(entry: Entry, where: str) -> Floats:
    """Return x1, y1, x2, y2 (4,), NaN where there is no bbox."""
    if entry.get("bbox") in (None, []):
        return np.full(4, np.nan)
    return corners(numbers(entry, "bbox", where, 4), OUTLINE, where)


def _required_box(entry: Entry, where: str) -> Floats:
    box = _box(entry, where)
    if np.isnan(box).any():
        raise DataError(f"{where}: there is no bbox", REMEDY)
    return box


def _person(point: Floats, people: list[Floats], where: str) -> Floats:
    """Return the smallest box around a point; raises DataError when it is in none."""
    index = smallest_around(point, np.reshape(people, (-1, 4)))
    if index is None:
        raise DataError(f"{where}: its centre is in no box of a person on that picture", REMEDY)
    return people[index]
