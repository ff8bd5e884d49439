"""Glasses, hoods and hands: what they look like and which points they hide."""

import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render.coverings import KINDS, Covering, sample_covering
from thermark.synth.render.eyewear import Eyewear, sample_eyewear
from thermark.synth.render.hands import Held, sample_held
from thermark.synth.render.person import Pose
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.surroundings import Surroundings
from varied_scene import shot, someone


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
