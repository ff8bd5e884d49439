"""Files of two trees side by side: which are equal to the byte?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thermark.core import files


@dataclass(frozen=True)
class Files:
    """Paths below both trees, with forward slashes: the same bytes, other bytes, in one of the trees alone."""

    equal: tuple[str, ...]
    different: tuple[str, ...]
    base_only: tuple[str, ...]
    other_only: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many files there are in either tree."""
        return len(self.equal) + len(self.different) + len(self.base_only) + len(self.other_only)


def compare(base: Path, other: Path, places: Sequence[Path]) -> Files:
    """Compare all files at `places`, which are files or folders and relative to both trees."""
    first, second = (_below(tree, places) for tree in (base, other))
    both = sorted(first & second)
    equal = {name for name in both if files.sha256(base / name) == files.sha256(other / name)}
    return Files(
        equal=tuple(name for name in both if name in equal),
        different=tuple(name for name in both if name not in equal),
        base_only=tuple(sorted(first - second)),
        other_only=tuple(sorted(second - first)),
    )


def _below(tree: Path, places: Sequence[Path]) -> set[str]:
    found: set[str] = set()
    for place in places:
        path = tree / place
        paths = path.rglob("*") if path.is_dir() else [path]
        found |= {each.relative_to(tree).as_posix() for each in paths if each.is_file()}
    return found
