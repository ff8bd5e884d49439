"""The distillation study on small fake results: every number, every comparison, no more than they say."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import record_files
import tables_of_text
from record_files import METRICS
from records import skipped
from tables_of_text import line
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.metrics.registry import describe
from thermark.metrics.stability import stability
from thermark.report.distillation import build, drawing, gradient_stability, published_comparison
from thermark.report.distillation.distillation_data import RECIPES, DistillationData, read, studied
from thermark.report.paths import ReportPaths
from thermark.report.reference_results import PublishedCell, load
from thermark.report.results import printed
from thermark.report.results.caveats import few_teachers
from thermark.report.results.comparisons import open_comparisons

FACES = 40
TEACHERS = {"tuned": "pretrain", "ktl": "pretrain", "kd": "pretrain", "mcl": "ktl"}
OFF = {"fi": {"ri": 0.0}, "ri": {"fi": 0.0}, "none": {"ri": 0.0, "fi": 0.0}, "ld": {"fm": 0.0}}


def declared(*names: str, **more) -> dict[str, dict]:
    """Return the sections of runs, from names such as `mcl_st`: a teacher of size s, a student of size t."""
    sections = {}
    for name in names:
        recipe, first, *variant = name.split("_")
        sections[name] = {"recipe": recipe, "size": first[-1], "vocabulary": "ibug68", "teacher": "none"}
        if recipe in TEACHERS:
            sections[name]["teacher"] = f"{TEACHERS[recipe]}_{first[0]}"
        sections[name] |= {"lambdas": OFF[variant[0]]} if variant else {}
        sections[name] |= more
    return sections


NAMES = ("pretrain_s", "supervised_s", "supervised_t", "tuned_s", "ktl_s", "ktl_s_fi", "mcl_st", "kd_st")
MADE = {"batch": 16, "seeds": [0, 1, 2]}
RUNS = declared(*NAMES, epochs=9, **MADE) | declared("ktl_s_fi", epochs=5, **MADE)
SINGLE = declared("ktl_s", batch=4)
# True gaps to 0.05, in the unit of the error: clear ones, and none.
SHIFTS = {"mcl_st": -0.01, "kd_st": 0.01, "ktl_s": -0.01, "tuned_s": -0.01, "ktl_s_fi": 0.0}
ASKED = {
    "distillation": [("mcl_st", "supervised_t"), ("kd_st", "supervised_t"), ("ktl_s", "supervised_s")],
    "same_start": [("ktl_s", "tuned_s")],
    "start": [("tuned_s", "supervised_s")],
    "conventional": [("mcl_st", "kd_st")],
    "injection": [("ktl_s_fi", "ktl_s")],
}
EVERY = [pair for pairs in ASKED.values() for pair in pairs]


def families(runs, datasets) -> dict[str, dict]:
    """Return the families of `ASKED` whose runs are there, on the data sets."""
    known = {name: [pair for pair in pairs if {*pair} <= {*runs}] for name, pairs in ASKED.items()}
    base = {"datasets": list(datasets)}
    return {
        name: base | {"question": f"Ask {name.replace('_', ' ')}?", "pairs": pairs}
        for name, pairs in known.items()
        if pairs
    }


def norms() -> np.ndarray:
    """Return the gradient norms of the first seed in the window of the tests."""
    return np.array([1 / step + 0.1 * (step % 3) for step in range(3, 13)])


def write_log(paths: ReportPaths, run: str, seeds: int, steps: int = 20) -> None:
    rows = [
        f"{seed},{step},{1 / step + 0.1 * (step % 3) + 0.01 * seed:.6g}"
        for seed in range(seeds)
        for step in range(1, steps + 1)
    ]
    files.write_text(paths.gradients / f"{run}.csv", "\n".join(["seed,step,grad_norm", *rows]) + "\n")


def learned(runs) -> dict[str, dict]:
    return {name: {"family": "learned", "run": name} for name in runs}


def study(runs, datasets, paths) -> DistillationData:
    return read(learned(runs), runs, {}, datasets, paths)


def at(root: Path) -> ReportPaths:
    return ReportPaths(root / "results", root / "comparisons.json", gradients=root / "gradients")


def made(
    root: Path,
    runs=RUNS,
    rendered=True,
    seeds=3,
    datasets=tuple(METRICS),
    given=None,
    gone=(),
    more=(),
    asked=None,
) -> ReportPaths:
    """Write results of all runs, what is `given` of (run, data set) -> errors (S, N) and of who is `gone`.

    `more`: contestants that are no runs; `asked`: the families, where they are not those of `ASKED`.
    """
    rng = np.random.default_rng(0)
    hard, measurements, records = rng.gamma(4, 0.01, FACES), {}, {}
    for dataset in datasets:
        measurements[dataset] = {}
        for run in (*runs, *more):
            noise = rng.normal(0, 1e-4, (seeds, 1)) + rng.normal(0, 1e-3, (seeds, FACES))
            errors = hard + 0.02 + SHIFTS.get(run, 0.0) + noise
            measurements[dataset][run] = (given or {}).get((run, dataset), errors)
        records[dataset] = [
            record_files.record(dataset, run, errors) for run, errors in measurements[dataset].items()
        ]
        records[dataset] += [skipped(dataset, name) for name in gone]
    training = {name: (section, few_teachers(section, runs)) for name, section in runs.items()}
    origin = "rendered" if rendered else "real"
    declared = families({*runs, *gone}, datasets) if asked is None else asked
    record_files.write(root, records, measurements, declared if datasets else {}, origin, training)
    for run in (*runs, *gone):
        write_log(at(root), run, seeds)
    return at(root)


def built(
    root: Path, paths: ReportPaths, runs=RUNS, datasets=tuple(METRICS), drawn=False, config=None
) -> tuple[str, dict]:
    config = config or build.Config(start=3, stop=13)
    outs = [root / name for name in ("distillation.md", "distillation.json", "stability.json", "gradients.svg")]
    with nullcontext() if drawn else patch.object(build.drawing, "draw"):  # most of the time
        build.build(read(learned(runs), runs, {}, datasets, paths), config, *outs)
    return outs[0].read_text(), files.read_json(outs[1])


def page(root: Path, runs=RUNS, datasets=("tfake",), config=None, **more) -> tuple[str, dict]:
    """Write results, `more` as `made` takes it, and return the page and its numbers."""
    return built(root, made(root, runs, datasets=datasets, **more), runs, datasets, config=config)


def compared(paths: ReportPaths) -> list:
    """Return all declared comparisons with the names of their families."""
    return [
        (family.name, pair) for family in open_comparisons(paths.comparisons).families for pair in family.pairs
    ]


def counted(verdicts: list[str]) -> str:
    """Return the sentence of an answer, counted by another way."""
    lower, higher, none = (verdicts.count(verdict) for verdict in printed.VERDICTS)
    text = (
        f"{lower} of {len(verdicts)} comparisons show a lower error, {higher} a higher one, {none} no difference"
    )
    return f"{text}, {len(verdicts) - lower - higher - none} have no verdict"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    return root, *built(root, made(root), drawn=True)


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> ReportPaths:
    """Results of one run alone, whose log a test writes."""
    return made(tmp_path_factory.mktemp("single"), SINGLE, datasets=["tfake"])


def test_who_belongs_to_the_study():
    """Learned contestants of its recipes, under the contestants' names; no student of a head, no absent one."""
    runs = declared("mcl_st", "pretrain_s") | {"student_t": {"recipe": "adapted"}}
    contestants = learned(["student_t"]) | {
        "small": {"family": "learned", "run": "mcl_st"},
        "pretrain_s": {"family": "learned", "run": "pretrain_s"},
        "official": {"family": "learned", "run": "imported_m"},
        "nose": {"family": "cascade", "run": "pretrain_s"},
    }
    members = studied(contestants, runs, {"imported_m": {"recipe": "imported", "size": "m"}})
    assert list(members) == ["official", "pretrain_s", "small"] and members["small"]["recipe"] == "mcl"


