"""Which stages an edit makes stale, read off the graph; test_smoke.py sees the same happen for real."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a score depends on concerns who scores, and who reads scores.
PAGES = {"leaderboard", "zeroshot", "fewshot", "distillation"}


@pytest.fixture(scope="session")
def touched(stages, closures):
    """Return what maps a path to the stages that depend on it, as a file or through the hash of their code."""

    def of(path: str) -> set[str]:
        target = ROOT / path
        keys = {key for key, files in closures.items() if target in files}
        coded = {
            stage.name
            for stage in stages.values()
            if any(f"{key}.".startswith(f"{name}.") for name in stage.code for key in keys)
        }
        files = {
            stage.name
            for stage in stages.values()
            if stage.name != "env" and any(target == ROOT / d or ROOT / d in target.parents for d in stage.deps)
        }
        return coded | files

    return of


def kinds(names: set[str]) -> set[str]:
    return {name.split("@")[0] for name in names}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/thermark/train/losses/simcc.py", {"train"}),
        ("src/thermark/train/recipes/mcl.py", {"train"}),
        ("src/thermark/train/supervision.py", {"train"}),
        ("src/thermark/train/distillation/terms.py", {"train"}),
        ("src/thermark/convert/convert.py", set()),
        ("src/thermark/models/mean_shape.py", {"predict", "results"}),
        ("src/thermark/models/vitpose.py", {"predict", "results"}),
        ("src/thermark/models/cascade.py", {"predict", "results"}),
        ("src/thermark/metrics/auc.py", {"evaluate", "results", "page"} | PAGES),
        ("src/thermark/report/leaderboard/board_tables.py", {"leaderboard"}),
        ("src/thermark/report/leaderboard/templates/leaderboard.md", {"leaderboard"}),
        ("src/thermark/report/notices.py", PAGES - {"distillation"} | {"page"}),
        ("src/thermark/fewshot/pseudo_labels.py", {"pseudo_labels"}),
        ("src/thermark/report/speed/networks.py", set()),
        ("src/thermark/fewshot/scoring.py", {"head", "pseudo_labels"}),
        ("src/thermark/fewshot/features.py", {"features", "head", "pseudo_labels"}),
        ("src/thermark/fewshot/backbones/vitpose.py", {"predict", "results"}),
        ("src/thermark/report/fewshot/head_tables.py", {"fewshot"}),
        ("src/thermark/report/zeroshot/polarity.py", {"zeroshot"}),
        ("src/thermark/report/zeroshot/templates/page.md", {"zeroshot"}),
        ("src/thermark/report/page/figures/cost.py", {"page"}),
        ("src/thermark/report/page/style.css", {"page"}),
        ("src/thermark/report/page/vendor/sortable.js", {"page"}),
        ("src/thermark/report/fewshot/templates/page.md", {"fewshot"}),
        ("src/thermark/report/distillation/templates/page.md", {"distillation"}),
        ("src/thermark/core/templates.py", PAGES | {"page"}),
        ("src/thermark/calibrate/calibrate.py", set()),
        ("src/thermark/download/packages.py", set()),
        ("src/thermark/download/fetch.py", set()),
        ("src/thermark/cli.py", set()),
        ("src/thermark/core/profiles.py", set()),
        ("README.md", set()),
        ("requirements.txt", set()),
    ],
)
def test_an_edit_stales_only_what_it_must(touched, path, expected):
    assert (ROOT / path).is_file()
    stale = kinds(touched(path))
    assert stale == expected or (path.startswith("src/thermark/metrics/") and {"evaluate"} <= stale <= expected)


def test_of_the_runs_only_those_that_use_the_code(touched):
    recipes = {"pretrain_s", "supervised_t", "ktl_s", "mcl_st", "kd_st"}
    students = {"student_t"}
    assert touched("src/thermark/train/recipes/mcl.py") == {"train@mcl_st"}
    distilled = {f"train@{name}" for name in ("ktl_s", "mcl_st", "kd_st")}
    assert touched("src/thermark/train/distillation/terms.py") == distilled
    assert (
        touched("src/thermark/train/supervision.py")
        == {f"train@{name}" for name in recipes | students} - distilled
    )
    assert touched("src/thermark/train/losses/simcc.py") == {f"train@{name}" for name in recipes | students}


@pytest.mark.parametrize("name", ["facesynthetics", "tfake", "charlotte", "thermeval", "w300", "coco_wholebody"])
def test_a_loader_stales_its_own_preparation_alone(stages, touched, name):
    """Nothing is stale where the profile has no such set."""
    more = {"thermeval": {"prepare@thermeval_person", "crops@persons"}}
    expected = {f"prepare@{name}", f"frames@{name}"} | more.get(name, set())
    assert touched(f"src/thermark/datasets/{name}.py") == expected & stages.keys()


@pytest.mark.parametrize("path", ["bridges/facesynthetics70/nostrils2.yaml", "bridges/sapiens308/nose1.yaml"])
def test_another_landmark_mapping_reruns_scores_and_no_model(touched, path):
    assert kinds(touched(f"src/thermark/landmarks/{path}")) == {"evaluate", "results", "leaderboard", "zeroshot"}


def test_another_vocabulary_reruns_no_training(touched):
    assert kinds(touched("src/thermark/landmarks/charlotte73.yaml")) <= {
        "evaluate", "results", "predict", "prepare", "frames", "page", *PAGES}  # fmt: skip


def test_the_mapping_of_the_labels_reruns_the_training_that_reads_it(touched):
    stale = touched("src/thermark/landmarks/bridges/facesynthetics70/ibug68.yaml")
    trained = {name for name in stale if name.startswith("train@")}
    assert trained == {f"train@{name}" for name in ("pretrain_s", "supervised_t", "ktl_s", "mcl_st", "kd_st")}
    # A nose begins as the mean of its points.
    turned = touched("src/thermark/landmarks/bridges/ibug68/nose1.yaml")
    assert {name for name in turned if name.startswith("train@")} == {"train@student_t"}


def test_a_student_waits_for_its_teacher_and_for_nobody_else(stages):
    def teachers(name: str) -> set[str]:
        return {dep for dep in stages[name].deps if dep.startswith("data/models")}

    assert teachers("train@mcl_st") == {"data/models/ktl_s"}
    assert teachers("train@ktl_s") == {"data/models/pretrain_s"}
    assert teachers("train@supervised_t") == {"data/models/none"}


def test_the_default_prepares_its_sets_in_few_stages(stages):
    assert {"prepare@facesynthetics", "prepare@tfake", "prepare@charlotte", "prepare@thermeval"} <= stages.keys()
    assert len(stages) <= 60


def test_what_a_page_reads_is_declared(stages):
    """Every path that a command names is a dependency, an output, or a table that is in git."""
    for stage in stages.values():
        options = stage.cmd.split()
        named = {word for word in options if word.startswith(("data/", "metrics/", "plots/"))}
        declared = {*stage.deps, *stage.outs}
        scratch = {"data/checkpoints", "data/shards", "data/licences"}
        for path in named:
            inside = any(path == d or path.startswith(f"{d}/") or d.startswith(f"{path}/") for d in declared)
            assert inside or any(path.startswith(each) for each in scratch), (stage.name, path)


def test_no_stage_is_named_in_the_package(stages):
    """A remedy that names a stage is wrong as soon as the graph changes."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not [name for name in stages if f"dvc repro {name}" in text or ("@" in name and name in text)], path
        assert "dvc.yaml:" not in text, path
