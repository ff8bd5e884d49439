"""Faces with 54 points of which the eyes are 40 px apart, and what somebody says of them."""

from dataclasses import replace

import numpy as np

from thermark import landmarks
from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.datasets.readers.loaded import build_faces

VOCABULARY = "sftl54"
NAMES = landmarks.load(VOCABULARY).points


def shape(seed: int = 0) -> np.ndarray:
    """Return 54 points of a face whose outer eye corners are 40 px apart at (80, 100) and (120, 100)."""
    xy = np.random.default_rng(seed).uniform((70, 80), (130, 160), (54, 2))
    for name, place in {
        "right_eye_0": (80, 100),
        "left_eye_3": (120, 100),
        "nose_bridge_3": (100, 120),
    }.items():
        xy[NAMES.index(name)] = place
    return xy.astype(np.float32)


def faces_of(xy: np.ndarray, ids=None, people=None) -> Faces:
    count = len(xy)
    ids = np.array(ids or [f"r{row % 2}/f{row:03d}" for row in range(count)])
    people = np.array(people or [f"p{row % 3}" for row in range(count)])
    prompts = np.tile(np.float32([60, 70, 140, 170]), (count, 1))
    parts = {"state": np.array(["normal", "yawning"] * count)[:count]}
    return build_faces(
        ids, people, np.array(["test"] * count), VOCABULARY, xy.astype(np.float32), prompts=prompts, strata=parts
    )


def predictions_of(faces: Faces, xy: np.ndarray) -> Predictions:
    rows = np.arange(len(faces))
    return replace(
        Predictions.none("x", "data", "ok", ""),
        vocabulary=VOCABULARY,
        box_source="prompt",
        frames=faces.frames,
        faces=rows,
        xy=xy.astype(np.float32),
        score=np.ones(xy.shape[:2], np.float32),
        boxes=faces.prompts,
        box_score=np.full(len(rows), np.nan, np.float32),
    )
