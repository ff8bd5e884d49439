"""People, poses and places as `variety` draws them: each switch, and what each phenomenon changes."""

import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render import variety
from thermark.synth.render.person import sample_person, sample_pose
from thermark.synth.render.scene import Camera, render_scene
from thermark.synth.render.variety import Variety

SWITCHES = tuple(Variety.model_fields)
NONE = Variety(**dict.fromkeys(SWITCHES, False))
CAMERA = Camera(96, 96, 180.0)
AHEAD = (0.0, 0.0, 0.7)


def test_every_switch_off_draws_what_was_drawn_before():
    old, new = seeds.rng(5, "old"), seeds.rng(5, "old")
    for _ in range(20):
        assert variety.person(new, NONE) == sample_person(old)
        assert variety.pose(new, NONE, AHEAD) == sample_pose(old, AHEAD)
    place = variety.surroundings(new, NONE)
    people = [(sample_person(old), sample_pose(old, AHEAD))]
    again = [(variety.person(new, NONE), variety.pose(new, NONE, AHEAD))]
    before = render_scene(people, CAMERA, (22.0,), old)
    after = render_scene(again, CAMERA, (22.0,), new, surroundings=place)
    for name in ("rgb", "celsius", "segmentation", "region", "owner", "lens", "xy", "visible", "boxes"):
        assert getattr(before, name).tobytes() == getattr(after, name).tobytes(), name
    assert old.random() == new.random()


@pytest.mark.parametrize("place", [None, "varied"])
def test_without_colour_everything_else_is_the_same(place: str | None):
    rng = seeds.rng(6, "colour")
    people = [(variety.person(rng, Variety()), variety.pose(rng, Variety(), AHEAD))]
    where = variety.surroundings(rng, Variety() if place else NONE)
    with_colour = render_scene(people, CAMERA, (22.0, 9.0), seeds.rng(1), where)
    without = render_scene(people, CAMERA, (22.0, 9.0), seeds.rng(1), where, colour=False)
    assert with_colour.rgb.any() and not without.rgb.any()
    for name in ("celsius", "region", "owner", "lens", "xy", "visible", "boxes", "segmentation"):
        assert np.array_equal(getattr(with_colour, name), getattr(without, name)), name
