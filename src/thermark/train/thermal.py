"""Random thermal cameras: what their optics, sensors, automatic gain and files do to grey levels.

Nothing here moves a landmark. Each term is a small function of its own; pictures are grey (H, W) uint8, and all is
off by default. The order is that of a camera: what covers a face, motion, sensor, gain, polarity; compression is
last, after noise and blur (augment.distort).
"""

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thermark.core.config import Section

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Fraction = Annotated[float, Field(ge=0, le=1)]
Quality = Annotated[int, Field(ge=1, le=100)]

GRID = 4  # knots of a shading field along each side
KNOTS = 6  # of a tone curve
LEAST = 0.15  # of the steepest piece of a tone curve, the flattest: no piece loses all contrast
TILES = (4, 4)  # of local contrast
FLAT = 0.5  # the part of patches that are of one level


class Thermal(Section):
    """How far cameras differ; every `_p` is a probability, amounts of grey are parts of the whole range.

    `patch_p`: up to `patches` rectangles of any level, some of them with a rough surface, cover parts of the
    picture, each side a part `patch` of it: hands, hair, glasses, the rim of a hood. `motion_p`: smeared along a
    line of up to a part `motion` of the side. `coarse_p`: seen by a sensor of 1/f of the pixels a side, f within
    `coarse`, and enlarged. `shading_p`: a smooth field of up to `shading` is added, as by a warm housing.
    `stripes_p`: columns or rows are off by a normal deviate of up to `stripes`, as of amplifiers. `local_p`:
    contrast is equalised in tiles (CLAHE), clipped at up to `local`. `tone_p`: grey levels go through a rising
    curve of random pieces: automatic gain differs between cameras. `gamma`: they are raised to a power between
    1 / gamma and gamma, evenly in its logarithm. `invert_p`: warm is dark. `compress_p`: saved as JPEG of a
    `quality`.
    """

    patch_p: Fraction = 0.0
    patches: int = Field(3, ge=1, le=16)
    patch: tuple[Fraction, Fraction] = (0.05, 0.4)
    motion_p: Fraction = 0.0
    motion: Fraction = 0.06
    coarse_p: Fraction = 0.0
    coarse: tuple[float, float] = (1.0, 5.0)
    shading_p: Fraction = 0.0
    shading: Fraction = 0.15
    stripes_p: Fraction = 0.0
    stripes: Fraction = 0.03
    local_p: Fraction = 0.0
    local: float = Field(4.0, gt=1)
    tone_p: Fraction = 0.0
    gamma: float = Field(1.0, ge=1)
    invert_p: Fraction = 0.0
    compress_p: Fraction = 0.0
    quality: tuple[Quality, Quality] = (50, 95)

    @property
    def active(self) -> bool:
        """Whether any term is on."""
        chances = [value for name, value in self.model_dump().items() if name.endswith("_p")]
        return any(chances) or self.gamma > 1


def camera(
    image: Image, covers: np.random.Generator, sensor: np.random.Generator, gain: np.random.Generator, how: Thermal
) -> Image:
    """Return the picture as another camera shows it; each generator gives the same number of variates always.

    `covers` is for patches, `sensor` for optics and sensor, `gain` for tone and polarity. Patches alone may take
    more or fewer variates.
    """
    chance = sensor.random(6)
    if covers.random() < how.patch_p:
        image = patched(image, covers, how)
    angle, length, factor = sensor.random(3)
    field, offsets = sensor.uniform(-1, 1, (GRID, GRID)), sensor.standard_normal(max(image.shape))
    if chance[0] < how.motion_p:
        image = smeared(image, np.pi * angle, how.motion * length * len(image))
    low, high = how.coarse
    wanted = low + (high - low) * factor if chance[1] < how.coarse_p else 1.0
    small = reduced(image, wanted)
    if chance[2] < how.shading_p:
        small = shaded(small, how.shading * field)
    if chance[3] < how.stripes_p:
        small = striped(small, how.stripes * offsets, rows=bool(chance[4] < 0.5))
    image = enlarged(small, image.shape, smooth=bool(chance[5] < 0.5))
    return gained(image, gain, how)


def gained(image: Image, rng: np.random.Generator, how: Thermal) -> Image:
    """Return the picture with another automatic gain and polarity."""
    chance, steps, power = rng.random(4), rng.random(KNOTS - 1), rng.uniform(-1, 1)
    if chance[0] < how.local_p:
        clip = 1 + (how.local - 1) * chance[3]
        image = np.asarray(cv2.createCLAHE(clip, TILES).apply(image), np.uint8)
    levels = np.arange(256) / 255
    if chance[1] < how.tone_p:
        levels = curve(levels, steps)
    if how.gamma > 1:
        levels = levels ** (how.gamma**power)
    if chance[2] < how.invert_p:
        levels = 1 - levels
    return np.asarray(cv2.LUT(image, np.rint(255 * levels).astype(np.uint8)), np.uint8)


