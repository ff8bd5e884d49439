"""People, poses and places as `variety` draws them: each switch, and what each phenomenon changes."""

from dataclasses import replace

import numpy as np
import pytest

from thermark.core import seeds
from thermark.landmarks import load
from thermark.synth.render import face_points, variety
from thermark.synth.render.body import embody
from thermark.synth.render.coverings import KINDS, Covering, sample_covering
from thermark.synth.render.eyewear import Eyewear, sample_eyewear
from thermark.synth.render.hands import Held, sample_held
from thermark.synth.render.head import mean_head
from thermark.synth.render.heat import Heat, sample_heat
from thermark.synth.render.identity import identify
from thermark.synth.render.person import Person, Pose, sample_person, sample_pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.surroundings import Surroundings
from thermark.synth.render.uneven import UNEVEN
from thermark.synth.render.variety import Variety

SWITCHES = tuple(Variety.model_fields)
NONE = Variety(**dict.fromkeys(SWITCHES, False))
CAMERA = Camera(96, 96, 180.0)
AHEAD = (0.0, 0.0, 0.7)
GEOMETRY = ("region", "owner", "lens", "xy", "visible", "boxes", "segmentation")


def someone(**changes: object) -> Person:
    plain = {"hair": "short", "glasses": None, "beard": 0.0, "stubble": 0.0, "warmth": 0.0, "shape": (0.0,) * 29}
    return replace(sample_person(seeds.rng(4, "someone")), **(plain | changes))


def shot(person: Person, ambient: float = 20.0, size: int = 128, **pose: object) -> Scene:
    placed = Pose(**({"position": (0.0, 0.0, 0.5)} | pose))
    return render_scene([(person, placed)], Camera(size, size, 1.9 * size), (ambient,), seeds.rng(4, "light"))


def near(scene: Scene, points: list[int], radius: int = 1) -> float:
    """Return the mean deg C around landmarks."""
    found = []
    for x, y in np.rint(scene.xy[0, points]).astype(int):
        found.append(scene.celsius[0, y - radius : y + radius + 1, x - radius : x + radius + 1].mean())
    return float(np.mean(found))


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


@pytest.mark.parametrize("ambient", [0.0, 20.0, 40.0])
def test_heat_moves_no_outline_and_stays_between_the_air_and_the_blood(ambient: float):
    plain = shot(someone(), ambient)
    for number in range(12):
        heat = replace(sample_heat(seeds.rng(7, number)), sun=0.0)
        scene = shot(someone(heat=heat), ambient)
        for name in GEOMETRY:
            assert getattr(scene, name).tobytes() == getattr(plain, name).tobytes(), name
        assert scene.rgb.tobytes() == plain.rgb.tobytes()
        skin = scene.celsius[0][np.isin(scene.segmentation, (1, 2, 3, 4, 10, 11))]
        assert np.isfinite(scene.celsius).all()
        assert min(ambient, 36.0) - 9 < skin.min() and skin.max() < max(39.0, ambient)


def test_a_neutral_pattern_is_close_to_the_mean_one():
    plain, own = shot(someone()), shot(someone(heat=Heat()))
    skin = np.isin(plain.segmentation, (1, 2))
    assert np.abs(own.celsius[0] - plain.celsius[0])[skin].mean() < 0.5


def test_a_cold_nose_is_cold_and_the_inner_eye_is_not():
    plain, cold = shot(someone(heat=Heat())), shot(someone(heat=Heat(nose=0.5, outside=5.0)))
    nose, before = near(cold, [30]), near(plain, [30])
    expected = before - 0.5 * (before - 15.0)  # half-way to the air of 15 that cooled it
    assert abs(nose - expected) < 0.8
    assert abs(near(cold, [39, 42]) - near(plain, [39, 42])) < 0.8
    assert abs(near(cold, [8]) - near(plain, [8])) < 0.2


