"""Runs of several seeds: whatever a seed leaves behind lies in its own folder, `seed<k>`."""

import re
from pathlib import Path

from thermark.core.errors import DataError

SKIPPED = "skipped.json"  # in a run's folder, in place of its seeds: {"reason": why it could not be trained}
LABELLER = "labeller.json"  # in a face set whose train labels are a head's opinions: {"head": its run}
MADE_OF = "made_of.json"  # in a face set with pseudo-labels: {"faces": the face set that has its pictures}
NAME = re.compile(r"seed(0|[1-9][0-9]*)")


class Untrained(DataError):
    """There is nothing to learn from, or training came to nothing, and no mistake in data or settings is known.

    Weak training is a result: whoever runs a pipeline writes the cause into SKIPPED and goes on.
    """


def seed_folder(root: Path, seed: int) -> Path:
    """Return the folder of one seed of a run."""
    return root / f"seed{seed}"


def seed_folders(root: Path) -> list[Path]:
    """Return the folders of a run's seeds in numerical order, none for a contestant without seeds."""
    seeds = sorted(int(found[1]) for path in root.glob("seed*") if (found := NAME.fullmatch(path.name)))
    return [seed_folder(root, seed) for seed in seeds]


def teacher_folder(folder: Path, seed: int) -> Path:
    """Return the teacher's folder for a student of `seed`: that of the same seed, or the only one there is.

    Raises DataError when there is neither.
    """
    own, found = seed_folder(folder, seed), seed_folders(folder)
    if own in found:
        return own
    if not found:
        raise DataError(f"there is no teacher {folder.name}", "run `dvc repro`, which trains it first")
    if len(found) > 1:
        raise DataError(
            f"the teacher {folder.name} has {', '.join(path.name for path in found)}, but no seed {seed}",
            "give teacher and student the same seeds, or the teacher a single one",
        )
    return found[0]
