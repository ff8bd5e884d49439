"""Features on disk against the backbone they come from: nobody downstream can tell them apart."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

import tiny_runs
from thermark.convert import onnx
from thermark.core import bundle
from thermark.core.errors import ConfigError, DataError
from thermark.fewshot import backbone as frozen
from thermark.fewshot import crops as crop_sets
from thermark.fewshot import features
from thermark.fewshot.backbone import Backbone

STAGE = Path(__file__).parents[2] / "stages" / "features.py"
SIDE, CELL, BATCH = 32, 8, 3
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


class Watched:
    """A backbone of two lines that counts the pictures it sees, and gives up after `patience` of them."""

    def __init__(self, scale: float = 1.0, patience: int = 1000) -> None:
        self.seen, self.scale, self.patience = 0, scale, patience
        self.about = Backbone(
            forward=self.forward,
            section={"family": "watched", "weights": "w", "dtype": "float32", "batch": BATCH},
            sha256="ab" * 32,
            channels=4,
            trained_on=("elsewhere",),
            device=torch.device("cpu"),
            batch=BATCH,
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, S, S) to the means of cells, and their product as a fourth channel."""
        if (images != images[..., :1, :1]).any():  # a plain picture is a look at the grid
            if self.seen + len(images) > self.patience:
                raise KeyboardInterrupt
            self.seen += len(images)
        means = F.avg_pool2d(images, CELL)
        return self.scale * torch.cat([means, means.prod(dim=1, keepdim=True)], dim=1)