def test_deficits_vanish_in_air_as_warm_as_skin():
    cool = shot(someone(heat=Heat(nose=0.6, cheeks=0.4, ears=0.6)), 36.0)
    plain = shot(someone(heat=Heat()), 36.0)
    assert np.abs(cool.celsius - plain.celsius).max() < 1.2


def test_sides_differ_as_they_are_asked_to():
    lit = shot(someone(heat=Heat(side=2.0)))
    plain = shot(someone(heat=Heat()))
    change = [near(lit, [point]) - near(plain, [point]) for point in (26, 27, 17)]
    assert 0.8 < change[0] < 2.0 and abs(change[1]) < 0.3 and -2.0 < change[2] < -0.8


def test_a_soft_hairline_fades_from_skin_to_hair():
    """Across the hairline the steepest step of a soft one is well below that of a hard one."""

    def steepest(soft: float) -> float:
        scene = shot(someone(heat=Heat(soft=soft, hair=0.2)), size=256)
        x = int(scene.xy[0, 27, 0])
        column = scene.celsius[0, : int(scene.xy[0, 27, 1]) - 12, x]
        inside = column[np.flatnonzero(scene.owner[: len(column), x] == 1)[6:]]
        return float(np.diff(inside).max())

    assert steepest(20.0) < 0.6 * steepest(0.5)


def test_glasses_hide_no_point_behind_a_lens_and_look_like_glass():
    bare = shot(someone(), 15.0)
    for number in range(15):
        worn = sample_eyewear(seeds.rng(8, number))
        scene = shot(someone(glasses=(0.02, 0.02, 0.02), eyewear=worn), 15.0)
        assert np.array_equal(scene.xy, bare.xy)
        assert scene.lens.sum() > 150
        lens = scene.celsius[0][scene.lens]
        assert lens.min() > 14.0 and np.median(lens) < 15.0 + 0.5 * (34 - 15)
        behind = [37, 38, 40, 41, 43, 44, 46, 47, 68, 69]  # in the middle of eyes: a thin rim may hide a corner
        assert scene.visible[0, behind].mean() > 0.7


def test_shapes_of_glasses_do_what_they_say():
    def extent(**shape: object) -> tuple[int, int, int]:
        scene = shot(someone(glasses=(0.0, 0.0, 0.0), eyewear=Eyewear(**shape)), 15.0, 256)
        rows, columns = np.nonzero(scene.lens)
        return int(np.ptp(rows)), int(np.ptp(columns)), int((scene.segmentation == 16).sum())

    tall, wide = extent(height=24.0), extent(width=31.0, centre=(37.0, 8.0))
    plain, rimless = extent(), extent(rim=0.0)
    assert tall[0] > plain[0] + 8 and abs(tall[1] - plain[1]) <= 2
    assert wide[1] > plain[1] + 10 and rimless[2] < plain[2]


def test_lenses_mirror_the_sky_and_skin_does_not():
    worn = someone(glasses=(0.0, 0.0, 0.0), eyewear=Eyewear(gloss=0.1))
    people = [(worn, Pose(position=(0.0, 0.0, 0.5), pitch=-20.0))]
    indoors, clear = (
        render_scene(people, Camera(128, 128, 240.0), (15.0,), seeds.rng(4), Surroundings(sky=sky))
        for sky in (0.0, -50.0)
    )
    change = clear.celsius[0] - indoors.celsius[0]
    assert change[clear.lens].mean() < -0.5
    assert not change[int(clear.xy[0, 57, 1]) :].any()


def test_dark_lenses_are_dark_in_colour_only():
    def seen(dark: float) -> Scene:
        return shot(someone(glasses=(0.0, 0.0, 0.0), eyewear=Eyewear(dark=dark)), 15.0)

    clear, dark = seen(0.1), seen(0.9)
    assert dark.rgb[dark.lens].mean() < 0.6 * clear.rgb[clear.lens].mean()
    assert np.array_equal(clear.celsius, dark.celsius)


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


