from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import drawn_faces
import tiny_runs
from prediction_setting import setting_in
from thermark.core import files, geometry, seeds
from thermark.core.errors import DataError
from thermark.core.faces import open_set
from thermark.core.predictions import Predictions
from thermark.models import learned
from thermark.models.inference.crops import predict_all
from thermark.models.inference.predict_everyone import predict_everyone
from thermark.models.inference.setting import Config, PredictionPaths, Setting
from thermark.models.learned import Learned
from thermark.nets import card
from thermark.nets.rtmpose import RTMPose
from thermark.train.codecs.simcc import SimCC


class Brightest(nn.Module):
    """Stands in for a trained network: its logits peak at the brightest row and column, to half a pixel."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        grey = images.mean(1)
        return tuple(self.profile(grey.amax(axis)) for axis in (1, 2))

    def profile(self, levels: torch.Tensor) -> torch.Tensor:
        between = (levels + torch.cat([levels[:, 1:], levels[:, -1:]], dim=1)) / 2
        fine = torch.stack([levels, between], dim=-1).flatten(1)
        # Averaged over a pixel each way, a symmetric blob peaks at its centre.
        smooth = nn.functional.avg_pool1d(fine[:, None], 9, 1, 4)
        return smooth


def nose(flip=None) -> Learned:
    return Learned(Brightest(), "nose1", 128, 1.25, torch.device("cpu"), SimCC((128, 128)), flip)


def frame(at: np.ndarray, shape=(240, 320)) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = (columns - at[0]) ** 2 + (rows - at[1]) ** 2
    return np.repeat((20 + 200 * np.exp(-distance / 200))[..., None], 3, axis=-1).astype(np.uint8)


def packed(image: np.ndarray, box: np.ndarray, size: int, padding: float):
    to_source = geometry.crop_to_source(box, size, padding)
    return geometry.warp(image, to_source, size)[None], to_source[None]


@pytest.mark.parametrize("flip", [None, np.array([0])])
@pytest.mark.parametrize("grey", [False, True])
def test_a_blob_is_found_where_it_is_on_both_paths(flip, grey):
    at = np.array([150.0, 97.0])
    box = np.array([110.0, 60, 190, 140], np.float32)
    image = frame(at)
    [(direct, score)] = nose(flip).on_boxes([image], [box[None]])
    pixels, to_source = packed(image, box, 192, 1.75)
    if grey:
        pixels = np.ascontiguousarray(pixels[..., 0])
    through, _ = nose(flip).on_crops(pixels, to_source, 1.75)
    assert direct.shape == (1, 1, 2) and direct.dtype == score.dtype == np.float32
    # Half a bin of a 128-px input over a 100-px view is 0.2 px.
    np.testing.assert_allclose(direct[0, 0], at, atol=0.4)
    np.testing.assert_allclose(through[0, 0], at, atol=0.4)
    np.testing.assert_allclose(through, direct, atol=0.3)


def model(folder: Path, seed: int = 0) -> Path:
    return tiny_runs.write_scaled(folder, seed, seed=seed, modality="thermal", trained_on=["drawn"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny network, with a face set."""
    root = tmp_path_factory.mktemp("learned")
    drawn_faces.write(root / "faces" / "drawn", 12, 64)
    model(root / "model")
    return root


