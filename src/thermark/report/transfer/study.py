"""The study of a profile: the same numbers from what the pipeline predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces, open_table
from thermark.core.packed_images import BASE
from thermark.core.predictions import Predictions, file_name
from thermark.core.runs import seed_folders
from thermark.report.inputs import existing, open_json
from thermark.report.transfer import content, others

Sets = Mapping[str, tuple[Faces, dict[str, list[Predictions]]]]


class Config(Section):
    """A study: kind of box -> data set, or `<data set>@<variant>`, on which `contestants` were predicted.

    `independent`: a contestant that has learned neither from these labels nor from their network, whose
    disagreement with them is an upper bound of their noise; none by default.
    """

    boxes: dict[str, str] = Field(min_length=1)
    contestants: list[str] = Field(min_length=1)
    independent: str = ""


@dataclass(frozen=True)
class Paths:
    """`faces`/<data set>/, `reports`/<data set>.json, `predictions`/<contestant>/[seed<k>/]<file>."""

    faces: Path
    reports: Path
    predictions: Path


def build(config: Config, paths: Paths, text: Path, numbers: Path, errors: Path) -> None:
    """Write the study as Markdown, its numbers as JSON, and the error of every face as CSV.

    A contestant that was skipped, such as one whose data set is not here, has a reason instead of numbers. Raises
    DataError for what is missing or of another version, ConfigError for an unknown `independent`.
    """
    names = config.contestants
    if config.independent and config.independent not in names:
        raise ConfigError(
            f"{config.independent} is no contestant of the study", "name it under `contestants`, too"
        )
    sets = {kind: _read(where, names, paths) for kind, where in config.boxes.items()}
    left_out = {name: why for name in names if (why := _why_absent(sets, name))}
    by_name = {
        name: {kind: (faces, found[name]) for kind, (faces, found) in sets.items()}
        for name in names
        if name not in left_out
    }
    if floor := _floor(sets):
        by_name = {others.NAME: floor} | by_name
    made = content.made(by_name, next(iter(sets.values()))[0], config.independent)
    made["left_out"] = left_out
    files.write_json(numbers, made)
    files.write_text(text, content.page(made))
    files.write_text(errors, content.table_of_faces(by_name))


def _read(where: str, names: Sequence[str], paths: Paths) -> tuple[Faces, dict[str, list[Predictions]]]:
    """Return the faces of a data set, and contestant -> its predictions on a variant of it by seed."""
    dataset, _, variant = where.partition("@")
    faces = open_table(paths.faces / dataset)
    fingerprint = str(open_json(paths.reports / f"{dataset}.json")["fingerprint"])
    found: dict[str, list[Predictions]] = {}
    for name in names:
        folder = paths.predictions / name
        found[name] = [
            Predictions.open(existing(parent / file_name(dataset, variant or BASE)))
            for parent in seed_folders(folder) or [folder]
        ]
        for one in found[name]:
            one.require(fingerprint)
    return faces, found


def _floor(sets: Sets) -> dict[str, tuple[Faces, list[Predictions]]]:
    """Return what boxes alone tell, in each kind of box that somebody was given."""
    told = {}
    for kind, (faces, found) in sets.items():
        boxes = others.boxes_of(faces, [one for seeds in found.values() for one in seeds])
        if boxes is not None:
            told[kind] = (faces, [others.mean_of_others(faces, boxes)])
    return told


def _why_absent(sets: Sets, name: str) -> str:
    return next((one.reason for _, found in sets.values() for one in found[name] if one.status != "ok"), "")
