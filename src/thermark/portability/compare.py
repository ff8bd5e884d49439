"""Everything that two trees of results say, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError
from thermark.portability import numbers, same, verdicts
from thermark.portability.numbers import Number
from thermark.portability.same import Files
from thermark.portability.verdicts import Verdict

BROKEN = ("turned", "vanished")


@dataclass(frozen=True)
class Places:
    """Where results are in a tree: the folder of `details`, JSON `pages` with verdicts, and all `files`."""

    details: Path
    pages: tuple[Path, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Compared:
    """Numbers, verdicts and files of a base tree and of another."""

    numbers: Sequence[Number]
    verdicts: Sequence[Verdict]
    files: Files

    @property
    def broken(self) -> list[Verdict]:
        """The verdicts of the base tree that the other does not repeat."""
        return [each for each in self.verdicts if each.state in BROKEN]


def compare(base: Path, other: Path, places: Places) -> Compared:
    """Compare the results of two trees; raises DataError where either has none."""
    for root in (base, other):
        for path in (places.details, *places.pages):
            if not (root / path).exists():
                raise DataError(f"{root / path} is missing", "run `dvc repro` in that tree")
    said = [
        verdict
        for path in places.pages
        for verdict in verdicts.compare(path.stem, *(files.read_json(root / path) for root in (base, other)))
    ]
    return Compared(
        numbers.compare(base / places.details, other / places.details),
        said,
        same.compare(base, other, places.files),
    )
