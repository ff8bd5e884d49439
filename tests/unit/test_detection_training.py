"""The face detector learns from rendered frames, is exported, and finds in ONNX what it found in PyTorch."""

import json
import runpy
from math import isfinite
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
import yaml

import rendered_frames
from thermark.convert import face_detector as convert
from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.models import face_detector
from thermark.models.inference import face_finder
from thermark.models.inference.contract import Assets
from thermark.nets import detector_card
from thermark.train.checkpoint import Checkpoint
from thermark.train.detection import frames, training, validation
from thermark.train.detection.training import Config

STAGE = Path(__file__).parents[2] / "stages/detector.py"
TINY = {
    "size": [64, 64], "val": 0.3, "batch": 4, "epochs": 2, "threads": 1, "steered": 6, "ema": None,
    "widths": [4, 8, 8, 16, 16, 8], "rate": {"peak": 0.002, "warmup": 2}, "seeds": [0],
}  # fmt: skip


def config(**changes) -> Config:
    return parse({"raw": "frames"} | TINY | changes, Config, "detectors.x")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Return a small rendered set."""
    folder = tmp_path_factory.mktemp("raw") / "frames"
    rendered_frames.write(folder, 24)
    return folder


@pytest.fixture(scope="module")
def done(raw, tmp_path_factory):
    return training.train(config(), 0, raw, tmp_path_factory.mktemp("state"))


def test_frames_are_read_with_their_faces(raw):
    learned, held_out = frames.read(raw, 0.3)
    table = json.loads((raw / "annotations.json").read_text())
    assert len(learned) + len(held_out) == len(table["images"]) == 24
    assert not {*learned.ids} & {*held_out.ids}
    points = {entry["file_name"]: [] for entry in table["images"]}
    dark = {entry["file_name"]: entry["camera"]["polarity"] == "black_hot" for entry in table["images"]}
    names = {entry["id"]: entry["file_name"] for entry in table["images"]}
    for entry in table["annotations"]:
        points[names[entry["image_id"]]].append(np.reshape(entry["keypoints"], (70, 3))[:68, :2])
    for name, frame in zip(learned.ids, learned, strict=True):
        wanted = [[*xy.min(axis=0), *xy.max(axis=0)] for xy in points[name]]
        np.testing.assert_allclose(frame.boxes, np.reshape(wanted, (-1, 4)), atol=1e-3)
        np.testing.assert_array_equal(frame.image, cv2.imread(str(raw / name), cv2.IMREAD_UNCHANGED))
    assert learned.black_hot.tolist() == [
        dark[name] for name in learned.ids
    ] and 0 < learned.black_hot.sum() < len(learned)
    shape = learned.shape()
    # Tight about the first 68 points: chin below the brows, and the left eye of the picture before the right one.
    assert shape[:68].min() >= -1e-5 and shape[:68].max() <= 1 + 1e-5
    assert shape[8, 1] > shape[27, 1] and shape[36, 0] < shape[45, 0]


def test_the_first_pictures_of_a_larger_set_are_a_smaller_set(raw, tmp_path):
    rendered_frames.write(tmp_path / "frames", 10)
    fewer, alone = frames.read(raw, 0.3, most=10), frames.read(tmp_path / "frames", 0.3)
    assert [part.ids for part in fewer] == [part.ids for part in alone]
    assert [part.fingerprint() for part in fewer] == [part.fingerprint() for part in alone]
    assert sum(map(len, frames.read(raw, 0.3, most=100))) == 24


def face(x: float, y: float, side: float, flag: int = 2, lost: int = 0) -> dict:
    """Return the annotation of a square face whose first points are its corners."""
    xyv = np.tile([x + side / 2, y + side / 2, flag], (70, 1)).astype(float)
    xyv[0, :2], xyv[1, :2] = (x, y), (x + side, y + side)
    xyv[2 : 2 + lost] = 0
    low, high = np.clip([[x, y], [x + side, y + side]], -0.5, [79.5, 59.5]) + 0.5
    return {"image_id": 1, "category_id": 1, "bbox": [*low, *(high - low)], "keypoints": xyv.ravel().tolist()}


def test_faces_that_do_not_count_are_ignored(tmp_path):
    (tmp_path / "thermal").mkdir()
    images = [{"id": 1, "file_name": "thermal/a.png"}, {"id": 2, "file_name": "thermal/b.png"}]
    for entry in images:
        cv2.imwrite(str(tmp_path / entry["file_name"]), np.zeros((60, 80), np.uint8))
    faces = [face(10, 10, 20), face(-11, 10, 20), face(-10, 10, 20), face(10, 10, 9), face(10, 10, 20, flag=1)]
    faces += [face(10, 10, 20) | {"iscrowd": 1}, face(-5, 10, 20, lost=1)]
    content = {"images": images, "annotations": faces, "categories": []}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    [frame] = [frame for part in frames.read(tmp_path, 0.5) for frame in part if len(frame.boxes)]
    # Of the second 10.5 px of 20 are outside of the picture, of the third 9.5.
    assert frame.ignored.tolist() == [False, True, False, True, True, True, True]
    assert frame.boxes[2].tolist() == [-10, 10, 10, 30]  # beyond the picture
    assert frame.boxes[6].tolist() == [-0.5, 10, 15, 30]  # a point is nowhere: what is in the picture


def test_what_is_too_small_is_so_in_views_and_on_validation_frames_alike(raw, tmp_path, monkeypatch):
    sizes = []

    def stop(views, epoch):
        sizes.append(views.smallest)
        assert views.look(3, 0).ignored.all()
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Views, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        training.train(config(smallest=300.0), 0, raw, tmp_path)
    assert sizes == [300.0]


def test_wrong_frames_are_refused(raw, tmp_path):
    content = json.loads((raw / "annotations.json").read_text())
    for change, message in (
        ({"annotations": [content["annotations"][0] | {"keypoints": [1.0]}]}, "1 numbers in keypoints"),
        ({"annotations": [content["annotations"][0] | {"bbox": [1, 1, 0, 5]}]}, "box without area"),
        ({"annotations": [content["annotations"][0] | {"image_id": 999}]}, "belongs to no image"),
        ({"images": [], "annotations": []}, "has no frames"),
    ):
        (tmp_path / "annotations.json").write_text(json.dumps(content | change))
        with pytest.raises(DataError, match=message):
            frames.read(tmp_path, 0.3)


def test_training_goes_on_where_it_was_killed(raw, done, tmp_path, monkeypatch):
    save = Checkpoint.save

    def killed(self, progress, *rest):
        save(self, progress, *rest)
        if progress.epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            training.train(config(), 0, raw, tmp_path)
    again = training.train(config(), 0, raw, tmp_path)
    assert again.progress.history == done.progress.history and again.card == done.card
    for name, tensor in done.weights.items():
        torch.testing.assert_close(again.weights[name], tensor, rtol=0, atol=0)


def test_in_bf16_it_is_trained_and_validated_in_float32(raw, tmp_path, native):
    learned = training.train(config(epochs=1, precision="bf16"), 0, raw, tmp_path)
    assert learned.card.precision == "bf16" and isfinite(learned.progress.history[0]["score"])
    assert {tensor.dtype for tensor in learned.weights.values()} == {torch.float32, torch.int64}
    _, held_out = frames.read(raw, 0.3)
    net = detector_card.build(learned.card)
    net.load_state_dict(learned.weights)
    scores = validation.predicted_boxes(net.eval(), list(held_out), 320, 0.5, torch.device("cpu")).scores
    assert len(scores) and (scores != torch.from_numpy(scores).bfloat16().float().numpy()).any()


def test_numbers_are_of_each_size_and_polarity(done):
    assert {*done.numbers} == {"white_hot", "black_hot", "both"}
    for rows in done.numbers.values():
        assert {*rows} == {"all", *validation.HEIGHTS}
        assert sum(rows[name]["faces"] for name in validation.HEIGHTS) <= rows["all"]["faces"]
    assert done.numbers["both"]["all"]["faces"] == 2 * done.numbers["white_hot"]["all"]["faces"] > 0
    assert 0 < done.card.threshold < 1 and isfinite(done.card.val_ap50)
    assert done.card.params == sum(one.numel() for one in detector_card.build(done.card).parameters())


@pytest.mark.slow
def test_it_learns_to_find_rendered_faces(tmp_path):
    rendered_frames.write(tmp_path / "frames", 200)
    options = {"epochs": 25, "batch": 8, "size": [96, 96], "widths": [8, 16, 24, 32, 48, 24], "steered": 60}
    options |= {"longest": 96, "rate": {"peak": 0.004, "warmup": 20}}
    mild = {"anchor_p": 0.3, "zoom": [0.6, 1.5], "heights": [16.0, 80.0], "hole_p": 0.0, "coarse_p": 0.0}
    learned = training.train(config(**options, augment=mild), 0, tmp_path / "frames", tmp_path / "state")
    history = learned.progress.history
    assert history[-1]["box"] < 0.6 * history[0]["box"]
    # 0.36 on faces of 14 to 60 px in both polarities, from 140 frames; 0.01 without training.
    assert learned.card.val_ap50 > 0.2


@pytest.fixture(scope="module")
def exported(done, tmp_path_factory):
    """Return the bundle of a trained detector, as the stage leaves it."""
    folder = tmp_path_factory.mktemp("out")
    convert.publish({0: done}, folder / "det", folder / "history.csv", folder / "detection.json")
    return folder


def test_a_stage_leaves_a_bundle_history_and_numbers(exported, done):
    held = bundle.read(exported / "det")
    assert held.status == "ok" and {*held.cards} == {f"seed0/{name}" for name in convert.HELD}
    seed_bundle = bundle.read(exported / "det/seed0")
    assert (
        seed_bundle.cards["detector.onnx"]["kind"] == face_finder.KIND
        and seed_bundle.file("detector.onnx").stat().st_size < 1.5e6
    )
    rows = (exported / "history.csv").read_text().splitlines()
    assert (
        rows[0].startswith("seed,epoch,lr,score,box") and rows[0].endswith("val_ap50_missing") and len(rows) == 3
    )
    numbers = files.read_json(exported / "detection.json")
    assert numbers["status"] == "ok" and numbers["seed0"]["white_hot"]["all"]["faces"] > 0


def run_stage(raw, folder, monkeypatch, **changes) -> None:
    """Run the stage's script in a folder, on a detector `x` with these settings."""
    (folder / "params.yaml").write_text(yaml.safe_dump({"detectors": {"x": {"raw": "frames"} | TINY | changes}}))
    monkeypatch.chdir(folder)
    options = {
        "params": "detectors.x",
        "raw": raw,
        "checkpoint": "state",
        "out": "out/x",
        "history": "h.csv",
        "metrics": "d.json",
    }
    monkeypatch.setattr("sys.argv", ["detector.py", *(f"--{name}={value}" for name, value in options.items())])
    runpy.run_path(str(STAGE), run_name="stage")["main"]()


