"""What the distillation study reads: exactly the runs and data sets that the profile names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import ConfigError, DataError
from thermark.core.files import read_arrays
from thermark.core.origin import Origin
from thermark.report.inputs import existing, found, titled

# Recipes of the study, in the order of the tables. An imported teacher has no training of ours.
RECIPES = ("imported", "pretrain", "supervised", "tuned", "kd", "ktl", "mcl")
RELATIVE = ("nme_io", "nme_diag")  # metrics whose per-face values have a column of their name
Log = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Places:
    """Folders of earlier stages.

    `reports`/<dataset>.json, `details`/<run>/<dataset>.json, `errors`/<run>/<dataset>.npz, `gradients`/<run>.csv.
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


@dataclass(frozen=True)
class Study:
    """All runs of the profile that have to do with distillation, and what came of them.

    `runs`: name -> section of params.yaml. `results`: by run and data set. `logs`: run -> for each seed its steps
    (N,), from 1, and gradient norms (N,) before clipping.
    """

    runs: Mapping[str, Mapping[str, Any]]
    sets: tuple[FaceSet, ...]
    results: Mapping[tuple[str, str], Result]
    logs: Mapping[str, Sequence[Log]]

    def metric(self, dataset: str) -> str:
        """Return the metric that ranks on a data set, which its labels decide."""
        ran = (self.results[run, dataset] for run in self.runs if self.results[run, dataset].ran)
        return str(next((result.summary["metric"] for result in ran), "nme_io"))


def column(metric: str) -> str:
    """Return the column of per-face errors whose mean is the metric."""
    return metric if metric in RELATIVE else "error_px"


def read(runs: Any, datasets: Sequence[str], places: Places) -> Study:
    """Read the results of `runs`, which maps recipe -> key -> section, on the named data sets.

    Raises ConfigError for runs that are not declared so, DataError for a result that is missing or a broken log.
    """
    named = sections(runs)
    stages = {run: f"scores/dvc.yaml:evaluate-{run.replace('_', '@', 1)}" for run in named}
    return Study(
        runs=named,
        sets=tuple(_face_set(name, places) for name in datasets),
        results={
            (run, dataset): _result(Path(run, dataset), places, stages[run])
            for run in named
            for dataset in datasets
        },
        logs={
            run: _log(existing(places.gradients / f"{run}.csv", run.replace("_", "@", 1)))
            for run in named
            if not run.startswith("imported_")
        },
    )


def sections(runs: Any) -> dict[str, Mapping[str, Any]]:
    """Return the study's runs by name, `<recipe>_<key>`, in the order of RECIPES."""
    runs = runs or {}
    if not isinstance(runs, Mapping) or not all(isinstance(each or {}, Mapping) for each in runs.values()):
        raise ConfigError("`runs` does not map recipes to runs", "declare a run as runs.<recipe>.<key>")
    return {f"{recipe}_{key}": each for recipe in RECIPES for key, each in (runs.get(recipe) or {}).items()}


def _face_set(name: str, places: Places) -> FaceSet:
    report = found(places.reports / f"{name}.json", f"prepare@{name}")
    return FaceSet(name, titled(report, name), report["origin"], report["modality"] == "thermal")


def _result(which: Path, places: Places, stage: str) -> Result:
    details = found(places.details / f"{which}.json", stage)
    return Result(
        details["summary"], details["subsets"], read_arrays(existing(places.errors / f"{which}.npz", stage))
    )


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
