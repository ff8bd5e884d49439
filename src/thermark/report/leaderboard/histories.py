"""Training histories, as one long table for DVC and as a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from thermark.report import long_table
from thermark.report.lines import label_ends, line
from thermark.report.stage_files import existing
from thermark.report.style import Style, figure, save

KEYS = ("seed", "epoch")
ALWAYS = ("loss", "lr", "grad_norm", "val_nme")
TERMS = {
    "kp": "labels, kp",
    "fm": "features, fm",
    "lg": "logits, lg",
    "fi": "forward injection, fi",
    "ri": "reverse injection, ri",
}
TITLES = {"loss": "training loss", "val_nme": "validation NME"} | TERMS
WIDTH, TOP, BOTTOM = 9.6, 3.5, 2.3  # inches
NARROW = 60  # times; a wider axis has powers of ten only


def write(
    trained: Mapping[str, str], training: Path, curves: Path, out: Path, styles: Mapping[str, Style]
) -> None:
    """Write `curves`/training.csv (run, seed, epoch, loss, its terms, grad_norm, val_nme) and `out`/training.svg.

    `trained` maps contestants to their runs; the CSV, from which DVC draws, holds those with a colour.
    """
    histories = {name: _history(existing(training / f"{run}.csv")) for name, run in trained.items()}
    logged = dict.fromkeys(name for table in histories.values() for name in table if name not in KEYS)
    tables = [table.assign(run=name) for name, table in histories.items() if styles[name].named]
    long_table.write(curves / "training.csv", tables, ["run", *KEYS, *logged])
    terms = [name for name in TERMS if any(name in table for table in histories.values())]
    with figure(WIDTH, TOP + (BOTTOM if terms else 0)) as drawn:
        rows: Sequence[Figure | SubFigure] = [drawn]
        if terms:
            rows = [*drawn.subfigures(2, 1, squeeze=False, height_ratios=[TOP, BOTTOM])[:, 0]]
        _row(rows[0], histories, ("loss", "val_nme"), styles, 0.68 * TOP, labels=True)
        if terms:
            _row(rows[1], histories, terms, styles, 0.6 * BOTTOM, labels=False)
        save(drawn, out / "training.svg")


def _history(path: Path) -> pd.DataFrame:
    """Return the histories of a run's seeds, with the total `loss` before its terms."""
    table = long_table.read(path)
    terms = [name for name in table if name not in (*KEYS, *ALWAYS)]
    if "loss" not in table:
        table.insert(len(KEYS), "loss", table[terms].sum(axis=1, min_count=1))
    return table


def _row(
    part: Figure | SubFigure,
    histories: Mapping[str, pd.DataFrame],
    names: Sequence[str],
    styles: Mapping[str, Style],
    height: float,
    labels: bool,
) -> None:
    for axes, name in zip(part.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        seeds = {run: _by_seed(table, name) for run, table in histories.items() if name in table}
        ends = _draw({run: table for run, table in seeds.items() if table.notna().any(axis=None)}, axes, styles)
        axes.set_title(TITLES[name], fontsize=11 if labels else 9)
        axes.set_xlabel("epoch")
        axes.grid(axis="y")
        if labels:
            label_ends(axes, ends, styles, height)


def _by_seed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a column as one of epochs by seeds; what a logarithmic axis cannot show is NaN."""
    values = table.pivot(index="epoch", columns="seed", values=name)
    return values.where(values > 0)


def _draw(
    runs: Mapping[str, pd.DataFrame], axes: Axes, styles: Mapping[str, Style]
) -> dict[str, tuple[float, float]]:
    """Draw each run's mean over seeds, where all were trained, and thin its seeds; return where the means end."""
    last = max((table.index.max() for table in runs.values()), default=1)
    axes.set(xlim=(1, max(last, 2)), yscale="log")
    ends = {}
    for run, table in runs.items():
        mean = table.dropna().mean(axis=1)
        if styles[run].named and table.shape[1] > 1:
            for _, values in table.items():
                line(axes, values.dropna().index, values.dropna(), styles[run], part=True)
        if len(mean):
            line(axes, mean.index, mean, styles[run])
            ends[run] = (float(mean.index[-1]), float(mean.iloc[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if high < NARROW * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    return ends
