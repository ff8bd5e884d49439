"""Every module in datasets/ that can load is a complete data set."""

import pkgutil
from dataclasses import asdict
from importlib import import_module
from inspect import signature

import pytest

from thermark import datasets, landmarks
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.radiometry import Tone

MODULES = [import_module(f"thermark.datasets.{module.name}") for module in pkgutil.iter_modules(datasets.__path__)]
SETS = [module for module in MODULES if hasattr(module, "load")]
each = pytest.mark.parametrize("dataset", SETS, ids=lambda module: module.__name__.rsplit(".", 1)[1])


def test_all_are_found():
    names = {module.__name__.rsplit(".", 1)[1] for module in SETS}
    assert {"facesynthetics", "tfake", "charlotte", "thermeval", "w300", "coco_wholebody"} <= names


@each
def test_the_card_is_complete(dataset):
    card = asdict(dataset.CARD)
    assert all(card.values()), [name for name, text in card.items() if not text]
    assert card["url"].startswith("https://")
    assert card["redistribution"] in ("no", "yes") or "," in card["redistribution"]


@each
def test_the_config_knows_its_fields(dataset):
    config = parse({"raw": "somewhere"}, dataset.Config, "datasets.x")
    assert config.raw == "somewhere"
    assert 0 <= config.max_bad_fraction < 0.5
    with pytest.raises(ConfigError, match="max_bad_fractoin"):
        parse({"raw": "x", "max_bad_fractoin": 1}, dataset.Config, "datasets.x")
    with pytest.raises(ConfigError, match="raw"):
        parse({}, dataset.Config, "datasets.x")


@each
def test_the_interface(dataset):
    assert dataset.MODALITY in ("rgb", "thermal")
    assert list(signature(dataset.load).parameters) == ["root", "config"]
    assert list(signature(dataset.read).parameters) == ["path", "config"]
    if dataset.MODALITY == "thermal":
        assert isinstance(dataset.Config(raw="x").tone, Tone)
    assert dataset.__doc__ and "ayout" in dataset.__doc__


@each
def test_the_schemes_are_those_of_the_vocabularies(dataset):
    """Preparing reads no vocabulary file; what loaders know by themselves must agree with those files."""
    for name, scheme in dataset.SCHEMES.items():
        vocabulary = landmarks.load(name)
        assert (scheme.points, scheme.eyes) == (len(vocabulary), vocabulary.interocular)


@each
def test_fractions_are_fractions(dataset):
    for name in ("max_bad_fraction", "max_near_duplicates"):
        for bad in (-0.1, 1.1, float("nan")):
            with pytest.raises(ConfigError, match=name):
                parse({"raw": "x", name: bad}, dataset.Config, "datasets.x")
    assert dataset.Config(raw="x").strict is False


@each
def test_nothing_is_a_data_error(dataset, tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        # The folder is named, or the file that should lie in it.
        with pytest.raises(DataError, match=f"{root.name}|cannot be read") as caught:
            dataset.load(root, dataset.Config(raw="x"))
        assert caught.value.code == 3 and "\n" not in caught.value.cause
    with pytest.raises(DataError, match=r"absent\.png"):
        dataset.read(tmp_path / "absent.png", dataset.Config(raw="x"))
