"""The recipes on drawn twins: what they refuse, start from and leave behind, and that they learn."""

import csv
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import drawn_faces
import tiny_runs
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError, ThermarkError
from thermark.nets import card
from thermark.train import loop, run
from thermark.train.checkpoint import Progress
from thermark.train.distillation import training
from thermark.train.recipes import kd, ktl, mcl, pretrain, supervised, tuned

MODULES = {"supervised": supervised, "pretrain": pretrain, "tuned": tuned, "ktl": ktl, "kd": kd, "mcl": mcl}
TERMS = ("kp", "fm", "lg", "ri", "fi")


def config_of(recipe: str, **changed) -> run.Run:
    return parse(tiny_runs.section(recipe, **changed), MODULES[recipe].Config, f"runs.{recipe}.x")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tiny_runs.write(tmp_path_factory.mktemp("recipes"))


def train(root: Path, state: Path, recipe: str, seed: int = 0, **changed) -> run.Finished:
    config = config_of(recipe, **changed)
    return MODULES[recipe].train(config, seed, root / "faces", root / "models", state)


def refusal(kind: type[ThermarkError], *arguments, **changed) -> str:
    """Return the cause with which a run is refused, having checked its form and that nothing was left behind."""
    with pytest.raises(kind) as caught:
        train(*arguments, **changed)
    error = caught.value
    assert error.code == {ConfigError: 2, DataError: 3}[kind]
    for line in (error.cause, error.remedy):
        assert line and "\n" not in line
    assert error.remedy[0].islower()
    assert not list(arguments[1].glob("*"))
    return error.cause


# Settings, teachers and data that cannot be.


REFUSED = [
    ("ktl", 0, {"teacher": "nobody"}, DataError, "there is no teacher nobody"),
    ("ktl", 2, {}, DataError, "rgb_t has seed0, seed1, but no seed 2"),
    ("ktl", 0, {"teacher": "thermal_t"}, ConfigError, "images and would be shown"),
    ("kd", 0, {"teacher": "thermal_t"}, ConfigError, "images and would be shown"),
    ("kd", 0, {"teacher_data": "thermal"}, ConfigError, "images and would be shown"),
    ("mcl", 0, {"teacher": "rgb_t"}, ConfigError, "images and would be shown"),
    (
        "ktl",
        0,
        {"teacher": "rgb_s", "start": "teacher"},
        ConfigError,
        "size t cannot start from rgb_s, which is of",
    ),
    ("tuned", 0, {"teacher": "rgb_s"}, ConfigError, "size t cannot start from rgb_s, which is of"),
    ("tuned", 0, {"teacher_data": "rgb"}, ConfigError, "but `teacher_data` is rgb"),
    ("mcl", 0, {"teacher_data": "rgb"}, ConfigError, "but `teacher_data` is rgb"),
    ("ktl", 0, {"teacher_data": "thermal"}, ConfigError, "both `train` and `teacher_data` are thermal"),
    ("supervised", 0, {"train": "nowhere"}, DataError, "the face set nowhere is not prepared"),
    ("pretrain", 0, {"extra_data": "nowhere"}, DataError, "the face set nowhere is not prepared"),
    ("ktl", 0, {"teacher_data": "nowhere"}, DataError, "the face set nowhere is not prepared"),
]


@pytest.mark.parametrize(("recipe", "seed", "changed", "kind", "cause"), REFUSED)
def test_settings_that_do_not_fit_what_is_there_are_refused(root, tmp_path, recipe, seed, changed, kind, cause):
    assert cause in refusal(kind, root, tmp_path, recipe, seed, **changed)


