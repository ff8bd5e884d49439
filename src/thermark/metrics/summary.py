"""Every number of one set of faces, as a flat dictionary; what is undefined is absent."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import PositiveFloat

from thermark.core.config import Section
from thermark.metrics.auc import auc, failure_rate
from thermark.metrics.bootstrap import interval
from thermark.metrics.distances import Floats, per_face
from thermark.metrics.nme import mean_of_finite, normalised, pooled
from thermark.metrics.pck import pck
from thermark.metrics.scores import Scores
from thermark.metrics.seeds import combined, spread


class Thresholds(Section):
    """Limits in source px, as fractions of the inter-ocular distance (io) and of the box diagonal (diag).

    `miss_*`: what a missed face counts in means over all faces, and what a found one counts at most.
    """

    pck_px: tuple[PositiveFloat, ...] = (3.0, 5.0, 10.0, 20.0)
    pck_io: tuple[PositiveFloat, ...] = (0.05, 0.1)
    pck_diag: tuple[PositiveFloat, ...] = (0.05,)
    auc_px: PositiveFloat = 20.0
    auc_io: PositiveFloat = 0.08
    auc_diag: PositiveFloat = 0.05
    miss_px: PositiveFloat = 50.0
    miss_io: PositiveFloat = 0.5
    miss_diag: PositiveFloat = 0.2


Summary = dict[str, float | int | str]
MAIN = {"nme_io": "io", "nme_diag": "diag", "error_px_mean": "px"}  # in order of preference
FEW = 0.01


def summarise(seeds: Sequence[Scores], main: str, limits: Thresholds, replicates: int, seed: int) -> Summary:
    """Return counts, errors, NME, PCK, AUC and the 95 % interval of `main`, named as in `metrics.names`.

    `seeds` are the scores of each seed of a run on the same faces, or of the one answer of a contestant without
    seeds. Metrics are means over seeds, with the spread of `main` over several. `interval` says what the interval
    covers: `subjects`, or `subjects and seeds` where there are several.
    """
    each = [_numbers(scores, limits) for scores in seeds]
    numbers = combined(each)
    covered: Summary = {}
    for name in dict.fromkeys([main, "nme_io"]):
        values = np.stack([face_errors(scores, name) for scores in seeds])
        bounds = interval(values, seeds[0].subjects, replicates, seed, within=(0.0, np.inf))
        if bounds:
            covered["interval"] = "subjects and seeds" if len(seeds) > 1 else "subjects"
            numbers |= {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
        numbers[f"{name}_seed_std"] = spread([own[name] for own in each])
    return {name: number for name, number in numbers.items() if math.isfinite(number)} | covered


def _numbers(scores: Scores, limits: Thresholds) -> dict[str, float]:
    """Return the numbers of one seed; NaN where a metric is undefined."""
    face_px = per_face(scores.errors)
    numbers = _counts(scores, face_px) | _errors(scores, face_px) | _rates(scores, limits)
    return numbers | _offset(scores) if len(scores.supported) == 1 else numbers


def main_metric(scores: Scores) -> str:
    """Return the metric that ranks contestants on this set; it depends on the labels alone.

    `nme_io` where at most 1 % of the faces have no eyes, else `nme_diag` where at most 1 % have no box, else
    `error_px_mean`.
    """
    scored = ~np.isnan(per_face(scores.errors))
    for name, unit in MAIN.items():
        if unit == "px" or np.isnan(scores.normalisers[unit][scored]).mean() <= FEW:
            return name
    raise AssertionError("every face has an error in px")


def face_errors(scores: Scores, name: str) -> Floats:
    """Return the per-face values (N,) whose mean is the metric `name`; NaN unscored, infinite missed."""
    face_px = per_face(scores.errors)
    unit = MAIN[name]
    return face_px if unit == "px" else normalised(face_px, scores.normalisers[unit])


def _counts(scores: Scores, face_px: Floats) -> dict[str, float]:
    scored = ~np.isnan(face_px)
    numbers: dict[str, float] = {
        "faces": int(scored.sum()),
        "missed": int(np.isinf(face_px).sum()),
        "points": int((scores.supported & ~np.isnan(scores.errors).all(axis=0)).sum()),
    }
    for unit, label in (("io", "io"), ("diag", "box")):
        absent = np.isnan(scores.normalisers[unit][scored])
        if not absent.all():
            numbers[f"unnormalised_{label}"] = int(absent.sum())
    if scores.detections is not None:
        numbers["recall"] = float((scores.instances[scored] >= 0).mean()) if scored.any() else math.nan
    return numbers if scored.all() else numbers | {"unlabelled": int((~scored).sum())}


def _errors(scores: Scores, face_px: Floats) -> dict[str, float]:
    found = face_px[np.isfinite(face_px)]
    numbers = {
        "error_px_mean": mean_of_finite(face_px),
        "error_px_median": float(np.median(found)) if len(found) else math.nan,
    }
    for name, normaliser in scores.normalisers.items():
        numbers[f"nme_{name}"] = mean_of_finite(normalised(face_px, normaliser))
        numbers[f"nme_{name}_pooled"] = pooled(scores.errors, normaliser)
    return numbers


def _rates(scores: Scores, limits: Thresholds) -> dict[str, float]:
    """Return what counts misses as failures: PCK of points, AUC and failure rate of faces."""
    numbers = {}
    for name, unit in MAIN.items():
        for limit in getattr(limits, f"pck_{unit}"):
            numbers[f"pck@{limit:g}{unit}"] = pck(scores.errors / scores.size(unit)[:, None], limit)
        limit, values = getattr(limits, f"auc_{unit}"), face_errors(scores, name)
        numbers[f"auc@{limit:g}{unit}"] = auc(values, limit)
        numbers[f"failure@{limit:g}{unit}"] = failure_rate(values, limit)
    return numbers


def _offset(scores: Scores) -> dict[str, float]:
    known = scores.offsets[np.isfinite(scores.errors)]
    return {"offset_x_px": mean_of_finite(known[..., 0]), "offset_y_px": mean_of_finite(known[..., 1])}
