"""The colour twins of the pictures of made-up thermal cameras, with their labels: what an RGB teacher is shown.

Layout, labels, boxes and splits are those of `cameras`; a twin has the geometry of its thermal picture exactly.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from thermark.core import images
from thermark.core.frames import Modality
from thermark.datasets import cameras
from thermark.datasets.cameras import Config
from thermark.datasets.readers import coco
from thermark.datasets.readers.loaded import Loaded

__all__ = ["CARD", "MODALITY", "SCHEMES", "Config", "load", "read"]

MODALITY: Modality = "rgb"
SCHEMES = cameras.SCHEMES

CARD = replace(cameras.CARD, title="Cameras (rendered), colour twins")


def load(root: Path, config: Config) -> Loaded:
    """Return the twins under `root` and their faces, with the ids of `cameras.load`; DataError without any."""
    return cameras.loaded(root, config, MODALITY, _twin)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def _twin(entry: coco.Entry, where: str) -> PurePosixPath | None:
    """Return the twin of an image, checked as every file name, or None where it has none."""
    twin = entry.get("visible")
    return None if twin is None else coco.file_name({"file_name": twin}, where)
