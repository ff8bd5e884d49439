from dataclasses import replace

import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render.paint import PixelClass
from thermark.synth.render.person import Person, Pose, sample_person
from thermark.synth.render.scene import Camera, Scene, render_scene
from thermark.synth.render.sensor import observe

CAMERA = Camera(240, 240, 430.0)
ROOMS = (18.0, 27.0)


def scene(breath: float = 0.0, **changes: object) -> Scene:
    person = sample_person(seeds.rng(11, "thermal"))
    plain = {"hair": "short", "glasses": None, "beard": 0.0, "stubble": 0.0}
    person: Person = replace(person, **(plain | changes))
    return render_scene([(person, Pose((0.0, 0.0, 0.6), breath=breath))], CAMERA, ROOMS, seeds.rng(11, "room"))


def at(image: np.ndarray, xy: np.ndarray, radius: int = 2) -> float:
    x, y = np.rint(xy).astype(int)
    return float(image[y - radius : y + radius + 1, x - radius : x + radius + 1].mean())


@pytest.mark.parametrize("room", [0, 1])
def test_skin_is_warm_at_the_inner_eye_and_cool_at_the_nose(room: int):
    rendering = scene()
    celsius, xy = rendering.celsius[room], rendering.xy[0]
    inner_eye = at(celsius, (xy[39] + xy[27]) / 2 + (xy[39] - xy[27]) * 0.35, 1)
    cheek = at(celsius, (xy[41] + xy[48]) / 2)
    nose = at(celsius, xy[30])
    forehead = float(celsius[rendering.region == 2].mean())
    assert inner_eye > forehead > cheek > nose
    assert 30 < forehead < 36.5


def test_the_cold_room_chills_the_nose_more_than_the_forehead():
    rendering = scene()
    xy, forehead = rendering.xy[0], rendering.region == 2
    fall = [rendering.celsius[1][forehead].mean() - rendering.celsius[0][forehead].mean()]
    fall.append(at(rendering.celsius[1], xy[30]) - at(rendering.celsius[0], xy[30]))
    assert fall[1] > fall[0] + 0.5 > 0.5


@pytest.mark.parametrize("room", [0, 1])
def test_hair_clothes_and_glasses_are_colder_than_skin(room: int):
    rendering = scene(glasses=(0.02, 0.02, 0.02))
    celsius, labels = rendering.celsius[room], rendering.segmentation
    skin = celsius[(labels == PixelClass.SKIN) & ~rendering.lens].mean()
    for cold in (
        labels == PixelClass.HAIR,
        labels == PixelClass.CLOTHING,
        labels == PixelClass.GLASSES,
        rendering.lens,
    ):
        assert cold.sum() > 50
        assert ROOMS[room] - 1 < celsius[cold].mean() < skin - 1.5


def test_lenses_are_opaque_in_temperature_and_clear_in_colour():
    bare, worn = scene(), scene(glasses=(0.02, 0.02, 0.02))
    eye = np.isin(worn.segmentation, (PixelClass.RIGHT_EYE, PixelClass.LEFT_EYE))
    assert eye.sum() > 30 and worn.lens[eye].all()
    assert (bare.celsius[0][eye] - worn.celsius[0][eye]).min() > 3
    assert np.abs(bare.rgb[eye].astype(float) - worn.rgb[eye]).mean() < 40


def test_nostrils_follow_the_breath_and_nothing_else_does():
    out, into = scene(np.pi / 2), scene(-np.pi / 2)
    change = out.celsius[0] - into.celsius[0]
    nostril = out.xy[0, [31, 33, 35]].mean(0) - (0, 3)
    assert change.max() > 2 and change.min() > -1e-3
    rows, columns = np.nonzero(change > 0.5 * change.max())
    assert np.abs(np.array([columns.mean(), rows.mean()]) - nostril).max() < 6
    assert (change > 0.1).mean() < 0.02
    assert (out.rgb == into.rgb).all()


def test_the_sensor_adds_the_noise_it_is_asked_for():
    flat = np.full((200, 200), 30.0, np.float32)
    clean = observe(flat, seeds.rng(1), netd=0.0, blur=0.0, nonuniformity=0.0, offset=0.5)
    assert np.allclose(clean, 30.5)
    noisy = observe(flat, seeds.rng(1), netd=0.05, blur=0.0, nonuniformity=0.0)
    assert abs(noisy.std() - 0.05) < 0.002 and noisy.dtype == np.float32
    striped = observe(flat, seeds.rng(1), netd=0.0, blur=0.0, nonuniformity=0.2)
    assert 0.05 < striped.std() < 0.4
    assert (flat == 30.0).all()
