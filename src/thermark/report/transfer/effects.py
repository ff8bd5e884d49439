"""The table of an ablation: what each variant is worth on a real camera against the base, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.faces import Faces
from thermark.core.point_errors import mean_of_finite
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.metrics.paired import Paired
from thermark.metrics.seeds import spread
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import shown
from thermark.report.results.comparisons import DECIDED
from thermark.report.transfer.ablation import Changes
from thermark.report.transfer.boxes import MEAN_OF_OTHERS
from thermark.report.transfer.camera_scores import face_errors, less
from thermark.report.transfer.page import difference

METRIC = "nme_io"
Errors = dict[str, list[list[float | None]]]  # kind of box -> the error of each face by seed, None for a miss
Numbers = dict[str, dict[str, Any]]
NOTHING = ("–", "–")
COLUMNS = ("NME, %", "less the base, 95 % by person", "by recording")
ABOUT = f"""Percentage points of NME inter-ocular over 50 points, machine labels, three people. Each variant is
one training a seed, with one thing left out; above zero, that thing had helped. Differences are taken seed by
seed. The intervals by recording are the narrower ones and hold for these people alone; of twenty intervals one
leaves out zero by chance. *Rendered*: the validation error on rendered faces, in % of the box's side; who is far
above the base there has not learned. `{MEAN_OF_OTHERS}` looks at no picture, but knows this camera's labels and
boxes: a base that is far above it, or has the error of a mean shape on rendered faces, is under-trained, and
differences say nothing."""


@dataclass(frozen=True)
class Result:
    """A variant: what differs from the base, the rendered validation error of each seed, and those of faces.

    `less_base`: kind of box -> its differences from the base, as of `differences`; nothing for the base.
    """

    changes: Changes
    val_nme: Sequence[float]
    errors: Errors
    less_base: Mapping[str, Mapping[str, Paired]]


def errors(faces: Faces, by_kind: Mapping[str, Sequence[Predictions]]) -> Errors:
    """Return the errors of a variant as plain data, to be kept."""
    rows = {kind: face_errors(faces, seeds).tolist() for kind, seeds in by_kind.items()}
    return {
        kind: [[error if np.isfinite(error) else None for error in row] for row in by_seed]
        for kind, by_seed in rows.items()
    }


def val_nme(run: Path) -> list[float]:
    """Return the validation error of each seed in a run's folder, nothing where the folder is gone."""
    return [float(files.read_json(seed / "model.json")["val_nme"]) for seed in seed_folders(run)]


def differences(faces: Faces, base: Errors, other: Errors) -> dict[str, dict[str, Paired]]:
    """Return kind of box -> `persons`, `recordings` -> the error of a variant less that of the base.

    Above zero: what the variant leaves out had helped. Both intervals include what seeds leave in doubt. Errors
    are subtracted seed by seed: those of one number share what is drawn and, where there is one, the start.
    """
    compared = {}
    for kind in base:
        varied, plain = _array(other[kind]), _array(base[kind])
        gap = np.full(plain.shape, np.inf)
        np.subtract(varied, plain, where=np.isfinite(varied) & np.isfinite(plain), out=gap)
        compared[kind] = less(faces, gap, np.zeros(len(faces)))
    return compared


def numbers(results: Mapping[str, Result], floor: Errors) -> Numbers:
    """Return `mean_of_others` and variant -> its numbers as plain data, fractions as everywhere.

    `rendered`: the validation error of each seed; kind of box -> `seeds`, the mean error of each, and `persons`
    and `recordings`, less the base, with intervals over these. `floor` is the mean face of other people.
    """
    every: Numbers = {MEAN_OF_OTHERS: {kind: {"seeds": _means(rows)} for kind, rows in floor.items()}}
    for name, result in results.items():
        every[name] = {"rendered": list(result.val_nme)}
        for kind, rows in result.errors.items():
            compared = result.less_base.get(kind, {})
            pairs = {groups: asdict(pair) for groups, pair in compared.items()}
            every[name][kind] = {"seeds": _means(rows)} | pairs
    return every


def page(results: Mapping[str, Result], floor: Errors) -> str:
    """Return the table of all variants that are there; arguments are those of `numbers`."""
    header = ["variant", "what differs", "rendered", *(f"{kind}: {what}" for kind in floor for what in COLUMNS)]
    floors = [cell for by_seed in floor.values() for cell in (_mean(_means(by_seed)), *NOTHING)]
    rows = [[code(MEAN_OF_OTHERS), "no training", "–", *floors]]
    for name, result in results.items():
        changes = ", ".join(f"{key}={value}" for key, value in result.changes.items())
        row = [code(name), escaped(changes) or "–", _mean(result.val_nme)]
        for kind in floor:
            row.append(_mean(_means(result.errors[kind])))
            compared = result.less_base.get(kind)
            row += map(_difference, compared.values()) if compared else NOTHING
        rows.append(row)
    return f"{ABOUT}\n\n{table(header, rows, texts=2)}\n"


def _array(by_seed: list[list[float | None]]) -> NDArray[np.float64]:
    return np.array([[np.inf if error is None else error for error in row] for row in by_seed], np.float64)


def _means(by_seed: list[list[float | None]]) -> list[float]:
    return [mean_of_finite(row) for row in _array(by_seed)]


def _mean(values: Sequence[float]) -> str:
    if not np.isfinite(values).all() or not len(values):
        return "–"
    return shown(METRIC, np.mean(values)) + (f" ± {shown(METRIC, spread(values))}" if len(values) > 1 else "")


def _difference(compared: Paired) -> str:
    text = difference(asdict(compared))
    return f"**{text}**" if compared.verdict in DECIDED else text
