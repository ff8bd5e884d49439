"""One meaning of a box: from the tight box of a face's landmarks to the box that a publisher draws, and back.

A network trained in boxes of one kind loses a third and more of its accuracy in boxes of the other.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import ConfigError
from thermark.core.faces import Faces
from thermark.datasets.readers.card import Boxes


@dataclass(frozen=True)
class Ratio:
    """A box against the tight one: `width` and `height` times its sides, `down` of its height further down."""

    width: float
    height: float
    down: float


# Medians over 64 human-labelled faces of SF-TL54, 54 points and a box each (from the 5th to the 95th percentile
# 1.030 to 1.061, 1.132 to 1.192, -0.078 to -0.044). People draw up to the hair; the chin is a landmark.
FACE = Ratio(width=1.043, height=1.157, down=-0.061)


def converted(faces: Faces, kind: Boxes, wanted: Boxes | None) -> Faces:
    """Return faces whose prompts of this `kind` are made to be of the kind `wanted`, None for as they are.

    Raises ConfigError for a kind between which and this one no ratio is known.
    """
    if wanted is None or wanted == kind:
        return faces
    if {kind, wanted} != {"tight", "face"}:
        raise ConfigError(
            f"prompts that are boxes of the {kind} cannot be made those of the {wanted}", "leave `box` out"
        )
    change = to_face if wanted == "face" else to_tight
    return replace(faces, prompts=change(faces.prompts))


def to_face(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a publisher's boxes (N, 4) of the faces whose landmarks have these tight boxes."""
    centre, size = _parts(boxes)
    return _joined(centre + size * [0.0, FACE.down], size * [FACE.width, FACE.height])


def to_tight(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the tight boxes (N, 4) that `to_face` makes these of."""
    centre, size = _parts(boxes)
    size = size / [FACE.width, FACE.height]
    return _joined(centre - size * [0.0, FACE.down], size)


def _parts(boxes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    near, far = np.asarray(boxes, np.float64).reshape(-1, 2, 2).swapaxes(0, 1)
    return (near + far) / 2, far - near


def _joined(centre: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1).astype(np.float32)
