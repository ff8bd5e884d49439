"""Made-up cameras: each part alone on fields with a known answer, and what is drawn."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from thermark.core import seeds
from thermark.synth.render import gain, marks, microbolometer, optics, palettes
from thermark.synth.render.gain import Gain
from thermark.synth.render.imaging import PERFECT, SENSORS, CameraModel, Imaging, draw_camera, picture
from thermark.synth.render.microbolometer import Faults

SWITCHES = tuple(Imaging.model_fields)
# Every column 0.1 K warmer than the one before: 256 steps, as many as there are grey levels.
RAMP = np.tile(20 + np.arange(256, dtype=np.float32) / 10, (192, 1))
TURNING_POINT = 127.5


def delivered(celsius: np.ndarray, number: int = 0, **settings: object) -> np.ndarray:
    return picture(celsius, replace(PERFECT, **settings), seeds.rng(3, "test", number))


def scene(width: int = 320, height: int = 240) -> np.ndarray:
    """Return a smooth made-up scene of 18..36 deg C with a sharp edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    warm = 18 + 6 * np.sin(x / 40) ** 2 + 4 * np.cos(y / 31) ** 2
    return np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2, warm + 8, warm)


def counts(celsius: np.ndarray) -> np.ndarray:
    return microbolometer.observe(celsius.astype(np.float32), Faults(), 0, seeds.rng(0))


def test_a_perfect_camera_shows_the_coldest_black_and_the_warmest_white():
    image = delivered(RAMP)
    assert image.dtype == np.uint8 and image.shape == RAMP.shape
    assert np.array_equal(image, np.tile(np.arange(256), (192, 1)))


def test_a_fixed_span_clips_and_depends_on_nothing_else():
    image = delivered(RAMP, gain=Gain(kind="fixed", low=25.0, high=30.0))
    inside = np.clip(np.rint((np.arange(256) / 10 - 5) / 5 * 255), 0, 255)
    assert np.abs(image[0] - inside).max() <= 1
    colder = delivered(RAMP - 20, gain=Gain(kind="fixed", low=25.0, high=30.0))  # from 0 to 25.5
    assert not colder[:, :250].any() and colder.any()


def test_a_fixed_span_in_which_nothing_lies_falls_back_to_the_whole_range():
    span = Gain(kind="fixed", low=25.0, high=30.0)
    for away in (-40, 40):
        whole = delivered(RAMP + away, gain=Gain(kind="minmax"))
        np.testing.assert_array_equal(delivered(RAMP + away, gain=span), whole)


def test_a_constant_picture_is_grey_and_a_narrow_one_stays_narrow():
    for kind in ("minmax", "percentile"):
        image = delivered(np.full((40, 60), 21.5, np.float32), gain=Gain(kind=kind))
        assert np.ptp(image) == 0 and abs(int(image[0, 0]) - TURNING_POINT) < 2, kind
    small = np.linspace(20, 20.1, 4000, dtype=np.float32).reshape(50, 80)
    assert np.ptp(delivered(small, gain=Gain(kind="minmax", least=4.0))) <= 0.1 / 4 * 255 + 1
    assert np.ptp(delivered(small)) == 255


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.02), (0.3, 0.0), (0.0, 0.12)])
def test_percentiles_clip_the_share_that_they_say(low: float, high: float):
    field = seeds.rng(1, "field").uniform(10, 40, (200, 300)).astype(np.float32)
    image = delivered(field, gain=Gain(kind="percentile", low_tail=low, high_tail=high))
    # One level of 256 more at either end holds 1/510 of a uniform field.
    assert (image == 0).mean() == pytest.approx(low + (1 - low - high) / 510, abs=0.002)
    assert (image == 255).mean() == pytest.approx(high + (1 - low - high) / 510, abs=0.002)


@pytest.mark.parametrize("kind", ["fixed", "minmax", "percentile", "plateau"])
def test_global_gains_never_exchange_warm_and_cold(kind: str):
    field = counts(seeds.rng(2, "field").normal(28, 5, (100, 100)))
    image = gain.grey(field, Gain(kind=kind, low_tail=0.02, high_tail=0.1, gamma=0.7))
    assert (np.diff(image.ravel()[np.argsort(field, axis=None)].astype(int)) >= 0).all()


