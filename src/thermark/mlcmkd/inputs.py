"""What the distillation study reads: exactly the networks and data sets that the profile names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.files import read_arrays
from thermark.core.origin import Origin
from thermark.report.inputs import existing, found, left_out, titled
from thermark.report.profile import Sections, networks, trained

# Recipes of the study, in the order of the tables. An imported teacher has no training of ours.
IMPORTED = "imported"
RECIPES = (IMPORTED, "pretrain", "supervised", "tuned", "kd", "ktl", "mcl")
Log = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Places:
    """Folders of earlier stages.

    `reports`/<dataset>.json, `details`/<contestant>/<dataset>.json, `errors`/<contestant>/<dataset>.npz,
    `gradients`/<run>.csv.
    """

    reports: Path
    details: Path
    errors: Path
    gradients: Path


@dataclass(frozen=True)
class FaceSet:
    """What must be said of a data set beside its numbers."""

    name: str
    title: str
    origin: Origin
    thermal: bool


@dataclass(frozen=True)
class Result:
    """One run on one data set: summaries as in the leaderboard, and per-face errors."""

    summary: Mapping[str, Any]
    subsets: Mapping[str, Mapping[str, Mapping[str, Any]]]
    errors: Mapping[str, NDArray[Any]]

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return bool(self.summary.get("status") == "ok")

    @property
    def seeds(self) -> int:
        """Over how many seeds the numbers are means."""
        return int(self.summary.get("seeds", 1))


@dataclass(frozen=True)
class Study:
    """All networks of the profile that have to do with distillation, and what came of them.

    `runs`: contestant -> section of its run. `teachers`: the sections of all runs and converted checkpoints by
    name. `results`: by contestant and data set. `logs`: contestant -> for each seed its steps (N,), from 1, and
    gradient norms (N,) before clipping. `unshifted`: contestant -> the same network with the flip test of MMPose,
    of those that the profile has twice.
    """

    runs: Sections
    teachers: Sections
    sets: tuple[FaceSet, ...]
    results: Mapping[tuple[str, str], Result]
    logs: Mapping[str, Sequence[Log]]
    unshifted: Mapping[str, str] = field(default_factory=dict)

    def metric(self, dataset: str) -> str:
        """Return the metric that ranks on a data set, which its labels decide."""
        ran = (self.results[run, dataset] for run in self.runs if self.results[run, dataset].ran)
        return str(next((result.summary["metric"] for result in ran), "nme_io"))


def read(
    contestants: Sections, runs: Sections, converted: Sections, datasets: Sequence[str], places: Places
) -> Study:
    """Read the results of the contestants that are networks of `runs` or of `converted` checkpoints.

    Raises DataError for a result that is missing or a broken log.
    """
    own = studied(contestants, runs, converted)
    again = unshifted(contestants, own)
    absent = left_out(datasets, places.reports)
    here = [name for name in datasets if name not in absent]
    return Study(
        runs=own,
        teachers={**converted, **runs},
        sets=tuple(_face_set(name, places) for name in here),
        results={
            (name, dataset): _result(Path(name, dataset), places)
            for name in (*own, *again.values())
            for dataset in here
        },
        logs={
            name: _log(existing(places.gradients / f"{run}.csv"))
            for name, run in trained(contestants, runs).items()
            if name in own
        },
        unshifted=again,
    )


def studied(contestants: Sections, runs: Sections, converted: Sections) -> dict[str, Mapping[str, Any]]:
    """Return contestant -> section of its run, of those that have to do with distillation, by their recipes.

    Who asks a network in another way than all others is left out.
    """
    asked = {name: run for name, run in networks(contestants).items() if not contestants[name].get("flip")}
    found = {name: {**converted, **runs}.get(run, {}) for name, run in asked.items()}
    return {
        name: own for recipe in RECIPES for name, own in found.items() if own.get("recipe", IMPORTED) == recipe
    }


def unshifted(contestants: Sections, own: Sections) -> dict[str, str]:
    """Return contestant -> who asks the same run with `flip: published`, of those that are studied."""
    asked = networks(contestants)
    again = {run: name for name, run in asked.items() if contestants[name].get("flip") == "published"}
    return {name: again[asked[name]] for name in own if asked[name] in again}


def _face_set(name: str, places: Places) -> FaceSet:
    report = found(places.reports / f"{name}.json")
    return FaceSet(name, titled(report, name), report["origin"], report["modality"] == "thermal")


def _result(which: Path, places: Places) -> Result:
    details = found(places.details / f"{which}.json")
    return Result(details["summary"], details["subsets"], read_arrays(existing(places.errors / f"{which}.npz")))


def _log(path: Path) -> list[Log]:
    """Read `seed,step,grad_norm` as one log a seed."""
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    try:
        rows = np.array([line.split(",") for line in lines], np.float64).reshape(-1, 3)
    except ValueError as error:
        raise DataError(f"{path} is no table of numbers", "train the run again") from error
    if header != "seed,step,grad_norm":
        raise DataError(
            f"{path} has the columns {header or 'of nothing'}, not seed,step,grad_norm", "train the run again"
        )
    return [
        (rows[rows[:, 0] == seed, 1].astype(np.int64), rows[rows[:, 0] == seed, 2])
        for seed in np.unique(rows[:, 0])
    ]
