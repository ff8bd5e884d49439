"""Folders of runs with several seeds: the output of seed k is in `seed<k>`."""

import re
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError

SKIPPED = "skipped.json"  # in a run's folder, in place of its seeds: {"reason": why it could not be trained}
LABELLER = "labeller.json"  # in a face set whose train labels are pseudo-labels of a head: {"head": its run}
MADE_OF = "made_of.json"  # in a face set with pseudo-labels: {"faces": the face set that has its pictures}
NAME = re.compile(r"seed(0|[1-9][0-9]*)")


class Untrained(DataError):
    """There is nothing to learn from, or training diverged, without a known mistake in data or settings.

    Weak training is a result: the stage writes the cause into SKIPPED and the pipeline goes on.
    """


def seed_folder(root: Path, seed: int) -> Path:
    """Return the folder of one seed of a run."""
    return root / f"seed{seed}"


def seed_number(folder: Path) -> int | None:
    """Return the seed whose folder this is by its name, None for any other folder."""
    match = NAME.fullmatch(folder.name)
    return int(match[1]) if match else None


def seed_numbers(root: Path) -> list[int]:
    """Return the seeds of a run in order, none for a contestant without seeds."""
    return sorted(seed for path in root.glob("seed*") if (seed := seed_number(path)) is not None)


def seed_folders(root: Path) -> list[Path]:
    """Return the folders of a run's seeds in numerical order, none for a contestant without seeds."""
    return [seed_folder(root, seed) for seed in seed_numbers(root)]


def skipped(folder: Path) -> str | None:
    """Return why a run's folder holds no run, None where it is no such folder."""
    path = folder / SKIPPED
    return str(files.read_json(path)["reason"]) if path.is_file() else None


def skip(folder: Path, reason: str) -> None:
    """Write, in place of a run, why there is none: `folder` is replaced."""
    with files.fresh_directory(folder) as whole:
        files.write_json(whole / SKIPPED, {"reason": reason})


def matching(folder: Path, seed: int) -> Path:
    """Return the part of `folder` that a run of `seed` takes as input.

    That is the folder of the same seed, the only seed folder, or `folder` itself where it has none: chains of runs
    keep their seeds apart, and a single input serves all seeds. Raises DataError when there are several seeds but
    not this one.
    """
    same, seeds = seed_folder(folder, seed), seed_folders(folder)
    if same in seeds:
        return same
    if len(seeds) > 1:
        raise DataError(
            f"{folder.name} has {', '.join(path.name for path in seeds)}, but no seed {seed}",
            "give what builds on it the same `seeds`, or it a single one",
        )
    return seeds[0] if seeds else folder


def teacher_folder(folder: Path, seed: int) -> Path:
    """Return the teacher's folder for a student of `seed`, as `matching` does; raises DataError for no teacher."""
    if not seed_folders(folder):
        raise DataError(f"there is no teacher {folder.name}", "run `dvc repro`, which trains it first")
    return matching(folder, seed)
