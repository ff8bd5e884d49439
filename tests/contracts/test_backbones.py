"""Every module in backbones/: a frozen network with the one interface that features and heads know."""

import shutil
from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_runs
from thermark.core import bundle, files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, SetupError
from thermark.fewshot import backbones
from thermark.fewshot.backbone import Backbone, BackboneOptions, load

SIDE = 64
FAMILIES = sorted(path.stem for path in Path(backbones.__path__[0]).glob("*.py") if path.stem != "__init__")


def rtmpose(folder: Path) -> list[str]:
    tiny_runs.write_scaled(folder / "made")
    names = ["model.safetensors", "model.json"]
    for name in names:
        shutil.move(folder / "made" / name, folder / name)
    return names


def sapiens2(folder: Path) -> list[str]:
    import_module("tiny_transformers").sapiens2().save_pretrained(folder)
    (folder / "config.json").unlink()  # the published files come without
    return ["model.safetensors"]


def vitpose(folder: Path) -> list[str]:
    import_module("tiny_transformers").vitpose(17).save_pretrained(folder)
    return ["model.safetensors", "config.json"]


# How to make a small one of each family, and the map of a picture of 64 px.
MADE: dict[str, tuple[Callable[[Path], list[str]], tuple[int, int, int]]] = {
    "rtmpose": (rtmpose, (576, 4, 4)),
    "sapiens2": (sapiens2, (32, 4, 4)),
    "vitpose": (vitpose, (32, 4, 3)),
}
SLOW = {"sapiens2", "vitpose"}  # transformers takes ten seconds to import
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in FAMILIES]
)


@pytest.fixture(scope="module")
def assets(tmp_path_factory) -> Callable[[str], bundle.Bundle]:
    """Return a function from a family's name to a bundle with a small network of it, made once."""
    done: dict[str, bundle.Bundle] = {}

    def make(name: str) -> bundle.Bundle:
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            about = {"channels": "rgb", "face_sets": ["elsewhere"]}
            bundle.write(folder, "ok", "", dict.fromkeys(MADE[name][0](folder), about))
            done[name] = bundle.read(folder)
        return done[name]

    return make


def settings(name: str, **changes) -> dict:
    return {"family": name, "weights": "w", "dtype": "float32", "batch": 2} | changes


@pytest.fixture(scope="module")
def made(assets) -> Callable[..., Backbone]:
    done: dict[str, Backbone] = {}

    def make(name: str, **changes) -> Backbone:
        key = f"{name} {changes}"
        if key not in done:
            done[key] = load("backbones.x", settings(name, **changes), assets(name), "cpu")
        return done[key]

    return make


def pictures(count: int = 5, colour: tuple[int, ...] = (3,)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, *colour), np.uint8)


def test_all_are_found_and_can_be_made():
    assert set(FAMILIES) == set(MADE)


@each
def test_the_module_has_the_two_names(name):
    module = import_module(f"thermark.fewshot.backbones.{name}")
    assert issubclass(module.Config, BackboneOptions)
    assert list(signature(module.load).parameters) == ["config", "bundle", "device"]
    with pytest.raises(ConfigError, match="stagesx"):
        parse(settings(name, stagesx=1), module.Config, "backbones.x")


@each
def test_it_says_what_it_is(made, assets, name):
    one = made(name)
    assert one.sha256 == files.sha256(assets(name).folder / "model.safetensors")
    assert (one.trained_on, one.device, one.batch, one.precision) == (
        *(("elsewhere",), torch.device("cpu")),
        *(2, "fp32"),
    )
    module = import_module(f"thermark.fewshot.backbones.{name}")
    assert parse(dict(one.section), module.Config, "again").model_dump(mode="json") == one.section
    assert one.section["dtype"] == "float32" and one.section["family"] == name


@each
def test_maps_are_ordinary_float32_tensors(made, name):
    one, (channels, *grid) = made(name), MADE[name][1]
    maps = one(pictures())
    assert maps.shape == (5, channels, *grid) and one.channels == channels and one.grid(SIDE) == tuple(grid)
    assert maps.dtype == torch.float32 and maps.is_contiguous()
    assert not maps.is_inference() and not maps.requires_grad
    assert maps.std() > 1e-3 and maps.isfinite().all()
    head = torch.nn.Conv2d(channels, 1, 1)
    head(maps).square().mean().backward()
    assert head.weight.grad.abs().max() > 0
    assert one(pictures()[:0]).shape == (0, channels, *grid)


@each
def test_it_is_frozen(made, name):
    one = made(name)
    images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    first = one.forward(images)
    assert not first.requires_grad  # even where gradients are on
    for _ in range(3):
        one(pictures(4))
    assert torch.equal(one.forward(images), first)  # no running mean has moved, nothing is dropped at random


@each
def test_company_changes_nothing_and_pictures_stay_as_they_were(made, name, tmp_path):
    one, images = made(name), pictures()
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")  # cannot be written to
    together = one(mapped)
    alone = torch.cat([one(images[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4 * float(alone.std()))
    assert not torch.allclose(together[0], together[1], atol=1e-2 * float(alone.std()))
    assert np.array_equal(images, mapped)


@each
def test_grey_is_three_equal_channels(made, name):
    grey = pictures(3, ())
    assert torch.equal(made(name)(grey), made(name)(np.repeat(grey[..., None], 3, axis=-1)))


@each
def test_bfloat16_is_the_same_with_fewer_digits(made, name, native):
    exact, rough = made(name), made(name, dtype="bfloat16")
    assert (rough.precision, rough.section["dtype"]) == ("bf16", "bfloat16")
    a, b = exact(pictures()), rough(pictures())
    assert b.dtype == torch.float32
    gap = float((a - b).square().mean().sqrt() / a.std())
    assert 1e-5 < gap < 0.1


@each
def test_other_files_are_refused(assets, name, tmp_path):
    whole = assets(name)
    for lost in whole.cards:
        shutil.copytree(whole.folder, tmp_path / lost)
        (tmp_path / lost / lost).unlink()
        with pytest.raises(DataError, match="holds no"):
            load("x", settings(name), bundle.Bundle(tmp_path / lost, "ok", "", whole.cards), "cpu")
    shutil.copytree(whole.folder, tmp_path / "cut")
    path = tmp_path / "cut" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError):
        load("x", settings(name), bundle.read(tmp_path / "cut"), "cpu")


@each
def test_pictures_in_another_order_of_colours_are_refused(assets, name):
    if name == "rtmpose":
        pytest.skip("its networks are ours, in RGB")
    other = bundle.Bundle(
        assets(name).folder, "ok", "", {file: {"channels": "bgr"} for file in assets(name).cards}
    )
    with pytest.raises(DataError, match="states channels bgr"):
        load("x", settings(name), other, "cpu")


@each
def test_a_gpu_that_is_not_there_is_not_replaced(assets, name):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SetupError):
        load("x", settings(name), assets(name), "cuda")