def test_poses_turn_far_yawn_and_lean():
    poses = [variety.pose(seeds.rng(10, number), Variety(occluders=False), AHEAD) for number in range(400)]
    yaw, pitch, roll = np.array([(pose.yaw, pose.pitch, pose.roll) for pose in poses]).T
    assert 60 < np.abs(yaw).max() <= 70 and 25 < np.abs(pitch).max() <= 30 and 25 < np.abs(roll).max() <= 30
    yawns = [pose for pose in poses if pose.jaw > 0.8]
    assert 0.03 < len(yawns) / 400 < 0.2
    assert all(min(pose.blink) > 0.3 for pose in yawns)
    assert max(pose.jaw for pose in poses) <= 1.5
    assert all(0 <= value <= 1 for pose in poses for value in pose.blink)


def test_a_leaning_smile_lifts_one_corner_more_and_is_mirrored_by_the_opposite_lean():
    def corners(lean: float) -> np.ndarray:
        return shot(someone(), smile=0.8, lean=lean).xy[0, [48, 54]]

    even, right, left = corners(0.0), corners(0.8), corners(-0.8)
    rise = even[:, 1] - right[:, 1]
    assert rise[1] > 0.5 and rise[0] < -0.5
    assert np.allclose(right[0, 1], left[1, 1], atol=0.3) and np.allclose(right[1, 1], left[0, 1], atol=0.3)
    assert np.allclose(shot(someone(), lean=0.8).xy, shot(someone()).xy)


def test_a_yawn_opens_as_wide_as_people_do_and_shows_a_warm_mouth():
    calm, yawn = shot(someone(), size=256), shot(someone(), size=256, jaw=1.5)
    mm = 256 * 1.9 / 440  # pixels per mm at the lips' depth, roughly
    gap = (yawn.xy[0, 66, 1] - yawn.xy[0, 62, 1]) / mm
    assert 30 < gap < 60
    inside = yawn.celsius[0][yawn.segmentation == 9]
    assert len(inside) > 500 + (calm.segmentation == 9).sum()
    assert np.median(inside) > near(yawn, [27]) + 0.5


def test_a_hand_before_the_mouth_hides_the_mouth_and_nothing_else():
    bare = shot(someone(), position=(0.0, 0.0, 0.7))
    covered = shot(someone(), position=(0.0, 0.0, 0.7), held=Held(anchor=62, angle=90.0, left=True))
    assert np.array_equal(covered.xy, bare.xy)
    assert bare.visible[0, 48:68].all() and not covered.visible[0, 60:68].any()
    assert covered.visible[0, 17:27].all() and covered.visible[0, 36:48].all()
    assert covered.owner.max() == 1
    moved = np.abs(covered.celsius[0] - bare.celsius[0]) > 1e-3
    assert moved.any() and not moved[: int(bare.xy[0, 36:48, 1].max())].any()


def test_hands_are_as_warm_as_hands_and_mugs_as_warm_as_their_drink():
    for number in range(40):
        held = sample_held(seeds.rng(11, number), yawning=True)
        if held is None:
            continue
        scene = shot(someone(), position=(0.0, 0.0, 0.7), held=held)
        bare = shot(someone(), position=(0.0, 0.0, 0.7))
        assert np.isfinite(scene.celsius).all()
        assert scene.celsius.max() < 20.0 + max(held.heat, 19.0)
        assert scene.celsius.min() > 20.0 + min(held.heat, 0.0) - 6
        assert scene.visible.sum() <= bare.visible.sum()
    mug = shot(someone(), position=(0.0, 0.0, 0.7), held=Held(57, gap=62.0, angle=80.0, thing="mug", heat=35.0))
    assert (mug.celsius[0] > 54.0).sum() > 100 and mug.celsius.max() <= 55.01


