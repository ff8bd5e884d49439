"""The distillation study on small fake results: every number, every comparison, no more than they say."""

import json
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.metrics.names import describe
from thermark.metrics.stability import stability
from thermark.mlcmkd import against, build, compare, drawing, pairs, steadiness
from thermark.mlcmkd.inputs import RECIPES, Places, Study, read, studied
from thermark.published import Cell, load

FACES = 40
METRICS = {"tfake": "nme_io", "facesynthetics": "nme_io", "charlotte": "nme_diag", "thermeval": "error_px_mean"}
COLUMNS = {"nme_io": "nme_io", "nme_diag": "nme_diag", "error_px_mean": "error_px"}
TEACHERS = {"tuned": "pretrain", "ktl": "pretrain", "kd": "pretrain", "mcl": "ktl"}
OFF = {"fi": {"ri": 0.0}, "ri": {"fi": 0.0}, "none": {"ri": 0.0, "fi": 0.0}, "ld": {"fm": 0.0}}


def declared(*names: str, **more) -> dict[str, dict]:
    """Return the sections of runs, from names such as `mcl_st`: a teacher of size s, a student of size t."""
    found = {}
    for name in names:
        recipe, first, *variant = name.split("_")
        found[name] = {"recipe": recipe, "size": first[-1], "vocabulary": "ibug68", "teacher": "none"}
        if recipe in TEACHERS:
            found[name]["teacher"] = f"{TEACHERS[recipe]}_{first[0]}"
        found[name] |= {"lambdas": OFF[variant[0]]} if variant else {}
        found[name] |= more
    return found


NAMES = ("pretrain_s", "supervised_s", "supervised_t", "tuned_s", "ktl_s", "ktl_s_fi", "mcl_st", "kd_st")
RUNS = declared(*NAMES, epochs=9, batch=16) | declared("ktl_s_fi", epochs=5, batch=16)
# True gaps to 0.05, in the unit of the error: clear ones, and none.
SHIFTS = {"mcl_st": -0.01, "kd_st": 0.01, "ktl_s": -0.01, "tuned_s": -0.01, "ktl_s_fi": 0.0}


def write_set(places: Places, dataset: str, rendered: bool) -> None:
    modality = "rgb" if dataset == "facesynthetics" else "thermal"
    said = {"card": {"title": dataset.upper()}, "origin": "rendered" if rendered else "real", "modality": modality}
    files.write_json(places.reports / f"{dataset}.json", said)


def write_result(places: Places, run: str, dataset: str, per_seed: np.ndarray) -> None:
    """Write what an evaluation leaves behind, from the main error of each seed (S, N)."""
    ids = np.array([f"{row:03}" for row in range(per_seed.shape[1])])
    metric = METRICS[dataset]
    table = {"ids": ids, "subjects": ids, "per_seed": per_seed} | dict.fromkeys(
        COLUMNS.values(), np.ones(len(ids))
    )
    table |= {COLUMNS[metric]: per_seed.mean(axis=0)}
    found = per_seed[:, np.isfinite(per_seed).all(axis=0)]
    means = found.mean(axis=1)
    summary = {"status": "ok", "metric": metric, metric: means.mean(), "seeds": len(means)}
    summary |= {f"{metric}_low": 0.9 * means.mean(), f"{metric}_high": 1.1 * means.mean()}
    if len(means) > 1:
        summary[f"{metric}_seed_std"] = means.std(ddof=1)
    subsets = {"view": {"Side": summary | {metric: 2 * means.mean()}}}
    files.write_arrays(places.errors / run / f"{dataset}.npz", table)
    files.write_json(
        places.details / run / f"{dataset}.json", {"summary": summary, "subsets": subsets, "predictions": []}
    )


def norms() -> np.ndarray:
    """Return the gradient norms of the first seed in the window of the tests."""
    return np.array([1 / step + 0.1 * (step % 3) for step in range(3, 13)])


def write_log(places: Places, run: str, seeds: int, steps: int = 20) -> None:
    rows = [
        f"{seed},{step},{1 / step + 0.1 * (step % 3) + 0.01 * seed:.6g}"
        for seed in range(seeds)
        for step in range(1, steps + 1)
    ]
    files.write_text(places.gradients / f"{run}.csv", "\n".join(["seed,step,grad_norm", *rows]) + "\n")


