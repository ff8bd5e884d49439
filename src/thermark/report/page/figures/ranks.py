"""Found rates beside errors over all faces, a row a contestant."""

from typing import Any

from thermark.report.page import words
from thermark.report.page.figures.vega import INK, MUTED, Rows, Spec, amounts, spec, tooltip
from thermark.report.page.order import found, of_all, of_found, partial
from thermark.report.results.ranking import most_found, ranked
from thermark.report.results.record import ResultSet

STEP = 18  # px a contestant
READ = 5  # contestants whose errors are read out


def leaderboard(results: ResultSet) -> Spec:
    """Return found rates and errors with 95 % intervals, best first; hollow: fewer landmarks than others."""
    rows = _rows(results)
    unit = words.unit(results.protocol.main)
    y = {"field": "contestant", "type": "nominal", "scale": {"domain": [row["contestant"] for row in rows]}}
    panels = []
    for column, title, axis in (
        ("found", "found, %", {"labelLimit": 110}),
        ("error", f"error, {unit}", None),
    ):
        x = amounts(column, title, scale={"domain": [0, 100]} if column == "found" else {"zero": True})
        place = {"y": y | {"title": None, "axis": axis}}
        hover = tooltip(
            {"contestant": "contestant", column: title, f"{column}_low": "low", f"{column}_high": "high"}
        )
        fill = {"condition": {"test": "datum.partial", "value": "white"}, "value": INK}
        layers: list[Spec] = [
            {"mark": {"type": "rule", "color": INK}}
            | {"encoding": place | {"x": amounts(f"{column}_low", title), "x2": {"field": f"{column}_high"}}},
            {"mark": {"type": "point", "stroke": INK, "size": 40, "opacity": 1}}
            | {"encoding": place | {"x": x, "fill": fill, "tooltip": hover}},
        ]
        if column == "error":
            tick = {"type": "tick", "color": MUTED, "thickness": 2, "size": 10}
            layers.insert(0, {"mark": tick, "encoding": place | {"x": amounts("error_found", title)}})
        panels.append({"width": 90 if column == "found" else 200, "height": {"step": STEP}, "layer": layers})
    title = f"Found faces and errors: {words.titled(results.data_set)}"
    subtitle = f"error over all faces, {words.long_unit(results.protocol.main)}; bars: 95 % intervals; "
    return spec(
        title, f"{subtitle}tick: error of found faces; hollow: fewer landmarks", rows, hconcat=panels, spacing=12
    )


def alt_leaderboard(results: ResultSet) -> str:
    """Return the figure of `leaderboard` in a sentence: the highest found rate, and the lowest errors."""
    order, most, name = ranked(results), most_found(results), f"{results.protocol.main}_all"
    leaders = [
        f"{record.contestant} {words.with_interval(results, name, of_all(results, record))}"
        for record in order[:READ]
    ]
    leader = most[0].contestant if len(most) == 1 else f"{len(most)} contestants"
    rate = words.with_interval(results, "found", found(most[0]))
    start = f"{len(order)} contestants. Most faces found: {leader}, {rate}."
    return f"{start} Lowest errors over all faces: {'; '.join(leaders)}."


def _rows(results: ResultSet) -> Rows:
    factor, rows = words.scale(results.protocol.main), []
    for record in ranked(results):
        row: dict[str, Any] = {"contestant": record.contestant, "partial": partial(results, record)}
        for column, estimate, scale in (("found", found(record), 100), ("error", of_all(results, record), factor)):
            ends = {column: estimate.value, f"{column}_low": estimate.low, f"{column}_high": estimate.high}
            row |= {key: scale * value for key, value in ends.items() if value is not None}
        value = of_found(results, record).value
        rows.append(row if value is None else row | {"error_found": factor * value})
    return rows
