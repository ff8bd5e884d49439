"""How the zero-shot page and the page of tiny heads print their numbers: titles, units, digits, tables."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from thermark.core.point_errors import PCK_LIMITS
from thermark.report.markdown import table

ANY = {"": "{}"}  # the part of what has no parts
Values = Mapping[tuple[str, str, str, str], float]  # by protocol, contestant, part and metric


class Format(NamedTuple):
    """A column's title, what its numbers are multiplied by, with how many digits, and whether they have a sign."""

    title: str
    factor: int = 1
    digits: int = 2
    signed: bool = False

    def text(self, value: float | None) -> str:
        """Return a number as printed, – for none."""
        sign = "+" if self.signed else ""
        return "–" if value is None else f"{self.factor * value:{sign}.{self.digits}f}".replace("-", "−")


class Column(NamedTuple):
    """Which numbers of a contestant a column has."""

    head: Format
    protocol: str
    part: str
    metric: str


class ContestantRow(NamedTuple):
    """The texts that a row begins with, whose it is, and of which protocol or part if not the columns'."""

    texts: Sequence[str]
    contestant: str
    protocol: str = ""
    part: str = ""


def rate(title: str) -> Format:
    """Return the head of a rate, which is printed in % with one digit."""
    return Format(f"{title}, %", 100, 1)


FORMATS = {
    name: Format(name, digits=0) for name in ("noses", "crops", "answered", "found", "predictions", "matched")
}
FORMATS |= {"detection": rate("detected"), "recall": rate("recall"), "precision": rate("precision")}
FORMATS |= {f"{of}{name}": Format(f"{name}, px") for name in ("mean", "median") for of in ("", "error_px_")}
FORMATS |= {"error": Format("RMS error, px"), "error_centred": Format("RMS without offset, px")}
FORMATS |= {f"offset_{axis}_px": Format(f"{axis}, px", signed=True) for axis in "xy"}
FORMATS |= {f"offset_{axis}_face": Format(f"{axis}, % of the face", 100, 1, signed=True) for axis in "xy"}
FORMATS |= {"ms": Format("time, ms", digits=0)}
FORMATS |= {f"pck@{limit}{unit}": rate(f"PCK@{limit}") for limit in PCK_LIMITS for unit in ("", "px")}
# Errors in crop px and in frame px never share a column.
FORMATS |= {
    f"{space}_{name}": FORMATS[name]._replace(title=f"{prefix} {FORMATS[name].title}")
    for space, prefix in (("crop", "crop"), ("native", "frame"))
    for name in ("mean", "median", *(f"pck@{limit}" for limit in PCK_LIMITS))
}


def formatted(name: str, value: float | None) -> str:
    """Return a number as printed: rates in % with one digit, px with two, offsets signed; – for none."""
    return FORMATS[name].text(value)


def cells(numbers: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the named numbers as printed."""
    return [formatted(name, numbers.get(name)) for name in names]


def titles(names: Sequence[str]) -> list[str]:
    """Return the titles of columns."""
    return [FORMATS[name].title for name in names]


def columns(
    metrics: Sequence[str], protocol: str, parts: Mapping[str, str] = ANY, heads: Mapping[str, Format] = FORMATS
) -> list[Column]:
    """Return a column a part and metric; `parts`: part -> its title, in which {} stands for the metric's."""
    entries = [(heads[metric], metric, part, title) for part, title in parts.items() for metric in metrics]
    return [
        Column(head._replace(title=title.replace("{}", head.title)), protocol, part, metric)
        for head, metric, part, title in entries
    ]


def board(values: Values, lead: Sequence[str], rows: Sequence[ContestantRow], columns: Sequence[Column]) -> str:
    """Return a table of `values`, in which `lead` are the titles of what rows begin with."""
    lines = []
    for row in rows:
        keys = [
            (row.protocol or column.protocol, row.contestant, row.part or column.part, column.metric)
            for column in columns
        ]
        lines.append(
            [*row.texts, *(column.head.text(values.get(key)) for column, key in zip(columns, keys, strict=True))]
        )
    return table([*lead, *(column.head.title for column in columns)], lines)
