"""Runs of several seeds: whatever a seed leaves behind lies in its own folder, `seed<k>`."""

import re
from pathlib import Path

NAME = re.compile(r"seed(0|[1-9][0-9]*)")


def seed_folder(root: Path, seed: int) -> Path:
    """Return the folder of one seed of a run."""
    return root / f"seed{seed}"


def seed_folders(root: Path) -> list[Path]:
    """Return the folders of a run's seeds in numerical order, none for a contestant without seeds."""
    seeds = sorted(int(found[1]) for path in root.glob("seed*") if (found := NAME.fullmatch(path.name)))
    return [seed_folder(root, seed) for seed in seeds]
