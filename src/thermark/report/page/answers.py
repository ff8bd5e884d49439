"""Who is best for a case, whether by a significant difference, and how fast it is, in sentences."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from thermark.report.page import words
from thermark.report.page.figures.cost import Speeds, cost
from thermark.report.page.order import found, given, of_all, partial
from thermark.report.results.comparisons import Matrix
from thermark.report.results.ranking import ranked
from thermark.report.results.record import Record, ResultSet

BOXES = {"any": "given or found", "given": "come with the picture", "found": "must be found"}
TRAINED = {"any": "anything", "other": "not on this data set", "rgb": "colour pictures only"}
CASES = tuple(product(BOXES, TRAINED))


def fits(record: Record, boxes: str, trained: str) -> bool:
    """Return whether a contestant is of a case."""
    if boxes != "any" and given(record) != (boxes == "given"):
        return False
    if trained == "rgb":
        return record.trained_on == "RGB"
    return trained == "any" or record.trained_on != "this set's train split"


def answer(results: ResultSet, boxes: str, trained: str, matrix: Matrix | None, speeds: Speeds) -> dict[str, str]:
    """Return the contestant of a case with the least error over all faces, and remarks on it, as sentences."""
    able = [
        record
        for record in ranked(results)
        if fits(record, boxes, trained)
        and not partial(results, record)
        and of_all(results, record).value is not None
        and found(record).value
    ]
    if not able:
        sentence = "No contestant that ran here fits this case and predicts all landmarks."
        return {"best": "", "found": sentence, "error": "", "real": "", "fast": ""}
    best, main = able[0], results.protocol.main
    error = words.with_interval(results, f"{main}_all", of_all(results, best))
    ends = "" if "interval" in error else f" (no interval: {words.no_interval(best, of_all(results, best))})"
    return {
        "best": best.contestant,
        "found": f"Finds {words.with_interval(results, 'found', found(best))} of the faces.",
        "error": f"Error over all faces {error}{ends}.",
        "real": real(best, able[1:], matrix),
        "fast": fast(best, speeds),
    }


def real(best: Record, others: Sequence[Record], matrix: Matrix | None) -> str:
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


def answers(results: ResultSet, matrix: Matrix | None, speeds: Speeds) -> dict[str, dict[str, Any]]:
    """Return `<boxes>/<trained>` -> the answer of each case."""
    return {f"{boxes}/{how}": answer(results, boxes, how, matrix, speeds) for boxes, how in CASES}
