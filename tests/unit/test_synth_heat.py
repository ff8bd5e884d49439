"""Temperature patterns of their own: what each changes, and how warm a population is."""

from dataclasses import replace

import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render import variety
from thermark.synth.render.heat import Heat, sample_heat
from thermark.synth.render.variety import Variety
from varied_scene import GEOMETRY, near, shot, someone


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
    plain, neutral = shot(someone()), shot(someone(heat=Heat()))
    skin = np.isin(plain.segmentation, (1, 2))
    assert np.abs(neutral.celsius[0] - plain.celsius[0])[skin].mean() < 0.5


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


def test_foreheads_and_noses_are_as_warm_as_published_ones():
    """Indoors (air of 22 deg C): forehead 33-34 deg C in the mean of people, noses 26-34 (see `heat`)."""
    forehead, nose = [], []
    for number in range(80):
        person = variety.person(seeds.rng(19, number), Variety(coverings=False, eyewear=False, shapes=False))
        scene = shot(replace(person, hair="buzz", beard=0.0), 22.0, 96, position=(0.0, 0.0, 0.55))
        forehead.append(float(scene.celsius[0][scene.region == 2].mean()))
        nose.append(float(scene.celsius[0][scene.region == 3].mean()))
    assert 33.0 < np.median(forehead) < 34.6 and 0.4 < np.std(forehead) < 1.5
    low, middle, high = np.percentile(nose, (5, 50, 95))
    assert low > 25.5 and high < 35.0 and 30.0 < middle < 33.5 and high - low > 3.0
