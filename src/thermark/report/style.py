"""How figures look, and how they are saved so that the same numbers give the same bytes."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from thermark.core import files

# Okabe and Ito's palette, which survives the common colour blindnesses, strongest contrasts first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D46", "#7B4FA3")
INK, MUTED, REST, RULE = "#222222", "#6B6B6B", "#A9A9A9", "#D9D9D9"

SETTINGS: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # it comes with matplotlib, so that every machine draws the same letters
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 14,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "thermark",
    "figure.dpi": 100,
}


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure of so many inches, drawn in the house style and without any display."""
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "agg"}):
        yield Figure(figsize=(width, height), layout="constrained", facecolor="white")


def save(drawn: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure as PNG or SVG without clock or software version in it."""
    with files.replacing(path) as temporary:
        if path.suffix == ".svg":
            drawn.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
        else:
            # Level 9, or `optimize`, saves 5 % and takes ten times as long.
            options: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 6}}
            drawn.savefig(temporary, format="png", dpi=dpi, **options)


@dataclass(frozen=True)
class Style:
    """How a contestant is drawn in every figure; `named` curves have a label, `level` is the drawing order."""

    colour: str
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    width: float = 1.6
    level: float = 3.0
    named: bool = True


def styles(names: Sequence[str], highlighted: Collection[str], floor: str) -> dict[str, Style]:
    """Return a style for each name: the highlighted have a colour each, the `floor` dashes, the rest is grey.

    Colours go by the order of `names`; the palette repeats after eight.
    """
    coloured = [name for name in names if name in highlighted and name != floor]
    by_name = dict.fromkeys(names, Style(REST, width=0.7, level=1.5, named=False))
    by_name |= {name: Style(COLOURS[index % len(COLOURS)]) for index, name in enumerate(coloured)}
    return by_name | ({floor: Style(INK, dashes=(0, (4, 2)), width=1.0, level=2.0)} if floor in names else {})


def bright(colour: str) -> str:
    """Return the colour mixed with a third of white, which stands out on dark thermal images."""
    red, green, blue = (
        mixed / 3 + channel * 2 / 3 for mixed, channel in zip((1, 1, 1), to_rgb(colour), strict=True)
    )
    return to_hex((red, green, blue))
