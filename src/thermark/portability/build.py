"""Which numbers and verdicts hold in another arithmetic: two trees of results, compared as Markdown and JSON."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import Finding
from thermark.portability import page
from thermark.portability.compare import ResultPaths, TreeComparison, compare


@dataclass(frozen=True)
class ResultTree:
    """A folder with the results of one run of the pipeline, and in which arithmetic they were made."""

    root: Path
    arithmetic: str


def build(base: ResultTree, other: ResultTree, paths: ResultPaths, out: Path) -> None:
    """Write `out`/portability.md and .json on the results of two trees.

    Raises DataError for a tree without results, and, after both are written, Finding when a verdict of `base` is
    another in `other` or no longer there.
    """
    compared = compare(base.root, other.root, paths)
    files.write_text(out / "portability.md", page.text(base.arithmetic, other.arithmetic, compared) + "\n")
    files.write_json(out / "portability.json", _plain(base, other, compared))
    if lost := compared.broken:
        first = lost[0]
        raise Finding(
            f"{len(lost)} verdicts did not hold, such as {first.subject}: {first.base}, then "
            f"{first.other or 'nothing'}",
            f"read {out / 'portability.md'}; a verdict that another arithmetic turns is none: it needs more seeds",
        )


def _plain(base: ResultTree, other: ResultTree, compared: TreeComparison) -> dict[str, Any]:
    """Return everything as plain data, without the paths of the trees."""
    return {
        "base": base.arithmetic,
        "other": other.arithmetic,
        "counts": {
            "verdicts": dict(Counter(row.state for row in compared.verdicts)),
            "numbers": dict(Counter(row.state for row in compared.numbers)),
            "files": {name: len(paths) for name, paths in asdict(compared.files).items()},
        },
        "verdicts": [asdict(row) | {"state": row.state} for row in compared.verdicts],
        "numbers": [asdict(row) | {"state": row.state} for row in compared.numbers],
        "files": asdict(compared.files),
    }
