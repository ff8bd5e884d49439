import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import drawn
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.learn import checkpoint, data, loop, simcc, validation
from thermark.learn.checkpoint import Checkpoint, Progress
from thermark.learn.loop import Settings
from thermark.learn.recipes import supervised
from thermark.learn.recipes.supervised import Config

TINY = drawn.RUN | {
    "input_size": 64,
    "epochs": 4,
    "batch": 8,
    "threads": 1,
    "rate": {"peak": 2e-3, "warmup": 3},
}


@pytest.fixture(scope="module")
def faces_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    drawn.write(root / "drawn", 30, 64)
    return root


def config(**changed) -> Config:
    return parse(TINY | changed, Config, "runs.tiny")


def fit(checkpoint, errors, terms=None, **settings):
    """Train a line through two batches an epoch; `errors` are the validation errors of the epochs."""
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    told = iter(errors)

    def squares(model, batch, epoch):
        return {"squares": (model(batch) - 3 * batch).square().mean(), "size": 1e-3 * model.weight.square().sum()}

    return loop.fit(
        model,
        terms or squares,
        lambda epoch: iter([torch.ones(4, 1), torch.full((4, 1), 2.0)]),
        lambda mean: next(told),
        parse({"epochs": 6, "rate": {"peak": 0.1, "warmup": 1}} | settings, Settings, "x"),
        2,
        Checkpoint(checkpoint, "key"),
        "line",
    )


def test_history_has_every_term_and_the_best_epoch_is_kept(tmp_path):
    trained = fit(tmp_path, [5, 4, float("nan"), 3, 6, 7])
    assert [row["epoch"] for row in trained.progress.history] == [1, 2, 3, 4, 5, 6]
    assert set(trained.progress.history[0]) == {"epoch", "lr", "squares", "size", "grad_norm", "val_nme"}
    assert (trained.progress.best_epoch, trained.progress.best) == (4, 3)
    assert trained.progress.history[-1]["squares"] < trained.progress.history[0]["squares"]
    shorter = fit(tmp_path / "again", [5, 4, 4.5, 3, 2.9, 2.8], epochs=6)
    assert not torch.equal(shorter.weights["weight"], trained.weights["weight"])


@pytest.mark.parametrize("clip", [None, 1e-3, 1e3])
def test_the_gradient_norm_is_logged_before_clipping(tmp_path, clip):
    """Weights stand still, so both steps of every epoch have the gradient of the first, by hand."""
    slope, offset = 0.5, -0.25

    def terms(model, batch, epoch):
        model.weight.data.fill_(slope)
        model.bias.data.fill_(offset)
        return {"sum": (model(batch) * 3).sum()}

    trained = fit(tmp_path, [3, 2], terms, epochs=2, clip=clip)
    # d/dw of 3 (w x + b), summed over 4 rows of x = 1, then of x = 2.
    wanted = (np.hypot(12, 12) + np.hypot(24, 12)) / 2
    assert [row["grad_norm"] for row in trained.progress.history] == pytest.approx([wanted] * 2)


def test_patience_ends_training(tmp_path):
    trained = fit(tmp_path, [5, 4, 4, 4, 4, 4], patience=2)
    assert (trained.progress.epoch, trained.progress.best_epoch) == (4, 2)


def test_a_run_that_was_never_valid_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no epoch of line"):
        fit(tmp_path, [float("nan")] * 6)


def test_a_broken_term_is_named_and_the_last_good_checkpoint_stays(tmp_path):
    def terms(model, batch, epoch):
        good = model(batch).square().mean()
        return {"good": good, "bad": good * (float("inf") if epoch == 2 else 1.0)}

    with pytest.raises(DataError, match=r"the loss term bad is not finite in epoch 3, step 5"):
        fit(tmp_path, [3, 2, 1, 1, 1, 1], terms)
    stored = load_file(tmp_path / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())
    model = nn.Linear(1, 1)
    progress = Checkpoint(tmp_path, "key").resume(model, nn.Linear(1, 1), torch.optim.AdamW(model.parameters()))
    assert (progress.epoch, progress.best_epoch, progress.step) == (2, 2, 4)


