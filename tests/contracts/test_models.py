"""The one contract of all families, and every model that predicts on packed crops, too.

Those on whole frames alone have their own tests, test_whole_frame_models.py.
"""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import contestant_modules
import drawn_faces
from thermark import landmarks
from thermark.core import geometry, seeds
from thermark.core.config import Section
from thermark.core.faces import open_set
from thermark.core.predictions import Predictions
from thermark.models.inference.contestant import load_model
from thermark.models.inference.contract import Assets, CropModel
from thermark.models.inference.crops import predict
from thermark.models.inference.families import CROP_FAMILIES
from tiny_runs import untrained

NAMES = CROP_FAMILIES
PADDING, SIDE = 1.75, 96


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("contestants")
    drawn_faces.write(folder / "drawn", 10, SIDE, PADDING)
    return folder


# How to load each contestant on a machine without weights; one that is not here has no contract test yet.
LOADED = {
    "learned": (
        {"run": "net"},
        lambda scratch: untrained(scratch / "seed0", modality="thermal", trained_on=["drawn"]),
    ),
    "mean_shape": ({"train": "drawn"}, lambda scratch: None),
}


@pytest.fixture(scope="module", params=NAMES)
def contestant(request, root, tmp_path_factory) -> CropModel:
    section, run = LOADED[request.param]
    assets = Assets(run=run(tmp_path_factory.mktemp("model")), faces=root)
    return load_model("x", {"family": request.param} | section, assets, "cpu").get()


