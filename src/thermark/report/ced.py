"""Error distributions, as one long table for DVC and as figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from thermark.report import long_table
from thermark.report.inputs import Board, existing, ranked
from thermark.report.lines import label_ends, line
from thermark.report.style import MUTED, RULE, Style, figure, save

HEIGHT = 3.8  # inches
# What the error is of, and its unit in the figure; the CSV has fractions, as all files have.
AXES = {
    "nme_io": ("error / distance of the outer eye corners", "%"),
    "nme_diag": ("error / diagonal of the box round the labels", "%"),
    "error_px_mean": ("error in source px", ""),
}
COLUMNS = ["dataset", "metric", "contestant", "error", "fraction"]


def write(boards: Sequence[Board], ced: Path, curves: Path, out: Path, styles: Mapping[str, Style]) -> None:
    """Write `curves`/ced.csv (dataset, metric, contestant, error, fraction) and `out`/ced_<dataset>.svg.

    The CSV, from which DVC draws, holds the contestants with a colour, the best first.
    """
    tables = []
    for board in boards:
        drawable = _curves(board, ced)
        tables += [
            curve.assign(dataset=board.dataset, metric=AXES[board.main][0], contestant=name)
            for name, curve in reversed(drawable.items())
            if styles[name].named
        ]
        with figure(6.4, HEIGHT) as drawn:
            _draw(drawn.add_subplot(), board, drawable, styles)
            save(drawn, out / f"ced_{board.dataset}.svg")
    long_table.write(curves / "ced.csv", tables, COLUMNS)


def _curves(board: Board, folder: Path) -> dict[str, pd.DataFrame]:
    return {
        entry.contestant: pd.read_csv(existing(folder / entry.contestant / f"{board.dataset}.csv"))
        for entry in reversed(ranked(board))  # of equal ends the better is labelled above
        if entry.ran
    }


def _draw(axes: Axes, board: Board, curves: Mapping[str, pd.DataFrame], styles: Mapping[str, Style]) -> None:
    relative = board.main != "error_px_mean"
    scale = 100 if relative else 1
    for name, curve in curves.items():
        line(axes, scale * curve["error"], 100 * curve["fraction"], styles[name])
    limit = scale * max((curve["error"].max() for curve in curves.values()), default=1.0)
    axes.axvline(limit / 2, color=RULE, linewidth=0.8, zorder=0)
    axes.annotate(
        f"AUC up to {limit / 2:g}{' %' if relative else ' px'}",
        (limit / 2, 101),
        color=MUTED,
        fontsize=7.5,
        ha="center",
        va="bottom",
        annotation_clip=False,
    )
    axes.set(xlim=(0, limit), ylim=(0, 100))
    axes.set_title(board.title)
    axes.set_xlabel(", ".join(filter(None, AXES[board.main])))
    axes.set_ylabel("faces at or below that error, %")
    axes.grid(axis="y")
    ends = {name: (limit, 100 * curve["fraction"].iloc[-1]) for name, curve in curves.items()}
    label_ends(axes, ends, styles, 0.75 * HEIGHT)