def curve(levels: Floats, steps: Floats) -> Floats:
    """Return levels (N,) of 0 to 1 on a rising curve from 0 to 1, straight between knots that are equally apart.

    `steps` (K,) of 0 to 1: how steep each piece is.
    """
    heights = np.cumsum(LEAST + (1 - LEAST) * steps)
    knots = np.concatenate([[0.0], heights / heights[-1]])
    curved: Floats = np.interp(levels, np.arange(len(knots)) / len(steps), knots)
    return curved


def patched(image: Image, rng: np.random.Generator, how: Thermal) -> Image:
    """Return the picture with one to `patches` rectangles of a random level, half of them rough."""
    image, (height, width) = image.copy(), image.shape
    for _ in range(int(rng.integers(1, how.patches + 1))):
        sides = how.patch[0] + (how.patch[1] - how.patch[0]) * rng.random(2)
        x, y = rng.random(2) * (1 - sides)
        level, rough = rng.integers(0, 256), rng.random() >= FLAT
        part = image[
            round(y * height) : round((y + sides[1]) * height), round(x * width) : round((x + sides[0]) * width)
        ]
        part[:] = level
        if rough:
            spread = rng.integers(4, 40)
            texture = level + rng.integers(-spread, spread + 1, part.shape)
            part[:] = np.clip(texture, 0, 255)
    return image


def smeared(image: Image, angle: float, length: float) -> Image:
    """Return the mean of the picture at places along a line of `length` px, a pixel apart, repeated at its rim.

    Sums of whole numbers: the same on every machine.
    """
    count = int(length) + 1
    if count < 2:
        return image
    along = np.arange(count) - (count - 1) / 2
    steps = np.rint(np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1)).astype(int)
    rim = int(np.abs(steps).max())
    wide = cv2.copyMakeBorder(image, rim, rim, rim, rim, cv2.BORDER_REPLICATE).astype(np.uint16)
    height, width = image.shape
    total = np.zeros(image.shape, np.uint16)
    for right, down in steps:
        total += wide[rim + down : rim + down + height, rim + right : rim + right + width]
    return ((total + count // 2) // count).astype(np.uint8)


def reduced(image: Image, factor: float) -> Image:
    """Return the picture with 1 / `factor` of its pixels a side, means over what each covers."""
    height, width = (max(2, round(side / factor)) for side in image.shape)
    if (height, width) == image.shape:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(image: Image, shape: tuple[int, ...], smooth: bool) -> Image:
    """Return the picture at another size (H, W), by straight lines, or `smooth`: by cubic curves."""
    if image.shape == shape:
        return image
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, shape[::-1], interpolation=how), np.uint8)


def shaded(image: Image, field: Floats) -> Image:
    """Return the picture plus a smooth field through knots (G, G) over it, in parts of the range of grey."""
    down, right = (blend(side, len(field)) for side in image.shape)
    # Products and sums one by one, no matrix product: the same on every machine.
    columns = np.zeros((len(field), image.shape[1]))
    for at in range(len(field)):
        columns += field[:, at, None] * right[None, :, at]
    whole = np.zeros(image.shape)
    for at in range(len(field)):
        whole += down[:, at, None] * columns[None, at]
    return added(image, whole)


def blend(side: int, knots: int) -> Floats:
    """Return how much of each knot is in each of `side` pixels, (side, knots); the shares of a pixel sum to 1."""
    at = (np.arange(side) + 0.5) / side * (knots - 1)
    away = np.clip(np.abs(at[:, None] - np.arange(knots)), 0, 1)
    shares: Floats = 1 - away * away * (3 - 2 * away)
    return shares


def striped(image: Image, offsets: Floats, rows: bool) -> Image:
    """Return the picture with an offset for each row, or each column, in parts of the range of grey."""
    needed = offsets[: image.shape[0 if rows else 1]]
    return added(image, needed[:, None] if rows else needed[None])


def added(image: Image, offset: NDArray[np.floating]) -> Image:
    """Return the picture plus an offset in parts of the range of grey, cut at black and white."""
    moved = image + np.rint(255 * offset).astype(np.int16)
    picture: Image = np.clip(moved, 0, 255).astype(np.uint8)
    return picture


def compressed(image: Image, rng: np.random.Generator, how: Thermal) -> Image:
    """Return the picture as JPEG shows it, or as it is."""
    chance, part = rng.random(2)
    if chance >= how.compress_p:
        return image
    low, high = how.quality
    quality = round(low + (high - low) * part)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
