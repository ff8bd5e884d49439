"""Where a data set comes from and what may be done with it."""

from dataclasses import dataclass
from typing import Literal

# The origin of the points: people; a network, from which errors are then distances; or the renderer.
Labels = Literal["human", "machine", "rendered"]
# What a face is cropped by: the tight box of its landmarks, a publisher's box of the face, or the head.
Boxes = Literal["tight", "face", "head"]


@dataclass(frozen=True)
class DataSetCard:
    """Origin and terms of a data set, written beside its packed faces.

    `redistribution`: whether files may be passed on; `notes` what its labels or published models imply for a
    comparison (for instance, which models were trained on it). `labels`: whose they are, if nothing is rendered;
    `boxes`: the kind of its prompts.
    """

    title: str
    url: str
    licence: str
    redistribution: str
    citation: str
    notes: str
    labels: Labels
    boxes: Boxes