def ask(model: CropModel, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points and scores for the boxes (P, 4) in one image."""
    [instances] = model([image], [boxes])
    np.testing.assert_array_equal(instances.boxes, boxes)
    assert np.isnan(instances.box_score).all()
    return instances.xy, instances.score


def shown(count: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a frame (H, W, 3), prompts (P, 4), and for each prompt its crop and map, as packing makes them."""
    image = seeds.rng(3, "frame").integers(0, 255, (240, 320, 3), np.uint8)
    image[60:180, 80:240] = np.repeat(drawn_faces.crop(seeds.rng(4), 160, PADDING)[0][20:140, :, None], 3, axis=-1)
    boxes = np.array([[100, 70, 180, 150], [120, 60, 210, 170], [90, 90, 150, 150], [140, 80, 220, 170]])
    return (
        image,
        boxes[:count].astype(np.float32),
        np.stack([geometry.crop_to_source(b, SIDE, PADDING) for b in boxes]),
    )


def packed(grey: bool = False) -> tuple[np.ndarray, np.ndarray]:
    image, _, maps = shown()
    pixels = np.stack([geometry.warp(image, matrix, SIDE) for matrix in maps])
    return np.ascontiguousarray(pixels[..., 0]) if grey else pixels, maps


def test_all_are_found_and_covered():
    assert set(LOADED) == set(NAMES) < set(contestant_modules.signatures())


def test_every_family_is_loaded_in_the_same_way():
    assert {tuple(each) for each in contestant_modules.signatures().values()} == {("config", "assets", "device")}


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_a_section(name):
    assert issubclass(import_module(f"thermark.models.{name}").Config, Section)


def test_it_says_its_vocabulary_and_what_it_was_trained_on(contestant):
    assert len(landmarks.load(contestant.vocabulary)) > 0
    assert contestant.trained_on == ("drawn",) and isinstance(contestant, CropModel)
    assert (contestant.given, contestant.box_source) == ("prompt", "prompt") and contestant.batch >= 1


@pytest.mark.parametrize("grey", [False, True])
def test_shapes_and_types(contestant, grey):
    points = len(landmarks.load(contestant.vocabulary))
    image, boxes, _ = shown()
    pixels, maps = packed(grey)
    for xy, score in (ask(contestant, image, boxes), contestant.on_crops(pixels, maps, PADDING)):
        assert (xy.shape, score.shape) == ((4, points, 2), (4, points))
        assert xy.dtype == score.dtype == np.float32
        assert (np.isfinite(xy).all(axis=-1) == np.isfinite(score)).all()
    for xy, score in (ask(contestant, image, boxes[:0]), contestant.on_crops(pixels[:0], maps[:0], PADDING)):
        assert (xy.shape, score.shape) == ((0, points, 2), (0, points))


def test_the_same_question_has_the_same_answer_and_stays_as_it_was(contestant):
    image, boxes, _ = shown()
    pixels, maps = packed()
    before = [array.copy() for array in (image, boxes, pixels, maps)]
    for both in (lambda: ask(contestant, image, boxes), lambda: contestant.on_crops(pixels, maps, PADDING)):
        for first, second in zip(both(), both(), strict=True):
            np.testing.assert_array_equal(first, second)
    for array, kept in zip((image, boxes, pixels, maps), before, strict=True):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_image_is_answered_or_missed(contestant, level):
    xy, score = ask(
        contestant, np.full((200, 200, 3), level, np.uint8), np.array([[40, 40, 120, 120]], np.float32)
    )
    assert not np.isinf(xy).any() and not np.isinf(score).any()
    pixels, maps = packed()
    xy, score = contestant.on_crops(np.full_like(pixels, level), maps, PADDING)
    assert not np.isinf(xy).any() and not np.isinf(score).any()


def test_a_missing_prompt_is_a_row_of_nan_and_nobody_elses_business(contestant):
    image, boxes, _ = shown()
    pixels, maps = packed()
    boxes_gone, maps_gone = boxes.copy(), maps.copy()
    boxes_gone[1], maps_gone[1] = np.nan, np.nan
    for (xy, score), (wanted, _) in (
        (ask(contestant, image, boxes_gone), ask(contestant, image, boxes)),
        (contestant.on_crops(pixels, maps_gone, PADDING), contestant.on_crops(pixels, maps, PADDING)),
    ):
        assert np.isnan(xy[1]).all() and np.isnan(score[1]).all()
        assert np.median(np.abs(xy - wanted)[[0, 2, 3]]) < 1e-3
    nobody, _ = contestant.on_crops(pixels, np.full_like(maps, np.nan), PADDING)
    assert np.isnan(nobody).all()


def test_points_follow_the_map_of_their_crop(contestant):
    pixels, maps = packed()
    xy, score = contestant.on_crops(pixels, maps, PADDING)
    moved = maps.copy()
    moved[:, :, 2] += [30.0, -20.0]
    there, same = contestant.on_crops(pixels, moved, PADDING)
    np.testing.assert_allclose(there, xy + np.float32([30, -20]), atol=1e-3)
    np.testing.assert_array_equal(same, score)
    larger = contestant.on_crops(pixels, maps * 2, PADDING)[0]
    np.testing.assert_allclose(larger, xy * 2, atol=1e-3)


def test_frames_and_packed_crops_are_answered_alike(contestant):
    """The packed crop is resampled once more: of an untrained network, half the points may differ by a cell."""
    image, boxes, _ = shown()
    direct, _ = ask(contestant, image, boxes)
    through, _ = contestant.on_crops(*packed(), PADDING)
    sides = geometry.box_size(boxes).max(axis=-1)
    apart = np.linalg.norm(direct - through, axis=-1) / sides[:, None]
    assert np.median(apart) < 0.02


def test_a_whole_face_set_is_answered_row_by_row(contestant, root, tmp_path):
    faces, crops = open_set(root / "drawn")
    crops.to_source[3] = np.nan
    predictions = predict(contestant, "c", faces, crops, "fingerprint", batch=4)
    predictions.save(tmp_path / "drawn.npz")
    predictions = Predictions.open(tmp_path / "drawn.npz")
    assert (predictions.status, predictions.vocabulary, predictions.data) == (
        "ok",
        contestant.vocabulary,
        "fingerprint",
    )
    assert predictions.trained_on == contestant.trained_on == ("drawn",)
    assert predictions.faces.tolist() == list(range(10)) and (predictions.frames == faces.frames).all()
    assert np.isnan(predictions.xy).all(axis=(1, 2)).tolist() == [row == 3 for row in range(10)]