@pytest.mark.parametrize(
    ("recipe", "changed", "words"),
    [
        (
            "tuned",
            {"points": 70, "vocabulary": "facesynthetics70"},
            ["70 points (facesynthetics70)", "68 (ibug68)"],
        ),
        ("ktl", {"vocabulary": "other68"}, ["68 points (other68)", "68 (ibug68)"]),
        ("ktl", {"input_size": 96}, ["1.25 x the prompt at 96 px", "1.25 x at 64 px"]),
        ("ktl", {"padding": 1.5}, ["1.5 x the prompt at 64 px", "1.25 x at 64 px"]),
    ],
    ids=["points", "vocabulary", "input size", "padding"],
)
def test_a_teacher_of_something_else_is_refused(root, tmp_path, recipe, changed, words):
    (tmp_path / "faces").symlink_to(root / "faces")
    tiny_runs.teach(tmp_path / "models", "rgb_t", 0, **changed)
    cause = refusal(DataError, tmp_path, tmp_path / "state", recipe)
    assert cause.startswith("rgb_t ") and all(word in cause for word in words)


def rewritten(change):
    def spoil(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        change(state)
        save_file(state, folder / "model.safetensors")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (rewritten(lambda state: state.pop("head.mlp.0.g")), "head.mlp.0.g is missing"),
        (rewritten(lambda state: state.update(more=torch.ones(1))), "more is unexpected"),
        (
            rewritten(lambda state: state.update({"head.cls_x.weight": torch.zeros(130, 256)})),
            "head.cls_x.weight is [130, 256], not [128, 256]",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot read"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x40" * 100), "cannot read"),
        (lambda folder: (folder / "model.json").unlink(), "holds no model.json"),
        *(
            (lambda folder, text=text: (folder / "model.json").write_text(text), "model.json is damaged")
            for text in ('{"size": ', "[]", '{"size": "t"}')
        ),
    ],
)
def test_a_damaged_teacher_is_refused(root, tmp_path, spoil, words):
    (tmp_path / "faces").symlink_to(root / "faces")
    spoil(tiny_runs.untrained(tmp_path / "models/rgb_t/seed0"))
    assert words in refusal(DataError, tmp_path, tmp_path / "state", "ktl")


def without(root: Path, folder: Path, name: str, keep) -> Path:
    """Return `folder` with the sets of `root`, the rows of one of them thinned out."""
    (folder / "models").symlink_to(root / "models")
    (folder / "faces" / name).mkdir(parents=True)
    (other,) = {"rgb", "thermal"} - {name}
    (folder / "faces" / other).symlink_to(root / "faces" / other)
    source, target = root / "faces" / name, folder / "faces" / name
    with np.load(source / "faces.npz") as stored:
        columns = dict(stored)
    rows = np.array([keep(str(i), str(s)) for i, s in zip(columns["ids"], columns["splits"], strict=True)])
    np.savez(target / "faces.npz", **{key: value[rows] for key, value in columns.items()})
    np.save(target / "pixels.npy", np.load(source / "pixels.npy")[rows])
    with np.load(source / "crops.npz") as stored:
        np.savez(target / "crops.npz", to_source=stored["to_source"][rows], padding=stored["padding"])
    return folder


@pytest.mark.parametrize(("recipe", "empty"), [("supervised", "train"), ("supervised", "val"), ("ktl", "train")])
def test_an_empty_split_is_refused(root, tmp_path, recipe, empty):
    folder = without(root, tmp_path, "thermal", lambda name, split: split != empty)
    cause = refusal(DataError, folder, tmp_path / "state", recipe)
    assert cause == f"no labelled {empty} face of thermal can be read as ibug68"


@pytest.mark.parametrize(
    ("recipe", "lambdas"),
    [
        ("kd", {"ri": 1e-3}),
        ("kd", {"fi": 1e-3}),
        ("mcl", {"ri": 1e-3}),
        ("mcl", {"fi": 1e-3}),
        *(("tuned", {name: 1e-3}) for name in TERMS[1:]),
        ("tuned", {"kp": 0.0}),
        *(("ktl", {name: value}) for name in TERMS for value in (-1e-3, "1", float("inf"), None)),
        *((recipe, dict.fromkeys(TERMS, 0.0)) for recipe in ("ktl", "kd", "mcl", "tuned")),
        ("ktl", {"dikd": 1.0}),
    ],
)
def test_weights_that_make_no_sense_are_config_errors(recipe, lambdas):
    with pytest.raises(ConfigError, match=rf"runs\.{recipe}\.x\.lambdas") as caught:
        config_of(recipe, lambdas=lambdas)
    assert "\n" not in caught.value.cause
    if set(lambdas.values()) == {0.0} and len(lambdas) > 1 and recipe != "tuned":
        assert "every lambda is 0" in caught.value.cause


