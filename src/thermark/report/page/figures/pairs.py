"""Whether contestants differ: all pairs of a data set as a matrix, declared comparisons as intervals."""

from collections.abc import Mapping
from typing import Any

from thermark.metrics.compared import LEVEL
from thermark.report.number_format import plus, signed
from thermark.report.page import words
from thermark.report.page.figures.vega import GREY, INK, REST, Rows, Spec, amounts, spec, tooltip
from thermark.report.results.comparisons import Comparisons, Matrix, Pair
from thermark.report.results.ranking import ranked
from thermark.report.results.record import ResultSet
from thermark.report.verdicts import withheld

READABLE = 12  # contestants up to which a cell holds its number
STEP = 22  # px a cell
SHOWN = ("lower error", "higher error")  # verdicts with a direction
FOLLOWS = "isValid(datum.difference) && datum.grey === ''"
BLACK = "#000000"  # on the light middle of the scale, in both themes


def pairs(results: ResultSet, matrix: Matrix) -> Rows:
    """Return a row a pair: `a`, `b`, a less b and its interval in shown units, p and why it is grey."""
    factor = words.scale(results.protocol.main)
    order = [record.contestant for record in ranked(results) if record.contestant in matrix.contestants]
    place = {name: index for index, name in enumerate(matrix.contestants)}
    rows: Rows = []
    for a in order:
        for b in order:
            i, j = place[a], place[b]
            values = {"difference": matrix.difference[i][j], "low": matrix.low[i][j], "high": matrix.high[i][j]}
            if a != b:
                scaled = {key: factor * value for key, value in values.items() if value is not None}
                p = {} if matrix.p_holm[i][j] is None else {"p": matrix.p_holm[i][j]}
                rows.append({"a": a, "b": b} | scaled | p | {"grey": matrix.grey[i][j]})
    return rows


def matrix(results: ResultSet, matrix: Matrix) -> Spec:
    """Return the difference of each pair, row less column: blue if the row is better, grey if it is too small."""
    order = [record.contestant for record in ranked(results) if record.contestant in matrix.contestants]
    rows = pairs(results, matrix)
    differences = [abs(row["difference"]) for row in rows if "difference" in row and not row["grey"]]
    axis = {"type": "nominal", "scale": {"domain": order}, "title": None}
    x = {"field": "b", **axis, "axis": {"orient": "top", "labelAngle": -50, "domain": False, "ticks": False}}
    y = {"field": "a", **axis, "axis": {"domain": False, "ticks": False}}
    most = max(differences, default=1.0)
    unit = words.unit(results.protocol.main)
    legend = {
        "title": f"row less column, {unit}",
        "gradientLength": 180,
        "orient": "bottom",
        "direction": "horizontal",
    }
    scale = {"scheme": "blueorange", "domain": [-most, most]}
    hover = tooltip(
        {"a": "row", "b": "column", "difference": f"row less column, {unit}", "low": "low", "high": "high"}
    )
    hover += tooltip({"p": "p (Holm)", "grey": "why not interpreted"})
    colour = amounts("difference", "", scale=scale, legend=legend)
    layers: list[Spec] = [
        {"transform": [{"filter": f"!({FOLLOWS})"}], "mark": {"type": "rect", "color": GREY}}
        | {"encoding": {"x": x, "y": y, "tooltip": hover}},
        {"transform": [{"filter": FOLLOWS}], "mark": {"type": "rect"}}
        | {"encoding": {"x": x, "y": y, "color": colour, "tooltip": hover}},
    ]
    if len(order) <= READABLE:
        shown = {"field": "difference", "type": "quantitative", "format": "+.2f"}
        colours = {"condition": {"test": f"{FOLLOWS} && abs(datum.difference) < {most / 2:.6g}", "value": BLACK}}
        text = {"x": x, "y": y, "text": shown, "color": colours | {"value": INK}}
        layers.append({"mark": {"type": "text", "fontSize": 10}, "encoding": text})
    step = 2 * STEP if len(order) <= READABLE else STEP
    title = f"Every pair: {words.titled(results.data_set)}"
    subtitle = "row less column; blue: the row has the lower error; grey: too small to interpret; "
    subtitle += "exploratory, p: Holm over all"
    size = {"width": {"step": step}, "height": {"step": STEP}}
    return spec(title, subtitle, rows, **size, layer=layers)