def test_all_comparisons_are_listed_and_right(small):
    root, text, _ = small
    verdicts = {
        ("mcl_st", "supervised_t"): "lower error",
        ("kd_st", "supervised_t"): "higher error",
        ("mcl_st", "kd_st"): "lower error",
        ("ktl_s", "tuned_s"): "no difference shown",
        ("ktl_s_fi", "ktl_s"): "higher error",
    }
    comparisons = {(pair.a, pair.b, pair.dataset): pair for _, pair in compared(at(root))}
    assert {(a, b) for a, b, _ in comparisons} == {*EVERY} and len(comparisons) == 7 * len(METRICS)
    for (a, b), verdict in verdicts.items():
        for dataset in METRICS:
            assert comparisons[a, b, dataset].verdict == verdict, (a, b)
            difference = SHIFTS.get(a, 0) - SHIFTS.get(b, 0)
            row = next(each for each in rows(text, a, b) if each[1] == f"{dataset.upper()}, rendered")
            scale = 1 if dataset == "thermeval" else 100
            low, high = (number(end) for end in row[4].split(" to "))
            assert number(row[3]) == pytest.approx(scale * difference, abs=0.11 * scale / 100)
            assert low <= number(row[3]) <= high and row[8] == "40 faces, 40 subjects, 3 seeds"
            assert row[9].startswith(verdict) and 0 <= float(row[6].strip("<")) <= 1 and float(row[7]) >= 0


