"""The report of heads from invented results: numbers in their cells, spaces apart, no more said than is true."""

import re
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pytest
import yaml

import record_files
from command_line import run_stage
from records import skipped
from tables_of_text import line, part, rows
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.report.fewshot import budget, build, constant, cost, drawing, published_comparison
from thermark.report.fewshot.fewshot_data import Config, Profile, read
from thermark.report.fewshot.head import HeadResult, labels
from thermark.report.paths import ReportPaths
from thermark.report.reference_results import load as published
from thermark.report.results.comparisons import open_comparisons
from thermark.report.results.record import Estimate, Record

READ = {name: name for name in ("results", "scores", "curves", "pseudo_labels", "speed")}
READ |= {"comparisons": "comparisons.json"}
LIMITS = (3, 5, 10, 20)
SETS = ("persons", "faces")
BUDGETS = {"5": 5, "10": 10, "20": 20, "40": 40, "all": 90}


def numbers(crop, native, crops, spread=None):
    """Return the numbers of a test: errors whose every digit tells its space, median and PCK apart."""
    made = {"crops": float(crops), "missed": 0.0}
    for space, value in (("crop", crop), ("native", native)):
        made |= {f"{space}_mean": value, f"{space}_median": value - 0.5}
        made |= {f"{space}_pck@{limit}": min(1.0, limit / value / 10) for limit in LIMITS}
        made |= {f"{space}_mean_spread": spread}
    return made


def curve(native, spread=0.2, crop=1.5):
    """Return a budget of labels from mean errors in frame px; those in crop px are 1.5 times as large."""
    made = {}
    for (key, count), value in zip(BUDGETS.items(), native, strict=True):
        ends = {} if spread is None else {"low": value - spread, "high": value + spread}
        made[key] = {"labels": float(count), "steps": 600}
        for space, scale in (("crop", crop), ("native", 1)):
            made[key] |= {f"{space}_mean": scale * value, f"{space}_median": scale * (value - 0.5)}
            made[key] |= {f"{space}_pck@10": 0.75}
            made[key] |= {f"{space}_mean_{end}": scale * ends[end] if ends else None for end in ("low", "high")}
    return made


def head(native=4.0, seeds=5, **more):
    crop, spread = 1.3 * native, 0.25 if seeds > 1 else None
    made = {"status": "ok", "reason": "", "backbone": "teacher", "crops": "persons", "faces": "thermeval_person"}
    made |= {"side": 256, "geometry": "posts", "epochs": 120, "batch": 8, "constant": numbers(9.1, 7.0, 148)}
    made |= {"vocabulary": "nose1", "points": 1, "parameters": 312321, "channels": 640, "seeds": seeds}
    made |= {"labels": 40, "labels_val": 15, "decode": "argmax"}
    made["test"] = {
        "published": numbers(crop + 0.01, native + 0.01, 80, spread),
        "all": numbers(crop, native, 148, spread),
    }
    made["decoders"] = {
        "argmax": numbers(crop, native, 148, spread),
        "dark": numbers(crop - 0.4, native - 0.3, 148, spread),
        "soft_argmax": numbers(crop + 0.2, native + 0.1, 148, spread),
    }
    made["quantisation"] = {"crop_mean": 1.53, "crop_median": 1.57, "native_mean": 1.13, "native_median": 1.17}
    made["budget"] = curve([9.0, 6.0, 4.3, 4.1, 4.0], 0.2 if seeds > 1 else None)
    return made | more


SKIPPED = {"status": "skipped", "reason": "sapiens2_04b needs <a licence> | to be read", "crops": "persons"}
SQUARE = {"crops": "faces", "faces": "tfake", "side": 128, "geometry": "square", "constant": numbers(5, 3.2, 148)}
HEADS = {
    "teacher": head(),
    "nostrils": head(3.0, vocabulary="nostrils2", points=2, parameters=312386, **SQUARE),
    "once": head(5.0, seeds=1),
    "sapiens2_04b": SKIPPED,
}
MACHINE = {"cpu": "A_CPU", "cores": 2, "threads": 1, "torch": "2.13.0", "precision": ["fp32", "bf16"], "batch": 1}
STUDENT = {"parameters": 3_300_000, "gmacs": 0.123, "fp32_ms": 8.25, "fp32_ms_low": 8.0, "fp32_ms_high": 9.0}
STUDENT |= {"bf16_ms": 6.5, "times_smaller": 121.2, "times_faster_fp32": 204.8, "times_faster_bf16": 98.5}
LARGER = {"times_smaller": 121.2, "times_faster_fp32": 29.0, "times_faster_bf16": 31, "input": 256}
HEADED = {"parameters": 2_000_000, "gmacs": 0.7, "fp32_ms": 30.0, "times_smaller": 200.0, "input": 256}
SPEED = {
    "machine": MACHINE,
    "rows": {
        "rtmpose_s+head": HEADED,
        "sapiens2_04b+head": {"parameters": 400_000_000, "gmacs": 103.4, "fp32_ms": 1690.0, "input": 256},
        "student_t@256px": LARGER,
        "student_t": STUDENT | {"input": 96, "note": "one picture"},
    },
}


def scored(**more):
    made = {"status": "ok", "metric": "error_px_mean", "boxes": "labelled", "faces": 200, "missed": 10, "seeds": 5}
    made |= {"error_px_mean": 4.25, "error_px_median": 3.5, "pck@5px": 0.6, "pck@10px": 0.9, "points": 1}
    made |= more
    ends = {"error_px_mean_low": made["error_px_mean"] - 0.25, "error_px_mean_high": made["error_px_mean"] + 0.25}
    return ends | made


def per_face(own) -> np.ndarray:
    """Return errors of 40 noses of as many people and of each seed (S, 40) that fit a summary, a little apart."""
    seeds = np.linspace(-0.05, 0.05, own["seeds"]) if own["seeds"] > 1 else np.zeros(1)
    return own["error_px_mean"] + seeds[:, None] + 0.3 * np.sin(np.arange(40) + seeds[:, None])


