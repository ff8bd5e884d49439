"""OpenSeeFace's decoding against its tracker's own, written as loops, on networks put together by hand."""

import math

import numpy as np
import pytest

import onnx_graphs
from thermark import landmarks
from thermark.core import bundle
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.models import openseeface
from thermark.models.inference.contract import Assets
from thermark.models.inference.cropped import region

NAME = "lm_model3_opt.onnx"
RNG = np.random.default_rng(0)


def maps(seed: int = 0) -> np.ndarray:
    """Return random probabilities (198, 28, 28)."""
    return np.random.default_rng(seed).uniform(0.01, 0.99, (198, 28, 28)).astype(np.float32)


def published(tensor: np.ndarray, x1: float, y1: float, scale_x: float, scale_y: float) -> np.ndarray:
    """Return (x, y, confidence) of 66 points as tracker.py reads them; its own x is the row."""
    points = []
    for point in range(66):
        row, column = divmod(int(tensor[point].argmax()), 28)
        down, right = (float(tensor[part + point][row, column]) for part in (66, 132))
        down, right = (223 * math.log(p / (1 - p)) / 16 for p in (down, right))
        x = x1 + scale_x * (223 * column / 27 + right)
        y = y1 + scale_y * (223 * row / 27 + down)
        points.append((x, y, float(tensor[point][row, column])))
    return np.array(points)


def loaded(folder, **settings):
    bundle.write(folder, "ok", "", {NAME: {}})
    config = parse({"family": "openseeface", "weights": "w"} | settings, openseeface.Config, "x")
    return openseeface.load(config, Assets(bundle.read(folder)), "cpu")


def test_a_point_is_read_as_its_tracker_reads_it_at_the_network_s_own_scale(tmp_path):
    """A box of which 1.2 widths and 1.25 heights are 224 px, and a picture that begins where the crop does."""
    tensor = maps()
    onnx_graphs.always(tmp_path / NAME, (224, 224), tensor, batch=1)
    width, height = 224 / 1.2, 224 / 1.25
    centre = 40 + 223 / 2  # of pixels 40 to 263
    box = np.array(
        [[centre - width / 2, centre - height / 2, centre + width / 2, centre + height / 2]], np.float32
    )
    [instances] = loaded(tmp_path)([np.zeros((300, 320, 3), np.uint8)], [box])
    wanted = published(tensor, 40, 40, 1, 1)
    np.testing.assert_allclose(instances.xy[0], wanted[:, :2], atol=1e-3)
    np.testing.assert_allclose(instances.score[0], wanted[:, 2], atol=1e-6)


def test_elsewhere_the_two_differ_by_half_a_pixel_of_either():
    tensor = maps(1)
    box = np.array([10, 20, 70, 120], np.float32)
    to_frame = region(box, 224, openseeface.PAD)
    xy, _ = openseeface.decoded(tensor[None])
    pixels = xy[0] * 224 - 0.5
    ours = pixels * to_frame[[0, 1], [0, 1]] + to_frame[:, 2]
    scale = np.array([60 * 1.2, 100 * 1.25]) / 224
    first = np.array([40, 70]) - scale * 112 + 0.5  # the pixel at which the tracker's crop begins
    theirs = published(tensor, *first, *scale)[:, :2]
    np.testing.assert_allclose(ours - theirs, np.broadcast_to((scale - 1) / 2, (66, 2)), atol=1e-4)


def test_a_crop_shows_widths_and_heights_stretched_to_a_square():
    corners = np.array([[-0.5, -0.5], [223.5, 223.5]])
    to_frame = region(np.array([10, 20, 70, 120], np.float32), 224, (1.2, 1.25))
    extent = corners * to_frame[[0, 1], [0, 1]] + to_frame[:, 2]
    np.testing.assert_allclose(extent, [[40 - 36, 70 - 62.5], [40 + 36, 70 + 62.5]], atol=1e-9)
    assert to_frame[0, 1] == to_frame[1, 0] == 0


def test_a_bright_spot_is_found_where_it_is_and_colours_are_not_exchanged(tmp_path):
    onnx_graphs.brightness(tmp_path / NAME, (224, 224), 8, 66, level=132, batch=1)
    image = np.zeros((240, 320, 3), np.uint8)
    image[100:116, 180:196] = 255
    box = np.array([[120, 60, 240, 180]], np.float32)
    [instances] = loaded(tmp_path)([image], [box])
    assert np.abs(instances.xy[0] - [187.5, 107.5]).max() < 6  # within a cell
    assert (instances.score[0] > 0.9).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_probabilities_of_nought_and_one_have_no_infinite_logit(value):
    tensor = maps(2)
    tensor[66:] = value
    xy, _ = openseeface.decoded(tensor[None])
    assert np.isfinite(xy).all()


def test_what_is_no_number_is_nowhere():
    tensor = maps(3)
    tensor[5] = np.nan
    xy, score = openseeface.decoded(tensor[None])
    assert np.isnan(xy[0, 5]).all() and np.isnan(score[0, 5])
    assert np.isfinite(np.delete(xy[0], 5, axis=0)).all()


def test_another_network_is_refused(tmp_path):
    onnx_graphs.always(
        tmp_path / NAME, (224, 224), np.zeros((90, 7, 7)), batch=1
    )  # its smallest model has 30 points
    with pytest.raises(DataError, match="not as OpenSeeFace's models 0 to 4"):
        loaded(tmp_path)
    onnx_graphs.always(tmp_path / NAME, (112, 112), maps(), batch=1)
    with pytest.raises(DataError, match="takes"):
        loaded(tmp_path)


def test_66_points_are_the_68_without_the_corners_of_the_outer_rim():
    """By its tracker: 58 and 62 are the corners of the mouth, 50, 60, 64 and 55 lie on the midline of the face."""
    vocabulary, ibug = landmarks.load("openseeface66"), landmarks.load("ibug68")
    assert len(vocabulary) == 66 and vocabulary.points[:48] == ibug.points[:48]
    assert vocabulary.flip[58] == 62 and vocabulary.flip[48] == 52 and vocabulary.flip[53] == 57
    assert [place for place in range(48, 66) if vocabulary.flip[place] == place] == [50, 55, 60, 64]
    weights = landmarks.weights("openseeface66", "ibug68")
    read = {int(target): int(np.flatnonzero(weights[target])[0]) for target in np.flatnonzero(weights.any(axis=1))}
    assert len(read) == 66 and set(range(68)) - set(read) == {60, 64}
    assert read[48] == 58 and read[54] == 62
    plain = [place for place in range(68) if place not in (48, 54, 60, 64)]
    without = [place for place in range(68) if place not in (48, 54)]
    assert all(read[place] == without.index(place) for place in plain)
    inner = landmarks.weights("openseeface66", "ibug68", "inner")
    assert np.flatnonzero(inner[60]).tolist() == [58] and not inner[48].any()
    assert landmarks.provisional("openseeface66")
