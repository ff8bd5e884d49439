"""What learning costs: error against the number of labels, and epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.grouping import grouped
from thermark.report.page import words
from thermark.report.page.figures import vega
from thermark.report.page.figures.vega import Figure, PageTable, Rows, Spec, amounts, bounds, layer, tooltip

Lines = Sequence[Mapping[str, Any]]  # of a CSV file, numbers as numbers, None where a cell is empty
BUDGET, TRAINING = "How few labels are enough", "Training and distillation"
WHY_NOT = "There are no such curves in this profile."


def budget(lines: Lines, where: str) -> Figure:
    """Return the mean error of heads against how many labels they learned from; `where` names the pictures.

    `lines`: `head`, `labels`, `native_mean`, `low`, `high` (px of the frame). Nothing is drawn of none.
    """
    measured = [line for line in lines if line.get("native_mean") is not None]
    if not measured:
        return Figure("", BUDGET, WHY_NOT)
    texts = [f"{line['head']} {line['native_mean']:.2f} px with {line['labels']:g} labels" for line in measured]
    rows = [
        (
            f"{line['head']}, {line['labels']:g} labels",
            f"{line['native_mean']:.2f}",
            f"{line['low']:.2f}{words.DASH}{line['high']:.2f}" if line.get("low") is not None else "none",
        )
        for line in measured
    ]
    alt = f"Mean error of heads against labels ({where}): {'; '.join(texts)}."
    table = PageTable("Mean error, px of the frame", ("head", "error", "95 % interval"), rows)
    return Figure("budget", BUDGET, alt, _drawn_budget(measured, where), table)


def _drawn_budget(measured: Lines, where: str) -> Spec:
    rows: Rows = [
        {"head": str(line["head"]), "labels": line["labels"], "error": line["native_mean"]}
        | ({"low": line["low"], "high": line["high"]} if line.get("low") is not None else {})
        for line in measured
    ]
    x = amounts("labels", "labels to learn from", scale={"type": "log", "padding": 30, "nice": False})
    y = amounts("error", "mean error, px of the frame", scale={"zero": True})
    both = {"x": x, "color": vega.coloured(sorted({row["head"] for row in rows}), "head")}
    hover = tooltip({"head": "head", "labels": "labels", "error": "mean error, px", "low": "low", "high": "high"})
    layers = [
        layer("line", both | {"y": y}, strokeWidth=2),
        layer("rule", both | bounds("y", y["title"]), opacity=0.6),
        layer("point", both | {"y": y, "tooltip": hover}, filled=True, size=70),
    ]
    subtitle = f"{where}; bars: 95 % intervals"
    return vega.fluid(BUDGET, subtitle, rows, 280, layers)


def training(lines: Lines, where: str) -> Figure:
    """Return the validation error of every run by epoch, bands from the least to the most of its seeds.

    `lines`: `run`, `seed`, `epoch`, `val_nme` (a fraction). `where` names the pictures. Nothing is drawn of none.
    """
    rows = _epochs(lines)
    if not rows:
        return Figure("", TRAINING, WHY_NOT)
    texts, cells = [], []
    for run, row in {row["run"]: row for row in rows}.items():  # the last epoch of each
        error, seeds = f"{row['error']:.2f}", f"{row['low']:.2f}{words.DASH}{row['high']:.2f}"
        texts.append(f"{run} {error} % after epoch {row['epoch']} ({row['seeds']} seeds, {seeds})")
        cells.append((run, str(row["epoch"]), error, seeds, str(row["seeds"])))
    alt = f"Validation error of runs ({where}): {'; '.join(texts)}."
    head = ("run", "epochs", "error", "best to worst seed", "seeds")
    table = PageTable("Validation error after the last epoch, % of the eyes' distance", head, cells)
    return Figure("training", TRAINING, alt, _drawn_training(rows, where), table)


def _epochs(lines: Lines) -> Rows:
    """Return the validation error of each run and epoch in per cent: mean, least and most over seeds."""
    measured = (line for line in lines if line.get("val_nme") is not None)
    by_epoch = grouped(((str(line["run"]), int(line["epoch"])), 100 * float(line["val_nme"])) for line in measured)
    return [
        {"run": run, "epoch": epoch, "error": sum(errors) / len(errors), "low": min(errors), "high": max(errors)}
        | {"seeds": len(errors)}
        for (run, epoch), errors in sorted(by_epoch.items())
    ]


def _drawn_training(rows: Rows, where: str) -> Spec:
    names = sorted({row["run"] for row in rows})
    x = amounts("epoch", "epoch", axis={"tickMinStep": 1})
    log = {"type": "log", "nice": False, "padding": 10}
    y = amounts("error", "validation error, % of the eyes' distance", scale=log)
    both = {"x": x, "color": vega.coloured(names, "run", legend={"symbolType": "stroke"})}
    hover = tooltip(
        {"run": "run", "epoch": "epoch", "error": "error, %", "low": "least seed", "high": "worst seed"}
    )
    layers = [
        layer("area", both | bounds("y", y["title"]), opacity=0.15),
        layer("line", both | {"y": y, "strokeDash": vega.told_apart(names, vega.DASHES, "run")}, strokeWidth=2),
        layer("point", both | {"y": y, "tooltip": hover}, filled=True, size=60, opacity=0.001),
    ]
    subtitle = f"{where}; mean over seeds, bands from the best to the worst seed"
    return vega.fluid(TRAINING, subtitle, rows, 300, layers)
