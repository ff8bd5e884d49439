"""The figures of a post: SVG, and PNG at twice the size, at the width of a page and of a phone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from thermark.report.blog.tables import write_csv
from thermark.report.blog.words import measure
from thermark.report.lines import label_ends, line, spread
from thermark.report.notices import caveat
from thermark.report.numbers import unit
from thermark.report.results.record import ResultSet
from thermark.report.style import INK, MUTED, REST, RULE, Style, figure, save

WIDTHS = (720, 360)  # CSS pixels
INCH = 96  # CSS pixels
ROW = 0.19  # inches between contestants
DODGE = 5  # points between contestants with as many parameters

Draw = Callable[[Figure], None]
Drawn = tuple[Mapping[int, float], Draw]  # heights in inches by width, and how to draw
Styles = Mapping[str, Style]


@dataclass(frozen=True)
class Drawing:
    """A figure of one data set: the `table` it is drawn from, and what it says in words."""

    kind: str
    dataset: str
    alt: str
    table: pd.DataFrame
    heights: Mapping[int, float]  # inches, by width
    draw: Draw

    @property
    def name(self) -> str:
        """The stem of its files."""
        return f"{self.kind}_{self.dataset}"


def write(folder: Path, drawing: Drawing) -> list[Path]:
    """Write `<name>_<width>.svg` and `.png` for each width, and `<name>.csv`; return what was written."""
    write_csv(folder / f"{drawing.name}.csv", drawing.table)
    made = [folder / f"{drawing.name}.csv"]
    for width in WIDTHS:
        with figure(width / INCH, drawing.heights[width]) as drawn:
            drawing.draw(drawn)
            for suffix in ("svg", "png"):
                made.append(folder / f"{drawing.name}_{width}.{suffix}")
                save(drawn, made[-1], dpi=2 * INCH)
    return made


def leaderboard(results: ResultSet, table: pd.DataFrame, styles: Styles) -> Drawn:
    """Return heights and drawing of found rates beside errors, a row a contestant."""
    height = 1.4 + ROW * len(table)
    return dict.fromkeys(WIDTHS, height), partial(_leaderboard, results=results, table=table, styles=styles)


def _leaderboard(drawn: Figure, results: ResultSet, table: pd.DataFrame, styles: Styles) -> None:
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=(1, 2), gridspec_kw={"wspace": 0.06})
    rows = np.arange(len(table))[::-1]
    for axes, column in ((left, "found"), (right, "all")):
        for row, row_data in zip(rows, table.to_dict("records"), strict=True):
            colour = _colour(styles.get(row_data["contestant"]))
            axes.hlines(row, row_data[f"{column}_low"], row_data[f"{column}_high"], color=colour, linewidth=1.6)
            face = colour if row_data["all_landmarks"] else "white"
            axes.plot(
                row_data[column], row, "o", color=colour, markerfacecolor=face, markersize=4.5, clip_on=False
            )
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(4 if _wide(drawn) else 2, steps=[1, 2, 5, 10]))
    right.plot(table["on_found"], rows, "|", color=MUTED, markersize=7, markeredgewidth=1, zorder=1)
    left.set(xlim=(0, 101), ylim=(-0.7, len(table) - 0.3), xlabel="faces found, %")
    left.set_yticks(rows, [_literal(name) for name in table["contestant"]])
    right.set_xlim(left=0)
    right.set_xlabel(f"error of all faces, {unit(results.protocol.main)}")
    partly = "" if table["all_landmarks"].all() else "hollow: not all landmarks"
    _title(drawn, results, "tick: error of found faces", partly)


def ced(results: ResultSet, table: pd.DataFrame, styles: Styles) -> Drawn:
    """Return heights and drawing of error distributions with bands."""
    return {720: 4.2, 360: 3.7}, partial(_ced, results=results, table=table, styles=styles)


def _ced(drawn: Figure, results: ResultSet, table: pd.DataFrame, styles: Styles) -> None:
    axes = drawn.add_subplot()
    ends = {}
    for name in reversed(list(dict.fromkeys(table["contestant"]))):
        points = table[table["contestant"] == name]
        if points["low"].notna().any():
            colour = styles[name].colour
            axes.fill_between(
                points["error"], points["low"], points["high"], color=colour, alpha=0.15, linewidth=0
            )
        line(axes, points["error"], points["fraction"], styles[name])
        ends[name] = (points["error"].iloc[-1], points["fraction"].iloc[-1])
    axes.set(xlim=(0, table["error"].max()), ylim=(0, 100), ylabel="faces at or below it, %")
    axes.set_xlabel(f"error, {measure(results.protocol.main) if _wide(drawn) else unit(results.protocol.main)}")
    axes.grid(axis="y")
    label_ends(axes, ends, styles, 0.72 * drawn.get_figheight())
    _title(drawn, results, "bands: 95 % intervals of the best")


def by_landmark(results: ResultSet, table: pd.DataFrame, styles: Styles) -> Drawn:
    """Return heights and drawing of the error of each landmark on the mean face, a face a contestant."""
    heights = {720: 3.1, 360: 2.6 if table["contestant"].nunique() < 3 else 4.6}
    return heights, partial(_by_landmark, results=results, table=table)


def _by_landmark(drawn: Figure, results: ResultSet, table: pd.DataFrame) -> None:
    names, wide = list(dict.fromkeys(table["contestant"])), _wide(drawn)
    columns = len(names) if wide else min(2, len(names))
    grid = drawn.subplots(-(-len(names) // columns), columns, squeeze=False, sharex=True, sharey=True)
    ends = {"vmin": float(table["error"].min()), "vmax": float(table["error"].max())}
    for axes, name in zip(grid.flat, names, strict=False):
        points = table[table["contestant"] == name]
        dots = axes.scatter(
            points["x"], points["y"], c=points["error"], s=18, cmap="viridis_r", linewidths=0, **ends
        )
        axes.set_title(_literal(name), fontsize=8.5, fontweight="normal", pad=3, loc="center")
    for axes in grid.flat:
        axes.set_axis_off()
        axes.set_aspect("equal")
    grid.flat[0].invert_yaxis()
    shape: dict[str, Any] = {"aspect": 70, "shrink": 0.6} if wide else {"aspect": 35, "shrink": 0.8}
    bar = drawn.colorbar(dots, ax=grid, location="bottom", pad=0.04, **shape)
    bar.set_label(f"error of found faces, {unit(results.protocol.main)}")
    bar.outline.set_visible(False)
    _title(drawn, results)


def pareto(results: ResultSet, table: pd.DataFrame, styles: Styles) -> Drawn:
    """Return heights and drawing of errors against parameters."""
    return dict.fromkeys(WIDTHS, 3.4), partial(_pareto, results=results, table=table, styles=styles)


def _pareto(drawn: Figure, results: ResultSet, table: pd.DataFrame, styles: Styles) -> None:
    axes = drawn.add_subplot()
    best, high = table[table["best"]], 1.12 * float(table[["error", "error_high"]].max().max())
    axes.set_xscale("log")
    axes.step(best["parameters"], best["error"], where="post", color=RULE, linewidth=1.2, zorder=1)
    for amount, rows in table.groupby("parameters"):
        # Beside each other and not in another place: the numbers stay what they are.
        labels = spread(list(rows["error"]), 0.06 * high, 0.0, high)
        for place, (row, label) in enumerate(zip(rows.to_dict("records"), labels, strict=True)):
            aside = ScaledTranslation(DODGE * place / 72, 0, drawn.dpi_scale_trans)
            colour = _colour(styles.get(row["contestant"]))
            appearance: dict[str, Any] = {"color": colour, "transform": axes.transData + aside}
            axes.plot([amount, amount], [row["error_low"], row["error_high"]], linewidth=1.6, **appearance)
            axes.plot(amount, row["error"], "o", markersize=5, **appearance)
            axes.annotate(
                _literal(row["contestant"]),
                (amount, label),
                (DODGE * (len(rows) - 1) + 7, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
    least, most = table["parameters"].min(), table["parameters"].max()
    room = 1.6 if most < 2 * least else 2.5
    axes.set(xlim=(least / 1.2, most * room if _wide(drawn) else most * room**1.3), ylim=(0, high))
    axes.set_ylabel(f"error of all faces, {unit(results.protocol.main)}")
    axes.set_xticks(list(dict.fromkeys(table["parameters"])))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at / 1e6:.3g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("parameters, millions")
    axes.grid(axis="y")
    _title(drawn, results)


def _title(drawn: Figure, results: ResultSet, *legend: str) -> None:
    """Say above which data are shown, and below what marks mean and what the data are no evidence of."""
    text, limitation = _literal(results.data_set.title), _literal(caveat(results.data_set))
    drawn.suptitle(text, x=0.01, ha="left", fontsize=11 if _wide(drawn) else 9.5, fontweight="bold", color=INK)
    below = [each for each in ("; ".join(filter(None, legend)), limitation) if each]
    small = (" · " if _wide(drawn) else "\n").join(below)
    drawn.supxlabel(small, x=0.01, ha="left", fontsize=7.5, color=MUTED)


def _wide(drawn: Figure) -> bool:
    return bool(drawn.get_figwidth() > 5)


def _colour(style: Style | None) -> str:
    return style.colour if style is not None and style.named else REST


def _literal(text: str) -> str:
    return text.replace("$", r"\$")
