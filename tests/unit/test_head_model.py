"""A head and its backbone as one predictor: a backbone that sees brightness must point at what was drawn."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import head_scene as scene
import zeroshot_scene as bake
from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.fewshot import cutting, features, model, plan, run
from thermark.fewshot.model import HeadModel

PERSON = np.array([70, 40, 110, 90], np.float32)
# Moved from the left edge; cut on the right, and so stretched; taller than the frame.
EDGES = ([1, 45, 95, 75], [85, 30, 185, 90], [50, -8, 130, 270])


def made(batch=3, **fields) -> HeadModel:
    about = scene.card(**fields)
    return HeadModel(scene.backbone(batch), scene.repeating(), about, about.padding)


def ask(one, image, *boxes):
    return one.on_boxes([image], [np.array(boxes, np.float32).reshape(-1, 4)])[0]


@pytest.mark.parametrize("side", [128, 256])
@pytest.mark.parametrize("box", [PERSON, *EDGES])
@pytest.mark.parametrize("kind", ["posts", "square"])
def test_it_points_at_the_brightest_place(kind, box, side):
    """To a fifth of a pixel of the map, which is 1 to 5 px of the frame wide."""
    nose = np.array([91.3, 60.6])
    wide = max(box[2] - box[0], box[3] - box[1]) * 1.25 / 64
    image = scene.blob(nose, sigma=2 * wide)
    xy, score = ask(made(geometry=kind, side=side, decode="soft_argmax"), image, box)
    assert xy.shape == (1, 1, 2) and score.shape == (1, 1) and xy.dtype == score.dtype == np.float32
    np.testing.assert_allclose(xy[0, 0], nose, atol=wide / 5)
    assert 0.8 < score[0, 0] <= 1.01


def test_pixels_of_the_map_by_hand():
    """Pixel (i, j) of the map is 4 i from the outline of a crop of 256: of 50 px from 65, 65 + 50 x 4 i / 256."""
    one = made(geometry="posts")
    image = np.zeros((256, 192), np.uint8)
    box = np.array([70, 45, 110, 85]) - 0.5  # 50 px from (65, 40)
    for i, j in ((32, 16), (48, 32)):
        column, row = 65 + 50 * 4 * i / 256 - 0.5, 40 + 50 * 4 * j / 256 - 0.5
        xy, _ = ask(one, scene.blob((column, row)), box)
        np.testing.assert_allclose(xy[0, 0], [column, row], atol=1e-4)
    # On the square around a box: 60 px from (60, 35).
    square = made(geometry="square", padding=1.5, side=128)
    column, row = 60 + 60 * 20 / 64 - 0.5, 35 + 60 * 40 / 64 - 0.5
    xy, _ = ask(square, scene.blob((column, row)), box)
    np.testing.assert_allclose(xy[0, 0], [column, row], atol=1e-4)
    assert np.isnan(ask(one, image, box)[0]).all()  # a black crop points nowhere


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
@pytest.mark.parametrize("kind", ["posts", "square"])
def test_rows_stay_in_order_across_frames_and_misses(kind, batch):
    one = made(batch, geometry=kind)
    noses = [(40.0, 50.0), (150.0, 120.0), (60.0, 40.0)]
    sizes = [(192, 256), (300, 200), (120, 90)]
    images = [scene.blob(nose, size) for nose, size in zip(noses, sizes, strict=True)]

    def near(nose, half):
        return [nose[0] - half, nose[1] - half, nose[0] + half + 4, nose[1] + half - 3]

    gone, beyond, empty = [np.nan] * 4, [900, 900, 950, 950], [30, 30, 30, 30]
    corners = [[near(noses[0], 20), gone, near(noses[0], 30)], [], [beyond, near(noses[2], 15), empty]]
    boxes = [np.array(frame_boxes, np.float32).reshape(-1, 4) for frame_boxes in corners]
    answers = one.on_boxes(images, boxes)
    assert [xy.shape for xy, _ in answers] == [(3, 1, 2), (0, 1, 2), (3, 1, 2)]
    assert [score.shape for _, score in answers] == [(3, 1), (0, 1), (3, 1)]
    for (xy, score), missed in zip(answers, ([0, 1, 0], [], [1, 0, 1]), strict=True):
        assert (
            np.isnan(xy).all(axis=(1, 2)).tolist()
            == np.isnan(score).all(axis=1).tolist()
            == list(map(bool, missed))
        )
    for index in (0, 2):
        points = answers[index][0][np.isfinite(answers[index][1])]
        np.testing.assert_allclose(points, np.tile(noses[index], (len(points), 1)), atol=1.0)
    for image, frame_boxes, (xy, score) in zip(images, boxes, answers, strict=True):
        np.testing.assert_allclose(one.on_boxes([image], [frame_boxes])[0][0], xy, atol=1e-4)
        np.testing.assert_allclose(one.on_boxes([image], [frame_boxes])[0][1], score, atol=1e-5)
    assert one.on_boxes([], []) == []
    with pytest.raises(ValueError, match="shorter"):
        one.on_boxes(images, boxes[:2])


def test_grey_frames_are_answered_as_if_repeated():
    one = made()
    (grey, _), (colour, _) = (ask(one, scene.blob((90, 60), colour=c), PERSON, EDGES[1]) for c in (False, True))
    np.testing.assert_array_equal(grey, colour)


def test_it_says_who_it_is():
    one = made(vocabulary="nose1")
    assert (one.vocabulary, one.trained_on, one.padding) == ("nose1", ("drawn", "elsewhere"), 1.25)


# What was measured on stored features is what frames give.


def drawn_run(monkeypatch, root, kind):
    """Cut, see and train on 75 drawn faces; return the crops, the face table, its frames and the run's numbers."""
    rng = np.random.default_rng(3)
    names = [f"{1 + (n > 60)}/{n}" for n in range(75)]
    noses = rng.uniform([30, 40], [160, 150], (75, 2)).astype(np.float32)
    table = bake.nose_faces({name: [tuple(nose)] for name, nose in zip(names, noses, strict=True)})
    table.boxes[:, :] += rng.uniform(-9, 9, (75, 4)).astype(np.float32)
    table.prompts[:, :] += rng.uniform(-5, 5, (75, 4)).astype(np.float32)
    # Of the square geometry.
    table = replace(table, splits=np.array(["train"] * 45 + ["val"] * 16 + ["test"] * 14))
    images = {name: scene.blob(nose) for name, nose in zip(names, noses, strict=True)}
    made = scene.cut(monkeypatch, root, table, images, geometry=kind)
    features.extract(scene.backbone(), made, root / "seen" / "cut", "float16", root / "partial")
    files.write_json(root / "seen" / features.STATUS, {"status": "ok", "reason": ""})
    section = {"backbone": "b", "crops": "cut", "seeds": [4], "budget": [], "epochs": 1, "precision": "fp32"}
    monkeypatch.setattr(run, "ordered", lambda work, jobs, workers, chunk: map(work, jobs))
    config = parse(section, plan.Config, "heads.x")
    to = run.HeadPaths(root / "head_x", root / "flat.json", root / "x.json", root / "x.csv")
    run.train(config, root / "cut", root / "seen", to)
    return made, table, images, json.loads((root / "x.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["posts", "square"])
def test_frames_are_answered_as_the_stored_features_were(monkeypatch, tmp_path, kind):
    made, table, images, numbers = drawn_run(monkeypatch, tmp_path, kind)
    head, about = model.read(tmp_path / "head_x" / "seed4")
    one = HeadModel(scene.backbone(), head, about, about.padding)
    assert (about.geometry, about.side, about.trained_on) == (kind, 256, ["drawn", "elsewhere"])
    rows = made.rows[made.part("test")]
    boxes = (table.boxes if kind == "posts" else table.prompts)[rows]
    frames = [images[str(table.frames[row])] for row in rows]
    answers = one.on_boxes(frames, [box[None] for box in boxes])
    errors = np.array(
        [np.hypot(*(xy[0, 0] - table.xy[row, 0])) for (xy, _), row in zip(answers, rows, strict=True)]
    )
    summary = numbers["test"]["all"]
    assert summary["crops"] == len(rows) == 14 and summary["missed"] == 0
    assert summary["native_mean"] == pytest.approx(errors.mean(), rel=1e-4)
    assert summary["native_median"] == pytest.approx(np.sort(errors)[(len(errors) - 1) // 2], rel=1e-4)


# On disk.


def written(folder, **changed):
    folder.mkdir(parents=True)
    model.write(folder, scene.card(**changed), scene.repeating().state_dict())
    return folder


def test_what_is_written_is_read(tmp_path):
    head, about = model.read(written(tmp_path / "head_x" / "seed0", padding=1.5, decode="dark"))
    assert about == scene.card(padding=1.5, decode="dark") and not head.training
    for name, tensor in scene.repeating().state_dict().items():
        assert torch.equal(head.state_dict()[name], tensor)
    stored = load_file(tmp_path / "head_x" / "seed0" / "model.safetensors")
    assert all(t.dtype in (torch.float32, torch.int64) for t in stored.values())


def test_a_run_that_was_skipped_says_why(tmp_path):
    (tmp_path / "head_x").mkdir()
    files.write_json(tmp_path / "head_x" / "skipped.json", {"reason": "nobody brought weights"})
    with pytest.raises(DataError, match="head_x was not trained: nobody brought weights"):
        model.read(tmp_path / "head_x" / "seed0")


def test_damaged_heads_are_refused(tmp_path):
    folder = written(tmp_path / "head_x" / "seed0")
    about = json.loads((folder / "head.json").read_text())

    def refused(words, text=None, **changed):
        (folder / "head.json").write_text(json.dumps(about | changed) if text is None else text)
        with pytest.raises(DataError, match=words):
            model.read(folder)

    for text in ("", "{", "[]", "null"):
        refused("holds no head", text)
    refused("holds no head", decode="best")
    refused("holds no head", colour="red")
    refused("predicts 2 points, nose1 has another number", points=2)
    refused("does not fit the network", channels=2)
    (folder / "head.json").unlink()
    with pytest.raises(DataError, match="holds no head"):
        model.read(folder)
    folder = written(tmp_path / "head_y" / "seed0")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot read"):
        model.read(folder)


def test_a_head_is_loaded_with_the_very_backbone_it_was_trained_on(tmp_path, monkeypatch):
    folder, calls = written(tmp_path / "head_x" / "seed0"), []
    below = scene.backbone()

    def load(name, settings, weights, device):
        calls.append((dict(settings), weights.folder.name, device))
        return below

    monkeypatch.setattr(model.backbones, "load", load)
    weights = bundle.Bundle(tmp_path / "assets", "ok", "", {})
    one = model.load(folder, weights, "cpu", {"batch": 5})
    assert calls == [(scene.SECTION | {"batch": 5}, "assets", "cpu")]
    assert one.backbone is below and one.padding == 1.25 and not one.head.training
    for other in ({"sha256": "c" * 64}, {"channels": 2}):
        below = replace(scene.backbone(), **other)
        with pytest.raises(DataError, match="assets holds another backbone than head_x was trained on"):
            model.load(folder, weights, "cpu")


def test_settings_of_the_backbone_are_those_of_its_family(tmp_path):
    folder = written(tmp_path / "head_x" / "seed0", backbone={"family": "rtmpose", "weights": "w", "stagse": [3]})
    with pytest.raises(ConfigError, match="stagse"):
        model.load(folder, bundle.Bundle(tmp_path, "ok", "", {}), "cpu")


def test_the_geometry_of_part_2_has_its_own_padding():
    image, box = scene.blob((91, 61)), PERSON[None]
    narrow, wide = (replace(made(geometry="posts"), padding=padding) for padding in (1.25, 2.0))
    np.testing.assert_array_equal(narrow.on_boxes([image], [box])[0][0], wide.on_boxes([image], [box])[0][0])
    (_, a), (_, b) = (cutting.cut(image, PERSON, "square", 256, padding) for padding in (1.25, 2.0))
    assert b[0, 0] / a[0, 0] == pytest.approx(1.6)
