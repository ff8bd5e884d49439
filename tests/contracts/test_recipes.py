"""Every module in learn/recipes can be named in params.yaml and run by the train stage."""

import pkgutil
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest
import yaml

from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError
from thermark.learn import recipes

NAMES = [module.name for module in pkgutil.iter_modules(recipes.__path__)]
RECIPES = [import_module(f"{recipes.__name__}.{name}") for name in NAMES]
each = pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
# What the pipeline's own expressions read from every run.
DECLARED = ("recipe", "objective", "train", "labels", "vocabulary")
SAID = {"objective": "simcc", "train": "x", "labels": "ibug68", "vocabulary": "ibug68"}
PROFILES = sorted((Path(__file__).parents[2] / "profiles").glob("*.yaml"))


def run(module, **changed):
    return parse(SAID | {"recipe": module.__name__.rsplit(".", 1)[1]} | changed, module.Config, "runs.x")


def test_all_are_found():
    assert "supervised" in NAMES


@each
def test_the_interface(recipe):
    told = signature(recipe.train)
    assert list(told.parameters) == ["config", "faces_root", "checkpoint", "out", "history"]
    assert told.parameters["config"].annotation is recipe.Config
    assert issubclass(recipe.Config, Section)


@each
def test_defaults_are_valid_and_the_name_is_its_own(recipe):
    assert run(recipe).recipe == recipe.__name__.rsplit(".", 1)[1]
    with pytest.raises(ConfigError, match=r"runs\.x\.recipe"):
        run(recipe, recipe="another")


@each
@pytest.mark.parametrize("name", DECLARED)
def test_what_the_pipeline_reads_must_be_said(recipe, name):
    assert recipe.Config.model_fields[name].is_required()


@each
def test_unknown_keys_are_refused_with_the_nearest(recipe):
    with pytest.raises(ConfigError, match=r"runs\.x\.epoch\b") as caught:
        run(recipe, epoch=3)
    assert caught.value.code == 2 and caught.value.remedy == "did you mean `epochs`?"


@each
def test_wrong_types_and_impossible_values_are_refused(recipe):
    for name, value in (("epochs", "3"), ("epochs", 0), ("batch", 1.5), ("seed", None), ("train", ["x"])):
        with pytest.raises(ConfigError, match=rf"runs\.x\.{name}"):
            run(recipe, **{name: value})


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_run_of_every_profile_states_what_the_pipeline_reads(path):
    for name, section in yaml.safe_load(path.read_text(encoding="utf-8"))["runs"].items():
        assert set(DECLARED) <= section.keys(), name
        assert section["recipe"] in NAMES, name
