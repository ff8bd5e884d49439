"""How much rendered people, their poses and their surroundings vary: one switch a group of phenomena."""

from dataclasses import replace

from numpy.random import Generator

from thermark.core.config import Section
from thermark.synth.render.behaviour import sample_face
from thermark.synth.render.coverings import sample_covering
from thermark.synth.render.eyewear import sample_eyewear
from thermark.synth.render.hands import sample_held
from thermark.synth.render.heat import sample_heat
from thermark.synth.render.person import Person, Pose, frame_colour, sample_person, sample_pose
from thermark.synth.render.proportions import sample_shape
from thermark.synth.render.surroundings import PLAIN, Surroundings, sample_surroundings
from thermark.synth.render.viewpoint import sample_elevation, seen_from

WEARERS = 0.38  # share of people with glasses or sunglasses on
_CLOSE = ("hood", "cap", "headband", "headphones")  # what presses hair down
_BENEATH = {"curly": "short", "long": "short", "long_fringe": "fringe", "beanie": "buzz"}


class Variety(Section):
    """Which phenomena are drawn; a switch that is off draws nothing, so that an ablation can leave a group out.

    `eyewear`: spectacles and sunglasses of many shapes; `heat`: temperature patterns of individuals, cold noses,
    breath; `coverings`: hoods, collars, scarves, caps; `surroundings`: cars, outdoors, rooms with hot and cold
    things; `poses`: wide angles, yawns, talking, lopsided expressions; `shapes`: wider and lopsided heads;
    `occluders`: hands, mugs, phones; `mounts`: cameras above and below the face, off unless a set asks for it.
    """

    eyewear: bool = True
    heat: bool = True
    coverings: bool = True
    surroundings: bool = True
    poses: bool = True
    shapes: bool = True
    occluders: bool = True
    mounts: bool = False


def person(rng: Generator, variety: Variety) -> Person:
    """Draw an identity; with every switch off the one that `sample_person` draws."""
    drawn = sample_person(rng)
    if variety.shapes:
        drawn = replace(drawn, shape=sample_shape(rng, drawn.shape))
    if variety.heat:
        drawn = replace(drawn, heat=sample_heat(rng))
    if variety.eyewear:
        worn = rng.random() < WEARERS
        drawn = replace(
            drawn,
            glasses=frame_colour(rng) if worn else None,
            eyewear=sample_eyewear(rng) if worn else None,
        )
    if variety.coverings:
        covering = sample_covering(rng)
        below = _BENEATH.get(drawn.hair, drawn.hair) if covering and covering.kind in _CLOSE else drawn.hair
        drawn = replace(drawn, covering=covering, hair=below)
    return drawn


def pose(rng: Generator, variety: Variety, position: tuple[float, float, float]) -> Pose:
    """Draw a pose at `position` (metres, as in `Pose`); with every switch off the one that `sample_pose` draws."""
    held_so = sample_face(rng, position) if variety.poses else sample_pose(rng, position)
    if variety.occluders:
        held_so = replace(held_so, held=sample_held(rng, yawning=held_so.jaw > 0.7))
    if variety.mounts:
        held_so = seen_from(held_so, sample_elevation(rng))
    return held_so


def surroundings(rng: Generator, variety: Variety) -> Surroundings:
    """Draw a place; with its switch off it is the plain room, and nothing is drawn."""
    return sample_surroundings(rng) if variety.surroundings else PLAIN