def crops(count: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.stack([drawn_faces.crop(seeds.rng(9, index), 96, 1.75)[0] for index in range(count)])
    return pixels, np.repeat(np.array([[[2.0, 0, 5], [0, 2.0, 7]]]), count, axis=0)


@pytest.mark.parametrize("flip", ["none", "aligned", "published"])
def test_a_face_alone_is_predicted_as_in_a_batch(trained, flip):
    network = learned.read(trained / "model", "cpu", flip)
    pixels, maps = crops(8)
    together, scores = network.on_crops(pixels, maps, 1.75)
    alone = [network.on_crops(pixels[i : i + 1], maps[i : i + 1], 1.75) for i in range(8)]
    np.testing.assert_allclose(np.concatenate([score for _, score in alone]), scores, rtol=1e-4)
    np.testing.assert_allclose(np.concatenate([xy for xy, _ in alone]), together, atol=1e-4)
    assert together.shape == (8, 68, 2) and network.vocabulary == "ibug68" and network.trained_on == ("drawn",)


class Fixed(nn.Module):
    """Stands in for a network whose logits are told: first of the image, then of its mirror image."""

    def __init__(self, *logits: torch.Tensor):
        super().__init__()
        self.left = list(logits)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.left.pop(0)
        return x, torch.eye(8)[4][None, None]


@pytest.mark.parametrize(("flip", "wanted"), [("none", 1.0), ("aligned", 1.0), ("published", 1.5)])
def test_the_published_flip_test_does_not_shift_the_mirror_image(tmp_path, monkeypatch, flip, wanted):
    """Four pixels have eight bins: pixel 1 is bin 2, mirrored pixel 2 and bin 4; reversed, bin 4 is bin 3.

    Shifted by one it is bin 2 again. As it is, peaks of unequal height at 2 and 3 meet, and the mirror's wins.
    """
    image, mirror = torch.zeros(1, 1, 8), torch.zeros(1, 1, 8)
    image[..., 2], mirror[..., 4] = 1.0, 1.5
    model(tmp_path / "model")
    contestant = learned.read(tmp_path / "model", flip=flip)
    flip_order = None if flip == "none" else np.array([0])
    xy, _ = replace(contestant, net=Fixed(image, mirror), flip=flip_order)._forward(
        np.zeros((1, 4, 4, 3), np.uint8)
    )
    assert xy[0, 0].tolist() == [wanted, 2.0]


def test_a_face_in_a_picture_has_the_answer_that_it_has_in_a_face_set():
    """Packed as the set that a network learned from, then cropped: as the stage does, so `thermark predict`."""
    direct = Learned(Brightest(), "nose1", 128, 1.25, torch.device("cpu"), SimCC((128, 128)))
    network = replace(direct, cropped=(96, 1.75))
    rng = np.random.default_rng(3)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (400, 500), np.uint8), (0, 0), 1)
    boxes = np.array([[100, 90, 220, 230], [10.5, 20.25, 60, 90], [300, 200, 480, 395]], np.float32)
    to_source = np.stack([geometry.crop_to_source(box, 96, 1.75) for box in boxes])
    packed = np.stack([geometry.warp(picture, matrix, 96) for matrix in to_source])
    staged, _ = network.on_crops(packed, to_source, 1.75)
    np.testing.assert_allclose(network([picture], [boxes])[0].xy, staged, atol=1e-3)
    # The picture itself is another input: sharper, and cut by another grid.
    assert np.abs(direct([picture], [boxes])[0].xy - staged).max() > 5


def test_a_network_knows_from_which_crops_it_learned(tmp_path):
    model(tmp_path / "model")
    about = card.read(tmp_path / "model")[1]
    assert about.cropped is None and learned.read(tmp_path / "model").cropped is None
    files.write_json(tmp_path / "model/model.json", about.model_dump() | {"cropped": [96, 1.75]})
    assert learned.read(tmp_path / "model").cropped == (96, 1.75)


def test_a_box_without_an_area_is_a_miss(trained):
    boxes = np.array([[9, 9, 9, 9], [5, 5, 50, 60]], np.float32)
    (seen,) = learned.read(trained / "model", flip="none")([frame(np.array([30.0, 30.0]))], [boxes])
    assert np.isnan(seen.xy).all(axis=(1, 2)).tolist() == [True, False]


def test_logits_that_are_not_finite_are_a_miss():
    class Broken(nn.Module):
        def forward(self, images):
            logits = torch.zeros(len(images), 1, 256)
            logits[0, 0, 7] = torch.nan
            logits[1, 0, 9] = torch.inf
            logits[2, 0, 11] = 1.0
            return logits, logits

    model = Learned(Broken(), "nose1", 128, 1.25, torch.device("cpu"), SimCC((128, 128)))
    pixels, maps = crops(3)
    xy, score = model.on_crops(pixels, maps, 1.75)
    assert np.isnan(xy).all(axis=(1, 2)).tolist() == [True, True, False]
    assert np.isnan(score).all(axis=1).tolist() == [True, True, False]


def test_weights_that_do_not_fit_are_refused(trained, tmp_path):
    stored = load_file(trained / "model" / "model.safetensors")
    text = (trained / "model" / "model.json").read_text()

    def refused(weights, text, cause):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        if weights is not None:
            save_file(weights, folder / "model.safetensors")
        (folder / "model.json").write_text(text)
        with pytest.raises(DataError, match=cause):
            learned.read(folder)

    short = dict(stored)
    del short["head.cls_x.weight"]
    refused(short, text, "head.cls_x.weight is missing")
    refused(stored | {"head.extra": torch.zeros(1)}, text, "head.extra is unexpected")
    reshaped = stored | {"head.mlp.0.g": torch.ones(2)}
    refused(reshaped, text, r"head.mlp.0.g is \[2\], not \[1\]")
    refused(None, text, "cannot read")
    refused(stored, text.replace('"points": 68', '"points": 67'), "does not fit")
    refused(stored, text.replace('"ibug68"', '"nose1"'), "predicts 68 points, nose1 has 1")
    refused(stored, "{", "damaged")
    refused(stored, text.replace('"size"', '"sise"'), "damaged")
    with pytest.raises(DataError, match=r"no model\.json"):
        learned.read(tmp_path / "absent")


