"""Whether labels mean what a loader takes them for: whose side is which, in which pixels, of whom, how many.

For data sets whose conventions are partly inferred: where labels contradict them, nothing should be scored.
"""

import numpy as np
from numpy.typing import NDArray

from thermark.datasets.checks.sanity import sides_exchanged
from thermark.datasets.readers import entries
from thermark.datasets.readers.loaded import Check, warn_unless

MOST = 0.5  # of all faces, that may contradict a convention before it is taken for wrong
FEW = 0.02  # that heads in a picture usually explain


def sides(xy: NDArray[np.floating], eyes: tuple[int, int]) -> Check:
    """Return whether the subject's right eye is left of the left one in points (N, K, 2), as on upright faces."""
    labelled = np.isfinite(xy[:, list(eyes), 0]).all(axis=1)
    wrong = int(sides_exchanged(xy[labelled], eyes).sum())
    found = f"exchanged in {wrong:,} of {labelled.sum():,} faces"
    return _check("sides", "the subject's right is left in the picture", found, wrong, int(labelled.sum()))


def inside(xy: NDArray[np.floating], boxes: NDArray[np.floating]) -> Check:
    """Return whether labelled coordinates (N, K, 2) are within their boxes (N, 4), as in one and the same unit."""
    labelled = int(np.isfinite(xy).sum())
    outside = round((1 - entries.inside(xy, boxes)) * labelled)
    found = f"{outside:,} of {labelled:,} coordinates outside"
    return _check("labels in boxes", "points lie in the box of their face", found, outside, labelled, few=0.1)


def people(moved: int, groups: int) -> Check:
    """Return whether the published parts keep people apart; `moved`: of `groups`, those that are in two."""
    expected, found = "nobody in two parts", f"{moved:,} of {groups:,} groups in two parts"
    remedy = "they were moved to the stricter part: scores are not those of the published parts"
    return warn_unless(not moved, "published parts", expected, found, remedy)


def counts(found: dict[str, int], published: list[dict[str, int]]) -> Check:
    """Return whether what was found is as many as in one of the published releases."""
    expected = " or ".join(map(_listed, published))
    remedy = "files are missing, or the release is another"
    return warn_unless(found in published, "published counts", expected, _listed(found), remedy)


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in numbers.items())


def _check(name: str, expected: str, found: str, wrong: int, total: int, few: float = FEW) -> Check:
    if wrong > MOST * total:
        return Check(
            name, expected, found, "failed", "the labels are not as the loader takes them: see its docstring"
        )
    if wrong > few * total:
        return Check(name, expected, found, "warning", "look at some of these faces")
    return Check(name, expected, found, "ok")
