"""Weak training is a result: it leaves a reason, nobody downstream stops, and mistakes stay errors."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_pseudo_labels import FACES, part
from test_pseudo_labels import root as pseudo_root  # noqa: F401 - a fixture

import drawn_faces
import head_scene as scene
import tiny_runs
from thermark.convert import onnx as exported
from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.runs import LABELLER, SKIPPED, Untrained
from thermark.fewshot import features, plan, pseudo_labels, run, training
from thermark.report.distillation import gradient_stability
from thermark.report.fewshot.fewshot_data import _trainings
from thermark.train import outcome
from thermark.train.recipes import ktl, supervised

# A run of several seeds.


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("weak")
    drawn_faces.write_pairs(root / "faces", 10, tiny_runs.SIDE)
    return root


def supervised_run(**changed):
    return parse(tiny_runs.section("supervised", epochs=1, seeds=[0, 1], **changed), supervised.Config, "runs.x")


def test_a_seed_that_diverges_leaves_the_run_a_reason(tree, tmp_path):
    """A rate of 1e30 makes the weights, then the loss, something that is no number."""
    config = supervised_run(rate={"peak": 1e30, "warmup": 0}, clip=None)
    with pytest.raises(Untrained, match=r"^seed 0: the (loss term simcc|gradient) is not finite in epoch 1"):
        outcome.every_seed(
            config,
            tree / "faces",
            tree / "models",
            lambda seed: supervised.train(config, seed, tree / "faces", tree / "models", tmp_path / f"{seed}"),
        )


def test_one_seed_that_came_to_nothing_hides_behind_no_other(tree):
    def train(seed):
        if seed == 1:
            raise Untrained("no epoch gave a finite validation error", "x")
        return seed

    with pytest.raises(Untrained, match=r"^seed 1: no epoch gave"):
        outcome.every_seed(supervised_run(), tree / "faces", tree / "models", train)
    done = outcome.every_seed(supervised_run(), tree / "faces", tree / "models", lambda seed: seed)
    assert done == {0: 0, 1: 1}


@pytest.mark.parametrize("error", [DataError("damaged", "x"), ConfigError("wrong", "x"), ValueError("a bug")])
def test_mistakes_stay_errors(tree, error):
    def train(seed):
        raise error

    with pytest.raises(type(error)) as caught:
        outcome.every_seed(supervised_run(), tree / "faces", tree / "models", train)
    assert caught.value is error


@pytest.mark.parametrize("name", ["thermal", "rgb"])
def test_a_face_set_without_labels_is_a_reason_for_whoever_reads_it(tmp_path, name):
    config = parse(tiny_runs.section("ktl"), ktl.Config, "runs.x")
    (tmp_path / "faces" / name).mkdir(parents=True)
    files.write_json(tmp_path / "faces" / name / SKIPPED, {"reason": "head_x leaves no label"})
    with pytest.raises(Untrained, match=r"^head_x leaves no label$"):
        outcome.require(config, tmp_path / "faces", tmp_path / "models")


def test_the_student_of_a_teacher_that_was_not_trained_says_so(tree, tmp_path):
    config = parse(tiny_runs.section("ktl"), ktl.Config, "runs.x")
    outcome.require(config, tree / "faces", tmp_path / "models")
    files.write_json(tmp_path / "models/rgb_t" / SKIPPED, {"reason": "seed 2: the gradient is not finite"})
    with pytest.raises(Untrained, match=r"^rgb_t was not trained: seed 2: the gradient is not finite$"):
        outcome.require(config, tree / "faces", tmp_path / "models")


# Pseudo-labels.


def teach(root, **changed):
    settings = {"head": "head_x", "backbone": "fake", "crops": "cut", "faces": "noses", "min_score": 0.5} | changed
    out, report = root / "pseudo" / "noses", root / "pseudo.json"
    places = (root / "models", root / "cut", root / "seen", root / "noses", out, report)
    pseudo_labels.build(parse(settings, pseudo_labels.Config, "x"), *places)
    return out, json.loads(report.read_text())


def test_a_head_without_any_prediction_leaves_a_reason_for_its_students(pseudo_root):  # noqa: F811
    out, report = teach(pseudo_root, min_score=2.0)
    reason = "head_x leaves no label above a score of 2 within the labelled persons"
    assert (report["status"], report["reason"]) == ("skipped", reason)
    assert [path.name for path in out.iterdir()] == [SKIPPED]
    config = supervised_run(train="noses", labels="nose1", vocabulary="nose1")
    with pytest.raises(Untrained, match=f"^{reason}$"):
        outcome.require(config, pseudo_root / "pseudo", pseudo_root / "models")
    # Not the head's fault: a published split without a label.
    arrays = files.read_arrays(pseudo_root / "cut/crops.npz")
    files.write_arrays(pseudo_root / "cut/crops.npz", arrays | {"published": np.zeros(FACES, bool)})
    with pytest.raises(DataError, match="the published split of cut has no label"):
        teach(pseudo_root, source="true")


def test_too_few_pseudo_labels_for_a_batch_are_a_reason_and_too_few_labels_of_others_an_error(pseudo_root):  # noqa: F811
    out, report = teach(pseudo_root)
    count = sum(part(row) == "train" for row in range(FACES)) - 1
    assert report["labels"] == count and files.read_json(out / "seed0" / LABELLER) == {"head": "head_x"}
    named = {"train": "noses", "labels": "nose1", "vocabulary": "nose1"}
    root = pseudo_root / "pseudo"
    outcome.require(supervised_run(**named, batch=count), root, pseudo_root / "models")
    with pytest.raises(
        Untrained, match=f"^head_x labelled {count} training faces, fewer than the {count + 1} of a b"
    ):
        outcome.require(supervised_run(**named, batch=count + 1), root, pseudo_root / "models")
    out, _ = teach(pseudo_root, source="true")
    assert not (out / LABELLER).exists()
    config = supervised_run(**named, batch=FACES)
    outcome.require(config, root, pseudo_root / "models")
    with pytest.raises(ConfigError, match="a batch of 20 needs more than the 3 training faces"):
        supervised.train(config, 0, root, pseudo_root / "models", pseudo_root / "state")


# Exports and features.


def test_the_export_of_a_run_that_was_not_trained_is_a_bundle_with_the_reason(tmp_path):
    files.write_json(tmp_path / "models/pretrain_s" / SKIPPED, {"reason": "seed 0: it diverged"})
    exported.export(exported.Config(run="pretrain_s"), tmp_path / "models", tmp_path / "out")
    made = bundle.read(tmp_path / "out")
    assert (made.status, made.reason, dict(made.cards)) == (
        *("skipped", "pretrain_s was not trained: seed 0: it diverged"),
        {},
    )
    with pytest.raises(DataError):
        exported.export(exported.Config(run="nobody"), tmp_path / "models", tmp_path / "out")


@pytest.mark.parametrize("silent", [False, True])
def test_a_network_that_learned_nothing_is_exported_all_the_same(tmp_path, silent):
    """Untrained logits are of 1e-9, and may be nothing but 0."""
    from thermark.nets import card

    folder = tiny_runs.untrained(tmp_path / "models/x/seed0")
    if silent:
        net, about = card.read(folder)
        card.write(folder, about, {name: weight * 0 for name, weight in net.state_dict().items()})
    exported.export(exported.Config(run="x"), tmp_path / "models", tmp_path / "out")
    assert bundle.read(tmp_path / "out").status == "ok"


def test_a_backbone_whose_maps_cannot_be_stored_is_left_out_with_a_reason(tmp_path):
    """Such as a run of ours whose weights exploded; the first crop set was whole before."""
    from thermark.nets import card

    scene.encoded(tmp_path, ["train"] * 3, [True] * 3)
    crops, assets = tmp_path / "crops", tmp_path / "assets"
    crops.mkdir()
    (tmp_path / "cut").rename(crops / "a")
    net, about = card.read(tiny_runs.write_scaled(assets))
    assets.mkdir(exist_ok=True)
    weights = net.state_dict()
    weights["backbone.stem.0.conv.weight"] = weights["backbone.stem.0.conv.weight"] * 1e30
    card.write(assets, about, weights)
    bundle.write(assets, "ok", "", {"model.safetensors": {}, "model.json": {}})
    section = {"family": "rtmpose", "weights": "w", "stages": [1], "dtype": "float32"}
    features.features_of("x", section, ["a"], crops, assets, tmp_path / "partial", tmp_path / "out", "cpu")
    status = files.read_json(tmp_path / "out" / features.STATUS)
    assert status["status"] == "skipped" and ("not finite" in status["reason"] or "too large" in status["reason"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == [features.STATUS]
    assert not (tmp_path / "partial").exists()


# Heads.

SECTION = {"backbone": "fake", "crops": "cut", "seeds": [0, 3], "budget": [4], "epochs": 2, "precision": "fp32"}
PARTS = ["train"] * 12 + ["val"] * 3 + ["test"] * 5


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    scene.encoded(folder, PARTS, [True] * 8 + [False] * 4 + [True] * 3 + [True] * 3 + [False] * 2)
    return folder


def train_heads(root, out, monkeypatch, **changed):
    monkeypatch.setattr(run, "ordered", lambda work, jobs, workers, chunk: map(work, jobs))
    to = run.HeadPaths(out / "head_x", out / "flat.json", out / "metrics.json", out / "curve.csv")
    run.train(parse(SECTION | changed, plan.Config, "heads.x"), root / "cut", root / "seen", to)
    return files.read_json(out / "metrics.json")


def test_a_head_that_diverges_is_left_out_with_the_reason(heads, tmp_path, monkeypatch):
    numbers = train_heads(heads, tmp_path, monkeypatch, lr=1e30)
    assert numbers["status"] == "skipped" and numbers["reason"].startswith("seed ")
    assert "finite" in numbers["reason"]
    assert files.read_json(tmp_path / "head_x" / SKIPPED)["reason"] == numbers["reason"]
    assert files.read_json(tmp_path / "flat.json")["status"] == "skipped"
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 1


def test_a_head_whose_maps_are_flat_is_left_out_with_the_reason(heads, tmp_path, monkeypatch):
    """Its last convolution says 0 everywhere, so that every point of every epoch is missed."""
    begun = training.begun

    def flat(*arguments):
        head = begun(*arguments)
        with torch.no_grad():
            for weight in head.parameters():
                weight.zero_()
        return head

    monkeypatch.setattr(training, "begun", flat)
    numbers = train_heads(heads, tmp_path, monkeypatch)
    assert (numbers["status"], "no epoch of the head" in numbers["reason"]) == ("skipped", True)


def test_a_budget_that_teaches_nothing_misses_everything(heads, tmp_path, monkeypatch):
    """The other trainings stand; the means of that budget would be without it, so there are none."""
    fit = training.fit

    def fragile(known, xy, train, val, side, settings, seed, **options):
        if len(train) == 4 and seed == 3:
            raise Untrained("the loss of the head is not finite in epoch 1", "x")
        return fit(known, xy, train, val, side, settings, seed, **options)

    monkeypatch.setattr(training, "fit", fragile)
    numbers = train_heads(heads, tmp_path, monkeypatch)
    assert numbers["status"] == "ok" and np.isfinite(numbers["test"]["all"]["native_mean"])
    few, every = numbers["budget"]["4"], numbers["budget"]["all"]
    assert few["labels"] == 4 and few["native_mean"] is None and few["native_mean_low"] is None
    assert few["native_pck@10"] is not None and every["native_mean"] is not None
    assert sorted(path.name for path in (tmp_path / "head_x").iterdir()) == ["seed0", "seed3"]
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    lost = next(line for line in lines if line.startswith("4,3,")).split(",")
    columns = dict(zip(lines[0].split(","), lost, strict=True))
    assert (columns["native_mean"], columns["native_pck@10"], columns["best_epoch"]) == ("", "0", "")
    assert sorted((labels, seed) for labels, seed, _ in _trainings(tmp_path / "curve.csv")) == [
        *((4, 0), (12, 0), (12, 3))
    ]


# Pages.


def test_a_gradient_that_was_always_0_has_no_steadiness():
    still, alive = np.zeros(5), np.array([3.0, 2.0, 2.5, 1.0, 1.5])
    steps = np.arange(1, 6)
    logs = {
        "ktl_s": [(steps, still)],
        "ktl_m": [(steps, alive)],
        "ktl_l": [(steps, alive), (steps, still)],
        "kd_s": [],
    }
    numbers = gradient_stability.measure(SimpleNamespace(logs=logs), 1, 6)
    assert numbers["ktl_s"] == numbers["ktl_l"] == {"steps": 5} and "std" in numbers["ktl_m"]
    assert numbers["kd_s"] == {"steps": 0}
