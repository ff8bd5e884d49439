"""Params that a command reads are the params that DVC tracks; every profile is valid."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from thermark import speed, taught
from thermark.assets import licences, weights
from thermark.bakeoff import build as bakeoff
from thermark.core.config import parse, section
from thermark.core.scored import scored
from thermark.datasets import framing, packing
from thermark.exported import onnx
from thermark.fetching import options as fetching
from thermark.finetune import build as finetune
from thermark.heads import crops
from thermark.heads import plan as head
from thermark.imported import convert
from thermark.layouts import thermalised
from thermark.learn.distillation import options
from thermark.learn.recipes import supervised
from thermark.metrics import evaluate
from thermark.mlcmkd import build as mlcmkd
from thermark.published import load
from thermark.report import build, contact
from thermark.zeroshot import run as zeroshot

KINDS = {"pretrain", "supervised", "tuned", "ktl", "kd", "mcl", "imported"}
# Options of stages that name a section of params.yaml.
FLAGS = ["params", "settings", "datasets", "prepare", "runs", "predictors", "zeroshot", "cascades", "scored"]
FLAGS += ["patience", "evaluate", "heads", "sets"]
ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


def test_the_params_file_is_the_default_profile():
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "profiles/sample.yaml").read_bytes()


def test_flags_and_tracked_keys_agree(stages):
    for stage in stages.values():
        flags = set(re.findall(rf"--(?:{'|'.join(FLAGS)}) ([\w.]+)", stage.cmd))
        assert flags <= set(stage.params.get("params.yaml", ())), stage.name


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_section_of_every_profile_is_valid(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    section(path, "prepare", packing.CropConfig)
    for kind, package in [("render", "layouts"), ("predictors", "predictors")]:
        for name, raw in content[kind].items():
            module = import_module(f"thermark.{package}.{name}")
            parse(raw, module.Config, f"{kind}.{name}")
    for name, raw in content["datasets"].items():
        parse(raw, import_module(f"thermark.datasets.{raw['loader']}").Config, f"datasets.{name}")
    for name, raw in content["thermalise"].items():
        config = parse(raw, thermalised.Config, f"thermalise.{name}")
        assert config.source in {*content["render"], *content["fetch"]}
    sheets = licences.of_data(ROOT / "data/licences")
    for name, raw in content["fetch"].items():
        for piece in fetching.wanted(parse(raw, fetching.Config, f"fetch.{name}")):
            assert piece.piece.licence in sheets, (name, piece.key)
    made = {*content["render"], *content["fetch"], *content["thermalise"], *content.get("placed", [])}
    assert {dataset["raw"] for dataset in content["datasets"].values()} == made - sources(content)


def test_switching_profiles_never_replaces_fetched_files_by_rendered_ones():
    contents = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PROFILES}
    made = {key for content in contents.values() for key in (*content["render"], *content["thermalise"])}
    fetched: dict[str, dict] = {}
    for name, content in contents.items():
        assert not made & set(content["fetch"]), name
        for key, raw in content["fetch"].items():
            assert fetched.setdefault(key, raw["pieces"]) == raw["pieces"], (name, key)


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_the_readme_counts_the_licences_of_data(path):
    fetched = yaml.safe_load(path.read_text(encoding="utf-8"))["fetch"].values()
    named = {piece["licence"] for raw in fetched for piece in raw["pieces"].values()}
    rows = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    told = [row for row in rows if row.startswith("| `") and f"`{path.stem}`" in row.split("|")[1]]
    numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    counts = [word for row in told for word in re.findall(r"(\w+) licences?\b", row)]
    assert counts == [numbers[len(named)]] * bool(named)


def sources(content) -> set[str]:
    """Return the raw sets that only other raw sets are made from."""
    read = {dataset["raw"] for dataset in content["datasets"].values()}
    return {raw["source"] for raw in content["thermalise"].values()} - read


def learned(content) -> dict[str, dict]:
    """Return the learned runs of a profile by the names of their contestants."""
    return {f"{kind}_{key}": raw for kind, runs in content["runs"].items() for key, raw in runs.items()}


def students(content) -> dict[str, dict]:
    """Return the students of heads by the names of their runs; what they are `taught` beside their settings."""
    return {f"student_{key}": raw for group in content["students"].values() for key, raw in group.items()}


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_run_of_every_profile_is_valid_and_names_what_exists(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    runs = learned(content)
    assert set(content["runs"]) == KINDS
    for kind, group in content["runs"].items():
        for key, raw in group.items():
            # The names of outputs come from the section, those of stages from its place.
            assert raw["recipe"] == kind, (kind, key)
    for name, raw in runs.items():
        if raw["recipe"] == "imported":
            parse(raw, convert.Config, name)
            continue
        config = parse(raw, import_module(f"thermark.learn.recipes.{raw['recipe']}").Config, name)
        import_module(f"thermark.learn.objectives.{config.objective}")
        sets = {config.train, getattr(config, "also", config.train), getattr(config, "shown", config.train)}
        assert sets <= set(content["datasets"]), name
        teacher = getattr(config, "teacher", None)
        if teacher:
            taught_by(name, config, runs[teacher])


def taught_by(name: str, config, teacher: dict) -> None:
    """Check that a run and its teacher fit, so that nobody learns so after a day of training."""
    assert teacher["vocabulary"] == config.vocabulary, name
    assert teacher["input_size"] == config.input_size, name
    assert {*config.seeds} <= {*teacher["seeds"]} or len(teacher["seeds"]) == 1, name
    # A key begins with the sizes of teacher and student, or with the one size of both.
    sizes = name.split("_")[1]
    assert (sizes[0], sizes[-1]) == (teacher["size"], config.size), name


def test_the_full_profile_runs_every_published_row():
    content = yaml.safe_load((ROOT / "profiles/full.yaml").read_text(encoding="utf-8"))
    cells = [cell for table in load("mlcmkd").tables.values() for cell in table.cells]
    assert {cell.run for cell in cells} <= set(learned(content))
    assert {cell.dataset for cell in cells if cell.dataset} <= set(content["datasets"])
    for name, raw in learned(content).items():
        assert (raw["epochs"], raw["batch"], raw["input_size"], len(raw["seeds"])) == (150, 64, 256, 3), name


def test_every_option_of_distillation_stands_in_the_default_to_be_changed():
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    said, known = content["runs"]["ktl"]["s"], options.Config.model_fields
    shared = supervised.Config.model_fields.keys()
    assert set(known) - set(shared) <= set(said)
    # In words of YAML 1.1 and 1.2 alike: 1e-3 without a dot is a text to one of them.
    assert all(isinstance(number, float) for number in said["lambdas"].values())


def test_the_default_runs_the_whole_story():
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    ablation = {"ktl_s", "ktl_s_none", "ktl_s_ri", "ktl_s_fi"}
    assert {"pretrain_s", "supervised_t", "mcl_st", "kd_st"} | ablation == set(learned(content))
    families = {each["family"] for each in content["zeroshot"].values()}
    assert families == {"facemesh", "mediapipe", "rtmlib", "sapiens2", "vitpose"}
    # The default goes no further than the package index, which set up its environment.
    assert {each["network"] for each in content["weights"].values()} <= {"none", "index"}


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_nobody_is_scored_on_what_they_were_trained_on(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    splits: dict[str, list] = {}
    for dataset in content["datasets"].values():
        splits.setdefault(dataset["raw"], []).append(dataset.get("split"))
    # Sets that share a raw tree share its ids: their faces must fall into the same splits.
    assert all(split == others[0] for others in splits.values() for split in others)
    trained = {
        user[role]
        for user in [*learned(content).values(), *content["predictors"].values()]
        for role in ("train", "also", "shown")
        if role in user
    }
    raws = {name: dataset["raw"] for name, dataset in content["datasets"].items()}
    trained |= {cut["faces"] for cut in content["crops"].values()}
    everything = {raws[name] for name, split in content["scored"].items() if split == "all"}
    assert not {raws[name] for name in trained} & everything


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_data_set_is_scored(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(content["evaluate"]) == set(scored(path, "scored")) <= set(content["datasets"])
    # The others are there to learn from.
    runs = learned(content).values()
    learned_from = {run[role] for run in runs for role in ("train", "also", "shown") if role in run}
    learned_from |= {cut["faces"] for cut in content["crops"].values()}
    assert set(content["datasets"]) - set(content["scored"]) <= learned_from
    for name, raw in content["evaluate"].items():
        parse(raw, evaluate.Config, f"evaluate.{name}")
    parse(content["report"], build.Config, "report")
    parse(content["mlcmkd"], mlcmkd.Config, "mlcmkd")
    for name, raw in content["contact"].items():
        parse(raw, contact.Config, f"contact.{name}")


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_no_contestant_has_two_meanings(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    groups = [content["predictors"], content["zeroshot"], content["cascades"], learned(content)]
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_the_bake_off_of_every_profile_is_valid_and_names_what_exists(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, raw in content["frames"].items():
        config = parse(raw, framing.Config, f"frames.{name}")
        dataset = content["datasets"][name]
        assert (config.loader, config.raw) == (dataset["loader"], dataset["raw"])
        module = import_module(f"thermark.datasets.{config.loader}")
        for changed in config.variants.values():
            parse(dataset | changed, module.Config, f"frames.{name}")
    for name, raw in content["weights"].items():
        assert (ROOT / parse(raw, weights.Config, f"weights.{name}").manifest).is_file()
    for name, raw in content["exported"].items():
        config = parse(raw, onnx.Config, f"exported.{name}")
        assert config.seed in learned(content)[config.run]["seeds"]
    runs = {*learned(content), *students(content), *(f"head_{key}" for key in content["heads"])}
    bundles = {*content["weights"], *content["exported"]}
    assert len(bundles) == len(content["weights"]) + len(content["exported"])
    for name, raw in (content["zeroshot"] | content["cascades"]).items():
        assert {*raw.get("only", [])} <= {*content["scored"]}, name
        own = {key: value for key, value in raw.items() if key != "only"}
        config = parse(own, import_module(f"thermark.predictors.{raw['family']}").Config, name)
        assert config.weights in bundles, name
        assert getattr(config, "run", None) in {None, *runs}, name
        # The whole frame in place of a person that nobody found: only where the name says so.
        assert getattr(config, "whole_frame", False) == ("wholeframe" in name), name
    if content["zeroshot"] or content["cascades"]:
        assert set(content["frames"]) == set(content["scored"])
    section(path, "patience", zeroshot.Config)
    section(path, "bakeoff", bakeoff.Config)


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_the_heads_of_every_profile_are_valid_and_name_what_exists(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, raw in content["crops"].items():
        config = parse(raw, crops.Config, f"crops.{name}")
        dataset = content["datasets"][config.faces]
        assert (config.loader, config.raw) == (dataset["loader"], dataset["raw"])
        parse(
            dataset | config.changes, import_module(f"thermark.datasets.{config.loader}").Config, f"crops.{name}"
        )
    for name, raw in content["backbones"].items():
        own = {key: value for key, value in raw.items() if key not in ("store", "only")}
        config = parse(own, import_module(f"thermark.backbones.{raw['family']}").Config, f"backbones.{name}")
        assert raw.get("store", "float16") in ("float16", "bfloat16")
        assert config.weights in {*content["weights"], *content["exported"]}
    for name, raw in content["heads"].items():
        config = parse(raw, head.Config, f"heads.{name}")
        assert config.backbone in content["backbones"] and config.crops in content["crops"]
        assert config.crops in content["backbones"][config.backbone].get("only", content["crops"])
        assert len(config.seeds) >= 5 or path.stem == "smoke"
    for name, raw in content["taught"].items():
        config = parse(raw, taught.Config, f"taught.{name}")
        told = content["heads"][config.head.removeprefix("head_")]
        assert config.head.startswith("head_") and (told["backbone"], told["crops"]) == (
            config.backbone,
            config.crops,
        )
        assert content["crops"][config.crops]["faces"] == config.faces and config.seed in told["seeds"]
    for name, raw in students(content).items():
        own = raw["run"]
        config = parse(own, import_module(f"thermark.learn.recipes.{own['recipe']}").Config, name)
        told = content["taught"][raw["taught"]]
        assert set(raw) == {"taught", "run"}
        assert config.train == told["faces"] and config.labels == content["crops"][told["crops"]]["vocabulary"]
        teacher = learned(content)[config.teacher] if own["recipe"] == "adapted" else {}
        for key in teacher and ("size", "input_size"):
            assert teacher[key] == own[key], name
        assert not teacher or teacher["vocabulary"] == config.known
    known = {*content["cascades"], *content["zeroshot"]}
    told = section(path, "finetune", finetune.Config)
    assert {*told.contestants} <= known and {*told.taught} <= {*content["taught"]}
    for name, teacher in told.students.items():
        key = content["cascades"][name]["run"].removeprefix("student_")
        (own,) = [each[key] for each in content["students"].values() if key in (each or {})]
        assert own["taught"] == teacher and told.networks[name] == f"student_{key}", name
    assert {*section(path, "speed", speed.Config).students} <= {*students(content)}


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_files_that_contestants_name_are_in_their_bundles(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, raw in (content["zeroshot"] | content["cascades"] | content["backbones"]).items():
        if raw["weights"] in content["weights"]:
            manifest = ROOT / content["weights"][raw["weights"]]["manifest"]
            held = {entry["name"] for entry in yaml.safe_load(manifest.read_text(encoding="utf-8"))["files"]}
            assert {raw[key] for key in ("pose", "detector", "file") if "." in str(raw.get(key))} <= held, name


def test_descriptions_tell_what_each_stage_is_for():
    for path in (ROOT / "dvc.yaml", *ROOT.glob("*/dvc.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, stage in content["stages"].items():
            assert (stage.get("do") or stage).get("desc"), name