DETAILS = {
    "head_teacher": scored(),
    "nose_labelled": scored(error_px_mean=4.75, **{"pck@5px": 0.55}),
    "nose_of_labels": scored(error_px_mean=7.25, error_px_median=5.0, **{"pck@5px": 0.35}),
    "nose_mobilenet": {"status": "skipped", "reason": "no <torch>"},
}
PSEUDO = {"status": "ok", "reason": "", "source": "head", "faces": "charlotte"}
PSEUDO |= {"head": "head_teacher", "points": 500, "labels": 480, "native_mean": 4.44, "native_median": 4.33}
PSEUDO |= {"unseen": {"points": 460, "labels": 440, "native_mean": 4.55, "native_median": 4.35}}
LABELS = PSEUDO | {"source": "true", "faces": "thermeval_person", "labels": 40, "unseen": {"points": 0}}
PSEUDO_LABELS = {"teacher": PSEUDO, "labels": LABELS}
ROLES = {
    "students": {"nose_labelled": "teacher", "nose_of_labels": "labels", "nose_mobilenet": "teacher"},
    "networks": {"head_teacher": "rtmpose_s+head", "head_sapiens2_04b": "sapiens2_04b+head"},
}
RUN = {"recipe": "adapted", "size": "t", "input_size": 96}
RUNS = {"student_t": RUN, "student_t_labels": RUN, "student_mobilenet": RUN | {"size": "mobilenet_v2"}}
ASKED = {
    "head_teacher": "head_teacher",
    "head_sapiens2_04b": "head_sapiens2_04b",
    "nose_labelled": "student_t",
    "nose_of_labels": "student_t_labels",
    "nose_mobilenet": "student_mobilenet",
}
CONTESTANTS = {name: {"family": "cascade", "run": run} for name, run in ASKED.items()}
LARGE = "head_sapiens2_04b"
CONTESTANTS |= {"facemesh": {"family": "facemesh"}}
CROPS = {"persons": {"changes": {"source": "png"}}, "faces": {}}


def record(name: str, own: dict) -> Record:
    """Return the record of a contestant with this summary."""
    if own["status"] != "ok":
        return skipped("thermeval", name, own["reason"])
    ends = {end: own[f"error_px_mean_{end}"] for end in ("low", "high")}
    metrics = {
        key: Estimate(value=value, faces=own["faces"], subjects=40, **(ends if key == "error_px_mean" else {}))
        for key, value in own.items()
        if key in ("error_px_mean", "error_px_median", "recall") or key.startswith("pck@")
    }
    metrics["error_px_mean_all"] = metrics["error_px_mean"]
    more = {key: own[key] for key in ("boxes", "faces", "missed", "seeds", "points")}
    return record_files.record("thermeval", name, per_face(own), metrics=metrics, **more)


def families(details, students, pseudo_labels) -> dict[str, dict]:
    """Return the questions about students: against their heads, against controls, against the large head."""
    sources = {name: pseudo_labels.get(key, {}) for name, key in students.items()}
    learners = [name for name, source in sources.items() if source.get("source") == "head"]
    controls = [name for name, source in sources.items() if source.get("source") == "true"]
    pairs = {
        "students": [(name, sources[name]["head"]) for name in learners],
        "labels": [(name, control) for name in learners for control in controls],
        "large": [(name, LARGE) for name in learners if sources[name]["head"] != LARGE],
    }
    known = {key: [pair for pair in each if {*pair} <= {*details}] for key, each in pairs.items()}
    scope = {"datasets": ["thermeval"]}
    return {key: scope | {"question": f"Ask {key}?", "pairs": each} for key, each in known.items() if each}


class Scene:
    """Results of earlier stages under `root`."""

    def __init__(
        self,
        root,
        heads=HEADS,
        details=DETAILS,
        speed=SPEED,
        origin="real",
        pseudo_labels=PSEUDO_LABELS,
        students=None,
    ):
        self.root, self.heads = root, heads
        self.contestants, self.pseudo_labels = list(details), list(pseudo_labels)
        self.paths = ReportPaths(**{name: root / place for name, place in READ.items()})
        ran = {name: per_face(result) for name, result in details.items() if result["status"] == "ok"}
        questions = families(details, students or self.settings()["students"], pseudo_labels)
        training = {name: (RUNS.get(ASKED.get(name, ""), {}), "") for name in details}
        result = {"thermeval": [record(name, each) for name, each in details.items()]}
        record_files.write(root, result, {"thermeval": ran}, questions, origin, training, "ThermEval-D")
        for key, result in heads.items():
            files.write_json(self.paths.scores / f"{key}.json", result)
            files.write_text(self.paths.curves / f"{key}.csv", trainings(result))
        if speed:
            files.write_json(self.paths.speed, speed)
        for key, result in pseudo_labels.items():
            files.write_json(self.paths.pseudo_labels / f"{key}.json", result)

    @property
    def pairs(self) -> dict:
        """What was declared: pair -> comparison."""
        questions = open_comparisons(self.paths.comparisons).families
        return {pair.names: pair for question in questions for pair in question.pairs}

    def settings(self, **config):
        """Return the section of params.yaml, of roles and networks what the contestants need."""
        section = {"contestants": self.contestants}
        section |= {
            key: {name: each for name, each in roles.items() if name in self.contestants and each not in gone}
            for key, roles in ROLES.items()
            for gone in ({"teacher", "labels"} - {*self.pseudo_labels},)
        }
        return section | config

    def build(self, runs=RUNS, crops=CROPS, drawn=False, **config):
        outs = [self.root / name for name in ("fewshot.md", "fewshot.json", "fewshot.svg", "budget.csv")]
        settings = parse(self.settings(**config), Config, "fewshot")
        with nullcontext() if drawn else patch.object(build.drawing, "draw"):  # most of the time
            build.build(read(settings, profile(self.heads, runs, crops), self.paths), *outs)
        return outs[0].read_text(), files.read_json(outs[1]), outs[2]


def profile(heads=(), runs=RUNS, crops=CROPS):
    return Profile(list(heads), runs, CONTESTANTS, crops)


def study(scene, heads):
    return read(Config(), profile(heads), scene.paths)


def trainings(own):
    lines = ["labels,seed,crop_mean,native_mean,best_epoch"]
    for each in own.get("budget", {}).values():
        seeds = own["seeds"]
        lines += [f"{each['labels']:.0f},{seed},99,{each['native_mean'] + 0.1 * seed},7" for seed in range(seeds)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("fewshot"))


@pytest.fixture(scope="module")
def small(scene):
    return scene.build(drawn=True)


# The heads.