def learned(runs) -> dict[str, dict]:
    return {name: {"family": "learned", "run": name} for name in runs}


def study(runs, datasets, places) -> Study:
    return read(learned(runs), runs, {}, datasets, places)


def made(root: Path, runs=RUNS, rendered=True, seeds=3, datasets=tuple(METRICS)) -> Places:
    places = Places(*(root / kind for kind in ("reports", "details", "errors", "gradients")))
    rng = np.random.default_rng(0)
    hard = rng.gamma(4, 0.01, FACES)
    for dataset in datasets:
        write_set(places, dataset, rendered)
        for run in runs:
            noise = rng.normal(0, 1e-4, (seeds, 1)) + rng.normal(0, 1e-3, (seeds, FACES))
            write_result(places, run, dataset, hard + 0.02 + SHIFTS.get(run, 0.0) + noise)
    for run in runs:
        write_log(places, run, seeds)
    return places


def built(root: Path, places: Places, runs=RUNS, datasets=tuple(METRICS), drawn=False) -> tuple[str, dict]:
    config = build.Config(start=3, stop=13, bootstrap=200)
    outs = [root / name for name in ("mlcmkd.md", "mlcmkd.json", "stability.json", "gradients.svg")]
    with nullcontext() if drawn else patch.object(build.drawing, "draw"):  # most of the time
        build.build(learned(runs), runs, {}, datasets, places, *outs, config)
    return outs[0].read_text(), files.read_json(outs[1])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    return root, *built(root, made(root), drawn=True)


def line(text: str, start: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(start))


def test_who_is_compared_with_whom():
    runs = RUNS | declared("pretrain_m", "pretrain_l", "kd_ms", "ktl_l", "mcl_lm", "kd_lm", "head_s")
    assert set(pairs.pairs(runs, runs)) == {
        ("labels alone", "kd_st", "supervised_t"),
        ("labels alone", "kd_ms", "supervised_s"),
        ("labels alone", "mcl_st", "supervised_t"),
        ("labels alone", "ktl_s", "supervised_s"),
        ("labels alone, same start", "ktl_s", "tuned_s"),
        ("start", "tuned_s", "supervised_s"),
        ("conventional", "mcl_st", "kd_st"),
        ("conventional", "mcl_lm", "kd_lm"),
        ("ablation", "ktl_s_fi", "ktl_s"),
    }
    alone = declared("pretrain_s", "supervised_t", "ktl_s_none")
    assert pairs.pairs(alone, alone) == []


def test_names_decide_nothing():
    """The same sections under other names, in another order: the same questions."""
    names = {name: f"n{place}" for place, name in enumerate(reversed(RUNS))}
    other = {
        names[name]: own | {"teacher": names.get(own["teacher"], "none")} for name, own in reversed(RUNS.items())
    }
    said = {(group, names[a], names[b]) for group, a, b in pairs.pairs(RUNS, RUNS)}
    assert said == set(pairs.pairs(other, other)) and len(said) == 7


def test_the_whole_of_a_method_has_the_fewest_terms_off():
    runs = declared("ktl_s_none", "ktl_s_fi", "ktl_s", "ktl_m_fi", "kd_st", "kd_st_ld")
    assert pairs.whole(runs) == {"ktl_s", "ktl_m_fi", "kd_st"}  # of size m there is no other
    runs |= {"ktl_s_target": runs["ktl_s"] | {"ri_target": "ss"}}
    assert ("ablation", "ktl_s_target", "ktl_s") in pairs.pairs(runs, runs)
    runs |= {"ktl_s_other": runs["ktl_s"] | {"teacher": "pretrain_x"}}  # another teacher is no ablation
    assert "ktl_s_other" in pairs.whole(runs)
    assert not [each for each in pairs.pairs(runs, runs) if each[0] == "ablation" and "ktl_s_other" in each]


def test_runs_of_other_landmarks_are_not_compared():
    runs = declared("kd_st") | {"noses": declared("supervised_t")["supervised_t"] | {"vocabulary": "nose1"}}
    assert pairs.pairs(runs, runs) == []


