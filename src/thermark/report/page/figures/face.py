"""Error by landmark, drawn on the mean face of a data set."""

import re
from collections.abc import Sequence

import numpy as np

from thermark.landmarks import load
from thermark.report.number_format import shown
from thermark.report.page import words
from thermark.report.page.figures.vega import REST, Figure, PageTable, Rows, Spec, layer, spec, tooltip
from thermark.report.page.view import View
from thermark.report.results.record import Record

FACES = 6  # drawn beside each other
CELL = 190  # px wide
ENDS = 0.95  # quantile of the errors at which the colours end
TITLE = "Error by landmark"
WHY_NOT = "This data set has no face to draw: one point, or no labels."


def landmarks(view: View) -> Figure:
    """Return each landmark at its mean place, its error as size and colour; none without a face to draw.

    Of those in colour, the best that answer all landmarks are drawn.
    """
    named = {record.contestant for record in view.named}
    drawn = [record for record in view.complete if record.contestant in named][:FACES]
    points = load(view.results.protocol.vocabulary).points
    rows = _rows(view, drawn, points)
    if not rows:
        return Figure("", TITLE, WHY_NOT)
    cells = [[_error(record, index) for record in drawn] for index in range(len(points))]
    lines = [
        (point, *(shown(view.main, error) for error in errors))
        for point, errors in zip(points, cells, strict=True)
    ]
    head = ("landmark", *(record.contestant for record in drawn))
    table = PageTable(f"{TITLE}, {view.unit}", head, lines)
    alt = f"Mean error of each landmark of {view.title}: {_best_and_worst(view, drawn, points)}."
    return Figure(f"landmarks-{view.name}", TITLE, alt, _drawn(view, rows), table)


def _error(record: Record, index: int) -> float | None:
    return record.landmarks[index] if index < len(record.landmarks) else None


def _rows(view: View, drawn: Sequence[Record], points: Sequence[str]) -> Rows:
    rows: Rows = []
    for column, record in enumerate(drawn):
        for index, (place, point) in enumerate(zip(view.results.data_set.face, points, strict=False)):
            error = _error(record, index)
            if place is not None and error is not None:
                row = {"contestant": record.contestant, "point": point, "part": _part(point), "order": index}
                row["place"] = column
                rows.append(row | {"x": place[0], "y": place[1], "error": view.scale * error})
    return rows


def _drawn(view: View, rows: Rows) -> Spec:
    top = float(np.quantile([row["error"] for row in rows], ENDS))
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [-0.05, 1.05]}}
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [1.1, -0.05], "zero": False}}
    scale = {"domain": [0, top], "clamp": True}
    legend = {"title": f"error, {view.unit}", "columns": 8, "tickCount": 5}
    error = {"field": "error", "type": "quantitative", "legend": legend}
    colour, size = (error | {"scale": scale | {"range": ends}} for ends in ("heatmap", [12, 150]))
    hover = tooltip({"contestant": "contestant", "point": "landmark", "error": f"error, {view.unit}"})
    along = {"x": x, "y": y, "detail": {"field": "part"}, "order": {"field": "order"}}
    dots = {"x": x, "y": y, "color": colour, "size": size, "tooltip": hover}
    layers = [
        layer("line", along, color=REST, strokeWidth=1, opacity=0.55),
        layer("point", dots, filled=True, opacity=0.9),
    ]
    facet = {"field": "contestant", "type": "nominal", "sort": {"field": "place", "op": "min"}, "title": None}
    title = f"{TITLE}: {view.title}"
    subtitle = f"{view.measure}, on the mean face; larger and redder is worse"
    inner = {"width": CELL, "height": round(CELL * 1.05), "layer": layers}
    return spec(title, subtitle, rows, facet=facet, columns=3, spec=inner, usermeta={"cell": CELL})


def _best_and_worst(view: View, drawn: Sequence[Record], points: Sequence[str]) -> str:
    """Return the best and the worst landmark of each contestant in words."""
    texts = []
    for record in drawn:
        pairs = zip(points, record.landmarks, strict=False)
        defined = {point: error for point, error in pairs if error is not None}
        if defined:
            best, worst = words.ends(view.main, defined, "({})")
            texts.append(f"{record.contestant} from {best} to {worst}")
    return "; ".join(texts)


def _part(point: str) -> str:
    """Return which line a landmark is on: its name without its number."""
    return re.sub(r"_?[0-9]+$", "", point)