def test_a_high_plateau_equalises_the_histogram_and_a_low_one_does_not():
    field = counts(
        np.where(seeds.rng(4).random((200, 300)) < 0.9, 20, 34) + seeds.rng(5).normal(0, 0.5, (200, 300))
    )
    ranks = np.argsort(np.argsort(field, axis=None, kind="stable"), kind="stable") / field.size * 255
    equalised = gain.grey(field, Gain(kind="plateau", plateau=1e6)).ravel()
    # A bin of 0.04 K holds at most 3 % of such a field, which is 8 levels.
    assert np.abs(equalised - ranks).max() < 9
    straight = gain.grey(field, Gain(kind="minmax"))
    line = gain.grey(field, Gain(kind="plateau", plateau=1e6, linear=1.0))
    assert np.abs(line.astype(int) - straight).max() <= 1
    room = field < field.mean()
    spans = [int(np.ptp(gain.grey(field, Gain(kind="plateau", plateau=limit))[room])) for limit in (1e6, 2, 0.2)]
    assert spans == sorted(spans, reverse=True) and spans[0] > 220 and spans[-1] < 150


def test_clahe_of_one_tile_is_one_rising_table_and_of_many_is_not():
    field = counts(scene())
    order = np.argsort(field, axis=None)
    one = gain.grey(field, Gain(kind="clahe", tiles=1, limit=2.0)).ravel()[order].astype(int)
    many = gain.grey(field, Gain(kind="clahe", tiles=6, limit=4.0)).ravel()[order].astype(int)
    assert (np.diff(one) >= 0).all() and (np.diff(many) < 0).any()
    # At one place warmer is never darker: the tables between which it is mixed rise.
    low = gain.grey(field, Gain(kind="minmax"))
    assert np.corrcoef(low.ravel()[order], many)[0, 1] > 0.5


def test_gamma_bends_and_keeps_the_ends():
    image = delivered(RAMP, gain=Gain(gamma=2.0))[0]
    np.testing.assert_array_equal(image, np.rint(255 * (np.arange(256) / 255) ** 2))


def test_sharpening_leaves_flats_and_overshoots_at_edges():
    flat = np.full((40, 40), 12000, np.uint16)
    assert np.array_equal(gain.enhanced(flat, 1.0, 2.0), flat)
    step = np.where(np.arange(80) < 40, 12000, 12800).astype(np.uint16)[None].repeat(40, axis=0)
    assert np.array_equal(gain.enhanced(step, 0.0, 2.0), step)
    sharp = gain.enhanced(step, 1.0, 2.0)[20].astype(int)
    # Just beside a step the blur is half way but for half a pixel: 400 less what half a pixel of it brings.
    blurred = cv2.GaussianBlur(step.astype(np.float64), (0, 0), 2.0)[20]
    assert np.abs(sharp - (2 * step[20].astype(int) - blurred)).max() <= 3
    assert sharp.max() > 12800 + 250 and sharp.min() < 12000 - 250


def test_black_hot_is_the_negative():
    assert np.array_equal(delivered(scene(), inverted=True), 255 - delivered(scene()))