LINES = {
    "## The heads at a glance": [
        "| `teacher` | `teacher` | `nose1` | 1 | 312,321 | 40 + 15 | 5 | 120 | `persons` | `argmax` |",
        "| `nostrils` | `teacher` | `nostrils2` | 2 | 312,386 |",
        "Heads with different K predict different landmarks",
        "| `sapiens2_04b` | sapiens2\\_04b needs \\<a licence\\> \\| to be read |",
    ],
    "#### Errors of `persons` in px of the crop": [
        "| `teacher` | published | 80 | 5.21 ± 0.25 | 4.71 | 5.8 | 9.6 | 19.2 | 38.4 |",
        "|  | all | 148 | 5.20 ± 0.25 | 4.70 | 5.8 | 9.6 | 19.2 | 38.5 |",
        "| *the mean position of the training labels* | all | 148 | 9.10 | 8.60 |",
    ],
    "#### Errors of `persons` in px of the frame": [
        "| `teacher` | published | 80 | 4.01 ± 0.25 | 3.51 | 7.5 | 12.5 | 24.9 | 49.9 |",
        "|  | all | 148 | 4.00 ± 0.25 | 3.50 | 7.5 | 12.5 | 25.0 | 50.0 |",
        "| `once` | published | 80 | 5.01 | 4.51 | 6.0 |",  # one seed has no spread
    ],
    "#### Decoders of `persons` in px of the crop": [
        "|  | *quantisation alone* | 1.53 | 1.57 | – | – | – | – |",
        "|  | soft-argmax | 5.40 ± 0.25 |",
    ],
    "#### Decoders of `persons` in px of the frame": [
        "| `teacher` | argmax | 4.00 ± 0.25 | 3.50 |",
        "|  | DARK | 3.70 ± 0.25 | 3.20 |",
        "|  | *quantisation alone* | 1.13 | 1.17 | – | – | – | – |",
    ],
    "# Tiny heads on frozen backbones": [
        "- `teacher`: mean error 4.00 px of the frame with argmax; −0.30 with DARK, +0.10 with soft-argmax; "
        "quantisation alone: 1.13.",
    ],
    "#### Budgets of `persons` in px of the frame": [
        "| `teacher` | 5 | 5 | 9.00 | 8.80–9.20 | 8.50 | 75.0 |",
        "|  | all 90 | 5 | 4.00 | 3.80–4.20 | 3.50 | 75.0 |",
        "| `once` | 5 | 1 | 9.00 | – | 8.50 | 75.0 |",
    ],
    "#### Budgets of `persons` in px of the crop": ["| `teacher` | 5 | 5 | 13.50 | 13.20–13.80 | 12.75 | 75.0 |"],
    "## Distilled into smaller networks": [
        "| `head_teacher` | head | labelled | 5 | 200 | 95.0 | – | 4.25 | 4.00–4.50 | 3.50 | 60.0 | 90.0 | "
        "2,000,000 | 0.7 | 30.0 |",
        "| `nose_labelled` | student of `head_teacher` | labelled | 5 | 200 | 95.0 | – | 4.75 | 4.50–5.00 | "
        "3.50 | 55.0 | 90.0 | 3,300,000 | 0.123 | 8.25 |",
        "| `nose_of_labels` | control: the published labels, no head | labelled |",
        "| `nose_mobilenet` | student of `head_teacher` | skipped: no \\<torch\\> |",
        "| the mean position of the training labels | no network | labelled | – | 148 | – | – | 7.00 | – | 6.50 | "
        "7.1 | 14.3 | – | – | – |",
    ],
    "### How good the pseudo-labels were, in px of the frame": [
        "| `teacher` | `charlotte` | `head_teacher` | all | 500 | 480 | 4.44 | 4.33 |",
        "|  |  |  | unseen | 460 | 440 | 4.55 | 4.35 |",
        "| `labels` | `thermeval_person` | its true labels | all | 500 |",
    ],
    "### 10 times smaller, 30 times faster?": [
        "| `student_t` | 96 x 96 px | 3,300,000 | 0.123 | 8.25 (8.00–9.00) | 6.50 | 121.2 | 204.8 | 98.5 "
        "| true of size and speed |",
        "`student_t`: one picture.",
        "Timed on A\\_CPU, cores: 2, threads: 1, torch 2.13.0, precision: fp32 and bf16, batch 1.",
        "- `student_mobilenet`: not measured for this profile: `make speed`.",
    ],
}


@pytest.mark.parametrize("section", LINES)
def test_numbers_stand_in_their_sections(small, section):
    text = part(small[0], section)
    assert [row for row in LINES[section] if row not in text] == []


@pytest.mark.parametrize("space", ["crop", "native"])
def test_numbers_of_one_space_never_reach_the_other(small, tmp_path, space):
    """Everything in one space times ten: sections about the other do not change by a letter."""

    def scaled(content, name=""):
        if isinstance(content, dict):
            return {key: scaled(item, key) for key, item in content.items()}
        return 10 * content if name.startswith(f"{space}_") and isinstance(content, float) else content

    text, _, _ = Scene(tmp_path, scaled(HEADS)).build()
    unit, other = ("crop", "frame") if space == "crop" else ("frame", "crop")
    titles = [f"#### {kind} of `{each}` in" for kind in ("Errors", "Decoders", "Budgets") for each in SETS]
    for title in titles:
        same, changed = f"{title} px of the {other}", f"{title} px of the {unit}"
        assert part(text, same) == part(small[0], same) and part(text, changed) != part(small[0], changed)
    post = [part(each, "## Published and ours") for each in (text, small[0])]
    assert (post[0] == post[1]) == (space == "native")


def test_one_scope_where_both_are_the_same_crops_and_who_misses_points(tmp_path):
    heads = {name: head() for name in ("same", "unpublished", "empty")}
    heads["same"]["test"]["all"]["missed"] = 2.5
    heads["same"]["test"]["published"] = heads["same"]["test"]["all"]
    heads["unpublished"]["test"]["published"] = None
    heads["empty"]["test"]["published"] = {"crops": 0, "missed": 0}
    text, _, _ = Scene(tmp_path, heads).build()
    table = rows(part(text, "#### Errors of `persons` in px of the frame"))[2:5]
    assert [row[:3] for row in table] == [[f"`{name}`", "all", "148"] for name in heads]
    assert "Left out of means: `same` has no prediction for 2.5 points." in text


def test_crop_sets_are_apart(small):
    """Crops of 128 px and of 256, frames of two cameras: no table has both, and each heading says which."""
    text, _, _ = small
    persons = "`persons`: 256 x 256 px of `thermeval_person`, cut as the post cuts them, labels `nose1`"
    faces = "`faces`: 128 x 128 px of `tfake`, square about the prompt, labels `nostrils2`"
    for kind in ("Errors", "Decoders", "Budgets"):
        for title, contestant, other in ((persons, "`teacher`", "`nostrils`"), (faces, "`nostrils`", "`teacher`")):
            section = part(text, f"### {kind} of {title}")
            assert f"| {contestant} |" in section and f"| {other} |" not in section, (kind, title)
    square = part(text, f"### Errors of {faces}")
    assert "| `nostrils` | 80 drawn by hash | 80 |" in square and "published" not in square


# How few labels are enough.


def curved(native, spread=0.2, val=15):
    result = head(seeds=1 if spread is None else 5, labels_val=val) | {"budget": curve(native, spread)}
    return HeadResult("made", result)


def test_enough_labels(small):
    enough = {"labels": None, "short": 10, "error": 4.1, "complete": 4.0, "most": 40, "every": 90}
    assert small[1]["enough"]["teacher"] == enough
    assert "once" not in small[1]["enough"]  # one seed says nothing


