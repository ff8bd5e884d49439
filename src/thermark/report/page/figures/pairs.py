"""Whether contestants differ: all pairs of a data set as a matrix, declared comparisons as intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.metrics.compared import LEVEL
from thermark.report.number_format import plus, signed
from thermark.report.page import words
from thermark.report.page.figures import vega
from thermark.report.page.figures.vega import Figure, PageTable, Rows, Spec, amounts, bounds, layer, tooltip
from thermark.report.page.view import View
from thermark.report.results.comparisons import Matrix, Pair
from thermark.report.too_few_seeds import withheld

READABLE = 12  # contestants up to which a cell holds its number
STEP = 22  # px a cell
FOLLOWS = "isValid(datum.difference) && datum.grey === ''"
BLACK = "#000000"  # on the light middle of the scale, in both themes
FAINT: vega.Spec = {"condition": {"test": "datum.shown", "value": 1}, "value": 0.35}


def matrix(view: View) -> Figure:
    """Return the difference of each pair, row less column: blue if the row is better, grey if it is too small."""
    if view.matrix is None:
        return Figure("", "Every pair", "No pairs of contestants were compared on this data set.")
    order = [record.contestant for record in view.ranked if record.contestant in view.matrix.contestants]
    rows = _pairs(view, view.matrix, order)
    table = _table(view, order, rows)
    return Figure(f"matrix-{view.name}", "Every pair", _who_differs(view, rows), _drawn(view, order, rows), table)


def _pairs(view: View, matrix: Matrix, order: Sequence[str]) -> Rows:
    """Return a row a pair: `a`, `b`, a less b and its interval in shown units, p and why it is grey."""
    place = {name: index for index, name in enumerate(matrix.contestants)}
    rows: Rows = []
    for a in order:
        for b in (name for name in order if name != a):
            i, j = place[a], place[b]
            numbers = {name: getattr(matrix, name)[i][j] for name in ("difference", "low", "high")}
            p = {} if matrix.p_holm[i][j] is None else {"p": matrix.p_holm[i][j]}
            rows.append({"a": a, "b": b, **vega.scaled(view.scale, **numbers), **p, "grey": matrix.grey[i][j]})
    return rows


def _who_differs(view: View, rows: Rows) -> str:
    """Return which pairs differ, and the best against others, in a sentence."""
    if not rows:
        return ""
    apart, first = sum(_apart(view, row) for row in rows) // 2, rows[0]["a"]
    of_first = [row for row in rows if row["a"] == first and "difference" in row]
    text = "; ".join(
        f"{row['b']} {plus(row['difference'])} {view.unit}{' (grey)' if row['grey'] else ''}"
        for row in of_first[:5]
    )
    counts = f"{apart} of {len(rows) // 2} pairs on {view.title} differ significantly (Holm over all)"
    return f"{counts}. {first} less {text}."


def _apart(view: View, row: Mapping[str, Any]) -> bool:
    """Return whether a pair differs significantly: not grey, by p over all pairs, and of enough seeds each."""
    both = [record for record in view.ranked if record.contestant in (row["a"], row["b"])]
    too_few = any(withheld(record.seeds) for record in both)
    return "difference" in row and not row["grey"] and row.get("p", 1.0) <= LEVEL and not too_few


def _table(view: View, order: Sequence[str], rows: Rows) -> PageTable:
    """Return the difference of each pair; one too small to interpret is in brackets."""
    cells = {(row["a"], row["b"]): row for row in rows}
    lines = [(a, *(_difference(cells.get((a, b))) for b in order)) for a in order]
    caption = f"Row less column, {view.unit}; negative: the row has the lower error; "
    caption += "in brackets: too small to interpret (exploratory)"
    return PageTable(caption, ("contestant", *order), lines)


def _difference(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if "difference" not in row:
        return words.DASH
    return f"({plus(row['difference'])})" if row["grey"] else plus(row["difference"])


def _drawn(view: View, order: Sequence[str], rows: Rows) -> Spec:
    differences = [abs(row["difference"]) for row in rows if "difference" in row and not row["grey"]]
    most = max(differences, default=1.0)
    axis = {"type": "nominal", "scale": {"domain": order}, "title": None}
    x = {"field": "b", **axis, "axis": {"orient": "top", "labelAngle": -50, "domain": False, "ticks": False}}
    y = {"field": "a", **axis, "axis": {"domain": False, "ticks": False}}
    legend = {"title": f"row less column, {view.unit}", "gradientLength": 180}
    legend |= {"orient": "bottom", "direction": "horizontal"}
    scale = {"scheme": "blueorange", "domain": [-most, most]}
    hover = tooltip({"a": "row", "b": "column", "difference": f"row less column, {view.unit}", "low": "low"})
    hover += tooltip({"high": "high", "p": "p (Holm)", "grey": "why not interpreted"})
    place = {"x": x, "y": y, "tooltip": hover}
    coloured = place | {"color": amounts("difference", "", scale=scale, legend=legend)}
    layers = [
        {"transform": [{"filter": f"!({FOLLOWS})"}]} | layer("rect", place, color=vega.GREY),
        {"transform": [{"filter": FOLLOWS}]} | layer("rect", coloured),
    ]
    if len(order) <= READABLE:
        shown = {"field": "difference", "type": "quantitative", "format": "+.2f"}
        colours = {"condition": {"test": f"{FOLLOWS} && abs(datum.difference) < {most / 2:.6g}", "value": BLACK}}
        text = {"x": x, "y": y, "text": shown, "color": colours | {"value": vega.INK}}
        layers.append(layer("text", text, fontSize=10))
    step = 2 * STEP if len(order) <= READABLE else STEP
    title = f"Every pair: {view.title}"
    subtitle = "row less column; blue: the row has the lower error; grey: too small to interpret; "
    subtitle += "exploratory, p: Holm over all"
    return vega.spec(title, subtitle, rows, width={"step": step}, height={"step": STEP}, layer=layers)


def families(view: View) -> Figure | None:
    """Return the declared comparisons of a data set as intervals of differences, None where there are none."""
    declared = [
        (family.name, pair)
        for family in view.comparisons.families
        for pair in family.pairs
        if pair.dataset == view.name and pair.difference is not None
    ]
    if not declared:
        return None
    texts = [
        f"{pair.a} less {pair.b} {signed(pair.difference, view.main)} {view.unit}: {pair.verdict}"
        for _, pair in declared
    ]
    alt = f"Declared comparisons on {view.title}: {'; '.join(texts)}."
    rows = [_declared(name, pair, view.scale) for name, pair in declared]
    return Figure(f"families-{view.name}", "Declared comparisons", alt, _drawn_families(view, rows))


def _declared(family: str, pair: Pair, factor: float) -> dict[str, Any]:
    numbers = vega.scaled(factor, difference=pair.difference, low=pair.low, high=pair.high)
    row: dict[str, Any] = {"family": family, "pair": f"{pair.a} less {pair.b}", "shown": pair.decided, **numbers}
    return row | pair.model_dump(include={"grey", "verdict"}) | ({} if pair.p_holm is None else {"p": pair.p_holm})


def _drawn_families(view: View, rows: Rows) -> Spec:
    order = list(dict.fromkeys(row["pair"] for row in rows))
    y: Spec = {"field": "pair", "type": "nominal", "scale": {"domain": order}, "title": None}
    y["axis"] = {"labelLimit": 260}
    x = amounts("difference", f"difference of the errors, {view.unit}")
    hover = tooltip(
        {"family": "question", "pair": "pair", "difference": "difference", "low": "low", "high": "high"}
    )
    hover += tooltip({"p": "p (Holm)", "verdict": "verdict", "grey": "why not interpreted"})
    interval, dots = {**bounds("x", x["title"]), "y": y, "opacity": FAINT}, {"x": x, "y": y, "tooltip": hover}
    layers = [
        layer("rule", {"x": amounts("zero", x["title"])}, [{"zero": 0}], color=vega.REST, strokeDash=[4, 3]),
        layer("rule", interval, color=vega.INK, strokeWidth=2),
        layer("point", dots | {"opacity": FAINT}, filled=True, color=vega.INK, size=70, opacity=1),
    ]
    title = f"Declared comparisons: {view.title}"
    subtitle = (
        "on the same faces, 95 % intervals; left of 0: the first has the lower error; faint: not significant"
    )
    return vega.spec(
        title, subtitle, rows, width=560, height=26 * len(order), layer=layers, usermeta={"fluid": True}
    )
