"""T-FAKE's dense labels: MediaPipe's 478 points of FaceSynthetics' pictures, all in one pickle.

`annotations.pkl`, wherever it lies: `000000.png` -> array (478, 2 or more), x and y from 0 to 1 of the picture's
width and height. Its authors divide the sparse labels by 512 to the same end, and use both alike.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thermark.core import tree
from thermark.core.errors import DataError
from thermark.datasets.checks import agreement
from thermark.datasets.checks.sanity import Scheme
from thermark.datasets.readers import pickles
from thermark.datasets.readers.loaded import Check, Findings, Verdict, spread

Labels = dict[str, NDArray[np.float32]]

VOCABULARY = "mediapipe478"
POINTS = 478
SCHEMES = {VOCABULARY: Scheme(POINTS, eyes=(33, 263))}
FILE = "annotations.pkl"
MARGIN = 0.5  # of the picture, which labels of a face at its edge may lie outside


@dataclass(frozen=True)
class Bad:
    """An entry without points; `why` is the reason."""

    why: str


def key(name: str) -> str:
    """Return an id as FaceSynthetics writes it, with six digits, however a file has it: its hash is the split."""
    return f"{int(name):06d}" if name.isdecimal() else name


def read(
    root: Path, names: Collection[str], pictures: Sequence[str], sparse: Mapping[str, Path], findings: Findings
) -> Labels:
    """Return what `labels` does, in px of `pictures` (paths under `root`), compared with the files of `sparse`."""
    points = labels(root, names, picture_size(root, pictures), findings)
    agreement.compare_files(points, sparse, findings)
    return points


def labels(root: Path, names: Collection[str], size: tuple[int, int], findings: Findings) -> Labels:
    """Return id -> points (478, 2) float32, in px of pictures of `size` (width, height), of those among `names`.

    Normalised coordinates count from the picture's edge: the centre of its first pixel is half a pixel in.
    Entries of another shape or without points are noted and left out; raises DataError when there is no such file,
    more than one, or one that cannot be read.
    """
    place = _file(root)
    wanted = {key(name): name for name in names}
    kept: Labels = {}
    bad: list[str] = []
    entries = 0
    for entry, value in pickles.entries(root / place, lambda array: _pixels(array, size)):
        entries += 1
        name = wanted.get(key(entry.removesuffix(".png")))
        if name is None:
            continue
        points = value if isinstance(value, np.ndarray | Bad) else _listed(value, size)
        if name in kept:
            findings.add("duplicate_id", f"{entry} in {place}")
        elif isinstance(points, Bad):
            bad.append(f"{name} in {FILE} is {points.why}")
        else:
            kept[name] = points
    findings.add("bad_annotation", *bad)
    findings.facts["dense_labels"] = {"file": place, "entries": entries, "used": len(kept)}
    total, normal = len(bad) + len(kept), sum(_is_normal(points, size) for points in kept.values())
    findings.check(_check("dense labels", "an array (478, 2) for each", len(kept), total))
    findings.check(_check("unit of dense labels", "coordinates from 0 to 1", normal, len(kept)))
    return kept


def _file(root: Path) -> str:
    """Return where the labels lie under `root`; raises DataError when they are absent or there twice."""
    places = [path for path in tree.files(root) if path.rpartition("/")[2] == FILE]
    if not places:
        raise DataError(f"there is no {FILE} under {root.name}", "fetch the dense labels (docs/data.md)")
    if len(places) > 1:
        raise DataError(f"{root.name} has both {places[0]} and {places[1]}", "keep one of them")
    return places[0]


def _pixels(array: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32] | Bad:
    """Return the points of an entry in px, float32; or, of what has none, a description."""
    if array.ndim != 2 or array.shape[0] != POINTS or array.shape[1] < 2:
        return Bad(f"an array of {array.shape} instead of ({POINTS}, 2)")
    normalised = array[:, :2].astype(np.float64)
    normalised[~np.isfinite(normalised).all(axis=1)] = np.nan
    if not (normalised != normalised[0]).any():
        return Bad("one point only")
    if np.isnan(normalised).all():
        return Bad("without points")
    return (np.clip(normalised, -1e6, 1e6) * size - 0.5).astype(np.float32)


def _listed(value: Any, size: tuple[int, int]) -> NDArray[np.float32] | Bad:
    """Return the points of an entry that is no array but lists of numbers."""
    try:
        return _pixels(np.asarray(value, np.float64), size)
    except (ValueError, TypeError, OverflowError):
        return Bad(f"a {type(value).__name__} that holds no table of numbers")


def _is_normal(points: NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Return whether points in px are in the picture, give or take `MARGIN`, and apart by a hundredth of it."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    margin = MARGIN * np.array(size)
    return bool((low > -margin).all() and (high < size + margin).all() and (high - low > 0.02 * margin).all())


def _check(name: str, expected: str, good: int, total: int) -> Check:
    """Return a check that is passed by all entries, a warning when some fail, a failure when most do."""
    verdict: Verdict = "ok" if good == total else "failed" if 2 * good < total else "warning"
    found = f"so have {good:,} of {total:,}"
    return Check(name, expected, found, verdict, "" if verdict == "ok" else "fetch the dense labels again")


def picture_size(root: Path, files: Sequence[str]) -> tuple[int, int]:
    """Return width and height of pictures (relative to `root`), of which `SAMPLE` are looked at.

    Raises DataError when they differ: then each label has its own, and one of the files was resized.
    """
    sizes: dict[tuple[int, int], str] = {}
    for path in spread(files):
        try:
            with Image.open(root / path) as image:
                sizes.setdefault(image.size, path)
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # reported where frames are read
    if len(sizes) != 1:
        examples = " and ".join(f"{path} ({w} x {h})" for (w, h), path in list(sizes.items())[:2])
        raise DataError(
            f"pictures are of several sizes: {examples}" if sizes else "no picture can be read",
            "dense labels need the pictures as published, 512 x 512",
        )
    return next(iter(sizes))
