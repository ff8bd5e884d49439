"""Heads as Markdown: what each is, how far it is off, and what the way of reading its maps costs."""

from collections.abc import Sequence

from thermark.bakeoff.showing import cells, shown, titles
from thermark.finetune import constant
from thermark.finetune.groups import groups, name, of_the_post, scope, told
from thermark.finetune.inputs import ALL, PUBLISHED, Head, Numbers, Study
from thermark.report.markdown import code, escaped, table

# Errors in px of a crop and in px of a frame never share a table.
SPACES = {"crop": "px of the crop", "native": "px of the frame"}
ERRORS = ("mean", "median", "pck@3", "pck@5", "pck@10", "pck@20")
FACTS = ("head", "backbone", "labels of", "K", "parameters", "labels", "seeds", "epochs", "crops", "read by")
SCOPES = (PUBLISHED, ALL)
DECODERS = {"argmax": "argmax", "dark": "DARK", "soft_argmax": "soft-argmax"}
NO_HEAD = "No head ran."

PIXELS = (
    "A crop is resized to the side of its set, in the post's geometry by other factors in x and in y, so that a "
    "px of it is another length for every person and in every set; px of the frame are the camera's. The two are "
    "told apart everywhere, and heads of one crop set compare in px of the frame; those of two sets have seen "
    "other pictures. PCK counts a miss as a failure."
)
SPREAD = "± is the standard deviation over seeds: of the start and the order of training, with the same labels."
SAME_MAPS = (
    "The same heads on all test crops, their maps read in several ways: the cell of the maximum (as in the post), "
    "DARK's sub-cell step from there, or the mean under a softmax around it. *Quantisation alone* is a perfect "
    "map read by its maximum: true points moved to the nearest cell. It is no part that could be subtracted, as "
    "errors of different directions do not add up."
)


def names(space: str, of: Sequence[str] = ERRORS) -> tuple[str, ...]:
    """Return the names of numbers in one space, `crop` or `native`."""
    return tuple(f"{space}_{each}" for each in of)


def glance(study: Study) -> str:
    """Return all heads with what they are, their errors in either space apart, and why some did not run."""
    ran = study.ran
    facts = table(FACTS, [_facts(head) for head in ran], texts=3) if ran else NO_HEAD
    idle = [[code(head.key), escaped(head.reason)] for head in study.heads if not head.ran]
    idle += [[code(name), escaped(str(own.get("reason", "")))] for name, own in study.unplanned.items()]
    parts = ["## The heads at a glance", facts, *([table(["not run", "why"], idle, texts=2)] if idle else [])]
    if not ran:
        return "\n\n".join(parts)
    several = any(head.seeds > 1 for head in ran)
    parts += [_scopes(study), f"{PIXELS} {SPREAD}" if several else PIXELS]
    parts += [missed] if (missed := _missed(ran)) else []
    for own in groups(ran):
        parts += [f"### Errors of {told(own[0])}", *_compared(own)]
        for space, said in SPACES.items():
            parts += [f"#### Errors of {name(own[0])} in {said}", _errors(own, space)]
    return "\n\n".join(parts)


def decoders(study: Study) -> str:
    """Return each way of reading the maps in either space, and what quantisation alone costs."""
    parts = ["## Reading the maps"]
    read = [head for head in study.ran if head.numbers.get("decoders")]
    if not read:
        return "\n\n".join([*parts, NO_HEAD])
    parts += [SAME_MAPS, *filter(None, ["\n".join(_gains(read))])]
    for own in groups(read):
        parts += [f"### Decoders of {told(own[0])}"]
        for space, said in SPACES.items():
            rows = [row for head in own for row in _decoded(head, space)]
            header = ["head", "read by", *titles(names(space))]
            parts += [f"#### Decoders of {name(own[0])} in {said}", table(header, rows, texts=2)]
    return "\n\n".join(parts)


def mean(space: str, numbers: Numbers) -> str:
    """Return a mean error and the spread of it, which one seed does not have."""
    text = shown(f"{space}_mean", numbers.get(f"{space}_mean"))
    spread = numbers.get(f"{space}_mean_spread")
    return text if spread is None else f"{text} ± {spread:.2f}"


