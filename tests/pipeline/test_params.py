"""Params that a command reads are the params that DVC tracks; every profile is valid."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from thermark.core.config import parse, section
from thermark.datasets import packing

ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


def test_the_params_file_is_the_default_profile():
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "profiles/sample.yaml").read_bytes()


def test_flags_and_tracked_keys_agree(stages):
    for stage in stages.values():
        flags = set(re.findall(r"--(?:params|datasets|prepare|runs|predictors) ([\w.]+)", stage.cmd))
        assert flags <= set(stage.params.get("params.yaml", ())), stage.name


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_section_of_every_profile_is_valid(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    section(path, "prepare", packing.CropConfig)
    for kind, package in [("render", "layouts"), ("datasets", "datasets"), ("predictors", "predictors")]:
        for name, raw in content[kind].items():
            module = import_module(f"thermark.{package}.{name}")
            parse(raw, module.Config, f"{kind}.{name}")
    for name, raw in content["runs"].items():
        recipe = import_module(f"thermark.learn.recipes.{raw['recipe']}")
        config = parse(raw, recipe.Config, f"runs.{name}")
        import_module(f"thermark.learn.objectives.{config.objective}")
    raw_sets = set(content["render"]) | set(content["fetch"])
    assert {dataset["raw"] for dataset in content["datasets"].values()} <= raw_sets
    trained = {run["train"] for run in content["runs"].values()}
    assert trained <= set(content["datasets"])


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_no_contestant_has_two_meanings(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert not set(content["predictors"]) & set(content["runs"])


def test_descriptions_tell_what_each_stage_is_for():
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for name, stage in content["stages"].items():
        assert (stage.get("do") or stage).get("desc"), name
