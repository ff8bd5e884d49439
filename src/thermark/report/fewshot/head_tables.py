"""Heads as tables: what each is, how far it is off, and what its decoder costs.

Errors in px of a crop and in px of a frame never share a table.
"""

from collections.abc import Sequence

from thermark.core.point_errors import PCK_LIMITS
from thermark.report.columns import cells, formatted, titles
from thermark.report.fewshot import constant
from thermark.report.fewshot.head import ALL, PUBLISHED, HeadResult, Numbers
from thermark.report.markdown import code, table
from thermark.report.number_format import plus

SPACES = {"crop": "px of the crop", "native": "px of the frame"}
ERRORS = ("mean", "median", *(f"pck@{limit}" for limit in PCK_LIMITS))
FACTS = ("head", "backbone", "labels of", "K", "parameters", "labels", "seeds", "epochs", "crops", "decoder")
DECODERS = {"argmax": "argmax", "dark": "DARK", "soft_argmax": "soft-argmax"}


def names(space: str, of: Sequence[str] = ERRORS) -> tuple[str, ...]:
    """Return the names of numbers in one space, `crop` or `native`."""
    return tuple(f"{space}_{name}" for name in of)


def mean(space: str, numbers: Numbers) -> str:
    """Return a mean error and the spread of it, which one seed does not have."""
    text = formatted(f"{space}_mean", numbers.get(f"{space}_mean"))
    spread = numbers.get(f"{space}_mean_spread")
    return text if spread is None else f"{text} ± {spread:.2f}"


def errors(space: str, numbers: Numbers) -> list[str]:
    """Return all errors of one space as printed."""
    return [mean(space, numbers), *cells(numbers, names(space, ERRORS[1:]))]


def facts(heads: Sequence[HeadResult]) -> str:
    """Return what each head is."""
    rows = []
    for head in heads:
        values = {name: str(value) for name, value in head.numbers.items()}
        val = f" + {values['labels_val']}" if head.numbers.get("labels_val") else ""
        count = f"{head.numbers['parameters']:,}" if "parameters" in values else "–"
        texts = [head.key, *(values.get(name, "–") for name in ("backbone", "vocabulary"))]
        numbers = [values.get("points", "–"), count, f"{values.get('labels', '–')}{val}", str(head.seeds)]
        ends = [values.get("epochs", "–"), *(code(values.get(name, "–")) for name in ("crops", "decode"))]
        rows.append([*map(code, texts), *numbers, *ends])
    return table(FACTS, rows, texts=3)


def listed(heads: Sequence[HeadResult], space: str) -> str:
    """Return a line a head and scope, one where both scopes are the same crops; and one of the constant."""
    rows = []
    for head in heads:
        scopes = {scope: numbers for scope in (PUBLISHED, ALL) if (numbers := head.tested(scope))}
        if len({numbers["crops"] for numbers in scopes.values()}) == 1:
            scopes = dict(list(scopes.items())[-1:])
        for place, (scope, numbers) in enumerate(scopes.items()):
            drawn = "published" if head.of_the_post else f"{numbers['crops']:.0f} drawn by hash"
            start = ["" if place else code(head.key), drawn if scope == PUBLISHED else "all"]
            rows.append([*start, formatted("crops", numbers["crops"]), *errors(space, numbers)])
    if numbers := constant.of(heads):
        rows.append(
            [f"*{constant.TITLE}*", "all", formatted("crops", numbers.get("crops")), *cells(numbers, names(space))]
        )
    return table(["head", "test", "crops", *titles(names(space))], rows, texts=2)


def decoded(heads: Sequence[HeadResult], space: str) -> str:
    """Return a line a head and decoder, and one of what quantisation alone costs."""
    rows = []
    for head in heads:
        decoders = head.numbers["decoders"]
        lines = [
            ["", title, *errors(space, decoders[method])]
            for method, title in DECODERS.items()
            if method in decoders
        ]
        if alone := head.numbers.get("quantisation"):
            lines.append(["", "*quantisation alone*", *cells(alone, names(space))])
        rows += [[code(head.key) if not place else "", *line[1:]] for place, line in enumerate(lines)]
    return table(["head", "decoder", *titles(names(space))], rows, texts=2)


def gain(head: HeadResult) -> str:
    """Return what sub-pixel decoders change in the mean of a head, in px of the frame, or nothing."""
    means = {method: numbers.get("native_mean") for method, numbers in head.numbers["decoders"].items()}
    base = means.pop("argmax", None)
    others = [
        f"{plus(means[method] - base)} with {DECODERS[method]}"
        for method in DECODERS
        if base is not None and means.get(method) is not None
    ]
    if not others:
        return ""
    alone = (head.numbers.get("quantisation") or {}).get("native_mean")
    alone_text = "" if alone is None else f"; quantisation alone: {formatted('native_mean', alone)}"
    start = f"{code(head.key)}: mean error {formatted('native_mean', base)} px of the frame with argmax"
    return f"{start}; {', '.join(others)}{alone_text}."
