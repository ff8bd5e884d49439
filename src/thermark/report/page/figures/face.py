"""Error by landmark, drawn on the mean face of a data set."""

import re
from collections.abc import Sequence

import numpy as np

from thermark.landmarks import load
from thermark.report.page import words
from thermark.report.page.figures.distributions import complete, named
from thermark.report.page.figures.vega import REST, Rows, Spec, tooltip
from thermark.report.page.figures.vega import spec as framed
from thermark.report.results.record import ResultSet

FACES = 6  # drawn beside each other
CELL = 190  # px wide
ENDS = 0.95  # quantile of the errors at which the colours end


def shown(results: ResultSet, names: Sequence[str] = ()) -> list[str]:
    """Return whose faces are drawn: those of `names` that answer all landmarks, the best first."""
    wanted = set(named(results, names))
    return [name for name in complete(results) if name in wanted][:FACES]


def landmarks(results: ResultSet, names: Sequence[str] = ()) -> Spec | None:
    """Return each landmark at its mean place, its error as size and colour; None without a face to draw."""
    face, main = results.data_set.face, results.protocol.main
    drawn = shown(results, names)
    if not face or not drawn:
        return None
    points = load(results.protocol.vocabulary).points
    rows: Rows = []
    for name in drawn:
        record = results.of(name)
        for index, (place, point) in enumerate(zip(face, points, strict=False)):
            error = record.landmarks[index] if record and index < len(record.landmarks) else None
            if place is not None and error is not None:
                row = {"contestant": name, "point": point, "part": _part(point), "order": index}
                row["place"] = drawn.index(name)
                rows.append(row | {"x": place[0], "y": place[1], "error": words.scale(main) * error})
    if not rows:
        return None
    top = float(np.quantile([row["error"] for row in rows], ENDS))
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [-0.05, 1.05]}}
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [1.1, -0.05], "zero": False}}
    scale = {"domain": [0, top], "clamp": True}
    legend = {"title": f"error, {words.unit(main)}", "columns": 8, "tickCount": 5}
    colour = {
        "field": "error",
        "type": "quantitative",
        "scale": scale | {"range": "heatmap"},
        "legend": legend,
    }
    size = {"field": "error", "type": "quantitative", "scale": scale | {"range": [12, 150]}, "legend": legend}
    lines = {"mark": {"type": "line", "color": REST, "strokeWidth": 1, "opacity": 0.55}} | {
        "encoding": {"x": x, "y": y, "detail": {"field": "part"}, "order": {"field": "order"}}
    }
    hover = tooltip({"contestant": "contestant", "point": "landmark", "error": f"error, {words.unit(main)}"})
    dots = {"mark": {"type": "point", "filled": True, "opacity": 0.9}} | {
        "encoding": {"x": x, "y": y, "color": colour, "size": size, "tooltip": hover}
    }
    facet = {"field": "contestant", "type": "nominal", "sort": {"field": "place", "op": "min"}, "title": None}
    title = f"Error by landmark: {words.titled(results.data_set)}"
    subtitle = f"{words.long_unit(main)}, on the mean face; larger and redder is worse"
    inner = {"width": CELL, "height": round(CELL * 1.05), "layer": [lines, dots]}
    return framed(title, subtitle, rows, facet=facet, columns=3, spec=inner, usermeta={"cell": CELL})


def alt_landmarks(results: ResultSet, names: Sequence[str] = ()) -> str:
    """Return the figure of `landmarks` in a sentence: the best and the worst landmark of each contestant."""
    points, main, texts = load(results.protocol.vocabulary).points, results.protocol.main, []
    for name in shown(results, names):
        record = results.of(name)
        defined = {
            point: error
            for point, error in zip(points, record.landmarks if record else (), strict=False)
            if error is not None
        }
        if defined:
            ends = min(defined, key=defined.__getitem__), max(defined, key=defined.__getitem__)
            texts_of_ends = [f"{words.value(main, defined[end])} ({end})" for end in ends]
            texts.append(f"{name} from {texts_of_ends[0]} to {texts_of_ends[1]}")
    on = words.titled(results.data_set)
    return f"Mean error of each landmark of {on}: {'; '.join(texts)}."


def _part(point: str) -> str:
    """Return which line a landmark is on: its name without its number."""
    return re.sub(r"_?[0-9]+$", "", point)
