"""ViTPose+ with tiny random experts, and our way from boxes to points against that of transformers."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy import ndimage

import tiny_transformers
import tolerances
from thermark.core import bundle, geometry
from thermark.core.config import parse
from thermark.core.errors import DataError
from thermark.models import vitpose
from thermark.models.inference import heatmaps
from thermark.models.inference.contract import Assets, Unavailable
from thermark.nets import dark

pytestmark = pytest.mark.slow  # transformers takes ten seconds to import

CARD = {"vocabulary": "coco_wholebody133", "channels": "rgb", "input_size": [48, 64]}
SETTINGS = {"family": "vitpose", "weights": "w", "dtype": "float32", "given": "labelled", "batch": 4}


def stored(net, folder, card=CARD):
    net.save_pretrained(folder)
    bundle.write(folder, "ok", "", {"model.safetensors": card, "config.json": card})
    return bundle.read(folder)


@pytest.fixture(scope="module")
def net():
    return tiny_transformers.vitpose(133)


@pytest.fixture
def weights(net, tmp_path):
    return stored(net, tmp_path / "vitpose_plus_base")


def settings(**changes):
    return parse(SETTINGS | changes, vitpose.Config, "zeroshot.v")


def test_17_points_have_no_nose_row(tmp_path):
    weights = stored(
        tiny_transformers.vitpose(17), tmp_path / "vitpose_plus_base", CARD | {"vocabulary": "coco17"}
    )
    with pytest.raises(Unavailable, match=r"^vitpose_plus_base has 17 key points: no nose row in its head$"):
        vitpose.load(settings(), Assets(weights), "cpu")
    # The description is enough to say so.
    (weights.folder / "model.safetensors").unlink()
    with pytest.raises(Unavailable):
        vitpose.load(settings(), Assets(weights), "cpu")


def test_the_whole_body_expert_answers(net, weights):
    picture = torch.randn(2, 3, 64, 48)
    with torch.inference_mode():
        for expert in (5, 0):
            wanted = net(picture, dataset_index=torch.full((2,), expert)).heatmaps
            maps = vitpose.load(settings(expert=expert), Assets(weights), "cpu").forward(picture)
            tolerances.assert_same(maps, wanted)
        assert vitpose.Config(family="vitpose", weights="w").expert == 5
        assert not torch.allclose(wanted, net(picture, dataset_index=torch.full((2,), 5)).heatmaps, atol=1e-3)
    with pytest.raises(DataError, match="6 experts"):
        vitpose.load(settings(expert=6), Assets(weights), "cpu")


def test_without_experts_nobody_is_asked_for(tmp_path):
    plain = tiny_transformers.vitpose(133, experts=1)
    picture = torch.randn(1, 3, 64, 48)
    contestant = vitpose.load(settings(), Assets(stored(plain, tmp_path / "plain")), "cpu")
    with torch.inference_mode():
        tolerances.assert_same(contestant.forward(picture), plain(picture).heatmaps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("head.conv.weight"), "missing"),
        (lambda state: state.pop(next(key for key in state if "experts" in key)), "missing"),
        (lambda state: state.update(more=torch.zeros(1)), "more is unexpected"),
        (lambda state: state.update({"head.conv.weight": torch.zeros(17, 256, 1, 1)}), r"is \[17, 256, 1, 1\]"),
    ],
)
def test_every_tensor_must_fit(weights, change, message):
    path = weights.folder / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)
    with pytest.raises(DataError, match=message):
        vitpose.load(settings(), Assets(weights), "cpu")


def test_damage_and_wrong_cards_are_refused(weights):
    for change in ({"input_size": [64, 48]}, {"vocabulary": "coco17"}, {"channels": "bgr"}):
        cards = {name: CARD | change for name in weights.cards}
        with pytest.raises(DataError, match="states"):
            vitpose.load(settings(), Assets(bundle.Bundle(weights.folder, "ok", "", cards)), "cpu")
    path = weights.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match="no whole safetensors file"):
        vitpose.load(settings(), Assets(weights), "cpu")
    path.unlink()
    with pytest.raises(DataError, match="holds no"):
        vitpose.load(settings(), Assets(weights), "cpu")
    (weights.folder / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(DataError, match="describes a vit"):
        vitpose.load(settings(), Assets(weights), "cpu")


def test_crops_and_points_are_those_of_transformers():
    from transformers.models.vitpose import image_processing_pil_vitpose as theirs

    rng = np.random.default_rng(3)
    for _ in range(20):
        corner, sides = rng.uniform(-20, 200, 2), rng.uniform(5, 300, 2)
        box = np.concatenate([corner, corner + sides])[None]
        (to_frame,) = heatmaps.input_to_frame(box, (256, 192))
        # Their boxes are (x, y, w, h) between the centres of the outer pixels; ours are outlines.
        centre, scale = theirs.box_to_center_and_scale(np.array([*(corner + 0.5), *(sides - 1)]), 192, 256)
        matrix = theirs.get_warp_matrix(0, centre * 2, np.array([192, 256]) - 1.0, scale * 200)
        np.testing.assert_allclose(geometry.invert(to_frame), matrix, atol=2e-3)
        places = rng.uniform(0, 47, (9, 2))
        to_input = heatmaps.heatmap_to_input((64, 48), (256, 192))
        ours = geometry.apply(to_frame, geometry.apply(to_input, places))
        np.testing.assert_allclose(ours, theirs.transform_preds(places, centre, scale, (64, 48)), atol=1e-2)


def test_decoding_is_that_of_transformers():
    from transformers.models.vitpose import image_processing_pil_vitpose as theirs

    rng = np.random.default_rng(4)
    maps = ndimage.gaussian_filter(rng.uniform(0, 1, (2, 40, 64, 48)), (0, 0, 2, 2.5)).astype(np.float32)
    middle = np.exp(-(((np.mgrid[:64, :48].T - (31.5, 23.5)) / 16) ** 2).sum(axis=-1)).T
    maps = ((maps - 0.4) * 4 * middle).astype(np.float32)
    xy, score = dark.decode(torch.from_numpy(maps), vitpose.SIGMA)
    coarse, height = theirs.get_keypoint_predictions(maps)
    wanted = theirs.post_dark_unbiased_data_processing(coarse.copy(), maps, kernel=11)
    np.testing.assert_array_equal(score.numpy(), height[..., 0])
    # At the border they mirror the map where the published code, and ours, sees zeros.
    inside = ((coarse > 6) & (coarse < (41, 57))).all(axis=-1)
    assert inside.sum() > 40
    np.testing.assert_allclose(xy.numpy()[inside], wanted[inside], atol=1e-3)
