"""How errors are distributed: over faces, over parts of a data set, over subjects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.rates import rate_interval
from thermark.report.number_format import natural, shown
from thermark.report.page import words
from thermark.report.page.figures import vega
from thermark.report.page.figures.vega import Figure, PageTable, Rows, Spec, amounts, bounds, layer, tooltip
from thermark.report.page.view import View
from thermark.report.results.curves import auc_limit, curve
from thermark.report.results.estimates import bounds as printed_bounds
from thermark.report.results.face_errors import Errors
from thermark.report.results.record import PartResult, ResultSet

STEPS = 40  # of a curve
DRAWS = 400  # of the bootstrap behind a band
SEED = 0
EDGES = (0.25, 0.5, 0.75, 1.0)  # of the limit of a distribution, for the table
HALF = 1  # the one of them that is put into words
Share = tuple[float, float | None, float | None]  # per cent of the faces, and the 95 % interval


def limit(results: ResultSet) -> float:
    """Return up to which error a distribution is drawn: twice the limit of the area under it, or a miss."""
    return 2 * (auc_limit(results) or results.protocol.miss / 2)


def within(errors: Errors, edge: float, band: bool) -> Share:
    """Return how many per cent of the faces have an error of at most `edge`, and the 95 % interval of that."""
    values = np.atleast_2d(errors["per_seed"])
    hits = (values <= edge).astype(np.float64)
    ends = rate_interval(hits, errors["subjects"], DRAWS, SEED) if band else None
    return 100 * float(hits.mean()), *((100 * ends[0], 100 * ends[1]) if ends else (None, None))


def ced(view: View) -> Figure:
    """Return the cumulative error distribution: a curve and a 95 % band of each in colour, the rest in grey."""
    edges = [edge * limit(view.results) for edge in EDGES]
    shares = {
        name: [within(view.errors[name], edge, name in view.with_errors) for edge in edges]
        for name in (record.contestant for record in view.ranked if record.contestant in view.errors)
    }
    texts = []
    for name in view.with_errors:
        part, low, high = shares[name][HALF]
        ends = f" (95 % interval {low:.1f}{words.DASH}{high:.1f})" if low is not None else ""
        texts.append(f"{name} {part:.1f} %{ends}")
    edge = f"{view.scale * edges[HALF]:g} {view.measure}"
    alt = f"Part of the faces of {view.title} with an error of at most {edge}: {'; '.join(texts)}."
    return Figure(f"ced-{view.name}", "Faces within an error", alt, _drawn_ced(view), _table(view, edges, shares))


def _drawn_ced(view: View) -> Spec:
    contestants = [record.contestant for record in view.named]
    rows = [row for name in view.with_errors for row in _curve(view, name, True)]
    rest = [row for name in view.errors if name not in contestants for row in _curve(view, name, False)]
    x = amounts("error", f"error, {view.measure}", scale={"nice": False})
    y = amounts("part", "faces at or below that error, %", scale={"domain": [0, 100]})
    hover = tooltip(
        {"contestant": "contestant", "error": "error", "part": "% of faces", "low": "low", "high": "high"}
    )
    colour = vega.coloured(contestants, legend={"symbolType": "stroke"})
    dashed = {"x": x, "y": y, "color": colour, "strokeDash": vega.told_apart(contestants, vega.DASHES)}
    grey = {"x": x, "y": y, "detail": {"field": "contestant"}}
    layers = [
        layer("line", grey, rest, color=vega.REST, strokeWidth=0.8, opacity=0.6),
        layer("area", {"x": x, **bounds("y", y["title"]), "color": colour}, opacity=0.13),
        layer("line", dashed, strokeWidth=2),
        layer("point", {"x": x, "y": y, "color": colour, "tooltip": hover}, filled=True, opacity=0.001, size=90),
    ]
    title = f"Faces within an error: {view.title}"
    subtitle = "a miss is within none; bands: 95 %, over subjects; grey: the other contestants"
    return vega.fluid(title, subtitle, rows, 340, layers, height=340)


def _curve(view: View, name: str, band: bool) -> Rows:
    """Return points of a curve, in per cent of the faces."""
    drawn = curve(view.errors[name], limit(view.results), STEPS + 1, DRAWS * band)
    columns = view.scale * drawn.error, 100 * drawn.fraction, 100 * drawn.low, 100 * drawn.high
    rows: Rows = []
    for error, part, low, high in zip(*columns, strict=True):
        ends = {} if np.isnan(low) else {"low": float(low), "high": float(high)}
        rows.append({"contestant": name, "error": float(error), "part": float(part)} | ends)
    return rows


def _table(view: View, edges: Sequence[float], shares: Mapping[str, Sequence[Share]]) -> PageTable:
    """Return how many faces are within the edges, of every contestant."""
    rows = []
    for name, of_one in shares.items():
        ends = [f" ({low:.1f}{words.DASH}{high:.1f})" if low is not None else "" for _, low, high in of_one]
        rows.append((name, *(f"{part:.1f}{end}" for (part, _, _), end in zip(of_one, ends, strict=True))))
    head = [f"≤ {view.scale * edge:g} {view.unit}" for edge in edges]
    return PageTable("Faces within an error, % (95 % interval)", ("contestant", *head), rows)


def strata(results: ResultSet) -> dict[str, list[str]]:
    """Return stratum -> its values in order, of those that divide the faces or landmarks into several parts."""
    values: dict[str, set[str]] = {}
    for record in results.records:
        for stratum, parts in record.parts.items():
            values.setdefault(stratum, set()).update(parts)
    return {
        stratum: sorted(values_of, key=natural)
        for stratum, values_of in sorted(values.items())
        if len(values_of) > 1
    }


def called(stratum: str) -> str:
    """Return a stratum's name in words."""
    return {"points": "group of landmarks", "moved_boxes": "moved boxes"}.get(stratum, stratum.replace("_", " "))


