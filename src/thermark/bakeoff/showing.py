"""How the bake-off and the page of tiny heads print their numbers: titles, units, digits, tables."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from thermark.report.markdown import table

LIMITS = (3, 5, 10, 20)
LEVELS = ("protocol", "contestant", "part", "metric")
ANY = {"": "{}"}  # the part of what has no parts


class Head(NamedTuple):
    """A column's title, what its numbers are multiplied by, with how many digits, and whether they have a sign."""

    title: str
    factor: int = 1
    digits: int = 2
    signed: bool = False

    def shown(self, value: float | None) -> str:
        """Return a number as printed, – for none."""
        sign = "+" if self.signed else ""
        return "–" if value is None else f"{self.factor * value:{sign}.{self.digits}f}".replace("-", "−")


Row = tuple[list[str], dict[str, str]]  # the texts that it begins with; level -> value, which go before a column's
Column = tuple[Head, dict[str, str]]


def rate(title: str) -> Head:
    """Return the head of a rate, which is printed in % with one digit."""
    return Head(f"{title}, %", 100, 1)


HEADS = {name: Head(name, digits=0) for name in ("noses", "crops", "answered", "found", "predictions", "matched")}
HEADS |= {"detection": rate("detected"), "recall": rate("recall"), "precision": rate("precision")}
HEADS |= {
    name: Head(f"{name.split('_')[-1]}, px") for name in ("mean", "median", "error_px_mean", "error_px_median")
}
HEADS |= {"error": Head("RMS error, px"), "error_centred": Head("RMS without offset, px")}
HEADS |= {f"offset_{axis}_px": Head(f"{axis}, px", signed=True) for axis in "xy"}
HEADS |= {f"offset_{axis}_face": Head(f"{axis}, % of the face", 100, 1, signed=True) for axis in "xy"}
HEADS |= {"ms": Head("time, ms", digits=0)}
HEADS |= {f"pck@{limit}{unit}": rate(f"PCK@{limit}") for limit in LIMITS for unit in ("", "px")}
# Errors in crop px and in frame px never share a column.
HEADS |= {
    f"{space}_{name}": HEADS[name]._replace(title=f"{said} {HEADS[name].title}")
    for space, said in (("crop", "crop"), ("native", "frame"))
    for name in ("mean", "median", *(f"pck@{limit}" for limit in LIMITS))
}


def shown(name: str, value: float | None) -> str:
    """Return a number as printed: rates in % with one digit, px with two, offsets signed; – for none."""
    return HEADS[name].shown(value)


def cells(numbers: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the named numbers as printed."""
    return [shown(name, numbers.get(name)) for name in names]


def titles(names: Sequence[str]) -> list[str]:
    """Return the titles of columns."""
    return [HEADS[name].title for name in names]


def columns(
    metrics: Sequence[str], protocol: str, parts: Mapping[str, str] = ANY, heads: Mapping[str, Head] = HEADS
) -> list[Column]:
    """Return a column a part and metric; `parts`: part -> its title, in which {} stands for the metric's."""
    return [
        (
            heads[metric]._replace(title=title.replace("{}", heads[metric].title)),
            {"protocol": protocol, "part": part, "metric": metric},
        )
        for part, title in parts.items()
        for metric in metrics
    ]


def board(values: pd.Series, lead: Sequence[str], rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return a table of `values`, indexed by `LEVELS`; each row begins with texts, whose titles are `lead`."""
    lines = []
    for texts, row in rows:
        told = [(head, tuple({**own, **row}[level] for level in LEVELS)) for head, own in columns]
        lines.append([*texts, *(head.shown(values.get(key)) for head, key in told)])
    return table([*lead, *(head.title for head, _ in columns)], lines)
