"""What accuracy costs: error against milliseconds, and against parameters."""

from collections.abc import Mapping
from math import log10
from typing import Any, Literal

from thermark.report.page import words
from thermark.report.page.figures.vega import INK, REST, WIDTH, Rows, Spec, amounts, spec, tooltip
from thermark.report.page.order import of_all, partial
from thermark.report.results.ranking import ranked
from thermark.report.results.record import Record, ResultSet

Axis = Literal["milliseconds", "parameters"]
Speeds = Mapping[
    str, Mapping[str, Any]
]  # contestant or network -> `ms`, `ms_low`, `ms_high`, `parameters`, `note`
LABELS = 22  # that fit above each other
BESIDE = 0.2  # powers of ten
TITLES = {"milliseconds": "milliseconds a picture on one CPU", "parameters": "parameters"}


def cost(record: Record, axis: Axis, speeds: Speeds) -> float | None:
    """Return what a contestant costs, None where nobody measured or counted it."""
    if axis == "parameters":
        return record.exact.get("parameters", speeds.get(record.contestant, {}).get("parameters"))
    time = speeds.get(record.contestant, {}).get("ms")
    return float(time) if time is not None else None


def priced(results: ResultSet, axis: Axis, speeds: Speeds) -> list[tuple[Record, float]]:
    """Return contestants whose error and cost are known, the cheapest first; equal answers compete alone."""
    costs = [(record, cost(record, axis, speeds)) for record in ranked(results) if not partial(results, record)]
    both = [
        (record, price)
        for record, price in costs
        if price is not None and of_all(results, record).value is not None
    ]
    return sorted(both, key=lambda pair: (pair[1], of_all(results, pair[0]).value or 0.0, pair[0].contestant))


def pareto(results: ResultSet, axis: Axis, speeds: Speeds) -> Spec | None:
    """Return error against cost (log), a line through the Pareto front; None for nobody."""
    priced_records = priced(results, axis, speeds)
    if not priced_records:
        return None
    main, rows = results.protocol.main, _rows(results, priced_records)
    x = amounts("cost", TITLES[axis], scale={"type": "log", "nice": False, "padding": 60}, axis={"format": "~s"})
    y = amounts("error", f"error over all faces, {words.unit(main)}", scale={"zero": True})
    hover = tooltip(
        {"contestant": "contestant", "cost": TITLES[axis], "error": "error", "low": "low", "high": "high"}
    )
    front = [row for row in rows if row["front"]]
    layers = [
        {"data": {"values": front}, "mark": {"type": "line", "interpolate": "step-after", "color": REST}}
        | {"encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "color": INK, "opacity": 0.6}}
        | {"encoding": {"x": x, "y": amounts("low", y["title"]), "y2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "color": INK, "size": 70, "opacity": 1}}
        | {"encoding": {"x": x, "y": y, "tooltip": hover}},
        {"mark": {"type": "text", "align": "left", "dx": 8, "dy": 0}}
        | {"encoding": {"x": x, "y": amounts("label", y["title"]), "text": {"field": "contestant"}}},
    ]
    title = f"Error against {axis}: {words.titled(results.data_set)}"
    subtitle = f"{words.long_unit(main)}, 95 % intervals; the line is the Pareto front"
    return spec(title, subtitle, rows, width=WIDTH, height=320, layer=layers, usermeta={"fluid": True})


def alt_pareto(results: ResultSet, axis: Axis, speeds: Speeds) -> str:
    """Return the figure of `pareto` in a sentence."""
    unit = "ms" if axis == "milliseconds" else "parameters"
    texts = [
        f"{record.contestant} {words.amount(price)} {unit} and "
        f"{words.value(results.protocol.main, of_all(results, record).value)}"
        for record, price in priced(results, axis, speeds)
    ]
    title = words.titled(results.data_set)
    return f"Cost and error over all faces of {title}: {'; '.join(texts)}."


def _rows(results: ResultSet, priced_records: list[tuple[Record, float]]) -> Rows:
    factor, best = words.scale(results.protocol.main), float("inf")
    rows: Rows = []
    for record, price in priced_records:
        error = of_all(results, record)
        row: dict[str, Any] = {
            "contestant": record.contestant,
            "cost": price,
            "error": factor * (error.value or 0),
        }
        if error.low is not None and error.high is not None:
            row |= {"low": factor * error.low, "high": factor * error.high}
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
