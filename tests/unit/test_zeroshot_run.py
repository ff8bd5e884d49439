"""A contestant on every data set and variant: predictions, or files that say why there are none."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import onnx_graphs
import tiny_runs
from thermark.core import bundle, files, packed_images
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.jitter import Jitter
from thermark.core.perturbations import BoxPerturbation, perturb_boxes
from thermark.core.predictions import Predictions
from thermark.datasets.readers.loaded import build_faces
from thermark.models.inference import contestant
from thermark.models.inference.contract import Assets
from thermark.models.inference.setting import Config, PredictionPaths, Setting

SETTINGS = {"family": "cascade", "weights": "assets", "run": "nose", "given": "labelled"}
NAMES = {"s.npz", "s@other.npz"}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Return a tree with one face set of three frames, of which the last two are test, and a learned nose."""
    root = tmp_path_factory.mktemp("zeroshot")
    ids = np.array(["f0", "f1", "f2"])
    boxes = np.array([[2, 2, 30, 30]] * 3, np.float32)
    xy = np.full((3, 1, 2), 15, np.float32)
    faces = build_faces(ids, ids, np.array(["train", "test", "test"]), "nose1", xy, boxes=boxes)
    (root / "faces/s").mkdir(parents=True)
    faces.save(root / "faces/s/faces.npz")
    for variant, frame_ids in ((packed_images.BASE, ids[1:]), ("other", ids)):
        (root / "frames/s" / variant).mkdir(parents=True)
        images = [np.full((32, 40), 90 + number, np.uint8) for number in range(len(frame_ids))]
        packed_images.write(root / "frames/s" / variant, frame_ids, images)
    files.write_json(root / "framed/s.json", {"data": "print", "variants": {packed_images.BASE: {}, "other": {}}})
    tiny_runs.teach(root / "models", "nose", 0, points=1, vocabulary="nose1", trained_on=["elsewhere"])
    return root


def predict(root: Path, out: Path, weights: tuple[str, str] | None = ("ok", ""), **changed) -> Path:
    """Predict into the folder that is returned, by the weights out/assets, which are written unless None.

    `data`: another root of faces and frames; `datasets`, `moves`, `missing`, `silence` are those of the call, the
    rest is the section's.
    """
    if weights:
        (out / "assets").mkdir(parents=True)
        bundle.write(out / "assets", *weights, {})
    data = changed.pop("data", root)
    folders = (data / name for name in ("faces", "reports", "frames", "framed"))
    config = Config(silence=changed.pop("silence", 120.0))
    datasets, moves = dict.fromkeys(changed.pop("datasets", ["s"]), "test"), changed.pop("moves", {})
    paths = PredictionPaths(out, out / "exported", root / "models", *folders)
    (out / "predictions").mkdir()
    arguments = Setting(config, datasets, paths, {}, {}, moves), out / "predictions", changed.pop("missing", None)
    contestant.predict_all("me", SETTINGS | changed, *arguments)
    return out / "predictions/seed0"


def predictions_in(out: Path) -> dict[str, Predictions]:
    seed = out / "predictions/seed0"  # of the run that has the nose
    assert {path.name for path in seed.iterdir()} == NAMES
    return {name: Predictions.open(seed / name) for name in NAMES}


@pytest.mark.slow
def test_every_variant_is_predicted_the_base_on_scored_faces_only(root, tmp_path):
    predict(root, tmp_path)
    predictions = predictions_in(tmp_path)
    assert predictions["s.npz"].faces.tolist() == [1, 2] and predictions["s@other.npz"].faces.tolist() == [0, 1, 2]
    for one in predictions.values():
        assert (one.contestant, one.data, one.status) == ("me", "print", "ok")
        assert (one.vocabulary, one.box_source, one.trained_on) == ("nose1", "labelled", ("elsewhere",))


@pytest.mark.slow
@pytest.mark.parametrize("given", ["prompt", "labelled"])
def test_moved_boxes_are_for_those_who_are_told_boxes_of_faces(root, tmp_path, given):
    moves = {"s": {"shift20": BoxPerturbation(shift=0.2)}}
    seed = predict(root, tmp_path, given=given, moves=moves)
    assert {path.name for path in seed.iterdir()} == NAMES | {"s@shift20.npz"}
    predictions = Predictions.open(seed / "s@shift20.npz")
    if given == "prompt":
        assert predictions.faces.tolist() == [1, 2]
        faces = Faces.open(root / "faces/s/faces.npz")
        np.testing.assert_array_equal(
            predictions.boxes, perturb_boxes(faces.prompts, faces.ids, moves["s"]["shift20"])[1:]
        )
    else:
        assert (predictions.status, predictions.reason) == ("skipped", contestant.NO_PROMPTS)


@pytest.mark.slow
@pytest.mark.parametrize("given", ["labelled", "frame"])
def test_shifted_pictures_are_for_everybody_and_cost_nothing_else(root, tmp_path, given):
    """Only what is missing is predicted; boxes that are told are those of unshifted pictures."""
    moves = {"s": {"jitter": Jitter((1,), 8), "shift20": BoxPerturbation(shift=0.2)}}
    seed = predict(root, tmp_path, given=given, missing={"s@jitter.npz"}, moves=moves)
    assert [path.name for path in seed.iterdir()] == ["s@jitter.npz"]
    predictions = Predictions.open(seed / "s@jitter.npz")
    assert (predictions.status, predictions.data) == ("ok", "print")
    steps = ["+1+0", "-1+0", "+0+1", "+0-1"]
    assert predictions.frames.tolist() == [f"f{number}@{step}" for step in steps for number in (1, 2)]
    assert predictions.faces.tolist() == (list(range(8)) if given == "labelled" else [-1] * 8)
    assert (predictions.boxes == (predictions.boxes[0] if given == "frame" else [2, 2, 30, 30])).all()


