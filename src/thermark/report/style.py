"""How figures look, and how they are saved so that the same numbers give the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from thermark.core import files

# Okabe and Ito's palette, which survives the common colour blindnesses, strongest contrasts first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D46", "#7F7F7F")
INK, MUTED, RULE = "#222222", "#6B6B6B", "#D9D9D9"

SETTINGS: dict[str, Any] = {
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
            drawn.savefig(
                temporary, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"optimize": True}
            )


def colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name, by its position; the palette repeats after eight."""
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}


def bright(colour: str) -> str:
    """Return the colour mixed with a third of white, which stands out on dark thermal images."""
    red, green, blue = (
        mixed / 3 + channel * 2 / 3 for mixed, channel in zip((1, 1, 1), to_rgb(colour), strict=True)
    )
    return to_hex((red, green, blue))


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return label positions near `heights`, in the same order, at least `gap` apart where `low`..`high` has
    room.
    """
    order = np.argsort(heights, kind="stable")
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    placed = np.clip(np.asarray(heights, float)[order], low, high)
    for _ in range(200):
        for below, above in zip(range(len(placed) - 1), range(1, len(placed)), strict=True):
            push = (gap - (placed[above] - placed[below])) / 2
            if push > 1e-9:
                placed[below], placed[above] = placed[below] - push, placed[above] + push
        placed = np.clip(placed, low, high)
    result = np.empty(len(order))
    result[order] = placed
    return [float(height) for height in result]
