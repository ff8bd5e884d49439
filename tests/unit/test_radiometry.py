import numpy as np
import pytest

from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.radiometry import Tone, in_celsius, linear_celsius, render

RAMP = np.linspace(15, 45, 61, dtype=np.float32).reshape(1, -1)


def test_clip_is_the_same_for_every_frame():
    grey = render(RAMP, Tone(name="clip", low=20, high=40))
    assert grey[0, 0] == 0 and grey[0, -1] == 255
    assert grey[0, 30] == 128  # 30 degrees: rint(127.5) goes to the even neighbour
    assert render(RAMP[:, :31], Tone()).tolist() == grey[:, :31].tolist()


def test_minmax_and_percentile_use_the_frame():
    assert render(RAMP, Tone(name="minmax"))[0, [0, -1]].tolist() == [0, 255]
    grey = render(RAMP, Tone(name="percentile", low_percent=10, high_percent=90))
    assert (grey == 0).sum() == 7 and (grey == 255).sum() == 7


@pytest.mark.parametrize("name", ["clip", "minmax", "percentile", "clahe"])
@pytest.mark.parametrize("value", [0.0, 30.0, np.nan, np.inf])
def test_a_constant_or_broken_frame_gives_finite_grey(name, value):
    with np.errstate(all="raise"):
        grey = render(np.full((16, 16), value, np.float32), Tone(name=name))
    assert grey.dtype == np.uint8 and len(np.unique(grey)) == 1


def test_a_broken_pixel_does_not_move_the_others():
    broken = RAMP.copy()
    broken[0, 5] = np.nan
    good, bad = render(RAMP, Tone(name="minmax")), render(broken, Tone(name="minmax"))
    assert bad[0, 5] == 0
    assert np.delete(bad, 5).tolist() == np.delete(good, 5).tolist()


@pytest.mark.parametrize(
    "raw",
    [
        *({"low": 40.0, "high": 20.0}, {"low": 40.0}, {"low": float("nan")}, {"high": float("inf")}),
        *({"low_percent": 99.0, "high_percent": 1.0}, {"low_percent": -1.0}, {"high_percent": 101.0}),
        *({"low_percent": 99.0}, {"low_percent": float("nan")}, {"high_percent": float("nan")}),
    ],
)
def test_impossible_tones_are_refused(raw):
    with pytest.raises(ConfigError, match=r"datasets\.x"):
        parse(raw, Tone, "datasets.x")


def test_centikelvin_becomes_celsius():
    raw = np.array([[30715]], np.uint16)
    assert linear_celsius(raw, 0.01, -273.15)[0, 0] == pytest.approx(34.0, abs=1e-4)


@pytest.mark.parametrize(
    ("raw", "dtype"),
    [(31.5, np.float32), (31.5, np.float64), (30465, np.uint16), (19498, np.uint16), (31, np.int16)],
)
def test_every_unit_becomes_degrees(raw, dtype):
    values = in_celsius(np.full((4, 4), raw, dtype), "a.tiff")
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, 31.5, atol=0.51)


@pytest.mark.parametrize("raw", [12000, 65000])
def test_an_implausible_unit_is_refused(raw):
    with pytest.raises(DataError, match=r"a\.tiff has the median"):
        in_celsius(np.full((4, 4), raw, np.uint16), "a.tiff")
    with pytest.raises(DataError, match="median nan"):
        in_celsius(np.full((4, 4), np.nan, np.float32), "a.tiff")
