"""People, poses and places as `variety` draws them: each switch, and everything together."""

import numpy as np
import pytest

from thermark.core import seeds
from thermark.core.config import parse
from thermark.synth.render import variety
from thermark.synth.render.person import Pose, sample_person, sample_pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.surroundings import Surroundings
from thermark.synth.render.variety import Variety
from thermark.synth.writers import cameras_2d
from varied_scene import AHEAD, GEOMETRY, shot, someone

SWITCHES = tuple(Variety.model_fields)
NONE = Variety(**dict.fromkeys(SWITCHES, False))
CAMERA = Camera(96, 96, 180.0)


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


def test_places_stay_within_what_air_and_sky_allow():
    kinds = set()
    for number in range(60):
        rng = seeds.rng(9, number)
        place = variety.surroundings(rng, Variety())
        kinds.add(place.kind)
        assert place.ambient is not None and -8 <= place.ambient <= 42
        scene = render_scene([], Camera(64, 48, 90.0), (place.ambient,), rng, place)
        assert np.isfinite(scene.celsius).all() and np.isfinite(scene.rgb).all()
        assert scene.celsius.min() >= -40.0 and scene.celsius.max() < 100.0
        assert abs(float(np.median(scene.celsius)) - place.ambient) < 62.0
    assert kinds == {"car", "outdoors", "indoors"}


def test_what_stands_behind_changes_no_one_in_front():
    """Skin away from outlines is the same wherever somebody is; glasses off, nothing mirrors the sky."""
    plain = shot(someone())
    inner = np.isin(plain.segmentation, (1, 2))
    inner[1:-1, 1:-1] &= inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    for kind in ("car", "outdoors", "indoors"):
        where = Surroundings(kind, 20.0, sky=-30.0)
        people = [(someone(), Pose(position=(0.0, 0.0, 0.5)))]
        scene = render_scene(people, Camera(128, 128, 1.9 * 128), (20.0,), seeds.rng(4, "light"), where)
        assert np.array_equal(scene.celsius[0][inner], plain.celsius[0][inner])
        assert np.array_equal(scene.xy, plain.xy) and np.array_equal(scene.visible, plain.visible)
        assert not np.array_equal(scene.celsius[0][scene.owner == 0], plain.celsius[0][scene.owner == 0])


def test_everything_together_is_finite_repeats_and_hides_only_what_is_covered():
    for number in range(12):

        def once(number: int = number) -> Scene:
            rng = seeds.rng(17, number)
            people = [(variety.person(rng, Variety()), variety.pose(rng, Variety(), AHEAD))]
            place = variety.surroundings(rng, Variety())
            assert place.ambient is not None
            return render_scene(people, CAMERA, (place.ambient,), rng, place)

        first, second = once(), once()
        for name in ("rgb", "celsius", *GEOMETRY):
            assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name
        assert np.isfinite(first.celsius).all() and np.isfinite(first.xy).all()
        x, y = first.xy[0].T
        outside = (x < -0.5) | (y < -0.5) | (x > 95.5) | (y > 95.5)
        assert not first.visible[0, outside].any()


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_draws_its_own_phenomenon_only(name: str):
    """One switch on: somebody or something among forty differs, and only in that switch's fields."""
    fields = {
        "eyewear": {"glasses", "eyewear"},
        "heat": {"heat"},
        "coverings": {"covering", "hair"},
        "shapes": {"shape"},
        "occluders": {"held"},
        "surroundings": set(),
        "mounts": {"yaw", "pitch", "roll"},
    }
    one = Variety(**{switch: switch == name for switch in SWITCHES})
    changed = set()
    for number in range(40):
        plain, varied = (variety.person(seeds.rng(18, number), which) for which in (NONE, one))
        poses = [variety.pose(seeds.rng(18, number), which, AHEAD) for which in (NONE, one)]
        for before, after in ((plain, varied), tuple(poses)):
            changed |= {field for field in vars(before) if getattr(before, field) != getattr(after, field)}
        place = variety.surroundings(seeds.rng(18, number), one)
        assert (place.kind == "plain") == (name != "surroundings")
    if name != "poses":
        assert changed == fields[name]
    else:
        assert {"yaw", "pitch", "lean", "jaw"} <= changed and "held" not in changed


def test_a_set_of_mounted_cameras_keeps_them_when_another_switch_is_off():
    """A section that is given in part must not fall back to the defaults of other sets."""
    config = parse({"variety": {"eyewear": False}}, cameras_2d.Config, "render.cameras_2d")
    assert config.variety.mounts and not config.variety.eyewear
    assert not parse({"variety": {"mounts": False}}, cameras_2d.Config, "render.cameras_2d").variety.mounts