def rows(text: str, a: str, b: str) -> list[list[str]]:
    """Return the cells of all lines about two runs."""
    return [cells for cells in tables_of_text.rows(text) if cells[0] == f"`{a}` − `{b}`"]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_the_answer_counts_thermal_faces_only(small):
    root, text, _ = small
    outcomes = [
        pair.verdict
        for name, pair in compared(at(root))
        if name == "distillation" and pair.dataset != "facesynthetics"
    ]
    assert len(outcomes) == 9  # kd_st, mcl_st, ktl_s on three thermal sets
    counts = "6 of 9 comparisons show a lower error, 3 a higher one, 0 no difference, 0 have no verdict"
    assert counts == counted(outcomes) and counts in line(text, "- Ask distillation?")
    assert "**Against labels alone, it depends:" in text
    assert "These results are on rendered faces only." in text
    assert "FACESYNTHETICS, rendered: RGB faces, listed but not counted" in text
    assert "no evidence about real thermal cameras" in text and "*Exploratory*" not in text


def test_the_answer_counts_every_family_on_thermal_faces(small):
    root, text, _ = small
    for name in ASKED:
        made = [
            pair.verdict
            for family, pair in compared(at(root))
            if family == name and pair.dataset != "facesynthetics"
        ]
        assert f"{name.replace('_', ' ')}? On thermal faces {counted(made)}" in text
    assert "3 of 3 comparisons show a lower error" in line(text, "- Ask conventional?")
    assert "0 of 3 comparisons show a lower error, 3 a higher one" in line(text, "- Ask injection?")


def test_what_a_question_does_not_name_is_exploratory(tmp_path):
    """Of another data set there is the difference, and neither a verdict nor a say in the answer."""
    runs = declared("supervised_t", "kd_st")
    questions = families(runs, ["tfake"])
    questions["other"] = questions["distillation"] | {"question": "Who?", "pairs": [["kd_st", "facemesh"]]}
    text, _ = page(tmp_path, runs, ["tfake", "charlotte"], asked=questions, more=["facemesh"])
    assert "Who?" not in text and "Ask distillation?" in text
    declared_row, other = rows(text, "kd_st", "supervised_t")
    assert declared_row[9] == "higher error" and other[5:] == ["–", "–", "–", "–", "*exploratory*"]
    assert number(other[3]) == pytest.approx(1.0, abs=0.11) and " to " in other[4]
    assert "0 of 1 comparisons show a lower error, 1 a higher one" in text
    assert "of 1 intervals, about 0.1 exclude zero by chance" in text