def run(root: Path, *seeds: int) -> Path:
    for seed in seeds:
        model(root / f"seed{seed}", seed)
    return root


def predicted(root: Path, faces: Path, datasets=("drawn",)) -> Path:
    """Predict all faces of the data sets with every seed of a run."""
    for name in datasets:
        files.write_json(root / "reports" / f"{name}.json", {"fingerprint": "d"})
    nowhere = root / "nowhere"
    paths = PredictionPaths(nowhere, nowhere, root, faces, root / "reports", nowhere, nowhere)
    code = {"predict": {"learned": "hash"}, "landmarks": {}}
    setting = Setting(Config(), dict.fromkeys(datasets, "all"), paths, code, {})
    predict_everyone({"ktl_s": {"family": "learned", "run": "run"}}, setting, root / "out")
    return root / "out" / "ktl_s"


def test_every_seed_of_a_run_answers_under_the_name_of_the_contestant(trained, tmp_path):
    run(tmp_path / "run", 0, 3, 10)
    out = predicted(tmp_path, trained / "faces")
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.npz")) == [
        *("seed0/drawn.npz", "seed10/drawn.npz", "seed3/drawn.npz"),
    ]
    predictions = [Predictions.open(out / f"seed{seed}" / "drawn.npz") for seed in (0, 3, 10)]
    assert {(one.contestant, one.data, one.trained_on) for one in predictions} == {("ktl_s", "d", ("drawn",))}
    assert not np.array_equal(predictions[0].xy, predictions[1].xy)
    alone = learned.read(tmp_path / "run" / "seed10")
    faces, packed_crops = open_set(trained / "faces" / "drawn")
    xy, _ = alone.on_crops(np.asarray(packed_crops.pixels), packed_crops.to_source, packed_crops.padding)
    np.testing.assert_array_equal(predictions[2].xy, xy)
    assert len(predictions[2]) == len(faces)


def test_a_run_without_seeds_is_refused(trained, tmp_path):
    model(tmp_path / "run")
    with pytest.raises(DataError, match="the run run has no seed") as caught:
        predicted(tmp_path, trained / "faces")
    assert caught.value.code == 3 and not [*tmp_path.glob("out/*")]


@pytest.mark.parametrize("damage", ["weights", "faces"])
def test_predictions_of_a_run_are_replaced_as_a_whole(trained, tmp_path, damage):
    run(tmp_path / "run", 0, 1)
    out = predicted(tmp_path, trained / "faces")
    before = {path: path.read_bytes() for path in out.rglob("*.npz")}
    if damage == "weights":
        (tmp_path / "run/seed1/model.safetensors").write_bytes(b"")
    with pytest.raises(
        DataError, match="cannot read" if damage == "weights" else "the face set absent is not prepared"
    ):
        predicted(tmp_path, trained / "faces", ("drawn", "absent") if damage == "faces" else ("drawn",))
    assert {path: path.read_bytes() for path in out.rglob("*.npz")} == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ktl_s"]


def test_a_seed_that_is_gone_takes_its_predictions_along(trained, tmp_path):
    run(tmp_path / "run", 0, 1)
    predicted(tmp_path, trained / "faces")
    (tmp_path / "run/seed1").rename(tmp_path / "elsewhere")
    assert [path.name for path in predicted(tmp_path, trained / "faces").glob("seed*")] == ["seed0"]


def test_only_what_is_scored_is_predicted(tmp_path):
    drawn_faces.write(tmp_path / "faces" / "drawn", 20, 32)
    files.write_json(tmp_path / "reports" / "drawn.json", {"fingerprint": "f"})
    contestant = Learned(RTMPose("t", 68, 32).eval(), "ibug68", 32, 1.25, torch.device("cpu"), SimCC((32, 32)))
    (tmp_path / "out").mkdir()
    for split, wanted in (("test", [1, 11]), ("all", list(range(20)))):
        setting = setting_in(tmp_path, {"drawn": split})
        predict_all(contestant, "c", setting, ["drawn"], tmp_path / "out", {"drawn.npz"})
        predictions = Predictions.open(tmp_path / "out" / "drawn.npz")
        assert predictions.faces.tolist() == wanted and len(predictions.xy) == len(predictions.boxes) == len(
            predictions.frames
        ) == len(wanted)
        assert predictions.frames.tolist() == [f"{row:04d}" for row in wanted]