def test_hands_are_before_some_faces_and_yawns():
    some = [sample_held(seeds.rng(12, number), yawning=False) for number in range(400)]
    yawns = [sample_held(seeds.rng(12, number), yawning=True) for number in range(400)]
    assert 0.08 < np.mean([held is not None for held in some]) < 0.2
    assert 0.3 < np.mean([held is not None for held in yawns]) < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_worn_is_cloth_and_hides_points_only_where_it_is_in_front(kind: str):
    bare = shot(someone(), 10.0, position=(0.0, 0.0, 0.8))
    worn = shot(someone(covering=Covering(kind, reach=0.2, share=0.3)), 10.0, position=(0.0, 0.0, 0.8))
    assert np.array_equal(worn.xy, bare.xy)
    assert worn.visible[0, 27:68].all()  # eyes, nose and mouth stay free
    changed = np.abs(worn.celsius[0] - bare.celsius[0]) > 1.0
    assert changed.sum() > 60
    solid = changed & (worn.segmentation != bare.segmentation)
    assert 9.0 < np.median(worn.celsius[0][solid]) < 10.0 + 0.45 * 24


def test_a_high_scarf_hides_the_chin_and_the_mouth():
    low = shot(someone(covering=Covering("scarf", reach=0.0)), position=(0.0, 0.0, 0.8))
    high = shot(someone(covering=Covering("scarf", reach=1.0)), position=(0.0, 0.0, 0.8))
    assert low.visible[0, 48:68].all()
    assert not high.visible[0, 57] and not high.visible[0, 8]
    assert high.visible[0, 36:48].all()


def test_some_people_wear_something():
    worn = [sample_covering(seeds.rng(13, number)) for number in range(400)]
    assert 0.18 < np.mean([thing is not None for thing in worn]) < 0.35
    assert {thing.kind for thing in worn if thing} == set(KINDS)


SHAPES = Variety(**{name: name == "shapes" for name in SWITCHES})
TABLES = {  # landmarks and the published standard deviation within a sex, mm
    "face length": (8, 27, 6.5),
    "face width": (1, 15, 6.7),
    "jaw width": (4, 12, 9.6),
    "nose length": (27, 33, 4.0),
    "nose breadth": (31, 35, 4.0),
    "mouth": (48, 54, 4.1),
    "pupils": (68, 69, 3.5),
}


def test_heads_differ_as_much_as_the_tables_say():
    people = [variety.person(seeds.rng(14, number), SHAPES) for number in range(200)]
    points = np.array([embody(person, Pose(AHEAD)).landmarks for person in people])
    man = np.array([person.shape[0] > 0 for person in people])
    for name, (a, b, published) in TABLES.items():
        length = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
        within = np.sqrt(np.mean([length[man].var(), length[~man].var()]))
        assert 0.75 * published < within < 1.35 * published, (name, within)


def test_sides_differ_by_millimetres_and_shapes_stay_sound():
    flip = load("facesynthetics70").flip
    off = []
    for number in range(60):
        person = variety.person(seeds.rng(15, number), SHAPES)
        body = embody(person, Pose(AHEAD, blink=(0.0, 0.0)))
        assert all(np.isfinite(patch.points).all() for patch in body.patches)
        assert np.abs(body.landmarks[[61, 62, 63], 1] - body.landmarks[[67, 66, 65], 1]).max() < 1.6  # lips meet
        local = body.landmarks - body.landmarks[27:31].mean(0)
        off.append(np.abs(local - local[flip] * (-1, 1, 1))[:68].mean())
    assert 0.5 < np.mean(off) < 3.0


def test_no_unevenness_is_the_head_without_it():
    even = sample_person(seeds.rng(16)).shape
    points = face_points.landmarks_on(mean_head().points)
    same = identify(points, (*even, *[0.0] * len(UNEVEN)))
    assert np.array_equal(same, identify(points, even))
    moved = identify(points, (*even, 1.0, *[0.0] * (len(UNEVEN) - 1))) - identify(points, even)
    assert moved[8, 0] > 1.0 and np.abs(moved[36:48]).max() < 0.1  # the chin goes aside, the eyes stay