def test_without_labels_alone_the_answer_still_counts_the_rest(tmp_path):
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES)) + np.full((3, 1), 0.0)
    errors = {("kd_st", "tfake"): hard, ("mcl_st", "tfake"): hard + 0.01 + np.arange(FACES) * 1e-5}
    text, _ = page(tmp_path, declared("kd_st", "ktl_s", "mcl_st"), given=errors)
    assert "This profile compares no distilled run" in text
    assert "Ask conventional? On thermal faces 0 of 1 comparisons show a lower error, 1 a" in text


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (-0.01, "the distilled network has the lower error where a difference is shown.**"),
        (0.01, "the distilled network has the higher error where a difference is shown.**"),
        (None, "no difference is shown.**"),
    ],
)
def test_the_answer_follows_the_numbers(tmp_path, shift, message):
    hard = np.random.default_rng(0).gamma(4, 0.01, (1, FACES)) + np.full((3, 1), 0.0)
    gap = np.where(np.arange(FACES) % 2, 0.001, -0.001) if shift is None else shift
    errors = {("supervised_t", "tfake"): hard, ("kd_st", "tfake"): hard + gap}
    text, _ = page(tmp_path, declared("supervised_t", "kd_st"), rendered=False, given=errors)
    assert f"**Against labels alone, {message}" in text
    assert "What is said here" not in text and "endered" not in text


def test_too_few_seeds_have_numbers_and_no_verdict(tmp_path):
    """Gaps as clear as those of three seeds, of which nothing may be said."""
    text, numbers = page(tmp_path, seeds=2, rendered=False)
    verdict = "two seeds: no verdict"
    assert {pair.verdict for _, pair in compared(at(tmp_path))} == {verdict}
    assert "**Against labels alone, there is no verdict: that takes three seeds of both.**" in text
    counts = "0 of 3 comparisons show a lower error, 0 a higher one, 0 no difference, 3 have no verdict"
    assert f"Ask distillation? On thermal faces {counts}" in text
    (row,) = rows(text, "mcl_st", "supervised_t")
    assert row[9] == verdict and row[4] == row[6] == row[7] == "–"
    assert row[3].startswith("−1.0") and "exclude zero" not in text
    assert {each["verdict"] for each in numbers["published"] if each["reproduced"] is not None} == {verdict}


def test_one_run_of_one_seed_keeps_the_others_verdicts(tmp_path):
    text, _ = page(tmp_path, given={("kd_st", "tfake"): np.full((1, FACES), 0.04)})
    outcomes = {pair.names: pair.verdict for _, pair in compared(at(tmp_path))}
    assert outcomes["kd_st", "supervised_t"] == outcomes["mcl_st", "kd_st"] == "one seed: no verdict"
    assert outcomes["mcl_st", "supervised_t"] == "lower error"
    assert "2 of 3 comparisons show a lower error, 0 a higher one, 0 no difference, 1 have no verdict" in text


@pytest.mark.parametrize(
    ("seeds", "last"), [([0], "kd\\_st taught by one seed of pretrain\\_s"), ([0, 1, 2], "higher error")]
)
def test_one_teacher_for_all_students_is_a_caveat(tmp_path, seeds, last):
    runs = declared("supervised_t", "kd_st", seeds=[0, 1, 2]) | declared("pretrain_s", seeds=seeds)
    text, _ = page(tmp_path, runs)
    assert rows(text, "kd_st", "supervised_t")[0][-1] == last


def test_units_are_percentage_points_or_px_and_who_was_not_trained_alike_is_marked(small, tmp_path):
    _, text, _ = small
    table = {row[1].partition(",")[0]: row for row in rows(text, "mcl_st", "supervised_t")}
    assert table["TFAKE"][2] == "NME inter-ocular, % points" and table["TFAKE"][3].startswith("−1.0")
    assert table["THERMEVAL"][2] == "error, px" and table["THERMEVAL"][3].startswith("−0.01")
    assert {row[-1] for row in rows(text, "ktl_s_fi", "ktl_s")} == {"epochs 5 and 9"}
    assert "epochs" not in " ".join(map(str, rows(text, "ktl_s", "tuned_s")))
    assert text.count("have a *caveat*") == 1
    assert line(text, "- Ask injection?").endswith("; 3 of the 3 have a *caveat*.")
    text, _ = page(tmp_path, declared("supervised_t", batch=16) | declared("kd_st", batch=32))
    assert "; 1 of the 1 have a *caveat*." in text
    assert rows(text, "kd_st", "supervised_t")[0][-1] == "batch 32 and 16"