def parts(view: View, stratum: str) -> Figure:
    """Return the error over found faces in each part of a `stratum`, with 95 % intervals."""
    title, order = f"Error by {called(stratum)}", strata(view.results)[stratum]
    texts, rows = [], []
    for record in view.named:
        if of_one := record.parts.get(stratum, {}):
            rows.append((record.contestant, *(_part(view.main, of_one.get(value)) for value in order)))
        defined = {key: part.value for key, part in of_one.items() if part.value is not None}
        if defined:
            ends = dict.fromkeys(words.ends(view.main, defined, "at {}"))
            texts.append(f"{record.contestant} {'from ' * (len(ends) > 1)}{' to '.join(ends)}")
    alt = f"Error of found faces of {view.title} by {called(stratum)}: {'; '.join(texts)}."
    caption = f"Error of found faces, {view.unit} (95 % interval), and who was missed"
    table = PageTable(caption, ("contestant", *order), rows)
    return Figure(f"by-{stratum}-{view.name}", title, alt, _drawn_parts(view, stratum, order), table)


def _part(main: str, part: PartResult | None) -> str:
    if part is None:
        return words.DASH
    lost = f", {part.missed} of {part.faces} missed" if part.missed else ""
    ends = printed_bounds(main, part)
    return f"{shown(main, part.value)}{f' ({ends})' * bool(ends)}{lost}"