def test_weights_are_those_of_the_paper_unless_said_otherwise():
    published = {"kp": 0.1, "fm": 1e-3, "lg": 1e-3, "ri": 1e-3, "fi": 1e-3}
    assert config_of("ktl").lambdas.model_dump() == published
    # Of the injections one is switched off alone, and a whole number is a weight.
    assert config_of("ktl", lambdas={"ri": 0}).lambdas.model_dump() == published | {"ri": 0.0}
    for recipe in ("kd", "mcl"):
        plain = published | {"ri": 0.0, "fi": 0.0}
        assert config_of(recipe).lambdas.model_dump() == plain
        assert config_of(recipe, lambdas={"lg": 0}).lambdas.model_dump() == plain | {"lg": 0.0}
    assert config_of("tuned").lambdas.model_dump() == dict.fromkeys(TERMS, 0.0) | {"kp": 0.1}
    assert (config_of("ktl").alpha, config_of("ktl").start, config_of("tuned").start) == (1.0, "auto", "teacher")


@pytest.mark.parametrize(
    "changed",
    [
        *({name: "other"} for name in ("start", "reading", "ri_target", "inject_at", "fm_reduction", "label")),
        *({"alpha": value} for value in (-1, float("nan"), "1")),
        {"teacher": 3},
    ],
    ids=json.dumps,
)
def test_options_that_do_not_exist_are_config_errors(changed):
    with pytest.raises(ConfigError, match=rf"runs\.ktl\.x\.{next(iter(changed))}"):
        config_of("ktl", **changed)


def test_a_term_that_is_not_finite_is_named_and_the_last_good_state_kept(root, tmp_path, monkeypatch):
    weighted = training.weighted

    def broken(pupil, teacher, batch, epoch, *more):
        terms = weighted(pupil, teacher, batch, epoch, *more)
        return terms | {"lg": terms["lg"] * (float("nan") if epoch == 1 else 1.0)}

    with monkeypatch.context() as patched, pytest.raises(DataError) as caught:
        patched.setattr(training, "weighted", broken)
        train(root, tmp_path / "state", "ktl")
    assert caught.value.cause == "the loss term lg is not finite in epoch 2, step 3"
    stored = load_file(tmp_path / "state" / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in stored.values())
    # Of the first epoch and its two steps: what a mended run goes on from.
    with safe_open(tmp_path / "state" / "last.safetensors", "pt") as file:
        progress = json.loads(file.metadata()["progress"])
    assert (progress["epoch"], progress["step"], len(progress["history"])) == (1, 2, 1)


# What a student starts from.


class Begun(Exception):
    """Training would begin, with this model."""


def first(root: Path, state: Path, monkeypatch, recipe: str, seed: int = 0, **changed) -> dict[str, torch.Tensor]:
    """Return the weights of a pupil before its first step."""

    def stop(model, *more):
        raise Begun({name: tensor.clone() for name, tensor in model.state_dict().items()})

    with monkeypatch.context() as patched, pytest.raises(Begun) as caught:
        patched.setattr(loop, "fit", stop)
        train(root, state, recipe, seed, **changed)
    return caught.value.args[0]


def stored(root: Path, name: str, seed: int = 0) -> dict[str, torch.Tensor]:
    return load_file(root / "models" / name / f"seed{seed}" / "model.safetensors")


