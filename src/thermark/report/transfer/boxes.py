"""The boxes in which contestants are compared, and how small an error a box alone gives.

Where one network made boxes and points, a box gives much away: a contestant with no smaller error than the mean
face of the other people, placed in the box without looking at a picture, shows no gain from pictures. That mean
comes from this camera's labels, which a student of rendered faces has not seen: a yardstick, no contestant.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.geometry import box_size
from thermark.core.perturbations import BoxPerturbation, perturb_boxes
from thermark.core.predictions import Predictions
from thermark.datasets.readers import boxes

Floats = NDArray[np.float32]
Boxes = NDArray[np.float32]

# As the variants of the section moved_boxes are called, which the pipeline predicts.
MOVES = {"shift10": BoxPerturbation(shift=0.1), "scale10": BoxPerturbation(scale=0.1)}
KINDS = ("given", "tight", *MOVES)
MEAN_OF_OTHERS = "mean_of_others"


def kinds(faces: Faces) -> dict[str, Boxes]:
    """Return boxes (N, 4) of each kind for faces whose prompts are the publisher's.

    `given`: those; `tight`: what they would be if they were tight; `shift10`, `scale10`: the given ones, shifted
    by a tenth of their sides, or so much larger or smaller, as `perturb_boxes` draws by the face's id.
    """
    moved = {name: perturb_boxes(faces.prompts, faces.ids, move) for name, move in MOVES.items()}
    return {"given": faces.prompts, "tight": boxes.to_tight(faces.prompts), **moved}


def mean_of_others(faces: Faces, boxes: Boxes) -> Predictions:
    """Return the mean of the faces of all other subjects in the box (N, 4) of each; NaN with one subject only.

    Faces are one vocabulary's; the mean is in units of a box's longer side, from its centre.
    """
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, box_size(boxes).max(axis=1)
    shapes = (faces.xy - centre[:, None]) / side[:, None, None]
    xy = np.full(faces.xy.shape, np.nan, np.float32)
    for subject in np.unique(faces.subjects):
        rows = faces.subjects == subject
        if not rows.all():
            xy[rows] = centre[rows, None] + np.nanmean(shapes[~rows], axis=0) * side[rows, None, None]
    score = np.ones((len(faces), 1), np.float32)
    return predictions(MEAN_OF_OTHERS, str(faces.vocabularies[0]), faces, boxes, xy, score)


def predictions(name: str, vocabulary: str, faces: Faces, boxes: Boxes, xy: Floats, score: Floats) -> Predictions:
    """Return points (N, K, 2) and scores of a contestant in the boxes (N, 4) of faces as predictions."""
    return replace(
        Predictions.none(name, "", "ok", ""),
        vocabulary=vocabulary,
        box_source="prompt",
        frames=faces.frames,
        faces=np.arange(len(faces)),
        xy=xy,
        score=score,
        boxes=boxes,
        box_score=np.full(len(faces), np.nan, np.float32),
    )


def prompts(faces: Faces, predicted: Sequence[Predictions]) -> Boxes | None:
    """Return the boxes (N, 4) in which any of these answered for every face, None where none was given them."""
    rows = np.arange(len(faces))
    whole = (one for one in predicted if one.box_source == "prompt" and np.array_equal(one.faces, rows))
    return next((one.boxes for one in whole), None)
