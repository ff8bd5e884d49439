"""Params that a command reads are the params that DVC tracks; every profile is valid."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from thermark.core.config import parse, section
from thermark.datasets import packing
from thermark.metrics import evaluate
from thermark.report import build, contact

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
def test_nobody_is_scored_on_what_they_were_trained_on(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    splits: dict[str, list] = {}
    for dataset in content["datasets"].values():
        splits.setdefault(dataset["raw"], []).append(dataset.get("split"))
    # Sets that share a raw tree share its ids: their faces must fall into the same splits.
    assert all(split == others[0] for others in splits.values() for split in others)
    trained = {
        user["train"] for kind in ("runs", "predictors") for user in content[kind].values() if "train" in user
    }
    everything = {name for name, how in content["evaluate"].items() if how.get("split") == "all"}
    assert not trained & everything


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_data_set_is_scored(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(content["evaluate"]) == set(content["datasets"])
    for name, raw in content["evaluate"].items():
        parse(raw, evaluate.Config, f"evaluate.{name}")
    parse(content["report"], build.Config, "report")
    for name, raw in content["contact"].items():
        parse(raw, contact.Config, f"contact.{name}")


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_no_contestant_has_two_meanings(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert not set(content["predictors"]) & set(content["runs"])


def test_descriptions_tell_what_each_stage_is_for():
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for name, stage in content["stages"].items():
        assert (stage.get("do") or stage).get("desc"), name
