"""What students cost beside a large backbone: 10 x smaller and 30 x faster, judged of size and speed alone."""

import math
from collections.abc import Mapping, Sequence

from thermark.finetune import compare, constant
from thermark.finetune.compare import Comparison
from thermark.finetune.inputs import Numbers, Study, base
from thermark.finetune.roles import Roles, ran
from thermark.report.markdown import code, escaped, table

SMALLER, FASTER = 10.0, 30.0
TRUE, BF16 = "true of size and speed", "true of size and speed with bf16 alone"
FALSE, UNKNOWN = "false of size and speed", "not measured of size and speed"
MACHINE = {
    "cpu": "{}",
    "cores": "cores: {}",
    "threads": "threads: {}",
    "torch": "torch {}",
    "precision": "precision: {}",
    "batch": "batch {}",
    "repeats": "repeats: {}",
}
RATIOS = (
    "*Times smaller* is of parameters, *times faster* of times in the same precision. Times are medians and "
    "quartiles. Other machines have other times, and perhaps another ratio."
)
NO_SPEED = "Nothing was timed here: `make speed` does it, and writes what this section shows."
ELSEWHERE = "not measured for this profile: `make speed`"
NOT_LEARNED = "no accuracy at this size, which it was not trained for"
NO_LARGE = "the 0.4B head did not run here, so its accuracy is not compared"


def section(study: Study, roles: Roles, made: Sequence[Comparison]) -> str:
    """Return size and speed of all networks, and the verdict on each student's with its accuracy beside."""
    parts = ["### 10 times smaller, 30 times faster?"]
    if not study.speed.get("rows"):
        return "\n\n".join([*parts, NO_SPEED])
    tried, timed = judged(study, roles), study.timed
    rows = [_timed(name, timed[name], name in tried) for name in _ordered(study, roles)]
    header = ["network", "input", "parameters", "GMACs", "fp32, ms", "bf16, ms"]
    header += ["times smaller", "times faster, fp32", "times faster, bf16", "the claim"]
    notes = [
        f"{code(name)}: {escaped(str(timed[name]['note']))}."
        for name in _ordered(study, roles)
        if timed[name].get("note")
    ]
    said = f"{_machine(study.speed.get('machine', {}))} {RATIOS}"
    return "\n\n".join([*parts, _answer(tried, study, roles, made), said, table(header, rows, texts=2), *notes])


def judged(study: Study, roles: Roles) -> list[str]:
    """Return the rows that the claim may be true of: students, and the same networks at the large one's input."""
    rows = {roles.row(name) for name in roles.of("student", list(study.contestants))}
    return [name for name in _ordered(study, roles) if base(name) in rows]


def verdict(row: Numbers) -> str:
    """Return whether a network is 10 x smaller and 30 x faster than the large backbone."""
    smaller, plain, low = (row.get(name) for name in ("times_smaller", "times_faster_fp32", "times_faster_bf16"))
    if smaller is None or (plain is None and low is None):
        return UNKNOWN
    if smaller >= SMALLER and plain is not None and plain >= FASTER:
        return TRUE
    if smaller >= SMALLER and low is not None and low >= FASTER:
        return BF16
    return FALSE if plain is not None or smaller < SMALLER else UNKNOWN


def size(row: Numbers) -> list[str]:
    """Return parameters, GMACs and ms of a network, as far as they were measured."""
    count, gmacs = row.get("parameters"), row.get("gmacs")
    return [
        "–" if count is None else f"{count:,}",
        "–" if gmacs is None else f"{gmacs:.3g}",
        _ms(row.get("fp32_ms")),
    ]


def _ordered(study: Study, roles: Roles) -> list[str]:
    """Return the rows of the timings: the large one, then heads, students and controls, then the rest."""
    names = [name for kind in ("head", "student", "control") for name in roles.of(kind, list(study.contestants))]
    places: dict[str, int] = {}
    for place, row in enumerate([roles.large, *map(roles.row, names)]):
        places.setdefault(row, place)
    return sorted(study.timed, key=lambda row: (places.get(base(row), len(names) + 1), row))


