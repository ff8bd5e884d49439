"""How errors are distributed: over faces, over parts of a data set, over subjects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.metrics.rates import rate_interval
from thermark.report.number_format import natural
from thermark.report.page import words
from thermark.report.page.figures.vega import (
    INK,
    REST,
    WIDTH,
    Rows,
    Spec,
    amounts,
    coloured,
    dashed,
    shaped,
    spec,
    tooltip,
)
from thermark.report.page.order import leading, of_all, partial
from thermark.report.results.curves import auc_limit, curve
from thermark.report.results.face_errors import Errors
from thermark.report.results.ranking import ranked
from thermark.report.results.record import ResultSet

STEPS = 40  # of a curve
DRAWS = 400  # of the bootstrap behind a band
NAMED = 8  # contestants with a colour
SEED = 0


def named(results: ResultSet, names: Sequence[str]) -> list[str]:
    """Return which of `names` ran here, or the leading contestants where none are given."""
    ran = {record.contestant for record in results.records if record.ran}
    return [name for name in names or leading([results], NAMED) if name in ran]


def limit(results: ResultSet) -> float:
    """Return up to which error a distribution is drawn: twice the limit of the area under it, or a miss."""
    return 2 * (auc_limit(results) or results.protocol.miss / 2)


def ced(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str] = ()) -> Spec:
    """Return the cumulative error distribution: a curve and a 95 % band of each of `names`, the rest in grey."""
    contestants = named(results, names)
    rows = [row for name in contestants if name in errors for row in _curve(results, name, errors[name], True)]
    rest = [
        row for name in errors if name not in contestants for row in _curve(results, name, errors[name], False)
    ]
    main = results.protocol.main
    x = amounts("error", f"error, {words.long_unit(main)}", scale={"nice": False})
    y = amounts("part", "faces at or below that error, %", scale={"domain": [0, 100]})
    hover = tooltip(
        {"contestant": "contestant", "error": "error", "part": "% of faces", "low": "low", "high": "high"}
    )
    colour = coloured(contestants, legend={"symbolType": "stroke"})
    layers = [
        {"data": {"values": rest}, "mark": {"type": "line", "color": REST, "strokeWidth": 0.8, "opacity": 0.6}}
        | {"encoding": {"x": x, "y": y, "detail": {"field": "contestant"}}},
        {"mark": {"type": "area", "opacity": 0.13}}
        | {"encoding": {"x": x, "y": amounts("low", y["title"]), "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 2}}
        | {"encoding": {"x": x, "y": y, "color": colour, "strokeDash": dashed(contestants)}},
        {"mark": {"type": "point", "filled": True, "opacity": 0.001, "size": 90}}
        | {"encoding": {"x": x, "y": y, "color": colour, "tooltip": hover}},
    ]
    title = f"Faces within an error: {words.titled(results.data_set)}"
    subtitle = "a miss is within none; bands: 95 %, over subjects; grey: the other contestants"
    return spec(
        title, subtitle, rows, width=WIDTH, height=340, layer=layers, usermeta={"fluid": True, "height": 340}
    )


def alt_ced(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str] = ()) -> str:
    """Return the figure of `ced` in a sentence."""
    main, half = results.protocol.main, limit(results) / 2
    texts = []
    for name in named(results, names):
        if name in errors:
            part, low, high = within(errors[name], half, True)
            ends = f" (95 % interval {low:.1f}{words.DASH}{high:.1f})" if low is not None else ""
            texts.append(f"{name} {part:.1f} %{ends}")
    edge = f"{words.scale(main) * half:g} {words.long_unit(main)}"
    title = words.titled(results.data_set)
    return f"Part of the faces of {title} with an error of at most {edge}: {'; '.join(texts)}."


def within(errors: Errors, edge: float, band: bool) -> tuple[float, float | None, float | None]:
    """Return how many per cent of the faces have an error of at most `edge`, and the 95 % interval of that."""
    values = np.atleast_2d(errors["per_seed"])
    hits = (values <= edge).astype(np.float64)
    ends = rate_interval(hits, errors["subjects"], DRAWS, SEED) if band else None
    return 100 * float(hits.mean()), *((100 * ends[0], 100 * ends[1]) if ends else (None, None))


def _curve(results: ResultSet, name: str, errors: Errors, band: bool) -> Rows:
    """Return points of a curve, in per cent of the faces."""
    drawn, factor = curve(errors, limit(results), STEPS + 1, DRAWS * band), words.scale(results.protocol.main)
    points = zip(factor * drawn.error, 100 * drawn.fraction, 100 * drawn.low, 100 * drawn.high, strict=True)
    rows: Rows = []
    for error, part, low, high in points:
        ends = {} if np.isnan(low) else {"low": float(low), "high": float(high)}
        rows.append({"contestant": name, "error": float(error), "part": float(part)} | ends)
    return rows


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


def parts(results: ResultSet, stratum: str, names: Sequence[str] = ()) -> Spec:
    """Return the error over found faces in each part of a `stratum`, with 95 % intervals."""
    contestants, main = named(results, names), results.protocol.main
    order, factor = strata(results).get(stratum, []), words.scale(main)
    rows: Rows = []
    for name in contestants:
        record = results.of(name)
        for level, part in (record.parts.get(stratum, {}) if record else {}).items():
            if part.value is not None:
                rate = 100 * (1 - part.missed / part.faces) if part.faces else 0.0
                row: dict[str, Any] = {"contestant": name, "part": level, "error": factor * part.value}
                row |= {"place": contestants.index(name), "faces": part.faces, "found": rate}
                if part.low is not None and part.high is not None:
                    row |= {"low": factor * part.low, "high": factor * part.high}
                rows.append(row)
    x = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": order},
        "title": called(stratum),
        "axis": {"labelAngle": 0},
    }
    y = amounts("error", f"error of found faces, {words.unit(main)}", scale={"zero": True})
    # Without a sort of its own, the offset takes the domain of the colours for one.
    offset = {"field": "place", "type": "ordinal", "sort": "ascending"}
    common = {"x": x, "xOffset": offset, "color": coloured(contestants)}
    hover = tooltip({"contestant": "contestant", "part": called(stratum), "error": "error", "low": "low"})
    hover += tooltip({"high": "high", "faces": "faces", "found": "% found"})
    layers = [
        {"mark": {"type": "rule", "strokeWidth": 1.2, "opacity": 0.7}}
        | {"encoding": common | {"y": amounts("low", y["title"]), "y2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 55}}
        | {"encoding": common | {"y": y, "shape": shaped(contestants), "tooltip": hover}},
    ]
    title = f"Error by {called(stratum)}: {words.titled(results.data_set)}"
    subtitle = f"{words.long_unit(main)}, over found faces; bars: 95 % intervals"
    meta = {"fluid": True, "least": max(300, 14 + len(order) * (7 + 5 * len(contestants)))}
    return spec(title, subtitle, rows, width=WIDTH, height=300, layer=layers, usermeta=meta)


def alt_parts(results: ResultSet, stratum: str, names: Sequence[str] = ()) -> str:
    """Return the figure of `parts` in a sentence: the range of each contestant."""
    main, texts = results.protocol.main, []
    for name in named(results, names):
        record = results.of(name)
        values = {key: part.value for key, part in (record.parts.get(stratum, {}) if record else {}).items()}
        defined = {key: value for key, value in values.items() if value is not None}
        if defined:
            least, most = min(defined, key=defined.__getitem__), max(defined, key=defined.__getitem__)
            ends = dict.fromkeys(f"{words.value(main, defined[key])} at {key}" for key in (least, most))
            texts.append(f"{name} {'from ' * (len(ends) > 1)}{' to '.join(ends)}")
    title = words.titled(results.data_set)
    return f"Error of found faces of {title} by {called(stratum)}: {'; '.join(texts)}."


def called(stratum: str) -> str:
    """Return a stratum's name in words."""
    return {"points": "group of landmarks", "moved_boxes": "moved boxes"}.get(stratum, stratum.replace("_", " "))