def test_who_belongs_to_the_study():
    """Learned contestants of its recipes, under the contestants' names; no student of a head, no absent one."""
    runs = declared("mcl_st", "pretrain_s") | {"student_t": {"recipe": "adapted"}}
    contestants = learned(["student_t"]) | {
        "small": {"family": "learned", "run": "mcl_st"},
        "pretrain_s": {"family": "learned", "run": "pretrain_s"},
        "official": {"family": "learned", "run": "imported_m"},
        "nose": {"family": "cascade", "run": "pretrain_s"},
    }
    own = studied(contestants, runs, {"imported_m": {"recipe": "imported", "size": "m"}})
    assert list(own) == ["official", "pretrain_s", "small"] and own["small"]["recipe"] == "mcl"


def test_all_comparisons_are_made_and_right(small):
    _, _, numbers = small
    found = {(each["a"], each["b"], each["dataset"]): each for each in numbers["comparisons"]}
    assert len(found) == 7 * len(METRICS)
    verdicts = {
        ("mcl_st", "supervised_t"): "lower error",
        ("kd_st", "supervised_t"): "higher error",
        ("mcl_st", "kd_st"): "lower error",
        ("ktl_s", "tuned_s"): None,
        ("ktl_s_fi", "ktl_s"): "higher error",
    }
    for (a, b), verdict in verdicts.items():
        for dataset in METRICS:
            each = found[a, b, dataset]
            assert each["difference"] == pytest.approx(SHIFTS.get(a, 0) - SHIFTS.get(b, 0), abs=1e-3)
            assert each["low"] <= each["difference"] <= each["high"]
            assert verdict is None or each["verdict"] == verdict
            assert (each["metric"], each["faces"], each["seeds"]) == (METRICS[dataset], FACES, [3, 3])


def test_the_answer_counts_thermal_faces_only(small):
    _, text, numbers = small
    asked = [
        each
        for each in numbers["comparisons"]
        if each["group"] == "labels alone" and each["dataset"] != "facesynthetics"
    ]
    assert len(asked) == 9  # kd_st, mcl_st, ktl_s on three thermal sets
    assert "6 of 9 comparisons show a lower error, 3 a higher one, 0 no difference, 0 have no verdict" in text
    assert "**Against labels alone, it depends:" in text
    assert "What is said here is said on rendered faces only." in text
    assert "FACESYNTHETICS, rendered: RGB faces, listed but not counted" in text
    assert "no evidence about real thermal cameras" in text
    assert "Of 28 intervals, about 1.4 leave out zero by chance" in text
    assert line(text, "| lower, higher, none, no verdict").count("2, 1, 0, 0") == 4


def test_the_answer_counts_every_kind_of_comparison_on_thermal_faces(small):
    _, text, numbers = small
    sentence = (
        "{}, on thermal faces: {} of {} comparisons show a lower error, {} a higher one, {} no difference, 0 have"
    )
    for group, subject in compare.COUNTED.items():
        rows = [
            each["verdict"]
            for each in numbers["comparisons"]
            if each["group"] == group and each["dataset"] != "facesynthetics"
        ]
        counts = [rows.count(verdict) for verdict in compare.WORDS]
        assert rows and sentence.format(subject, counts[0], len(rows), *counts[1:]) in text, group
    assert sentence.format("MCL against conventional distillation", 3, 3, 0, 0) in text
    assert sentence.format("Ablations against the whole of KTL", 0, 3, 3, 0) in text
    assert set(compare.COUNTED) == set(compare.GROUPS)


def test_without_labels_alone_the_answer_still_counts_the_rest(tmp_path):
    runs = declared("kd_st", "ktl_s", "mcl_st")
    places = made(tmp_path, runs, datasets=["tfake"])
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES)) + np.full((3, 1), 0.0)
    write_result(places, "kd_st", "tfake", hard)
    write_result(places, "mcl_st", "tfake", hard + 0.01 + np.arange(FACES) * 1e-5)
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert "This profile has no distilled run beside one" in text
    assert (
        "MCL against conventional distillation, on thermal faces: 0 of 1 comparisons show a lower error, 1 a"
        in text
    )


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (-0.01, "the distilled network has the lower error where a difference is shown.**"),
        (0.01, "the distilled network has the higher error where a difference is shown.**"),
        (None, "no difference is shown.**"),
    ],
)
def test_the_answer_follows_the_numbers(tmp_path, shift, said):
    runs = declared("supervised_t", "kd_st")
    places = made(tmp_path, runs, rendered=False, datasets=["tfake"])
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES)) + np.full((3, 1), 0.0)
    gap = np.where(np.arange(FACES) % 2, 0.001, -0.001) if shift is None else shift
    write_result(places, "supervised_t", "tfake", hard)
    write_result(places, "kd_st", "tfake", hard + gap)
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert f"**Against labels alone, {said}" in text
    assert "What is said here" not in text and "endered" not in text


