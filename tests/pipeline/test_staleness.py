"""Which stages an edit makes stale, read off the graph; test_smoke.py sees the same happen for real."""

from pathlib import Path

import pytest

# Recipes that the default profile runs; whatever a score depends on concerns each of their contestants.
LEARNED = {"pretrain", "supervised", "ktl", "kd", "mcl"}
STUDENTS = {"student-adapted", "student-supervised"}
EVALUATIONS = {"evaluate", *(f"evaluate-{kind}" for kind in (*LEARNED, "zeroshot", "cascade"))}
# Tables made of scores; they read the landmarks too.
READERS = {"report", "bakeoff"}
PAGES = READERS | {"finetune"}


def touched(stages, path: str) -> set[str]:
    """Return the stages whose own dependencies contain a path."""
    target = Path(path)
    return {s.name for s in stages.values() if any(target == Path(d) or Path(d) in target.parents for d in s.deps)}


def kinds(names: set[str]) -> set[str]:
    return {name.split("@")[0] for name in names}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/thermark/learn/objectives/simcc.py", LEARNED | STUDENTS),
        ("src/thermark/learn/recipes/mcl.py", {"mcl"}),
        ("src/thermark/learn/supervision.py", {"pretrain", "supervised"} | STUDENTS),
        ("src/thermark/learn/distillation/terms.py", {"ktl", "kd", "mcl"}),
        ("src/thermark/imported/convert.py", set()),
        ("src/thermark/learn/objectives/new.py", set()),
        ("src/thermark/learn/recipes/new.py", set()),
        ("src/thermark/predictors/new.py", set()),
        ("src/thermark/predictors/mean_shape.py", {"predict"}),
        ("src/thermark/datasets/new.py", set()),
        ("src/thermark/metrics/pck.py", EVALUATIONS | {"mlcmkd", "finetune"}),
        ("src/thermark/report/tables.py", PAGES),
        ("src/thermark/predictors/vitpose.py", {"zeroshot"}),
        ("src/thermark/predictors/cascade.py", {"cascade"}),
        ("src/thermark/taught.py", {"taught"}),
        ("src/thermark/speed.py", set()),
        ("src/thermark/heads/decode.py", {"head", "taught", "cascade"}),
        ("src/thermark/heads/features.py", {"features", "head", "taught", "cascade"}),
        ("src/thermark/backbones/vitpose.py", {"cascade"}),
        ("src/thermark/finetune/tables.py", {"finetune"}),
        ("src/thermark/calibration/calibrate.py", set()),
        ("src/thermark/bakeoff/tone.py", {"bakeoff"}),
        ("src/thermark/assets/wheel.py", set()),
        ("src/thermark/cli.py", set()),
        ("README.md", set()),
        ("requirements.txt", {"env"}),
    ],
)
def test_an_edit_stales_only_what_it_must(stages, path, expected):
    assert kinds(touched(stages, path)) <= expected | (READERS if "metrics/" in path else set())
    if expected:
        assert kinds(touched(stages, path)) >= expected


def test_an_objective_stales_only_the_runs_that_name_it(stages):
    runs = touched(stages, "src/thermark/learn/objectives/simcc.py")
    for name in runs:
        assert "learn/objectives/simcc.py" in " ".join(stages[name].deps)
    assert kinds(runs) == LEARNED | STUDENTS


@pytest.mark.parametrize("name", ["facesynthetics", "tfake", "charlotte", "thermeval", "w300", "coco_wholebody"])
def test_a_loader_stales_its_own_preparation_alone(stages, name):
    """Nothing is stale where the profile has no such set."""
    more = {"thermeval": {"prepare@thermeval_person", "crops@persons"}, "tfake": {"crops@faces"}}
    own = {f"prepare@{name}", f"frames@{name}"} | more.get(name, set())
    assert touched(stages, f"src/thermark/datasets/{name}.py") == own & stages.keys()


def test_the_default_profile_prepares_sets(stages):
    assert {"prepare@facesynthetics", "prepare@tfake", "prepare@charlotte", "prepare@thermeval"} <= stages.keys()


@pytest.mark.parametrize(
    "path", ["new.yaml", "bridges/facesynthetics70/nose1.yaml", "bridges/ibug68/nose1.yaml", "charlotte73.yaml"]
)
def test_another_landmark_mapping_reruns_scores_and_no_model(stages, path):
    again = (
        {"student-adapted"} if path == "bridges/ibug68/nose1.yaml" else set()
    )  # a nose begins as the mean of its points
    assert kinds(touched(stages, f"src/thermark/landmarks/{path}")) == EVALUATIONS | READERS | again


def test_the_mapping_of_the_labels_reruns_the_training_that_reads_it(stages):
    stale = kinds(touched(stages, "src/thermark/landmarks/bridges/facesynthetics70/ibug68.yaml"))
    assert stale == LEARNED | EVALUATIONS | READERS


def test_a_student_waits_for_its_teacher_and_for_nobody_else(stages):
    assert {d for d in stages["mcl@st"].deps if d.startswith("data/models")} == {"data/models/ktl_s"}
    assert {d for d in stages["ktl@s"].deps if d.startswith("data/models")} == {"data/models/pretrain_s"}
    assert not [d for d in stages["supervised@t"].deps if d.startswith("data/models")]
