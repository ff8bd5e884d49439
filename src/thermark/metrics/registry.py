"""The table of all metrics: what each means, which way is better, and the function that measures it.

A metric is one entry of METRICS and its function in `measures`. Summaries, records, columns of tables, the gate,
the page, posts and the list for the documentation follow from the entry.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.metrics import measures

HIGHER, LOWER, NEITHER = True, False, None


@dataclass(frozen=True)
class Metric:
    """All that is known of a metric.

    `unit`: `fraction`, `px`, or what is counted. `higher_is_better` is None where neither is. `counts_misses` is
    False for a mean over found faces, which a contestant could improve by finding fewer.

    `measure`: from the Scores of one seed to a number, NaN where it is undefined; None where it is computed from
    all seeds together. `limits`: of a metric with a limit, `pck@px` for `pck@10px`, the field of `Thresholds` that
    holds the limits, or the limits; `measure` gets each as its second argument. `parts`: False where parts of the
    faces and of the points do not have it.

    `label`: its title, without which the name is one. `whole`: what a fraction is of, in words. `columns`: the
    main metrics in whose leaderboards it is a column. `ranks`: of a metric that can be the main one, the unit (see
    `Scores.size`) of the errors of which it is the mean.
    """

    unit: str
    higher_is_better: bool | None
    meaning: str
    measure: Callable[..., float] | None = None
    counts_misses: bool = True
    limits: str | tuple[float, ...] = ()
    parts: bool = True
    label: str = ""
    whole: str = ""
    columns: tuple[str, ...] = ()
    ranks: str = ""

    @property
    def is_count(self) -> bool:
        """Whether it is a whole number."""
        return self.unit not in ("fraction", "px")


def _nme(unit: str, label: str, normaliser: str, columns: tuple[str, ...], whole: str = "") -> Metric:
    meaning, measure = f"mean over found faces of the mean error / {normaliser}", partial(measures.mean, unit=unit)
    ranks = unit if whole else ""
    return Metric(
        "fraction", LOWER, meaning, measure, False, label=label, whole=whole, columns=columns, ranks=ranks
    )


def _pooled(unit: str, label: str, normaliser: str) -> Metric:
    meaning = f"mean over all predicted points of error / {normaliser}"
    return Metric("fraction", LOWER, meaning, partial(measures.pooled, unit=unit), False, label=label)


def _pck(unit: str, meaning: str, main: str) -> Metric:
    measure = partial(measures.pck, unit=unit)
    return Metric("fraction", HIGHER, meaning, measure, limits=f"pck_{unit}", label="PCK", columns=(main,))


def _auc(unit: str, meaning: str, *columns: str) -> Metric:
    measure = partial(measures.auc, unit=unit)
    return Metric("fraction", HIGHER, meaning, measure, limits=f"auc_{unit}", label="AUC", columns=columns)


def _failure(unit: str, meaning: str, *columns: str) -> Metric:
    measure = partial(measures.failure_rate, unit=unit)
    return Metric("fraction", LOWER, meaning, measure, limits=f"auc_{unit}", label="failure", columns=columns)


def _offset(axis: int, label: str, direction: str) -> Metric:
    meaning = f"mean signed offset {direction}; a convention more than an error"
    measure = partial(measures.offset, axis=axis)
    return Metric("px", NEITHER, meaning, measure, label=label, columns=("error_px_mean",))


EYES, DIAGONAL = "distance of the outer eye corners", "diagonal of the tight box round the scored labels"
SIDES = "mean of width and height of the tight box round the scored labels"
AREA = "square root of the area of the tight box round the scored labels"
EVERY = ("nme_io", "nme_diag", "error_px_mean")  # the main metrics

# Columns of tables and the choice of the main metric go by this order.
METRICS = {
    "nme_io": _nme("io", "NME inter-ocular", EYES, ("nme_diag",), EYES),
    "nme_io_pooled": _pooled("io", "NME inter-ocular, pooled", f"{EYES} (MMPose)"),
    "nme_diag": _nme("diag", "NME diagonal", DIAGONAL, ("nme_io",), "diagonal of the box round the labels"),
    "nme_diag_pooled": _pooled("diag", "NME diagonal, pooled", DIAGONAL),
    "nme_mean_wh": _nme("mean_wh", "NME W/H", SIDES, ("nme_io", "nme_diag")),
    "nme_mean_wh_pooled": _pooled("mean_wh", "NME W/H, pooled", SIDES),
    "nme_sqrt_wh": _nme("sqrt_wh", "NME area", AREA, ()),
    "nme_sqrt_wh_pooled": _pooled("sqrt_wh", "NME area, pooled", AREA),
    "found": Metric("fraction", HIGHER, "labelled faces of which every labelled point has a prediction"),
    "error_px_mean": Metric(
        "px",
        LOWER,
        "mean over found faces of the mean error in source px",
        partial(measures.mean, unit="px"),
        counts_misses=False,
        label="error",
        columns=("nme_io", "nme_diag"),
        ranks="px",
    ),
    "error_px_median": Metric(
        "px",
        LOWER,
        "median over found faces of the mean error in source px",
        partial(measures.median, unit="px"),
        counts_misses=False,
        label="median error",
        columns=("error_px_mean",),
    ),
    "pck@px": _pck("px", "labelled points within so many source px; misses are failures", "error_px_mean"),
    "pck@io": _pck("io", "labelled points within that part of the inter-ocular distance", "nme_io"),
    "pck@diag": _pck("diag", "labelled points within that part of the box diagonal", "nme_diag"),
    "auc@io": _auc("io", "area under the error distribution up to that NME, misses as failures", "nme_io"),
    "failure@io": _failure("io", "faces above that NME or missed", "nme_io"),
    "auc@diag": _auc("diag", "area under the distribution of error / diagonal up to there", "nme_diag"),
    "failure@diag": _failure("diag", "faces above that part of the diagonal or missed", "nme_diag"),
    "auc@px": _auc("px", "area under the error distribution up to so many px, misses as failures"),
    "failure@px": _failure("px", "faces above so many px or missed"),
    "seeds": Metric(
        "seeds", NEITHER, "runs that differ in their seed alone: metrics are means, counts maxima over them"
    ),
    "missed": Metric(
        "faces", LOWER, "faces of which a labelled point has no prediction; the most of any seed", measures.missed
    ),
    "faces": Metric("faces", NEITHER, "labelled faces that were scored", measures.faces),
    "points": Metric(
        "points",
        NEITHER,
        "landmarks of the scored vocabulary that the contestant predicts and a face labels",
        measures.points,
    ),
    "unlabelled": Metric(
        "faces", NEITHER, "faces without a label in the scored vocabulary, left out", measures.unlabelled
    ),
    "unprompted": Metric(
        "faces",
        NEITHER,
        "scored faces without a box to crop from; for a top-down contestant, misses",
        measures.unprompted,
        parts=False,
    ),
    "missed_prompted": Metric(
        "faces",
        LOWER,
        "missed faces that have a box to crop from; the most of any seed",
        measures.missed_prompted,
        parts=False,
    ),
    "unnormalised_io": Metric(
        "faces",
        NEITHER,
        "faces without an inter-ocular distance, left out of *_io",
        partial(measures.unnormalised, unit="io"),
    ),
    "unnormalised_box": Metric(
        "faces",
        NEITHER,
        "faces whose labels have an empty box, left out of box metrics",
        partial(measures.unnormalised, unit="diag"),
    ),
    "offset_x_px": _offset(0, "offset x", "to the right"),
    "offset_y_px": _offset(1, "offset y", "downwards"),
    "recall": Metric(
        "fraction", HIGHER, "labelled faces to which a detection was matched", measures.recall, columns=EVERY
    ),
    "precision": Metric(
        "fraction",
        HIGHER,
        "detections that were matched to a labelled face; unlabelled faces count against it",
        measures.precision,
        counts_misses=False,
        parts=False,
        columns=EVERY,
    ),
    "predictions": Metric(
        "detections",
        NEITHER,
        "instances found in frames of scored faces; the most of any seed, as every count",
        measures.detections,
        parts=False,
    ),
    "extra": Metric(
        "detections",
        LOWER,
        "instances that were matched to no labelled face",
        measures.extra,
        counts_misses=False,
        parts=False,
    ),
    "failed_frames": Metric(
        "frames", LOWER, "frames on which the contestant raised an error", measures.failed_frames, parts=False
    ),
}
MAIN = {name: metric.ranks for name, metric in METRICS.items() if metric.ranks}  # in order of preference
METRICS |= {
    f"{name}_all": replace(
        METRICS[name],
        meaning=f"as {name}, over all faces: a missed one counts the stated cap",
        measure=None,
        counts_misses=True,
        label=f"{METRICS[name].label} of all faces",
        columns=(),
        ranks="",
    )
    for name in MAIN
}

MOVED = "moved_boxes"  # the subsets in which boxes were moved
TEXTS = frozenset({"status", "reason", "metric", "boxes", "interval"})  # the texts of a summary


def parse_name(name: str) -> tuple[str, float | None]:
    """Return the key of a metric and its limit, `pck@px` and 10 of `pck@10px`; of others the name and None."""
    named = re.fullmatch(r"([^@]+@)([0-9]+(?:\.[0-9]+)?(?:e-[0-9]+)?)([a-z_]*)", name)
    return (named[1] + named[3], float(named[2])) if named else (name, None)


def with_limit(key: str, limit: float) -> str:
    """Return the name of a metric with a limit, `pck@10px` of `pck@px` and 10."""
    return key.replace("@", f"@{limit:g}")


def describe(name: str) -> Metric:
    """Return the entry of a metric such as `pck@10px` or `nme_io_low`; raises ConfigError for others.

    An end of an interval is described as its metric is, a spread (`nme_io_seed_std`) has no better direction.
    """
    if name.endswith("_seed_std"):
        metric = describe(name.removesuffix("_seed_std"))
        meaning = f"sample standard deviation over seeds: {metric.meaning}"
        return replace(metric, higher_is_better=NEITHER, meaning=meaning)
    key = re.sub(r"_(low|high)$", "", parse_name(name)[0])
    if key not in METRICS:
        raise ConfigError(f"there is no metric {name!r}", nearest(key, list(METRICS)))
    return METRICS[key]