def equal(pupil: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]) -> bool:
    student = {
        name.removeprefix("student."): tensor for name, tensor in pupil.items() if name.startswith("student.")
    }
    assert student.keys() == weights.keys()
    return all(torch.equal(tensor, weights[name]) for name, tensor in student.items())


@pytest.mark.parametrize(
    ("recipe", "changed", "source"),
    [
        ("ktl", {}, "rgb_t"),
        ("ktl", {"start": "teacher"}, "rgb_t"),
        ("ktl", {"start": "random"}, ""),
        ("ktl", {"teacher": "rgb_s"}, ""),
        ("kd", {}, "rgb_t"),
        ("mcl", {}, "thermal_t"),
        ("tuned", {}, "rgb_t"),
    ],
)
def test_a_student_starts_from_its_teacher_or_at_random(root, tmp_path, monkeypatch, recipe, changed, source):
    begun = first(root, tmp_path, monkeypatch, recipe, **changed)
    random = run.initial(config_of(recipe, **changed), 0).state_dict()
    assert equal(begun, stored(root, source) if source else random)


@pytest.mark.slow
def test_the_seed_decides_what_is_random_and_nothing_else_does(root, tmp_path, monkeypatch):
    """Adapters too: whatever ran before in this process."""
    begun = []
    for noise, seed in ((1, 0), (2, 0), (3, 1)):
        torch.manual_seed(noise)
        begun.append(first(root, tmp_path, monkeypatch, "ktl", seed, teacher="rgb_s"))
    assert {name for name in begun[0] if "to_" in name} == {
        f"to_{who}.{what}" for who in ("teacher", "student") for what in ("weight", "bias")
    }
    assert not {name for name, tensor in begun[0].items() if not torch.equal(tensor, begun[1][name])}
    for name in ("student.head.cls_x.weight", "to_teacher.weight", "to_student.weight"):
        assert not torch.equal(begun[0][name], begun[2][name]), name


def test_a_student_takes_the_teacher_of_its_seed_or_the_only_one(root, tmp_path, monkeypatch):
    for seed in (0, 1):
        assert equal(first(root, tmp_path, monkeypatch, "ktl", seed), stored(root, "rgb_t", seed))
    assert equal(first(root, tmp_path, monkeypatch, "mcl", 5), stored(root, "thermal_t", 0))


# What is left behind.


@pytest.mark.slow
def test_seeds_differ_and_each_repeats_itself(root, tmp_path):
    """With a single teacher of another size, so that the student is random and has both adapters."""
    one, other, again = (
        train(root, tmp_path / name, "ktl", seed, teacher="rgb_s", epochs=1)
        for name, seed in (("one", 0), ("other", 1), ("again", 0))
    )
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in one.weights.items())
    assert one.progress == again.progress
    assert not torch.equal(one.weights["head.cls_x.weight"], other.weights["head.cls_x.weight"])
    assert (one.card.seed, other.card.seed) == (0, 1)


@pytest.mark.parametrize(
    ("recipe", "wanted"),
    [
        ("supervised", (["thermal"], "thermal", "", "", "t")),
        ("pretrain", (["rgb", "thermal"], "rgb", "", "", "t")),
        ("tuned", (["thermal", "elsewhere"], "thermal", "", "rgb_t", "t")),
        ("ktl", (["thermal", "rgb", "elsewhere"], "thermal", "rgb_t", "rgb_t", "t")),
        ("kd", (["thermal", "rgb", "elsewhere"], "thermal", "rgb_s", "", "t")),
        ("mcl", (["thermal", "elsewhere"], "thermal", "thermal_t", "thermal_t", "t")),
    ],
)
def test_the_card_says_whose_images_and_weights_a_network_owes_to(root, tmp_path, monkeypatch, recipe, wanted):
    """Among them: fine-tuning takes weights from RGB to thermal, since its teacher is shown nothing."""

    def untrained(model, *more):
        return loop.Trained(model.state_dict(), Progress(best_epoch=1, best=0.5))

    monkeypatch.setattr(loop, "fit", untrained)
    changed = {"pretrain": {"extra_data": "thermal"}, "kd": {"teacher": "rgb_s"}}.get(recipe, {})
    about = train(root, tmp_path, recipe, **changed).card
    assert (about.trained_on, about.modality, about.teacher, about.start, about.size) == wanted
    assert (about.recipe, about.objective, about.points, about.vocabulary) == (recipe, "simcc", 68, "ibug68")
    assert (about.input_size, about.padding, about.precision, about.best_epoch) == (
        tiny_runs.SIDE,
        1.25,
        "fp32",
        1,
    )


