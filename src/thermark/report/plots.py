"""Error distributions and training curves, as long tables for DVC and as figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from thermark.core import files
from thermark.report.inputs import Board, existing, ranked
from thermark.report.style import INK, MUTED, RULE, figure, save, spread

LABEL_GAP = 0.052  # of the axis height, for 8-point text
AXES = {
    "nme_io": "error / distance of the outer eye corners, %",
    "nme_diag": "error / diagonal of the labelled box, %",
    "error_px_mean": "error, source px",
}


def write_ced(boards: Sequence[Board], ced: Path, curves: Path, out: Path, colours: Mapping[str, str]) -> None:
    """Write `curves`/ced.csv (dataset, contestant, error, fraction) and `out`/ced_<dataset>.svg."""
    tables = []
    for board in boards:
        drawable = _curves(board, ced)
        tables += [curve.assign(dataset=board.dataset, contestant=name) for name, curve in drawable.items()]
        with figure(6.4, 3.8) as drawn:
            _draw_ced(drawn.add_subplot(), board, drawable, colours)
            save(drawn, out / f"ced_{board.dataset}.svg")
    _write(curves / "ced.csv", tables, ["dataset", "contestant", "error", "fraction"])


def write_training(
    runs: Sequence[str], training: Path, curves: Path, out: Path, colours: Mapping[str, str]
) -> None:
    """Write `curves`/training.csv (run, epoch, loss, its terms, grad_norm, val_nme) and `out`/training.svg."""
    histories = {run: _history(existing(training / f"{run}.csv", f"train@{run}")) for run in runs}
    logged = list(dict.fromkeys(name for table in histories.values() for name in table if name != "epoch"))
    _write(
        curves / "training.csv",
        [table.assign(run=run) for run, table in histories.items()],
        ["run", "epoch", *logged],
    )
    panels = ("loss", "val_nme")
    with figure(7.2, 3.2) as drawn:
        for index, name in enumerate(panels):
            _draw_history(drawn.add_subplot(1, len(panels), index + 1), histories, name, colours)
        save(drawn, out / "training.svg")


def _history(path: Path) -> pd.DataFrame:
    """Return a run's history with the total `loss` before its terms."""
    table = pd.read_csv(path)
    terms = [name for name in table if name not in ("epoch", "lr", "loss", "grad_norm", "val_nme")]
    if "loss" not in table:
        table.insert(1, "loss", table[terms].sum(axis=1, min_count=1))
    return table


def _curves(board: Board, folder: Path) -> dict[str, pd.DataFrame]:
    return {
        entry.contestant: pd.read_csv(
            existing(
                folder / board.dataset / f"{entry.contestant}.csv", f"evaluate@{board.dataset}-{entry.contestant}"
            )
        )
        for entry in reversed(ranked(board))  # of equal ends the better is labelled above
        if entry.ran
    }


def _draw_ced(axes: Axes, board: Board, curves: Mapping[str, pd.DataFrame], colours: Mapping[str, str]) -> None:
    relative = board.main != "error_px_mean"
    scale = 100 if relative else 1
    for name, curve in curves.items():
        axes.plot(scale * curve["error"], 100 * curve["fraction"], color=colours[name], clip_on=False)
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
    axes.set_xlabel(AXES[board.main])
    axes.set_ylabel("faces at or below that error, %")
    axes.grid(axis="y")
    _label_ends(
        axes, {name: 100 * curve["fraction"].iloc[-1] for name, curve in curves.items()}, limit, 100, colours
    )


def _draw_history(
    axes: Axes, histories: Mapping[str, pd.DataFrame], name: str, colours: Mapping[str, str]
) -> None:
    drawn = {run: table[["epoch", name]].dropna() for run, table in histories.items() if name in table}
    for run, table in drawn.items():
        axes.plot(table["epoch"], table[name], color=colours[run])
    top = max((table[name].max() for table in drawn.values() if len(table)), default=1.0)
    last = max((table["epoch"].max() for table in drawn.values() if len(table)), default=1)
    axes.set(xlim=(0, last), ylim=(0, top * 1.05))
    axes.set_title({"loss": "training loss", "val_nme": "validation NME"}.get(name, name))
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
    ends = {run: table[name].iloc[-1] for run, table in drawn.items() if len(table)}
    _label_ends(axes, ends, last, top * 1.05, colours)


def _label_ends(
    axes: Axes, ends: Mapping[str, float], right: float, top: float, colours: Mapping[str, str]
) -> None:
    """Write each curve's name beside its end, in its colour, which spares the reader a legend."""
    heights = spread(list(ends.values()), LABEL_GAP * top, 0.0, top)
    for (name, end), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            name.replace("$", r"\$"),
            (right, end),
            xytext=(1.035, height / top),
            textcoords="axes fraction",
            color=colours.get(name, INK),
            fontsize=8,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colours.get(name, INK),
                "linewidth": 0.5,
                "shrinkA": 0,
                "shrinkB": 2,
            },
            annotation_clip=False,
        )


def _write(path: Path, tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> None:
    table = pd.concat(tables) if tables else pd.DataFrame(columns=list(columns))
    text = table.reindex(columns=list(columns)).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    files.write_text(path, text)
