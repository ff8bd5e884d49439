"""The real pipeline in miniature, in a copy of the tree: run, repeat, edit, kill, experiment."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

import checkout
import offline
from damages import DAMAGE, damaged

ROOT = checkout.ROOT
pytestmark = pytest.mark.slow


def run(tree: Path, *command: str, check: bool = True) -> str:
    """Run a command in the tree as the Makefile would, with this Python's environment first on the path."""
    done = checkout.completed(tree, environment(tree), *command, check=check)
    return done.stdout + done.stderr


def environment(tree: Path) -> dict[str, str]:
    """Return the variables of a shell in the tree, with a Python that cannot leave this machine."""
    return checkout.environment("src", guarded(tree))


def guarded(tree: Path) -> Path:
    return tree.parent / "guard"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Return a git checkout of the files git knows (or would), on the smoke profile, after one `dvc repro`."""
    tree = tmp_path_factory.mktemp("smoke") / "a tree with blanks"
    offline.guard(guarded(tree))
    checkout.copy_tracked(tree)
    for folder in ("metrics", "plots"):
        shutil.rmtree(tree / folder, ignore_errors=True)
    # Times are measured by hand, and stay.
    (tree / "metrics").mkdir()
    shutil.copyfile(ROOT / "metrics/speed.json", tree / "metrics/speed.json")
    run(tree, sys.executable, "-m", "thermark.cli", "profile", "smoke")
    run(tree, "git", "init", "-q")
    commit(tree, "start")
    run(tree, "dvc", "repro")
    commit(tree, "first run")
    return tree


def commit(tree: Path, message: str) -> None:
    run(tree, "git", "add", "-A")
    identity = ("-c", "user.name=smoke", "-c", "user.email=smoke@example.org")
    run(tree, "git", *identity, "commit", "-qm", message)


def staged(tree: Path, stage: str, **options: str) -> None:
    """Run a stage's own command as dvc.lock has it, other values for some `options`; DVC takes no note of it.

    DVC takes as long to start as many a stage does to run, and hashes all that comes out.
    """
    command = yaml.safe_load((tree / "dvc.lock").read_text())["stages"][stage]["cmd"]
    more = (word for name, value in options.items() for word in (f"--{name}", value))
    run(tree, "sh", "-c", " ".join([command, *map(shlex.quote, more)]))


def stale(tree: Path) -> set[str]:
    """Return the stages that would run, once `env` has looked at the code: it alone reads the sources."""
    staged(tree, "env")
    status = json.loads(run(tree, "dvc", "status", "--json").splitlines()[-1])
    # It is stale in the eyes of DVC, which has not seen it run.
    return {name.rsplit(":", 1)[-1] for name in status} - {"env"}


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """Replace a text in a file for a while."""
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(before)


def scores(tree: Path) -> dict[str, str]:
    return {str(p.relative_to(tree)): p.read_text() for p in sorted((tree / "metrics").rglob("*.json"))}


def compared(tree: Path) -> tuple[int, str]:
    """Return what the gate says of the tree's results against those in git, and its exit code."""
    command = [sys.executable, "-m", "thermark.cli", "compare", str(ROOT / "tests/golden/smoke")]
    done = checkout.completed(tree, environment(tree), *command, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_results_are_those_in_git(tree):
    code, output = compared(tree)
    assert code == 0, f"{output}\nif they should move: `make smoke-baseline`, and a sentence in CHANGELOG.md"


def predict_learned(tree: Path) -> None:
    """Predict anew with the family `learned`, where the damage is; a head takes longest and does not run it."""
    params = yaml.safe_load((tree / "params.yaml").read_text())
    params["damaged"] = {
        name: section for name, section in params["contestants"].items() if section["family"] == "learned"
    }
    (tree / "params.yaml").write_text(yaml.safe_dump(params))
    staged(tree, "predict", contestants="damaged", listed="damaged.yaml", out="damaged")
    shutil.copytree(tree / "damaged", tree / "data/predictions", dirs_exist_ok=True)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_turns_the_gate_red(tree, tmp_path, damage):
    name, old, new = DAMAGE[damage]
    other = tmp_path / "a tree with blanks"
    shutil.copytree(tree, other, symlinks=True, ignore=shutil.ignore_patterns(".dvc", ".git", "raw"))
    with edited(other / "src/thermark" / name, old, damaged(old, new)):
        if not name.startswith("report/"):
            predict_learned(other)
            staged(other, "evaluate")
        staged(other, "results")
        code, output = compared(other)
    assert code == (2 if damage == "a doubled subject" else 1), output


def test_every_promised_file_is_there(tree):
    assert (tree / "metrics/leaderboard.md").stat().st_size > 500
    learned = ("pretrain_s", "supervised_t", "ktl_s", "mcl_st")
    zeroshot = ("teacher_rtmlib", "face_landmarker", "head_teacher", "nose_frame")
    summaries = {path.stem: json.loads(path.read_text()) for path in (tree / "metrics/summary").glob("*.json")}
    assert {"mean_shape", *learned} <= set(summaries) and "face_landmarker" not in summaries
    assert {"tfake", "charlotte", "missed"} <= set(summaries["ktl_s"])
    for name in ("mean_shape", *learned, *zeroshot):
        names = {p.stem for p in (tree / "metrics/scores" / name).glob("*.json")}
        assert names == {"facesynthetics", "tfake", "charlotte", "thermeval"}, name
    assert (tree / "metrics/distillation.md").stat().st_size > 500
    assert "face_landmarker" in (tree / "metrics/zeroshot.md").read_text()
    for name, status in (("teacher_rtmlib", "ok"), ("head_teacher", "ok"), ("face_landmarker", "skipped")):
        score = json.loads((tree / f"metrics/scores/{name}/thermeval.json").read_text())
        assert score["status"] == status, name
    # Whether so weak a head leaves a label depends on chance: it is a row either way.
    score = json.loads((tree / "metrics/scores/nose_frame/thermeval.json").read_text())
    assert score["status"] == "ok" or "head_teacher" in score["reason"]
    assert set(json.loads((tree / "metrics/stability.json").read_text())) >= {"ktl_s"}
    numbers = json.loads((tree / "metrics/heads/teacher_nostrils.json").read_text())
    assert (numbers["status"], numbers["points"], set(numbers["budget"])) == ("ok", 2, {"5", "all"})
    assert "How few labels are enough" in (tree / "metrics/fewshot.md").read_text()
    drawn = ("figures/ced_tfake.svg", "figures/training.svg", "figures/gallery_tfake.png", "contact/tfake.png")
    for name in ("curves/ced.csv", "curves/training.csv", *drawn):
        assert (tree / "plots" / name).stat().st_size > 100, name
    table = json.loads((tree / "metrics/scores/mcl_st/tfake.json").read_text())
    assert table["missed"] == 0 and 0 < table["nme_io"] < 10 and table["faces"] > 10 and table["seeds"] == 2


def test_nobody_left_this_machine(tree):
    """Neither a stage, nor a process of its own, nor DVC; and the guard was there to see it."""
    watched = (guarded(tree) / "left.log.guarded").read_text()
    for one in (
        "dvc repro",
        *(f"stages/{name}.py" for name in ("render", "prepare", "train", "predict", "head")),
    ):
        assert one in watched, one
    assert not (guarded(tree) / "left.log").exists(), (guarded(tree) / "left.log").read_text()


def test_a_student_was_taught_by_the_seed_of_its_own(tree):
    cards = [json.loads((tree / f"data/models/mcl_st/seed{seed}/model.json").read_text()) for seed in (0, 1)]
    teachers = [(card["seed"], card["teacher"], card["start"]) for card in cards]
    assert teachers == [(0, "ktl_s", ""), (1, "ktl_s", "")]
    table = list(csv.DictReader((tree / "plots/training/mcl_st.csv").open()))
    assert [(row["seed"], row["epoch"]) for row in table] == [("0", "1"), ("0", "2"), ("1", "1"), ("1", "2")]
    assert {"kp", "fm", "lg", "grad_norm", "val_nme"} <= table[0].keys() and "ri" not in table[0]


def test_a_second_run_has_nothing_to_do(tree):
    assert stale(tree) == set()
    assert "Data and pipelines are up to date." in run(tree, "dvc", "repro")


def test_numbers_and_plots_work_as_dvc_users_expect(tree):
    metrics = json.loads(run(tree, "dvc", "metrics", "show", "--json"))[""]["data"]
    assert "nme_io" in metrics["metrics/summary/supervised_t.json"]["data"]["tfake"]
    table = run(tree, "dvc", "metrics", "show").splitlines()
    assert max(map(len, table)) <= 160 and len(table) <= 60
    page = run(tree, "dvc", "plots", "show", "-o", "page")
    assert "index.html" in page
    html = (tree / "page/index.html").read_text()
    assert "vega" in html and "cdn.jsdelivr" not in html and 'src="http' not in html
    shutil.rmtree(tree / "page")


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        (
            "train/losses/simcc.py",
            ("return", "return 1.0 *"),
            {"pretrain_s", "supervised_t", "ktl_s", "mcl_st", "student_t"},
        ),
        ("train/recipes/mcl.py", ('"mcl"', '"mc" "lx"[:1]'), {"mcl_st"}),
    ],
)
def test_an_edit_retrains_who_uses_it(tree, path, change, expected):
    with edited(tree / "src/thermark" / path, *change):
        assert stale(tree) == {f"train@{name}" for name in expected}


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("report/notices.py", ("\nPROMPTS", "\nNOTHING = 0\nPROMPTS"), {"leaderboard", "zeroshot", "fewshot"}),
        ("models/rtmlib.py", ("\nfrom ", "\nNOTHING = 0\nfrom "), {"predict"}),
        ("fewshot/scoring.py", ("\nfrom ", "\nNOTHING = 0\nfrom "), {"head@teacher", "head@teacher_nostrils"}),
        ("datasets/charlotte.py", ("\nfrom ", "\nNOTHING = 0\nfrom "), {"prepare@charlotte", "frames@charlotte"}),
        ("metrics/auc.py", ("\nimport ", "\nNOTHING = 0\nimport "), {"evaluate"}),
    ],
)
def test_an_edit_stales_what_it_must_and_nothing_dear(tree, path, change, expected):
    with edited(tree / "src/thermark" / path, *change):
        pages = {"results", "reference", "leaderboard", "zeroshot", "fewshot", "distillation", "page"}
        pages |= {"pseudo_labels@noses_of_head"}
        stages = stale(tree)
        assert expected <= stages <= expected | pages


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("src/thermark/core/errors.py", '"""', '"""A changed docstring. '),
        ("src/thermark/train/loop.py", "\nfrom ", "\n# a comment\nfrom "),
        ("src/thermark/landmarks/ibug68.yaml", "", "# a comment\n"),
        ("README.md", "", "note\n"),
    ],
)
def test_words_rerun_nothing(tree, path, old, new):
    """Nor does what was edited above, and is as it was."""
    with edited(tree / path, old, new):
        assert stale(tree) == set()