def test_the_curve_as_a_table(scene, small):
    lines = (scene.root / "budget.csv").read_text().splitlines()
    assert lines[0] == "crops,head,labels,native_mean,low,high"
    assert {"persons,teacher,5,9,8.8,9.2", "persons,teacher,90,4,3.8,4.2", "persons,once,5,9,,"} <= {*lines}
    assert not [line for line in lines if "sapiens2_04b" in line]


def test_what_a_curve_says():
    text = budget.sentence(curved([9.0, 6.0, 4.2, 4.1, 4.0], spread=0.05), 0.1)
    assert text == (
        "`made`: **20 of 90 labels** come within 10 % of the mean error with all of them (4.20 against 4.00 px of "
        "the frame), and so do all larger budgets. 10 are too few. 15 validation labels come on top: "
        "5 labels are 20 in total."
    )


@pytest.mark.parametrize(
    ("native", "spread", "within", "fewest", "too_few"),
    [
        # 10 labels come near, 20 do not: a curve that leaves again has not arrived, nor is fewer too few.
        ([9.0, 4.1, 6.0, 4.1, 4.0], 0.05, 0.1, 40, 5),
        ([9.0, 8.0, 7.0, 6.0, 4.0], 0.2, 0.1, None, 40),
        ([3.0, 3.0, 3.0, 3.0, 4.0], 0.1, 0.1, 5, None),  # better than with all
        # The upper end of one against the lower end of the other, times `within`; widths of 0 are the numbers.
        ([9.0, 9.0, 9.0, 4.5, 4.0], 0, 0.125, 40, 40),
        ([9.0, 9.0, 9.0, 4.5, 4.0], 0, 0.12, None, 40),
        # 4.3 to 4.5 against 3.9 to 4.1: at most 15 % more, at least 5 %.
        ([9.0, 9.0, 9.0, 4.4, 4.0], 0.1, 0.14, None, 20),
        ([9.0, 9.0, 9.0, 4.4, 4.0], 0.1, 0.16, 40, 20),
        ([9.0, 9.0, 9.0, 4.4, 4.0], 0.1, 0.04, None, 40),
        ([9.0, 9.0, 9.0, 4.4, 4.0], 0.1, 0.06, None, 20),
        ([9.0, 9.0, 9.0, 5.0, 4.0], 3, 0.1, None, None),
    ],
)
def test_which_budget_is_enough_and_which_too_small(native, spread, within, fewest, too_few):
    head = curved(native, spread)
    result = budget.enough(head, within)
    assert (result.labels, result.short) == (fewest, too_few)
    text = budget.sentence(head, within)
    assert ("too few" in text) == (too_few is not None) and ("**" in text) == (fewest is not None)
    assert ("all larger budgets" in text) == (fewest is not None and fewest != 40)


def test_no_smaller_budget_is_enough():
    text = budget.sentence(curved([9.0, 8.0, 7.0, 6.0, 4.0]), 0.1)
    assert "no smaller budget is shown to come within 10 % of the mean error with all 90 labels" in text
    assert "6.00 with 40, 4.00 px of the frame with all. 40 are too few." in text


def test_one_seed_and_one_budget():
    native = [9.0, 6.0, 4.3, 4.1, 4.0]
    once, twice = curved(native, spread=None), HeadResult("made", curved(native).numbers | {"seeds": 2})
    expected = "`made`: 4.10 with 40 of 90 labels, 4.00 px of the frame with all; one seed: no verdict."
    assert budget.sentence(once, 0.1) == expected and budget.enough(once, 0.1) is None
    assert budget.sentence(twice, 0.1).endswith("two seeds: no verdict.")
    alone = HeadResult("made", head() | {"budget": {"all": curve([4.0] * 5)["all"]}})
    assert budget.enough(alone, 0.1) is None and "no budget stands beside" in budget.sentence(alone, 0.1)
    assert "validation" not in budget.sentence(curved(native, val=0), 0.1)


def test_budgets_are_in_the_order_of_their_labels():
    budgets = curve([9.0, 6.0, 4.3, 4.1, 4.0])
    shuffled = {key: budgets[key] for key in ("all", "40", "10", "5", "20")}
    assert [labels(each) for each in HeadResult("made", {"budget": shuffled}).budget] == [5, 10, 20, 40, 90]
    # All may be no more than the largest budget, and comes after it.
    budgets["all"]["labels"] = 40
    made = HeadResult("made", {"budget": dict(reversed(budgets.items())), "seeds": 3})
    assert made.budget[-1]["native_mean"] == 4.0
    assert budget.enough(made, 0.1).most == 20  # 40 of 40 are not fewer
    del budgets["all"]
    assert (
        budget.enough(HeadResult("made", {"budget": budgets, "seeds": 3}), 0.1) is None
    )  # what all would do is not known


def test_steps_of_the_budgets(small):
    alike = "600 for every budget, so that the curve shows the effect of labels"
    assert f"Optimiser steps per budget: `teacher`, `nostrils`, `once`: {alike}." in small[0]
    assert budget.steps([curved([9.0, 6.0, 4.3, 4.1, 4.0])]) == f"`made`: {alike}"
    other = curved([9.0, 6.0, 4.3, 4.1, 4.0])
    other.numbers["budget"]["5"]["steps"] = 75.0
    assert "`made`: 75 to 600, so that the curve does not show the effect of labels alone" in budget.steps([other])


# The post.


def compared(tmp_path, own, origin="real"):
    scene = Scene(tmp_path, {"sapiens2_04b": own}, {}, origin=origin, pseudo_labels={})
    return study(scene, ["sapiens2_04b"])


def test_the_post_beside_ours_when_it_did_not_run(small):
    text, made, _ = small
    assert {each["table"] for each in made["published"]} == {"part2"} and len(made["published"]) == 7
    assert {each["verdict"] for each in made["published"]} == {f"not run: {SKIPPED['reason']}"}
    section = part(text, "## Published and ours")
    cells = "| 100.0 / – | 5.47 / – | 5.01 / – | 24.0 / – | 48.8 / – | 92.5 / – | 100.0 / – |"
    assert cells in line(section, "| Sapiens2-0.4B, head trained on 40")
    assert "assumed by the post's protocol" in section and "part 1" not in section.split("###")[1]
    others = line(section, "| `teacher` |")
    assert others.startswith("| `teacher` | `teacher` | 80 | 5.21 ± 0.25 | 4.71 |")
    assert "| `once` |" in section and "| `nostrils` |" not in section  # two points are another thing
    assert "| `sapiens2_04b` |" not in section  # it has a row of its own, and did not run