@pytest.mark.parametrize(("seeds", "said"), [(1, "one seed: no verdict"), (2, "two seeds: no verdict")])
def test_too_few_seeds_have_numbers_and_no_verdict(tmp_path, seeds, said):
    """Gaps as clear as those of three seeds, of which nothing may be said."""
    places = made(tmp_path, seeds=seeds, rendered=False)
    text, numbers = built(tmp_path, places)
    assert {each["verdict"] for each in numbers["comparisons"]} == {said}
    assert "**Against labels alone, there is no verdict: that takes three seeds of both.**" in text
    counted = "0 of 9 comparisons show a lower error, 0 a higher one, 0 no difference, 9 have no verdict"
    assert f"Against labels alone, on thermal faces: {counted}" in text
    cells = [cell.strip() for cell in line(text, "| `mcl_st` − `supervised_t`").split("|")[2:-1]]
    assert all(cell.endswith(f", {said}") and " to " not in cell for cell in cells) and cells[0][:4] == "−1.0"
    assert line(text, "| lower, higher, none, no verdict").count("0, 0, 0, 3") == 4
    assert "leave out zero" not in text
    ran = {each["verdict"] for each in numbers["published"] if each["reproduced"] is not None}
    assert ran == {said}


def test_one_run_of_one_seed_keeps_the_others_verdicts(tmp_path):
    places = made(tmp_path, datasets=["tfake"])
    write_result(places, "kd_st", "tfake", np.full((1, FACES), 0.04))
    text, numbers = built(tmp_path, places, datasets=["tfake"])
    said = {(each["a"], each["b"]): each["verdict"] for each in numbers["comparisons"]}
    assert said["kd_st", "supervised_t"] == said["mcl_st", "kd_st"] == "one seed: no verdict"
    assert said["mcl_st", "supervised_t"] == "lower error"
    assert "0 a higher one, 0 no difference, 1 have no verdict" in text and "Of 5 intervals" in text


def test_one_teacher_for_all_students_is_told(tmp_path):
    runs = declared("supervised_t", "kd_st", seeds=[0, 1, 2]) | declared("pretrain_s", seeds=[0])
    text, _ = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake"])
    assert "- Taught `kd_st` by one seed of `pretrain_s`: another teacher may turn what is said." in text
    runs["pretrain_s"]["seeds"] = [0, 1, 2]
    text, _ = built(tmp_path / "b", made(tmp_path / "b", runs, datasets=["tfake"]), runs, ["tfake"])
    assert "another teacher" not in text


def test_units_are_percentage_points_or_px(small):
    _, text, _ = small
    row = line(text, "| `mcl_st` − `supervised_t`")
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells[0].startswith("−1.0") and cells[3].startswith("−0.01")
    assert all(cell.endswith("lower") for cell in cells)


def test_what_was_not_trained_alike_is_marked(small):
    _, text, _ = small
    assert "`ktl_s_fi` − `ktl_s` †" in text and "`ktl_s` − `tuned_s` |" in text
    assert "`ktl_s_fi` − `ktl_s`: epochs 5 and 9" in text


def test_the_answer_tells_how_many_were_not_trained_alike(tmp_path, small):
    assert small[1].count("more than the method differs (†)") == 1
    assert (
        "3 a higher one, 0 no difference, 0 have no verdict; in 3 of the 3 more than the method differs (†)."
        in small[1]
    )
    runs = declared("supervised_t", batch=16) | declared("kd_st", batch=32)
    text, _ = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake"])
    assert "; in 1 of the 1 more than the method differs (†)." in text
    assert "`kd_st` − `supervised_t`: batch 32 and 16" in text


def test_missed_faces_are_left_out_and_said(tmp_path):
    runs = declared("supervised_t", "kd_st")
    places = made(tmp_path, runs, datasets=["tfake"])
    errors = np.full((3, FACES), 0.03)
    errors[:, :3] = np.inf
    write_result(places, "kd_st", "tfake", errors)
    text, numbers = built(tmp_path, places, runs, ["tfake"])
    assert ", 3 left out |" in line(text, "| `kd_st` − `supervised_t`")
    assert numbers["comparisons"][0]["faces"] == FACES - 3


