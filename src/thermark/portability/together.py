"""Declared comparisons over two runs of the same pipeline: what do both show together?"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    asked = open_comparisons(base / page).families
    sets = open_named(base / results, sorted({pair.dataset for family in asked for pair in family.pairs}))
    errors = {}
    for name in sets:
        runs = (face_errors.open_errors(root / results / f"{name}.parquet") for root in (base, other))
        errors[name] = compare.aligned(averaged(*runs))
    info = {member: UNKNOWN for family in asked for pair in family.pairs for member in pair.names}
    config = compare.Config(families={family.name: _declared(family) for family in asked})
    made = compare.families(sets, errors, config, info)
    return verdicts_of({"families": [family.model_dump() for family in made]})


def averaged(base: Mapping[str, Errors], other: Mapping[str, Errors]) -> dict[str, Errors]:
    """Return the errors of the base, and of each run that both have with as many seeds the mean of both."""
    return {
        name: {**errors, "per_seed": (errors["per_seed"] + _per_seed(other[name], errors["ids"])) / 2}
        if name in other and _alike(errors, other[name])
        else errors
        for name, errors in base.items()
    }


def _alike(one: Errors, two: Errors) -> bool:
    same = one["per_seed"].shape == two["per_seed"].shape
    return bool(one["seeded"]) and same and face_errors.same_faces(two["ids"], one["ids"])


def _per_seed(errors: Errors, ids: NDArray[np.str_]) -> NDArray[np.float64]:
    return np.asarray(errors["per_seed"][:, face_errors.places(errors["ids"], ids)])


def _declared(family: Family) -> compare.Declared:
    """Return a family as parameters declare it."""
    return compare.Declared(
        question=family.question,
        datasets=tuple(dict.fromkeys(pair.dataset for pair in family.pairs)),
        pairs=tuple(dict.fromkeys(pair.names for pair in family.pairs)),
    )
