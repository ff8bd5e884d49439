"""Where the files are that report pages read."""

from dataclasses import dataclass
from pathlib import Path

NOT_GIVEN = Path("not-given")  # of a path that the page of a stage does not read


@dataclass(frozen=True)
class ReportPaths:
    """Files and folders of earlier stages; a page gives those that it reads.

    Folders: `results`/<dataset>.json and .parquet, `details`/<contestant>/<dataset>.json,
    `training`/<run>.csv, `gradients`/<run>.csv, `scores`/<head>.json, `curves`/<head>.csv,
    `pseudo_labels`/<key>.json, `reports`/<dataset>.json, `framed`/<dataset>.json, `faces`/<dataset>/,
    `errors`/<contestant>/<dataset>.npz, `predictions`/<contestant>/<dataset>.npz and <dataset>@<variant>.npz, of
    several seeds in seed<k>/.
    Files: `comparisons`, `speed`, `budget`, `training_curves`, `published`.
    """

    results: Path = NOT_GIVEN
    comparisons: Path = NOT_GIVEN
    training: Path = NOT_GIVEN
    gradients: Path = NOT_GIVEN
    scores: Path = NOT_GIVEN
    curves: Path = NOT_GIVEN
    pseudo_labels: Path = NOT_GIVEN
    speed: Path = NOT_GIVEN
    budget: Path = NOT_GIVEN
    training_curves: Path = NOT_GIVEN
    published: Path = NOT_GIVEN
    reports: Path = NOT_GIVEN
    framed: Path = NOT_GIVEN
    faces: Path = NOT_GIVEN
    errors: Path = NOT_GIVEN
    predictions: Path = NOT_GIVEN
    details: Path = NOT_GIVEN
