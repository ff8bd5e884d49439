"""Models that take one image at a time, with boxes or without."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from thermark.models.inference.contract import Floats, Given, Image, Instances, usable


@dataclass(frozen=True)
class Finder:
    """`find`, which looks at one RGB image and returns its faces, best first; the rest is as in Model.

    `providers` is for models in onnxruntime: network -> what it really runs on, best first.
    """

    find: Callable[[Image], Instances]
    vocabulary: str
    box_source: str
    given: Given = "own"
    batch: int = 16
    trained_on: tuple[str, ...] = ()
    providers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return the faces of each RGB image, best first; raises ValueError for what is no RGB image."""
        return [self.find(image) for image in images]


@dataclass(frozen=True)
class Prompted:
    """`locate`, which looks at boxes (P, 4) in one RGB image and returns a row for each; the rest as in Model."""

    locate: Callable[[Image, Floats], Instances]
    vocabulary: str
    given: Given = "prompt"
    box_source: str = "prompt"
    batch: int = 16
    trained_on: tuple[str, ...] = ()

    def __call__(self, images: Sequence[Image], boxes: Sequence[Floats | None]) -> list[Instances]:
        """Return a row for each box of each image; raises ValueError for a bad image, and for no boxes."""
        return [self._located(image, xyxy) for image, xyxy in zip(images, boxes, strict=True)]

    def _located(self, image: Image, boxes: Floats | None) -> Instances:
        usable(image)
        if boxes is None:
            raise ValueError("no box was given")
        return self.locate(image, np.asarray(boxes, np.float32))
