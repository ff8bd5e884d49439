"""Smaller students of a head's predictions, beside heads, controls and a constant, on whole frames."""

from collections.abc import Iterable

from thermark.report.columns import cells, shown, titles
from thermark.report.fewshot import constant, cost
from thermark.report.fewshot.inputs import Numbers, Study
from thermark.report.markdown import code, escaped, table
from thermark.report.results import printed
from thermark.report.results.comparisons import Family, Pair

ACCURACY = (constant.PIXELS, "error_px_median", "pck@5px", "pck@10px")
CONSTANT = ("native_mean", "native_median", "native_pck@5", "native_pck@10")
LABELS = ("native_mean", "native_median")
START = ("contestant", "what", "boxes", "seeds", "noses", "answered, %", *titles(("recall",)))


def what(name: str, study: Study) -> str:
    """Return what a contestant is, in words."""
    kind, head = study.kind(name), study.head(name)
    if kind == "control":
        return "control: the published labels, no head"
    return f"student of {code(head)}" if head else kind


def listed(study: Study) -> str:
    """Return the accuracy of heads, students and controls, with their cost where it was measured."""
    rows = [_line(name, study) for name in study.scored]
    if plain := constant.of_noses(study.ran):
        start = [constant.TITLE, "no network", constant.BOXES, "–", shown("crops", plain.get("crops"))]
        first, *rest = cells(plain, CONSTANT)
        rows.append([*start, "–", "–", first, "–", *rest, *["–"] * 3])
    large = study.config.large
    if large in study.timed and large not in map(study.row, study.records):
        rows.append([code(large), "compared with", *["–"] * (6 + len(ACCURACY)), *cost.size(study.timed[large])])
    first, *rest = titles(ACCURACY)
    return table([*START, first, "95 %", *rest, "parameters", "GMACs", "fp32, ms"], rows, texts=3)


def idle(study: Study) -> str:
    """Return who has no numbers, and why; empty for nobody."""
    rows = [
        [code(name), what(name, study), escaped(f"{own.status}: {own.reason}")]
        for name, own in study.records.items()
        if not own.ran
    ]
    return table(["not run", "what", "why"], rows, texts=3) if rows else ""


def compared(study: Study, family: Family) -> str:
    """Return a family as a table."""
    results = study.results
    return printed.pairs(family.pairs, {results.data_set.name: results} if results else {})


def rates(study: Study, pairs: Iterable[Pair]) -> str:
    """Return by how many points PCK at 5 px differs, of all noses, where both have it."""
    own = {
        name: record.metrics["pck@5px"].value
        for name, record in study.scored.items()
        if "pck@5px" in record.metrics
    }
    gaps = {pair.names: (own.get(pair.a), own.get(pair.b)) for pair in pairs}
    said = [
        f"{code(a)} − {code(b)} {100 * (first - second):+.1f}".replace("-", "−")
        for (a, b), (first, second) in gaps.items()
        if first is not None and second is not None
    ]
    return ", ".join(said)


def opinions(study: Study) -> str:
    """Return how far the labels that the students learned from are from true ones; empty without any."""
    rows = [row for key, own in study.pseudo_labels.items() for row in _opinions(key, own)]
    header = ["pseudo-labels", "face set", "by", "crops", "points", "labels", *titles(LABELS)]
    return table(header, rows, texts=4) if rows else ""


def _line(name: str, study: Study) -> list[str]:
    own = study.records[name]
    numbers = {metric: each.value for metric, each in own.metrics.items()}
    answered = 1 - own.missed / own.faces if own.faces else None
    found = [shown("crops", own.faces), shown("detection", answered), shown("recall", numbers.get("recall"))]
    mean = own.metrics[constant.PIXELS]
    bounds = "–" if mean.low is None or mean.high is None else f"{mean.low:.2f}–{mean.high:.2f}"
    first, *rest = cells(numbers, ACCURACY)
    start = [code(name), what(name, study), escaped(own.boxes or "–"), str(own.seeds or 1), *found, first, bounds]
    return [*start, *rest, *cost.size(study.timed.get(study.row(name), {}))]


def _opinions(key: str, own: Numbers) -> list[list[str]]:
    """Return a line for all points, and one for those of which the head has seen no label, if there are any."""
    if own["status"] != "ok":
        return [[code(key), "–", "–", escaped(f"{own['status']}: {own['reason']}"), *["–"] * (2 + len(LABELS))]]
    by = code(own["head"]) if own["source"] == "head" else "its true labels"
    rows = [[code(key), code(own["faces"]), by, "all", *_opinion(own)]]
    unseen = own.get("unseen") or {}
    return [*rows, ["", "", "", "unseen", *_opinion(unseen)]] if unseen.get("points") else rows


def _opinion(own: Numbers) -> list[str]:
    return [*(str(own.get(each, "–")) for each in ("points", "labels")), *cells(own, LABELS)]
