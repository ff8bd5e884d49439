"""What contestants share: which faces are scored, where everything lies, and when one has failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt

from thermark.core import bundle
from thermark.core.config import Section, nearest
from thermark.core.errors import ConfigError
from thermark.core.perturbations import Perturbations
from thermark.core.scored_splits import Split


class Config(Section):
    """When a contestant has failed, and how many run `together`, in processes of their own.

    `max_failed`: the fraction of a data set's images on which it may raise an error; `silence`: seconds without a
    finished batch after which it counts as hanging (the first batch includes loading the model).
    """

    max_failed: float = Field(default=0.05, ge=0, le=1)
    silence: PositiveFloat = 900.0
    together: PositiveInt = 2


@dataclass(frozen=True)
class PredictionPaths:
    """The folders that contestants share: `weights`/<bundle>/ or `exported`/<bundle>/, `models`/<run>/, the data.

    `faces`/<dataset>/, `reports`/<dataset>.json, `frames`/<dataset>/<variant>/, `framed`/<dataset>.json.
    """

    weights: Path
    exported: Path
    models: Path
    faces: Path
    reports: Path
    frames: Path
    framed: Path

    def bundle(self, name: str) -> Path:
        """Return the folder of a bundle: an exported run of ours goes before weights from elsewhere."""
        exported = self.exported / name
        return exported if exported.is_dir() else self.weights / name


@dataclass(frozen=True)
class Setting:
    """What all contestants share: which faces are scored, folders, hashes of code, versions of packages.

    `moves`: on which data sets boxes are moved, or pictures shifted, and how.
    """

    config: Config
    datasets: Mapping[str, Split]
    paths: PredictionPaths
    code: Mapping[str, Any]
    versions: Mapping[str, Any]
    moves: Perturbations = field(default_factory=dict)


def run_folder(run: str, setting: Setting) -> Path:
    """Return the folder of a run; raises ConfigError when there is none."""
    path = setting.paths.models / run
    if not path.is_dir():
        runs = sorted(path.name for path in setting.paths.models.iterdir() if path.is_dir())
        raise ConfigError(f"there is no run {run}", nearest(run, runs))
    return path


def own_paths(section: Mapping[str, Any], setting: Setting) -> tuple[Path | None, Path | None]:
    """Return the folders of a bundle and of a run of ours, or None; raises ConfigError for an unknown run."""
    weights = setting.paths.bundle(str(section["weights"])) if "weights" in section else None
    usable = weights is None or bundle.read(weights).status == "ok"
    return weights, (run_folder(str(section["run"]), setting) if "run" in section and usable else None)
