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
from thermark.metrics.paired import Paired, paired
from thermark.metrics.seeds import spread
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import shown, signed
from thermark.report.results.comparisons import DECIDED
from thermark.report.transfer.ablation import BASE, Changes
from thermark.report.transfer.boxes import MEAN_OF_OTHERS
from thermark.report.transfer.camera_scores import face_errors, recordings

METRIC = "nme_io"
REPLICATES, SEED = 1000, 0
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
    """A variant: what differs from the base, the rendered validation error of each seed, and those of faces."""

    changes: Changes
    val_nme: Sequence[float]
    errors: Errors


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


def differences(faces: Faces, base: Errors, other: Errors, kind: str) -> dict[str, Paired]:
    """Return `persons`, `recordings` -> the error of a variant in boxes of a kind less that of the base.

    Above zero: what the variant leaves out had helped. Both intervals include what seeds leave in doubt. Errors
    are subtracted seed by seed: those of one number share what is drawn and, where there is one, the start.
    """
    ours, theirs = (_array(errors[kind]) for errors in (other, base))
    gap = np.full(ours.shape, np.inf)
    np.subtract(ours, theirs, where=np.isfinite(ours) & np.isfinite(theirs), out=gap)
    compared = {}
    for name, groups in {"persons": faces.subjects, "recordings": recordings(faces)}.items():
        of = {"ids": faces.ids, "subjects": groups}
        gaps = of | {METRIC: gap.mean(axis=0), "per_seed": gap}
        compared[name] = paired(gaps, of | {METRIC: np.zeros(len(faces.ids))}, METRIC, REPLICATES, SEED)
    return compared


def numbers(faces: Faces, results: Mapping[str, Result], floor: Errors, kinds: Sequence[str]) -> Numbers:
    """Return `mean_of_others` and variant -> its numbers as plain data, fractions as everywhere.

    `rendered`: the validation error of each seed; kind of box -> `seeds`, the mean error of each, and `persons`
    and `recordings`, less the base, with intervals over these. `floor` is the mean face of other people.
    """
    base = results[BASE].errors
    every: Numbers = {MEAN_OF_OTHERS: {kind: {"seeds": _means(floor[kind])} for kind in kinds}}
    for name, result in results.items():
        every[name] = {"rendered": list(result.val_nme)}
        for kind in kinds:
            every[name][kind] = {"seeds": _means(result.errors[kind])}
            if name != BASE:
                compared = differences(faces, base, result.errors, kind)
                every[name][kind] |= {groups: asdict(pair) for groups, pair in compared.items()}
    return every


def page(faces: Faces, results: Mapping[str, Result], floor: Errors, kinds: Sequence[str]) -> str:
    """Return the table of all variants that are there; arguments are those of `numbers`."""
    base = results[BASE].errors
    header = ["variant", "what differs", "rendered", *(f"{kind}: {what}" for kind in kinds for what in COLUMNS)]
    floors = [cell for kind in kinds for cell in (_mean(_means(floor[kind])), *NOTHING)]
    rows = [[code(MEAN_OF_OTHERS), "no training", "–", *floors]]
    for name, result in results.items():
        changes = ", ".join(f"{key}={value}" for key, value in result.changes.items())
        row = [code(name), escaped(changes) or "–", _mean(result.val_nme)]
        for kind in kinds:
            row.append(_mean(_means(result.errors[kind])))
            compared = differences(faces, base, result.errors, kind).values()
            row += NOTHING if name == BASE else map(_difference, compared)
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
    bounds = [signed(bound, METRIC) for bound in (compared.low, compared.high) if bound is not None]
    text = signed(compared.difference, METRIC) + (f" ({' to '.join(bounds)})" if bounds else "")
    return f"**{text}**" if compared.verdict in DECIDED else text
