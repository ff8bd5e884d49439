"""Parts of results written by hand: what a test does not say has a default."""

from collections.abc import Iterable
from typing import Any

from thermark.report.results.record import DataSet, Protocol, Provenance, Record, ResultSet

MADE = Provenance(code={"evaluate": "e"}, environment={"numpy": "2.4.6"}, arithmetic="portable")


def skipped(dataset: str, name: str, reason: str = "no weights", **more: Any) -> Record:
    """Return the record of a contestant that could not run."""
    common = {"kind": "kind", "status": "skipped", "tier": "measured", "trained_on": "nothing"}
    return Record(dataset=dataset, contestant=name, reason=reason, **common | more)


def result_set(
    records: Iterable[Record] = (),
    main: str = "nme_io",
    miss: float = 0.5,
    boxes: str = "tight",
    vocabulary: str = "ibug68",
    **about: Any,
) -> ResultSet:
    """Return records on pictures of a camera with labels by hand, unless `about` (fields of DataSet) says more."""
    common: dict[str, Any] = {
        "name": "d",
        "title": "D",
        "origin": "real",
        "labels": "human",
        "modality": "thermal",
    }
    common |= {"licence": "", "citation": "", "notes": "", "faces": 0, "subjects": 0}
    how = {"main": main, "miss": miss, "boxes": boxes, "vocabulary": vocabulary, "labels": "d" * 64}
    return ResultSet(
        data_set=DataSet(**common | about),
        protocol=Protocol(split="test", bridges={}, cap=0.5, **how),
        made=MADE,
        records=tuple(records),
    )