def verdicts_of(tmp_path, own, origin="real", posts=None) -> dict[str, str]:
    """Return the verdict on each published number of part 2 for one head."""
    rows = published_comparison.compare(posts or published("posts"), compared(tmp_path, own, origin))
    return {row.cell.metric: row.text for row in rows}


UNSPLIT = head() | {"test": head()["test"] | {"published": None}}


@pytest.mark.parametrize(
    ("own", "origin", "expected"),
    [
        (head(backbone="sapiens2_04b"), "rendered", "not comparable: rendered data"),
        (head(), "real", "not comparable: the exact 80 crops cannot be guaranteed"),
        (
            head(epochs=25, batch=4),
            "real",
            "not comparable: 25 epochs instead of 120, batches of 4 instead of 8",
        ),
        (head(**SQUARE), "real", "not run: it has no published split"),
        (UNSPLIT, "real", "not run: it has no published split"),
    ],
)
def test_what_cannot_be_compared_with_the_post_says_why(tmp_path, own, origin, expected):
    made = verdicts_of(tmp_path, own, origin)
    detection = made.pop("detection")
    assert set(made.values()) == {expected}
    assert detection == (expected if "run" in expected else "not comparable: assumed by the protocol")


def test_cells_that_can_be_compared_have_verdicts(tmp_path):
    """With the post's own crops, as a reader of the original files might have them."""
    posts = published("posts")
    table = posts.tables["part2"].model_copy(update={"incomparable": ""})
    posts = posts.model_copy(update={"tables": {**posts.tables, "part2": table}})
    values = {"crop_mean": 5.9, "crop_median": 5.6, "crop_pck@3": 0.25, "crop_pck@5": 0.30, "crop_pck@20": 1.0}
    result = head()
    result["test"]["published"] |= values | {"crop_pck@10": 0.925}
    made = verdicts_of(tmp_path, result, posts=posts)
    assert made == {
        "detection": "not comparable: assumed by the protocol",
        "crop_mean": "reproduced",
        "crop_median": "outside",
        "crop_pck@3": "reproduced",
        "crop_pck@5": "outside",
        "crop_pck@10": "reproduced",
        "crop_pck@20": "reproduced",
    }
    result["test"]["published"]["crops"] = 72
    again = verdicts_of(tmp_path, result, posts=posts)
    assert {text for metric, text in again.items() if metric != "detection"} == {"not comparable: 72 noses here"}


def test_the_post_beside_ours_on_real_data(tmp_path):
    text, _, _ = Scene(tmp_path, {"sapiens2_04b": head(backbone="sapiens2_04b")}, {}, pseudo_labels={}).build()
    assert "| 100.0 / – | 5.47 / 5.21 | 5.01 / 4.71 | 24.0 / 5.8 |" in text
    assert "For orientation" not in text  # nobody else ran
    text, _, _ = Scene(tmp_path / "b", {"short": head(epochs=25), "full": head()}, {}, pseudo_labels={}).build()
    assert "Training differs from the post: `short` has 25 epochs instead of 120." in text


# Students.


def test_students_beside_their_head(small, scene):
    text, made, _ = small
    section = part(text, "## Distilled into smaller networks")
    assert line(section, "| `sapiens2_04b+head` | compared with").endswith("| – | – | 400,000,000 | 103 | 1690 |")
    lost, won = (scene.pairs["nose_labelled", other] for other in ("head_teacher", "nose_of_labels"))
    assert (lost.verdict, lost.seeds, won.verdict, won.faces) == ("higher error", (5, 5), "lower error", 40)
    assert lost.difference == pytest.approx(0.5, rel=1e-4)
    students, controls = (
        part(section, "**Ask students?** (`students`)"),
        part(section, "**Ask labels?** (`labels`)"),
    )
    row = line(students, "| `nose_labelled` − `head_teacher` | ThermEval-D | error, px | +0.50 |")
    assert f"| {lost.low:+.2f} to {lost.high:+.2f} | +0.50 |" in row
    assert row.endswith("| 40 faces, 40 subjects, 5 seeds | higher error |")
    assert "in percentage points: `nose_labelled` − `head_teacher` −5.0." in students
    row = line(controls, "| `nose_labelled` − `nose_of_labels` | ThermEval-D | error, px | −2.50 |")
    assert "| lower error |" in row and "`nose_labelled` − `nose_of_labels` +20.0." in controls
    assert "| `nose_of_labels` −" not in section  # it has no head
    assert line(students, "| `nose_mobilenet` − `head_teacher`").endswith("| not run: nose\\_mobilenet |")
    assert made["roles"] == dict(zip(DETAILS, ("head", "student", "control", "student"), strict=True))


def test_students_of_too_few_seeds_have_numbers_and_no_verdict(tmp_path):
    details = {
        name: content | {"seeds": 1} if content["status"] == "ok" else content for name, content in DETAILS.items()
    }
    text, made, _ = Scene(tmp_path, details=details).build()
    assert set(made["constant"].values()) == {"one seed: no verdict"}
    content = part(text, "## Distilled into smaller networks")
    row = line(content, "| `nose_labelled` − `head_teacher` |")
    assert "| +0.50 | – | +0.50 | – | – | 40 faces, 40 subjects, 1 seed | one seed: no verdict |" in row
    assert not re.search(r"higher error|lower error|beats|better|helps", content)
    mixed = DETAILS | {"head_teacher": DETAILS["head_teacher"] | {"seeds": 2}}
    made = Scene(tmp_path / "b", details=mixed).pairs
    assert made["nose_labelled", "head_teacher"].verdict == "two seeds: no verdict"
    assert made["nose_labelled", "nose_of_labels"].verdict == "lower error"


def test_everybody_stands_somewhere_to_the_constant(small):
    """Of the crops' noses, an answer that looks at nothing is 7 px off in the mean, 6.5 in the median."""
    text, made, _ = small
    verdicts = {
        "head_teacher": "lower error",
        "nose_labelled": "lower error",
        "nose_of_labels": "no difference shown",
    }
    assert made["constant"] == verdicts
    sentence = line(
        part(text, "## Distilled into smaller networks"), "Mean error in px of the frame compared with *the mean"
    )
    low, none = "*lower error*: `head_teacher`, `nose_labelled`", "*no difference shown*: `nose_of_labels`"
    assert "over subjects and seeds of the one and over subjects of the other: " in sentence
    assert f"{low}; {none}. The latter is over 148 noses." in sentence
    persons = line(
        part(text, "### Errors of `persons`: 256 x 256 px"), "Mean error in px of the frame compared with"
    )
    assert (
        "over seeds of the one and over subjects of the other, on these crops: *lower error*: `teacher`; "
        in persons
    )
    assert persons.endswith("*one seed: no verdict*: `once`.")


