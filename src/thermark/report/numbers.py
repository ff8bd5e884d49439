"""How metrics are called and printed in tables."""

import re
from typing import Any

from thermark.metrics.names import describe

LABELS = {
    "nme_io": "NME inter-ocular",
    "nme_diag": "NME diagonal",
    "nme_mean_wh": "NME W/H",
    "nme_sqrt_wh": "NME area",
    "nme_io_pooled": "NME inter-ocular, pooled",
    "nme_diag_pooled": "NME diagonal, pooled",
    "nme_mean_wh_pooled": "NME W/H, pooled",
    "nme_sqrt_wh_pooled": "NME area, pooled",
    "nme_io_all": "NME inter-ocular of all faces",
    "nme_diag_all": "NME diagonal of all faces",
    "error_px_mean_all": "error of all faces",
    "error_px_mean": "error",
    "error_px_median": "median error",
    "offset_x_px": "offset x",
    "offset_y_px": "offset y",
}

UNITS = {"fraction": "%", "px": "px"}
# What a fraction is of.
WHOLES = {
    "nme_io": "the distance of the outer eye corners",
    "nme_diag": "the diagonal of the box round the labels",
}


def unit(metric: str) -> str:
    """Return `%`, `px` or the name of what is counted."""
    named = describe(metric).unit
    return UNITS.get(named, named)


def scale(metric: str) -> int:
    """Return what a value is multiplied by to be in `unit`."""
    return 100 if unit(metric) == "%" else 1


def label(name: str) -> str:
    """Return a column title with unit and arrow, such as `NME eyes, % ↓` or `PCK@10px, % ↑`."""
    metric = describe(name)
    arrow = {True: " ↑", False: " ↓", None: ""}[metric.higher_is_better]
    unit = {"fraction": ", %", "px": ", px"}.get(metric.unit, "")
    return f"{LABELS.get(name, _threshold(name))}{unit}{arrow}"


def shown(name: str, value: Any) -> str:
    """Return a value as printed: fractions in per cent with two digits, px with two, counts plain; – if
    absent.
    """
    if value is None:
        return "–"
    unit = describe(name).unit
    if unit == "fraction":
        return f"{100 * value:.2f}"
    return f"{value:.2f}" if unit == "px" else f"{value:.0f}"


def natural(text: str) -> list[tuple[float, str]]:
    """Return a sort key by which `2 ft` comes before `10 ft`."""
    parts = re.split(r"([0-9]+(?:\.[0-9]+)?)", text)
    return [(float(part), "") if index % 2 else (-1.0, part) for index, part in enumerate(parts)]


def _threshold(name: str) -> str:
    stem, _, limit = name.partition("@")
    stem = stem.upper() if stem in ("pck", "auc") else stem
    spaced = re.sub("(px|io|diag)$", r" \1", limit)
    return f"{stem} @ {spaced}" if limit else stem
