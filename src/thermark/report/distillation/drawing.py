"""Gradient norms of every run before clipping, step by step."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from thermark.report.contestants import Sections
from thermark.report.distillation.distillation_data import Log
from thermark.report.grouping import grouped
from thermark.report.style import COLOURS, MUTED, RULE, figure, save

REACH = 7  # steps before and after that a point of a curve stands for
POINTS = 150  # of a curve, which keeps the figure small
WIDTH, HEIGHT, ACROSS = 2.4, 2.0, 3  # inches of a panel, panels in a row
FEW = 3  # names in one column


def draw(logs: Mapping[str, Sequence[Log]], runs: Sections, start: int, stop: int, out: Path) -> None:
    """Draw each run's norms on one scale, a panel a recipe and for KTL one a size, steps [start, stop) shaded.

    `runs` are the sections of those that `logs` names.
    """
    grouped = panels(runs, [run for run, seeds in logs.items() if any(len(steps) for steps, _ in seeds)])
    across = max(1, min(len(grouped), ACROSS))
    down = max(1, -(-len(grouped) // across))
    with figure(WIDTH * max(across, 2), HEIGHT * down + 0.3) as drawn:
        grid = drawn.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, (title, names) in zip(grid, grouped.items(), strict=False):
            _draw_panel(axes, {run: logs[run] for run in names}, (start, stop))
            axes.set_title(title, fontsize=9, pad=5)
        for axes in grid[len(grouped) :]:
            axes.set_axis_off()
        for axes in grid[max(0, len(grouped) - across) : len(grouped)]:
            axes.set_xlabel("step")
            axes.tick_params(labelbottom=True)
        label = f"gradient norm before clipping\nmedian and middle 80 % of {2 * REACH + 1} steps"
        drawn.supylabel(label, fontsize=8, color=MUTED)
        save(drawn, out)


def panels(runs: Sections, drawn: Sequence[str]) -> dict[str, list[str]]:
    """Return runs by panel: one a recipe, and for KTL, which has variants, one a size."""
    about = {name: (str(runs[name].get("recipe")), str(runs[name].get("size"))) for name in drawn}
    return grouped((" ".join(both) if both[0] == "ktl" else both[0], name) for name, both in about.items())


def running(log: Sequence[Log]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most 150 steps (P,), and the 10 %, 50 % and 90 % quantiles (3, P) of the norms near each.

    Norms of all seeds count, of up to seven steps before and after; at the ends of a log there are fewer.
    """
    steps = np.concatenate([steps for steps, _ in log])
    norms = np.concatenate([norms for _, norms in log])
    at = np.unique(np.rint(np.linspace(steps.min(), steps.max(), POINTS)))
    near = [norms[np.abs(steps - step) <= REACH] for step in at]
    return at, np.stack([np.quantile(norms_near, [0.1, 0.5, 0.9]) for norms_near in near], axis=1)


def _draw_panel(axes: Axes, logs: Mapping[str, Sequence[Log]], window: tuple[int, int]) -> None:
    axes.axvspan(*window, color=RULE, alpha=0.35, linewidth=0, zorder=0)
    for (run, log), colour in zip(logs.items(), cycle(COLOURS), strict=False):
        at, (low, middle, high) = running(log)
        axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(at, middle, color=colour, linewidth=1.2, label=run.replace("$", r"\$"))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(x=0)
    axes.grid(axis="y")
    # Names in the colours of their lines, at the top right, which norms that fall leave free.
    names = axes.legend(
        loc="upper right",
        ncols=1 if len(logs) <= FEW else 2,
        frameon=False,
        fontsize=7,
        labelcolor="linecolor",
        handlelength=0,
        handletextpad=0,
        columnspacing=1,
        borderaxespad=0,
    )
    for handle in names.legend_handles:
        if handle is not None:
            handle.set_visible(False)
