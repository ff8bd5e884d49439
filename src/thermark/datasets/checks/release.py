"""What is published of ThermEval-D's annotation files, against what was loaded."""

from collections.abc import Sequence

from thermark.datasets.readers.loaded import Check, warn_unless

FRAMES = (510, 538)  # of each annotation file; posts and paper count 1,049 in all


def annotated(first: int, second: int) -> Check:
    """Return the check of how many frames each file annotates; the counts, or one more, are as published."""
    expected = f"{FRAMES[0]} and {FRAMES[1]}, {sum(FRAMES):,} or one more"
    found = f"{first:,} in annotations_1 and {second:,} in annotations_2, {first + second:,}"
    fits = (first - FRAMES[0], second - FRAMES[1]) in ((0, 0), (0, 1), (1, 0))
    remedy = "the release has changed, or files are missing"
    return warn_unless(fits, "annotated frames", expected, found, remedy)


def classes(unnamed: Sequence[str]) -> Check:
    """Return the check that classes go by name; `unnamed`: what was said of the files in which they do not."""
    expected = "found by name"
    remedy = "look at a few noses: the published ids of two classes are not certain"
    return warn_unless(not unnamed, "classes", expected, "; ".join(unnamed) or expected, remedy)
