"""The numbers of contestants on a real camera: a pure function of faces and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.metrics import bootstrap, measures
from thermark.metrics.paired import Paired, paired
from thermark.metrics.scores import Scores, labels, score
from thermark.metrics.seeds import spread
from thermark.report.transfer import noise
from thermark.report.transfer.boxes import MEAN_OF_OTHERS
from thermark.report.transfer.decomposition import decompose
from thermark.report.transfer.points import MAIN, TARGET, groups, yaw, yaw_range

IO, NME, LESS_FLOOR = "io", "nme_io", f"less_{MEAN_OF_OTHERS}"
FAILED = 0.1  # of the distance of the eyes: above, a face counts as failed
CAP = 0.5  # as in metrics.evaluate.Config
REPLICATES, SEED = 1000, 0
WORST = 20
Numbers = dict[str, Any]
# Contestant -> kind of box -> the faces, and the predictions of each seed.
Contestants = Mapping[str, Mapping[str, tuple[Faces, Sequence[Predictions]]]]


def summarise(contestants: Contestants, faces: Faces, independent: str = "") -> Numbers:
    """Return every number; `faces` are those of the first kind of box, whose labels are looked at for noise.

    Of each contestant `in_boxes`, and `less_mean_of_others` where these stand beside: `less`.
    `independent` names the contestant whose disagreement with the labels is measured, in the first kind of box.
    """
    noises = {noise.JITTER: noise.jitter(faces, recordings(faces))}
    if independent in contestants:
        first, seeds = next(iter(contestants[independent].values()))
        noises[f"disagreement with {independent}"] = noise.disagreement(first, seeds[0])
    measured = {
        name: {kind: in_boxes(*scored) for kind, scored in by_kind.items()}
        for name, by_kind in contestants.items()
    }
    for kind, (of_kind, others) in contestants.get(MEAN_OF_OTHERS, {}).items():
        known = face_errors(of_kind, others).mean(axis=0)
        for name, by_kind in measured.items():
            if name != MEAN_OF_OTHERS and kind in by_kind:
                gaps = less(of_kind, face_errors(*contestants[name][kind]), known)
                by_kind[kind][LESS_FLOOR] = {groups: asdict(gap) for groups, gap in gaps.items()}
    return {
        "faces": len(faces),
        "subjects": len(np.unique(faces.subjects)),
        "recordings": len(np.unique(recordings(faces))),
        "noise": {name: bound and asdict(bound) for name, bound in noises.items()},
        "contestants": measured,
        "worst": {name: worst(*next(iter(by_kind.values()))) for name, by_kind in contestants.items()},
    }


def in_boxes(faces: Faces, seeds: Sequence[Predictions]) -> Numbers:
    """Return the numbers of a contestant, or of the seeds of a run, in boxes of one kind.

    `all`: on `common50`, of every face; `points`: on each group of points; `decomposition`: what the error is made
    of (decomposition.py); then one entry a stratum. Means go over
    the faces that were found, each of which counts once, and then over seeds; `missed` says how many were not.
    """
    scored, groups_of_faces = _scored(faces, seeds), recordings(faces)
    by_points = {name: [scores.points(mask) for scores in scored] for name, mask in groups().items()}
    numbers: Numbers = {
        "all": _numbers(by_points[MAIN], groups_of_faces),
        "points": {
            name: _numbers(part, groups_of_faces)
            for name, part in by_points.items()
            if not np.isnan(part[0].errors).all()
        },
    }
    if parts := decompose(faces, scored):
        numbers["decomposition"] = parts
    for name, column in sorted(strata(faces).items()):
        rows = {str(value): column == value for value in np.unique(column) if str(value)}
        numbers[name] = {
            value: _numbers([scores.rows(chosen) for scores in by_points[MAIN]], groups_of_faces[chosen])
            for value, chosen in rows.items()
        }
    return numbers


def less(faces: Faces, errors: NDArray[np.float64], known: NDArray[np.float64]) -> dict[str, Paired]:
    """Return `persons` and `recordings` -> errors of faces by seed (S, N) less those of no training, `known` (N,).

    Infinite is missed: the difference goes over faces that both found. Its 95 % interval is by that group, and by
    seed where there are several.
    """
    differences = {}
    for name, drawn in {"persons": faces.subjects, "recordings": recordings(faces)}.items():
        of = {"ids": faces.ids, "subjects": drawn}
        ours = of | {NME: errors.mean(axis=0), "per_seed": errors}
        differences[name] = paired(ours, of | {NME: known}, NME, REPLICATES, SEED)
    return differences


def recordings(faces: Faces) -> NDArray[np.str_]:
    """Return of which recording each face (N,) is, whose id is `<recording>/<picture>`: its frames look alike."""
    return np.array([str(name).rpartition("/")[0] for name in faces.ids])


def strata(faces: Faces) -> dict[str, NDArray[np.str_]]:
    """Return stratum -> the part (N,) that each face is in, empty for none; yaw among them."""
    return {**faces.strata, "yaw": yaw_range(yaw(faces))}


def face_errors(faces: Faces, seeds: Sequence[Predictions]) -> NDArray[np.float64]:
    """Return the error (S, N) of each face on `common50` in `io` by seed; infinite: missed."""
    mask = groups()[MAIN]
    return np.stack([scores.points(mask).face_errors(IO) for scores in _scored(faces, seeds)])


def worst(faces: Faces, seeds: Sequence[Predictions]) -> list[Numbers]:
    """Return the ids of the faces with the largest errors, worst first; the error is None for a miss."""
    errors = face_errors(faces, seeds).mean(axis=0)
    order = np.argsort(-np.nan_to_num(errors, nan=-1.0), kind="stable")[:WORST]
    return [
        {"face": str(faces.ids[row]), "nme": float(errors[row]) if np.isfinite(errors[row]) else None}
        for row in order
        if not np.isnan(errors[row])
    ]


def _scored(faces: Faces, seeds: Sequence[Predictions]) -> list[Scores]:
    truth, everyone = labels(faces, TARGET, {}), np.ones(len(faces), bool)
    return [score(faces, predictions, TARGET, {}, everyone, CAP, truth) for predictions in seeds]


def _numbers(seeds: Sequence[Scores], recordings: NDArray[np.str_]) -> Numbers:
    """Return the numbers of some faces and points: one value a key, plain, what is undefined left out."""
    means = [measures.mean(scores, IO) for scores in seeds]
    values: Numbers = {
        "nme": np.mean(means),
        "nme_seed_std": spread(means),
        "median": np.mean([measures.median(scores, IO) for scores in seeds]),
        "failed": np.mean([measures.failure_rate(scores, FAILED, IO) for scores in seeds]),
        "missed": np.mean([measures.missed(scores) for scores in seeds]),
    }
    numbers: Numbers = {name: float(value) for name, value in values.items() if np.isfinite(value)}
    errors = np.stack([scores.face_errors(IO) for scores in seeds])
    for name, drawn in (("subjects", seeds[0].subjects), ("recordings", recordings)):
        if bounds := bootstrap.interval(errors, drawn, REPLICATES, SEED, within=(0.0, np.inf)):
            numbers[name] = list(bounds)
    if len(seeds) > 1 and np.isfinite(means).all():
        numbers["seeds"] = means
    return {"faces": int(measures.faces(seeds[0])), **numbers}