def test_the_stage_trains_each_seed_and_forgets_the_way_there(raw, done, tmp_path, monkeypatch):
    run_stage(raw, tmp_path, monkeypatch, seeds=[0, 5])
    held = bundle.read(tmp_path / "out/x")
    assert {name.split("/")[0] for name in held.cards} == {"seed0", "seed5"}
    net, card = detector_card.read(tmp_path / "out/x/seed0")
    assert card.threshold == pytest.approx(done.card.threshold, rel=1e-5) and card.seed == 0
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, done.weights[name], rtol=0, atol=0)
    assert {*files.read_json(tmp_path / "d.json")} == {"status", "seed0", "seed5"}
    rows = [row.split(",") for row in (tmp_path / "h.csv").read_text().splitlines()[1:]]
    assert [row[:2] for row in rows] == [[seed, epoch] for seed in "05" for epoch in "12"]
    assert len({row[3] for row in rows}) == 4, "seeds differ"
    assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()]


def test_a_training_that_diverges_is_a_reason_and_no_error(raw, tmp_path, monkeypatch):
    run_stage(raw, tmp_path, monkeypatch, rate={"peak": 1e30, "warmup": 0}, clip=None)
    held = bundle.read(tmp_path / "out/x")
    assert held.status == "skipped" and "not finite" in held.reason
    assert files.read_json(tmp_path / "d.json")["reason"] == held.reason
    assert (tmp_path / "h.csv").read_text() == "seed,epoch\n"


