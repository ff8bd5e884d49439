"""Results in miniature: labelled faces, contestants with known errors, and the real way from them to records."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from instances import predictions_at
from thermark.core import files
from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.perturbations import NO_PERTURBATIONS, Perturbations
from thermark.core.predictions import Predictions
from thermark.datasets.readers.loaded import build_faces
from thermark.landmarks import load
from thermark.metrics import score_all as scoring
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import SUFFIXES, Outputs
from thermark.metrics.score_key import ScorePaths as Scored
from thermark.report.paths import ReportPaths
from thermark.report.results import build, compare
from thermark.report.results.collect import Contestant
from thermark.report.results.record import Provenance

SUBJECTS, EACH, SEEDS = 20, 4, 3
HOW = Config(bootstrap=200)
MADE = Provenance(code={"predict": "p", "evaluate": "e"}, environment={"numpy": "1"}, arithmetic="portable")
CARD = {"title": "Shown", "labels": "human", "licence": "CC0", "citation": "Nobody", "notes": "", "url": ""}
Change = Callable[[Predictions], Predictions]


def faces(subjects: int = SUBJECTS) -> Faces:
    """Return upright faces of 68 points, some 100 px wide, EACH of each subject, all to be scored."""
    rng, count = np.random.default_rng(5), subjects * EACH
    vocabulary = load("ibug68")
    shape = rng.uniform(0, 100, (68, 2))
    shape[list(vocabulary.interocular or ())] = [[20, 40], [80, 40]]
    xy = (shape + rng.normal(0, 2, (count, 68, 2)) + rng.uniform(50, 100, (count, 1, 2))).astype(np.float32)
    names = np.array([f"f{row:03}" for row in range(count)])
    people = np.array([f"s{row // EACH:02}" for row in range(count)])
    strata = {"distance": np.array(["near", "far"])[np.arange(count) % 2]}
    return build_faces(names, people, np.full(count, "test"), "ibug68", xy, strata=strata)


def predictions_of(truth: Faces, contestant: str, noise: float, seed: int) -> Predictions:
    """Return predictions that are off by normal noise, a part of which is the subject's own."""
    rng = np.random.default_rng(seed)
    who = np.unique(truth.subjects, return_inverse=True)[1]
    scale = noise * rng.uniform(0.7, 1.3, who.max() + 1)[who][:, None, None]
    xy = truth.xy + rng.normal(0, 1, truth.xy.shape) * scale
    return predictions_at(truth, xy, contestant, "ibug68", ("elsewhere",) if contestant == "run" else ())


def write(
    root: Path,
    change: Change = lambda own: own,
    truth: Faces | None = None,
    families: dict | None = None,
    report: dict | None = None,
    more: dict[str, float] | None = None,
) -> Path:
    """Write what stages leave under `root` and return the folder of the records.

    `run` has three seeds, `ready` none, `idle` did not run; `more`: name -> noise px of others. `change` is
    done to the predictions of all who ran.
    """
    truth = truth or faces()
    truth.save(root / "faces/shown/faces.npz")
    about = {"fingerprint": "d", "boxes": "tight", "card": CARD, "origin": "real", "modality": "thermal"}
    files.write_json(root / "reports/shown.json", about | (report or {}))
    files.write_json(root / "reports/elsewhere.json", about)
    for seed in range(SEEDS):
        change(predictions_of(truth, "run", 3.0, seed)).save(root / f"predictions/run/seed{seed}/shown.npz")
    for place, (name, noise) in enumerate(({"ready": 6.0} | (more or {})).items()):
        change(predictions_of(truth, name, noise, 100 + place)).save(root / f"predictions/{name}/shown.npz")
    Predictions.none("idle", "d", "skipped", "no weights").save(root / "predictions/idle/shown.npz")
    names = ["run", "ready", *(more or {}), "idle"]
    known = {name: Contestant("kind", "facemesh", {"parameters": 10} if name == "run" else {}) for name in names}
    return recorded(root, known, {"shown": HOW}, families)


def recorded(
    root: Path,
    known: dict[str, Contestant],
    how: dict[str, Config],
    families: dict | None = None,
    moves: Perturbations = NO_PERTURBATIONS,
) -> Path:
    """Score what lies in `root`/said and return the folder of the records, the comparisons beside it."""
    out = Outputs(*(root / kind for kind in SUFFIXES))
    places = Scored(root / "faces", root / "reports", root / "predictions")
    scoring.score_all(known, how, places, out, root / "summary", {}, 1, moves)
    config = parse({"families": families or {}, "bootstrap": 200, "flips": 500}, compare.Config, "comparisons")
    where = ReportPaths(reports=root / "reports", details=out.details, errors=out.errors, faces=root / "faces")
    build.build(how, known, where, MADE, config, root / "results", root / "comparisons.json")
    return root / "results"
