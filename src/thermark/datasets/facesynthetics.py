"""FaceSynthetics: rendered RGB faces with 70 points, the RGB side of T-FAKE.

Layout: `{id}.png` 512 x 512 RGB, `{id}_ldmks.txt` 70 lines, `{id}_seg.png`, at any depth.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core.frames import Frames, Modality
from thermark.loading import images, ldmks, splits
from thermark.loading.card import Card
from thermark.loading.loaded import Findings, Loaded, Source, require_any, strings

MODALITY: Modality = "rgb"

CARD = Card(
    title="FaceSynthetics",
    url="https://github.com/microsoft/FaceSynthetics",
    licence="Microsoft Research Use of Data Agreement (R-UDA) 1.0, non-commercial research",
    redistribution="no",
    citation="Wood et al., Fake It Till You Make It, ICCV 2021",
    notes="There is no official split. Far-side jaw points are projections of hidden 3-D points, not contour.",
)


class Config(Source):
    """Where the files are and how ids are split; T-FAKE must use the same `split`."""

    split: splits.Fractions = splits.Fractions()


def load(root: Path, config: Config) -> Loaded:
    """Return the frames and faces under `root`; raises DataError when there is none."""
    findings = Findings()
    labels = ldmks.read_all(ldmks.find(root, findings), findings)
    pictures = {path.stem: path for path in sorted(root.rglob("*.png")) if _is_picture(path)}
    findings.add("missing_image", *(name for name in labels if name not in pictures))
    findings.add("missing_annotation", *(name for name in pictures if name not in labels))
    names = sorted(labels.keys() & pictures.keys())
    require_any(len(names), "labelled FaceSynthetics picture", root.name)
    ids = strings(names)
    faces = ldmks.faces(ids, ids, np.stack([labels[name] for name in names]), config.split)
    paths = strings(pictures[name].relative_to(root).as_posix() for name in names)
    frames = Frames(ids, ids, paths, np.zeros((len(ids), 2), np.int32), MODALITY)
    return Loaded(frames, faces, findings)


def read(path: Path, config: Config) -> NDArray[np.uint8]:
    """Return a picture as RGB (H, W, 3) uint8; raises DataError when unreadable."""
    return images.rgb(path)


def _is_picture(path: Path) -> bool:
    return not path.stem.endswith(("_seg", "_thermal"))