def test_a_new_contestant_costs_only_itself(tree):
    """Of all predictions and scores, those of the others are not even written again."""
    kept = {path: path.stat().st_mtime_ns for path in (tree / "data/predictions").rglob("*.npz")}
    scored = {path: path.stat().st_mtime_ns for path in (tree / "metrics/details").rglob("*.json")}
    new = "contestants:\n  mean_of_colour: {family: mean_shape, train: facesynthetics}"
    with edited(tree / "params.yaml", "contestants:", new):
        run(tree, "dvc", "repro", "evaluate")
        assert (tree / "metrics/summary/mean_of_colour.json").is_file()
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert {path: path.stat().st_mtime_ns for path in scored} == scored
    run(tree, "dvc", "repro")
    assert not (tree / "metrics/summary/mean_of_colour.json").exists()


def test_a_killed_training_goes_on_to_the_same_numbers(tree):
    before = scores(tree)
    model = (tree / "data/models/ktl_s/seed1/model.safetensors").read_bytes()
    child = subprocess.Popen(
        ["dvc", "repro", "-f", "-s", "train@ktl_s"],
        cwd=tree,
        env=environment(tree),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Killed as soon as a finished epoch is on disk; the best weights are there a moment earlier.
    deadline = time.monotonic() + 120
    while not list((tree / "data/checkpoints").rglob("last.safetensors")):
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tree / "data/models/ktl_s/seed1/model.safetensors").exists()
    assert re.search(r"train ktl_s-seed[01]: goes on after epoch", run(tree, "dvc", "repro"))
    assert (tree / "data/models/ktl_s/seed1/model.safetensors").read_bytes() == model
    assert scores(tree) == before


