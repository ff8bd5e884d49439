"""Ablations: one thing changes, work is shared, and the table says what each part brought."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from camera_faces import faces_of, predictions_of, shape
from thermark.core import config, files, profiles
from thermark.core.errors import ConfigError, SetupError
from thermark.report.transfer import ablation, effects
from thermark.report.transfer.ablation import AblationPlan
from thermark.synth.render.imaging import Imaging
from thermark.synth.render.variety import Variety

ROOT = Path(__file__).parents[2]
RUN = {
    "recipe": "supervised",
    "objective": "simcc",
    "train": "faces",
    "extra_data": "faces",
    "teacher_data": "faces",
    "teacher": "none",
}
PARAMS = {
    "profile": "transfer",
    "arithmetic": "portable",
    "prepare": {"size": 64},
    "render": {"tfake": {"count": 4}},
    "datasets": {"faces": {"loader": "tfake", "raw": "tfake"}, "real": {"loader": "tfw", "raw": "tfw"}},
    "runs": {"teacher": RUN, "student": RUN | {"recipe": "kd", "teacher": "teacher", "augment": {"scale": 0.1}}},
}


def plan(**variants) -> AblationPlan:
    return AblationPlan(profile="transfer", run="student", variants=variants)


def folders(job: ablation.AblationCommand) -> dict[str, str]:
    return {f"{each.kind} {each.name}": each.folder for each in ablation.in_order(job)}


def test_a_variant_is_the_base_with_one_change_and_the_params_stay():
    wanted = AblationPlan(
        profile="transfer",
        run="student",
        base={"render.tfake.count": 2},
        variants={"a": {"runs.student.augment.scale": 0.0}, "b": {"runs.student.augment.thermal.invert_p": 0.5}},
    )
    made = ablation.variants(wanted, PARAMS)
    assert [*made] == ["base", "a", "b"]
    assert all(each["render"]["tfake"]["count"] == 2 for each in made.values())
    assert made["a"]["runs"]["student"]["augment"] == {"scale": 0.0}
    assert made["b"]["runs"]["student"]["augment"] == {"scale": 0.1, "thermal": {"invert_p": 0.5}}
    assert PARAMS["render"]["tfake"]["count"] == 4 and made["base"]["runs"]["student"]["augment"] == {"scale": 0.1}


def test_an_unknown_key_run_or_profile_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no runs\.studnt") as error:
        ablation.variants(plan(a={"runs.studnt.epochs": 1}), PARAMS)
    assert "student" in error.value.remedy
    with pytest.raises(ConfigError, match="no run x"):
        ablation.variants(AblationPlan(profile="transfer", run="x", variants={}), PARAMS)
    with pytest.raises(ConfigError, match="is the profile default"):
        ablation.variants(plan(), PARAMS | {"profile": "default"})
    with pytest.raises(ConfigError, match="a has other seeds"):
        ablation.variants(plan(a={"runs.student.seeds": [0]}), PARAMS)


def test_what_a_variant_does_not_change_is_shared():
    made = {
        name: folders(ablation.training(variant, "student"))
        for name, variant in ablation.variants(
            plan(
                view={"runs.student.augment.scale": 0.0},
                rendered={"render.tfake.count": 5},
                teacher={"runs.teacher.epochs": 3},
            ),
            PARAMS,
        ).items()
    }
    assert [*made["base"]] == ["render tfake", "prepare faces", "train teacher", "train student"]
    differs = {
        name: [key for key, folder in variant.items() if folder != made["base"][key]]
        for name, variant in made.items()
    }
    assert differs == {
        "base": [],
        "view": ["train student"],
        "rendered": ["render tfake", "prepare faces", "train teacher", "train student"],
        "teacher": ["train teacher", "train student"],
    }


def test_another_arithmetic_is_another_training(monkeypatch):
    monkeypatch.setenv("THERMARK_ARITHMETIC", "portable")
    first = folders(ablation.training(PARAMS, "student"))
    monkeypatch.setenv("THERMARK_ARITHMETIC", "native")
    other = folders(ablation.training(PARAMS, "student"))
    assert [key for key in first if first[key] != other[key]] == ["train teacher", "train student"]


def test_an_ablation_fetches_nothing():
    params = ablation.changed(PARAMS, {"runs.student.train": "real"})
    with pytest.raises(ConfigError, match="real is not rendered"):
        ablation.training(params, "student")


def test_a_failed_command_is_named_and_what_is_finished_stays(tmp_path):
    stages = tmp_path / "stages"
    stages.mkdir()
    write = "import pathlib, sys; pathlib.Path(sys.argv[sys.argv.index('--out') + 1]).mkdir(parents=True)"
    (stages / "render.py").write_text(write, encoding="utf-8")
    (stages / "prepare.py").write_text("raise SystemExit(3)", encoding="utf-8")
    wanted = ablation.training(PARAMS, "student")
    with pytest.raises(SetupError, match="prepare of faces ended with 3"):
        ablation.finish(wanted, PARAMS, tmp_path / "work", stages)
    (stages / "render.py").unlink()  # it is not run again
    (stages / "prepare.py").write_text(write, encoding="utf-8")
    seen = "assert all(p.resolve().is_dir() for d in ('faces', 'models') for p in pathlib.Path(d).iterdir())"
    (stages / "train.py").write_text(f"{write}; {seen}", encoding="utf-8")
    out = ablation.finish(wanted, PARAMS, tmp_path / "work", stages)
    assert out.is_dir() and out.name == "student"
    assert [path.name for path in (out.parents[1] / "models").iterdir()] == ["teacher"]


def test_the_table_says_what_was_left_out_and_marks_what_is_beyond_doubt():
    faces = faces_of(np.stack([shape()] * 24))
    rng = np.random.default_rng(0)
    errors = 0.1 + 0.01 * rng.standard_normal((3, 24))
    base = {"given": errors.tolist()}
    worse = {"given": (errors + 0.05 + 0.001 * rng.standard_normal((3, 24))).tolist()}
    same = {"given": (errors + 0.001 * rng.standard_normal((3, 24))).tolist()}
    differences = effects.differences(faces, base, worse)["given"]
    assert differences["persons"].difference == pytest.approx(0.05, abs=0.002)
    assert differences["persons"].varied == "subjects and seeds" and differences["recordings"].faces == 24
    changes = {"worse": {"runs.x.invert_p": 0.0}, "same": {"runs.x.scale": 0.0}}
    results = {
        name: effects.Result(changes[name], [0.04, 0.05, 0.06], by_face, effects.differences(faces, base, by_face))
        for name, by_face in {"worse": worse, "same": same}.items()
    }
    results = {"base": effects.Result({}, [0.04, 0.05, 0.06], base, {})} | results
    lines = effects.page(results, {"given": [[0.11] * 23 + [None]]}).splitlines()
    assert any(line.startswith("| `mean_of_others` | no training | – | 11.00 |") for line in lines)
    assert any(line.startswith("| `base` | – | 5.00 ± 1.00 | 1") for line in lines)
    assert any("`worse`" in line and "**+5." in line and "invert" in line for line in lines)
    assert any("`same`" in line and "**" not in line for line in lines)
    numbers = effects.numbers(results, {"given": [[0.11] * 23 + [None]]})
    assert [*numbers] == ["mean_of_others", "base", "worse", "same"]
    assert numbers["mean_of_others"]["given"]["seeds"] == pytest.approx([0.11])
    assert numbers["base"] == {"rendered": [0.04, 0.05, 0.06], "given": {"seeds": errors.mean(axis=1).tolist()}}
    assert numbers["worse"]["given"]["persons"]["difference"] == differences["persons"].difference


def test_seeds_that_differ_from_each_other_and_not_from_the_base_leave_nothing_in_doubt():
    faces = faces_of(np.stack([shape()] * 24))
    errors = 0.1 + 0.05 * np.arange(3)[:, None] + 0.001 * np.random.default_rng(0).standard_normal((3, 24))
    far, near = ({"given": (errors + more).tolist()} for more in (0.02, 0.0))
    result = effects.differences(faces, near, far)["given"]["recordings"]
    assert result.difference == pytest.approx(0.02) and result.low == pytest.approx(0.02, abs=1e-6)
    assert result.varied == "subjects and seeds" and result.verdict == "higher error"


def test_a_miss_is_kept_as_none_and_left_out_of_pairs():
    faces = faces_of(np.stack([shape(row) for row in range(4)]))
    xy = faces.xy + np.float32([2, 0])
    xy[2] = np.nan
    kept = effects.errors(faces, {"given": [predictions_of(faces, xy)]})
    assert kept["given"][0][2] is None and kept["given"][0][0] == pytest.approx(0.05)
    result = effects.differences(faces, kept, kept)["given"]["persons"]
    assert (result.faces, result.left_out, result.difference) == (3, 1, 0.0)


def test_the_validation_error_of_each_seed_is_that_of_its_folder(tmp_path):
    for seed, value in enumerate((0.2, 0.1)):
        files.write_json(tmp_path / f"run/seed{seed}/model.json", {"val_nme": value})
    assert effects.val_nme(tmp_path / "run") == [0.2, 0.1]
    assert effects.val_nme(tmp_path / "gone") == []


@pytest.mark.parametrize("name", ["ablation", "finish"])
def test_a_plan_in_git_changes_what_exists(name):
    plan_in_git = config.parse(config.read(ROOT / f"studies/transfer/{name}.yaml"), AblationPlan, name)
    aside = ROOT / "params.default.yaml"
    default = config.read(aside if aside.exists() else ROOT / "params.yaml")
    params = profiles.resolved(default, ROOT / "profiles", plan_in_git.profile)
    made = ablation.variants(plan_in_git, params)
    kept = {variant: ablation.training(changed, plan_in_git.run).folder for variant, changed in made.items()}
    assert len({*kept.values()}) == len(kept), "two variants are one training"
    for variant in made.values():
        for run in {name.split(".")[1] for name in plan_in_git.base if name.startswith("runs.")}:
            section = variant["runs"][run]
            config.parse(section, import_module(f"thermark.train.recipes.{section['recipe']}").Config, run)
        for layout in ("cameras", "cameras_2d"):
            writer = import_module(f"thermark.synth.writers.{layout}")
            config.parse(variant["render"][layout], writer.Config, layout)


def test_no_part_that_is_left_out_is_in_the_start():
    """Else a part that a variant leaves out would have been learned before it."""
    plan_in_git = config.read(ROOT / "studies/transfer/ablation.yaml")
    heads = plan_in_git["base"]["render.cameras"]
    assert heads["variety"] == dict.fromkeys(Variety.model_fields, False)
    assert heads["imaging"] == dict.fromkeys(Imaging.model_fields, False)
    views = plan_in_git["base"]["runs.start"]["augment"]
    assert views.keys() <= {"rotation", "scale", "shift", "brightness", "contrast"}


def test_a_misspelt_variant_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "params.yaml").write_text(profiles.text(PARAMS), encoding="utf-8")
    asked = {"profile": "transfer", "run": "student", "variants": {"without_heat": {}}}
    (tmp_path / "plan.yaml").write_text(profiles.text(asked), encoding="utf-8")
    command = [sys.executable, str(ROOT / "stages/transfer_ablation.py"), "--plan", "plan.yaml", "--raw", "gone"]
    command += ["--work", "work", "--out", "table.md", "--only", "without_heta"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == ConfigError.code and "no variant without_heta" in ended.stderr
    assert "without_heat" in ended.stderr.replace("without_heta", "")


@pytest.mark.slow
def test_a_miniature_from_rendering_to_the_table(tmp_path):
    """The script itself: two variants that share pictures, scored on rendered ones in place of a camera's."""
    default = config.read(ROOT / "params.yaml")
    params = profiles.resolved(default, ROOT / "profiles", "transfer")
    # As many pictures as it takes until every split has one, each with a face.
    small = {"render.cameras.count": 30, "render.cameras.smallest": 60.0, "prepare.size": 96}
    small |= {"render.cameras.people": [0.0, 1.0, 0.0, 0.0], "render.cameras.cut": 0.0}
    small |= {"render.cameras.width": 160, "render.cameras.height": 120, "render.cameras.supersample": 1}
    small |= {"datasets.cameras.split": {"val": 0.2, "test": 0.2}}
    small |= {
        f"runs.supervised_t.{key}": value for key, value in {"epochs": 1, "batch": 4, "input_size": 64}.items()
    }
    (tmp_path / "params.yaml").write_text(profiles.text(params), encoding="utf-8")
    ablation_plan = {"profile": "transfer", "run": "supervised_t", "base": small}
    ablation_plan |= {"variants": {"without_tone": {"runs.supervised_t.augment.thermal.tone_p": 0.0}}}
    (tmp_path / "plan.yaml").write_text(profiles.text(ablation_plan), encoding="utf-8")
    command = [sys.executable, str(ROOT / "stages/transfer_ablation.py"), "--plan", "plan.yaml", "--work", "work"]
    source = ablation.finish(
        ablation.training(ablation.changed(params, small), "supervised_t").needs[0].needs[0],
        ablation.changed(params, small),
        tmp_path / "work",
        ROOT / "stages",
    )
    command += ["--raw", str(source), "--loader", "cameras", "--out", "table.md"]
    subprocess.run(command, cwd=tmp_path, check=True)
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "`base`" in text and "`without_tone`" in text and "`mean_of_others`" in text
    assert files.read_json(tmp_path / "table.json").keys() == {"mean_of_others", "base", "without_tone"}
    work = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "work").iterdir())
    assert work == ["cameras", "cameras", "supervised_t", "supervised_t"]  # rendered, prepared, trained twice
