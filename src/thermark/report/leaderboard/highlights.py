"""Which contestants are shown where not all have room: in the overview, the curves and the galleries."""

from collections.abc import Mapping, Sequence

from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.report.results.ranking import FLOOR as FLOOR

CURVES, ROWS = 7, 5  # beside the floor: nobody can distinguish more than eight curves


def leading(order: Sequence[str], kinds: Mapping[str, str], count: int) -> list[str]:
    """Return `count` of the contestants: the best of each kind and then the best of the others.

    `order` is from best to worst, `kinds` is the recipe or family of each.
    """
    leaders = _leaders(order, kinds)
    return [*leaders, *(name for name in order if name not in leaders)][:count]


def highlighted(order: Sequence[str], kinds: Mapping[str, str]) -> list[str]:
    """Return whose curves have a colour and a label: the leading seven, and the floor."""
    best = leading([name for name in order if name != FLOOR], kinds, CURVES)
    return [name for name in order if name in (*best, FLOOR)]


def pictured(order: Sequence[str], kinds: Mapping[str, str], reference: str) -> list[str]:
    """Return the contestants with a row in the galleries: the best of each kind, at most five.

    The `reference`, whose errors choose the faces, is always among them. Raises ConfigError for an unknown name.
    """
    if reference and reference not in order:
        cause = f"leaderboard.gallery_reference names the unknown contestant {reference!r}"
        raise ConfigError(cause, nearest(reference, sorted(order)))
    chosen = _leaders(order, kinds)[:ROWS]
    if reference and reference not in chosen:
        chosen = [*chosen[: ROWS - 1], reference]
    return chosen


def _leaders(order: Sequence[str], kinds: Mapping[str, str]) -> list[str]:
    """Return the best contestant of each kind; one without a kind stands for itself."""
    first: dict[str, str] = {}
    for name in order:
        first.setdefault(kinds.get(name, name), name)
    return list(first.values())