def test_a_stale_or_damaged_checkpoint_is_ignored(tmp_path):
    fit(tmp_path, [3, 2, 1, 1, 1, 1], epochs=2)
    model, mean = nn.Linear(1, 1), nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    before = model.weight.item()
    assert Checkpoint(tmp_path, "other").resume(model, mean, optimizer) == Progress()
    assert Checkpoint(tmp_path / "absent", "key").resume(model, mean, optimizer) == Progress()
    whole = (tmp_path / "last.safetensors").read_bytes()
    (tmp_path / "last.safetensors").write_bytes(whole[: len(whole) // 2])
    assert Checkpoint(tmp_path, "key").resume(model, mean, optimizer) == Progress()
    assert model.weight.item() == before and not optimizer.state


def outputs(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def train(run: Config, faces_root: Path, checkpoint: Path, folder: Path) -> None:
    supervised.train(run, faces_root, checkpoint, folder / "model", folder / "history.csv")


RUN = """
import sys
from pathlib import Path
from thermark.core.config import parse
from thermark.learn.recipes.supervised import Config, train
import json
train(parse(json.loads(sys.argv[1]), Config, "x"), *map(Path, sys.argv[2:]))
"""


def test_a_killed_run_resumes_to_the_very_same_result(faces_root, tmp_path, monkeypatch, capsys):
    """The process is killed once the second epoch is stored; the rerun must go on and not differ by a bit."""
    changed = TINY | {"epochs": 12}
    arguments = [json.dumps(changed), str(faces_root), str(tmp_path / "state")]
    arguments += [str(tmp_path / "killed" / "model"), str(tmp_path / "killed" / "history.csv")]
    process = subprocess.Popen([sys.executable, "-c", RUN, *arguments], stderr=subprocess.DEVNULL)
    last = tmp_path / "state" / "last.safetensors"
    deadline = time.monotonic() + 60
    seen = None
    while process.poll() is None and time.monotonic() < deadline:
        stamp = last.stat().st_mtime_ns if last.exists() else None
        if seen and stamp != seen:
            os.kill(process.pid, signal.SIGKILL)
            break
        seen = seen or stamp
        time.sleep(0.002)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (tmp_path / "killed").exists()

    validated = []
    nme = validation.nme
    monkeypatch.setattr(validation, "nme", lambda *told: validated.append(1) or nme(*told))
    run = config(epochs=12)
    train(run, faces_root, tmp_path / "state", tmp_path / "killed")
    line = re.search(r"^train model: goes on after epoch (\d+)$", capsys.readouterr().err, re.M)
    assert line and 2 <= int(line[1]) < 12 and len(validated) == 12 - int(line[1])
    train(run, faces_root, tmp_path / "fresh_state", tmp_path / "fresh")
    assert "goes on" not in capsys.readouterr().err
    assert outputs(tmp_path / "killed") == outputs(tmp_path / "fresh")
    assert not list((tmp_path / "state").glob("*.safetensors"))


def test_outputs_say_all_that_inference_needs(faces_root, tmp_path):
    train(config(epochs=1), faces_root, tmp_path / "state", tmp_path / "out")
    assert sorted(outputs(tmp_path / "out")) == ["history.csv", "model/model.json", "model/model.safetensors"]
    told = json.loads((tmp_path / "out" / "model" / "model.json").read_text())
    assert (told["points"], told["vocabulary"], told["input_size"]) == (68, "ibug68", 64)
    assert (told["trained_on"], told["modality"], told["best_epoch"]) == (["drawn"], "thermal", 1)
    with (tmp_path / "out" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "lr", "simcc", "grad_norm", "val_nme"] and len(rows) == 1
    weights = load_file(tmp_path / "out" / "model" / "model.safetensors")
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in weights.values())


def test_a_batch_larger_than_the_training_set_is_a_config_error(faces_root, tmp_path):
    with pytest.raises(ConfigError, match="a batch of 64 needs more than the 21 training faces"):
        train(config(batch=64), faces_root, tmp_path / "state", tmp_path / "out")


def test_the_fingerprint_of_code_sees_every_module_and_table(tmp_path):
    def package(name: str) -> ModuleType:
        folder = tmp_path / name
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        return module

    code, words = package("code"), package("words")
    told = [checkpoint.fingerprint(code, words)]
    for path in ("code/a.py", "words/b.yaml", "words/tables/c.yaml", "words/tables/d.py"):
        for text in ("x = 1", "x = 2"):
            (tmp_path / path).write_text(text)
            told.append(checkpoint.fingerprint(code, words))
    (tmp_path / "code" / "a.py").rename(tmp_path / "code" / "z.py")
    told.append(checkpoint.fingerprint(code, words))
    assert len(set(told)) == len(told)
    (tmp_path / "code" / "a.pyc").write_text("cache")
    assert checkpoint.fingerprint(code, words) == told[-1]


def test_a_run_depends_on_code_vocabularies_and_pixels(faces_root, tmp_path, monkeypatch):
    """Which packages the key of a run covers."""
    seen = []
    monkeypatch.setattr(checkpoint, "fingerprint", lambda *packages: seen.extend(packages) or "code")
    train(config(epochs=1), faces_root, tmp_path / "state", tmp_path / "out")
    assert {package.__name__ for package in seen} == {
        f"thermark.{n}" for n in ("core", "landmarks", "learn", "nets")
    }


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    first = supervised.initial(config()).state_dict()
    torch.manual_seed(6)
    second = supervised.initial(config()).state_dict()
    other = supervised.initial(config(seed=1)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["head.cls_x.weight"], other["head.cls_x.weight"])


def test_unknown_objectives_and_keys_are_config_errors():
    with pytest.raises(ConfigError, match="no objective 'simc'") as caught:
        supervised.objective("simc")
    assert "simcc" in caught.value.remedy
    with pytest.raises(ConfigError, match="epoch"):
        config(epoch=3)
    with pytest.raises(ConfigError, match="init"):
        config(init="somewhere")


@pytest.mark.parametrize(
    "changed",
    [
        *({name: 0} for name in ("epochs", "batch", "patience", "threads", "padding", "clip")),
        *({"weight_decay": -0.1}, {"seed": -1}, {"input_size": 100}, {"input_size": 0}, {"input_size": 64.5}),
        *({"rate": {"peak": value}} for value in (0, -1e-3, float("inf"), float("nan"), "1e-3")),
        *({"rate": {name: value}} for name in ("flat", "floor") for value in (-0.1, 1.1)),
        *({"rate": {"warmup": -1}}, {"ema": {"momentum": 0}}, {"ema": {"momentum": 1.5}}, {"ema": {"gamma": 0}}),
        *({"augment": {name: 1.5}} for name in ("flip_p", "rotation_p", "hole_p", "noise_p", "shift", "contrast")),
        *({"augment": {"scale": 1.0}}, {"augment": {"rotation": -1}}, {"augment": {"hole": [0.2, 1.2]}}),
        *({"train": ["drawn"]}, {"recipe": "distil"}, {"size": "xl"}),
    ],
    ids=json.dumps,
)
def test_impossible_settings_are_config_errors(changed):
    with pytest.raises(ConfigError, match=f"runs.tiny.{next(iter(changed))}") as caught:
        config(**changed)
    assert caught.value.code == 2


@pytest.mark.parametrize("name", ["recipe", "objective", "train", "labels", "vocabulary"])
def test_what_the_pipeline_depends_on_must_be_said(name):
    with pytest.raises(ConfigError, match=f"x.{name}: Field required"):
        parse({key: value for key, value in TINY.items() if key != name}, Config, "x")


@pytest.mark.slow
def test_landmarks_are_learned_from_scratch(tmp_path):
    """Some 300 steps from random weights leave the floor, the mean face, far behind."""
    drawn.write(tmp_path / "faces" / "drawn", 700, 128)
    run = parse(drawn.RUN | {"input_size": 96, "epochs": 10}, Config, "x")
    train(run, tmp_path / "faces", tmp_path / "state", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "model" / "model.json").read_text())
    faces, held_out = (
        data.gather(tmp_path / "faces", ["drawn"], split, "ibug68", 96, 1.25) for split in ("train", "val")
    )
    everyone = data.assemble(held_out, np.arange(len(held_out)))
    floor = validation.per_face(np.broadcast_to(faces.xy.mean(0), everyone.xy.shape), everyone).mean() * 1.25 / 96
    assert told["val_nme"] < floor / 3


def test_validation_is_the_error_of_labelled_points_in_units_of_the_prompt(faces_root):
    """A network that answers 3 px to the right of every label, of which one is missing and another NaN."""
    samples = data.gather(faces_root, ["drawn"], "val", "ibug68", 64, 1.25)
    labels = torch.from_numpy(np.round(samples.xy * 2) / 2).float()
    samples = replace(samples, xy=labels.double().numpy())
    samples.weight[:, 5] = 0

    class Shifted(nn.Module):
        def forward(self, images):
            xy = labels + torch.tensor([3.0, 0.0])
            pair, _ = simcc.encode(xy, torch.ones(xy.shape[:2]), (64, 64))
            pair[0][:, 5] = torch.nan
            return pair

    error = validation.nme(Shifted(), samples, len(samples), torch.device("cpu"), "fp32")
    assert error == pytest.approx(3 / (64 / 1.25), rel=1e-3)
    samples.weight[0, 5] = 1
    assert np.isnan(validation.nme(Shifted(), samples, len(samples), torch.device("cpu"), "fp32"))
