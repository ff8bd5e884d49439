"""The study of a profile: numbers, a page and the error of every face from what the pipeline predicted."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces, open_table
from thermark.core.packed_images import BASE
from thermark.core.predictions import Predictions
from thermark.report import long_table, stage_files
from thermark.report.paths import ReportPaths
from thermark.report.stage_files import open_json, predicted
from thermark.report.transfer import page
from thermark.report.transfer.boxes import MEAN_OF_OTHERS, mean_of_others, prompts
from thermark.report.transfer.camera_scores import Contestants, face_errors, recordings, strata, summarise

Sets = Mapping[str, tuple[Faces, dict[str, list[Predictions]]]]
NOTHING = {"faces": 0, "subjects": 0, "recordings": 0, "noise": {}, "contestants": {}, "worst": {}}
COLUMNS = ("contestant", "boxes", "face", "subject", "recording", "yaw", "nme")


class Config(Section):
    """A study: kind of box -> data set, or `<data set>@<variant>`, on which `contestants` were predicted.

    `independent`: a contestant that has learned neither from these labels nor from their network, whose
    disagreement with them is an upper bound of their noise; none by default.
    """

    boxes: dict[str, str] = Field(min_length=1)
    contestants: list[str] = Field(min_length=1)
    independent: str = ""


def build(config: Config, paths: ReportPaths, text: Path, numbers: Path, errors: Path) -> None:
    """Write the study as Markdown, its numbers as JSON, and the error of every face as CSV.

    A contestant that was skipped, and a data set that is not here, has a reason instead of numbers. Raises
    DataError for what is missing or of another version, ConfigError for an unknown `independent`.
    """
    names = config.contestants
    if config.independent and config.independent not in names:
        raise ConfigError(
            f"{config.independent} is no contestant of the study", "name it under `contestants`, too"
        )
    absent = stage_files.left_out((_dataset(where) for where in config.boxes.values()), paths.reports)
    boxes = {kind: where for kind, where in config.boxes.items() if _dataset(where) not in absent}
    sets = {kind: _read(where, names, paths) for kind, where in boxes.items()}
    left_out = absent | {name: reason for name in names if (reason := _why_absent(sets, name))}
    contestants = {
        name: {kind: (faces, by_name[name]) for kind, (faces, by_name) in sets.items()}
        for name in names
        if name not in left_out
    }
    if floor := _floor(sets):
        contestants = {MEAN_OF_OTHERS: floor, **contestants}
    content = summarise(contestants, next(iter(sets.values()))[0], config.independent) if sets else dict(NOTHING)
    content["left_out"] = left_out
    files.write_json(numbers, content)
    files.write_text(text, page.render(content))
    long_table.write(errors, list(_errors(contestants)), COLUMNS)


def _dataset(where: str) -> str:
    return where.partition("@")[0]


def _read(where: str, names: Sequence[str], paths: ReportPaths) -> tuple[Faces, dict[str, list[Predictions]]]:
    """Return the faces of a data set, and contestant -> its predictions on a variant of it by seed."""
    dataset, _, variant = where.partition("@")
    fingerprint = str(open_json(paths.reports / f"{dataset}.json")["fingerprint"])
    by_name = {name: predicted(paths.predictions / name, dataset, variant or BASE, fingerprint) for name in names}
    return open_table(paths.faces / dataset), by_name


def _floor(sets: Sets) -> dict[str, tuple[Faces, list[Predictions]]]:
    """Return what boxes alone tell, in each kind of box that somebody was given."""
    floor = {}
    for kind, (faces, by_name) in sets.items():
        boxes = prompts(faces, [one for seeds in by_name.values() for one in seeds])
        if boxes is not None:
            floor[kind] = faces, [mean_of_others(faces, boxes)]
    return floor


def _why_absent(sets: Sets, name: str) -> str:
    seeds = (one for _, by_name in sets.values() for one in by_name[name])
    return next((one.reason for one in seeds if one.status != "ok"), "")


def _errors(contestants: Contestants) -> Iterator[pd.DataFrame]:
    """Yield the error of each face of a contestant in boxes of one kind; empty: missed."""
    for name, by_kind in contestants.items():
        for kind, (faces, seeds) in by_kind.items():
            errors = face_errors(faces, seeds).mean(axis=0)
            columns = (faces.ids, faces.subjects, recordings(faces), strata(faces)["yaw"])
            yield pd.DataFrame(
                {"contestant": name, "boxes": kind}
                | dict(zip(COLUMNS[2:-1], columns, strict=True))
                | {"nme": np.where(np.isfinite(errors), errors, np.nan)}
            )
