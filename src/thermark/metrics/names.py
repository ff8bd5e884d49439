"""What every metric means and which way is better."""

import re
from dataclasses import dataclass, replace

from thermark.core.config import nearest
from thermark.core.errors import ConfigError


@dataclass(frozen=True)
class Metric:
    """A metric's direction (None for a count that is neither), unit and meaning.

    `counts_misses` is False for a mean over found faces, which a contestant could improve by finding fewer.
    """

    higher_is_better: bool | None
    unit: str
    meaning: str
    counts_misses: bool = True


def _mean(normaliser: str) -> Metric:
    return Metric(
        False, "fraction", f"mean over found faces of the mean error / {normaliser}", counts_misses=False
    )


def _pooled(normaliser: str) -> Metric:
    return Metric(
        False, "fraction", f"mean over all predicted points of error / {normaliser}", counts_misses=False
    )


# What a summary says in words.
MOVED = "moved_boxes"  # the subsets in which boxes were moved
TEXTS = frozenset({"status", "reason", "metric", "boxes", "interval"})

# Thresholds are left out of the keys: `pck@10px` is described by `pck@px`.
METRICS = {
    "nme_io": _mean("distance of the outer eye corners"),
    "nme_io_pooled": _pooled("distance of the outer eye corners (MMPose)"),
    "nme_diag": _mean("diagonal of the tight box round the scored labels"),
    "nme_diag_pooled": _pooled("diagonal of the tight box round the scored labels"),
    "nme_mean_wh": _mean("mean of width and height of the tight box round the scored labels"),
    "nme_mean_wh_pooled": _pooled("mean of width and height of the tight box round the scored labels"),
    "nme_sqrt_wh": _mean("square root of the area of the tight box round the scored labels"),
    "nme_sqrt_wh_pooled": _pooled("square root of the area of the tight box round the scored labels"),
    "found": Metric(True, "fraction", "labelled faces of which every labelled point has a prediction"),
    "nme_io_all": Metric(False, "fraction", "as nme_io, over all faces: a missed one counts the stated cap"),
    "nme_diag_all": Metric(False, "fraction", "as nme_diag, over all faces: a missed one counts the stated cap"),
    "error_px_mean_all": Metric(
        False, "px", "as error_px_mean, over all faces: a missed one counts the stated cap"
    ),
    "error_px_mean": Metric(False, "px", "mean over found faces of the mean error in source px", False),
    "error_px_median": Metric(False, "px", "median over found faces of the mean error in source px", False),
    "pck@px": Metric(True, "fraction", "labelled points within so many source px; misses are failures"),
    "pck@io": Metric(True, "fraction", "labelled points within that part of the inter-ocular distance"),
    "pck@diag": Metric(True, "fraction", "labelled points within that part of the box diagonal"),
    "auc@io": Metric(True, "fraction", "area under the error distribution up to that NME, misses as failures"),
    "failure@io": Metric(False, "fraction", "faces above that NME or missed"),
    "auc@diag": Metric(True, "fraction", "area under the distribution of error / diagonal up to there"),
    "failure@diag": Metric(False, "fraction", "faces above that part of the diagonal or missed"),
    "auc@px": Metric(True, "fraction", "area under the error distribution up to so many px, misses as failures"),
    "failure@px": Metric(False, "fraction", "faces above so many px or missed"),
    "seeds": Metric(
        None, "seeds", "runs that differ in their seed alone: metrics are means, counts maxima over them"
    ),
    "missed": Metric(False, "faces", "faces of which a labelled point has no prediction; the most of any seed"),
    "faces": Metric(None, "faces", "labelled faces that were scored"),
    "points": Metric(
        None, "points", "landmarks of the scored vocabulary that the contestant predicts and a face labels"
    ),
    "unlabelled": Metric(None, "faces", "faces without a label in the scored vocabulary, left out"),
    "unprompted": Metric(
        None, "faces", "scored faces without a box to crop from; for a top-down contestant, misses"
    ),
    "missed_prompted": Metric(False, "faces", "missed faces that have a box to crop from; the most of any seed"),
    "recall": Metric(True, "fraction", "labelled faces to which a detection was matched"),
    "precision": Metric(
        True,
        "fraction",
        "detections that were matched to a labelled face; unlabelled faces count against it",
        False,
    ),
    "predictions": Metric(
        None, "detections", "instances found in frames of scored faces; the most of any seed, as every count"
    ),
    "extra": Metric(False, "detections", "instances that were matched to no labelled face", False),
    "failed_frames": Metric(False, "frames", "frames on which the contestant raised an error"),
    "unnormalised_io": Metric(None, "faces", "faces without an inter-ocular distance, left out of *_io"),
    "unnormalised_box": Metric(None, "faces", "faces whose labels have an empty box, left out of box metrics"),
    "offset_x_px": Metric(None, "px", "mean signed offset to the right; a convention more than an error"),
    "offset_y_px": Metric(None, "px", "mean signed offset downwards; a convention more than an error"),
}


def describe(name: str) -> Metric:
    """Return what a metric such as `pck@10px` or `nme_io_low` means; raises ConfigError for others.

    An end of an interval is described as its metric is, a spread (`nme_io_seed_std`) has no better direction.
    """
    if name.endswith("_seed_std"):
        metric = describe(name.removesuffix("_seed_std"))
        return replace(
            metric, higher_is_better=None, meaning=f"sample standard deviation over seeds: {metric.meaning}"
        )
    stem = re.sub(r"_(low|high)$", "", re.sub(r"@[0-9.]+", "@", name))
    if stem not in METRICS:
        raise ConfigError(f"there is no metric {name!r}", nearest(stem, list(METRICS)))
    return METRICS[stem]