def test_seeds_enter_the_intervals(tmp_path):
    places = made(tmp_path, datasets=["tfake"])
    _, numbers = built(tmp_path, places, datasets=["tfake"])
    assert all(each["varied"] == "subjects and seeds" for each in numbers["comparisons"])
    assert all(each["seeds"] == [3, 3] for each in numbers["comparisons"])
    measured = files.read_json(tmp_path / "stability.json")
    assert measured["ktl_s"]["std_seed_std"] >= 0 and "std_seed_std" in measured["mcl_st"]


def test_rendered_data_reproduce_nothing(small):
    _, text, numbers = small
    ran = [each for each in numbers["published"] if each["reproduced"] is not None]
    assert {each["run"] for each in ran} == {"supervised_s", "supervised_t"}
    assert {each["verdict"] for each in ran} == {"not comparable: rendered data"}
    rest = [each for each in numbers["published"] if each["reproduced"] is None]
    assert {each["verdict"] for each in rest} == {"not run"}
    assert "Not run in this profile: `ktl_m_fdld`, `ktl_m_ri`, `ktl_m_fi`, `ktl_m`." in text


def test_verdicts_on_real_data(tmp_path):
    runs = declared(*(f"supervised_{size}" for size in "tsml"), "ktl_l_ld", "ktl_m")
    places = made(tmp_path, runs, rendered=False, datasets=["tfake", "charlotte"])
    flat = np.ones((3, FACES))
    write_result(places, "supervised_t", "tfake", 0.0416 * flat)  # at the tolerance of 0.001
    write_result(places, "supervised_s", "tfake", 0.0388 * flat)  # beyond it
    write_result(places, "supervised_m", "tfake", np.array([[0.032], [0.036], [0.040]]) * flat)  # std 0.004
    write_result(places, "supervised_l", "tfake", np.array([[0.04], [0.0401], [0.04]]) * flat)
    write_result(places, "ktl_l_ld", "charlotte", 0.0742 * flat)  # its Side is twice that
    _, numbers = built(tmp_path, places, runs, ["tfake", "charlotte"])
    found = {(each["run"], each["dataset"], each["level"], each["table"]): each for each in numbers["published"]}
    assert [found[f"supervised_{size}", "tfake", "", "I"]["verdict"] for size in "tsml"] == [
        *("reproduced", "outside", "reproduced", "outside")
    ]
    assert found["supervised_m", "tfake", "", "I"]["tolerance"] == pytest.approx(0.003)
    assert found["supervised_t", "tfake", "", "I"]["difference"] == pytest.approx(0.001)
    side = found["ktl_l_ld", "charlotte", "Side", "III"]
    assert (side["reproduced"], side["published"], side["verdict"]) == (0.1484, 0.1483, "reproduced")
    table_v = found["ktl_m", "tfake", "", "V"]
    assert table_v["verdict"] == "not comparable: model and window unknown"
    assert table_v["reproduced"] == pytest.approx(stability(norms())["std"], rel=1e-4)


def test_both_flip_tests_stand_beside_a_published_number_and_nowhere_else(tmp_path):
    runs = declared("supervised_t", "supervised_s")
    places = made(tmp_path, runs, rendered=False, datasets=["tfake"])
    flat = np.ones((3, FACES))
    write_result(places, "supervised_t", "tfake", 0.0420 * flat)
    write_result(places, "supervised_t_mmpose", "tfake", 0.0410 * flat)
    asked = learned(runs) | {
        "supervised_t_mmpose": {"family": "learned", "run": "supervised_t", "flip": "published"},
        "supervised_t_alone": {"family": "learned", "run": "supervised_t", "flip": "none"},
    }
    one = read(asked, runs, {}, ["tfake"], places)
    assert set(one.runs) == set(one.logs) == set(runs) and one.unshifted == {"supervised_t": "supervised_t_mmpose"}
    rows = [row for row in against.compare(load("mlcmkd"), one, {}, 0.001) if row.value is not None]
    assert [(row.cell.row, row.cell.run, row.said) for row in rows if row.cell.row == "RTMPose-t"] == [
        ("RTMPose-t", "supervised_t", "outside"),
        ("RTMPose-t", "supervised_t_mmpose", "reproduced"),
    ]
    text = against.section(load("mlcmkd"), rows, one, 0.001)
    assert "shifted by the one bin" in text and text.count("| RTMPose-t |") == 2


