"""Seeds side by side are seeds one after the other: same bytes, same failure, and no process left over."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

import tiny_runs
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import DataError, ThermarkError
from thermark.core.runs import Untrained
from thermark.nets.card import ModelCard
from thermark.train import side_by_side
from thermark.train.checkpoint import Progress
from thermark.train.recipes import ktl, supervised
from thermark.train.run import Finished
from thermark.train.side_by_side import RecipeRun, train_all

ABOUT = {
    "recipe": "supervised",
    "size": "t",
    "points": 68,
    "vocabulary": "ibug68",
    "input_size": 64,
    "padding": 1.25,
}
ABOUT |= {"modality": "thermal", "trained_on": ["x"], "params": 1, "precision": "fp32"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tiny_runs.write(tmp_path_factory.mktemp("side_by_side"))


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(side_by_side, "cores", lambda: 2)


def config(recipe=supervised, seeds=(0, 1, 2), **changed):
    name = recipe.__name__.rsplit(".", 1)[1]
    return parse(tiny_runs.section(name, seeds=list(seeds), **changed), recipe.Config, "runs.x")


def job(root: Path, states: Path, config, kind: type[RecipeRun] = RecipeRun) -> RecipeRun:
    folders = {seed: states / f"x-seed{seed}" for seed in config.seeds}
    return kind(config.recipe, config, root / "faces", root / "models", folders)


class Played(RecipeRun):
    """Training that is told by its seed: what happens, after how many steps of others."""

    def __call__(self, seed: int) -> Finished:
        mark = self.states[seed]
        mark.parent.mkdir(parents=True, exist_ok=True)
        if seed == 3:  # fails once the other has failed
            while not self.states[4].exists():
                time.sleep(0.01)
            raise Untrained("it came to nothing, late", "x")
        files.write_text(mark, str(os.getpid()))
        if seed == 4:
            raise DataError("it failed at once", "mend it")
        if seed == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == 6:
            time.sleep(600)
        if seed == 7:
            raise ValueError("a bug")
        return Finished(ModelCard(**ABOUT, seed=seed), {"w": torch.full((3,), float(seed))}, Progress(epoch=seed))


@pytest.mark.slow
def test_seeds_side_by_side_are_seeds_in_a_row(root, tmp_path, monkeypatch, capfd):
    settings = config(ktl, seeds=(1, 0), epochs=1)
    together = train_all(settings, job(root, tmp_path / "together", settings))
    lines = capfd.readouterr().err.splitlines()
    assert sum("-seed0: step 1: kp " in line for line in lines) == 1, "whole lines"
    monkeypatch.setattr(side_by_side, "cores", lambda: 1)
    monkeypatch.setattr(side_by_side, "_together", None)
    row = train_all(settings, job(root, tmp_path / "row", settings))
    assert list(together) == list(row) == [1, 0]
    for seed in (0, 1):
        assert together[seed].card == row[seed].card
        assert together[seed].progress == row[seed].progress
        assert together[seed].weights.keys() == row[seed].weights.keys()
        for name, tensor in together[seed].weights.items():
            assert torch.equal(tensor, row[seed].weights[name]), name
    assert not torch.equal(row[0].weights["head.cls_x.weight"], row[1].weights["head.cls_x.weight"])


@pytest.mark.slow
def test_more_seeds_than_processes_come_back_in_order(root, tmp_path):
    settings = config(seeds=(2, 0, 1, 9, 8, 12))
    done = train_all(settings, job(root, tmp_path, settings, Played))
    assert list(done) == [2, 0, 1, 9, 8, 12]
    assert [one.card.seed for one in done.values()] == list(done)
    assert [float(one.weights["w"][0]) for one in done.values()] == list(done)


@pytest.mark.parametrize(
    ("seeds", "kind", "cause"),
    [
        ((4, 6), DataError, "it failed at once"),
        ((5, 6), ThermarkError, "training with seed 5 was killed by signal 9"),
        ((7, 0), ThermarkError, "training with seed 7 failed, as it says above"),
        ((3, 4), Untrained, "seed 3: it came to nothing, late"),
    ],
    ids=["its message, and it ends the one after it", "a killed one", "a bug", "of two failures the first seed's"],
)
def test_a_seed_that_fails_ends_the_run_as_it_would_in_a_row(root, tmp_path, monkeypatch, seeds, kind, cause):
    monkeypatch.setattr(side_by_side, "_way", lambda: "fork")  # nothing is computed that takes a second thread
    settings = config(seeds=seeds)
    with pytest.raises(kind) as caught:
        train_all(settings, job(root, tmp_path, settings, Played))
    assert type(caught.value) is kind and caught.value.cause == cause and caught.value.remedy
    assert not left(tmp_path)


def left(states: Path) -> list[int]:
    """Return the processes that wrote their number and live."""
    numbers = [int(path.read_text()) for path in states.glob("x-seed*")]
    return [number for number in numbers if number != os.getpid() and Path(f"/proc/{number}").exists()]


def test_one_seed_one_core_a_gpu_and_several_processes_train_in_a_row(monkeypatch):
    assert side_by_side.at_once(config()) == 3
    assert side_by_side.at_once(config(seeds=range(9))) == 4
    assert side_by_side.at_once(config(seeds=[5])) == 1
    assert side_by_side.at_once(config(threads=2)) == 1
    monkeypatch.setattr(side_by_side, "cores", lambda: 64)
    assert side_by_side.at_once(config(threads=16)) == 3
    assert side_by_side.at_once(config(seeds=range(99))) == 16
    monkeypatch.setattr(side_by_side.precision, "chosen", lambda device: torch.device("cuda"))
    assert side_by_side.at_once(config()) == 1
    monkeypatch.undo()
    monkeypatch.setattr(side_by_side, "cores", lambda: 64)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert side_by_side.at_once(config()) == 1


ENDLESS = """
import sys
sys.path[:0] = [{tests!r}, {unit!r}]
from pathlib import Path
from thermark.core import errors
import test_side_by_side as here
from thermark.train import side_by_side

side_by_side.cores = lambda: 2
config = here.config(seeds=(6, 0))
# As the stage does, whose imports leave one thread: by a fork.
errors.run(lambda: side_by_side.train_all(config, here.job(Path("."), Path({states!r}), config, here.Played)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end the children")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM], ids=lambda end: end.name)
def test_who_is_ended_takes_the_seeds_along(tmp_path, end):
    here = Path(__file__)
    text = ENDLESS.format(tests=str(here.parents[1]), unit=str(here.parent), states=str(tmp_path))
    # A shell's background job ignores SIGINT, and hands that down.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-c", text]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as parent:
        deadline = time.monotonic() + 120
        while not (tmp_path / "x-seed6").exists():
            assert parent.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        parent.send_signal(end)
        output = parent.communicate(timeout=60)[1]
    if end == signal.SIGINT:
        assert parent.returncode == 130
        assert output.splitlines()[-2:][0] == "error: interrupted" and "Traceback" not in output
    else:
        assert parent.returncode == -end
    while left(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_child_writes_whole_lines_and_is_no_terminal(capfd):
    lines = side_by_side._Lines()
    print("one", 1, file=lines)
    print("half", end="", file=lines, flush=True)
    assert capfd.readouterr().err == "one 1\n"
    print(" done", file=lines)
    assert capfd.readouterr().err == "half done\n"
    assert not lines.isatty()
