"""Numbers, verdicts and files of two trees of results, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError
from thermark.portability import numbers, verdicts
from thermark.portability.numbers import ComparedNumber
from thermark.portability.together import verdicts_together
from thermark.portability.verdicts import Verdict

BROKEN = ("turned", "vanished")


@dataclass(frozen=True)
class ResultPaths:
    """Where results are in a tree: the folder of `details`, JSON `pages` with verdicts, and all `files`.

    `results`: the folder of records and errors per face; without it comparisons are not made over both trees.
    """

    details: Path
    pages: tuple[Path, ...]
    files: tuple[Path, ...]
    results: Path | None = None


@dataclass(frozen=True)
class ComparedFiles:
    """Paths below both trees, with forward slashes: the same bytes, other bytes, in one of the trees alone."""

    equal: tuple[str, ...]
    different: tuple[str, ...]
    base_only: tuple[str, ...]
    other_only: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many files there are in either tree."""
        return len(self.equal) + len(self.different) + len(self.base_only) + len(self.other_only)


@dataclass(frozen=True)
class TreeComparison:
    """Numbers, verdicts and files of a base tree and of another."""

    numbers: Sequence[ComparedNumber]
    verdicts: Sequence[Verdict]
    files: ComparedFiles

    @property
    def broken(self) -> list[Verdict]:
        """The verdicts of the base tree that the other does not repeat."""
        return [verdict for verdict in self.verdicts if verdict.state in BROKEN]


def compare(base: Path, other: Path, paths: ResultPaths) -> TreeComparison:
    """Compare the results of two trees; raises DataError where either has none."""
    for root in (base, other):
        for path in (paths.details, *paths.pages):
            if not (root / path).exists():
                raise DataError(f"{root / path} is missing", "run `dvc repro` in that tree")
    compared = []
    for path in paths.pages:
        first, second = (files.read_json(root / path) for root in (base, other))
        together = {}
        if paths.results and first.get("families"):
            together = verdicts_together(base, other, path, paths.results)
        compared += verdicts.compare(path.stem, first, second, together)
    return TreeComparison(
        numbers.compare(base / paths.details, other / paths.details),
        compared,
        compare_files(base, other, paths.files),
    )


def compare_files(base: Path, other: Path, paths: Sequence[Path]) -> ComparedFiles:
    """Compare all files at `paths`, which are files or folders and relative to both trees."""
    first, second = (_files_below(tree, paths) for tree in (base, other))
    both = sorted(first & second)
    equal = {name for name in both if files.sha256(base / name) == files.sha256(other / name)}
    return ComparedFiles(
        equal=tuple(name for name in both if name in equal),
        different=tuple(name for name in both if name not in equal),
        base_only=tuple(sorted(first - second)),
        other_only=tuple(sorted(second - first)),
    )


def _files_below(tree: Path, paths: Sequence[Path]) -> set[str]:
    trees = [tree / path for path in paths]
    inside = [path for below in trees for path in (below.rglob("*") if below.is_dir() else [below])]
    return {path.relative_to(tree).as_posix() for path in inside if path.is_file()}
