"""Curves of many contestants on one pair of axes: those that matter in colour, with their names at their ends."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from thermark.report.style import REST, Style

LABEL_GAP = 0.17  # inches, for 8-point text
NEAR = 0.04  # of the height of the axes


def line(axes: Axes, x: Sequence[float], y: Sequence[float], style: Style, part: bool = False) -> None:
    """Draw one contestant's curve; a `part` of several, such as one seed, is thin and pale."""
    axes.plot(
        x,
        y,
        color=style.colour,
        linestyle=style.dashes,
        linewidth=0.5 if part else style.width,
        alpha=0.45 if part else 1.0,
        zorder=style.level - 0.5 if part else style.level,
        clip_on=False,
    )


def label_ends(
    axes: Axes, ends: Mapping[str, tuple[float, float]], styles: Mapping[str, Style], height: float
) -> None:
    """Write the name of each highlighted curve beside its end (x, y), in its colour; count the others.

    That spares the reader a legend. Of nearly equal ends the later named is above. `height` of the axes is in
    inches; scales and limits must have been set.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    labels = [
        (name.replace("$", r"\$"), styles[name], float(to_axes.transform(end)[1]))
        for name, end in ends.items()
        if styles[name].named
    ]
    others = len(ends) - len(labels)
    if others:
        labels.insert(0, (f"{others} more", Style(REST, width=0.7), 0.0))
    ideal = [NEAR * round(end / NEAR) for _, _, end in labels]
    for (text, style, _), at in zip(labels, spread(ideal, LABEL_GAP / height, 0.0, 1.0), strict=True):
        axes.plot(
            (1.015, 1.045),
            (at, at),
            color=style.colour,
            linestyle=style.dashes,
            linewidth=style.width,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.annotate(
            text,
            (1.06, at),
            xycoords="axes fraction",
            color=style.colour,
            fontsize=8,
            va="center",
            annotation_clip=False,
        )


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