@pytest.mark.parametrize(
    ("low", "high", "seeds", "expected"),
    [
        (6.0, 6.9, 5, "lower error"),
        (6.0, 7.0, 5, "no difference shown"),
        (7.0, 8.0, 5, "no difference shown"),
        (7.1, 8.0, 5, "higher error"),
        (None, None, 5, "no difference shown"),
        (6.0, 6.9, 4, "four seeds: no verdict against a constant"),
        (6.0, 6.9, 3, "three seeds: no verdict against a constant"),
        (6.0, 6.9, 2, "two seeds: no verdict"),
        (6.0, 6.9, 1, "one seed: no verdict"),
    ],
)
def test_an_error_and_the_constant(low, high, seeds, expected):
    estimate = Estimate(value=6.9, low=low, high=high, faces=200, subjects=40)
    assert constant.verdict(estimate, seeds, {"native_mean": 7.0}) == expected


def test_the_interval_of_a_head_is_that_of_its_seeds():
    """Errors of 3, 4 and 5 px: a mean of 4, and 4.30 standard errors of 0.577 to either side."""
    interval = constant.of_head(HeadResult("h", {"seeds": 3}), {"native_mean": 4.0, "native_mean_spread": 1.0})
    assert (interval.low, interval.high) == (
        pytest.approx(4 - 2.4841, abs=1e-3),
        pytest.approx(4 + 2.4841, abs=1e-3),
    )
    assert constant.verdict(interval, 3, {"native_mean": 20.0}) == "three seeds: no verdict against a constant"
    # As if it were known from five.
    limits = {limit: constant.verdict(interval, 5, {"native_mean": limit}) for limit in (6.4, 6.5, 1.5)}
    assert limits == {6.4: "no difference shown", 6.5: "lower error", 1.5: "higher error"}
    assert constant.verdict(interval, 5, {}) == ""
    # The constant is not known exactly either: with an interval of its own, the two must be apart.
    near = {f"s{number}": [8.0 + number % 3] * 4 for number in range(12)}  # 9 in the mean, over people some 0.5
    low, high = constant.bounds({"native_by_subject": near})
    assert 8.0 < low < 8.6 and 9.4 < high < 10.0
    assert constant.verdict(interval, 5, {"native_mean": 9.0, "native_by_subject": near}) == "lower error"
    wide = {"s0": [1.0] * 20, "s1": [17.0] * 20}
    assert constant.verdict(interval, 5, {"native_mean": 9.0, "native_by_subject": wide}) == "no difference shown"
    below = {subject: [error - 7.5 for error in errors] for subject, errors in near.items()}
    assert constant.verdict(interval, 5, {"native_mean": 1.5, "native_by_subject": below}) == "no difference shown"
    lower = {subject: [0.5, 0.6] for subject in near}
    assert constant.verdict(interval, 5, {"native_mean": 0.55, "native_by_subject": lower}) == "higher error"
    assert constant.bounds({"native_by_subject": {"s0": [1.0, 2.0]}}) is None and constant.bounds({}) is None
    assert (
        constant.of_head(HeadResult("h", {"seeds": 1}), {"native_mean": 4.0, "native_mean_spread": None}).low
        is None
    )


def test_roles_of_another_profile(tmp_path):
    """As `zeroshot` has it: the large head taught, several heads ran beside it, and the students are two."""
    details = {
        "head_sapiens2_04b": scored(error_px_mean=3.0),
        "head_teacher": scored(),
        "nose_labelled": scored(error_px_mean=3.5),
        "nose_of_labels": scored(error_px_mean=5.0),
        "nose_mobilenet": scored(error_px_mean=4.0),
    }
    pseudo_labels = {"sapiens2_04b": PSEUDO | {"head": "head_sapiens2_04b"}, "labels": LABELS}
    students = {"nose_labelled": "sapiens2_04b", "nose_of_labels": "labels", "nose_mobilenet": "sapiens2_04b"}
    heads = {"sapiens2_04b": head(), "teacher": head()}
    text, made, _ = Scene(tmp_path, heads, details, pseudo_labels=pseudo_labels, students=students).build(
        students=students
    )
    assert made["roles"] == dict(zip(details, ["head", "head", "student", "control", "student"], strict=True))
    section = part(text, "## Distilled into smaller networks")
    assert "| `head_teacher` | head |" in section and "student of `head_teacher`" not in section
    assert "| `nose_mobilenet` | student of `head_sapiens2_04b` |" in section and "| compared with" not in section
    assert "| +0.50 |" in line(section, "| `nose_labelled` − `head_sapiens2_04b` |")
    other = line(section, "| `nose_mobilenet` − `nose_of_labels` |")
    assert "| −1.00 |" in other and other.endswith("| size mobilenet\\_v2 and t |")
    assert line(section, "| `nose_labelled` − `nose_of_labels` |").endswith("| – |")
    claim = line(section, "- `student_t`: **true of size and speed**")
    assert "not run" not in claim and claim.count("head_sapiens2_04b") == 1
    assert "rtmpose_s+head" not in made["claim"] and list(made["claim"]) == ["student_t", "student_t@256px"]


def test_the_large_head_beside_a_student_of_another(tmp_path):
    details = DETAILS | {"head_sapiens2_04b": scored(error_px_mean=4.0)}
    text, _, _ = Scene(tmp_path, details=details).build()
    claim = line(text, "- `student_t`: **true of size and speed**")
    assert (
        "against `head_teacher` +0.50 px in the mean (" in claim and claim.count("): higher error; against") == 2
    )
    assert "; against `head_sapiens2_04b` +0.75 px in the mean (" in claim
    gone = DETAILS | {"head_sapiens2_04b": {"status": "skipped", "reason": "a licence"}}
    text, _, _ = Scene(tmp_path / "b", details=gone).build()
    assert "; against `head_sapiens2_04b` not run: head\\_sapiens2\\_04b; " in line(text, "- `student_t`: **")
    assert "| compared with |" not in text  # its own row, below, says why there is nothing


def test_pictures_of_other_domains(small, tmp_path):
    assert "8-bit images (`persons`)" in small[0]
    text, _, _ = Scene(tmp_path).build(crops={"persons": {}, "faces": {"changes": {"source": "png"}}})
    assert "8-bit" not in text  # no contestant is a head on those crops


NOTHING = {"native_mean": None, "native_median": None}
UNLABELLED = {"head": "h", "points": 9, "labels": 7, "unseen": {"points": 0, "labels": 0} | NOTHING} | NOTHING


