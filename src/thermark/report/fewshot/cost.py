"""What students cost beside a large backbone: 10 x smaller and 30 x faster, judged of size and speed alone."""

import math
from collections.abc import Mapping

from thermark.report.fewshot import constant
from thermark.report.fewshot.fewshot_data import FewshotData, base
from thermark.report.fewshot.head import Numbers
from thermark.report.markdown import code, escaped, table
from thermark.report.results import printed

SMALLER, FASTER = 10.0, 30.0
TRUE, BF16 = "true of size and speed", "true of size and speed with bf16 alone"
FALSE, UNKNOWN = "false of size and speed", "not measured of size and speed"
MACHINE = {"cpu": "{}", "cores": "cores: {}", "threads": "threads: {}", "torch": "torch {}"}
MACHINE |= {"precision": "precision: {}", "batch": "batch {}", "repeats": "repeats: {}"}
RATIOS = {
    "times_smaller": "times smaller",
    "times_faster_fp32": "times faster in fp32",
    "times_faster_bf16": "times faster in bf16",
}
HEADER = ["network", "input", "parameters", "GMACs", "fp32, ms", "bf16, ms"]
HEADER += ["times smaller", "times faster, fp32", "times faster, bf16", "the claim"]


def ordered(study: FewshotData) -> list[str]:
    """Return the rows of the timings: the large one, then heads, students and controls, then the rest."""
    order = list(dict.fromkeys([study.config.large, *map(study.row, study.records)]))
    places = {row: place for place, row in enumerate(order)}
    return sorted(study.timed, key=lambda row: (places.get(base(row), len(order)), row))


def judged(study: FewshotData) -> dict[str, str]:
    """Return the verdict on the rows that the claim may be true of: students, also at the large one's input."""
    rows = {study.row(name) for name in study.of("student")}
    return {name: verdict(study.timed[name]) for name in ordered(study) if base(name) in rows}


def verdict(row: Numbers) -> str:
    """Return whether a network is 10 x smaller and 30 x faster than the large backbone."""
    smaller, plain, low = map(row.get, RATIOS)
    if smaller is None or (plain is None and low is None):
        return UNKNOWN
    if smaller >= SMALLER and plain is not None and plain >= FASTER:
        return TRUE
    if smaller >= SMALLER and low is not None and low >= FASTER:
        return BF16
    return FALSE if plain is not None or smaller < SMALLER else UNKNOWN


def claims(study: FewshotData) -> list[str]:
    """Return the verdict on the claim for each network, with its numbers, its input and its accuracy."""
    verdicts = judged(study)
    sentences = [
        f"{code(row)}: **{verdicts[row]}**{_because(study.timed[row])}. {_beside(row, study)}." for row in verdicts
    ]
    rows = dict.fromkeys(map(study.row, study.of("student")))
    elsewhere = "not measured for this profile: `make speed`"
    return sentences + [f"{code(row)}: {elsewhere}." for row in rows if row not in study.timed]


def size(row: Numbers) -> list[str]:
    """Return parameters, GMACs and ms of a network, as far as they were measured."""
    count, gmacs = row.get("parameters"), row.get("gmacs")
    counts = ["–" if count is None else f"{count:,}", "–" if gmacs is None else f"{gmacs:.3g}"]
    return [*counts, _ms(row.get("fp32_ms"))]


def listed(study: FewshotData) -> str:
    """Return all that was timed as a table."""
    verdicts = judged(study)
    rows = []
    for name in ordered(study):
        row = study.timed[name]
        times = [_between(row, kind) for kind in ("fp32", "bf16")]
        ratios = [_cut(row.get(ratio)) for ratio in RATIOS]
        rows.append([code(name), _input(row) or "–", *size(row)[:2], *times, *ratios, verdicts.get(name, "–")])
    return table(HEADER, rows, texts=2)


def notes(study: FewshotData) -> list[str]:
    """Return what must be said of a timing."""
    by_row = {name: study.timed[name].get("note") for name in ordered(study)}
    return [f"{code(name)}: {escaped(str(note))}." for name, note in by_row.items() if note]


def machine(facts: Mapping[str, object]) -> str:
    """Return on what was timed."""
    words = {key: " and ".join(value) if isinstance(value, list) else str(value) for key, value in facts.items()}
    return f"Timed on {', '.join(MACHINE[key].format(escaped(words[key])) for key in MACHINE if key in words)}."


def _beside(row: str, study: FewshotData) -> str:
    """Return the accuracy, as far as known, of the students with this network."""
    if row != base(row):
        return "Accuracy: not measured at this size, for which it was not trained"
    names = [name for name in study.of("student") if study.row(name) == row]
    return ". ".join(f"Accuracy of {code(name)}: {_accuracy(name, study)}" for name in names)


def _accuracy(name: str, study: FewshotData) -> str:
    """Return one student against all with whom it is compared, and against the constant."""
    if name not in study.scored:
        return "it did not run here"
    pairs = (pair for family in study.families for pair in family.pairs if pair.a == name)
    parts = [f"against {code(pair.b)} {printed.sentence(pair, constant.PIXELS)}" for pair in pairs]
    if verdict := constant.contestants(study).get(name):
        parts.append(f"against {constant.TITLE}: {verdict}")
    return "; ".join(parts) or "not compared"


def _because(row: Numbers) -> str:
    numbers = [f"{_cut(row[name])} {words}" for name, words in RATIOS.items() if row.get(name) is not None]
    place = f", at {_input(row)}" if row.get("input") else ""
    return f", {', '.join(numbers)}{place}" if numbers else ""


def _input(row: Numbers) -> str:
    """Return the size of a square input, of which one side in px is known."""
    side = row.get("input")
    return "" if side is None else f"{side} x {side} px"


def _between(row: Numbers, kind: str) -> str:
    middle, low, high = (row.get(f"{kind}_ms{end}") for end in ("", "_low", "_high"))
    return _ms(middle) if low is None or high is None else f"{_ms(middle)} ({_ms(low)}–{_ms(high)})"


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cut(value: float | None) -> str:
    """Return a ratio with one digit, cut so that 29.97 never reads as the 30 that it is not."""
    return "–" if value is None else f"{math.floor(10 * value + 1e-9) / 10:.1f}"
