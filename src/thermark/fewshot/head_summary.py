"""Summary of the trainings of one head: means over seeds, the curve of labels, the floor below it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from thermark import landmarks
from thermark.fewshot import scoring
from thermark.fewshot.crops import CropSet
from thermark.fewshot.features import Features
from thermark.fewshot.plan import ALL, PUBLISHED, Config, Rows, TrainedHead
from thermark.fewshot.scoring import Numbers
from thermark.fewshot.tiny_head import TinyHead
from thermark.nets import complexity
from thermark.train.codecs.heatmap import METHODS, SIZE, Method

COMPUTED = {"fp32": "float32", "bf16": "bfloat16"}
CURVE = ("crop_mean", "crop_median", "crop_pck@10", "native_mean", "native_median", "native_pck@10")
INTERVAL = ("crop_mean", "native_mean")


def summary(done: Sequence[TrainedHead], crops: CropSet, features: Features, config: Config) -> dict[str, Any]:
    """Return what `metrics/heads/<key>.json` holds: means over seeds."""
    main = [trained for trained in done if trained.job.budget == PUBLISHED]
    budgets = dict.fromkeys([*map(str, config.budget), ALL])
    curve = {name: [trained for trained in done if trained.job.budget == name] for name in budgets}
    test = crops.part("test")
    return {
        "status": "ok",
        "reason": "",
        "backbone": config.backbone,
        "crops": config.crops,
        "faces": crops.faces,
        "geometry": crops.geometry,
        "side": crops.side,
        "epochs": config.epochs,
        "batch": config.batch,
        "vocabulary": crops.vocabulary,
        "points": len(landmarks.load(crops.vocabulary)),
        "parameters": complexity.parameters(TinyHead(features.channels, crops.xy.shape[1])),
        "channels": features.channels,
        "features": min(features.card.dtype, COMPUTED[features.card.precision], key=_digits),
        "labels": len(main[0].job.train),
        "labels_val": len(main[0].job.val),
        "seeds": len(main),
        "decode": config.decode,
        "test": {
            scope: averaged([trained.numbers[scope, config.decode] for trained in main])
            for scope in (PUBLISHED, ALL)
        },
        "decoders": {method: averaged([trained.numbers[ALL, method] for trained in main]) for method in METHODS},
        "constant": constant(crops, main[0].job.train),
        "quantisation": scoring.quantisation(crops.xy[test], crops.side, SIZE, crops.to_frame[test]),
        "budget": {
            name: _point(trainings, config.decode, config.epochs) for name, trainings in curve.items() if trainings
        },
    }


def _digits(name: str) -> int:
    """Return how many digits of a number a type keeps."""
    return {"bfloat16": 8, "float16": 11, "float32": 24}[name]


def constant(crops: CropSet, train: Rows) -> dict[str, Any]:
    """Return the numbers on all test crops of the constant prediction: the mean place of the labels `train`.

    `native_by_subject`: the errors of each subject's crops in px of the frame, means over points.
    """
    test = crops.part("test")
    gap = np.nanmean(crops.xy[train], axis=0) - crops.xy[test]
    summary = scoring.numbers(gap, crops.to_frame[test], np.asarray(np.isfinite(crops.xy[test]).all(axis=-1)))
    distances = np.linalg.norm(scoring.in_frame(gap, crops.to_frame[test]), axis=-1)
    by_subject: dict[str, list[float]] = {}
    for subject, row in zip(crops.subjects[test], distances, strict=True):
        if np.isfinite(row).any():
            by_subject.setdefault(str(subject), []).append(float(np.nanmean(row)))
    return summary | {"native_by_subject": by_subject}


def averaged(numbers: Sequence[Numbers]) -> dict[str, float | None]:
    """Return the mean over seeds of each number, and of mean errors the standard deviation (`_spread`), if any."""
    means: dict[str, float | None] = {}
    for name in dict.fromkeys(key for row in numbers for key in row):
        values = np.array([row.get(name, np.nan) for row in numbers])
        means[name] = float(values.mean()) if np.isfinite(values).all() else None
        if name in INTERVAL:
            spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
            means[f"{name}_spread"] = spread if np.isfinite(spread) else None
    return means


def _point(done: Sequence[TrainedHead], method: Method, epochs: int) -> dict[str, float | None]:
    """Return one point of the curve; the interval is that of Student's t over seeds."""
    numbers = [row.numbers[ALL, method] for row in done]
    means = averaged(numbers)
    first = done[0].job
    point: dict[str, float | None] = {"labels": len(first.train), "steps": first.steps * epochs}
    point |= {name: means.get(name) for name in CURVE}
    for name in INTERVAL:
        values = np.array([row.get(name, np.nan) for row in numbers])
        half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1) if len(values) > 1 else np.nan
        for end, sign in (("low", -1), ("high", 1)):
            point[f"{name}_{end}"] = float(values.mean() + sign * half) if np.isfinite(half) else None
    return point


def table(done: Iterable[TrainedHead], method: Method) -> str:
    """Return the curve as CSV, a row a training, errors of the whole test set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["labels", "seed", *CURVE, "best_epoch", "val_crop_mean"])
    curve = [trained for trained in done if trained.job.budget != PUBLISHED]
    for trained in sorted(curve, key=lambda one: (len(one.job.train), one.job.seed)):
        numbers = trained.numbers[ALL, method]
        cells = [f"{numbers[name]:.6g}" if name in numbers else "" for name in CURVE]
        ends = [trained.best_epoch, f"{trained.val_error:.6g}"] if trained.best_epoch else ["", ""]
        writer.writerow([len(trained.job.train), trained.job.seed, *cells, *ends])
    return text.getvalue()


def compared(numbers: Mapping[str, Any]) -> dict[str, float]:
    """Return the row of `dvc metrics diff`: errors on the published test crops, and of each budget on all."""
    row = {name: numbers["test"][PUBLISHED].get(name) for name in CURVE}
    row |= {f"native_mean@{budget}": point["native_mean"] for budget, point in numbers["budget"].items()}
    return {name: value for name, value in row.items() if value is not None}