@pytest.mark.parametrize(
    ("pseudo_labels", "shown", "absent"),
    [
        (
            {"teacher": {"status": "skipped", "reason": "no <torch>"}},
            ["| `teacher` | – | – | skipped: no \\<torch\\> | – | – |"],
            ["its true labels"],
        ),
        (
            {"teacher": PSEUDO | UNLABELLED},
            [
                "| `teacher` | `charlotte` | `h` | all | 9 | 7 | – | – |",
                "| `nose_labelled` | student of `h` |",
                "Accuracy of `nose_labelled`: against the mean position",  # and with nobody else
            ],
            ["| unseen |", "− `head_teacher`"],
        ),
    ],
)
def test_pseudo_labels(tmp_path, pseudo_labels, shown, absent):
    text, _, _ = Scene(tmp_path, pseudo_labels=pseudo_labels).build()
    assert [each for each in shown if each not in text] == [each for each in absent if each in text] == []


def test_other_boxes_are_not_compared(tmp_path):
    details = DETAILS | {"nose_labelled": scored(boxes="frame", recall=0.5, missed=100, error_px_mean=99.0)}
    text, _, _ = Scene(tmp_path, details=details).build()
    assert "px of the frame: `nose_labelled`" not in text
    assert line(text, "| `nose_labelled` − `head_teacher` |").endswith("| boxes frame and labelled |")
    assert line(text, "| `nose_labelled` | student").startswith(
        "| `nose_labelled` | student of `head_teacher` | frame | 5 | 200 | 50.0 | 50.0 | 99.00 |"
    )
    assert "(boxes frame and labelled); against `nose_of_labels`" in line(text, "- `student_t`: **")
    assert "the mean position" not in line(text, "- `student_t`: **")


def test_the_claim_and_the_machine(small):
    text, made, _ = small
    section = part(text, "### 10 times smaller, 30 times faster?")
    assert "Size and speed compared with `sapiens2_04b+head`, each at its own input size" in section
    ratios = "121.2 times smaller, 204.8 times faster in fp32, 98.5 times faster in bf16, at 96 x 96 px"
    accuracy = "Accuracy of `nose_labelled`: against `head_teacher` +0.50 px in the mean ("
    assert f"- `student_t`: **true of size and speed**, {ratios}. {accuracy}" in section
    assert "; against the mean position of the training labels: lower error." in section
    ratios = "121.2 times smaller, 29.0 times faster in fp32, 31.0 times faster in bf16, at 256 x 256 px"
    verdict = "true of size and speed with bf16 alone"
    assert f"- `student_t@256px`: **{verdict}**, {ratios}. Accuracy: not measured at this size" in section
    assert "**true**" not in section and "| true |" not in section
    assert made["claim"] == {"student_t": "true of size and speed", "student_t@256px": verdict}
    # No head is a student.
    assert line(section, "| `sapiens2_04b+head` |").endswith("| 1690 | – | – | – | – | – |")
    assert line(section, "| `rtmpose_s+head` |").endswith("| 200.0 | – | – | – |")
    order = [row[0] for row in rows(section)[2:]]
    assert order[:2] == ["`sapiens2_04b+head`", "`rtmpose_s+head`"]
    assert sorted(order[2:]) == ["`student_t@256px`", "`student_t`"]


def test_times_of_whole_contestants_are_not_of_this_page(small, tmp_path):
    speed = SPEED | {"contestants": {"rows": {"facemesh": {"status": "ok", "ms": 2.0}}}}
    text, made, _ = Scene(tmp_path, speed=speed).build()
    assert (text, made) == small[:2] and "facemesh" not in text


def test_times_of_another_profile_are_not_shown(tmp_path):
    """The run of that name sees 128 px here, and 96 px where it was timed; and a stranger."""
    runs = {"student_t": RUN | {"input_size": 128}}
    speed = {"machine": MACHINE, "rows": SPEED["rows"] | {"student_s": SPEED["rows"]["student_t"]}}
    text, made, _ = Scene(tmp_path, speed=speed).build(runs)
    section = part(text, "### 10 times smaller, 30 times faster?")
    assert "- `student_t`: not measured for this profile: `make speed`." in section
    assert made["claim"] == {} and "`rtmpose_s+head`" in section and "`sapiens2_04b+head`" in section
    assert (
        "| 8.25" not in part(text, "## Distilled into smaller networks")
        and "3,300,000" not in text
        and "student_s" not in text
    )


@pytest.mark.parametrize(
    ("smaller", "plain", "low", "expected"),
    [
        (10, 30, None, cost.TRUE),
        (10, 30, 12, cost.TRUE),
        (10, 29.97, 30, cost.BF16),
        (10, None, 31, cost.BF16),
        (10, 29.97, 29.9, cost.FALSE),
        (10, 29.97, None, cost.FALSE),
        (9.99, 300, 300, cost.FALSE),
        (9.99, None, 300, cost.FALSE),
        (10, None, 20, cost.UNKNOWN),
        (10, None, None, cost.UNKNOWN),
        (None, 300, 300, cost.UNKNOWN),
    ],
)
def test_verdicts_on_the_claim(smaller, plain, low, expected):
    row = {"times_smaller": smaller, "times_faster_fp32": plain, "times_faster_bf16": low}
    assert cost.verdict({name: value for name, value in row.items() if value is not None}) == expected
    assert cost.verdict(row) == expected


def test_a_ratio_never_reads_as_what_it_is_not(tmp_path):
    row = SPEED["rows"]["student_t"] | {"times_smaller": 9.99, "times_faster_fp32": 29.97}
    text, _, _ = Scene(tmp_path, speed={"machine": MACHINE, "rows": {"student_t": row}}).build()
    assert "**false of size and speed**, 9.9 times smaller, 29.9 times faster in fp32" in text


# Pages of little.


def test_rendered_data_are_no_evidence(small, tmp_path):
    assert "rendered" not in small[0].lower()
    text, _, _ = Scene(tmp_path, origin="rendered").build()
    assert text.splitlines()[0] == "# Tiny heads on frozen backbones: noses on ThermEval-D, rendered"
    assert text.splitlines()[2].startswith("> **Rendered data.**")
    assert "Another backbone on rendered data is another experiment" in text


def test_a_profile_without_anything(tmp_path):
    text, made, figure = Scene(tmp_path, {}, {}, {}, pseudo_labels={}).build(drawn=True)
    assert "No head ran." in text and "This profile has no students." in text and "`make speed`" in text
    assert "No head was trained on several budgets" in text and "No pseudo-labels in this profile." in text
    assert {each["verdict"] for each in made["published"]} == {"not run: not in this profile"}
    assert (made["enough"], made["roles"], made["constant"], made["claim"]) == ({}, {}, {}, {})
    assert figure.stat().st_size > 1000
    assert "\n\n\n" not in text and not re.search(r"\bnan\b|None", text)


def test_a_profile_without_the_data_set(tmp_path):
    scene = Scene(tmp_path, {}, {}, {}, pseudo_labels={})
    (scene.paths.results / "thermeval.json").unlink()
    outs = [tmp_path / name for name in ("a.md", "a.json", "a.svg", "a.csv")]
    config = parse({"contestants": ["student_t"]}, Config, "fewshot")
    build.build(read(config, profile(), scene.paths), *outs)
    text = outs[0].read_text()
    assert "This profile has no data set `thermeval`." in text
    assert "| `student_t` | head | skipped: thermeval is not in this profile |" in text