def stage(folder: Path, root: Path, monkeypatch, recipe: str, **changed) -> None:
    """Run the stage as the pipeline does, in `folder`."""
    arguments = tiny_runs.command(folder, root, recipe, **changed)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(arguments[0], run_name="__main__")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "seeds", "terms"),
    [("supervised", [1, 0], ["simcc"]), ("ktl", [1], list(TERMS)), ("mcl", [0], ["kp", "fm", "lg"])],
)
def test_the_stage_leaves_a_folder_a_seed_and_two_tables(root, tmp_path, monkeypatch, capfd, recipe, seeds, terms):
    stage(tmp_path, root, monkeypatch, recipe, seeds=seeds, gradient_steps=3)
    models = tmp_path / "models" / f"{recipe}_x"
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    files = [f"models/{recipe}_x/seed{k}/model.{end}" for k in seeds for end in ("json", "safetensors")]
    assert left == sorted([*files, f"training/{recipe}_x.csv", f"gradients/{recipe}_x.csv", "params.yaml"])
    history = rows(tmp_path / "training" / f"{recipe}_x.csv")
    assert list(history[0]) == ["seed", "epoch", "lr", *terms, "grad_norm", "val_nme"]
    # 14 faces in batches of 7, two epochs: four steps, of which the first three are kept.
    assert [(row["seed"], row["epoch"]) for row in history] == [(str(s), e) for s in seeds for e in "12"]
    gradients = rows(tmp_path / "gradients" / f"{recipe}_x.csv")
    assert list(gradients[0]) == ["seed", "step", "grad_norm"]
    assert [(row["seed"], row["step"]) for row in gradients] == [(str(s), e) for s in seeds for e in "123"]
    # The first epoch's mean norm is that of its two steps.
    mean = np.mean([float(row["grad_norm"]) for row in gradients[:2]])
    assert float(history[0]["grad_norm"]) == pytest.approx(mean, rel=1e-5)
    for seed in seeds:
        weights = load_file(models / f"seed{seed}" / "model.safetensors")
        assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in weights.values())
        _, about = card.read(models / f"seed{seed}")
        best = min((row for row in history if row["seed"] == str(seed)), key=lambda row: float(row["val_nme"]))
        assert (about.seed, str(about.best_epoch)) == (seed, best["epoch"])
        assert about.val_nme == pytest.approx(float(best["val_nme"]), rel=1e-5)
    output = capfd.readouterr().err
    for seed in seeds:
        assert f"train {recipe}_x-seed{seed}: step 1: {terms[0]} " in output


@pytest.mark.parametrize(
    ("recipe", "changed", "code", "cause"),
    [
        ("ktl", {"teacher": "nobody"}, 3, "error: there is no teacher nobody"),
        ("kd", {"lambdas": {"ri": 0.001}}, 2, "error: runs.kd.x.lambdas.ri: "),
    ],
)
def test_the_stage_ends_with_the_code_of_its_error(
    root, tmp_path, monkeypatch, capfd, recipe, changed, code, cause
):
    with pytest.raises(SystemExit) as caught:
        stage(tmp_path, root, monkeypatch, recipe, **changed)
    lines = capfd.readouterr().err.strip().splitlines()
    assert caught.value.code == code
    assert lines[-2].startswith(cause) and lines[-1].startswith("remedy: ")
    assert not (tmp_path / "models").exists() and not (tmp_path / "training").exists()


