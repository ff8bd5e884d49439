"""Published numbers beside the records: what was reproduced, and which records that makes reproductions."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report import reference_results
from thermark.report.reference_results import PublishedCell
from thermark.report.reference_results.compare import (
    NO_PROFILE,
    CellComparison,
    Lookup,
    Ours,
    compare_cells,
    measured,
    recalled,
)
from thermark.report.results.record import Record, ResultSet

SCALES = {"parameters_m": ("parameters", 1e6), "gmacs": ("macs", 1e9)}


def cells() -> list[PublishedCell]:
    """Return every published number of every source."""
    return [cell for name in reference_results.names() for cell in reference_results.load(name).cells()]


def recorded(sets: Mapping[str, ResultSet]) -> Lookup:
    """Return a look-up of a contestant's own number for a cell, or the reason why there is none."""
    return lambda cell: _ours(cell, sets)


def reproductions(sets: Mapping[str, ResultSet]) -> dict[str, ResultSet]:
    """Return the results in which a record has the tier `reproduced` where published numbers confirm it.

    At least one published number of the contestant on the data set is reproduced, and none is outside. Posts'
    protocols are not those of records, and count nothing here.
    """
    compared = compare_cells([cell for cell in cells() if not cell.protocol], recorded(sets))
    verdicts: dict[tuple[str, str], set[str]] = {}
    for row in compared:
        verdicts.setdefault((row.cell.dataset, row.cell.run), set()).add(row.verdict)
    good = {key for key, states in verdicts.items() if "reproduced" in states and "outside" not in states}
    return {name: results.model_copy(update={"records": _raised(results, good)}) for name, results in sets.items()}


def _raised(results: ResultSet, good: set[tuple[str, str]]) -> Sequence[Record]:
    return tuple(
        record.model_copy(update={"tier": "reproduced"})
        if record.tier == "measured" and (record.dataset, record.contestant) in good
        else record
        for record in results.records
    )


def _ours(cell: PublishedCell, sets: Mapping[str, ResultSet]) -> Ours | str:
    if cell.metric in SCALES:
        return _size(cell, sets)
    results = sets.get(cell.dataset)
    record = results.of(cell.run) if results else None
    if results is None or record is None or cell.protocol:
        return NO_PROFILE
    if not record.ran:
        return record.reason or record.status
    numbers: dict[str, Any] = {}
    if cell.stratum:
        part = record.parts.get(cell.stratum, {}).get(cell.level)
        numbers = _ends(results.protocol.main, part.model_dump()) if part else {}
    else:
        for name, estimate in record.metrics.items():
            numbers |= _ends(name, estimate.model_dump())
    return measured(cell, numbers, max(record.seeds, 1), results.data_set.origin)


def _ends(name: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value and what bounds it as summaries name them, what is undefined left out."""
    named = {"": numbers["value"], **{f"_{end}": numbers.get(end) for end in ("low", "high", "seed_std")}}
    return {name + end: value for end, value in named.items() if value is not None}


def _size(cell: PublishedCell, sets: Mapping[str, ResultSet]) -> Ours | str:
    """Return the size of a network, which no data set moves."""
    name, scale = SCALES[cell.metric]
    records = [record for results in sets.values() if (record := results.of(cell.run)) and name in record.exact]
    return Ours(records[0].exact[name] / scale) if records else NO_PROFILE


def everything(sets: Mapping[str, ResultSet], pages: Sequence[Mapping[str, Any]]) -> list[CellComparison]:
    """Return the comparison of every published number, those of `pages` as they are there."""
    return recalled(cells(), [row for page in pages for row in page.get("published", ())], recorded(sets))