def test_an_experiment_is_a_second_row(tree):
    # As far as the numbers that are compared; pages are drawn after a plain run above.
    run(tree, "dvc", "exp", "run", "-n", "one-epoch", "-S", "runs.supervised_t.epochs=1", "evaluate")
    rows = list(csv.DictReader(io.StringIO(run(tree, "dvc", "exp", "show", "--csv"))))
    names = {row["Experiment"] for row in rows}
    assert "one-epoch" in names
    column = "metrics/summary/supervised_t.json:tfake.nme_io"
    assert len({row[column] for row in rows if row[column]}) == 2
    changed = json.loads(run(tree, "dvc", "metrics", "diff", "HEAD", "--json"))
    assert set(changed) == {"metrics/summary/supervised_t.json"}
    assert changed["metrics/summary/supervised_t.json"]["tfake.nme_io"]["diff"] != 0
    only = run(tree, "dvc", "exp", "show", "--only-changed", "--csv").splitlines()[0].split(",")
    assert len(only) <= 60


def test_a_typo_ends_before_any_work(tree):
    path = tree / "params.yaml"
    before = path.read_text()
    path.write_text(before.replace("epochs: ", "epoch: "))
    try:
        output = run(tree, "dvc", "repro", "train@supervised_t", check=False)
        assert "error: runs.supervised_t.epoch" in output and "did you mean `epochs`?" in output
    finally:
        path.write_text(before)