@pytest.mark.parametrize(
    ("mean", "std", "verdict"),
    [
        (0.0345 + 0.0012, 0.0, "outside"),
        (0.0345 + 0.0012, 0.0007, "reproduced"),  # within twice the spread
        (0.0345 + 0.0029, 0.004, "reproduced"),  # at most three tolerances
        (0.0345 - 0.0031, 0.004, "undecided: seeds spread"),
        (0.0345 + 0.0079, 0.004, "undecided: seeds spread"),
        (0.0345 + 0.0081, 0.004, "outside"),
        (0.0345 + 0.0031, 0.0015, "outside"),
    ],
)
def test_noise_reproduces_little(tmp_path, mean, std, verdict):
    runs = declared("supervised_m")
    places = made(tmp_path, runs, rendered=False, datasets=["tfake"])
    write_result(places, "supervised_m", "tfake", (mean + std * np.array([[-1], [0], [1]])) * np.ones((3, FACES)))
    rows = against.compare(load("mlcmkd"), found := study(runs, ["tfake"], places), {}, 0.001)
    own = [row.said for row in rows if row.cell.run == "supervised_m" and row.value is not None]
    assert own == [verdict]
    text = against.section(load("mlcmkd"), rows, found, 0.001)
    assert "at most 0.10 percentage points" in text and "never by more than 0.30. *Undecided*" in text
    assert f"{verdict} |" in line(text, "| RTMPose-m")


def test_stability_of_a_run_whose_data_set_is_not_in_the_profile_is_not_run(tmp_path):
    runs = declared("ktl_m", batch=16)
    text, numbers = built(tmp_path, made(tmp_path, runs, datasets=["thermeval"]), runs, ["thermeval"])
    assert "std" in files.read_json(tmp_path / "stability.json")["ktl_m"]
    assert {(each["verdict"], each["reproduced"]) for each in numbers["published"]} == {("not run", None)}
    assert "Not run in this profile: `ktl_m_ri`, `ktl_m_fi`, `ktl_m` on `tfake`." in text


def test_a_run_without_a_data_set_names_it(tmp_path):
    runs = declared("mcl_xl")
    text, numbers = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake"])
    assert "`mcl_xl` on `charlotte`" in text
    assert numbers["comparisons"] == []


def test_stability_of_every_run_in_the_window(small):
    root, text, _ = small
    measured = files.read_json(root / "stability.json")
    assert set(measured) == set(RUNS)
    cvs = [stability(norms() + 0.01 * seed)["cv"] for seed in range(3)]
    assert measured["mcl_st"]["cv"] == pytest.approx(np.mean(cvs), rel=1e-4)
    assert measured["mcl_st"]["steps"] == 10
    assert "steps 3 to 12" in text
    assert line(text, "| `ktl_s_fi` | 16 | 10 |")


def test_the_default_window_is_the_first_300_steps(tmp_path):
    runs = declared("ktl_s", batch=4)
    places = made(tmp_path, runs, datasets=["tfake"])
    write_log(places, "ktl_s", 1, 320)
    own, config = study(runs, ["tfake"], places), build.Config()
    measured = steadiness.measure(own, config.start, config.stop)
    assert measured["ktl_s"]["steps"] == 300
    text = steadiness.section(measured, own, config.start, config.stop)
    assert "in steps 1 to 300 (the first is 1)" in text and line(text, "| `ktl_s` | 4 | 300 |")