def by_hand(pixels: np.ndarray) -> np.ndarray:
    """Return what `Watched` makes of RGB pictures, in float64."""
    cells = SIDE // CELL
    means = (
        ((pixels - MEAN) / STD).reshape(-1, cells, CELL, cells, CELL, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    )
    return np.concatenate([means, means.prod(axis=1, keepdims=True)], axis=1)


def write_crops(folder: Path, count: int = 11, draw: int = 0, colour: tuple[int, ...] = (3,)) -> crop_sets.CropSet:
    """Write a crop set of noise as crops.make does, and open it."""
    rng = np.random.default_rng(draw)
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", rng.integers(0, 256, (count, SIDE, SIDE, *colour), np.uint8))
    arrays = {
        "rows": np.arange(count),
        "frames": np.array([f"f{i}" for i in range(count)]),
        "subjects": np.array(["s"] * count),
        "parts": np.array(["train"] * count),
        "published": np.ones(count, bool),
        "xy": np.zeros((count, 1, 2)),
        "to_frame": np.zeros((count, 2, 3)),
    }
    np.savez(folder / "crops.npz", **arrays)
    about = {"faces": "f", "vocabulary": "nose1", "geometry": "square", "padding": 1.25, "side": SIDE}
    (folder / "crops.json").write_text(json.dumps(about | {"fingerprint": f"{draw:064x}"}))
    return crop_sets.read(folder)


@pytest.fixture
def crops(tmp_path):
    return write_crops(tmp_path / "crops" / "noise")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def bfloat16(values: np.ndarray) -> np.ndarray:
    """Return float32 values rounded to bfloat16, ties to even, as float32: the upper half of their bits."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("store", ["float16", "bfloat16"])
def test_what_is_stored_is_what_the_backbone_says_rounded_once(crops, tmp_path, store):
    features.extract(Watched().about, crops, tmp_path / "out", store, tmp_path / "partial")
    stored = features.read(tmp_path / "out")
    wanted = by_hand(np.asarray(crops.pixels))
    values = stored[np.arange(11)].float().numpy()
    exact = {"float16": lambda x: x.astype(np.float16).astype(np.float32), "bfloat16": bfloat16}[store](wanted)
    step = {"float16": 2.0**-10, "bfloat16": 2.0**-7}[store]
    # The sums of float32 may end on the other side of a tie.
    assert (values == exact).mean() > 0.99
    np.testing.assert_allclose(values, wanted, rtol=step, atol=1e-6)
    assert (np.abs(values - wanted) > 1e-7).any()
    array = np.load(tmp_path / "out" / "features.npy")
    assert array.dtype == {"float16": np.float16, "bfloat16": np.uint16}[store]
    assert array.shape == (11, 4, 4, 4) and array.flags.c_contiguous
    assert isinstance(stored.stored, np.memmap) and stored.card.trained_on == ("elsewhere",)


def test_float32_keeps_every_bit_as_the_published_head_saw_them(crops, tmp_path):
    one = Watched()
    features.extract(one.about, crops, tmp_path / "out", "float32", tmp_path / "partial")
    stored = features.read(tmp_path / "out")
    assert stored.dtype == torch.float32
    assert torch.equal(stored[np.arange(11)], one.about(np.asarray(crops.pixels)))
    assert np.load(tmp_path / "out" / "features.npy").dtype == np.float32


@pytest.mark.parametrize("store", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("colour", [(), (3,)])
def test_a_head_cannot_tell_them_from_what_the_backbone_returns(tmp_path, store, colour):
    crops = write_crops(tmp_path / "crops", colour=colour)
    one = Watched()
    features.extract(one.about, crops, tmp_path / "out", store, tmp_path / "partial")
    cached = features.read(tmp_path / "out")
    assert (len(cached), cached.channels, cached.grid, cached.dtype) == (11, 4, (4, 4), getattr(torch, store))
    torch.manual_seed(0)
    head = nn.Sequential(nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.GELU(), nn.Conv2d(8, 1, 3, padding=1))
    for rows in (np.arange(11), np.array([7, 0, 7, 3]), np.array([5]), np.array([], np.int64), np.array([-1, 2])):
        a, b = cached[rows], features.rounded(one.about(np.asarray(crops.pixels[rows])), store)
        assert type(a) is type(b) is torch.Tensor
        assert (a.dtype, a.shape, a.device) == (b.dtype, b.shape, b.device)
        assert a.is_contiguous() and b.is_contiguous()
        assert not (a.is_inference() or b.is_inference() or a.requires_grad or b.requires_grad)
        torch.testing.assert_close(a, b, rtol=torch.finfo(a.dtype).eps, atol=1e-6)
        if len(rows) > 1:
            results = []
            for maps in (a, b):
                head.zero_grad()
                out = head(maps.float())
                out.square().mean().backward()
                results += [(out.detach(), head[0].weight.grad.clone())]
            torch.testing.assert_close(*results, rtol=0.05, atol=0.02)
    with pytest.raises(IndexError):
        cached[np.array([11])]
    held = cached[np.array([1, 2])]
    before = held.clone()
    held.zero_()  # what a caller does to it is nobody else's concern
    torch.testing.assert_close(cached[np.array([1, 2])], before, rtol=0, atol=0)


def test_work_goes_on_where_it_was_interrupted(crops, tmp_path):
    features.extract(Watched().about, crops, tmp_path / "straight", "float16", tmp_path / "p0")
    first, second = Watched(patience=7), Watched()
    with pytest.raises(KeyboardInterrupt):
        features.extract(first.about, crops, tmp_path / "out", "float16", tmp_path / "p")
    assert first.seen == 6 and not (tmp_path / "out").exists()
    features.extract(second.about, crops, tmp_path / "out", "float16", tmp_path / "p")
    assert second.seen == 5
    assert content(tmp_path / "out") == content(tmp_path / "straight")
    # Finished is finished.
    third = Watched()
    features.extract(third.about, crops, tmp_path / "again", "float16", tmp_path / "p")
    assert third.seen == 0 and content(tmp_path / "again") == content(tmp_path / "out")


@pytest.mark.parametrize("lost", [1, 127, 128, 129, 500])
def test_half_a_row_and_half_a_batch_are_computed_again(crops, tmp_path, lost):
    """A row is 4 x 4 x 4 x 2 = 128 bytes; 6 of them were written in two batches of 3."""
    features.extract(Watched().about, crops, tmp_path / "straight", "float16", tmp_path / "p0")
    with pytest.raises(KeyboardInterrupt):
        features.extract(Watched(patience=7).about, crops, tmp_path / "out", "float16", tmp_path / "p")
    path = tmp_path / "p" / "features.npy"
    path.write_bytes(path.read_bytes()[:-lost])
    second = Watched()
    features.extract(second.about, crops, tmp_path / "out", "float16", tmp_path / "p")
    assert second.seen == (8 if lost <= 384 else 11)
    assert content(tmp_path / "out") == content(tmp_path / "straight")


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "cd" * 32},
        {"section": {"family": "watched", "weights": "w", "dtype": "float32", "batch": BATCH, "expert": 1}},
        {"precision": "bf16"},
        {"trained_on": ()},
        {"store": "bfloat16"},
        {"crops": 1},
        {"cut": "features.json"},
        {"cut": "features.npy"},
    ],
)
def test_a_state_of_something_else_is_discarded(crops, tmp_path, change):
    with pytest.raises(KeyboardInterrupt):
        features.extract(Watched(patience=7).about, crops, tmp_path / "out", "float16", tmp_path / "p")
    store = change.pop("store", "float16")
    if "cut" in change:
        (tmp_path / "p" / change.pop("cut")).write_bytes(b"{")
    if draw := change.pop("crops", 0):
        crops = write_crops(tmp_path / "crops" / "other", draw=draw)
    second = Watched()
    features.extract(replace(second.about, **change), crops, tmp_path / "out", store, tmp_path / "p")
    assert second.seen == 11
    features.extract(replace(Watched().about, **change), crops, tmp_path / "straight", store, tmp_path / "q")
    assert content(tmp_path / "out") == content(tmp_path / "straight")


def test_bytes_know_no_clock_host_or_path(crops, tmp_path):
    for name in ("a", "b/c"):
        features.extract(Watched().about, crops, tmp_path / name, "float16", tmp_path / "p" / name)
    assert content(tmp_path / "a") == content(tmp_path / "b/c")
    assert set(json.loads((tmp_path / "a/features.json").read_text())) == {
        *("backbone", "crops", "dtype", "precision", "sha256", "shape", "trained_on"),
    }
    assert all(str(tmp_path).encode() not in each for each in content(tmp_path / "a").values())


def test_what_float16_cannot_hold_is_refused_and_bfloat16_holds_it(crops, tmp_path):
    largest = float(np.abs(by_hand(np.asarray(crops.pixels)).astype(np.float32)).max())
    below, above = 65000 / largest, 66000 / largest
    features.extract(Watched(below).about, crops, tmp_path / "below", "float16", tmp_path / "p")
    assert features.read(tmp_path / "below")[np.arange(11)].isfinite().all()
    with pytest.raises(DataError, match="66000 is too large for float16") as error:
        features.extract(Watched(above).about, crops, tmp_path / "above", "float16", tmp_path / "q")
    assert "bfloat16" in error.value.remedy and not (tmp_path / "above").exists()
    features.extract(Watched(above).about, crops, tmp_path / "above", "bfloat16", tmp_path / "r")
    assert features.read(tmp_path / "above")[np.arange(11)].abs().max().item() == pytest.approx(66000, rel=2**-7)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_numbers_that_are_not_finite_are_refused(value):
    maps = torch.zeros(2, 4, 4, 4)
    maps[1, 2, 0, 3] = value
    for store in ("float16", "bfloat16"):
        with pytest.raises(DataError, match="not finite"):
            features.rounded(maps, store)


def saved(folder: Path, array: np.ndarray) -> None:
    np.save(folder / "features.npy", array)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "features.npy").unlink(),
        lambda folder: (folder / "features.json").unlink(),
        lambda folder: (folder / "features.npy").write_bytes(b""),
        lambda folder: (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes()[:-1]),
        lambda folder: (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes()[:60]),
        lambda folder: (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes() + b"\0\0"),
        lambda folder: (folder / "features.npy").write_bytes(b"x" * 2000),
        lambda folder: (folder / "features.json").write_text('{"dtype": "float16"'),
        lambda folder: (folder / "features.json").write_text('{"dtype": "float16"}'),
        lambda folder: (folder / "features.json").write_text("[]"),
        lambda folder: (folder / "features.json").write_bytes(b"\xff\xfe"),
        lambda folder: saved(folder, np.zeros((11, 4, 4, 4), np.float32)),
        lambda folder: saved(folder, np.zeros((11, 4, 4, 4), np.uint16)),
        lambda folder: saved(folder, np.zeros((10, 4, 4, 4), np.float16)),
        lambda folder: saved(folder, np.asfortranarray(np.zeros((11, 4, 4, 4), np.float16))),
    ],
)
def test_damage_is_told(crops, tmp_path, damage):
    features.extract(Watched().about, crops, tmp_path / "out", "float16", tmp_path / "p")
    features.read(tmp_path / "out")
    damage(tmp_path / "out")
    with pytest.raises(DataError) as error:
        features.read(tmp_path / "out")
    assert "dvc repro" in error.value.remedy and "\n" not in error.value.cause


def ready(tmp_path: Path, monkeypatch, *backbones: Watched) -> dict:
    """Write two crop sets and a bundle, let `backbones` be loaded one after the other; return the arguments."""
    for draw, name in enumerate(("a", "b")):
        write_crops(tmp_path / "crops" / name, draw=draw)
    (tmp_path / "assets").mkdir()
    bundle.write(tmp_path / "assets", "ok", "", {})
    left = iter(backbones)
    monkeypatch.setattr(features, "load", lambda *_: next(left).about)
    places = {name: tmp_path / name for name in ("crops", "assets", "partial", "out")}
    return {"name": "w", "settings": {"family": "watched"}, "sets": ["a", "b"]} | places


def test_all_crop_sets_or_those_that_are_meant(tmp_path, monkeypatch):
    arguments = ready(tmp_path, monkeypatch, Watched(), Watched())
    features.features_of(**arguments)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "b", "status.json"}
    assert json.loads((tmp_path / "out/status.json").read_text()) == {"status": "ok", "reason": ""}
    assert features.read(tmp_path / "out/b").card.crops == f"{1:064x}"
    assert not (tmp_path / "partial").exists()
    features.features_of(**arguments | {"settings": {"family": "watched", "only": ["b"], "store": "bfloat16"}})
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"b", "status.json"}
    assert features.read(tmp_path / "out/b").dtype == torch.bfloat16


def test_an_interruption_keeps_the_finished_set_and_the_old_output(tmp_path, monkeypatch):
    one, two = Watched(patience=15), Watched()
    arguments = ready(tmp_path, monkeypatch, one, two)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_text("")
    with pytest.raises(KeyboardInterrupt):
        features.features_of(**arguments)
    assert one.seen == 14 and [path.name for path in (tmp_path / "out").iterdir()] == ["old"]
    features.features_of(**arguments)
    assert two.seen == 8
    for name in ("a", "b"):
        pixels = np.load(tmp_path / "crops" / name / "pixels.npy")
        stored = features.read(tmp_path / "out" / name)[np.arange(11)].float().numpy()
        np.testing.assert_allclose(stored, by_hand(pixels), rtol=2**-10, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["assets", "crops", "out"]


def test_without_weights_there_is_a_reason_and_nothing_else(tmp_path, monkeypatch):
    arguments = ready(tmp_path, monkeypatch)
    bundle.write(tmp_path / "assets", "skipped", "its licence is not accepted", {})
    features.features_of(**arguments)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["status.json"]
    status = json.loads((tmp_path / "out/status.json").read_text())
    assert status == {"status": "skipped", "reason": "its licence is not accepted"}


def test_without_a_package_there_is_a_reason_and_nothing_else(tmp_path, monkeypatch):
    arguments = ready(tmp_path, monkeypatch)
    monkeypatch.setattr(features, "load", frozen.load)
    # A module that was imported is found through its package, too.
    for package, name in (("nets", "pretrained"), ("nets", "sapiens2_pose"), ("fewshot.backbones", "sapiens2")):
        monkeypatch.delattr(import_module(f"thermark.{package}"), name, raising=False)
        monkeypatch.delitem(sys.modules, f"thermark.{package}.{name}", raising=False)
    for name in [name for name in sys.modules if name.startswith("transformers")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", None)
    features.features_of(**arguments | {"settings": {"family": "sapiens2", "weights": "w"}})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["status.json"]
    status = json.loads((tmp_path / "out/status.json").read_text())
    assert status == {"status": "skipped", "reason": "the package transformers is not installed"}


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"family": "rtmpose", "only": ["c"]}, "w.only names c", "use one of: a, b"),
        ({"family": "rtmpose", "store": "float61"}, "w.store is float61", "float16"),
        ({"family": "sapiens"}, "w.family is sapiens", "did you mean `sapiens2`?"),
        ({}, "w.family is None", "rtmpose"),
        ({"family": "rtmpose", "weights": "w", "stagse": [3]}, "w.stagse", "did you mean `stages`?"),
        ({"family": "rtmpose", "weights": "w", "stages": [5]}, "w.stages", ""),
    ],
)
def test_wrong_settings_name_the_nearest(tmp_path, monkeypatch, settings, message, remedy):
    arguments = ready(tmp_path, monkeypatch)
    monkeypatch.setattr(features, "load", frozen.load)
    with pytest.raises(ConfigError, match=message) as error:
        features.features_of(**arguments | {"settings": settings})
    assert remedy in error.value.remedy and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_stage_says_the_same_as_the_network_of_the_run(tmp_path):
    tiny_runs.write_scaled(tmp_path / "models" / "rgb_t" / "seed0", 1)
    onnx.export(onnx.Config(run="rgb_t"), tmp_path / "models", tmp_path / "assets")
    crops = write_crops(tmp_path / "crops" / "a")
    section = {"family": "rtmpose", "weights": "teacher", "dtype": "float32", "stages": [4], "store": "float16"}
    params = {"backbones": {"teacher": section}, "crops": {"a": {"side": SIDE}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    flags = {"name": "teacher", "params": "backbones.teacher", "sets": "crops"}
    flags |= {"crops": "crops", "weights": "assets", "partial": "partial", "out": "out"}
    command = [sys.executable, STAGE, *(word for name, value in flags.items() for word in (f"--{name}", value))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    net, _ = onnx.card.read(tmp_path / "models" / "rgb_t" / "seed0")
    pixels = (np.asarray(crops.pixels, np.float32) - np.float32(MEAN)) / np.float32(STD)
    with torch.inference_mode():
        wanted = net.backbone(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()))
    stored = features.read(tmp_path / "out/seed0/a")
    assert stored.card.trained_on == ("elsewhere",) and stored.grid == (1, 1) and wanted.std() > 0.01
    torch.testing.assert_close(stored[np.arange(11)].float(), wanted, rtol=2**-10, atol=1e-4)
