"""Smaller students of a head's predictions, beside heads, controls and a constant, on whole frames."""

from collections.abc import Iterable

from thermark.report.columns import cells, formatted, titles
from thermark.report.fewshot import constant, cost
from thermark.report.fewshot.fewshot_data import FewshotData
from thermark.report.fewshot.head import Numbers
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import plus
from thermark.report.results.comparisons import Pair
from thermark.report.results.estimates import bounds

ACCURACY = (constant.PIXELS, "error_px_median", "pck@5px", "pck@10px")
CONSTANT = ("native_mean", "native_median", "native_pck@5", "native_pck@10")
LABELS = ("native_mean", "native_median")
START = ("contestant", "what", "boxes", "seeds", "noses", "answered, %", *titles(("recall",)))


def what(name: str, study: FewshotData) -> str:
    """Return what a contestant is, in words."""
    kind, head = study.kind(name), study.head(name)
    if kind == "control":
        return "control: the published labels, no head"
    return f"student of {code(head)}" if head else kind


def listed(study: FewshotData) -> str:
    """Return the accuracy of heads, students and controls, with their cost where it was measured."""
    rows = [_line(name, study) for name in study.scored]
    if plain := constant.of_noses(study.ran):
        start = [constant.TITLE, "no network", constant.BOXES, "–", formatted("crops", plain.get("crops"))]
        first, *rest = cells(plain, CONSTANT)
        rows.append([*start, "–", "–", first, "–", *rest, *["–"] * 3])
    large = study.config.large
    if large in study.timed and large not in map(study.row, study.records):
        rows.append([code(large), "compared with", *["–"] * (6 + len(ACCURACY)), *cost.size(study.timed[large])])
    first, *rest = titles(ACCURACY)
    return table([*START, first, "95 %", *rest, "parameters", "GMACs", "fp32, ms"], rows, texts=3)


def idle(study: FewshotData) -> str:
    """Return the contestants without numbers, and why; empty for none."""
    rows = [
        [code(name), what(name, study), escaped(record.why)]
        for name, record in study.records.items()
        if not record.ran
    ]
    return table(["not run", "what", "why"], rows, texts=3) if rows else ""


def rates(study: FewshotData, pairs: Iterable[Pair]) -> str:
    """Return by how many points PCK at 5 px differs, of all noses, where both have it."""
    values = {
        name: record.metrics["pck@5px"].value
        for name, record in study.scored.items()
        if "pck@5px" in record.metrics
    }
    gaps = {pair.names: (values.get(pair.a), values.get(pair.b)) for pair in pairs}
    parts = [
        f"{code(a)} − {code(b)} {plus(100 * (first - second), 1)}"
        for (a, b), (first, second) in gaps.items()
        if first is not None and second is not None
    ]
    return ", ".join(parts)


def pseudo_labels(study: FewshotData) -> str:
    """Return how far the labels that the students learned from are from true ones; empty without any."""
    rows = [row for key, numbers in study.pseudo_labels.items() for row in _pseudo_label_rows(key, numbers)]
    header = ["pseudo-labels", "face set", "by", "crops", "points", "labels", *titles(LABELS)]
    return table(header, rows, texts=4) if rows else ""


def _line(name: str, study: FewshotData) -> list[str]:
    record = study.records[name]
    numbers = {metric: estimate.value for metric, estimate in record.metrics.items()}
    answered = 1 - record.missed / record.faces if record.faces else None
    recall = numbers.get("recall")
    counts = [formatted("crops", record.faces), formatted("detection", answered), formatted("recall", recall)]
    first, *rest = cells(numbers, ACCURACY)
    start = [
        code(name),
        what(name, study),
        escaped(record.boxes or "–"),
        str(record.seeds or 1),
        *counts,
        first,
        bounds(constant.PIXELS, record.metrics[constant.PIXELS]) or "–",
    ]
    return [*start, *rest, *cost.size(study.timed.get(study.row(name), {}))]


def _pseudo_label_rows(key: str, numbers: Numbers) -> list[list[str]]:
    """Return a line for all points, and one for those of which the head has seen no label, if there are any."""
    if numbers["status"] != "ok":
        return [
            [code(key), "–", "–", escaped(f"{numbers['status']}: {numbers['reason']}"), *["–"] * (2 + len(LABELS))]
        ]
    by = code(numbers["head"]) if numbers["source"] == "head" else "its true labels"
    rows = [[code(key), code(numbers["faces"]), by, "all", *_pseudo_label_cells(numbers)]]
    unseen = numbers.get("unseen") or {}
    return [*rows, ["", "", "", "unseen", *_pseudo_label_cells(unseen)]] if unseen.get("points") else rows


def _pseudo_label_cells(numbers: Numbers) -> list[str]:
    return [*(str(numbers.get(name, "–")) for name in ("points", "labels")), *cells(numbers, LABELS)]
