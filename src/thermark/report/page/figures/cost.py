"""What accuracy costs: error against milliseconds, and against parameters."""

from math import log10
from typing import Any, Literal

from thermark.report.number_format import shown
from thermark.report.page import words
from thermark.report.page.figures import vega
from thermark.report.page.figures.vega import Figure, PageTable, Rows, Spec, amounts, bounds, layer, tooltip
from thermark.report.page.view import Speeds, View
from thermark.report.results.estimates import value
from thermark.report.results.record import Record

Axis = Literal["milliseconds", "parameters"]
LABELS = 22  # that fit above each other
BESIDE = 0.2  # powers of ten
TITLES = {"milliseconds": "milliseconds a picture on one CPU", "parameters": "parameters"}
WHY_NOT = {
    "milliseconds": "No contestant on this data set was timed here; make speed times them.",
    "parameters": "No contestant on this data set has a counted size.",
}


def cost(record: Record, axis: Axis, speeds: Speeds) -> float | None:
    """Return what a contestant costs, None where it was neither measured nor counted."""
    if axis == "parameters":
        return record.exact.get("parameters", speeds.get(record.contestant, {}).get("parameters"))
    time = speeds.get(record.contestant, {}).get("ms")
    return float(time) if time is not None else None


def pareto(view: View, axis: Axis) -> Figure:
    """Return error against cost (log), a line through the Pareto front; empty where no contestant has a cost."""
    title, priced = f"Error against {axis}", _priced(view, axis)
    if not priced:
        return Figure("", title, WHY_NOT[axis])
    unit = "ms" if axis == "milliseconds" else "parameters"
    texts = [
        f"{record.contestant} {words.amount(price)} {unit} and {words.value(view.main, view.error(record).value)}"
        for record, price in priced
    ]
    alt = f"Cost and error over all faces of {view.title}: {'; '.join(texts)}."
    rows = [
        (
            record.contestant,
            words.milliseconds(price) if axis == "milliseconds" else words.amount(price),
            f"{shown('found', value(record, 'found'))} %",
            words.with_interval(view.over_all, view.error(record)),
        )
        for record, price in priced
    ]
    table = PageTable("Cost and error", ("contestant", axis, "found", "error over all faces"), rows)
    return Figure(f"{axis}-{view.name}", title, alt, _drawn(view, axis, priced), table)


def _priced(view: View, axis: Axis) -> list[tuple[Record, float]]:
    """Return contestants whose error and cost are known, the cheapest first; equal answers compete alone."""
    both = [
        (record, price)
        for record in view.complete
        if (price := cost(record, axis, view.speeds)) is not None and view.error(record).value is not None
    ]
    return sorted(both, key=lambda pair: (pair[1], view.error(pair[0]).value or 0.0, pair[0].contestant))


def _drawn(view: View, axis: Axis, priced: list[tuple[Record, float]]) -> Spec:
    rows = _rows(view, priced)
    x = amounts("cost", TITLES[axis], scale={"type": "log", "nice": False, "padding": 60}, axis={"format": "~s"})
    y = amounts("error", f"error over all faces, {view.unit}", scale={"zero": True})
    hover = tooltip(
        {"contestant": "contestant", "cost": TITLES[axis], "error": "error", "low": "low", "high": "high"}
    )
    front = [row for row in rows if row["front"]]
    label = amounts("label", y["title"])
    layers = [
        layer("line", {"x": x, "y": y}, front, interpolate="step-after", color=vega.REST),
        layer("rule", {"x": x, **bounds("y", y["title"])}, color=vega.INK, opacity=0.6),
        layer("point", {"x": x, "y": y, "tooltip": hover}, filled=True, color=vega.INK, size=70, opacity=1),
        layer("text", {"x": x, "y": label, "text": {"field": "contestant"}}, align="left", dx=8, dy=0),
    ]
    title = f"Error against {axis}: {view.title}"
    subtitle = f"{view.measure}, 95 % intervals; the line is the Pareto front"
    return vega.fluid(title, subtitle, rows, 320, layers)


def _rows(view: View, priced: list[tuple[Record, float]]) -> Rows:
    best = float("inf")
    rows: Rows = []
    for record, price in priced:
        error = view.error(record)
        row: dict[str, Any] = {"contestant": record.contestant, "cost": price}
        row |= vega.scaled(view.scale, error=error.value, low=error.low, high=error.high)
        rows.append(row | {"front": row["error"] < best})
        best = min(best, row["error"])
    return _labelled(rows)


def _labelled(rows: Rows) -> Rows:
    """Return rows with the height of each label: those of points beside each other do not cover each other."""
    apart = max(float(row.get("high") or row["error"] or 0.0) for row in rows) / LABELS
    placed: Rows = []
    for row in sorted(rows, key=lambda row: row["error"]):
        beside = [other["label"] for other in placed if abs(log10(other["cost"] / row["cost"])) < BESIDE]
        placed.append(row | {"label": max([row["error"], *(label + apart for label in beside)])})
    return placed