def test_missed_faces_are_left_out_and_counted(tmp_path):
    errors = np.full((3, FACES), 0.03)
    errors[:, :3] = np.inf
    text, _ = page(tmp_path, declared("supervised_t", "kd_st"), given={("kd_st", "tfake"): errors})
    assert rows(text, "kd_st", "supervised_t")[0][8] == "37 faces (3 left out), 37 subjects, 3 seeds"


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
    flat = np.ones((3, FACES))
    errors = {
        ("supervised_t", "tfake"): 0.0416 * flat,  # at the tolerance of 0.001
        ("supervised_s", "tfake"): 0.0388 * flat,  # beyond it
        ("supervised_m", "tfake"): np.array([[0.032], [0.036], [0.040]]) * flat,  # std 0.004
        ("supervised_l", "tfake"): np.array([[0.04], [0.0401], [0.04]]) * flat,
        ("ktl_l_ld", "charlotte"): 0.0742 * flat,  # its Side is twice that
    }
    _, numbers = page(tmp_path, runs, ["tfake", "charlotte"], rendered=False, given=errors)
    entries = {(each["run"], each["dataset"], each["level"], each["table"]): each for each in numbers["published"]}
    assert [entries[f"supervised_{size}", "tfake", "", "I"]["verdict"] for size in "tsml"] == [
        *("reproduced", "outside", "reproduced", "outside")
    ]
    assert entries["supervised_m", "tfake", "", "I"]["tolerance"] == pytest.approx(0.003)
    assert entries["supervised_t", "tfake", "", "I"]["difference"] == pytest.approx(0.001)
    side = entries["ktl_l_ld", "charlotte", "Side", "III"]
    assert (side["reproduced"], side["published"], side["verdict"]) == (0.1484, 0.1483, "reproduced")
    table_v = entries["ktl_m", "tfake", "", "V"]
    assert table_v["verdict"] == "not comparable: model and window unknown"
    assert table_v["reproduced"] == pytest.approx(stability(norms())["std"], rel=1e-4)


def test_both_flip_tests_stand_beside_a_published_number_and_nowhere_else(tmp_path):
    runs = declared("supervised_t", "supervised_s")
    flat = np.ones((3, FACES))
    errors = {("supervised_t", "tfake"): 0.0420 * flat, ("supervised_t_mmpose", "tfake"): 0.0410 * flat}
    more = ["supervised_t_mmpose"]
    paths = made(tmp_path, runs, rendered=False, datasets=["tfake"], given=errors, more=more)
    contestants = learned(runs) | {
        "supervised_t_mmpose": {"family": "learned", "run": "supervised_t", "flip": "published"},
        "supervised_t_alone": {"family": "learned", "run": "supervised_t", "flip": "none"},
    }
    one = read(contestants, runs, {}, ["tfake"], paths)
    assert set(one.runs) == set(one.logs) == set(runs) and one.unshifted == {"supervised_t": "supervised_t_mmpose"}
    rows = [row for row in published_comparison.compare(load("mlcmkd"), one, {}) if row.value is not None]
    assert [(row.cell.row, row.cell.run, row.text) for row in rows if row.cell.row == "RTMPose-t"] == [
        ("RTMPose-t", "supervised_t", "outside"),
        ("RTMPose-t", "supervised_t_mmpose", "reproduced"),
    ]
    outs = [tmp_path / name for name in ("a.md", "a.json", "b.json", "c.svg")]
    build.build(one, build.Config(), *outs)
    text = outs[0].read_text()
    assert "by the one bin that mirroring moves it" in text and text.count("| RTMPose-t |") == 2


