"""A detector that finds faces with their points by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from thermark.zeroshot.contract import Floats, Given, Image, Instances


@dataclass(frozen=True)
class Finder:
    """`find`, which looks at one RGB image and returns its faces, best first; the rest is a FramePredictor's.

    `providers` is of who uses onnxruntime: network -> what it really runs on, best first.
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