def by_subject(results: ResultSet, errors: Errors) -> dict[str, float]:
    """Return subject -> mean error over all its faces and seeds, a miss at the stated cap, in natural order."""
    capped = np.minimum(np.atleast_2d(errors["per_seed"]), results.protocol.miss).mean(axis=0)
    subjects: NDArray[np.str_] = errors["subjects"]
    return {str(name): float(capped[subjects == name].mean()) for name in sorted(np.unique(subjects), key=natural)}


def subjects(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str] = ()) -> Spec:
    """Return the error of each subject over all its faces as a dot, a strip for each contestant."""
    contestants = [name for name in named(results, names) if name in errors]
    order = [record.contestant for record in ranked(results) if record.contestant in contestants]
    main, factor = results.protocol.main, words.scale(results.protocol.main)
    rows: Rows = []
    means: Rows = []
    for name in order:
        rows += [
            {"contestant": name, "subject": subject, "error": factor * error}
            for subject, error in by_subject(results, errors[name]).items()
        ]
        record = results.of(name)
        mean = of_all(results, record) if record else None
        if mean is not None and mean.value is not None:
            ends = {} if mean.low is None or mean.high is None else {"low": mean.low, "high": mean.high}
            means.append({"contestant": name} | {k: factor * v for k, v in ({"error": mean.value} | ends).items()})
    x = amounts(
        "error", f"error over all faces, a miss counts {factor * results.protocol.miss:g} {words.unit(main)}"
    )
    y = {"field": "contestant", "type": "nominal", "scale": {"domain": order}, "title": None}
    hover = tooltip({"contestant": "contestant", "subject": "subject", "error": "error"})
    layers = [
        {"data": {"values": means}, "mark": {"type": "rule", "color": INK, "strokeWidth": 5, "opacity": 0.25}}
        | {"encoding": {"x": amounts("low", x["title"]), "x2": {"field": "high"}, "y": y}},
        {"mark": {"type": "point", "filled": True, "size": 42, "opacity": 0.65}}
        | {"encoding": {"x": x, "y": y, "color": coloured(contestants, legend=None), "tooltip": hover}},
        {"data": {"values": means}, "mark": {"type": "tick", "color": INK, "thickness": 2, "size": 18}}
        | {"encoding": {"x": x, "y": y}},
    ]
    title = f"Every subject: {words.titled(results.data_set)}"
    subtitle = f"{words.long_unit(main)}; a dot a subject, a tick the mean, a bar its 95 % interval"
    return spec(title, subtitle, rows, width=WIDTH, height=26 * len(order), layer=layers, usermeta={"fluid": True})


def alt_subjects(results: ResultSet, errors: Mapping[str, Errors], names: Sequence[str] = ()) -> str:
    """Return the figure of `subjects` in a sentence: the best and the worst subject of each contestant."""
    main, texts = results.protocol.main, []
    for name in named(results, names):
        if name in errors:
            errors_of = by_subject(results, errors[name])
            ends = min(errors_of, key=errors_of.__getitem__), max(errors_of, key=errors_of.__getitem__)
            texts_of_ends = [f"{words.value(main, errors_of[end])} (subject {end})" for end in ends]
            texts.append(f"{name} from {texts_of_ends[0]} to {texts_of_ends[1]}")
    title = f"{words.titled(results.data_set)}, {results.data_set.subjects} subjects"
    return f"Mean error of each subject of {title}: {'; '.join(texts)}."


def complete(results: ResultSet) -> list[str]:
    """Return the contestants that predict all landmarks, best first."""
    return [record.contestant for record in ranked(results) if not partial(results, record)]