@pytest.mark.parametrize("steps", [0, 4, 9])
def test_logs_shorter_than_the_window(tmp_path, steps):
    runs = declared("ktl_s", batch=4)
    places = made(tmp_path, runs, datasets=["tfake"])
    write_log(places, "ktl_s", 2, steps)
    text, _ = built(tmp_path, places, runs, ["tfake"], drawn=True)
    measured = files.read_json(tmp_path / "stability.json")["ktl_s"]
    assert measured["steps"] == max(0, steps - 2)
    assert ("std" in measured) == (steps == 9)
    assert ("| `ktl_s` | 4 | 7 |" in text) == (steps == 9)
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_the_shortest_log_of_a_run_is_what_is_said_of_its_steps(tmp_path):
    runs = declared("ktl_s")
    places = made(tmp_path, runs, datasets=["tfake"])
    log = "".join(f"{seed},{step},{1 / step}\n" for seed in (0, 1) for step in range(1, 9 + 3 * seed))
    files.write_text(places.gradients / "ktl_s.csv", "seed,step,grad_norm\n" + log)
    measured = steadiness.measure(study(runs, ["tfake"], places), 3, 13)["ktl_s"]
    each = [stability(1 / np.arange(3, stop)) for stop in (9, 12)]
    assert measured["steps"] == 6
    assert measured["std"] == pytest.approx(np.mean([numbers["std"] for numbers in each]))


@pytest.mark.parametrize("runs", [{}, {"student_t": {"recipe": "adapted"}}])
def test_a_profile_without_runs_says_so(tmp_path, runs):
    places = made(tmp_path, runs)
    text, numbers = built(tmp_path, places, runs, drawn=True)
    assert "This profile has no distilled run" in text
    assert numbers["comparisons"] == [] and {each["verdict"] for each in numbers["published"]} == {"not run"}
    assert files.read_json(tmp_path / "stability.json") == {}
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_who_could_not_run_is_in_no_comparison(tmp_path):
    runs = declared("supervised_t", "kd_st")
    places = made(tmp_path, runs, datasets=["tfake"])
    gone = {"summary": {"status": "skipped", "reason": "no weights"}, "subsets": {}, "predictions": []}
    files.write_json(places.details / "kd_st" / "tfake.json", gone)
    files.write_arrays(places.errors / "kd_st" / "tfake.npz", {})
    text, numbers = built(tmp_path, places, runs, ["tfake"])
    assert numbers["comparisons"] == [] and "| `kd_st` | – | skipped |" in text


def test_the_same_bytes_twice_and_no_path(small, tmp_path):
    root, _, _ = small
    built(tmp_path, Places(*(root / kind for kind in ("reports", "details", "errors", "gradients"))), drawn=True)
    for name in ("mlcmkd.md", "mlcmkd.json", "stability.json", "gradients.svg"):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes()
        assert str(root).encode() not in (root / name).read_bytes()


