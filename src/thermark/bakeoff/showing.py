"""How the bake-off prints its numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LIMITS = (3, 5, 10, 20)


class Head(NamedTuple):
    """A column's title; whether it is a rate, printed in %, and else with how many digits."""

    title: str
    rate: bool = False
    digits: int = 2


HEADS: dict[str, Head] = {
    "noses": Head("noses", digits=0),
    "crops": Head("crops", digits=0),
    "answered": Head("answered", digits=0),
    "found": Head("found", digits=0),
    "predictions": Head("predictions", digits=0),
    "matched": Head("matched", digits=0),
    "detection": Head("detected, %", True),
    "recall": Head("recall, %", True),
    "precision": Head("precision, %", True),
    "mean": Head("mean, px"),
    "median": Head("median, px"),
    "error_px_mean": Head("mean, px"),
    "error_px_median": Head("median, px"),
    "error": Head("RMS error, px"),
    "error_centred": Head("RMS without offset, px"),
    "offset_x_px": Head("x, px"),
    "offset_y_px": Head("y, px"),
    "offset_x_face": Head("x, % of the face", True),
    "offset_y_face": Head("y, % of the face", True),
    "ms": Head("time, ms", digits=0),
    **{f"pck@{limit}": Head(f"PCK@{limit}, %", True) for limit in LIMITS},
    **{f"pck@{limit}px": Head(f"PCK@{limit}, %", True) for limit in LIMITS},
}
# Errors in crop px and in frame px never share a column.
HEADS |= {
    f"{space}_{name}": Head(f"{said} {HEADS[name].title}", HEADS[name].rate)
    for space, said in (("crop", "crop"), ("native", "frame"))
    for name in ("mean", "median", *(f"pck@{limit}" for limit in LIMITS))
}
SIGNED = frozenset(name for name in HEADS if name.startswith("offset"))


def shown(name: str, value: float | None) -> str:
    """Return a number as printed: rates in % with one digit, px with two, offsets signed; – for none."""
    if value is None:
        return "–"
    head, sign = HEADS[name], "+" if name in SIGNED else ""
    text = f"{100 * value:{sign}.1f}" if head.rate else f"{value:{sign}.{head.digits}f}"
    return text.replace("-", "−")


def cells(numbers: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """Return the named numbers as printed."""
    return [shown(name, numbers.get(name)) for name in names]


def titles(names: tuple[str, ...]) -> list[str]:
    """Return the titles of columns."""
    return [HEADS[name].title for name in names]