def _facts(head: Head) -> list[str]:
    own = head.numbers
    val = f" + {own['labels_val']}" if own.get("labels_val") else ""
    parameters = f"{own['parameters']:,}" if "parameters" in own else "–"
    words = (code(str(own.get(each, "–"))) for each in ("backbone", "vocabulary"))
    counts = (
        str(own.get("points", "–")),
        parameters,
        f"{own.get('labels', '–')}{val}",
        str(head.seeds),
        str(own.get("epochs", "–")),
    )
    return [code(head.key), *words, *counts, *(code(str(own.get(each, "–"))) for each in ("crops", "decode"))]


def _scopes(study: Study) -> str:
    said = (
        "*labels* are those that these heads learn from, and after them those that choose the epoch. *all*: every "
        "test crop."
    )
    tested = [head for head in study.ran if head.tested(PUBLISHED)]
    if any(map(of_the_post, tested)):
        said += (
            " *published*: the post's split, drawn as it draws it, of up to as many crops; *all* are then "
            "those of annotations\\_2."
        )
    if not all(map(of_the_post, tested)):
        said += " *Drawn by hash*: no published split, but up to as many crops as the post's, chosen by their ids."
    if len({head.numbers.get("points") for head in study.ran}) > 1:
        said += " Heads of different K learn different points: their errors are not errors of one thing."
    return said


def _compared(heads: Sequence[Head]) -> list[str]:
    """Return how each stands to the constant of their crops, on all of these."""
    means = {head.key: constant.of_head(head, head.tested(ALL)) for head in heads}
    said = constant.standing(means, constant.of(heads), "over seeds, of these crops")
    return [said] if said else []


def _errors(heads: Sequence[Head], space: str) -> str:
    """Return a line a head and scope, one where both scopes are the same crops; and one of the constant."""
    rows = []
    for head in heads:
        scopes = {each: own for each in SCOPES if (own := head.tested(each))}
        if len({own["crops"] for own in scopes.values()}) == 1:
            scopes = dict(list(scopes.items())[-1:])
        for place, (which, own) in enumerate(scopes.items()):
            rest = cells(own, names(space, ERRORS[1:]))
            start = [
                "" if place else code(head.key),
                scope(head, which, own["crops"]),
                shown("crops", own["crops"]),
            ]
            rows.append([*start, mean(space, own), *rest])
    if own := constant.of(heads):
        rows.append([f"*{constant.TITLE}*", "all", shown("crops", own.get("crops")), *cells(own, names(space))])
    return table(["head", "test", "crops", *titles(names(space))], rows, texts=2)


def _missed(heads: Sequence[Head]) -> str:
    """Return who did not answer everywhere, which its means do not show."""
    said = [
        f"{code(head.key)} has no answer for {head.tested(ALL)['missed']:g} points"
        for head in heads
        if head.tested(ALL).get("missed")
    ]
    return f"Not in the means: {'; '.join(said)}." if said else ""


def _decoded(head: Head, space: str) -> list[list[str]]:
    made = head.numbers["decoders"]
    rows = [
        ["", said, mean(space, made[method]), *cells(made[method], names(space, ERRORS[1:]))]
        for method, said in DECODERS.items()
        if method in made
    ]
    alone = head.numbers.get("quantisation") or {}
    if alone:
        rows.append(["", "*quantisation alone*", *cells(alone, names(space))])
    if rows:
        rows[0][0] = code(head.key)
    return rows


def _gains(heads: Sequence[Head]) -> list[str]:
    """Return what reading between the cells changes in the mean, in px of the frame."""
    said = []
    for head in heads:
        means = {method: own.get("native_mean") for method, own in head.numbers["decoders"].items()}
        base = means.pop("argmax", None)
        others = [
            f"{_signed(means[method] - base)} with {DECODERS[method]}"
            for method in DECODERS
            if base is not None and means.get(method) is not None
        ]
        if others:
            start = (
                f"- {code(head.key)}: the mean of argmax, {shown('native_mean', base)} px of the frame, is moved"
            )
            said.append(f"{start} by {' and by '.join(others)}{_alone(head)}.")
    return said


def _alone(head: Head) -> str:
    alone = (head.numbers.get("quantisation") or {}).get("native_mean")
    return "" if alone is None else f"; quantisation alone is {shown('native_mean', alone)}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