def test_tables_have_one_width(small):
    _, text, _ = small
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({row.count("|") for row in block.splitlines()}) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed,step,grad_norm\n0,1,x\n", "no table"),
        ("seed,step,grad_norm\n0,1\n", "no table"),
        ("step,grad_norm,seed\n1,2,0\n", "columns"),
        ("", "columns"),
        ("seed,step,grad_norm\n0,1,1\n0,3,1\n", "follow"),
        ("seed,step,grad_norm\n" + "".join(f"0,{step},0.5\n" for step in range(1, 20)), "equal"),
        ("seed,step,grad_norm\n" + "".join(f"0,{step},nan\n" for step in range(1, 20)), "nan"),
    ],
)
def test_broken_logs_are_data_errors(tmp_path, content, said):
    runs = declared("ktl_s")
    places = made(tmp_path, runs, datasets=["tfake"])
    files.write_text(places.gradients / "ktl_s.csv", content)
    with pytest.raises(DataError, match=said):
        built(tmp_path, places, runs, ["tfake"])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gradients", "mcl_st.csv"),
        ("details", "mcl_st/tfake.json"),
        ("errors", "ktl_s_fi/tfake.npz"),
        ("reports", "tfake.json"),
    ],
)
def test_a_missing_result_is_an_error_with_a_remedy(tmp_path, kind, name):
    places = made(tmp_path, datasets=["tfake"])
    (tmp_path / kind / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing") as caught:
        study(RUNS, ["tfake"], places)
    assert caught.value.remedy == "run `dvc repro`, which writes it"


def test_impossible_settings_are_config_errors():
    for wrong in (
        {"start": 10, "stop": 12},
        {"stop": 3},
        {"start": 0, "stop": 300},
        {"tolerance": -1},
        {"strat": 1},
    ):
        with pytest.raises(ConfigError, match="mlcmkd"):
            parse(wrong, build.Config, "mlcmkd")
    with pytest.raises(ConfigError, match="mlcmk"):
        load("mlcmk")


TABLES = ("I", "II", "III", "IV", "V")


def cells() -> list[Cell]:
    return load("mlcmkd").cells()


def test_the_published_numbers():
    """Sums as a second way of writing them down, so that a slip in one digit is seen."""
    whole = {name: [cell for cell in cells() if (cell.table, cell.dataset) == (name, "tfake")] for name in TABLES}
    sums = {"I": 0.4075 + 0.1769 + 0.2096 + 0.2036, "III": 0.2335 + 0.2293 + 0.2238, "IV": 0.1708, "V": 0.1362}
    assert {name: len(rows) for name, rows in whole.items()} == {"I": 28, "II": 0, "III": 12, "IV": 4, "V": 3}
    for name, total in sums.items():
        assert sum(cell.value for cell in whole[name]) == pytest.approx(total), name
    by_run = {cell.run: cell.value for cell in whole["I"]}
    assert (by_run["supervised_t"], by_run["kd_lt"], by_run["mcl_mt"], by_run["mcl_xl"]) == (
        *(0.0406, 0.0368, 0.0365, 0.0304),
    )
    assert [cell.value for cell in whole["IV"]] == [0.0542, 0.0432, 0.0392, 0.0342]


def test_published_cells_are_named_so_that_they_can_be_found():
    for cell in cells():
        assert (cell.run or "supervised").split("_")[0] in RECIPES
        if not cell.dataset:
            assert (cell.unit, cell.metric) in {
                *(("M", "parameters_m"), ("G", "gmacs"), ("ms", "ms"), ("FPS", "fps")),
            }
            continue
        assert cell.metric == "std" or describe(cell.metric).unit == cell.unit == "fraction"
        assert (cell.dataset == "charlotte") == (cell.metric == "nme_diag")
        assert bool(cell.stratum) == bool(cell.level)
        assert (cell.stratum, cell.level) in {
            *(("", ""), ("resolution", "High"), ("band", "Mean"), ("view", "Side"), ("view", "Front")),
        }
    keys = [(c.table, c.row, c.run, c.metric, c.dataset, c.level) for c in cells()]
    assert len(keys) == len(set(keys))


def test_no_published_cell_is_lost_on_the_way(small):
    _, _, numbers = small
    assert len(numbers["published"]) == len(cells())
    assert json.dumps(numbers, allow_nan=False)


def test_the_running_median_of_a_short_and_a_long_log():
    steps = np.arange(1, 1001)
    at, (low, middle, high) = drawing.running([(steps, np.full(1000, 2.0)), (steps, np.full(1000, 4.0))])
    assert len(at) == drawing.POINTS and at[0] == 1 and at[-1] == 1000
    assert (low == 2).all() and (middle == 3).all() and (high == 4).all()
    at, (_, middle, _) = drawing.running([(np.array([1]), np.array([5.0]))])
    assert list(at) == [1] and list(middle) == [5]
    spike = np.where(steps == 500, 1e6, 1.0)
    assert drawing.running([(steps, spike)])[1][1].max() == 1


def test_panels_keep_the_variants_of_one_size_together():
    runs = declared("pretrain_s", "ktl_s", "ktl_s_fi", "ktl_m", "kd_st")
    assert pairs.panels(runs, list(runs)) == {
        "pretrain": ["pretrain_s"],
        "ktl s": ["ktl_s", "ktl_s_fi"],
        "ktl m": ["ktl_m"],
        "kd": ["kd_st"],
    }


def test_spread_over_seeds_stands_beside_the_mean(tmp_path):
    runs = declared("ktl_s", seeds=[0, 1, 2])
    places = made(tmp_path, runs, datasets=["tfake"])
    write_result(places, "ktl_s", "tfake", np.array([[0.03], [0.04], [0.05]]) * np.ones((3, FACES)))
    text, _ = built(tmp_path, places, runs, ["tfake"])
    assert "| `ktl_s` | 3 | 4.00 ± 1.00 (3.60–4.40) |" in text
    own = study(runs, ["tfake"], places)
    measured = steadiness.measure(own, 3, 13)
    assert f"{measured['ktl_s']['std']:.4f} ± " in line(text, "| `ktl_s` | – | 10 |")
    rows = against.compare(load("mlcmkd"), own, measured, 0.001)
    assert all(row.verdict == "not run" for row in rows)