def test_seeds_that_spread_too_far_reproduce_nothing(tmp_path):
    """The rule itself is tested in test_reference.py; here it gets the spread of the run's seeds."""
    runs = declared("supervised_m")
    errors = (0.0314 + 0.004 * np.array([[-1], [0], [1]])) * np.ones((3, FACES))
    text, numbers = page(tmp_path, runs, rendered=False, given={("supervised_m", "tfake"): errors})
    ran = [each for each in numbers["published"] if each["reproduced"] is not None]
    assert [(each["run"], each["verdict"]) for each in ran] == [("supervised_m", "undecided: seeds spread")]
    assert "at most 0.10 percentage points" in text and "never by more than 0.30. *Undecided*" in text
    assert "undecided: seeds spread |" in line(text, "| RTMPose-m")


def test_stability_of_a_run_whose_data_set_is_not_in_the_profile_is_not_run(tmp_path):
    text, numbers = page(tmp_path, declared("ktl_m", batch=16), ["thermeval"])
    assert "std" in files.read_json(tmp_path / "stability.json")["ktl_m"]
    assert {(each["verdict"], each["reproduced"]) for each in numbers["published"]} == {("not run", None)}
    assert "Not run in this profile: `ktl_m_ri`, `ktl_m_fi`, `ktl_m` on `tfake`." in text


def test_a_run_without_a_data_set_names_it(tmp_path):
    text, numbers = page(tmp_path, declared("mcl_xl"))
    assert "`mcl_xl` on `charlotte`" in text and "questions were fixed" not in text
    assert all(each["reproduced"] is None for each in numbers["published"] if each["dataset"] == "charlotte")


def test_stability_of_every_run_in_the_window(small):
    root, text, _ = small
    measured = files.read_json(root / "stability.json")
    assert set(measured) == set(RUNS)
    cvs = [stability(norms() + 0.01 * seed)["cv"] for seed in range(3)]
    assert measured["mcl_st"]["cv"] == pytest.approx(np.mean(cvs), rel=1e-4)
    assert measured["mcl_st"]["steps"] == 10 and measured["mcl_st"]["std_seed_std"] >= 0
    assert "steps 3 to 12" in text
    assert line(text, "| `ktl_s_fi` | 16 | 10 |")


def test_the_default_window_is_the_first_300_steps(tmp_path, single):
    write_log(single, "ktl_s", 1, 320)
    text, _ = built(tmp_path, single, SINGLE, ["tfake"], config=build.Config())
    assert files.read_json(tmp_path / "stability.json")["ktl_s"]["steps"] == 300
    assert "in steps 1 to 300 (the first is 1)" in text and line(text, "| `ktl_s` | 4 | 300 |")


@pytest.mark.parametrize("steps", [0, 4, 9])
def test_logs_shorter_than_the_window(tmp_path, single, steps):
    write_log(single, "ktl_s", 2, steps)
    text, _ = built(tmp_path, single, SINGLE, ["tfake"], drawn=True)
    measured = files.read_json(tmp_path / "stability.json")["ktl_s"]
    assert measured["steps"] == max(0, steps - 2)
    assert ("std" in measured) == ("| `ktl_s` | 4 | 7 |" in text) == (steps == 9)
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_the_shortest_log_of_a_run_is_that_of_its_steps(single):
    log = "".join(f"{seed},{step},{1 / step}\n" for seed in (0, 1) for step in range(1, 9 + 3 * seed))
    files.write_text(single.gradients / "ktl_s.csv", "seed,step,grad_norm\n" + log)
    measured = gradient_stability.measure(study(SINGLE, ["tfake"], single), 3, 13)["ktl_s"]
    each = [stability(1 / np.arange(3, stop)) for stop in (9, 12)]
    assert measured["steps"] == 6
    assert measured["std"] == pytest.approx(np.mean([numbers["std"] for numbers in each]))


@pytest.mark.parametrize("runs", [{}, {"student_t": {"recipe": "adapted"}}])
def test_a_profile_without_runs_says_so(tmp_path, runs):
    paths = made(tmp_path, runs)
    text, numbers = built(tmp_path, paths, runs, drawn=True)
    assert "This profile compares no distilled run" in text
    assert {each["verdict"] for each in numbers["published"]} == {"not run"}
    assert files.read_json(tmp_path / "stability.json") == {}
    assert (tmp_path / "gradients.svg").stat().st_size > 0