@pytest.mark.parametrize("columns", [80, 160])
def test_a_small_sensor_sees_means_and_nearest_enlargement_shows_its_elements(columns: int):
    step = 320 // columns
    image = delivered(scene(), columns=columns, enlarge="nearest")
    blocks = image.reshape(240 // step, step, columns, step)
    assert image.shape == (240, 320) and (blocks == blocks[:, :1, :, :1]).all()
    means = scene().reshape(240 // step, step, columns, step).mean(axis=(1, 3))
    assert np.abs(blocks[:, 0, :, 0].astype(int) - delivered(means)).max() <= 1


@pytest.mark.parametrize("enlarge", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("columns", [256, 80])
def test_what_is_seen_stays_where_it_is(enlarge: str, columns: int):
    y, x = np.mgrid[0:240, 0:320]
    spot = 20 + 10 * np.exp(-((x - 141.3) ** 2 + (y - 97.6) ** 2) / (2 * 12.0**2))
    image = delivered(spot.astype(np.float32), columns=columns, enlarge=enlarge, blur=0.5).astype(float)
    centre = [(image * axis).sum() / image.sum() for axis in (x, y)]
    np.testing.assert_allclose(centre, (141.3, 97.6), atol=0.15)


def test_sensors_finer_than_the_picture_are_as_fine_as_it():
    assert optics.sensor_size(320, 240, 640) == (320, 240) == optics.sensor_size(320, 240, 0)
    assert optics.sensor_size(320, 240, 80) == (80, 60)
    assert optics.sensor_size(256, 256, 160) == (160, 160)
    assert np.array_equal(delivered(scene(), columns=640), delivered(scene()))


@pytest.mark.parametrize("columns", [0, 160])
def test_the_lens_spreads_by_its_sigma_and_keeps_what_it_spreads(columns: int):
    line = np.zeros((64, 320), np.float32)
    line[:, 160] = 100
    seen = optics.onto_sensor(line, columns, 1.5)[20]
    at = np.arange(len(seen))
    spread = np.sqrt((seen * (at - (seen * at).sum() / seen.sum()) ** 2).sum() / seen.sum())
    assert spread == pytest.approx(1.5, abs=0.08)
    assert seen.sum() * 320 / len(seen) == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(("lag", "heading"), [(0.5, 0.0), (1.0, 2.2), (1.6, -1.0)])
def test_motion_is_centred_and_as_long_as_its_time_constant(lag: float, heading: float):
    kernel = optics.smear(lag, heading).astype(np.float64)
    assert kernel.shape == (9, 9) and kernel.sum() == pytest.approx(1, abs=1e-6) and kernel.min() >= 0
    y, x = np.mgrid[-4:5, -4:5]
    along = x * np.cos(heading) + y * np.sin(heading)
    across = y * np.cos(heading) - x * np.sin(heading)
    assert abs((kernel * x).sum()) < 0.2 * lag and abs((kernel * y).sum()) < 0.2 * lag
    # The variance of an exponential is its square; pixels add what bilinear weights spread.
    assert np.sqrt((kernel * along**2).sum()) == pytest.approx(lag, rel=0.35)
    assert np.sqrt((kernel * across**2).sum()) < 0.55
    assert optics.move(scene(), 0.0, heading) is not None and np.array_equal(
        optics.move(scene(), 0.0, heading), scene()
    )


FLAT = np.full((240, 320), 25.0, np.float32)


def seen(faults: Faults, number: int = 0, seed: int = 7) -> np.ndarray:
    """Return the deg C that a sensor reports of a flat field."""
    return microbolometer.observe(FLAT, faults, seed, seeds.rng(9, number)) / 100.0 - 100


@pytest.mark.parametrize("netd", [0.02, 0.05, 0.12])
def test_noise_of_a_flat_field_is_the_netd(netd: float):
    one, two = seen(Faults(netd=netd)), seen(Faults(netd=netd), 1)
    # 76,800 samples tell a standard deviation to 0.3 %; steps of 0.01 K add a variance of 0.01^2 / 12.
    expected = np.sqrt(netd**2 + 0.01**2 / 12)
    assert one.std() == pytest.approx(expected, rel=0.015)
    assert (one - two).std() == pytest.approx(expected * np.sqrt(2), rel=0.015)
    assert one.mean() == pytest.approx(25, abs=netd / 50)


def test_fixed_patterns_stay_and_have_their_shapes():
    assert np.array_equal(
        seen(Faults(columns=0.1, pixels=0.1, shading=1.0)), seen(Faults(columns=0.1, pixels=0.1, shading=1.0), 1)
    )
    assert not np.array_equal(seen(Faults(pixels=0.1)), seen(Faults(pixels=0.1), seed=8))
    columns, rows = seen(Faults(columns=0.2)), seen(Faults(rows=0.2))
    assert np.ptp(columns, axis=0).max() < 1e-9 and np.ptp(rows, axis=1).max() < 1e-9
    assert columns[0].std() == pytest.approx(0.2, rel=0.15) and rows[:, 0].std() == pytest.approx(0.2, rel=0.15)
    assert seen(Faults(pixels=0.1)).std() == pytest.approx(0.1, rel=0.02)
    assert seen(Faults(drift=-1.5)).mean() == pytest.approx(23.5, abs=1e-6)
    shaded = seen(Faults(shading=1.0))
    assert 0.2 < np.ptp(shaded) < 4 and np.abs(np.diff(shaded, axis=1)).max() < 0.05
    stuck = seen(Faults(netd=0.05, dead=1e-3)) != seen(Faults(netd=0.05))
    assert 60 <= stuck.sum() <= 77


def test_palettes_rise_or_turn_as_they_say():
    assert np.array_equal(palettes.luma("grey"), np.arange(256))
    assert {"grey", *palettes.RISING, *palettes.TURNING} == set(palettes.STOPS)
    for name in palettes.RISING:
        steps = np.diff(palettes.luma(name).astype(int))
        assert steps.min() >= 0 and palettes.luma(name)[0] < 30 and palettes.luma(name)[-1] > 200, name
    for name in palettes.TURNING:
        assert np.diff(palettes.luma(name).astype(int)).min() < 0, name
    # Pure red is 0.299 of white; the last stop of `rainbow` is (190, 0, 0).
    assert palettes.luma("rainbow")[-1] == round(0.299 * 190)
    assert np.array_equal(delivered(RAMP, palette="iron")[0], palettes.luma("iron"))


def test_marks_are_small_saturated_and_in_their_places():
    grey = np.full((240, 320), 100, np.uint8)
    assert np.array_equal(marks.overlay(grey, (), 4), grey)
    for kind in marks.KINDS:
        for seed in range(6):
            drawn = marks.overlay(grey, (kind,), seed)
            changed = drawn != grey
            assert 0 < changed.mean() < 0.05, kind
            assert np.array_equal(drawn, marks.overlay(grey, (kind,), seed))
            if kind != "bar":
                assert set(np.unique(drawn[changed])) <= {0, 255}
    small = marks.overlay(np.full((60, 80), 100, np.uint8), marks.KINDS, 2)
    assert small.shape == (60, 80)


def test_compression_costs_more_at_lower_quality():
    noisy = scene() + seeds.rng(8).normal(0, 0.5, (240, 320)).astype(np.float32)
    plain = delivered(noisy).astype(int)
    errors = [np.abs(delivered(noisy, quality=quality) - plain).mean() for quality in (95, 80, 60)]
    assert 0 < errors[0] < errors[1] < errors[2] < 12


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_part_that_is_left_out_is_perfect_and_changes_no_other(switch: str):
    others = 0
    for number in range(40):
        whole = draw_camera(seeds.rng(1, number), Imaging())
        without = draw_camera(seeds.rng(1, number), Imaging(**{switch: False}))
        changed = {f.name for f in fields(CameraModel) if getattr(whole, f.name) != getattr(without, f.name)}
        assert all(getattr(without, name) == getattr(PERFECT, name) for name in changed)
        others += bool(changed)
    assert others > 0


def test_with_every_part_left_out_a_camera_is_perfect():
    none = Imaging(**dict.fromkeys(SWITCHES, False))
    drawn = draw_camera(seeds.rng(1), none)
    assert replace(drawn, seed=0) == PERFECT


def test_cameras_are_drawn_within_published_ranges():
    drawn = [draw_camera(seeds.rng(2, number), Imaging()) for number in range(1500)]
    assert {camera.columns for camera in drawn} == set(SENSORS)
    assert all(0.02 <= camera.faults.netd <= 0.12 and 0 <= camera.faults.dead < 5e-4 for camera in drawn)
    assert all(camera.quality == 0 or 60 <= camera.quality <= 95 for camera in drawn)
    assert all(10 <= camera.gain.high - camera.gain.low <= 36 for camera in drawn)
    # Shares of 1,500: standard deviations of 0.013 at most.
    assert np.mean([camera.inverted for camera in drawn]) == pytest.approx(0.4, abs=0.05)
    assert np.mean([camera.palette == "grey" for camera in drawn]) == pytest.approx(0.75, abs=0.05)
    assert np.mean([bool(camera.overlay) for camera in drawn]) < 0.12
    assert {camera.gain.kind for camera in drawn} == {"fixed", "minmax", "percentile", "plateau", "clahe"}


def test_a_camera_delivers_the_same_twice_and_other_noise_from_another_generator():
    for number in range(12):
        camera = replace(draw_camera(seeds.rng(4, number), Imaging()), quality=0, overlay=())
        one, same = (picture(scene(), camera, seeds.rng(5)) for _ in range(2))
        other = picture(scene(), camera, seeds.rng(6))
        assert one.shape == (240, 320) and np.array_equal(one, same) and not np.array_equal(one, other)
    frozen = scene()
    picture(frozen, draw_camera(seeds.rng(4), Imaging()), seeds.rng(5))
    assert np.array_equal(frozen, scene())
