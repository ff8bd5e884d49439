"""Published numbers beside the records: what was reproduced, and which records that makes reproductions."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report import reference_results
from thermark.report.grouping import grouped
from thermark.report.reference_results import PublishedCell
from thermark.report.reference_results.compare import (
    NO_PROFILE,
    UNMEASURED,
    CellComparison,
    Lookup,
    Ours,
    compare_cells,
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
    verdicts = grouped(((row.cell.dataset, row.cell.run), row.verdict) for row in compared)
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
    part = record.parts.get(cell.stratum, {}).get(cell.level) if cell.metric == results.protocol.main else None
    one = part if cell.stratum else record.metrics.get(cell.metric)
    if one is None or one.value is None:
        return UNMEASURED
    return Ours(one.value, max(record.seeds, 1), one.seed_std, one.low, one.high, results.data_set.origin)


def _size(cell: PublishedCell, sets: Mapping[str, ResultSet]) -> Ours | str:
    """Return the size of a network, which no data set moves."""
    name, scale = SCALES[cell.metric]
    records = [record for results in sets.values() if (record := results.of(cell.run)) and name in record.exact]
    return Ours(records[0].exact[name] / scale) if records else NO_PROFILE


def everything(sets: Mapping[str, ResultSet], pages: Sequence[Mapping[str, Any]]) -> list[CellComparison]:
    """Return the comparison of every published number, those of `pages` as they are there."""
    return recalled(cells(), [row for page in pages for row in page.get("published", ())], recorded(sets))