def test_without_weights_every_file_says_why(root, tmp_path):
    """Not even the family is imported: a name that does not exist goes unnoticed."""
    predict(root, tmp_path, ("skipped", "too large"), family="absent")
    folder = tmp_path / "predictions"  # of no seed: a run whose weights are missing is not asked for its own
    assert {path.name for path in folder.iterdir()} == NAMES
    for one in map(Predictions.open, folder.iterdir()):
        assert (one.status, one.reason, len(one), one.data) == ("skipped", "too large", 0, "print")


@pytest.mark.slow
def test_a_data_set_that_is_not_wanted_says_so(root, tmp_path):
    """Two names of one set stand for two; the second is not among the wanted ones."""
    again = tmp_path / "again"
    for kind in ("faces", "frames", "framed"):
        (again / kind).mkdir(parents=True)
        for name in ("s", "t"):
            end = ".json" if kind == "framed" else ""
            (again / kind / f"{name}{end}").symlink_to(root / kind / f"s{end}")
    seed = predict(root, tmp_path, data=again, datasets=["s", "t"], only=["t"])
    predictions = {path.name: Predictions.open(path) for path in seed.iterdir()}
    assert set(predictions) == {"s.npz", "s@other.npz", "t.npz", "t@other.npz"}
    assert predictions["t.npz"].status == "ok" and len(predictions["t@other.npz"]) == 3
    assert {predictions[name].reason for name in NAMES} == {"its settings say `only: [t]`"}


@pytest.mark.slow
def test_beside_predictions_stands_what_onnxruntime_ran_on(root, tmp_path):
    """A detector on onnxruntime and a network of ours, which needs none and so has no line."""
    assets = tmp_path / "assets"
    assets.mkdir()
    onnx_graphs.detector(assets / "det.onnx", onnx_graphs.raw([(2, 2, 30, 30, 0.9, 0)], (32, 40), 1), (32, 40))
    onnx_graphs.described(assets, det=onnx_graphs.card((40, 32)))
    predict(root, tmp_path, None, given="own", detector="det.onnx")
    assert {path.name for path in (tmp_path / "predictions").iterdir()} == {"seed0", contestant.PROVIDERS}
    assert files.read_json(tmp_path / "predictions" / contestant.PROVIDERS) == {
        "detector": ["CPUExecutionProvider"]
    }
    assert Predictions.open(tmp_path / "predictions/seed0/s.npz").status == "ok"


def test_an_unknown_data_set_is_refused(root, tmp_path):
    with pytest.raises(ConfigError, match="only"):
        predict(root, tmp_path, only=["ss"])


def test_who_gives_no_sign_of_life_has_failed(root, tmp_path):
    predict(root, tmp_path, silence=0.05)
    for one in predictions_in(tmp_path).values():
        assert one.status == "failed" and "no sign of life" in one.reason


def test_threads_are_overruled_where_a_contestant_has_any(root):
    """A section without them is as it was, for whoever would not know them."""
    assets = Assets(bundle.Bundle(root, "ok", "", {}), root)
    loaded = []
    for family, threads in (("cascade", 1), ("cascade", None), ("blazeface", 1)):
        module = import_module(f"thermark.models.{family}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "load", lambda config, *rest: loaded.append((config, rest)) or config)
            settings = {"family": family, "weights": "assets"} | (
                {"run": "r", "given": "frame"} if family == "cascade" else {}
            )
            contestant.load_model("me", settings, assets, "cpu", threads).get()
    assert [getattr(config, "threads", None) for config, _ in loaded] == [1, 2, None]
    assert all(rest == (assets, "cpu") for _, rest in loaded)


def test_a_package_that_is_absent_makes_a_contestant_absent(monkeypatch, root):
    monkeypatch.setattr(contestant, "import_module", lambda name: import_module("no_such_package"))
    with pytest.raises(contestant.ContestantAbsent, match="no_such_package is not installed"):
        contestant.load_model("me", SETTINGS, Assets())


@pytest.mark.slow
def test_wrong_settings_and_broken_weights_are_errors_and_leave_nothing(root, tmp_path):
    with pytest.raises(ConfigError, match=r"me\.givn"):
        predict(root, tmp_path / "a", givn="own")
    with pytest.raises(DataError, match=r"holds no yolox\.onnx"):
        predict(root, tmp_path / "b", given="own", detector="yolox.onnx")
    assert not [*tmp_path.rglob("*.npz")]


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(DataError, match="no bundle"):
        bundle.read(tmp_path)
    bundle.write(tmp_path, "ok", "", {"a.onnx": {"model": "A"}})
    with pytest.raises(DataError, match=r"holds no a\.onnx"):
        bundle.read(tmp_path).file("a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"x")
    assert bundle.read(tmp_path).file("a.onnx") == tmp_path / "a.onnx"
    with pytest.raises(DataError, match=r"holds no b\.onnx"):
        bundle.read(tmp_path).file("b.onnx")