def test_without_a_training_there_is_the_reason(tmp_path):
    convert.skipped(tmp_path / "det", tmp_path / "h.csv", tmp_path / "d.json", "it diverged")
    assert (bundle.read(tmp_path / "det").status, bundle.read(tmp_path / "det").reason) == (
        "skipped",
        "it diverged",
    )
    assert files.read_json(tmp_path / "d.json") == {"status": "skipped", "reason": "it diverged"}


def test_the_file_is_the_same_each_time_and_says_what_it_is(exported, done):
    net, card = detector_card.read(exported / "det/seed0")
    content = convert.graph(net, card)
    assert content == convert.graph(net, card) == (exported / "det/seed0/detector.onnx").read_bytes()
    model = onnx.load_from_string(content)
    metadata = {one.key: one.value for one in model.metadata_props}
    assert metadata["kind"] == "face_detector" and json.loads(metadata["trained_on"]) == ["frames"]
    assert float(metadata["threshold"]) == pytest.approx(card.threshold, rel=1e-5)
    [image], outputs = model.graph.input, model.graph.output
    shape = [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim]
    assert (image.name, shape) == ("image", [1, 1, "height", "width"])
    assert [one.name for one in outputs] == ["boxes", "scores"]
    kinds = {one.data_type for one in model.graph.initializer if np.prod(one.dims) >= convert.LEAST}
    assert kinds == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize("shape", [(64, 96), (32, 32), (128, 64)])
