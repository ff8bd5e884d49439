"""The bake-off in miniature: labelled noses, contestants with known shifts, files as stages leave them."""

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

import instances
from thermark import landmarks
from thermark.core import files
from thermark.core.faces import Faces
from thermark.core.frames import Frames
from thermark.core.predictions import Predictions
from thermark.metrics import outputs
from thermark.metrics.evaluate import Config, evaluate
from thermark.report.paths import ReportPaths
from thermark.report.results import build, collect, compare
from thermark.report.results.record import Provenance

SIZE = (192, 256)
DATA = "fingerprint"
VARIANTS = ("png", "minmax", "inverted")
HOW = Config(vocabulary="nose1", bootstrap=0)
MADE = Provenance(code={}, environment={}, arithmetic="portable")
CARD = {"title": "ThermEval-D", "labels": "human", "licence": "", "citation": "", "notes": "", "url": ""}
SETTINGS = {"raw": "thermeval", "source": "tiff", "tone": {"name": "clip", "low": 20.0, "high": 40.0}}


def nose_faces(frames: dict[str, list[tuple[float, float]]], sessions: dict[str, str] | None = None) -> Faces:
    """Return faces with noses (x, y) px in the named frames, each in a person of 60 x 120 and a head of 30 x 30.

    Frames of part 1 are office scenes to train on, those of part 2 are scored, and 2 ft or 6 ft away in turns.
    """
    named = [frame for frame, points in frames.items() for _ in points]
    xy = np.array([point for points in frames.values() for point in points], np.float32)
    order = {frame: place for place, frame in enumerate(frames)}
    tested = np.array([frame.startswith("2/") for frame in named])
    far = np.array([("2ft", "6ft")[order[frame] % 2] for frame in named])
    return Faces(
        ids=np.array([f"{frame}/{row}" for row, frame in enumerate(named)]),
        frames=np.array(named),
        subjects=np.array([(sessions or {}).get(frame, frame) for frame in named]),
        splits=np.where(tested, "test", "train"),
        vocabularies=np.full(len(named), "nose1"),
        boxes=np.concatenate([xy - 30, xy + np.array([30, 90])], axis=1).astype(np.float32),
        prompts=np.concatenate([xy - 15, xy + 15], axis=1).astype(np.float32),
        xy=xy[:, None],
        visible=np.ones((len(named), 1), bool),
        strata={
            "distance": np.where(tested, far, "office"),
            "source": np.where(tested, "annotations_2", "annotations_1"),
        },
    )


def predictions_of(
    contestant: str, vocabulary: str, frames: list[str], xy: np.ndarray, rows=None, boxes: str = "", **more
) -> Predictions:
    """Return predictions whose points all lie at xy (M, 2), prompted for `rows` or found by itself."""
    count = len(frames)
    points = len(landmarks.load(vocabulary))
    every = np.repeat(np.asarray(xy, np.float32).reshape(-1, 1, 2), points, axis=1)
    empty = Predictions.none(contestant, DATA, "ok", "")
    return replace(
        empty,
        vocabulary=vocabulary,
        box_source=boxes or ("finder" if rows is None else "labelled"),
        frames=np.array(frames, "U32"),
        faces=np.full(count, -1, np.int64) if rows is None else np.asarray(rows, np.int64),
        xy=every,
        score=np.ones((count, points), np.float32),
        boxes=np.zeros((count, 4), np.float32),
        box_score=np.full(count, np.nan if rows is not None else 0.9, np.float32),
        **more,
    )


READ = ("reports", "framed", "results", "faces", "predictions")


class Stages:
    """What earlier stages leave behind under `root`: the face set at once, contestants as they are added."""

    def __init__(self, root: Path, faces: Faces, origin: str = "real", others: dict[str, str] | None = None):
        self.faces = faces
        self.root, self.names = root, []
        self.paths = ReportPaths(**{name: root / name for name in READ})
        ids = np.array(list(dict.fromkeys(faces.frames.tolist())))
        sizes = np.tile(np.array(SIZE, np.int32), (len(ids), 1))
        folder = self.paths.faces / "thermeval"
        faces.save(folder / "faces.npz")
        instances.annotations_of(faces).save(folder)
        Frames(ids, ids, np.char.add(ids, ".tiff"), sizes, "thermal").save(folder / "frames.npz")
        for name, raw in {"thermeval": "thermeval", **(others or {})}.items():
            report = {"fingerprint": DATA, "raw": raw, "origin": origin, "card": CARD, "modality": "thermal"}
            files.write_json(self.paths.reports / f"{name}.json", report)
        variants = {"base": {"settings": {}}, "png": {"settings": {"source": "png"}}}
        variants |= {
            "minmax": {"settings": {"tone": {"name": "minmax"}}},
            "inverted": {"settings": {"invert": True}},
        }
        files.write_json(self.paths.framed / "thermeval.json", {"data": DATA, "variants": variants})

    def copy(self, root: Path) -> "Stages":
        """Return the same under another root, which a test may change."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        made = copy.copy(self)
        made.root, made.names = root, list(self.names)
        made.paths = ReportPaths(**{name: root / name for name in READ})
        return made

    def add(self, *seeds: Predictions, whole: bool = True, seeded: bool = False, **shown: Predictions) -> None:
        """Write a contestant's predictions and scores; `shown`: what it said on variants if not the same."""
        name = seeds[0].contestant
        folder = self.paths.predictions / name
        for seed, one in enumerate(seeds):
            scored = self.faces.frames[self.faces.splits == "test"]
            kept = np.isin(one.frames, scored) if whole else np.ones(len(one), bool)
            columns = ("frames", "faces", "xy", "score", "boxes", "box_score")
            base = replace(one, **{column: getattr(one, column)[kept] for column in columns})
            base.save((folder / f"seed{seed}" if seeded else folder) / "thermeval.npz")
            for variant in VARIANTS if whole else ():
                place = folder / f"seed{seed}" if seeded else folder
                shown.get(variant, one).save(place / f"thermeval@{variant}.npz")
        scored = evaluate(self.faces, list(seeds) if seeded else seeds[0], HOW, "thermeval")
        to = outputs.Outputs(*(self.root / kind for kind in outputs.SUFFIXES))
        outputs.write(scored, [], "thermeval", to.of(name))
        self.names = list(dict.fromkeys([*self.names, name]))
        self.record(to)

    def record(self, scores: outputs.Outputs) -> None:
        """Write the records of all contestants, as the pipeline does."""
        known = dict.fromkeys(self.names, collect.Contestant("kind", "family", {}))
        where = replace(self.paths, details=scores.details, errors=scores.errors)
        fast, beside = compare.Config(bootstrap=1, flips=1), self.root / "comparisons.json"
        build.build({"thermeval": HOW}, known, where, MADE, fast, self.paths.results, beside)
