"""Error distributions out of the errors of all faces, as one long table for DVC and as figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from thermark.metrics.registry import describe
from thermark.report import long_table
from thermark.report.leaderboard.board import Board
from thermark.report.lines import label_ends, line
from thermark.report.number_format import scale, unit
from thermark.report.results.curves import auc_limit, curve
from thermark.report.results.face_errors import open_errors
from thermark.report.style import MUTED, RULE, Style, figure, save

HEIGHT = 3.8  # inches
COLUMNS = ["dataset", "metric", "contestant", "error", "fraction"]


def write(boards: Sequence[Board], results: Path, curves: Path, out: Path, styles: Mapping[str, Style]) -> None:
    """Write `curves`/ced.csv (dataset, metric, contestant, error, fraction) and `out`/ced_<dataset>.svg.

    The CSV, from which DVC draws, holds the contestants with a colour, the best first. Errors are read from
    `results`/<dataset>.parquet; raises DataError where that is missing.
    """
    tables = []
    for board in boards:
        drawable = curves_of(board, results)
        tables += [
            points.assign(dataset=board.data_set.name, metric=_axis(board.main), contestant=name)
            for name, points in reversed(drawable.items())
            if styles[name].named
        ]
        with figure(6.4, HEIGHT) as drawn:
            _draw(drawn.add_subplot(), board, drawable, styles)
            save(drawn, out / f"ced_{board.data_set.name}.svg")
    long_table.write(curves / "ced.csv", tables, COLUMNS)


def curves_of(board: Board, results: Path) -> dict[str, pd.DataFrame]:
    """Return contestant -> `error`, `fraction` of the faces of all seeds, from the worst contestant to the best.

    A missed face is never reached. The curves end at twice the limit of the area under them.
    """
    errors, limit = open_errors(results / f"{board.data_set.name}.parquet"), 2 * (auc_limit(board.results) or 0.0)
    names = [record.contestant for record in reversed(board.ran)]  # of equal ends the better is labelled above
    pooled = {name: curve(errors[name], limit) for name in names}
    return {name: pd.DataFrame({"error": one.error, "fraction": one.fraction}) for name, one in pooled.items()}


def _axis(main: str) -> str:
    """Return what the error is: the CSV has fractions, as all files have."""
    whole = describe(main).whole
    return f"error / {whole}" if whole else "error in source px"


def _draw(axes: Axes, board: Board, curves: Mapping[str, pd.DataFrame], styles: Mapping[str, Style]) -> None:
    factor, unit_of_error = scale(board.main), unit(board.main)
    for name, points in curves.items():
        line(axes, factor * points["error"], 100 * points["fraction"], styles[name])
    limit = factor * max((points["error"].max() for points in curves.values()), default=1.0)
    axes.axvline(limit / 2, color=RULE, linewidth=0.8, zorder=0)
    axes.annotate(
        f"AUC up to {limit / 2:g} {unit_of_error}",
        (limit / 2, 101),
        color=MUTED,
        fontsize=7.5,
        ha="center",
        va="bottom",
        annotation_clip=False,
    )
    axes.set(xlim=(0, limit), ylim=(0, 100))
    axes.set_title(board.data_set.title)
    axes.set_xlabel(_axis(board.main) + ", %" * (unit_of_error == "%"))
    axes.set_ylabel("faces at or below that error, %")
    axes.grid(axis="y")
    ends = {name: (limit, 100 * points["fraction"].iloc[-1]) for name, points in curves.items()}
    label_ends(axes, ends, styles, 0.75 * HEIGHT)
