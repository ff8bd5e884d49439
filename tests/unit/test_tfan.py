"""TFAN: what timm's MobileNetV2 with a linear layer answers with seeded weights, ours answers."""

import json

import numpy as np
import pytest
import torch

import reference_vectors
from thermark.core import bundle
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.models import tfan
from thermark.models.inference.contract import Assets


@pytest.fixture(scope="module")
def reference(golden) -> dict:
    return json.loads(golden("tfan.json").read_text())


def state(entries: list, points: int = 70) -> dict[str, torch.Tensor]:
    """Return seeded weights under the published names."""
    shapes = [(name, [3 * points, *shape[1:]] if name.startswith("fc.") else shape) for name, shape in entries]
    return {name: torch.from_numpy(each) for name, each in reference_vectors.weights(shapes).items()}


def saved(path, weights):
    torch.save(weights, path)
    return path


@pytest.mark.parametrize("points", [70, 478])
def test_it_answers_as_timm_s_network(reference, tmp_path, points):
    # In float64: through these weights the last digit of a float32 becomes the first.
    net = tfan.read(saved(tmp_path / "x.pt", state(reference["entries"], points))).double()
    picture = torch.from_numpy(np.ascontiguousarray(reference_vectors.images()[:1, :, :224, :224]))
    with torch.inference_mode():
        output = net(picture.double())[0].numpy()
    wanted = np.array(reference["predictions"] if points == 70 else reference["predictions_478"])
    assert output.shape == (points, 3)
    np.testing.assert_allclose(output if points == 70 else output[::40], wanted, rtol=1e-5, atol=1e-6)
    assert wanted.std() > 1  # a network without weights would be a fraction of it off


def test_what_its_authors_save_is_read(reference, tmp_path):
    """Their training leaves `module.` before each name, their loader ignores a classifier."""
    weights = state(reference["entries"])
    plain = tfan.read(saved(tmp_path / "plain.pt", weights)).state_dict()
    weights |= {f"feature_network.classifier.{kind}": torch.zeros(3) for kind in ("weight", "bias")}
    wrapped = {f"module.{name}": each for name, each in weights.items()}
    tensors = tfan.read(saved(tmp_path / "wrapped.pt", wrapped)).state_dict()
    assert all(torch.equal(each, tensors[name]) for name, each in plain.items())


@pytest.mark.parametrize(
    "change",
    [
        {"feature_network.conv_stem.weight": None},
        {"feature_network.conv_stem.weight": torch.zeros(32, 1, 3, 3)},  # the network of grey pictures alone
        {"feature_network.blocks.7.0.conv_pw.weight": torch.zeros(1)},
        {"feature_network.more.weight": torch.zeros(1)},
        {"more": torch.zeros(1)},
        {"fc.bias": None},
        {"fc.weight": torch.zeros(15, 1280), "fc.bias": torch.zeros(15)},
    ],
)
def test_what_is_not_that_network_is_refused(reference, tmp_path, change):
    weights = {name: each for name, each in (state(reference["entries"]) | change).items() if each is not None}
    with pytest.raises(DataError, match=r"x\.pt is no TFAN of 70 or 478 points"):
        tfan.read(saved(tmp_path / "x.pt", weights))


def test_nothing_of_a_pickle_is_run(tmp_path):
    with pytest.raises(DataError, match="was not run"):
        tfan.read(saved(tmp_path / "x.pt", {"fc.bias": print}))


def test_points_are_fractions_of_the_crop_and_a_score_is_high_where_the_variance_is_low(reference, tmp_path):
    weights = state(reference["entries"])
    weights["fc.weight"] = torch.zeros_like(weights["fc.weight"])
    bias = torch.zeros(70, 3)
    bias[:, 0], bias[:, 1] = torch.linspace(0, 1, 70), 0.25
    bias[:, 2] = torch.linspace(0, 0.04, 70)
    bias[1, 2] = -0.5  # by a leak of its last layer
    weights["fc.bias"] = bias.flatten()
    net = tfan.read(saved(tmp_path / "tfan70.pt", weights))
    xy, score = tfan.located(np.zeros((2, 224, 224, 3), np.uint8), net)
    assert xy.shape == (2, 70, 2) and score.shape == (2, 70)
    np.testing.assert_allclose(xy[0], bias[:, :2] + 0.5 / 512, atol=1e-6)
    assert (np.diff(score[0, 2:]) < 0).all() and score[0, 0] == score[0, 1] == score.max()
    np.testing.assert_allclose(score[0, -1], 1 - 0.2, atol=1e-6)
    bundle.write(tmp_path, "ok", "", {"tfan70.pt": {}})
    settings = {"family": "tfan", "weights": "w", "file": "tfan70.pt", "trained_on": ["tfake"]}
    one = tfan.load(parse(settings, tfan.Config, "x"), Assets(bundle.read(tmp_path)), "cpu")
    assert (one.vocabulary, one.trained_on, one.given) == ("facesynthetics70", ("tfake",), "prompt")
    [prediction] = one([np.zeros((90, 120, 3), np.uint8)], [np.array([[20, 30, 60, 70]], np.float32)])
    # The crop is 50 px wide and begins at 15, 25; a point at its left edge and a quarter of its height down.
    np.testing.assert_allclose(prediction.xy[0, 0], [15 + 50 * 0.5 / 512, 25 + 12.5 + 50 * 0.5 / 512], atol=1e-3)


def test_grey_pictures_are_stretched_and_colours_stay():
    grey = np.repeat(np.array([[[60], [100], [160]]], np.uint8), 3, axis=2)
    assert tfan.stretched(grey)[0, :, 0].tolist() == [0, 102, 255]
    flat = np.full((2, 2, 3), 7, np.uint8)
    assert tfan.stretched(flat) is flat
    colours = grey.copy()
    colours[0, 0, 2] = 61
    assert tfan.stretched(colours) is colours
