from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import drawn_faces
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.core.runs import Untrained
from thermark.train import data, loop, validation
from thermark.train.checkpoint import Checkpoint, Progress
from thermark.train.codecs.simcc import SimCC
from thermark.train.loop import Settings


@pytest.fixture(scope="module")
def faces_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    drawn_faces.write(root / "drawn", 30, 64)
    return root


def fit(checkpoint, errors, terms=None, **settings):
    """Train a line through two batches an epoch; `errors` are the validation errors of the epochs."""
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    sequence = iter(errors)

    def squares(model, batch, epoch):
        return {"squares": (model(batch) - 3 * batch).square().mean(), "size": 1e-3 * model.weight.square().sum()}

    return loop.fit(
        model,
        terms or squares,
        lambda epoch: iter([torch.ones(4, 1), torch.full((4, 1), 2.0)]),
        lambda mean: next(sequence),
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


def test_the_norms_of_the_first_steps_are_kept_through_a_stop(tmp_path, capsys):
    errors = [6, 5, 4, 3, 2, 1]
    whole = fit(tmp_path / "whole", errors, gradient_steps=7)
    assert len(whole.progress.norms) == 7
    first = whole.progress.history[0]["grad_norm"]
    assert first == pytest.approx(np.mean(whole.progress.norms[:2])) and len(set(whole.progress.norms)) == 7
    with pytest.raises(StopIteration):
        fit(tmp_path / "stopped", errors[:2], gradient_steps=7)
    capsys.readouterr()
    resumed = fit(tmp_path / "stopped", errors[2:], gradient_steps=7)
    assert capsys.readouterr().err == "line: goes on after epoch 2\n"
    assert resumed.progress == whole.progress
    assert torch.equal(resumed.weights["weight"], whole.weights["weight"])
    assert fit(tmp_path / "none", errors, gradient_steps=0).progress.norms == []


def test_the_terms_of_the_first_step_are_printed(tmp_path, capsys):
    def terms(model, batch, epoch):
        model.weight.data.fill_(0.5)
        model.bias.data.fill_(-0.25)
        return {"sum": (model(batch) * 3).sum(), "half": 0.5 * model.weight.sum()}

    trained = fit(tmp_path, [3, 2], terms, epochs=2, clip=1e-3)
    # Four rows of 3 (0.5 - 0.25); the gradient is (12 + 0.5, 12).
    assert capsys.readouterr().err == "line: step 1: sum 3.000e+00, half 2.500e-01, gradient 17.3\n"
    assert trained.progress.norms == pytest.approx([np.hypot(12.5, 12), np.hypot(24.5, 12)] * 2)


def test_patience_ends_training(tmp_path):
    """Counted from the best epoch, but not before the rate begins to fall, here with the fourth of six epochs."""
    trained = fit(tmp_path, [5, 4, 4, 4, 4, 4], patience=2)
    assert (trained.progress.epoch, trained.progress.best_epoch) == (5, 2)
    falling = {"rate": {"peak": 0.1, "warmup": 1, "flat": 0.0}}
    assert fit(tmp_path / "at once", [5, 4, 4, 4, 4, 4], patience=2, **falling).progress.epoch == 4


def test_a_run_that_was_never_valid_is_an_error(tmp_path):
    with pytest.raises(Untrained, match="no epoch of line"):
        fit(tmp_path, [float("nan")] * 6)


def test_a_broken_term_is_named_and_the_last_good_checkpoint_stays(tmp_path):
    def terms(model, batch, epoch):
        good = model(batch).square().mean()
        return {"good": good, "bad": good * (float("inf") if epoch == 2 else 1.0)}

    with pytest.raises(Untrained, match=r"the loss term bad is not finite in epoch 3, step 5"):
        fit(tmp_path, [3, 2, 1, 1, 1, 1], terms)
    stored = load_file(tmp_path / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())
    model = nn.Linear(1, 1)
    progress = Checkpoint(tmp_path, "key").resume(model, nn.Linear(1, 1), torch.optim.AdamW(model.parameters()))
    assert (progress.epoch, progress.best_epoch, progress.step) == (2, 2, 4)


def test_a_broken_gradient_of_finite_terms_is_told_from_a_broken_term(tmp_path):
    def terms(model, batch, epoch):
        return {"root": (model(batch) - model(batch)).square().sum().sqrt() if epoch else model(batch).sum()}

    with pytest.raises(Untrained, match=r"^the gradient is not finite in epoch 2, step 3$"):
        fit(tmp_path, [3, 2], terms)
    stored = load_file(tmp_path / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())


@pytest.mark.parametrize(
    ("seeds", "cause"), [([], "at least 1 item"), ([0, 1, 0], "0 stands there more than once")]
)
def test_seeds_are_several_and_differ(seeds, cause):
    assert parse({"seeds": [3, 1]}, Settings, "x").seeds == (3, 1)
    with pytest.raises(ConfigError, match=f"x.seeds: .*{cause}") as caught:
        parse({"seeds": seeds}, Settings, "x")
    assert caught.value.code == 2


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


def test_validation_is_the_error_of_labelled_points_in_units_of_the_prompt(faces_root):
    """A network that answers 3 px to the right of every label, of which one is missing and another NaN."""
    samples = data.gather(faces_root, ["drawn"], "val", "ibug68", 64, 1.25)
    labels = torch.from_numpy(np.round(samples.xy * 2) / 2).float()
    samples = replace(samples, xy=labels.double().numpy())
    samples.weight[:, 5] = 0

    codec = SimCC((64, 64))

    class Shifted(nn.Module):
        def forward(self, images):
            xy = labels + torch.tensor([3.0, 0.0])
            pair, _ = codec.encode(xy, torch.ones(xy.shape[:2]))
            pair[0][:, 5] = torch.nan
            return pair

    error = validation.nme(Shifted(), codec, samples, len(samples), torch.device("cpu"), "fp32")
    assert error == pytest.approx(3 / (64 / 1.25), rel=1e-3)
    samples.weight[0, 5] = 1
    assert np.isnan(validation.nme(Shifted(), codec, samples, len(samples), torch.device("cpu"), "fp32"))
