"""Params that a command reads are the params that DVC tracks; every profile is valid."""

import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
import yaml

import comparison_questions
from thermark.convert import convert, onnx, package
from thermark.core import config, entries, perturbations, profiles
from thermark.core.config import parse
from thermark.core.jitter import VARIANT
from thermark.core.scored_splits import read_scored_splits
from thermark.datasets.prepare import framing, packing
from thermark.download import fetch_config as fetching
from thermark.download import licences, weights
from thermark.fewshot import crops, features, pseudo_labels
from thermark.fewshot import plan as head
from thermark.metrics import evaluate
from thermark.metrics.registry import MAIN, describe
from thermark.models.inference import setting
from thermark.models.inference.families import CROP_FAMILIES
from thermark.models.inference.learned_config import LearnedConfig
from thermark.report.distillation import build as distillation
from thermark.report.fewshot import fewshot_data as fewshot
from thermark.report.gate import gate_config as gating
from thermark.report.leaderboard import build, contact
from thermark.report.page import build as page
from thermark.report.reference_results import load
from thermark.report.results import compare
from thermark.report.speed import speed_config as speed
from thermark.report.transfer import study
from thermark.report.zeroshot import build as zeroshot
from thermark.synth.writers import thermalised
from thermark.train.detection import training as detection
from thermark.train.distillation import distillation_config
from thermark.train.recipes import supervised

# Options of stages that name a section of params.yaml.
FLAGS = ["params", "settings", "datasets", "prepare", "runs", "contestants", "converted", "scored", "patience"]
FLAGS += ["evaluate", "heads", "sets", "crops", "moved", "jitter", "compared"]
ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))
NAMES = ["default", *(path.stem for path in PROFILES)]
TRAINED = ("train", "extra_data", "teacher_data")


@pytest.fixture(scope="session")
def default() -> dict:
    """Return the default, which is set aside while another profile is in its place."""
    aside = ROOT / "params.default.yaml"
    return config.read(
        aside if config.read(ROOT / "params.yaml")["profile"] != "default" else ROOT / "params.yaml"
    )


