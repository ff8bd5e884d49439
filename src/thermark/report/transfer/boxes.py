"""The boxes in which runs are compared: as publishers draw them, tight, and off as those of detectors are."""

import numpy as np
from numpy.typing import NDArray

from thermark.core.faces import Faces
from thermark.core.perturbations import BoxPerturbation, perturb_boxes
from thermark.datasets.readers import boxes

Boxes = NDArray[np.float32]

GIVEN = "given"
# As the variants of the section moved_boxes are called, which the pipeline predicts.
MOVES = {"shift10": BoxPerturbation(shift=0.1), "scale10": BoxPerturbation(scale=0.1)}
KINDS = (GIVEN, "tight", *MOVES)


def kinds(faces: Faces) -> dict[str, Boxes]:
    """Return boxes (N, 4) of each kind for faces whose prompts are the publisher's.

    `given`: those; `tight`: what they would be if they were tight; `shift10`, `scale10`: the given ones, shifted
    by a tenth of their sides, or so much larger or smaller, as `perturb_boxes` draws by the face's id.
    """
    moved = {name: perturb_boxes(faces.prompts, faces.ids, move) for name, move in MOVES.items()}
    return {GIVEN: faces.prompts, "tight": boxes.to_tight(faces.prompts), **moved}
