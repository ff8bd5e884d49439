"""What CHARLOTTE's tables hold, counted by subject and compared with a published audit of the release."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from thermark.datasets.readers import csv_tables
from thermark.datasets.readers.loaded import Check, warn_unless

POINTS, PROFILE = 73, 43
NOSE = slice(16, 22)  # on which all readings of the profile points agree
# The audit, of 8,454 rows. It does not say whether a blank row is one of the odd ones.
FRONTAL_ROWS, PROFILE_ROWS, ODD_ROWS = 4_225, 4_170, 59
REPEATED, REPEATED_S2 = 245, 210
UNLABELLED, UNLABELLED_BAND = 1_700, 200
SIDES, UNCLEAR = (1_957, 2_148), 23
DIRT = {"blank": ["S6"], "spreadsheet_errors": ["S2", "S10"]}
DIFFERS = "compare the files with the published ones: subjects may be missing, or the release has changed"

Census = Mapping[str, Mapping[str, int]]  # subject -> what -> how many


def displacement(xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far the nose is right of the middle of profile points (N, 43, 2), in widths of the face."""
    x = xy[..., 0].astype(np.float64)
    low, high = x.min(axis=-1), x.max(axis=-1)
    nose: NDArray[np.float64] = x[..., NOSE].mean(axis=-1)
    displaced: NDArray[np.float64] = (nose - (low + high) / 2) / np.maximum(high - low, 1e-6)
    return displaced


def count(table: csv_tables.CsvTable, xy: NDArray[np.floating], margin: float) -> dict[str, int]:
    """Return what a CSV holds, from its points (rows, 73, 2), NaN where a cell is empty.

    Pairs of which both are filled count. `repeated`: rows whose id an earlier row has. `left`, `right`: profile
    rows by the subject's side in view; `unclear`: nose nearer to the middle than `margin`, in widths of the face.
    """
    filled = ~np.isnan(xy).any(axis=-1)
    pairs = filled.sum(axis=1)
    nose = displacement(xy[pairs == PROFILE, :PROFILE])  # NaN is on no side
    names = [name for name in table.columns["id"] if name]
    return {
        "rows": len(table),
        "frontal": int((pairs == POINTS).sum()),
        "profile": int((pairs == PROFILE).sum()),
        "odd": int(((pairs != POINTS) & (pairs != PROFILE)).sum()),
        "blank": len(table.blank),
        "repeated": len(names) - len(set(names)),
        "spreadsheet_errors": sum(cell.startswith("#") for column in table.columns.values() for cell in column),
        "left": int((nose <= -margin).sum()),
        "right": int((nose >= margin).sum()),
        "unclear": int((np.abs(nose) < margin).sum()),
    }


def checks(census: Census) -> list[Check]:
    """Return the comparison with the audit: differences are warnings, as a release may grow."""
    return [_rows(census), _repeated(census), _unlabelled(census), _dirt(census), _sides(census)]


def _sum(census: Census, what: str) -> int:
    return sum(counts.get(what, 0) for counts in census.values())


def _check(name: str, expected: str, found: str, fits: bool) -> Check:
    return warn_unless(fits, name, expected, found, DIFFERS)


def _rows(census: Census) -> Check:
    frontal, profile, odd, blank = (_sum(census, kind) for kind in ("frontal", "profile", "odd", "blank"))
    fits = (frontal, profile) == (FRONTAL_ROWS, PROFILE_ROWS) and ODD_ROWS in (odd, odd + blank)
    expected = _composition(FRONTAL_ROWS, PROFILE_ROWS, ODD_ROWS)
    return _check("labelled rows", expected, f"{_composition(frontal, profile, odd)}, {blank:,} blank", fits)


def _composition(frontal: int, profile: int, odd: int) -> str:
    rows = frontal + profile + odd
    return f"{rows:,} rows: {frontal:,} of 73 points, {profile:,} of 43, {odd:,} of other counts"


def _repeated(census: Census) -> Check:
    total, second = _sum(census, "repeated"), census.get("S2", {}).get("repeated", 0)
    fits = (total, second) == (REPEATED, REPEATED_S2)
    return _check("repeated ids", f"{REPEATED}, {REPEATED_S2} of them in S2", f"{total:,}, {second:,} in S2", fits)


def _unlabelled(census: Census) -> Check:
    total, all_ = _sum(census, "unlabelled"), _sum(census, "pictures")
    fits = abs(total - UNLABELLED) <= UNLABELLED_BAND
    return _check("pictures without labels", f"about {UNLABELLED:,}", f"{total:,} of {all_:,} TIFFs", fits)


def _dirt(census: Census) -> Check:
    found = {kind: [subject for subject, counts in census.items() if counts.get(kind)] for kind in DIRT}
    fits = all(sorted(found[kind]) == sorted(DIRT[kind]) for kind in DIRT)
    return _check("blank rows and spreadsheet errors", _where(DIRT), _where(found), fits)


def _where(dirt: Mapping[str, list[str]]) -> str:
    blank, errors = (" and ".join(dirt[kind]) or "none" for kind in DIRT)
    return f"blank rows: {blank}; errors such as #DIV/0!: {errors}"


def _sides(census: Census) -> Check:
    """Which of the published numbers is which side is not said: the smaller is held against the smaller."""
    left, right, unclear = (_sum(census, what) for what in ("left", "right", "unclear"))
    pairs = zip(sorted((left, right)), SIDES, strict=True)
    fits = all(abs(number - published) <= 0.1 * published for number, published in pairs)
    expected = f"{SIDES[0]:,} and {SIDES[1]:,}, {UNCLEAR} unclear"
    found = f"{left:,} show the left side, {right:,} the right, {unclear:,} are unclear"
    return _check("visible side", expected, found, fits and unclear <= 5 * UNCLEAR)
