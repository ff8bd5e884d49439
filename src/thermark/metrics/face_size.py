"""How large a face is in its picture: what a detection may be off is measured by that."""

import numpy as np

from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.geometry import box_size
from thermark.metrics.distances import Floats
from thermark.metrics.normalisers import positive


def face_size(faces: Faces) -> Floats:
    """Return the size of each face in source px, (N,) float64, always positive: the longer side of its prompt.

    A face without a prompt has the width of its labelled box times the median ratio of the two over the faces of
    the set that have both (1 where none has); one without either has the median size of the others. Raises
    DataError when no face has a box.
    """
    side = positive(np.max(box_size(faces.prompts), axis=1).astype(np.float64))
    width = positive(box_size(faces.boxes)[:, 0].astype(np.float64))
    ratios = (side / width)[~np.isnan(side / width)]
    size = np.where(np.isnan(side), width * (np.median(ratios) if len(ratios) else 1.0), side)
    boxed = ~np.isnan(size)
    if not boxed.any():
        raise DataError("no face of the set has a box, so detections cannot be matched", "add boxes in its loader")
    return np.where(boxed, size, np.median(size[boxed]))
