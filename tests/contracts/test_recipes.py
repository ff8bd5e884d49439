"""Every module in learn/recipes can be named in params.yaml and run by the train stage."""

import pkgutil
import re
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError
from thermark.train import recipes
from thermark.train.run import Finished

ROOT = Path(__file__).parents[2]
NAMES = [module.name for module in pkgutil.iter_modules(recipes.__path__)]
RECIPES = [import_module(f"{recipes.__name__}.{name}") for name in NAMES]
each = pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
# What the pipeline's own expressions read from every run, and from the runs of one recipe.
DECLARED = {"recipe", "objective", "train", "labels", "vocabulary"}
MORE = {name: {"teacher", "teacher_data"} for name in ("tuned", "ktl", "kd", "mcl")}
MORE |= {"pretrain": {"extra_data"}, "adapted": {"teacher", "known"}}
SAID = dict.fromkeys(
    ("objective", "train", "labels", "vocabulary", "teacher", "teacher_data", "extra_data", "known"), "x"
)


def named(module) -> str:
    return module.__name__.rsplit(".", 1)[1]


def declared(module) -> set[str]:
    return DECLARED | MORE.get(named(module), set())


def run(module, **changed):
    section = {name: SAID[name] for name in declared(module) - {"recipe"}}
    return parse(section | {"recipe": named(module)} | changed, module.Config, "runs.x")


def test_all_are_found():
    assert set(NAMES) >= {"supervised", "pretrain", "tuned", "ktl", "kd", "mcl"}


@each
def test_the_interface(recipe):
    hints = get_type_hints(recipe.train)
    assert list(signature(recipe.train).parameters) == [
        "config",
        "seed",
        "faces_root",
        "models_root",
        "checkpoint",
    ]
    assert hints == {
        "config": recipe.Config,
        "seed": int,
        "faces_root": Path,
        "models_root": Path,
        "checkpoint": Path,
        "return": Finished,
    }
    assert issubclass(recipe.Config, Section)


@each
def test_defaults_are_valid_and_the_name_is_its_own(recipe):
    assert run(recipe).recipe == named(recipe)
    with pytest.raises(ConfigError, match=r"runs\.x\.recipe"):
        run(recipe, recipe="another")


@each
def test_what_the_pipeline_reads_must_be_said_and_nothing_else(recipe):
    required = {name for name, field in recipe.Config.model_fields.items() if field.is_required()}
    assert required == declared(recipe)


@each
def test_the_train_stage_reads_what_every_run_can_say(recipe):
    """One stage trains runs of all recipes, whose expressions know nothing of defaults."""
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]
    read = set(re.findall(r"\$\{item\.(\w+)", yaml.safe_dump(stage["do"], width=10_000)))
    assert stage["foreach"] == "${runs}"
    assert read == DECLARED | {"teacher", "teacher_data", "extra_data", "known"} and read <= set(
        recipe.Config.model_fields
    )


@each
def test_what_a_recipe_does_not_use_is_plain(recipe):
    assert recipe.Config.uses == MORE.get(named(recipe), set())
    plain = {"extra_data": "x", "teacher_data": "x", "teacher": "none", "known": "x"}
    values = {name: "x" for name in recipe.Config.uses}
    run(recipe, **plain | values)
    for name in plain.keys() - recipe.Config.uses:
        with pytest.raises(ConfigError, match=f"does not use `{name}`"):
            run(recipe, **plain | values | {name: "other"})


@each
def test_unknown_keys_are_refused_with_the_nearest(recipe):
    with pytest.raises(ConfigError, match=r"runs\.x\.epoch\b") as caught:
        run(recipe, epoch=3)
    assert caught.value.code == 2 and caught.value.remedy == "did you mean `epochs`?"


@each
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epochs", value) for value in ("3", 0)),
        *(("seeds", value) for value in (0, [], [-1], [0, 0], ["0"], None)),
        *(("batch", 1.5), ("train", ["x"]), ("label", "onehot"), ("gradient_steps", -1), ("seed", 0)),
    ],
)
def test_wrong_types_and_impossible_values_are_refused(recipe, name, value):
    with pytest.raises(ConfigError, match=rf"runs\.x\.{name}"):
        run(recipe, **{name: value})