def alt_matrix(results: ResultSet, matrix: Matrix) -> str:
    """Return the figure of `matrix` in a sentence: which pairs differ, the best against others."""
    rows = pairs(results, matrix)
    apart = sum(1 for row in rows if _apart(results, row)) // 2
    first = rows[0]["a"] if rows else ""
    of_first = [row for row in rows if row["a"] == first and "difference" in row]
    unit = words.unit(results.protocol.main)
    text = "; ".join(
        f"{row['b']} {plus(row['difference'])} {unit}{' (grey)' if row['grey'] else ''}" for row in of_first[:5]
    )
    on = words.titled(results.data_set)
    return (
        f"{apart} of {len(rows) // 2} pairs on {on} differ significantly (Holm over all). {first} less {text}."
        if rows
        else ""
    )


def _apart(results: ResultSet, row: Mapping[str, Any]) -> bool:
    """Return whether a pair differs significantly: not grey, by p over all pairs, and of enough seeds each."""
    too_few = [record for name in (row["a"], row["b"]) if (record := results.of(name)) and withheld(record.seeds)]
    return "difference" in row and not row["grey"] and row.get("p", 1.0) <= LEVEL and not too_few


def families(results: ResultSet, comparisons: Comparisons) -> Spec | None:
    """Return the declared comparisons of a data set as intervals of differences, None where there are none."""
    declared = [
        (family.name, pair)
        for family in comparisons.families
        for pair in family.pairs
        if pair.dataset == results.data_set.name and pair.difference is not None
    ]
    if not declared:
        return None
    factor, unit = words.scale(results.protocol.main), words.unit(results.protocol.main)
    rows: Rows = [_compared(name, pair, factor) for name, pair in declared]
    order = list(dict.fromkeys(row["pair"] for row in rows))
    y = {
        "field": "pair",
        "type": "nominal",
        "scale": {"domain": order},
        "title": None,
        "axis": {"labelLimit": 260},
    }
    x = amounts("difference", f"difference of the errors, {unit}")
    hover = tooltip(
        {"family": "question", "pair": "pair", "difference": "difference", "low": "low", "high": "high"}
    )
    hover += tooltip({"p": "p (Holm)", "verdict": "verdict", "grey": "why not interpreted"})
    layers = [
        {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "color": REST, "strokeDash": [4, 3]}}
        | {"encoding": {"x": amounts("zero", x["title"])}},
        {"mark": {"type": "rule", "color": INK, "strokeWidth": 2}}
        | {"encoding": {"x": amounts("low", x["title"]), "x2": {"field": "high"}, "y": y, "opacity": _faint()}},
        {"mark": {"type": "point", "filled": True, "color": INK, "size": 70, "opacity": 1}}
        | {"encoding": {"x": x, "y": y, "tooltip": hover, "opacity": _faint()}},
    ]
    title = f"Declared comparisons: {words.titled(results.data_set)}"
    subtitle = (
        "on the same faces, 95 % intervals; left of 0: the first has the lower error; faint: not significant"
    )
    return spec(title, subtitle, rows, width=560, height=26 * len(order), layer=layers, usermeta={"fluid": True})


def alt_families(results: ResultSet, comparisons: Comparisons) -> str:
    """Return the figure of `families` in a sentence."""
    unit = words.unit(results.protocol.main)
    texts = [
        f"{pair.a} less {pair.b} {signed(pair.difference, results.protocol.main)} {unit}: {pair.verdict}"
        for family in comparisons.families
        for pair in family.pairs
        if pair.dataset == results.data_set.name and pair.difference is not None
    ]
    on = words.titled(results.data_set)
    return f"Declared comparisons on {on}: {'; '.join(texts)}."


def _faint() -> Spec:
    return {"condition": {"test": "datum.shown", "value": 1}, "value": 0.35}


def _compared(family: str, pair: Pair, factor: float) -> dict[str, object]:
    numbers = {"difference": pair.difference, "low": pair.low, "high": pair.high}
    row: dict[str, object] = {"family": family, "pair": f"{pair.a} less {pair.b}", "grey": pair.grey}
    row |= {key: factor * value for key, value in numbers.items() if value is not None}
    shown = pair.verdict in SHOWN and not pair.grey
    return row | {"verdict": pair.verdict, "shown": shown} | ({} if pair.p_holm is None else {"p": pair.p_holm})
