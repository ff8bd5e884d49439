"""Made-up thermal cameras: from true temperatures to the 8-bit grey that a camera delivers.

Ranges are those of published uncooled cameras, not of any data set. Sensors: 80 x 60 and 160 x 120 elements, below
50 mK, lenses of 25 to 57 degrees, +-5 K, temperatures in steps of 0.01 K (FLIR Lepton 2.5 and 3.5); 256 x 192,
40 mK (InfiRay P2, TOPDON TC001); 320 x 240 and 384 x 288, 40 to 80 mK (Seek CompactPRO, Optris PI); 320 x 256 and
640 x 512, 20 to 60 mK by grade (FLIR Boson). With age and warm housings: 20 to 120 mK here. Gain: the modes of
FLIR's Tau 2 and Boson (linear between tails, plateau equalisation, a limit to the gain, detail enhancement, gamma)
and the fixed span of radiometric software. The time constant of bolometers is some 10 ms.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.core.config import Section
from thermark.synth.render import marks, palettes
from thermark.synth.render.gain import Gain, Kind, grey
from thermark.synth.render.microbolometer import Faults, observe
from thermark.synth.render.optics import move, onto_sensor

SENSORS = (640, 384, 320, 256, 160, 80)  # columns
_SENSOR_ODDS = (0.15, 0.15, 0.2, 0.2, 0.22, 0.08)
Enlarge = Literal["nearest", "linear", "cubic"]
# Variants of which OpenCV promises the same bytes everywhere, where it has them.
_ENLARGED: tuple[Enlarge, ...] = ("nearest", "linear", "cubic")
_ENLARGE = {"nearest": cv2.INTER_NEAREST_EXACT, "linear": cv2.INTER_LINEAR_EXACT, "cubic": cv2.INTER_CUBIC}

_NO_FAULTS, _STRETCHED = Faults(), Gain()
_GAINS: tuple[Kind, ...] = ("fixed", "minmax", "percentile", "plateau", "clahe")


class Imaging(Section):
    """Which parts of a camera are drawn; without a part, pictures are as if that part were perfect.

    `optics`: blur of the lens and of motion. `sensor`: noise, fixed patterns, shading, dead elements, drift.
    `resolution`: sensors smaller than the picture, enlarged. `gain`: all modes; without, black and white are the
    coldest and warmest. `polarity`: black is hot in two of five cameras. `palette`: colour maps turned to grey.
    `overlay`: crosshair, letters, scale. `compression`: JPEG.
    """

    optics: bool = True
    sensor: bool = True
    resolution: bool = True
    gain: bool = True
    polarity: bool = True
    palette: bool = True
    overlay: bool = True
    compression: bool = True


@dataclass(frozen=True)
class CameraModel:
    """One camera and its settings.

    `columns`: of the sensor, 0 for one as fine as the picture; `enlarge`: how it is brought to the picture's size;
    `blur`: sigma of the lens in elements; `lag`: motion along `heading` (radians) in a time constant, as a share
    of the picture's width; `inverted`: black is hot; `palette`: one of `palettes.STOPS`; `overlay`: of
    `marks.KINDS`; `quality`: of the JPEG, 0 for none; `seed` fixes the sensor's pattern and the marks.
    """

    seed: int = 0
    columns: int = 0
    enlarge: Enlarge = "linear"
    blur: float = 0.0
    lag: float = 0.0
    heading: float = 0.0
    faults: Faults = _NO_FAULTS
    gain: Gain = _STRETCHED
    inverted: bool = False
    palette: str = "grey"
    overlay: tuple[str, ...] = ()
    quality: int = 0


PERFECT = CameraModel()
_PARTS = {
    "optics": ("blur", "lag", "heading"),
    "sensor": ("faults",),
    "resolution": ("columns", "enlarge"),
    "gain": ("gain",),
    "polarity": ("inverted",),
    "palette": ("palette",),
    "overlay": ("overlay",),
    "compression": ("quality",),
}


def draw_camera(rng: Generator, limits: Imaging) -> CameraModel:
    """Draw a camera; a part that `limits` leaves out is perfect, and all others are as they would be with it."""
    drawn = CameraModel(
        seed=int(rng.integers(2**31)),
        columns=int(rng.choice(SENSORS, p=_SENSOR_ODDS)),
        enlarge=_ENLARGED[int(rng.choice(3, p=[0.15, 0.5, 0.35]))],
        # A lens that passes 0.3 to 0.5 of the finest stripes of 12 um elements: sigmas of 0.37 to 0.5; fixed focus
        # and age add to that, and some lenses are out of focus.
        blur=float(rng.uniform(0.35, 1.0) if rng.random() < 0.85 else rng.uniform(1.0, 2.2)),
        # Shares of the picture's width: a head at 0.3 m/s moves by 0.003 m, of the metre that is seen; a phone
        # that is turned makes more of it.
        lag=_log_uniform(rng, 0.001, 0.01) * (rng.random() < 0.35),
        heading=float(rng.uniform(0, 2 * np.pi)),
        faults=_faults(rng),
        gain=_gain(rng),
        inverted=bool(rng.random() < 0.4),
        palette=_palette(rng),
        overlay=_overlay(rng),
        quality=int(rng.integers(60, 96)) * bool(rng.random() < 0.75),
    )
    perfect: dict[str, Any] = {
        name: getattr(PERFECT, name)
        for part, names in _PARTS.items()
        if not getattr(limits, part)
        for name in names
    }
    return replace(drawn, **perfect)


def picture(celsius: NDArray[np.float32], camera: CameraModel, rng: Generator) -> NDArray[np.uint8]:
    """Return what the camera delivers of true deg C (H, W): grey (H, W); `rng` draws the temporal noise."""
    height, width = celsius.shape
    seen = onto_sensor(celsius, camera.columns, camera.blur)
    seen = move(seen, camera.lag * seen.shape[1], camera.heading)
    image = grey(observe(seen, camera.faults, camera.seed, rng), camera.gain)
    if image.shape != (height, width):
        image = np.asarray(cv2.resize(image, (width, height), interpolation=_ENLARGE[camera.enlarge]), np.uint8)
    image = palettes.luma(camera.palette)[255 - image if camera.inverted else image]
    image = marks.overlay(image, camera.overlay, camera.seed)
    return _compressed(image, camera.quality) if camera.quality else image


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    drawn: float = low * (high / low) ** float(rng.random())
    return drawn


def _faults(rng: Generator) -> Faults:
    """Draw a sensor: what is left of its fixed pattern goes with its noise, shading and drift do not."""
    netd = _log_uniform(rng, 0.02, 0.12)
    return Faults(
        netd=netd,
        columns=netd * _log_uniform(rng, 0.1, 1.5),
        rows=netd * _log_uniform(rng, 0.05, 0.5),
        pixels=netd * _log_uniform(rng, 0.3, 2.0),
        shading=_log_uniform(rng, 0.05, 1.5),
        dead=float(rng.uniform(0, 3e-4)) * (rng.random() < 0.3),  # makers promise some 0.9995 that work
        drift=float(np.clip(rng.normal(0, 1.2), -5, 5)),  # makers promise +-2 to +-5
    )


def _gain(rng: Generator) -> Gain:
    """Draw a gain; one camera in six spans so little that the room or the warmest skin is clipped.

    FLIR advises to reject less than 0.01 at either tail, lest important content is lost: a small face is no more.
    """
    low, high = rng.uniform(8, 23), rng.uniform(33, 44)  # a span set by hand is for skin
    low_tail, high_tail = (_log_uniform(rng, 0.0002, 0.01) for _ in range(2))
    room, skin = float(rng.uniform(0.05, 0.35)), float(rng.uniform(0.02, 0.12))
    lot = rng.random()
    return Gain(
        kind=_GAINS[int(rng.choice(5, p=[0.17, 0.2, 0.28, 0.22, 0.13]))],
        low=float(low),
        high=float(high),
        low_tail=low_tail + room * (lot < 0.12),
        high_tail=high_tail + skin * (0.12 <= lot < 0.17),
        plateau=_log_uniform(rng, 0.5, 16),
        linear=float(rng.uniform(0, 0.6)),
        limit=_log_uniform(rng, 1.2, 5),
        tiles=int(rng.integers(2, 9)),
        least=float(rng.uniform(1, 6)),
        sharpen=float(rng.uniform(0.2, 1.3)) * (rng.random() < 0.5),
        radius=float(rng.uniform(0.8, 4)),
        gamma=_log_uniform(rng, 0.6, 1.6) if rng.random() < 0.5 else 1.0,
    )


def _palette(rng: Generator) -> str:
    """Draw a palette: three cameras in four are grey, one in twelve has one whose luma turns."""
    lot, place = rng.random(), rng.random()
    if lot < 0.75:
        return "grey"
    names = palettes.RISING if lot < 11 / 12 else palettes.TURNING
    return names[int(place * len(names))]


def _overlay(rng: Generator) -> tuple[str, ...]:
    some = rng.random() < 0.08
    chosen = rng.random(len(marks.KINDS)) < 0.4
    return tuple(kind for kind, wanted in zip(marks.KINDS, chosen, strict=True) if wanted and some)
