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
from thermark.learn import recipes
from thermark.learn.run import Finished

ROOT = Path(__file__).parents[2]
NAMES = [module.name for module in pkgutil.iter_modules(recipes.__path__)]
RECIPES = [import_module(f"{recipes.__name__}.{name}") for name in NAMES]
each = pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
# What the pipeline's own expressions read from every run, and from the runs of one recipe.
DECLARED = {"recipe", "objective", "train", "labels", "vocabulary"}
MORE = {name: {"teacher", "shown"} for name in ("tuned", "ktl", "kd", "mcl")}
MORE |= {"pretrain": {"also"}, "adapted": {"teacher", "known"}}
SAID = dict.fromkeys(("objective", "train", "labels", "vocabulary", "teacher", "shown", "also", "known"), "x")
# Runs are contestants and stand below their recipe; students of heads are parts of cascades.
STUDENTS = {"adapted", "supervised"}
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


def named(module) -> str:
    return module.__name__.rsplit(".", 1)[1]


def declared(module) -> set[str]:
    return DECLARED | MORE.get(named(module), set())


def run(module, **changed):
    said = {name: SAID[name] for name in declared(module) - {"recipe"}}
    return parse(said | {"recipe": named(module)} | changed, module.Config, "runs.x")


def test_all_are_found():
    assert set(NAMES) >= {"supervised", "pretrain", "tuned", "ktl", "kd", "mcl"}


@each
def test_the_interface(recipe):
    told = get_type_hints(recipe.train)
    assert list(signature(recipe.train).parameters) == [
        "config",
        "seed",
        "faces_root",
        "models_root",
        "checkpoint",
    ]
    assert told == {
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
def test_the_stage_of_its_name_reads_what_must_be_said(recipe):
    """A run of the recipe is trained by the stage of its name, and no expression there reads an optional key."""
    name, found = named(recipe), 0
    for file, stage_name, section, item in (
        ("dvc.yaml", name, f"runs.{name}", r"\$\{item\.(\w+)"),
        ("heads/dvc.yaml", f"student-{name}", f"students.{name}", r"\$\{item\.run\.(\w+)"),
    ):
        stage = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["stages"].get(stage_name)
        if stage:
            assert stage["foreach"] == f"${{{section}}}"
            assert set(re.findall(item, yaml.safe_dump(stage["do"], width=10_000))) == declared(recipe)
            found += 1
    assert found == (name != "adapted") + (name in STUDENTS)


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


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_run_of_every_profile_states_what_the_pipeline_reads(path):
    """Runs stand below their recipe; those of `imported` are trained by nobody."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(content["runs"]) == {*NAMES, "imported"} - {"adapted"}
    assert set(content["students"]) == STUDENTS
    for recipe in RECIPES:
        name = named(recipe)
        students = {key: each["run"] for key, each in content["students"].get(name, {}).items()}
        assert not students.keys() & content["runs"].get(name, {}).keys()
        for key, section in (students | content["runs"].get(name, {})).items():
            where = f"{name}.{key}"
            assert section["recipe"] == name, where
            assert declared(recipe) <= section.keys(), where
            parse(section, recipe.Config, where)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_teacher_of_every_profile_is_one_of_its_runs_and_has_the_seeds(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))["runs"]
    seeds = {
        f"{recipe}_{key}": set(section.get("seeds", [0]))
        for recipe, runs in content.items()
        for key, section in runs.items()
    }
    for recipe, runs in content.items():
        for key, section in runs.items():
            if "teacher" in section:
                taught, teaching = seeds[f"{recipe}_{key}"], seeds[section["teacher"]]
                assert taught <= teaching or len(teaching) == 1, f"{recipe}_{key}"