def test_a_head_with_little_to_say(tmp_path):
    """What a run leaves out, where it found nothing, was not asked or did not run, is a dash."""
    bare = {"status": "ok", "reason": "", "backbone": "b", "labels": 3, "test": {"all": {"crops": 2, "missed": 2}}}
    text, made, _ = Scene(tmp_path, {"bare": bare, "sapiens2_04b": SKIPPED}, {"head_x": SKIPPED}, {}).build()
    assert "| `bare` | `b` | – | – | – | 3 | 1 | – | – | – |" in text
    assert "| `bare` | all | 2 | – | – | – | – | – | – |" in text and "None" not in text
    assert "| `head_x` | head | skipped: sapiens2\\_04b needs" in text
    assert made["enough"] == {} and "against `" not in text


def test_what_is_elsewhere_is_not_of_this_page(tmp_path):
    """Comparisons on another data set, and what another profile left behind."""
    scene = Scene(tmp_path)
    files.write_json(scene.paths.scores / "old.json", head())
    files.write_json(scene.paths.pseudo_labels / "old.json", PSEUDO | {"faces": "tfake"})
    content = files.read_json(scene.paths.comparisons)
    other = {**content["families"][0]["pairs"][0], "dataset": "tfake", "difference": 9.0}
    content["families"][0]["pairs"].append(other)
    content["families"].append({"name": "far", "question": "Elsewhere?", "pairs": [other]})
    files.write_json(scene.paths.comparisons, content)
    text, made, _ = scene.build()
    assert "Elsewhere?" not in text and "9.00 px" not in text and "+9.00" not in text
    assert "Ask students?" in text and "old" not in made["enough"] and "`old`" not in text


def test_what_is_missing_or_wrong(tmp_path):
    scene = Scene(tmp_path)
    with pytest.raises(DataError, match="nobody"):
        scene.build(contestants=["nobody"], students={}, networks={})
    with pytest.raises(DataError, match=r"other\.json"):
        study(scene, ["other"])
    files.write_text(scene.paths.curves / "teacher.csv", "labels,seed\n5,0\n")
    with pytest.raises(DataError, match="has the columns labels,seed, not labels,seed,native_mean"):
        scene.build()
    (scene.paths.curves / "teacher.csv").unlink()
    with pytest.raises(DataError, match=r"teacher\.csv"):
        scene.build()
    with pytest.raises(ConfigError, match="none of the contestants"):
        parse({"students": {"head": "x"}, "contestants": ["student"]}, Config, "fewshot")
    with pytest.raises(ConfigError, match="networks names"):
        parse({"networks": {"head": "x"}, "contestants": ["student"]}, Config, "fewshot")
    with pytest.raises(ConfigError, match="within"):
        parse({"within": -0.1}, Config, "fewshot")


# Figure and stage.


def test_the_figure_changes_with_the_numbers_of_the_frame_alone(tmp_path):
    def drawn(**changed):
        result = head()
        result["budget"]["5"] |= changed
        drawing.draw([HeadResult("teacher", result)], tmp_path / "a.svg")
        return (tmp_path / "a.svg").read_bytes()

    plain = drawn()
    assert drawn(crop_mean=14.5) == plain != drawn(native_mean=10.0)


def test_cameras_share_no_axis(tmp_path, monkeypatch):
    """Three panels: two sets of one camera on one scale, the other camera on its own."""
    tops = []
    monkeypatch.setattr(drawing, "save", lambda drawn, _: tops.extend(each.get_ylim()[1] for each in drawn.axes))
    far = head(**SQUARE) | {"budget": curve([90.0, 60.0, 43.0, 41.0, 40.0])}
    near = head(crops="others", side=128) | {"budget": curve([18.0, 6.0, 4.3, 4.1, 4.0])}
    drawing.draw([HeadResult("a", head()), HeadResult("b", far), HeadResult("c", near)], tmp_path / "none.svg")
    assert tops == pytest.approx([1.05 * 18, 1.05 * 90, 1.05 * 18])


def test_the_stage(small, tmp_path):
    """From the command line, in a profile's words: the same numbers elsewhere give the same bytes."""
    scene = Scene(tmp_path)
    params = {"heads": {key: {"backbone": "x"} for key in HEADS}}
    params |= {"fewshot": scene.settings(), "runs": RUNS, "crops": CROPS}
    files.write_text(tmp_path / "contestants.yaml", yaml.safe_dump(CONTESTANTS, sort_keys=False))
    options = {name: name for name in ("heads", "runs", "crops")}
    options |= {"params": "fewshot", "contestants": "contestants.yaml"}
    options |= {"text": "b.md", "numbers": "b.json", "figure": "b.svg", "curve": "b.csv"}
    options |= {name: getattr(scene.paths, name) for name in READ}
    run_stage("fewshot", tmp_path, params, options)
    text, made, figure = small
    assert (tmp_path / "b.md").read_text() == text and files.read_json(tmp_path / "b.json") == made
    assert (tmp_path / "b.svg").read_bytes() == figure.read_bytes()
    run_stage("fewshot", tmp_path, {"heads": None, "runs": None, "crops": None, "fewshot": {}}, options)
    assert "No head ran." in (tmp_path / "b.md").read_text()


def test_a_head_that_the_profile_does_not_train_says_why(tmp_path):
    """Its contestant has a row and a reason, though `heads` does not name it."""
    heads = {key: result for key, result in HEADS.items() if key != "sapiens2_04b"}
    gone = {"status": "skipped", "reason": "sapiens2_04b is under a licence"}
    text, made, _ = Scene(tmp_path, heads, DETAILS | {"head_sapiens2_04b": gone}).build()
    reason = "sapiens2\\_04b is under a licence |"
    assert f"| `head_sapiens2_04b` | {reason}" in part(text, "## The heads at a glance")
    assert f"| `head_sapiens2_04b` | head | skipped: {reason}" in part(text, "## Distilled into smaller networks")
    assert {each["verdict"] for each in made["published"]} == {"not run: sapiens2_04b is under a licence"}
    # A student that was not trained is no head, and one that ran needs no excuse.
    assert part(text, "## The heads at a glance").count("| `nose_") == 0


def test_networks_are_called_as_their_runs_unless_told_otherwise(tmp_path):
    networks = {"head_teacher": "rtmpose_s+head", "nose_labelled": "student_t@256px"}
    text, _, _ = Scene(tmp_path).build(networks=networks)
    assert line(text, "| `nose_labelled` | student").endswith("| – | – | – |")
