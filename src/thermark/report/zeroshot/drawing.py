"""Recall of noses at each distance, as the posts count it, as we count it, and within 5 px."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermark.report.number_format import natural
from thermark.report.style import COLOURS, INK, MUTED, RULE, figure, save

Numbers = Mapping[str, float]
ROW, PANEL, NAMES = 0.23, 1.75, 2.3  # inches of a line, of a panel, and for the names
ALL = "all"
SIZES = (38, 26, 20)  # square points
# What is drawn: number -> words, face, edge.
MARKS = {
    "detection": ("within 80 px, as the posts count", "white", MUTED),
    "recall": ("matched, within half a face", COLOURS[4], COLOURS[4]),
    "pck@5px": ("within 5 px", COLOURS[0], COLOURS[0]),
}


def draw(numbers: Mapping[str, Mapping[str, Numbers]], cap: float, out: Path) -> None:
    """Draw contestant -> `all` and each distance -> numbers, the first at the top; `cap` is that of a match."""
    names = list(numbers)
    places = sorted({place for parts in numbers.values() for place in parts} - {ALL}, key=natural)
    panels = [ALL, *places] if len(places) > 1 else [ALL]
    with figure(NAMES + PANEL * len(panels), ROW * max(len(names), 2) + 1.1) as drawn:
        grid = drawn.subplots(1, len(panels), squeeze=False, sharey=True, sharex=True)[0]
        for axes, place in zip(grid, panels, strict=True):
            _draw_panel(axes, [numbers[name].get(place, {}) for name in names])
            axes.set_title("all test noses" if place == ALL else place.replace("$", r"\$"), fontsize=9, pad=5)
        grid[0].set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names], color=INK)
        grid[0].set(ylim=(max(len(names), 1) - 0.4, -0.6), xlim=(0, 100), xticks=(0, 50, 100))
        drawn.supxlabel("noses, %", fontsize=8, color=MUTED)
        _legend(drawn, grid[0], cap)
        save(drawn, out)


def _draw_panel(axes: Axes, rows: list[Numbers]) -> None:
    """Draw one row a contestant: its numbers as dots, the largest below, and a line through them."""
    for size, (name, (_, face, edge)) in zip(SIZES, MARKS.items(), strict=True):
        points = [(100 * numbers[name], row) for row, numbers in enumerate(rows) if name in numbers]
        if points:
            x, y = zip(*points, strict=True)
            axes.scatter(x, y, s=size, color=face, edgecolor=edge, zorder=2, clip_on=False)
    for row, numbers in enumerate(rows):
        ends = [100 * numbers[name] for name in MARKS if name in numbers]
        if ends:
            axes.plot((min(ends), max(ends)), (row, row), color=RULE, linewidth=1.2, zorder=1)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _legend(drawn: Figure, axes: Axes, cap: float) -> None:
    words = {name: text.replace("half a face", f"{cap:g} of the face") for name, (text, _, _) in MARKS.items()}
    handles = [
        axes.scatter([], [], s=26, color=face, edgecolor=edge, label=words[name])
        for name, (_, face, edge) in MARKS.items()
    ]
    drawn.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=8, handletextpad=0.2)
