"""The visible twins of SF-TL54's thermal pictures, with the labels of these: what an RGB teacher is shown.

Layout, labels, boxes and splits are those of `sftl54`. Inferred: that stream 3 is aligned to the thermal picture,
so that a label of the one is one of the other. Unknown: how well, at the points of a face; and whether both have
one size (a picture of another is resized to the thermal camera's, 464 x 348).
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import images
from thermark.core.frames import Modality
from thermark.datasets import sftl54
from thermark.datasets.readers import speakingfaces
from thermark.datasets.readers.loaded import Findings, Loaded, build_frames, require_any
from thermark.datasets.sftl54 import Config

__all__ = ["CARD", "MODALITY", "SCHEMES", "Config", "load", "read"]

MODALITY: Modality = "rgb"
SCHEMES = sftl54.SCHEMES
SIZE = (464, 348)

CARD = replace(
    sftl54.CARD,
    title="SF-TL54, visible twins",
    notes="Points are those of the thermal pictures, to which these are aligned by their publisher; how well is "
    f"not known. {sftl54.CARD.notes}",
)


def load(root: Path, config: Config) -> Loaded:
    """Return the frames and faces of `sftl54.load` that have a visible twin, with ids of their thermal pictures.

    Raises DataError as that does, and when there is no twin.
    """
    findings = Findings()
    files = sftl54.listed(root, findings)
    thermal = sftl54.labelled(root, config, files, findings)
    visible = {stem: path for (_, stem), path in files.pictures.get("rgb", {}).items()}
    paths = [visible.get(speakingfaces.visible(str(name).split("/")[1])) for name in thermal.frames.ids]
    rows = np.flatnonzero([path is not None for path in paths])
    require_any(len(rows), "visible twin of an SF-TL54 picture", root.name, thermal.findings)
    ids, subjects = thermal.frames.ids[rows], thermal.frames.subjects[rows]
    frames = build_frames(ids, subjects, (paths[row] for row in rows), MODALITY)
    return replace(thermal, frames=frames, faces=thermal.faces.take(rows))


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture (348, 464, 3) uint8 RGB as large as its thermal twin; raises DataError when unreadable."""
    image = images.rgb(path)
    if image.shape[1::-1] == SIZE:
        return image
    return cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8)