@pytest.mark.parametrize("recipe", ["supervised", "ktl"])
def test_without_labels_to_learn_from_the_stage_leaves_a_reason(root, tmp_path, monkeypatch, recipe):
    """In place of what an earlier run left; that its set is empty and its teacher absent is no error then."""
    (tmp_path / "none/faces/thermal").mkdir(parents=True)
    status = {"reason": "the weights of the teacher's backbone are absent"}
    (tmp_path / "none/faces/thermal/skipped.json").write_text(json.dumps(status))
    old = tmp_path / "work/models" / f"{recipe}_x" / "seed0"
    old.mkdir(parents=True)
    stage(tmp_path / "work", tmp_path / "none", monkeypatch, recipe)
    left = {path.relative_to(tmp_path / "work").as_posix() for path in (tmp_path / "work").rglob("*.*")}
    tables = {f"{name}/{recipe}_x.csv" for name in ("training", "gradients")}
    assert left == {f"models/{recipe}_x/skipped.json", "params.yaml", *tables}
    assert json.loads((old.parent / "skipped.json").read_text()) == status and not old.exists()
    texts = {name: (tmp_path / "work" / name).read_text() for name in tables}
    assert texts == {
        f"training/{recipe}_x.csv": "seed,epoch\n",
        f"gradients/{recipe}_x.csv": "seed,step,grad_norm\n",
    }


@pytest.mark.slow
def test_another_teacher_of_the_same_name_starts_the_run_afresh(root, tmp_path, capsys):
    """The state of a killed run is gone on from with the same teacher, and not with another."""
    (tmp_path / "faces").symlink_to(root / "faces")
    tiny_runs.teach(tmp_path / "models", "rgb_t", 0)
    train(tmp_path, tmp_path / "state", "ktl", epochs=1)
    train(tmp_path, tmp_path / "state", "ktl", epochs=1)
    assert "goes on after epoch 1" in capsys.readouterr().err
    weights = tmp_path / "models" / "rgb_t" / "seed0" / "model.safetensors"
    state = load_file(weights)
    state["head.mlp.0.g"] += 1e-3
    save_file(state, weights)
    train(tmp_path, tmp_path / "state", "ktl", epochs=1)
    assert "goes on" not in capsys.readouterr().err


def published(finished: run.Finished, models: Path, name: str) -> None:
    folder = models / name / f"seed{finished.card.seed}"
    folder.mkdir(parents=True)
    card.write(folder, finished.card, finished.weights)


@pytest.mark.slow
def test_the_chain_learns_from_its_teachers_alone(tmp_path):
    """RGB teacher, KTL, MCL: both students start from random weights, see no label, and yet find the points."""
    drawn_faces.write_pairs(tmp_path / "faces", 100, 64)
    still = {"scale": 0.0, "rotation": 0.0, "flip_p": 0.0}
    more = {"batch": 8, "rate": {"peak": 2e-3, "warmup": 10}, "augment": still}
    teacher = train(tmp_path, tmp_path / "a", "pretrain", epochs=12, **more)
    published(teacher, tmp_path / "models", "pretrain_t")
    more |= {"epochs": 8, "start": "random"}
    lambdas = {"kp": 0.0, "fm": 1.0, "lg": 1.0}
    injected = lambdas | {"ri": 1.0, "fi": 1.0}
    transferred = train(tmp_path, tmp_path / "b", "ktl", teacher="pretrain_t", lambdas=injected, **more)
    published(transferred, tmp_path / "models", "ktl_t")
    compressed = train(tmp_path, tmp_path / "c", "mcl", teacher="ktl_t", lambdas=lambdas, **more)
    ignorant = teacher.progress.history[0]["val_nme"]
    for done in (teacher, transferred, compressed):
        assert done.progress.best < 0.4 * ignorant
    for done in (transferred, compressed):
        assert done.progress.history[0]["val_nme"] > 1.3 * done.progress.best
    assert compressed.card.trained_on == ["thermal", "rgb"]
