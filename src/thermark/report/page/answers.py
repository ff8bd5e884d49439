"""Sentences: the best contestant for a case, whether by a significant difference, and how fast it is."""

from collections.abc import Sequence
from itertools import product

from thermark.report.page import words
from thermark.report.page.figures.cost import cost
from thermark.report.page.view import Speeds, View, given
from thermark.report.results.comparisons import Matrix
from thermark.report.results.estimates import estimate
from thermark.report.results.record import Record

BOXES = {"any": "given or found", "given": "come with the picture", "found": "must be found"}
TRAINED = {"any": "anything", "other": "not on this data set", "rgb": "colour pictures only"}


def answers(view: View) -> dict[str, dict[str, str]]:
    """Return `<boxes>/<trained>` -> the answer of each case."""
    return {f"{boxes}/{how}": answer(view, boxes, how) for boxes, how in product(BOXES, TRAINED)}


def answer(view: View, boxes: str, trained: str) -> dict[str, str]:
    """Return the contestant of a case with the least error over all faces, and remarks on it, as sentences."""
    able = [
        record
        for record in view.complete
        if _fits(record, boxes, trained)
        and view.error(record).value is not None
        and estimate(record, "found").value  # a contestant that finds no face is no answer
    ]
    if not able:
        sentence = "No contestant that ran here fits this case and predicts all landmarks."
        return {"best": "", "found": sentence, "error": "", "real": "", "fast": ""}
    best = able[0]
    error = words.with_interval(view.over_all, view.error(best))
    ends = "" if "interval" in error else f" (no interval: {words.no_interval(best, view.error(best))})"
    return {
        "best": best.contestant,
        "found": f"Finds {words.with_interval('found', estimate(best, 'found'))} of the faces.",
        "error": f"Error over all faces {error}{ends}.",
        "real": _real(best, able[1:], view.matrix),
        "fast": fast(best, view.speeds),
    }


def _fits(record: Record, boxes: str, trained: str) -> bool:
    if boxes != "any" and given(record) != (boxes == "given"):
        return False
    if trained == "rgb":
        return record.trained_on == "RGB"
    return trained == "any" or record.trained_on != "this set's train split"


def _real(best: Record, others: Sequence[Record], matrix: Matrix | None) -> str:
    """Return from which contestants the best of a case differs significantly, by the letters of the data set.

    Contestants with a letter do not differ from the best that has it; two others with it may differ.
    """
    if not others:
        return "No other contestant fits this case."
    if matrix is None or best.contestant not in matrix.groups:
        return "Unknown: nothing was compared on this data set."
    letter, first = matrix.groups[best.contestant], leader(matrix, best.contestant)
    letters = {other.contestant: matrix.groups.get(other.contestant, letter) for other in others}
    same = [name for name, other in letters.items() if other <= letter]
    rest = len(others) - len(same)
    if first != best.contestant:
        more = f" {rest} of the others are in later groups." if rest else ""
        return f"In group {letter}, like {first}, from which it does not differ significantly.{more}"
    if not same:
        return f"Differs significantly from {'the other one' if rest == 1 else f'all {rest} others'} of this case."
    more = f" It does from the other {rest}." if rest else ""
    return f"Does not differ significantly from {words.listed(same, 3)}.{more}"


def leader(matrix: Matrix, contestant: str) -> str:
    """Return the best of a contestant's group."""
    letter = matrix.groups[contestant]
    return next(name for name in matrix.contestants if matrix.groups.get(name) == letter)


def fast(record: Record, speeds: Speeds) -> str:
    """Return how fast and how large a contestant is, as far as that is known."""
    time, size = cost(record, "milliseconds", speeds), cost(record, "parameters", speeds)
    speed = "Not timed here" if time is None else f"{words.milliseconds(time)} ms a picture on one CPU"
    sizes = [f"{words.amount(size)} parameters"] if size else []
    sizes += [f"{words.amount(macs)} multiply-adds"] if (macs := record.exact.get("macs")) else []
    return f"{speed}; {' and '.join(sizes)}." if sizes else f"{speed}; its size is not counted."
