"""What learning costs: error against the number of labels, and epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.page import words
from thermark.report.page.figures.vega import WIDTH, Rows, Spec, amounts, coloured, dashed, spec, tooltip

Lines = Sequence[Mapping[str, Any]]  # of a CSV file, numbers as numbers, None where a cell is empty


def budget(lines: Lines, where: str) -> Spec | None:
    """Return the mean error of heads against how many labels they learned from; `where` names the pictures.

    `lines`: `head`, `labels`, `native_mean`, `low`, `high` (px of the frame). None where there are none.
    """
    rows: Rows = [
        {"head": str(line["head"]), "labels": line["labels"], "error": line["native_mean"]}
        | ({"low": line["low"], "high": line["high"]} if line.get("low") is not None else {})
        for line in lines
        if line.get("native_mean") is not None
    ]
    if not rows:
        return None
    names = sorted({row["head"] for row in rows})
    x = amounts("labels", "labels to learn from", scale={"type": "log", "padding": 30, "nice": False})
    y = amounts("error", "mean error, px of the frame", scale={"zero": True})
    colour = coloured(names, "head")
    hover = tooltip({"head": "head", "labels": "labels", "error": "mean error, px", "low": "low", "high": "high"})
    layers = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": y, "color": colour}},
        {"mark": {"type": "rule", "opacity": 0.6}}
        | {"encoding": {"x": x, "y": amounts("low", y["title"]), "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "point", "filled": True, "size": 70}}
        | {"encoding": {"x": x, "y": y, "color": colour, "tooltip": hover}},
    ]
    subtitle = f"{where}; bars: 95 % intervals"
    meta = {"fluid": True}
    return spec("How few labels are enough", subtitle, rows, width=WIDTH, height=280, layer=layers, usermeta=meta)


def alt_budget(lines: Lines, where: str) -> str:
    """Return the figure of `budget` in a sentence."""
    texts = [
        f"{line['head']} {line['native_mean']:.2f} px with {line['labels']:g} labels"
        for line in lines
        if line.get("native_mean") is not None
    ]
    return f"Mean error of heads against labels ({where}): {'; '.join(texts)}."


def epochs(lines: Lines) -> Rows:
    """Return the validation error of each run and epoch in per cent: mean, least and most over seeds."""
    grouped: dict[tuple[str, int], list[float]] = {}
    for line in lines:
        if line.get("val_nme") is not None:
            grouped.setdefault((str(line["run"]), int(line["epoch"])), []).append(100 * float(line["val_nme"]))
    return [
        {"run": run, "epoch": epoch, "error": sum(errors) / len(errors), "low": min(errors), "high": max(errors)}
        | {"seeds": len(errors)}
        for (run, epoch), errors in sorted(grouped.items())
    ]


def training(lines: Lines, where: str) -> Spec | None:
    """Return the validation error of every run by epoch, bands from the least to the most of its seeds.

    `lines`: `run`, `seed`, `epoch`, `val_nme` (a fraction). `where` names the pictures. None without any.
    """
    rows = epochs(lines)
    if not rows:
        return None
    names = sorted({row["run"] for row in rows})
    x = amounts("epoch", "epoch", axis={"tickMinStep": 1})
    y = amounts(
        "error", "validation error, % of the eyes' distance", scale={"type": "log", "nice": False, "padding": 10}
    )
    colour = coloured(names, "run", legend={"symbolType": "stroke"})
    hover = tooltip(
        {"run": "run", "epoch": "epoch", "error": "error, %", "low": "least seed", "high": "worst seed"}
    )
    layers = [
        {"mark": {"type": "area", "opacity": 0.15}}
        | {"encoding": {"x": x, "y": amounts("low", y["title"]), "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 2}}
        | {"encoding": {"x": x, "y": y, "color": colour, "strokeDash": dashed(names, "run")}},
        {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.001}}
        | {"encoding": {"x": x, "y": y, "color": colour, "tooltip": hover}},
    ]
    subtitle = f"{where}; mean over seeds, bands from the best to the worst seed"
    meta = {"fluid": True}
    return spec("Training and distillation", subtitle, rows, width=WIDTH, height=300, layer=layers, usermeta=meta)


def alt_training(lines: Lines, where: str) -> str:
    """Return the figure of `training` in a sentence: the last epoch of each run."""
    last = {row["run"]: row for row in epochs(lines)}
    texts = [
        f"{run} {row['error']:.2f} % after epoch {row['epoch']} ({row['seeds']} seeds, "
        f"{row['low']:.2f}{words.DASH}{row['high']:.2f})"
        for run, row in last.items()
    ]
    return f"Validation error of runs ({where}): {'; '.join(texts)}."
