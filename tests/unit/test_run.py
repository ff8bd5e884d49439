"""What every recipe shares: settings, first weights, what a run depends on, and that it survives being killed."""

import json
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import drawn_faces
import tiny_runs
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.train import data, run, side_by_side, validation
from thermark.train.recipes import ktl, supervised


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tiny_runs.write(tmp_path_factory.mktemp("run"))


def config(**changed) -> supervised.Config:
    return parse(tiny_runs.section("supervised", **changed), supervised.Config, "runs.tiny")


def outputs(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder but the params."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "params.yaml"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def stage(arguments: list[str], monkeypatch) -> None:
    monkeypatch.chdir(Path(arguments[arguments.index("--checkpoint") + 1]).parent)
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(arguments[0], run_name="__main__")


KILLED = """
import os, runpy, signal, sys
import thermark
from thermark.train import side_by_side
from thermark.train.checkpoint import Checkpoint

side_by_side.at_once = lambda config: 1
_, state, *sys.argv = sys.argv
write, begun = Checkpoint._write, []

def writing(self, name, *arguments):
    if str(self.folder) == state and name == "last.safetensors":
        begun.append(name)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
    write(self, name, *arguments)

Checkpoint._write = writing
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def killed(arguments: list[str], state: Path) -> None:
    """Run the stage, killed when `state` is about to be stored for the third time, its best weights or not."""
    words = [sys.executable, "-c", KILLED, str(state), *arguments]
    ended = subprocess.run(words, cwd=state.parents[1], stderr=subprocess.DEVNULL, check=False)
    assert ended.returncode == -signal.SIGKILL, "the run ended before it could be killed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "changed"),
    [
        ("supervised", {"seeds": [0], "epochs": 4}),
        # Both adapters learn: their weights, averages and moments must come back as well.
        ("ktl", {"teacher": "rgb_s", "seeds": [1, 0], "epochs": 4}),
    ],
    ids=["supervised", "ktl"],
)
def test_a_killed_run_resumes_to_the_very_same_result(root, tmp_path, monkeypatch, capsys, recipe, changed):
    """Killed after the last seed's second epoch, the rerun must go on and not differ by a bit."""
    # One seed after the other on every machine, so that the kill comes in the last (else see test_side_by_side).
    monkeypatch.setattr(side_by_side, "at_once", lambda config: 1)
    *earlier, seed = changed["seeds"]
    state = tmp_path / "killed" / "states" / f"{recipe}_x-seed{seed}"
    arguments = tiny_runs.command(tmp_path / "killed", root, recipe, **changed)
    killed(arguments, state)
    assert not (tmp_path / "killed" / "models").exists()

    validated = []
    nme = validation.nme
    monkeypatch.setattr(validation, "nme", lambda *arguments: validated.append(1) or nme(*arguments))
    stage(arguments, monkeypatch)
    output = capsys.readouterr().err
    label = f"train {recipe}_x-seed{seed}"
    line = re.search(rf"^{label}: goes on after epoch (\d+)$", output, re.M)
    assert line and int(line[1]) == 2 and len(validated) == changed["epochs"] - 2
    for done in earlier:
        assert f"train {recipe}_x-seed{done}: goes on after epoch {changed['epochs']}" in output

    stage(tiny_runs.command(tmp_path / "fresh", root, recipe, **changed), monkeypatch)
    assert "goes on" not in capsys.readouterr().err
    first, second = outputs(tmp_path / "killed"), outputs(tmp_path / "fresh")
    assert len(first) == 2 + 2 * len(changed["seeds"])
    assert first == second


def test_a_batch_larger_than_the_training_set_is_a_config_error(root, tmp_path):
    settings = parse(tiny_runs.section("ktl", batch=64), ktl.Config, "x")
    for module, section in ((supervised, config(batch=64)), (ktl, settings)):
        with pytest.raises(ConfigError, match="a batch of 64 needs more than the 14 training faces") as caught:
            module.train(section, 0, root / "faces", root / "models", tmp_path)
        assert caught.value.remedy == "set `batch: 14`"


def keys(root: Path, tmp_path: Path, monkeypatch, code: str = "code", faces: Path | None = None, **changed) -> str:
    """Return the key of a run's checkpoint, with another fingerprint of the code in its place."""
    with monkeypatch.context() as patched:
        patched.setattr(run, "behind", lambda config: code)
        seed = changed.pop("seed", 0)
        more, weights = changed.pop("more", ()), changed.pop("weights", "")
        at = run.ready(config(**changed), seed, faces or root / "faces", ["thermal"])
        return run.store(at, tmp_path, faces or root / "faces", more, weights).key


def test_a_run_depends_on_all_that_decides_its_result_and_not_on_other_seeds(root, tmp_path, monkeypatch, native):
    drawn_faces.write_pairs(tmp_path / "other", 10, tiny_runs.SIDE, seed=1)
    plain = keys(root, tmp_path, monkeypatch)
    assert keys(root, tmp_path, monkeypatch, seeds=[0, 1, 2]) == plain
    others = [
        keys(root, tmp_path, monkeypatch, **changed)
        for changed in (
            {"code": "other"},
            {"seed": 1},
            {"epochs": 3},
            {"precision": "bf16"},
            {"label": "one_hot"},
            {"augment": {"hue": 1.0}},
            {"weights": "of a teacher"},
            {"more": ["rgb"]},
            {"faces": tmp_path / "other"},
        )
    ]
    assert len({plain, *others}) == 10


def test_a_run_depends_on_the_code_of_all_that_it_calls_and_on_its_tables(root, monkeypatch):
    seen = []
    monkeypatch.setattr(run.code, "key", lambda *starts: seen.extend(starts) or "code")
    assert run.behind(config()) == "code"
    monkeypatch.undo()
    names = {path.relative_to(run.code.PACKAGE).as_posix() for path in run.code.closure(*seen)}
    assert names >= {
        "train/recipes/supervised.py",
        "train/losses/simcc.py",
        "train/loop.py",
        "nets/rtmpose.py",
    }
    assert names >= {"landmarks/ibug68.yaml", "core/geometry.py"} and "train/recipes/mcl.py" not in names


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    first, after = run.initial(config(), 0).state_dict(), torch.rand(3)
    torch.manual_seed(6)
    second = run.initial(config(seeds=[0, 1]), 0).state_dict()
    other = run.initial(config(), 1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["head.cls_x.weight"], other["head.cls_x.weight"])
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), after)


