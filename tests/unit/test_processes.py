"""Two gloo processes against one process with the same global batch."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

import drawn_faces
import tiny_runs
import two_processes
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.train import data, loop, processes, run
from thermark.train.codecs.simcc import SimCC
from thermark.train.losses import simcc
from thermark.train.recipes import supervised

PATIENCE = 600  # seconds; a machine may be very busy


def environment(**more: str) -> dict[str, str]:
    return os.environ | more


def side_by_side(task: str, folder: Path) -> list[tuple[int, str]]:
    """Run a task in two processes, as torchrun would, and return exit code and stderr of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    variables = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = [
        subprocess.Popen(
            [sys.executable, two_processes.__file__, task, str(folder)],
            env=environment(RANK=rank, LOCAL_RANK=rank, **variables),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        texts = [process.communicate(timeout=PATIENCE)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    return [(process.returncode, text) for process, text in zip(started, texts, strict=True)]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    return folder, side_by_side("everything", folder)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    with two_processes.in_double():
        return two_processes.trained(tmp_path_factory.mktemp("alone")), two_processes.network().state_dict()


@pytest.mark.slow
def test_messages_between_processes(both):
    messages = [json.loads((both[0] / f"messages{rank}.json").read_text()) for rank in (0, 1)]
    assert messages[0] == messages[1]
    torch.manual_seed(0)
    assert torch.equal(torch.tensor(messages[0]["weight"]), nn.Linear(2, 3).weight)
    assert messages[0]["gradients"] == [[[0.5, 0.5]] * 3, [0.5] * 3]
    assert messages[0]["unused"] and (messages[0]["first"], messages[0]["mean"]) == (0.1, [1.0, 0.5])


def progress(path: Path) -> tuple[list[dict[str, float]], list[float]]:
    with safe_open(path, "pt") as file:
        history, norms = json.loads(file.metadata()["progress"])
    return history, norms


def distance(first: dict[str, Tensor], second: dict[str, Tensor], names: list[str]) -> float:
    return sum(float((first[name].double() - second[name].double()).square().sum()) for name in names) ** 0.5


def differences(path: Path, wanted: loop.Trained, start: dict[str, Tensor]) -> dict[str, float]:
    """Return how far two processes are from one, relatively; weights in units of their way."""
    (row,), norms = progress(path)
    (known,) = wanted.progress.history
    weights = load_file(path)
    learned = [name for name in start if "running" not in name and "num_batches" not in name]
    return {
        **{name: abs(row[name] / known[name] - 1) for name in ("entropy", "energy", "grad_norm")},
        **{f"norm {n}": abs(a / b - 1) for n, (a, b) in enumerate(zip(norms, wanted.progress.norms, strict=True))},
        "weights": distance(weights, wanted.weights, learned) / distance(wanted.weights, start, learned),
    }


@pytest.mark.slow
def test_two_processes_train_as_one_does(both, alone):
    deviations = differences(both[0] / "both0.safetensors", *alone)
    assert len(deviations) == 4 + two_processes.STEPS and max(deviations.values()) < 1e-8, deviations
    first, second = (load_file(both[0] / f"both{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert progress(both[0] / "both0.safetensors") == progress(both[0] / "both1.safetensors")


@pytest.mark.slow
def test_the_comparison_sees_gradients_of_parts(both, alone):
    deviations = differences(both[0] / "apart0.safetensors", *alone)
    assert deviations["norm 0"] > 1e-2 and deviations["weights"] > 1e-2, deviations


@pytest.mark.slow
def test_in_float32_the_difference_is_noise(tmp_path):
    """1e-4 for the loss and the first gradient; then AdamW enlarges the noise of tiny gradients.

    Of five seeds, native (AVX-512), AVX2 and SSE4: losses up to 5e-6, first gradients to 2e-5, weights to 3e-2,
    all else to 1e-2.
    """
    ends = side_by_side("single", tmp_path)
    assert [code for code, _ in ends] == [0, 0], ends
    deviations = differences(
        tmp_path / "single0.safetensors",
        two_processes.trained(tmp_path / "alone"),
        two_processes.network().state_dict(),
    )
    assert max(deviations[name] for name in ("entropy", "norm 0")) < 1e-4, deviations
    assert max(deviations.values()) < 0.15, deviations


@pytest.mark.slow
def test_what_is_not_finite_in_one_process_stops_both(both):
    folder, ends = both
    assert [code for code, _ in ends] == [3, 3]
    assert all("error: the loss term bad is not finite in epoch 2, step 4" in text for _, text in ends)
    assert all(tensor.isfinite().all() for tensor in load_file(folder / "broken" / "last.safetensors").values())


@pytest.mark.slow
def test_only_the_first_process_prints(both):
    assert [text.count("t: step 1: ") for _, text in both[1]] == [3, 0]


def test_one_process_has_everything(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "THERMARK_NPROC"):
        monkeypatch.delenv(name, raising=False)
    rows, model = np.arange(5), nn.Linear(2, 3)
    assert (processes.count(), processes.rank()) == (1, 0)
    assert processes.part(rows).tolist() == rows.tolist()
    assert processes.parallel(model) is model
    assert processes.first(2.5) == 2.5 and processes.mean(torch.tensor(3.0)) == 3
    assert processes.start(torch.device("cpu")) == torch.device("cpu")
    processes.relaunched()
    assert not torch.distributed.is_initialized()


def test_a_batch_is_shared_equally_or_not_at_all(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "1")
    assert processes.part(np.array([5, 6, 7, 8, 9, 10])).tolist() == [6, 9]
    with pytest.raises(ConfigError, match="a batch of 8 cannot be shared equally by 3 processes"):
        processes.part(np.arange(8))


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "", " 2"])
def test_a_wrong_number_of_processes_is_a_config_error(monkeypatch, value):
    monkeypatch.setenv("THERMARK_NPROC", value)
    with pytest.raises(ConfigError, match="THERMARK_NPROC") as caught:
        processes.relaunched()
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("codes", "wanted"), [([1, 3], 3), ([3, 3], 3), ([-15, 4], 4), ([1, -9], 137), ([1, 1], 1)]
)
def test_the_exit_code_is_that_of_the_cause(codes, wanted):
    assert processes._exit_code(codes) == wanted


SCRIPT = """
import os, sys
from thermark.core import errors
from thermark.train import processes
import torch

def main():
    processes.relaunched()
    sys.stdout.write(f"{processes.rank()} {processes.count()} {sys.argv[1]}\\n")
    processes.start(torch.device("cpu"))
    if "fail" in sys.argv and processes.rank() == 1:
        raise errors.SetupError("a cause", "a remedy")
    with processes.connected():
        processes.wait()

errors.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("word", "code"), [("--fine=1", 0), ("fail", 4)])
def test_a_command_runs_itself_in_several_processes(tmp_path, word, code):
    (tmp_path / "script.py").write_text(SCRIPT)
    result = subprocess.run(
        [sys.executable, "script.py", word],
        cwd=tmp_path,
        env=environment(THERMARK_NPROC="2"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == code, result.stderr
    assert sorted(result.stdout.split("\n")) == ["", f"0 2 {word}", f"1 2 {word}"]
    assert ("error: a cause\nremedy: a remedy" in result.stderr) == bool(code)


def test_the_objective_of_the_parts_is_on_average_that_of_the_batch(monkeypatch):
    """It sums over its batch, and the loop takes the mean over processes."""
    config = parse(tiny_runs.section("supervised"), supervised.Config, "x")
    absent = {"seed": 0, "sets": (), "pictures": (), "faces": None, "held_out": None}
    codec = SimCC((tiny_runs.SIDE, tiny_runs.SIDE))
    at = run.Ready(config=config, device=torch.device("cpu"), exact="fp32", loss=simcc.loss, codec=codec, **absent)
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 8, 68, 2 * tiny_runs.SIDE, generator=generator)
    xy = 60 * torch.rand(8, 68, 2, generator=generator).numpy()
    weight = np.broadcast_to(np.arange(8) > 2, (68, 8)).T.astype(np.float32)

    def labelled(rows: np.ndarray) -> float:
        images = np.zeros((len(rows), 1, 1), np.uint8)
        return float(at.labelled((logits[0, rows], logits[1, rows]), data.Batch(images, xy[rows], weight[rows])))

    rows = np.arange(8)
    whole, parts = labelled(rows), []
    with monkeypatch.context() as alone:
        alone.setattr(processes, "count", lambda: 2)
        assert labelled(rows) == pytest.approx(2 * whole, rel=1e-6)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        parts.append(labelled(processes.part(rows)))
    assert parts[0] != pytest.approx(parts[1], rel=0.1)
    assert sum(parts) / 2 == pytest.approx(whole, rel=1e-6)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Return a folder with twins of 20 faces, of which 28 thermal images are for training, and a teacher."""
    root = tmp_path_factory.mktemp("pairs")
    drawn_faces.write_pairs(root / "faces", 20, tiny_runs.SIDE)
    tiny_runs.teach(root / "models", "rgb_s", 0, size="s")
    return root


def staged(folder: Path, root: Path, number: int, recipe: str, **changed) -> tuple[dict, list, dict[str, Tensor]]:
    """Run the train stage for an epoch of three steps; return its history's row, gradient norms and weights."""
    # Warm-up is long, for AdamW enlarges the noise of tiny gradients step by step.
    settings = {"batch": 8, "epochs": 1, "rate": {"peak": 1e-3, "warmup": 1000}} | changed
    done = subprocess.run(
        [sys.executable, *tiny_runs.command(folder, root, recipe, **settings)],
        cwd=folder,
        env=environment(THERMARK_NPROC=str(number)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": step 1: ") == 1
    tables = (folder / name / f"{recipe}_x.csv" for name in ("training", "gradients"))
    (row,), norms = (list(csv.DictReader(table.read_text().splitlines())) for table in tables)
    weights = load_file(folder / "models" / f"{recipe}_x" / "seed0" / "model.safetensors")
    return row, [float(norm["grad_norm"]) for norm in norms], weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "changed", "terms"),
    [("supervised", {}, ["simcc"]), ("ktl", {"teacher": "rgb_s"}, ["kp", "fm", "lg", "ri", "fi"])],
    ids=["supervised", "ktl"],
)
def test_the_stage_trains_in_two_processes_as_in_one(pairs, tmp_path, recipe, changed, terms):
    """The whole way from params.yaml to the tables; a KTL of unequal widths learns both adapters."""
    results = [staged(tmp_path / str(number), pairs, number, recipe, **changed) for number in (1, 2)]
    (one, few, reference), (two, norms, weights) = results
    assert list(one) == list(two) == ["seed", "epoch", "lr", *terms, "grad_norm", "val_nme"]
    # Batch normalisation on a CPU is that of each half: alike, not the same.
    assert len(norms) == 3 and norms == pytest.approx(few, rel=0.2)
    for name in [*terms, "grad_norm", "lr", "val_nme"]:
        assert float(two[name]) == pytest.approx(float(one[name]), rel=0.2, abs=1e-9), name
    # Halves that are added round otherwise than wholes: there were two processes.
    assert reference.keys() == weights.keys() and not all(
        torch.equal(reference[name], weights[name]) for name in reference
    )


@pytest.mark.slow
def test_a_failure_of_one_process_ends_the_other(tmp_path):
    """Else the other would wait for half an hour, longer than this test does."""
    assert processes.PATIENCE.total_seconds() > 2 * PATIENCE
    ends = side_by_side("failing", tmp_path)
    assert ends[1][0] == 3 and "error: the second process has no data" in ends[1][1]
    assert ends[0][0] == 1 and ends[0][1].startswith("error: another process has ended")


def torchrun(task: str, folder: Path, **more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = [*command, two_processes.__file__, task, str(folder)]
    return subprocess.Popen(words, env=environment(**more), start_new_session=True, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_two_killed_processes_resume_to_the_very_same_result(tmp_path):
    """torchrun alone is killed, when the third of six states is to be written: its children must die with it."""
    process = torchrun("resumed", tmp_path, KILL="torchrun")
    process.communicate(timeout=PATIENCE)  # until nobody holds its output any more, children included
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "state" / "last.safetensors").is_file()
    assert not list(tmp_path.glob("resumed*.safetensors")), "the children went on"

    (tmp_path / "fresh").mkdir()
    for folder in (tmp_path, tmp_path / "fresh"):
        ended = torchrun("resumed", folder)
        ended.communicate(timeout=PATIENCE)
        assert ended.returncode == 0
    results = [path.read_bytes() for path in sorted(tmp_path.rglob("resumed*.safetensors"))]
    assert len(results) == 4 and len(set(results)) == 1
