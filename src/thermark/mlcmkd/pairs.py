"""Which two runs answer a question: by their recipes, sizes and teachers, never by the spelling of their names."""

from collections.abc import Mapping, Sequence
from typing import Any

LABELS_ALONE, SAME_START = "labels alone", "labels alone, same start"
# What is compared, in the order of the tables; the first two are the question.
GROUPS = {
    LABELS_ALONE: "Distilled, against the same network trained on labels alone",
    SAME_START: "Distilled, against labels alone from the same start",
    "start": "The start alone: labels from the teacher's weights, against labels from random ones",
    "conventional": "MCL, against conventional distillation",
    "ablation": "Ablations (reverse injection alone, forward alone, neither, ...), against the whole of KTL",
}
NETWORK = ("size", "vocabulary")
Runs = Mapping[str, Mapping[str, Any]]


def pairs(runs: Runs, teachers: Runs) -> list[tuple[str, str, str]]:
    """Return (group, a, b) for all pairs of `runs` that answer a question.

    Distilled networks are compared with those of their size that learned from labels alone, and where they began
    with a teacher's weights also with those that did, too; MCL with conventional distillation from the teacher of
    its teacher; variants of KTL with the whole of it. `teachers` are the sections of all that may teach.
    """
    chosen = whole(runs)
    made = [
        (group, a, b)
        for a, own in runs.items()
        for b, other in runs.items()
        if (group := _question(own, other, a in chosen, b in chosen, teachers)) and _alike(own, other)
    ]
    order = list(GROUPS)
    return sorted(made, key=lambda each: order.index(each[0]))


def whole(runs: Runs) -> set[str]:
    """Return of all variants of one method, of one size and teacher, the one with the fewest terms turned off.

    Of equals the one declared first.
    """
    found: dict[tuple[Any, ...], str] = {}
    for name, own in runs.items():
        method = tuple(own.get(each) for each in ("recipe", "teacher", *NETWORK))
        if method not in found or _off(own) < _off(runs[found[method]]):
            found[method] = name
    return set(found.values())


def _question(
    own: Mapping[str, Any], other: Mapping[str, Any], whole_a: bool, whole_b: bool, teachers: Runs
) -> str:
    """Return what a comparison of two runs is about, nothing where it is about nothing."""
    which = (own.get("recipe"), other.get("recipe"))
    same = own.get("teacher") == other.get("teacher")
    above = teachers.get(str(own.get("teacher")), {}).get("teacher")
    asked = {
        ("kd", "supervised"): LABELS_ALONE,
        ("mcl", "supervised"): LABELS_ALONE,
        ("ktl", "supervised"): LABELS_ALONE if whole_a else "",
        ("ktl", "tuned"): SAME_START if whole_a and same else "",
        ("tuned", "supervised"): "start",
        ("mcl", "kd"): "conventional" if whole_a and whole_b and above == other.get("teacher") else "",
        ("ktl", "ktl"): "ablation" if same and whole_b and not whole_a else "",
    }
    return asked.get(which, "")  # type: ignore[arg-type]


def _alike(own: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(own.get(name) == other.get(name) for name in NETWORK)


def _off(own: Mapping[str, Any]) -> int:
    """Return how many terms of the loss are turned off."""
    return sum(not weight for weight in (own.get("lambdas") or {}).values())


def panels(runs: Runs, drawn: Sequence[str]) -> dict[str, list[str]]:
    """Return runs by panel of a figure: one a recipe, and for KTL, which has variants, one a size."""
    found: dict[str, list[str]] = {}
    for name in drawn:
        recipe, size = (str(runs[name].get(each)) for each in ("recipe", "size"))
        found.setdefault(f"{recipe} {size}" if recipe == "ktl" else recipe, []).append(name)
    return found
