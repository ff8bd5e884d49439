"""Found rates beside errors over all faces, a row a contestant."""

from typing import Any

from thermark.report.page import words
from thermark.report.page.figures import vega
from thermark.report.page.figures.vega import Figure, Rows, Spec, amounts, bounds, layer, tooltip
from thermark.report.page.view import View
from thermark.report.results.estimates import estimate, value
from thermark.report.results.ranking import most_found, whole

STEP = 18  # px a contestant
READ = 5  # contestants whose errors are read out


def leaderboard(view: View) -> Figure:
    """Return found rates and errors with 95 % intervals, best first; hollow: fewer landmarks than others."""
    most = most_found(view.results)
    leaders = [
        f"{record.contestant} {words.with_interval(view.over_all, view.error(record))}"
        for record in view.ranked[:READ]
    ]
    leader = most[0].contestant if len(most) == 1 else f"{len(most)} contestants"
    rate = words.with_interval("found", estimate(most[0], "found"))
    start = f"{len(view.ranked)} contestants. Most faces found: {leader}, {rate}."
    alt = f"{start} Lowest errors over all faces: {'; '.join(leaders)}."
    return Figure(f"leaderboard-{view.name}", "Found faces and errors", alt, _drawn(view))


def _drawn(view: View) -> Spec:
    rows = _rows(view)
    y = {"field": "contestant", "type": "nominal", "scale": {"domain": [row["contestant"] for row in rows]}}
    panels = []
    for column, title, axis in (
        ("found", "found, %", {"labelLimit": 110}),
        ("error", f"error, {view.unit}", None),
    ):
        x = amounts(column, title, scale={"domain": [0, 100]} if column == "found" else {"zero": True})
        place = {"y": y | {"title": None, "axis": axis}}
        hover = tooltip(
            {"contestant": "contestant", column: title, f"{column}_low": "low", f"{column}_high": "high"}
        )
        fill = {"condition": {"test": "datum.partial", "value": "white"}, "value": vega.INK}
        layers = [
            layer("rule", place | bounds("x", title, f"{column}_"), color=vega.INK),
            layer("point", place | {"x": x, "fill": fill, "tooltip": hover}, stroke=vega.INK, size=40, opacity=1),
        ]
        if column == "error":
            found_faces = place | {"x": amounts("error_found", title)}
            layers.insert(0, layer("tick", found_faces, color=vega.MUTED, thickness=2, size=10))
        panels.append({"width": 90 if column == "found" else 200, "height": {"step": STEP}, "layer": layers})
    title = f"Found faces and errors: {view.title}"
    subtitle = f"error over all faces, {view.measure}; bars: 95 % intervals; "
    subtitle += "tick: error of found faces; hollow: fewer landmarks"
    return vega.spec(title, subtitle, rows, hconcat=panels, spacing=12)


def _rows(view: View) -> Rows:
    rows = []
    for record in view.ranked:
        row: dict[str, Any] = {"contestant": record.contestant, "partial": not whole(record, view.results)}
        for column, metric, scale in (("found", "found", 100), ("error", view.over_all, view.scale)):
            one = estimate(record, metric)
            row |= vega.scaled(scale, **{column: one.value, f"{column}_low": one.low, f"{column}_high": one.high})
        rows.append(row | vega.scaled(view.scale, error_found=value(record, view.main)))
    return rows
