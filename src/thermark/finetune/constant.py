"""Who does better than an answer that looks at nothing: always the mean place of the training labels."""

from collections.abc import Mapping, Sequence

from thermark.finetune.groups import of_the_post
from thermark.finetune.inputs import Head, Numbers
from thermark.report.markdown import code

TITLE = "the mean place of the training labels"
WORDS = ("mean", "median")
Pair = tuple[float | None, float | None]


def of(heads: Sequence[Head]) -> Numbers:
    """Return the numbers of the constant in the crops of a group of heads, empty where nobody told."""
    return next((own for head in heads if (own := head.numbers.get("constant") or {})), {})


def of_noses(heads: Sequence[Head], points: int = 1) -> Numbers:
    """Return the constant for the noses of the post's crops, which are also those in labelled boxes."""
    return of([head for head in heads if of_the_post(head) and head.numbers.get("points") == points])


def pair(numbers: Numbers, names: tuple[str, str] = ("native_mean", "native_median")) -> Pair:
    """Return mean and median error in px of the frame."""
    first, second = names
    return numbers.get(first), numbers.get(second)


def unbeaten(errors: Mapping[str, Pair], constant: Numbers) -> str:
    """Return in words who is not better than the constant in mean and in median, nothing where all are."""
    said = []
    for word, place, limit in zip(WORDS, (0, 1), pair(constant), strict=True):
        lost = [code(name) for name, own in errors.items() if not _better(own[place], limit)]
        if lost:
            said.append(f"Not better than *{TITLE}* in the {word}, in px of the frame: {', '.join(lost)}.")
    return " ".join(said)


def beside(own: Pair, constant: Numbers) -> str:
    """Return in words whether one contestant beats the constant, nothing where that is not known."""
    limits = pair(constant)
    if None in own or None in limits:
        return ""
    mean, median = (_better(each, limit) for each, limit in zip(own, limits, strict=True))
    if mean == median:
        return f"it beats {TITLE} {'in the mean and in the median' if mean else 'neither in mean nor in median'}"
    return f"it beats {TITLE} in the {WORDS[median]}, not in the {WORDS[mean]}"


def _better(own: float | None, limit: float | None) -> bool:
    """Return whether an error is below a limit; without one of them there is nothing to beat."""
    return own is None or limit is None or own < limit