def _answer(tried: Sequence[str], study: Study, roles: Roles, made: Sequence[Comparison]) -> str:
    """Return the verdict on the claim for each network, with its numbers, its input and its accuracy."""
    timed = study.timed
    said = [
        f"- {code(row)}: **{verdict(timed[row])}**{_because(timed[row])}. {_beside(row, study, roles, made)}."
        for row in tried
    ]
    rows = dict.fromkeys(map(roles.row, roles.of("student", list(study.contestants))))
    said += [f"- {code(row)}: {ELSEWHERE}." for row in rows if row not in timed]
    start = f"Size and speed against {code(roles.large)}, each at its own input; of accuracy they say nothing:"
    return "\n".join([start, "", *said]) if said else "No student was timed."


def _beside(row: str, study: Study, roles: Roles, made: Sequence[Comparison]) -> str:
    """Return what is known of the accuracy of those who have this network."""
    if row != base(row):
        return f"Accuracy: {NOT_LEARNED}"
    names = [name for name in roles.of("student", list(study.contestants)) if roles.row(name) == row]
    said = [f"Accuracy of {code(name)}: {_accuracy(name, study, roles, made)}" for name in names]
    return ". ".join(said)


def _accuracy(name: str, study: Study, roles: Roles, made: Sequence[Comparison]) -> str:
    """Return one student against its head, against the constant, and against the head on the large backbone."""
    there = ran(study, roles)
    if name not in there:
        return "it did not run here"
    head = roles.head(name)
    own = {each.group: each for each in made if each.a == name}
    if compare.HEAD in own:
        said = [f"against its head {code(head)} {compare.told(own[compare.HEAD])}"]
    else:
        change = "other boxes than those of its head" if head in there else "its head did not run here"
        said = [f"not compared with {code(head)}, {change}" if head else change]
    summary = study.contestants[name]
    if summary.get("boxes") == "labelled":
        found = constant.verdict(constant.of_contestant(summary), constant.of_noses(study.ran))
        said += [f"against {constant.TITLE}: {found}" if found else ""]
    large = [each for each in roles.of("head", there) if roles.row(each) == roles.large]
    if compare.LARGE in own:
        said += [f"against {code(own[compare.LARGE].b)} {compare.told(own[compare.LARGE])}"]
    return "; ".join(filter(None, [*said, "" if large else NO_LARGE]))


def _because(row: Numbers) -> str:
    numbers = [
        f"{_cut(row[name])} times {words}"
        for name, words in (
            ("times_smaller", "smaller"),
            ("times_faster_fp32", "faster in fp32"),
            ("times_faster_bf16", "faster in bf16"),
        )
        if row.get(name) is not None
    ]
    place = f", at {_input(row)}" if row.get("input") else ""
    return f", {', '.join(numbers)}{place}" if numbers else ""


def _timed(name: str, row: Numbers, tried: bool) -> list[str]:
    ratios = [_cut(row.get(each)) for each in ("times_smaller", "times_faster_fp32", "times_faster_bf16")]
    parameters, gmacs, _ = size(row)
    times = [_between(row, kind) for kind in ("fp32", "bf16")]
    return [code(name), _input(row), parameters, gmacs, *times, *ratios, verdict(row) if tried else "–"]


def _input(row: Numbers) -> str:
    """Return the size of a square input, of which one side in px is known."""
    side = row.get("input")
    return "–" if side is None else f"{side} x {side} px"


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


def _machine(machine: Mapping[str, object]) -> str:
    words = {key: " and ".join(each) if isinstance(each, list) else str(each) for key, each in machine.items()}
    said = [MACHINE[key].format(escaped(words[key])) for key in MACHINE if key in words]
    return f"Timed on {', '.join(said)}." if said else "The machine was not told."