def test_an_unknown_objective_is_a_config_error_with_the_nearest():
    for name in ("simc", "__init__", "a.b", ""):
        with pytest.raises(ConfigError, match=f"no objective {name!r}") as caught:
            run.loss_of(name)
        assert "simcc" in caught.value.remedy


@pytest.mark.parametrize(
    "changed",
    [
        *({name: 0} for name in ("epochs", "batch", "patience", "threads", "padding", "clip")),
        *({"weight_decay": -0.1}, {"seeds": [-1]}, {"input_size": 100}, {"input_size": 0}, {"input_size": 64.5}),
        *({"rate": {"peak": value}} for value in (0, -1e-3, float("inf"), float("nan"), "1e-3")),
        *({"rate": {name: value}} for name in ("flat", "floor") for value in (-0.1, 1.1)),
        *({"rate": {"warmup": -1}}, {"ema": {"momentum": 0}}, {"ema": {"momentum": 1.5}}, {"ema": {"gamma": 0}}),
        *({"augment": {name: 1.5}} for name in ("flip_p", "rotation_p", "hole_p", "noise_p", "shift", "contrast")),
        *({"augment": {"scale": 1.0}}, {"augment": {"rotation": -1}}, {"augment": {"hole": [0.2, 1.2]}}),
        *({"augment": {"hue": 91}}, {"augment": {"saturation": -1}}, {"augment": {"value": 256}}),
        *({"train": ["drawn"]}, {"size": "xl"}, {"init": "somewhere"}),
    ],
    ids=json.dumps,
)
def test_impossible_settings_are_config_errors(changed):
    with pytest.raises(ConfigError, match=f"runs.tiny.{next(iter(changed))}") as caught:
        config(**changed)
    assert caught.value.code == 2


@pytest.mark.slow
def test_landmarks_are_learned_from_scratch(tmp_path):
    """Some 300 steps from random weights leave the floor, the mean face, far behind."""
    drawn_faces.write(tmp_path / "faces" / "drawn", 700, 128)
    settings = drawn_faces.RUN | {"input_size": 96, "epochs": 10}
    done = supervised.train(
        parse(settings, supervised.Config, "x"), 0, tmp_path / "faces", tmp_path, tmp_path / "state"
    )
    faces, held_out = (
        data.gather(tmp_path / "faces", ["drawn"], split, "ibug68", 96, 1.25) for split in ("train", "val")
    )
    everyone = data.assemble(held_out, np.arange(len(held_out)))
    floor = validation.per_face(np.broadcast_to(faces.xy.mean(0), everyone.xy.shape), everyone).mean() * 1.25 / 96
    assert done.card.val_nme < floor / 3