def test_who_could_not_run_is_in_no_comparison(tmp_path):
    runs = declared("supervised_t", "kd_st")
    paths = made(tmp_path, declared("supervised_t"), datasets=["tfake"], gone=["kd_st"])
    text, _ = built(tmp_path, paths, runs, ["tfake"])
    assert "| `kd_st` | – | skipped |" in text and "This profile compares no distilled run" in text
    row = rows(text, "kd_st", "supervised_t")[0]
    assert row[3:] == [*["–"] * 6, "not run: kd\\_st"]


def test_the_same_bytes_twice_and_no_path(small, tmp_path):
    root, _, _ = small
    built(tmp_path, at(root), drawn=True)
    for name in ("distillation.md", "distillation.json", "stability.json", "gradients.svg"):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes()
        assert str(root).encode() not in (root / name).read_bytes()


def test_tables_have_one_width(small):
    _, text, _ = small
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({row.count("|") for row in block.splitlines()}) == 1


@pytest.mark.parametrize(
    ("content", "message"),
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
def test_broken_logs_are_data_errors(tmp_path, single, content, message):
    files.write_text(single.gradients / "ktl_s.csv", content)
    with pytest.raises(DataError, match=message):
        built(tmp_path, single, SINGLE, ["tfake"])


@pytest.mark.parametrize("name", ["gradients/mcl_st.csv", "comparisons.json", "results"])
def test_a_missing_result_is_an_error_with_a_remedy(tmp_path, small, name):
    shutil.copytree(small[0], tmp_path / "a", ignore=shutil.ignore_patterns(Path(name).name))
    with pytest.raises(DataError, match=f"{Path(name).name} is missing") as caught:
        study(RUNS, ["tfake"], at(tmp_path / "a"))
    assert caught.value.remedy.startswith("run `dvc repro`")


def test_a_data_set_that_is_not_here_is_left_out(tmp_path):
    """Its stage wrote no records: the leaderboard says why."""
    runs = declared("supervised_t", "kd_st")
    text, _ = built(tmp_path, made(tmp_path, runs, datasets=["tfake"]), runs, ["tfake", "charlotte"])
    assert "TFAKE" in text and "CHARLOTTE," not in text
    text, _ = page(tmp_path / "b", runs, asked=families(runs, ["charlotte"]))
    assert "Ask " not in text and "compares no distilled run" in text


def test_impossible_settings_are_config_errors():
    for wrong in (
        {"start": 10, "stop": 12},
        {"stop": 3},
        {"start": 0, "stop": 300},
        {"tolerance": -1},
        {"strat": 1},
    ):
        with pytest.raises(ConfigError, match="distillation"):
            parse(wrong, build.Config, "distillation")
    with pytest.raises(ConfigError, match="mlcmk"):
        load("mlcmk")


TABLES = ("I", "II", "III", "IV", "V")


def cells() -> list[PublishedCell]:
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
    assert drawing.panels(runs, list(runs)) == {
        "pretrain": ["pretrain_s"],
        "ktl s": ["ktl_s", "ktl_s_fi"],
        "ktl m": ["ktl_m"],
        "kd": ["kd_st"],
    }


def test_spread_over_seeds_stands_beside_the_mean(tmp_path):
    runs = declared("ktl_s", seeds=[0, 1, 2])
    errors = np.array([[0.03], [0.04], [0.05]]) * np.ones((3, FACES))
    paths = made(tmp_path, runs, datasets=["tfake"], given={("ktl_s", "tfake"): errors})
    text, _ = built(tmp_path, paths, runs, ["tfake"])
    assert "| `ktl_s` | 3 | 4.00 ± 1.00 (3.60–4.40) |" in text
    results = study(runs, ["tfake"], paths)
    measured = gradient_stability.measure(results, 3, 13)
    assert f"{measured['ktl_s']['std']:.4f} ± " in line(text, "| `ktl_s` | – | 10 |")
    rows = published_comparison.compare(load("mlcmkd"), results, measured)
    assert all(row.verdict == "not run" for row in rows)