@pytest.fixture(params=NAMES, scope="module")
def path(request, default, tmp_path_factory) -> Path:
    """Return the params file of each profile, as `make profile` would write it."""
    name = request.param
    content = default
    if name != "default":
        content = profiles.resolved(default, ROOT / "profiles", name)
    file = tmp_path_factory.mktemp("profile") / f"{name}.yaml"
    file.write_text(profiles.text(content), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def content(path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_profiles_are_deltas(default):
    """A profile says what is different, not all of it again."""
    for path in PROFILES:
        delta = config.read(path)
        replaced, extended = delta.pop("replace", []), delta.pop("extends", None)
        base = profiles.resolved(default, path.parent, extended) if extended else default
        for name, value in delta.items():
            assert value != base[name], (path.stem, name)
            if name not in replaced and isinstance(value, dict):
                same = {key for key, each in value.items() if base[name].get(key, ...) == each}
                assert not same, (path.stem, name, same)


def test_flags_and_tracked_keys_agree(stages):
    for stage in stages.values():
        # Files that are called as sections are: a folder of crops, and who was scored.
        command = stage.cmd.replace("--crops data/", "--cut ").replace("--contestants metrics/", "--listed ")
        flags = set(re.findall(rf"--(?:{'|'.join(FLAGS)}) ([\w.]+)", command))
        assert flags <= set(stage.params.get("params.yaml", ())), stage.name


def test_every_section_of_every_profile_is_valid(path, content):
    parse(content["prepare"], packing.CropConfig, "prepare")
    assert content["arithmetic"] in ("portable", "native") and content["profile"] == path.stem
    for name, raw in content["render"].items():
        parse(raw, import_module(f"thermark.synth.writers.{name}").Config, f"render.{name}")
    for name, raw in content["datasets"].items():
        parse(raw, import_module(f"thermark.datasets.{raw['loader']}").Config, f"datasets.{name}")
    for name, raw in content["thermalise"].items():
        settings = parse(raw, thermalised.Config, f"thermalise.{name}")
        assert settings.source in {*content["render"], *content["fetch"]}
    sheets = licences.of_data(ROOT / "data/licences")
    for name, raw in content["fetch"].items():
        for piece in fetching.resolve_pieces(parse(raw, fetching.Config, f"fetch.{name}")):
            assert piece.piece.licence in sheets, (name, piece.key)
    made = {*content["render"], *content["fetch"], *content["thermalise"]}
    read = [*content["datasets"].values(), *content["detectors"].values()]
    assert {settings["raw"] for settings in read} == made - sources(content)


def test_every_study_of_a_camera_names_what_is_predicted(content):
    for name, raw in content["transfer"].items():
        settings = parse(raw, study.Config, f"transfer.{name}")
        assert {*settings.contestants} <= {*content["contestants"]}
        for where in settings.boxes.values():
            dataset, _, variant = where.partition("@")
            moves = parse(content["moved_boxes"], perturbations.Config, "moved_boxes").moves(content["scored"])
            assert dataset in content["scored"] and (not variant or variant in moves[dataset]), where


def test_switching_profiles_never_replaces_fetched_files_by_rendered_ones(default):
    read = {path.stem: profiles.resolved(default, path.parent, path.stem) for path in PROFILES}
    contents = {"default": default} | read
    made = {key for content in contents.values() for key in (*content["render"], *content["thermalise"])}
    fetched: dict[str, dict] = {}
    for name, content in contents.items():
        assert not made & set(content["fetch"]), name
        for key, raw in content["fetch"].items():
            assert fetched.setdefault(key, raw["pieces"]) == raw["pieces"], (name, key)


def test_the_page_about_data_counts_licences(path, content):
    fetched = content["fetch"].values()
    named = {piece["licence"] for raw in fetched for piece in raw["pieces"].values()}
    rows = (ROOT / "docs/data.md").read_text(encoding="utf-8").splitlines()
    profile_rows = [row for row in rows if row.startswith("| `") and f"`{path.stem}`" in row.split("|")[1]]
    numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    counts = [word for row in profile_rows for word in re.findall(r"(\w+) licences?\b", row)]
    assert counts == [numbers[len(named)]] * bool(named)


def sources(content) -> set[str]:
    """Return the raw sets that only other raw sets are made from."""
    read = {dataset["raw"] for dataset in content["datasets"].values()}
    return {raw["source"] for raw in content["thermalise"].values()} - read


def test_every_run_of_every_profile_is_valid_and_names_what_exists(content):
    runs = content["runs"]
    for name, raw in content["converted"].items():
        parse(raw, convert.Config, name)
    made = {*content["datasets"], *content["pseudo_labels"]}
    for name, raw in runs.items():
        settings = parse(raw, import_module(f"thermark.train.recipes.{raw['recipe']}").Config, name)
        import_module(f"thermark.train.losses.{settings.objective}")
        # DVC's paths come from these, whatever a recipe makes of them.
        assert {raw[role] for role in TRAINED} <= made, name
        assert raw["teacher"] in {"none", *runs, *content["converted"]} and raw["known"] and raw["labels"], name
        if raw["teacher"] in runs:
            fits_teacher(name, settings, runs[raw["teacher"]])


def chained(name: str, seeds, below) -> None:
    """Check that what builds on seeds finds its own, or the only one."""
    assert {*seeds} <= {*below} or len(below) == 1, name


def fits_teacher(name: str, run, teacher: dict) -> None:
    """Check that a run and its teacher fit, so that nobody learns so after a day of training."""
    assert teacher["vocabulary"] == run.known or teacher["vocabulary"] == run.vocabulary, name
    assert teacher["input_size"] == run.input_size, name
    chained(name, run.seeds, teacher["seeds"])
    if run.recipe == "adapted":
        assert teacher["size"] == run.size, name
    else:
        # A name ends in the sizes of teacher and student, or in the one size of both.
        sizes = name.split("_")[1]
        assert (sizes[0], sizes[-1]) == (teacher["size"], run.size), name


def trained_names(content) -> set[str]:
    """Return all that a contestant can name as its run."""
    return {*content["runs"], *content["converted"], *(f"head_{key}" for key in content["heads"])}


def test_the_full_profile_runs_every_published_row(default):
    content = profiles.resolved(default, ROOT / "profiles", "full")
    cells = load("mlcmkd").cells()
    assert {cell.run for cell in cells if cell.run} <= set(content["runs"]) & set(content["contestants"])
    assert {cell.dataset for cell in cells if cell.dataset} <= set(content["datasets"])
    for name, raw in content["runs"].items():
        assert (raw["epochs"], raw["batch"], raw["input_size"], len(raw["seeds"])) == (150, 64, 256, 3), name


def test_every_option_of_distillation_stands_in_the_default_to_be_changed(default):
    run, known = default["runs"]["ktl_s"], distillation_config.Config.model_fields
    shared = supervised.Config.model_fields.keys()
    assert set(known) - set(shared) <= set(run)
    # In words of YAML 1.1 and 1.2 alike: 1e-3 without a dot is a text to one of them.
    assert all(isinstance(number, float) for number in run["lambdas"].values())


def test_the_default_runs_the_whole_story_with_three_seeds(default):
    runs, heads = default["runs"], default["heads"]
    assert {runs[name]["recipe"] for name in runs} == {"pretrain", "supervised", "ktl", "mcl", "kd", "adapted"}
    for name, raw in (runs | heads).items():
        assert len(raw["seeds"]) >= 3, name
    families = {each["family"] for each in default["contestants"].values()}
    # All but detectors of ours, which are trained on sets that the default does not render.
    assert families == {*entries.modules("models")} - {"face_detector"}
    # The default goes no further than the package index, which set up its environment.
    assert {each["network"] for each in default["weights"].values()} <= {"none", "index"}
    assert default["arithmetic"] == "portable"
    assert {each.get("precision", "auto") for each in runs.values()} == {"auto"}


def test_the_standard_profile_has_what_the_default_leaves_out(default):
    content = profiles.resolved(default, ROOT / "profiles", "standard")
    assert {*default["runs"]} < {*content["runs"]} and {*default["contestants"]} < {*content["contestants"]}
    assert {"ktl_s_none", "ktl_s_ri", "ktl_s_fi", "tuned_s", "supervised_s"} <= {*content["runs"]}
    assert {"teacher", "teacher_nostrils"} <= {*content["heads"]}
    for name, raw in (content["runs"] | content["heads"]).items():
        assert len(raw["seeds"]) >= 3, name


def test_nobody_is_scored_on_what_they_were_trained_on(path, content):
    splits: dict[str, list] = {}
    for dataset in content["datasets"].values():
        splits.setdefault(dataset["raw"], []).append(dataset.get("split"))
    # Sets that share a raw tree share its ids: their faces must fall into the same splits.
    assert all(split == others[0] for others in splits.values() for split in others)
    trained = {
        user[role]
        for user in [*content["runs"].values(), *content["contestants"].values()]
        for role in TRAINED
        if role in user and user[role] not in content["pseudo_labels"]
    }
    raws = {name: dataset["raw"] for name, dataset in content["datasets"].items()}
    trained |= {cut["faces"] for cut in content["crops"].values()}
    everything = {raws[name] for name, split in content["scored"].items() if split == "all"}
    assert not {raws[name] for name in trained} & everything


def test_who_cannot_run_has_weights_with_a_reason_and_nobody_else_has(content):
    reasons = {name: weights.read(ROOT / raw["manifest"]).reason for name, raw in content["weights"].items()}
    for name, raw in content["contestants"].items():
        if raw.get("weights") in reasons:
            assert (raw["family"] == "absent") == bool(reasons[raw["weights"]]), name


def test_every_data_set_is_scored(path, content):
    assert set(content["evaluate"]) == set(read_scored_splits(path, "scored")) <= set(content["datasets"])
    shaken = perturbations.read(path, "moved_boxes", "jitter", read_scored_splits(path, "scored"))
    assert [name for name, moves in shaken.items() if VARIANT in moves], "nobody has a jitter floor"
    # The others are there to learn from.
    learned_from = {run[role] for run in content["runs"].values() for role in TRAINED}
    learned_from |= {cut["faces"] for cut in content["crops"].values()}
    assert set(content["datasets"]) - set(content["scored"]) <= learned_from
    for name, raw in content["evaluate"].items():
        parse(raw, evaluate.Config, f"evaluate.{name}")
    parse(content["leaderboard"], build.Config, "leaderboard")
    parse(content["page"], page.Config, "page")
    parse(content["distillation"], distillation.Config, "distillation")
    for name, raw in content["contact"].items():
        parse(raw, contact.Config, f"contact.{name}")


def test_the_jitter_floor_of_real_cameras_is_measured_on_each_of_them(path, content):
    if content["profile"] == "real":
        rendered = {name for name, raw in content["datasets"].items() if raw["raw"] in content["render"]}
        assert set(content["jitter"]["datasets"]) == set(content["scored"]) - rendered


def test_the_bake_off_of_every_profile_is_valid_and_names_what_exists(path, content):
    for name, raw in content["frames"].items():
        settings = parse(raw, framing.Config, f"frames.{name}")
        dataset = content["datasets"][name]
        assert (settings.loader, settings.raw) == (dataset["loader"], dataset["raw"])
        module = import_module(f"thermark.datasets.{settings.loader}")
        for changed in settings.variants.values():
            parse(framing.under(dataset, changed), module.Config, f"frames.{name}")
    for name, raw in content["weights"].items():
        assert (ROOT / parse(raw, weights.Config, f"weights.{name}").manifest).is_file()
    for name, raw in content["exported"].items():
        settings = parse(raw, onnx.Config, f"exported.{name}")
        assert settings.run in content["runs"]
    made = {*content["render"], *content["fetch"], *content["thermalise"]}
    for name, raw in content["detectors"].items():
        assert parse(raw, detection.Config, f"detectors.{name}").raw in made
    for name, raw in content["packaged"].items():
        settings = parse(raw, package.Config, f"packaged.{name}")
        assert (
            settings.run in content["runs"]
            and settings.faces in content["datasets"]
            and (ROOT / settings.scores).is_file()
        )
    bundles = {*content["weights"], *content["exported"], *content["detectors"]}
    assert len(bundles) == sum(len(content[name]) for name in ("weights", "exported", "detectors"))
    for name, raw in content["contestants"].items():
        if raw["family"] == "learned":
            contestant = parse(raw, LearnedConfig, f"contestants.{name}")
            assert contestant.run in trained_names(content), name
            continue
        assert {*raw.get("only", [])} <= {*content["scored"]}, name
        fields = {key: value for key, value in raw.items() if key != "only"}
        if raw["family"] == "mean_shape":
            parse(raw, import_module("thermark.models.mean_shape").Config, name)
            continue
        settings = parse(fields, import_module(f"thermark.models.{raw['family']}").Config, name)
        assert settings.weights in bundles, name
        # A head of ours on weights that are not here is a row with a reason.
        known = getattr(settings, "run", None) in {None, *trained_names(content)}
        assert known or content["weights"][settings.weights]["network"] == "index", name
        # The whole frame in place of a person that nobody found: only where the name says so.
        assert getattr(settings, "whole_frame", False) == ("wholeframe" in name), name
    if any(raw["family"] not in CROP_FAMILIES for raw in content["contestants"].values()):
        assert set(content["frames"]) == set(content["scored"])
    parse(content["patience"], setting.Config, "patience")
    parse(content["zeroshot"], zeroshot.Config, "zeroshot")


def test_what_is_compared_and_gated_in_every_profile_exists(path, content):
    declared = parse(content["comparisons"], compare.Config, "comparisons")
    compare.require_known(declared, content["contestants"], content["evaluate"])
    gate = parse(content["gate"], gating.Config, "gate")
    for name in gate.margins:
        assert describe(name).higher_is_better is not None, name
    # One margin for each metric that can rank, and for those that no contestant improves by finding fewer faces.
    assert {"found", *MAIN, *(f"{name}_all" for name in MAIN)} <= set(gate.margins)
    assert (gate.scores == "exact") == (content["profile"] == "smoke")


def test_every_question_that_a_profile_allows_is_declared(content):
    """A run that somebody adds is compared with those that answer for it, or this says which pair is missing."""
    families, questions = content["comparisons"]["families"], comparison_questions.of_runs(content)
    declared = {tuple(pair) for family in families.values() for pair in family["pairs"]}
    assert questions | comparison_questions.of_students(content) <= declared
    places = [
        (*pair, name) for family in families.values() for pair in family["pairs"] for name in family["datasets"]
    ]
    assert len(places) == len({*places}), "what is asked twice is adjusted twice"
    assert not questions or {*content["distillation"].get("answers", ["distillation"])} <= {*families}
    assert len(questions) >= {"zeroshot": 0, "landmarker": 0, "smoke": 1, "transfer": 2}.get(content["profile"], 3)


def test_the_heads_of_every_profile_are_valid_and_name_what_exists(path, content):
    for name, raw in content["crops"].items():
        settings = parse(raw, crops.Config, f"crops.{name}")
        dataset = content["datasets"][settings.faces]
        assert (settings.loader, settings.raw) == (dataset["loader"], dataset["raw"])
        parse(
            dataset | settings.changes,
            import_module(f"thermark.datasets.{settings.loader}").Config,
            f"crops.{name}",
        )
    for name, raw in content["backbones"].items():
        fields = {key: value for key, value in raw.items() if key not in ("store", "only", "source")}
        settings = parse(
            fields, import_module(f"thermark.fewshot.backbones.{raw['family']}").Config, f"backbones.{name}"
        )
        assert raw.get("store", "float16") in get_args(features.Store)
        assert settings.weights in content[raw["source"]]
    for name, raw in content["heads"].items():
        settings = parse(raw, head.Config, f"heads.{name}")
        assert settings.backbone in content["backbones"] and settings.crops in content["crops"]
        assert settings.crops in content["backbones"][settings.backbone].get("only", content["crops"])
        assert len(settings.seeds) >= 3 or path.stem == "smoke"
        weights = content["exported"].get(content["backbones"][settings.backbone]["weights"])
        if weights:
            chained(name, settings.seeds, content["runs"][weights["run"]]["seeds"])
    for name, raw in content["pseudo_labels"].items():
        settings = parse(raw, pseudo_labels.Config, f"pseudo_labels.{name}")
        assert name not in content["datasets"]
        teacher_head = content["heads"][settings.head.removeprefix("head_")]
        assert settings.head.startswith("head_")
        assert (teacher_head["backbone"], teacher_head["crops"]) == (settings.backbone, settings.crops)
        assert content["crops"][settings.crops]["faces"] == settings.faces
    for name, raw in content["runs"].items():
        if settings := content["pseudo_labels"].get(raw["train"]):
            if settings.get("source") != "true":
                chained(name, raw["seeds"], content["heads"][settings["head"].removeprefix("head_")]["seeds"])
            assert raw["labels"] == content["crops"][settings["crops"]]["vocabulary"], name
    settings = parse(content["fewshot"], fewshot.Config, "fewshot")
    assert {*settings.contestants} <= {*content["contestants"]}
    assert {*settings.students.values()} <= {*content["pseudo_labels"]}
    for name, labels in settings.students.items():
        run = content["contestants"][name]["run"]
        assert content["runs"][run]["train"] == labels and settings.networks[name] == run, name
    timed = parse(content["speed"], speed.Config, "speed")
    assert {*timed.students} <= {*content["runs"]}
    datasets = {*content["scored"]} & {*content["frames"]}
    assert timed.contestants.dataset in datasets if timed.contestants else not datasets


def test_files_that_contestants_name_are_in_their_bundles(path, content):
    for name, raw in (content["contestants"] | content["backbones"]).items():
        if raw.get("weights") in content["weights"]:
            manifest = ROOT / content["weights"][raw["weights"]]["manifest"]
            held = {entry["name"] for entry in yaml.safe_load(manifest.read_text(encoding="utf-8"))["files"]}
            assert {raw[key] for key in ("pose", "detector", "file") if "." in str(raw.get(key))} <= held, name


def test_descriptions_tell_what_each_stage_is_for():
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for name, stage in content["stages"].items():
        assert (stage.get("do") or stage).get("desc"), name
