"""`from thermark import Landmarker`: faces and their 68 points in one call, on thermal pictures of any origin."""

from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thermark import landmarks
from thermark.core import parallel
from thermark.core.errors import ConfigError, DataError
from thermark.core.radiometry import Tone
from thermark.landmarker import card as cards
from thermark.landmarker import moved, pictures
from thermark.landmarker.detector import DetectorSession, visible
from thermark.landmarker.network import LandmarkSession
from thermark.landmarker.pictures import Given, Picture
from thermark.landmarker.result import Floats, Landmarks

MOST_THREADS = 4  # networks this small do not fill more
BOXES = "give x1, y1, x2, y2 of each face"
LEAST_SIDE = 32  # px: smaller pictures are one cell of the detector
MOST_SIDE = 4096  # px: a larger one takes gigabytes


class Landmarker:
    """Finds faces in thermal pictures, and the 68 points of iBUG in them.

    `weights`: a folder that `make package` made, by default the one that comes with the package. `threads` of
    onnxruntime: by default one for each core that this process may use, four at most. `threshold`: the least score
    of a detected face, and `longest`: the longer side in pixels to which pictures are resized before detection, by
    default as in the card; small faces in pictures that are larger want more. `flip`: average the points in a box
    with those of its mirror image. `tone`: how degrees Celsius become grey, by default as in the card.
    Raises DataError for weights that are absent or damaged, ConfigError for an impossible threshold, size or
    number of threads. One object serves one thread at a time.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        threads: int | None = None,
        threshold: float | None = None,
        longest: int | None = None,
        flip: bool = True,
        tone: Tone | None = None,
    ) -> None:
        # onnxruntime takes a third of a second to import, and `import thermark` none of it.
        from thermark.models.inference import engine

        for name, value, kind, what in (
            ("threads", threads, Integral, "a whole number"),
            ("longest", longest, Integral, "a whole number"),
            ("threshold", threshold, Real, "a number"),
            ("weights", weights, (str, Path), "the path of a folder"),
        ):
            if value is not None:
                _require(name, value, kind, what)
        _require("flip", flip, (bool, np.bool_), "True or False")
        if threads is not None and threads < 1:
            raise ConfigError(f"{threads} is no number of threads", "say 1 or more, or leave it out")
        folder = cards.FOLDER if weights is None else Path(weights)
        self.card = cards.read(folder)
        self.threads = threads or min(parallel.cores(), MOST_THREADS)
        self.tone = tone or self.card.tone

        def opened(network: cards.NetworkCard) -> Any:
            content = cards.content(folder, network)
            try:
                return engine.opened(folder / network.file, threads=self.threads, content=content, native=True)
            except DataError as error:
                raise DataError(error.cause, cards.REMEDY) from error

        if threshold is not None and not 0 < threshold < 1:
            raise ConfigError(f"the threshold {threshold:g} is no score", "say one above 0 and below 1")
        if longest is not None and not LEAST_SIDE <= longest <= MOST_SIDE:
            raise ConfigError(
                f"the longest side {longest} is no size for faces", f"say {LEAST_SIDE} to {MOST_SIDE}, such as 320"
            )
        if tone is not None and not isinstance(tone, Tone):
            raise ConfigError(f"the tone {tone!r} is no Tone", 'give one, such as Tone(name="minmax")')
        settings = {"threshold": threshold, "longest": longest}
        changed = {name: value for name, value in settings.items() if value is not None}
        self._detector = DetectorSession(opened(self.card.detector), self.card.detector.model_copy(update=changed))
        self._network = LandmarkSession(opened(self.card.landmarks), self.card.landmarks, flip)
        # Five places a face: with a mirror image of each they would take twice the time.
        self._search = replace(self._network, flip=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the points, in their order."""
        return landmarks.load(self.card.landmarks.vocabulary).points

    def grey(self, image: Given) -> NDArray[np.uint8]:
        """Return a picture (H, W) as the networks see it; `image` is as in a call."""
        return pictures.read(image, self.tone).grey

    def __call__(
        self,
        image: Given,
        *,
        boxes: ArrayLike | None = None,
        celsius: NDArray[Any] | None = None,
    ) -> Landmarks:
        """Return the faces of one picture.

        `image`: uint8 grey (H, W) or RGB (H, W, 3), or a picture of Pillow; degrees Celsius as float (H, W); raw
        16-bit centikelvin, 1/64 kelvin or counts in no known unit (H, W), which have no temperatures; or a PNG,
        JPEG or TIFF file of one of these. (H, W, 1) is as (H, W). `boxes` (F, 4): x1, y1, x2, y2 in pixels,
        integer = pixel centre; then nothing is detected, and a face comes back for each, of NaN for a box without
        an area or beside the picture. `celsius` (H, W): the temperatures of a picture that holds none. Raises
        DataError for anything else, and for floats that look like kelvin, degrees Fahrenheit or grey levels.
        """
        return self.on_picture(pictures.read(image, self.tone, celsius), boxes)

    def on_picture(self, picture: Picture, boxes: ArrayLike | None = None) -> Landmarks:
        """Return the faces of a picture that was read; boxes (F, 4) are as in a call, DataError for others."""
        if boxes is None:
            detected, confidence = self._detector(picture.grey)
            places, points, scores = self._in_surest(picture.grey, detected)
        else:
            places = given(boxes)
            confidence = np.full(len(places), np.nan, np.float32)
            points, scores = self._network.on_boxes(picture.grey, seen(places, picture.grey))
        temperatures = None if picture.celsius is None else pictures.sampled(picture.celsius, points)
        return Landmarks(points, scores, places, confidence, temperatures, self.card.landmarks.vocabulary)

    def _in_surest(self, grey: NDArray[np.uint8], boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Return detected boxes (F, 4) where the network is surest, and the points and scores there."""
        places = moved.moved(boxes)
        tried = self._search.on_boxes(grey, places.reshape(-1, 4))
        points, scores = (part.reshape(*places.shape[:2], *part.shape[1:]) for part in tried)
        chosen = np.arange(len(boxes)), moved.surest(scores)
        if self._network.flip:
            return places[chosen], *self._network.on_boxes(grey, places[chosen])
        return places[chosen], points[chosen], scores[chosen]


def _require(name: str, value: Any, kind: Any, what: str) -> None:
    """Raise ConfigError for a value of another kind, a type or several; True and False are no numbers."""
    truth = isinstance(value, bool) and kind in (Integral, Real)
    if truth or not isinstance(value, kind):
        raise ConfigError(f"`{name}` is {value!r}", f"say {what}")


def seen(boxes: Floats, grey: NDArray[np.uint8]) -> Floats:
    """Return boxes (F, 4), NaN for those without an area and those beside the picture (H, W)."""
    rows = visible(boxes, (grey.shape[1], grey.shape[0]))
    looked_at = np.full_like(boxes, np.nan)
    looked_at[rows] = boxes[rows]
    return looked_at


def given(boxes: ArrayLike) -> Floats:
    """Return boxes (F, 4) as float32, `[]` as none; raises DataError for anything else."""
    try:
        rows = np.asarray(boxes)
        if rows.size and rows.dtype.kind not in "fiuO":
            raise TypeError(rows.dtype)
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and a box of nothing
            rows = rows.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"`boxes` is a {type(boxes).__name__} that holds no numbers (F, 4)", BOXES) from error
    if rows.shape == (0,):
        return np.zeros((0, 4), np.float32)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise DataError(f"`boxes` is {rows.shape}, not (F, 4)", BOXES)
    return rows