def test_onnx_says_what_pytorch_says_at_any_size(exported, done, shape):
    net, _ = detector_card.read(exported / "det/seed0")
    session = face_finder.load(exported / "det/seed0/detector.onnx").session
    image = np.random.default_rng(0).uniform(0, 255, (1, 1, *shape)).astype(np.float32)
    with torch.inference_mode():
        boxes, scores = training_outputs(net, image)
    onnx_boxes, score = session.run(None, {"image": image})
    side = (boxes[..., 2:] - boxes[..., :2]).max(axis=-1, keepdims=True)
    assert np.abs((onnx_boxes - boxes) / side).max() < 0.01 and np.abs(score - scores).max() < 0.005
    assert onnx_boxes.dtype == score.dtype == np.float32


def training_outputs(net, image):
    boxes, scores = convert.Exported(net)(torch.from_numpy(image))
    return boxes.numpy(), scores.numpy()


def test_the_finder_finds_in_onnx_what_validation_found_in_pytorch(raw, exported):
    net, card = detector_card.read(exported / "det/seed0")
    _, held_out = frames.read(raw, 0.3)
    cpu = torch.device("cpu")
    wanted = validation.predicted_boxes(net, list(held_out)[:3], card.longest, card.nms, cpu)
    finder = face_finder.load(exported / "det/seed0/detector.onnx", threshold=validation.LEAST)
    for number, frame in enumerate(list(held_out)[:3]):
        boxes, scores = finder.faces(frame.image)
        mask = wanted.frames == str(number)
        best = wanted.xyxy[mask][np.argmax(wanted.scores[mask])] if mask.any() else None
        assert (best is None) == (len(boxes) == 0)
        if best is not None:
            near = np.abs(boxes - best).max(axis=1).argmin()
            np.testing.assert_allclose(boxes[near], best, atol=0.5)
            assert scores[near] == pytest.approx(wanted.scores[mask].max(), abs=0.01)
        [again] = finder([np.repeat(frame.image[..., None], 3, axis=2)])
        np.testing.assert_array_equal(again[0], boxes)


def test_a_contestant_puts_the_mean_face_into_each_box(exported, raw, done):
    module_config = parse(
        {"family": "face_detector", "weights": "w", "threshold": 0.001}, face_detector.Config, "x"
    )
    model = face_detector.load(module_config, Assets(bundle.read(exported / "det/seed0")), "cpu")
    assert model.vocabulary == "facesynthetics70" and model.trained_on == ("frames",) and model.given == "own"
    image = cv2.imread(str(raw / frames.read(raw, 0.3)[1].ids[0]))
    [answer] = model([image], [None])
    assert len(answer.boxes) and answer.xy.shape == (len(answer.boxes), 70, 2)
    shape = (answer.xy - answer.boxes[:, None, :2]) / (answer.boxes[:, 2:] - answer.boxes[:, :2])[:, None]
    np.testing.assert_allclose(shape, np.broadcast_to(np.float32(done.card.shape), shape.shape), atol=1e-3)


def test_other_files_are_no_detector_of_ours(tmp_path):
    torch.onnx.export(torch.nn.Identity(), (torch.zeros(1, 1, 32, 32),), tmp_path / "x.onnx", dynamo=False)
    with pytest.raises(DataError, match="no face detector of ours"):
        face_finder.load(tmp_path / "x.onnx")
    with pytest.raises(DataError, match="does not exist"):
        face_finder.load(tmp_path / "y.onnx")


def test_a_weight_that_fp16_cannot_hold_is_refused():
    weights = np.zeros((8, 8, 3, 3), np.float32)
    weights[0, 0, 0, 0] = 1e6
    held = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(weights, "w")])
    with pytest.raises(DataError, match="too large for fp16"):
        convert.halved(onnx.helper.make_model(held))


def test_settings_are_checked():
    for wrong in ({"size": [64, 70]}, {"val": 1.0}, {"longest": 16}, {"raws": "x"}):
        with pytest.raises(ConfigError):
            config(**wrong)
