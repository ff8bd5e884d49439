"""The error in px of the frame against the number of labels, a line a head."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from thermark.report.fewshot.head import HeadResult, groups, labels
from thermark.report.lines import label_ends
from thermark.report.style import MUTED, Style, figure, save, styles

WIDTH, HEIGHT = 3.4, 3.2  # inches of a panel
APART = 1.18  # ratio of two numbers of labels that have room for a tick each


def draw(heads: Sequence[HeadResult], out: Path) -> None:
    """Draw the curves of the heads, a panel for each crop set; an empty panel where none is.

    Panels of one face set share their scale: a px of another camera is another length.
    """
    curves = [head for head in heads if any(_points(head))]
    panels = groups(curves)
    looks = styles([head.key for head in curves], [head.key for head in curves], "")
    with figure((WIDTH + 0.4) * max(len(panels), 1) + 1.2, HEIGHT + 0.5) as drawn:
        grid = drawn.subplots(1, max(len(panels), 1), squeeze=False)[0]
        for axes, group in zip(grid, panels, strict=False):
            axes.set_title(_title(group[0]), fontsize=9, pad=6)
            _scaled(axes, group, 1.05 * _top(group[0], curves))
            _draw_panel(axes, group, looks)
        if not panels:
            grid[0].set(xticks=(), yticks=())
            grid[0].text(0.5, 0.5, "no head was trained", color=MUTED, ha="center", transform=grid[0].transAxes)
        grid[0].set_ylabel("mean error, px of the frame")
        drawn.supxlabel("labels to train on (the last: all); bands are 95 % over seeds", fontsize=8, color=MUTED)
        save(drawn, out)


def _top(head: HeadResult, curves: Sequence[HeadResult]) -> float:
    """Return the largest error of all heads that have seen the same face set."""
    faces = head.numbers.get("faces")
    same = [other for other in curves if other is head or (faces and other.numbers.get("faces") == faces)]
    alike = [other for group in groups(curves) if head in group for other in group]
    return max((error for other in [*same, *alike] for error in _errors(other)), default=1.0)


def _points(head: HeadResult) -> list[tuple[int, float, float, float]]:
    """Return labels, mean error and its interval of each budget; without an interval its ends are the mean."""
    points = []
    for budget in head.budget:
        mean = budget.get("native_mean")
        if mean is not None:
            ends = (budget.get("native_mean_low"), budget.get("native_mean_high"))
            points.append((labels(budget), mean, *(mean if end is None else end for end in ends)))
    return points


def _errors(head: HeadResult) -> list[float]:
    """Return the errors that must be seen: a band of few seeds may end far above all of them."""
    return [mean for _, mean, _, _ in _points(head)] + [error for _, _, error in head.trainings]


def _draw_panel(axes: Axes, heads: Sequence[HeadResult], looks: Mapping[str, Style]) -> None:
    ends = {}
    for head in heads:
        budgets, means, low, high = zip(*_points(head), strict=True)
        colour = looks[head.key].colour
        axes.fill_between(budgets, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(budgets, means, color=colour, marker="o", markersize=4, zorder=3)
        if head.trainings:
            at, _, errors = zip(*head.trainings, strict=True)
            axes.scatter(at, errors, s=5, color=colour, alpha=0.45, linewidth=0, zorder=2)
        ends[head.key] = (budgets[-1], means[-1])
    label_ends(axes, ends, looks, 0.75 * HEIGHT)


def _scaled(axes: Axes, heads: Sequence[HeadResult], top: float) -> None:
    """Set scales, limits and a tick for each budget that has room for its number."""
    budgets = sorted({point[0] for head in heads for point in _points(head)})
    ticks = [budgets[0]]
    for budget in budgets[1:]:
        if budget >= APART * ticks[-1]:
            ticks.append(budget)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.set(xlim=(budgets[0] / 1.12, 1.12 * budgets[-1]), ylim=(0, top))
    axes.grid(axis="y")


def _title(head: HeadResult) -> str:
    """Return the crop set and its labels, and on a second line the side of its crops and its face set."""
    numbers = head.numbers
    first = [str(numbers.get("crops", "")), str(numbers.get("vocabulary", ""))]
    first += [f"K = {numbers['points']}"] if numbers.get("points") else []
    second = [f"{numbers['side']} px" if numbers.get("side") else "", str(numbers.get("faces") or "")]
    lines = [", ".join(filter(None, parts)) for parts in (first, second)]
    return "\n".join(filter(None, lines)).replace("$", "")
