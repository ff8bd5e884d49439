"""Which labelled points are visible: a small file beside rendered data; real data have none.

`VISIBLE.csv` under a raw root is our addition to the published layouts; real trees have none.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files
from thermark.core.errors import DataError

FILE = "VISIBLE.csv"
HEADER = "key,visible"


def write(root: Path, flags: Mapping[str, NDArray[np.bool_]]) -> None:
    """Write key -> flags (K,) as lines of `key,0110...`, sorted; keys hold no comma."""
    lines = [f"{key},{''.join('01'[int(flag)] for flag in row)}" for key, row in sorted(flags.items())]
    files.write_text(root / FILE, "\n".join([HEADER, *lines]) + "\n")


def read(root: Path) -> dict[str, NDArray[np.bool_]]:
    """Return what `write` wrote under `root`, nothing where there is no such file; raises DataError."""
    if not (root / FILE).is_file():
        return {}
    header, *lines = (root / FILE).read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    flags = {}
    for number, line in enumerate(lines, start=2):
        key, _, digits = line.partition(",")
        if not digits or set(digits) - {"0", "1"} or key in flags:
            raise DataError(f"{FILE}, line {number}: {line[:40]!r} is no `{HEADER}`", "render the data again")
        flags[key] = np.array([digit == "1" for digit in digits], np.bool_)
    if header != HEADER:
        raise DataError(f"{FILE} begins with {header[:40]!r} instead of `{HEADER}`", "render the data again")
    return flags


def among(labelled: NDArray[np.bool_], keys: Iterable[str], root: Path) -> NDArray[np.bool_]:
    """Return which labelled points (N, K) are visible, row by row of `keys`.

    A row that the file under `root` does not list is visible where it is labelled. Raises DataError when the file
    has fewer flags than points are labelled, or more than there can be.
    """
    flags = read(root)
    visible = labelled.copy()
    for row, key in enumerate(keys):
        if key not in flags:
            continue
        count = len(flags[key])
        if count > labelled.shape[1] or labelled[row, count:].any():
            raise DataError(f"{FILE} has {count} flags for {key}, which has others", "render the data again")
        visible[row, :count] &= flags[key]
    return visible