def _drawn_parts(view: View, stratum: str, order: list[str]) -> Spec:
    contestants = [record.contestant for record in view.named]
    rows: Rows = []
    for place, record in enumerate(view.named):
        for level, part in record.parts.get(stratum, {}).items():
            if part.value is not None:
                rate = 100 * (1 - part.missed / part.faces) if part.faces else 0.0
                row: dict[str, Any] = {"contestant": record.contestant, "part": level, "place": place}
                row |= {"faces": part.faces, "found": rate}
                rows.append(row | vega.scaled(view.scale, error=part.value, low=part.low, high=part.high))
    x = {"field": "part", "type": "nominal", "scale": {"domain": order}, "title": called(stratum)}
    y = amounts("error", f"error of found faces, {view.unit}", scale={"zero": True})
    # Without a sort of its own, the offset takes the domain of the colours for one.
    offset = {"field": "place", "type": "ordinal", "sort": "ascending"}
    common = {"x": x | {"axis": {"labelAngle": 0}}, "xOffset": offset, "color": vega.coloured(contestants)}
    hover = tooltip({"contestant": "contestant", "part": called(stratum), "error": "error", "low": "low"})
    hover += tooltip({"high": "high", "faces": "faces", "found": "% found"})
    dots = common | {"y": y, "shape": vega.told_apart(contestants, vega.SHAPES), "tooltip": hover}
    layers = [
        layer("rule", common | bounds("y", y["title"]), strokeWidth=1.2, opacity=0.7),
        layer("point", dots, filled=True, size=55),
    ]
    title = f"Error by {called(stratum)}: {view.title}"
    subtitle = f"{view.measure}, over found faces; bars: 95 % intervals"
    least = max(300, 14 + len(order) * (7 + 5 * len(contestants)))
    return vega.fluid(title, subtitle, rows, 300, layers, least=least)


def subjects(view: View) -> Figure:
    """Return the error of each subject over all its faces as a dot, a strip for each contestant."""
    errors = {name: _by_subject(view, name) for name in view.with_errors}
    texts = []
    for name, by_subject in errors.items():
        best, worst = words.ends(view.main, by_subject, "(subject {})")
        texts.append(f"{name} from {best} to {worst}")
    title = f"{view.title}, {view.results.data_set.subjects} subjects"
    alt = f"Mean error of each subject of {title}: {'; '.join(texts)}."
    everyone = dict.fromkeys(subject for by_subject in errors.values() for subject in by_subject)
    rows = [
        (subject, *(shown(view.main, by_subject.get(subject)) for by_subject in errors.values()))
        for subject in everyone
    ]
    table = PageTable(f"Error over all faces, {view.unit}", ("subject", *errors), rows)
    return Figure(f"subjects-{view.name}", "Every subject", alt, _drawn_subjects(view, errors), table)


def _by_subject(view: View, name: str) -> dict[str, float]:
    """Return subject -> mean error over all its faces and seeds, a miss at the stated cap, in natural order."""
    errors = view.errors[name]
    capped = np.minimum(np.atleast_2d(errors["per_seed"]), view.results.protocol.miss).mean(axis=0)
    subjects: NDArray[np.str_] = errors["subjects"]
    return {str(name): float(capped[subjects == name].mean()) for name in sorted(np.unique(subjects), key=natural)}


def _drawn_subjects(view: View, errors: dict[str, dict[str, float]]) -> Spec:
    shown_here = [record for record in view.ranked if record.contestant in errors]
    rows: Rows = []
    means: Rows = []
    for record in shown_here:
        rows += [
            {"contestant": record.contestant, "subject": subject, "error": view.scale * error}
            for subject, error in errors[record.contestant].items()
        ]
        mean = view.error(record)
        if mean.value is not None:
            ends = vega.scaled(view.scale, error=mean.value, low=mean.low, high=mean.high)
            means.append({"contestant": record.contestant, **ends})
    miss = f"a miss counts {view.scale * view.results.protocol.miss:g} {view.unit}"
    x = amounts("error", f"error over all faces, {miss}")
    order = [record.contestant for record in shown_here]
    y = {"field": "contestant", "type": "nominal", "scale": {"domain": order}, "title": None}
    hover = tooltip({"contestant": "contestant", "subject": "subject", "error": "error"})
    dots = {"x": x, "y": y, "color": vega.coloured(view.with_errors, legend=None), "tooltip": hover}
    layers = [
        layer("rule", {**bounds("x", x["title"]), "y": y}, means, color=vega.INK, strokeWidth=5, opacity=0.25),
        layer("point", dots, filled=True, size=42, opacity=0.65),
        layer("tick", {"x": x, "y": y}, means, color=vega.INK, thickness=2, size=18),
    ]
    title = f"Every subject: {view.title}"
    subtitle = f"{view.measure}; a dot a subject, a tick the mean, a bar its 95 % interval"
    return vega.fluid(title, subtitle, rows, 26 * len(order), layers)
