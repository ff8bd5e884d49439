"""Which comparisons of runs answer a question: by recipes, sizes and teachers, not by the names of runs."""

from collections.abc import Mapping
from typing import Any

from thermark.report.distillation.distillation_data import studied

NETWORK = ("size", "vocabulary")
Runs = Mapping[str, Mapping[str, Any]]


def of_runs(content: dict) -> set[tuple[str, str]]:
    """Return the pairs of contestants of a profile that say whether a way of training helps.

    Distilled networks against labels alone, and where they began with a teacher's weights also against labels from
    there; MCL against conventional distillation from the teacher of its teacher; variants of KTL against the whole
    of it.
    """
    runs, above = studied(content["contestants"], content["runs"], content["converted"]), content["runs"]
    chosen = whole(runs)
    return {
        (a, b)
        for a, run in runs.items()
        for b, other in runs.items()
        if alike(run, other, NETWORK) and asked(run, other, a in chosen, b in chosen, above)
    }


def asked(own: Mapping, other: Mapping, whole_a: bool, whole_b: bool, above: Runs) -> bool:
    same = own.get("teacher") == other.get("teacher")
    top = above.get(str(own.get("teacher")), {}).get("teacher")
    return {
        ("kd", "supervised"): True,
        ("mcl", "supervised"): True,
        ("ktl", "supervised"): whole_a,
        ("ktl", "tuned"): whole_a and same,
        ("tuned", "supervised"): True,
        ("mcl", "kd"): whole_a and whole_b and top == other.get("teacher"),
        ("ktl", "ktl"): same and whole_b and not whole_a,
    }.get((own.get("recipe"), other.get("recipe")), False)


def whole(runs: Runs) -> set[str]:
    """Return of all variants of one method, size and teacher the one with the fewest terms turned off."""
    names: dict[tuple, str] = {}
    for name, run in runs.items():
        method = tuple(run.get(each) for each in ("recipe", "teacher", *NETWORK))
        if method not in names or off(run) < off(runs[names[method]]):
            names[method] = name
    return set(names.values())


def off(own: Mapping[str, Any]) -> int:
    return sum(not weight for weight in (own.get("lambdas") or {}).values())


def alike(own: Mapping, other: Mapping, names: tuple[str, ...]) -> bool:
    return all(own.get(name) == other.get(name) for name in names)


def of_students(content: dict) -> set[tuple[str, str]]:
    """Return each student with its head, with each control and with the large head, where boxes are the same."""
    section, pseudo_labels, contestants = content["fewshot"], content["pseudo_labels"], content["contestants"]
    sources = {name: pseudo_labels[key] for name, key in section.get("students", {}).items()}
    controls = [name for name, config in sources.items() if config.get("source") == "true"]
    large = [name for name, row in section.get("networks", {}).items() if row == "sapiens2_04b+head"]
    large += ["head_sapiens2_04b"] if "head_sapiens2_04b" in section.get("contestants", ()) else []
    return {
        (name, other)
        for name, config in sources.items()
        if name not in controls
        for other in (config["head"], *controls, *large)
        if contestants[name]["given"] == contestants[other]["given"]
    }
