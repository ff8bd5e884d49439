"""Declared comparisons over two runs of the same pipeline: what do both show together?"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from thermark.portability.verdicts import verdicts_of
from thermark.report.results import compare, face_errors
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import Family, open_comparisons
from thermark.report.results.face_errors import Errors
from thermark.report.results.record import open_named

UNKNOWN = Contestant(kind="", family="", exact={})  # caveats are on the pages of each run


def verdicts_together(base: Path, other: Path, page: Path, results: Path) -> dict[str, str]:
    """Return subject -> verdict of the comparisons that `page` of the base tree declares, over both trees.

    Of each seed the error of a face is the mean of its two trainings, and missed where either missed it: both
    begin with the same weights and see the same batches, so that they are no two seeds. `page` and the folder
    `results` are relative to both trees. Raises DataError where either is absent or damaged.
    """
    families = open_comparisons(base / page).families
    sets = open_named(base / results, sorted({pair.dataset for family in families for pair in family.pairs}))
    errors = {
        name: averaged(*(face_errors.open_errors(root / results / f"{name}.parquet") for root in (base, other)))
        for name in sets
    }
    info = {member: UNKNOWN for family in families for pair in family.pairs for member in pair.names}
    config = compare.Config(families={family.name: declared(family) for family in families})
    return verdicts_of(compare.comparisons(sets, errors, config, info).model_dump(mode="json"))


def averaged(base: Mapping[str, Errors], other: Mapping[str, Errors]) -> dict[str, Errors]:
    """Return the errors of the base, and of each run that both have with as many seeds the mean of both."""
    return {
        name: {**errors, "per_seed": (errors["per_seed"] + _in_order(other[name], errors)) / 2}
        if name in other and _alike(errors, other[name])
        else errors
        for name, errors in base.items()
    }


def _alike(one: Errors, two: Errors) -> bool:
    same_faces = np.array_equal(np.sort(one["ids"]), np.sort(two["ids"]))
    return bool(one["seeded"]) and same_faces and one["per_seed"].shape == two["per_seed"].shape


def _in_order(errors: Errors, wanted: Errors) -> np.ndarray:
    """Return errors per seed (S, N) with the faces in the order of `wanted`."""
    places = np.argsort(errors["ids"])[np.argsort(np.argsort(wanted["ids"]))]
    return np.asarray(errors["per_seed"][:, places])


def declared(family: Family) -> compare.Declared:
    """Return a family as parameters declare it."""
    return compare.Declared(
        question=family.question,
        datasets=tuple(dict.fromkeys(pair.dataset for pair in family.pairs)),
        pairs=tuple(dict.fromkeys(pair.names for pair in family.pairs)),
    )
