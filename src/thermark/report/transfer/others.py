"""How much a box alone tells: the mean face of the other people, placed in it without looking at a picture.

Where one network drew boxes and points, a box tells much: who comes no nearer has learned nothing from pictures.
It knows this camera's labels, which a student of rendered faces does not: a yardstick, no contestant.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from thermark.core.faces import Faces
from thermark.core.geometry import box_size
from thermark.core.predictions import Predictions
from thermark.report.transfer.boxes import Boxes

NAME = "mean_of_others"


def mean_of_others(faces: Faces, boxes: Boxes) -> Predictions:
    """Return the mean of the faces of all other subjects in the box (N, 4) of each; NaN with one subject only.

    Faces are one vocabulary's; the mean is in units of a box's longer side, from its centre.
    """
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, box_size(boxes).max(axis=1)
    shapes = (faces.xy - centre[:, None]) / side[:, None, None]
    xy = np.full(faces.xy.shape, np.nan, np.float32)
    for subject in np.unique(faces.subjects):
        own = faces.subjects == subject
        if not own.all():
            xy[own] = centre[own, None] + np.nanmean(shapes[~own], axis=0) * side[own, None, None]
    return replace(unseen(NAME, str(faces.vocabularies[0]), faces, boxes), xy=xy)


def unseen(name: str, vocabulary: str, faces: Faces, boxes: Boxes) -> Predictions:
    """Return predictions in the boxes (N, 4) of faces, whose points are still to be filled in."""
    return replace(
        Predictions.none(name, "", "ok", ""),
        vocabulary=vocabulary,
        box_source="prompt",
        frames=faces.frames,
        faces=np.arange(len(faces)),
        score=np.ones((len(faces), 1), np.float32),
        boxes=boxes,
        box_score=np.full(len(faces), np.nan, np.float32),
    )


def boxes_of(faces: Faces, found: Sequence[Predictions]) -> Boxes | None:
    """Return the boxes (N, 4) in which any of these answered for every face, None where none was given them."""
    whole = np.arange(len(faces))
    fitting = (one for one in found if one.box_source == "prompt" and np.array_equal(one.faces, whole))
    return next((one.boxes for one in fitting), None)
