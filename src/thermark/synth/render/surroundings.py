"""What stands behind people: the plain room, or a car, the open air or a furnished room, in and out of focus.

Ranges, in K against the air: a clear sky looks 20-60 K colder overhead and not below -40 deg C, clouds 2-15 K, the
horizon like the air; ground and walls lie within some K, sunlit ones up to 20 K above. Window panes are opaque and
lie between the two airs that they part. A car's roof in the sun is 2-12 K above its air, a seat goes up to half of
the way to the temperature of its user. Radiators are at 40-65 deg C, lamps to 90, screens 3-12 K above.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from thermark.synth.render.background import room
from thermark.synth.render.camera import Camera

Array = NDArray[np.float32]
Backdrop = tuple[Array, Array]

COLDEST = -40.0  # deg C: what a clear sky looks like at least, through the moisture of the air
_SKIN = 33.0  # deg C of other people


@dataclass(frozen=True)
class Surroundings:
    """A place: `kind` is "plain" (the room of `background`), "car", "outdoors" or "indoors".

    `ambient` is an air temperature in deg C that goes with the place, for a writer that wants one; None where
    the place has none. `sky`: how many K what is overhead looks warmer (< 0: colder) than the air,
    which glass mirrors. `blur`: how far out of focus it is, in 256ths of the picture's height.
    """

    kind: str = "plain"
    ambient: float | None = None
    sky: float = 0.0
    blur: float = 1.0


PLAIN = Surroundings()


def sample_surroundings(rng: Generator) -> Surroundings:
    """Draw a place with its air: cars -2 to 42 deg C, outdoors -8 to 40, rooms 14 to 34; every focus."""
    kind = ("car", "outdoors", "indoors")[int(rng.choice(3, p=(0.38, 0.24, 0.38)))]
    blur = float(6.0 * rng.random() ** 2)
    if kind == "outdoors":
        sky = -rng.uniform(20, 60) if rng.random() < 0.55 else -rng.uniform(2, 15)
        return Surroundings(kind, float(rng.uniform(-8, 40)), float(sky), blur)
    middle, spread, low, high = (21, 9, -2, 42) if kind == "car" else (23, 4, 14, 34)
    return Surroundings(kind, float(np.clip(rng.normal(middle, spread), low, high)), float(rng.normal(0, 2)), blur)


class _View:
    """The picture while it is drawn: linear `rgb`, `kelvin` against the air, `share` of the way to skin (H, W)."""

    def __init__(self, height: int, width: int, head: NDArray[np.float64], rng: Generator):
        self.rng, self.height, self.width = rng, height, width
        self.x, self.y, self.metre = (float(v) for v in head)
        self.rgb = np.empty((height, width, 3), np.float32)
        self.rgb[:] = rng.uniform(0.03, 0.5) * np.exp(rng.normal(0, 0.15, 3))
        self.kelvin, self.share = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)

    def at(self, points: list[tuple[float, float]]) -> NDArray[np.int32]:
        """Return pixels of points in metres from the head, right and down."""
        return np.rint(np.array(points) * self.metre + (self.x, self.y)).clip(-8000, 8000).astype(np.int32)

    def fill(
        self, points: list[tuple[float, float]], kelvin: float, share: float = 0.0, grain: float = 0.3
    ) -> None:
        """Draw a polygon (metres from the head) with a grain of its own (K)."""
        mask = np.zeros((self.height, self.width), np.uint8)
        cv2.fillPoly(mask, [self.at(points)], 1)
        self.paint(mask.astype(bool), kelvin, share, grain)

    def oval(
        self, centre: tuple[float, float], size: tuple[float, float], kelvin: float, share: float = 0.0
    ) -> None:
        """Draw an ellipse; `size` are half axes in metres."""
        mask = np.zeros((self.height, self.width), np.uint8)
        middle = tuple(int(v) for v in self.at([centre])[0])
        axes = tuple(max(round(v * self.metre), 1) for v in size)
        cv2.ellipse(mask, middle, axes, float(self.rng.normal(0, 6)), 0, 360, 1, -1)
        self.paint(mask.astype(bool), kelvin, share, 0.3)

    def paint(self, mask: NDArray[np.bool_], kelvin: float, share: float, grain: float) -> None:
        """Fill a mask (H, W) with one temperature, a gradient and a grain."""
        colour = self.rng.uniform(0.01, 0.6) * np.exp(self.rng.normal(0, 0.2, 3))
        texture = self.texture(int(self.rng.integers(3, 40)))
        self.kelvin[mask] = np.float32(kelvin) + np.float32(grain) * texture[mask]
        self.share[mask] = share
        self.rgb[mask] = colour.astype(np.float32) * (1 + np.float32(0.08) * texture[mask])[:, None]

    def texture(self, cells: int) -> Array:
        """Return smooth noise (H, W) of about unit variance with so many cells across."""
        rows = max(round(cells * self.height / self.width), 2)
        coarse = self.rng.standard_normal((rows, cells), np.float32)
        smooth = cv2.resize(coarse, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(smooth, np.float32)

    def person(self) -> None:
        """Draw somebody else, further away, as blobs: head, hair and shoulders."""
        rng, far = self.rng, float(self.rng.uniform(0.35, 0.8))
        x, y = float(rng.normal(0, 0.5)), float(rng.uniform(-0.15, 0.25))
        warm = float(rng.uniform(0.3, 0.7))
        self.oval((x, y + 0.42 * far), (0.24 * far, 0.26 * far), 0.0, warm)
        self.oval((x, y + 0.12 * far), (0.06 * far, 0.12 * far), 0.0, 0.95)
        self.oval((x, y), (0.075 * far, 0.115 * far), 0.0, float(rng.uniform(0.85, 1.0)))
        if rng.random() < 0.7:
            self.oval((x, y - 0.07 * far), (0.082 * far, 0.06 * far), 0.0, float(rng.uniform(0.2, 0.6)))


def backdrop(
    place: Surroundings, camera: Camera, heads: NDArray[np.float64], ambients: tuple[float, ...], rng: Generator
) -> Backdrop:
    """Return linear RGB (H, W, 3) and deg C (A, H, W) of what is behind people.

    `heads` (P, 3): the centres of heads in pixels, and pixels per metre there; furniture stands by the largest.
    """
    if place.kind == "plain":
        return room(camera.height, camera.width, ambients, rng)
    middle = np.array([[camera.width / 2, camera.height / 2, camera.width / 1.0]])
    head = heads[np.argmax(heads[:, 2])] if len(heads) else middle[0]
    view = _View(camera.height, camera.width, head, rng)
    _KINDS[place.kind](view, place, float(ambients[0]))
    sigma = place.blur * camera.height / 256
    if sigma > 0.25:
        for layer in (view.rgb, view.kelvin, view.share):
            layer[:] = cv2.GaussianBlur(layer, (0, 0), sigma)
    celsius = [np.float32(air) + view.kelvin + view.share * np.float32(_SKIN - air) for air in ambients]
    return view.rgb, np.maximum(np.stack(celsius), np.float32(COLDEST))


def _car(view: _View, place: Surroundings, air: float) -> None:
    """Draw a cabin seen from the dashboard: roof, panes, pillars, rear seats, the seat and its headrest."""
    rng = view.rng
    outside = float(rng.normal(-3, 7))  # of the panes against the cabin
    view.kelvin[:] = 0.6 * view.texture(5) + rng.normal(0, 0.7)
    top, slope = -float(rng.uniform(0.10, 0.34)), float(rng.normal(0, 0.12))
    if rng.random() < 0.6:  # the rear window
        left, right, high = -rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.7), top + rng.uniform(0.02, 0.1)
        low = high + rng.uniform(0.12, 0.3)
        pane = [(left * 0.8, high), (right * 0.8, high), (right, low), (left, low)]
        view.fill(pane, outside + rng.normal(0, 2))
    for side in (-1, 1):
        if rng.random() < 0.75:
            inner, lean = rng.uniform(0.2, 0.55), rng.uniform(-0.05, 0.3)
            low = rng.uniform(0.0, 0.25)
            pane = [(inner, top), (inner + 1.2, top + 0.1), (inner + 1.4, low + 0.1), (inner + lean, low)]
            view.fill([(side * x, y) for x, y in pane], outside + float(rng.normal(0, 3)))
            post = inner - rng.uniform(0.05, 0.12)
            strip = [(inner, top - 0.1), (inner + lean, low), (post + lean, low + 0.4), (post, top - 0.1)]
            view.fill([(side * x, y) for x, y in strip], float(rng.normal(0.5, 1.2)))
    roof = float(rng.uniform(2, 12)) if rng.random() < 0.35 else float(rng.normal(0.5, 1.0))
    view.fill([(-3, top - 3 * slope), (3, top + 3 * slope), (3, -4), (-3, -4)], roof, grain=0.4)
    if rng.random() < 0.25:
        view.person()
    for _ in range(int(rng.integers(0, 3))):
        _headrest(view, float(rng.choice((-1, 1)) * rng.uniform(0.22, 0.6)), float(rng.uniform(0.0, 0.2)), 0.6)
    _headrest(view, float(rng.normal(0, 0.05)), float(rng.normal(0.02, 0.05)), 1.0)
    if rng.random() < 0.5:
        x = float(rng.choice((-1, 1)) * rng.uniform(0.12, 0.3))
        belt = [(x, 0.1), (x + 0.05, 0.1), (1.6 * x + 0.05, -0.5), (1.6 * x, -0.5)]
        view.fill(belt, float(rng.normal(0, 0.8)))


def _headrest(view: _View, x: float, y: float, size: float) -> None:
    """Draw a seat; the person on it warms it, most where the head and the shoulders are."""
    rng = view.rng
    warm = float(rng.uniform(0.0, 0.25)) if size == 1.0 else 0.0
    wide, tall = size * rng.uniform(0.10, 0.145), size * rng.uniform(0.075, 0.115)
    top = y + tall + size * rng.uniform(0.02, 0.07)
    back = [(0.10, top), (0.22, top + 0.04), (0.27, top + 0.16), (0.28, 2.0)]
    outline = [(x + size * a, b) for a, b in back] + [(x - size * a, b) for a, b in back[::-1]]
    cool = float(rng.normal(0.3, 0.8))
    view.fill(outline, cool, warm)
    for post in (-0.04, 0.04):
        bar = [(x + size * (post + d), h) for d, h in ((-0.006, y), (0.006, y), (0.006, top), (-0.006, top))]
        view.fill(bar, cool - 0.5)
    view.oval((x, y), (wide, tall), cool, warm * 0.8)
    if warm:
        rows, columns = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
        reach = np.float32((0.15 * view.metre) ** 2)
        glow = np.exp(-((columns - view.x) ** 2 + (rows - view.y) ** 2) / reach)
        view.share += np.float32(rng.uniform(0, 0.3)) * glow * (view.share > 0)


def _outdoors(view: _View, place: Surroundings, air: float) -> None:
    """Draw sky, ground and what stands between: walls, trees, parked cars, passers-by."""
    rng = view.rng
    horizon = view.y + float(rng.normal(0.08, 0.2)) * view.metre
    rows = np.arange(view.height, dtype=np.float32)[:, None]
    above = np.clip((horizon - rows) / max(view.height, 1), 0, 1) ** np.float32(0.6)
    sunny = rng.random() < 0.5
    ground = float(rng.uniform(0, 18)) if sunny else float(rng.normal(-0.5, 1.5))
    clouds = np.clip(view.texture(5) + 0.5 * view.texture(11), 0, 2) * np.float32(rng.uniform(0, 8))
    sky = np.float32(place.sky) * above + clouds * above
    view.kelvin[:] = np.where(rows < horizon, sky, ground + np.float32(rng.uniform(0.2, 1.5)) * view.texture(24))
    view.rgb[:] = np.where((rows < horizon)[..., None], (0.35, 0.45, 0.6), (0.16, 0.15, 0.11))
    for _ in range(int(rng.integers(1, 6))):
        x, wide, tall = float(rng.normal(0, 0.8)), float(rng.uniform(0.05, 0.6)), float(rng.uniform(0.1, 1.2))
        foot = (horizon - view.y) / view.metre + float(rng.uniform(0, 0.15))
        if rng.random() < 0.5:  # a wall, perhaps in the sun
            lean = float(rng.normal(0, 0.1))
            wall = [(x - wide, foot - tall), (x + wide, foot - tall + lean), (x + wide, foot), (x - wide, foot)]
            view.fill(wall, float(rng.uniform(2, 14)) if sunny else float(rng.normal(0.5, 1.5)), grain=0.7)
        else:
            _tree(view, x, foot - 0.5 * tall, wide, 0.5 * tall)
    for _ in range(int(rng.integers(0, 3))):
        view.person()


def _tree(view: _View, x: float, y: float, wide: float, tall: float) -> None:
    """Draw leaves: as warm as the air, with gaps through which the sky is seen."""
    rows, columns = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    across = (columns - np.float32(view.x + x * view.metre)) / np.float32(wide * view.metre)
    down = (rows - np.float32(view.y + y * view.metre)) / np.float32(tall * view.metre)
    shape = 1 - across**2 - down**2 + np.float32(0.5) * view.texture(30) + np.float32(0.3) * view.texture(60)
    view.paint(shape > 0, float(view.rng.normal(-0.3, 0.8)), 0.0, 0.5)


def _indoors(view: _View, place: Surroundings, air: float) -> None:
    """Draw a furnished room: walls, a cold or sunlit window, radiator, lamps, screens, furniture, people."""
    rng = view.rng
    view.kelvin[:] = float(rng.normal(-0.3, 0.8)) + np.float32(rng.uniform(0.1, 0.6)) * view.texture(4)
    if rng.random() < 0.5:  # the corner to another wall or the ceiling
        edge = float(rng.normal(0, 0.5))
        lean = float(rng.normal(0, 0.2))
        view.fill([(edge, -3), (edge + lean, 3), (4, 3), (4, -3)], float(rng.normal(-0.3, 0.9)))
    things: list[tuple[float, Callable[[], float]]] = [
        (0.35, lambda: float(rng.normal(-5, 5))),  # a window
        (0.20, lambda: float(rng.uniform(40, 65)) - air),  # a radiator
        (0.25, lambda: float(rng.uniform(3, 12))),  # a screen
        (0.20, lambda: float(rng.uniform(20, 90)) - air),  # a lamp
    ]
    for chance, warmth in things:
        if rng.random() < chance:
            _block(view, warmth())
    for _ in range(int(rng.integers(0, 7))):
        _block(view, float(rng.normal(0, 0.9)))
    for _ in range(int(rng.integers(0, 3))):
        if rng.random() < 0.5:
            view.person()
    if rng.random() < 0.35:
        _headrest(view, float(rng.normal(0, 0.08)), float(rng.uniform(0.15, 0.35)), 1.0)


def _block(view: _View, kelvin: float) -> None:
    """Draw one thing, upright and seen a little from the side."""
    rng = view.rng
    x, y = float(rng.normal(0, 0.45)), float(rng.normal(-0.05, 0.3))
    wide, tall = float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.03, 0.4))
    if rng.random() < 0.3:
        view.oval((x, y), (0.6 * wide, 0.5 * tall), kelvin)
        return
    a, b = rng.normal(0, 0.06, 2)
    frame = [(x - wide, y - tall), (x + wide, y - tall + a), (x + wide, y + tall + b), (x - wide, y + tall)]
    view.fill([(float(u), float(v)) for u, v in frame], kelvin)


_KINDS = {"car": _car, "outdoors": _outdoors, "indoors": _indoors}
