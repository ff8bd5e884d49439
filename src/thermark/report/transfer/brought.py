"""The table of an ablation: what each variant is worth on a real camera against the base, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics.paired import Paired, paired
from thermark.report.markdown import code, escaped, table
from thermark.report.transfer import measure
from thermark.report.transfer.ablation import BASE, Changes

COLUMN = "nme"
REPLICATES, SEED = 1000, 0
Scored = dict[str, Any]  # plain data: kind of box -> the error of each face by seed, None for a miss


def scored(faces: Faces, by_box: Mapping[str, Sequence[Predictions]]) -> Scored:
    """Return the errors of a variant as plain data, to be kept."""
    return {
        kind: [
            [float(each) if np.isfinite(each) else None for each in measure.face_errors(faces, [one])]
            for one in seeds
        ]
        for kind, seeds in by_box.items()
    }


def compared(faces: Faces, base: Scored, other: Scored) -> dict[str, dict[str, Paired]]:
    """Return kind of box -> `persons`, `recordings` -> the error of a variant less that of the base.

    Above zero: what the variant leaves out had helped. Both intervals include what seeds leave in doubt.
    """
    groups = {"persons": faces.subjects, "recordings": measure.strata(faces).recordings}
    told: dict[str, dict[str, Paired]] = {}
    for kind in [each for each in base if each in other]:
        told[kind] = {}
        for name, column in groups.items():
            a, b = (_errors(faces, each[kind], column) for each in (other, base))
            told[kind][name] = paired(a, b, COLUMN, REPLICATES, SEED)
    return told


def page(faces: Faces, results: Mapping[str, Scored], plan: Mapping[str, Changes], kinds: Sequence[str]) -> str:
    """Return the table of all variants that are there, the base first."""
    base = results[BASE]
    header = ["variant", "what differs", *(f"{kind}: {what}" for kind in kinds for what in COLUMNS)]
    rows = [[code(BASE), "–", *(cell for kind in kinds for cell in (_mean(base[kind]), "–", "–"))]]
    for name, other in results.items():
        if name == BASE:
            continue
        told = compared(faces, base, other)
        cells = [cell for kind in kinds for cell in (_mean(other[kind]), *map(_shown, told[kind].values()))]
        rows.append(
            [code(name), escaped(", ".join(f"{key}={value}" for key, value in plan[name].items())), *cells]
        )
    return f"{ABOUT}\n\n{table(header, rows, texts=2)}\n"


COLUMNS = ("NME, %", "less the base, 95 % by person", "by recording")
ABOUT = """Percentage points of NME inter-ocular over 50 points, machine labels, three people. Each variant is one
training a seed, with one thing left out; above zero, that thing had helped. The intervals by recording are the
narrower ones and hold for these people alone; of twenty intervals one leaves out zero by chance."""


def _errors(faces: Faces, by_seed: Sequence[Sequence[float | None]], groups: NDArray[np.str_]) -> dict[str, Any]:
    rows = np.array([[np.inf if each is None else each for each in row] for row in by_seed], np.float64)
    return {"ids": faces.ids, "subjects": groups, COLUMN: rows.mean(axis=0), "per_seed": rows}


def _mean(by_seed: Sequence[Sequence[float | None]]) -> str:
    means = [np.mean([each for each in row if each is not None]) for row in by_seed]
    spread = f" ± {100 * np.std(means, ddof=1):.2f}" if len(means) > 1 else ""
    return f"{100 * np.mean(means):.2f}{spread}"


def _shown(told: Paired) -> str:
    if told.difference is None:
        return "n/a"
    bounds = "" if told.low is None or told.high is None else f" ({100 * told.low:+.2f} to {100 * told.high:+.2f})"
    clear = bool(bounds) and not told.low <= 0 <= told.high  # type: ignore[operator]
    shown = f"{100 * told.difference:+.2f}{bounds}"
    return f"**{shown}**" if clear else shown
