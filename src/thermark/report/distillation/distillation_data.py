"""What the distillation study reads: exactly the networks and data sets that the profile names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.report import long_table
from thermark.report.contestants import Sections, networks, trained
from thermark.report.paths import ReportPaths
from thermark.report.results.comparisons import Comparisons, open_comparisons
from thermark.report.results.record import ResultSet, open_named
from thermark.report.stage_files import existing

# Recipes of the study, in the order of the tables. An imported teacher has no training of ours.
IMPORTED = "imported"
RECIPES = (IMPORTED, "pretrain", "supervised", "tuned", "kd", "ktl", "mcl")
COLUMNS = dict.fromkeys(("seed", "step", "grad_norm"), float)
Log = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class DistillationData:
    """All networks of the profile that have to do with distillation, and what came of them.

    `runs`: contestant -> section of its run. `sets`: the records of each data set. `comparisons`: all of the
    profile. `logs`: contestant -> for each seed its steps (N,), from 1, and gradient norms (N,) before clipping.
    `unshifted`: contestant -> the same network with the flip test of MMPose, of those that the profile has twice.
    """

    runs: Sections
    sets: Mapping[str, ResultSet]
    comparisons: Comparisons
    logs: Mapping[str, Sequence[Log]]
    unshifted: Mapping[str, str] = field(default_factory=dict)

    @property
    def thermal(self) -> list[str]:
        """The data sets of thermal pictures."""
        return [name for name, results in self.sets.items() if results.data_set.modality == "thermal"]


def read(
    contestants: Sections, runs: Sections, converted: Sections, datasets: Sequence[str], paths: ReportPaths
) -> DistillationData:
    """Read the results of the contestants that are networks of `runs` or of `converted` checkpoints.

    Raises DataError for what is missing, and for a broken log.
    """
    sections = studied(contestants, runs, converted)
    return DistillationData(
        runs=sections,
        sets=open_named(paths.results, datasets),
        comparisons=open_comparisons(paths.comparisons),
        logs={
            name: _log(existing(paths.gradients / f"{run}.csv"))
            for name, run in trained(contestants, runs).items()
            if name in sections
        },
        unshifted=unshifted(contestants, sections),
    )


def studied(contestants: Sections, runs: Sections, converted: Sections) -> dict[str, Mapping[str, Any]]:
    """Return contestant -> section of its run, of those that have to do with distillation, by their recipes.

    Contestants with a `flip` of their own are left out: all others average the mirror image in the default way.
    """
    runs_of = {name: run for name, run in networks(contestants).items() if not contestants[name].get("flip")}
    by_contestant = {name: {**converted, **runs}.get(run, {}) for name, run in runs_of.items()}
    return {
        name: section
        for recipe in RECIPES
        for name, section in by_contestant.items()
        if section.get("recipe", IMPORTED) == recipe
    }


def unshifted(contestants: Sections, studied: Sections) -> dict[str, str]:
    """Return contestant -> that of the same run with `flip: published`, of those that are studied."""
    runs_of = networks(contestants)
    flipped = {run: name for name, run in runs_of.items() if contestants[name].get("flip") == "published"}
    return {name: flipped[runs_of[name]] for name in studied if runs_of[name] in flipped}


def _log(path: Path) -> list[Log]:
    """Read `seed,step,grad_norm` as one log a seed."""
    table = long_table.read(path, COLUMNS, gaps=False)
    return [(rows["step"].to_numpy(np.int64), rows["grad_norm"].to_numpy()) for _, rows in table.groupby("seed")]
