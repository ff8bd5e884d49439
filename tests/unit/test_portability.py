"""Two hand-made trees of results: what moved, what turned, what is gone, and that an exit code says so."""

import runpy
import sys
from pathlib import Path

import pytest

from tables_of_text import line
from thermark.core import files
from thermark.core.errors import DataError, Finding
from thermark.portability import numbers, verdicts
from thermark.portability.build import ResultTree, build
from thermark.portability.compare import ResultPaths, compare_files

STAGE = Path(__file__).parents[2] / "stages/portability.py"
PAGES = ("metrics/comparisons.json", "metrics/distillation.json", "metrics/fewshot.json")
PATHS = ResultPaths(Path("metrics/details"), tuple(map(Path, PAGES)), (Path("metrics"),))
OK = {"status": "ok", "metric": "nme_io", "missed": 0, "interval": "subjects and seeds", "seeds": 3}
SKIPPED = {"status": "skipped", "reason": "no <weights> | here"}


def summary(value: float, low: float | None = None, high: float | None = None, **more) -> dict:
    ends = {} if low is None else {"nme_io_low": low, "nme_io_high": high}
    return OK | {"nme_io": value} | ends | more


def comparison(a: str, b: str, verdict: str, dataset: str = "tfake") -> dict:
    return {"a": a, "b": b, "dataset": dataset, "verdict": verdict}


def asked(*pairs: dict, students: str = "higher error") -> dict:
    """Return declared comparisons: the family `alone` of these, and one of a student and its head."""
    family = {"name": "alone", "question": "Is it?", "pairs": list(pairs)}
    student = comparison("student", "head", students, "thermeval")
    return {"schema": 1, "families": [family, {"name": "heads", "question": "And it?", "pairs": [student]}]}


def cell(row: str, verdict: str) -> dict:
    return {"table": "I", "row": row, "run": "x", "metric": "nme_io", "dataset": "tfake", "verdict": verdict}


SCORES = {
    ("calm", "tfake"): summary(0.05, 0.04, 0.06),
    ("calm", "charlotte"): summary(0.10, 0.09, 0.11),
    ("wild", "tfake"): summary(0.15, 0.14, 0.16),
    ("bare", "tfake"): summary(0.2),
    ("lost", "tfake"): summary(0.3, 0.2, 0.4, seeds=1, interval="subjects"),
    ("never", "tfake"): SKIPPED,
}
PAIRS = [
    comparison("mcl", "kd", "higher error"),
    comparison("mcl", "kd", "higher error", "charlotte"),
    comparison("kd", "supervised", "no difference shown"),
    comparison("ktl", "supervised", "lower error"),
    comparison("once", "supervised", "one seed: no verdict"),
]
STUDY = {"published": [cell("Ours-xl", "reproduced"), cell("Ours-mt", "not run")]}
HEADS = {
    "constant": {"student": "lower error"},
    "enough": {"teacher": {"labels": 20, "every": 90}},
    "claim": {"student": "true of size and speed"},
}


def tree(root: Path, scores=SCORES, study=STUDY, heads=HEADS, made=None, **extra: str) -> Path:
    for (contestant, dataset), score in scores.items():
        files.write_json(root / f"metrics/details/{contestant}/{dataset}.json", {"summary": score, "subsets": {}})
    files.write_json(root / "metrics/comparisons.json", made or asked(*PAIRS))
    files.write_json(root / "metrics/distillation.json", study)
    files.write_json(root / "metrics/fewshot.json", heads)
    for name, text in extra.items():
        files.write_text(root / f"metrics/{name}.txt", text)
    return root


def built(root: Path, base: Path, other: Path) -> tuple[str, dict]:
    build(ResultTree(base, "portable"), ResultTree(other, "native | <odd>"), PATHS, root / "out")
    return (root / "out/portability.md").read_text(), files.read_json(root / "out/portability.json")


def compared(root: Path, other: Path) -> tuple[str, dict, Finding]:
    """Return what is written about a tree in which a verdict broke, and the complaint."""
    with pytest.raises(Finding) as caught:
        built(root, tree(root / "a"), other)
    return (root / "out/portability.md").read_text(), files.read_json(root / "out/portability.json"), caught.value


def states(made: dict, kind: str) -> dict[str, str]:
    key = {
        "numbers": lambda each: f"{each['contestant']}/{each['dataset']}",
        "verdicts": lambda each: each["subject"],
    }
    return {key[kind](each): each["state"] for each in made[kind]}


def test_the_same_twice_holds_and_exits_well(tmp_path):
    text, made = built(tmp_path, tree(tmp_path / "a"), tree(tmp_path / "b"))
    assert made["counts"] == {
        "verdicts": {"held": 9, "silent": 2},
        "numbers": {"equal": 5, "no number": 1},
        "files": {"equal": 9, "different": 0, "base_only": 0, "other_only": 0},
    }
    assert "**9 of 9 verdicts held**, 0 turned, 0 vanished; 0 are only in the other, 2 had no verdict" in text
    assert "**4 of 4 numbers stayed in their intervals**, 0 moved out; 5 are equal" in text
    assert "**9 of 9 files are equal to the byte.**" in text and "All are equal to the byte." in text
    assert "Base: portable. Other: native \\| \\<odd\\>." in text
    assert str(tmp_path) not in text and str(tmp_path) not in (tmp_path / "out/portability.json").read_text()


def test_numbers_inside_and_outside_of_their_intervals(tmp_path):
    moved = SCORES | {
        ("calm", "tfake"): summary(0.06, 0.05, 0.07),  # at the end of the interval
        ("calm", "charlotte"): summary(0.0899, 0.08, 0.1),  # just below it
        ("wild", "tfake"): summary(0.36, 0.34, 0.38, missed=4),
        ("bare", "tfake"): summary(0.21),
    }
    text, made = built(tmp_path, tree(tmp_path / "a"), tree(tmp_path / "b", moved))
    assert states(made, "numbers") == {
        "bare/tfake": "no interval",
        "calm/charlotte": "outside",
        "calm/tfake": "inside",
        "lost/tfake": "equal",
        "never/tfake": "no number",
        "wild/tfake": "outside",
    }
    assert "**2 of 4 numbers stayed in their intervals**, 2 moved out; 1 are equal" in text
    row = "| `wild` | `tfake` | NME inter-ocular, % ↓ | 15.00 | 14.00–16.00 | subjects and seeds | 36.00 | 0 / 4 |"
    assert line(text, "| `wild`") == f"{row} **outside** |"
    assert line(text, "| `bare`").endswith("| 20.00 | n/a | – | 21.00 | 0 / 0 | no interval |")
    assert "| subjects | 30.00 |" in line(text, "| `lost`") and "`never`" not in text


def test_a_contestant_that_is_absent_or_could_not_run(tmp_path):
    here = {key: score for key, score in SCORES.items() if key != ("wild", "tfake")}
    here |= {("lost", "tfake"): SKIPPED, ("never", "tfake"): summary(0.5, 0.4, 0.6)}
    text, made = built(tmp_path, tree(tmp_path / "a"), tree(tmp_path / "b", here))
    actual = states(made, "numbers")
    assert (actual["wild/tfake"], actual["lost/tfake"], actual["never/tfake"]) == ("gone", "gone", "new")
    assert line(text, "| `wild`").endswith("| – | 0 / – | **gone**, no such contestant |")
    assert line(text, "| `lost`").endswith("**gone**, skipped: no \\<weights\\> \\| here |")
    assert "2 have no number in the other, 1 only there" in text
    assert made["files"]["base_only"] == ["metrics/details/wild/tfake.json"]


def test_a_turned_verdict_is_a_finding(tmp_path):
    """As it was: MCL against conventional distillation from `higher` to `no difference`."""
    turned = asked(comparison("mcl", "kd", "no difference shown"), *PAIRS[1:])
    text, made, finding = compared(tmp_path, tree(tmp_path / "b", made=turned))
    assert finding.code == 1 and "needs more seeds" in finding.remedy
    assert str(finding) == (
        "1 verdicts did not hold, such as mcl − kd on tfake, alone: higher error, then no difference shown"
    )
    assert states(made, "verdicts")["mcl − kd on tfake, alone"] == "turned"
    assert states(made, "verdicts")["mcl − kd on charlotte, alone"] == "held"
    assert "**8 of 9 verdicts held**, 1 turned, 0 vanished" in text
    rows = [each for each in text.splitlines() if each.startswith("| `comparisons`")]
    assert rows[0] == (
        "| `comparisons` | mcl − kd on tfake, alone | higher error | no difference shown | **turned** |"
    )


def test_a_verdict_that_vanished_is_a_finding(tmp_path):
    fewer = asked(*PAIRS[1:3], PAIRS[4], comparison("ktl", "supervised", "two seeds: no verdict"))
    text, made, finding = compared(tmp_path, tree(tmp_path / "b", made=fewer))
    assert states(made, "verdicts")["mcl − kd on tfake, alone"] == "vanished"
    assert states(made, "verdicts")["ktl − supervised on tfake, alone"] == "vanished"
    assert "then nothing" in str(finding) and "2 verdicts" in str(finding)
    assert "**7 of 9 verdicts held**, 0 turned, 2 vanished" in text
    assert "| lower error | two seeds: no verdict | **vanished** |" in text


def test_new_verdicts_break_nothing(tmp_path):
    both = [comparison(name, "supervised", "lower error") for name in ("once", "new")]
    text, made = built(tmp_path, tree(tmp_path / "a"), tree(tmp_path / "b", made=asked(*PAIRS[:4], *both)))
    actual = states(made, "verdicts")
    assert actual["once − supervised on tfake, alone"] == "new"
    assert actual["new − supervised on tfake, alone"] == "new"
    assert "2 are only in the other, 1 had no verdict" in text


@pytest.mark.parametrize(
    ("changed", "subject"),
    [
        ({"constant": {"student": "no difference shown"}}, "student − the constant"),
        ({"enough": {"teacher": {"labels": 40, "every": 90}}}, "teacher: labels that are enough"),
        ({"enough": {"teacher": {"labels": None, "every": 90}}}, "teacher: labels that are enough"),
        ({"enough": {}}, "teacher: labels that are enough"),
        ({"claim": {"student": "false of size and speed"}}, "student: size and speed"),
    ],
)
def test_every_kind_of_verdict_can_turn(tmp_path, changed, subject):
    _, made, finding = compared(tmp_path, tree(tmp_path / "b", heads=HEADS | changed))
    assert subject in str(finding)
    assert [each["state"] for each in made["verdicts"]].count("held") == 8


def test_published_numbers_turn_too_and_what_was_not_run_says_nothing(tmp_path):
    outside = {"published": [cell("Ours-xl", "outside"), cell("Ours-mt", "reproduced")]}
    _, made, finding = compared(tmp_path, tree(tmp_path / "b", study=outside))
    assert "published I, Ours-xl, x, nme_io, tfake: reproduced, then outside" in str(finding)
    assert states(made, "verdicts")["published I, Ours-mt, x, nme_io, tfake"] == "new"


def test_states_of_a_verdict():
    def state(base, other):
        return verdicts.Verdict("p", "s", base, other).state

    assert state("lower error", "higher error") == state("no difference shown", "lower error") == "turned"
    assert state("one seed: no verdict", "two seeds: no verdict") == state(None, "not run") == "silent"
    assert state("not comparable: rendered data", "not comparable: 72 noses here") == "silent"
    assert state("reproduced", None) == state("outside", "not run: no weights") == "vanished"


def test_a_number_without_its_metric():
    """Who found no face at all ran, and has no mean."""
    number = numbers.number("c", "d", {"status": "ok", "metric": "nme_io", "missed": 9}, summary(0.1))
    assert (number.state, number.missed) == ("new", (9, 0))
    assert numbers.number("c", "d", None, None).state == "no number"


def test_files_are_told_apart_by_their_bytes(tmp_path):
    base, other = tree(tmp_path / "a", one="x", two="y"), tree(tmp_path / "b", one="x", two="z", three="w")
    files.write_text(base / "elsewhere.txt", "base")
    result = compare_files(base, other, [Path("metrics"), Path("absent"), Path("elsewhere.txt")])
    assert (result.different, result.base_only, result.other_only) == (
        ("metrics/two.txt",),
        ("elsewhere.txt",),
        ("metrics/three.txt",),
    )
    assert "metrics/one.txt" in result.equal and result.count == 13
    text, _ = built(tmp_path, base, other)
    assert "Other bytes (1): metrics/two.txt." in text and "Only in the other (1): metrics/three.txt." in text


def test_a_tree_without_results_is_a_data_error(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="details is missing") as caught:
        built(tmp_path, tree(tmp_path / "a"), tmp_path / "b")
    assert "dvc repro" in caught.value.remedy and not (tmp_path / "out").exists()


def test_tables_have_one_width(tmp_path):
    here = SCORES | {("lost", "tfake"): SKIPPED}
    text, _ = built(tmp_path, tree(tmp_path / "a"), tree(tmp_path / "b", here))
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({row.replace("\\|", "").count("|") for row in block.splitlines()}) == 1


@pytest.mark.parametrize(("verdict", "code"), [("higher error", 0), ("lower error", 1)])
def test_the_script_exits_with_what_it_found(tmp_path, monkeypatch, verdict, code):
    base = tree(tmp_path / "a")
    other = tree(tmp_path / "b", made=asked(*PAIRS, students=verdict))
    flags = {"base": str(base), "other": str(other), "base-arithmetic": "portable", "other-arithmetic": "native"}
    flags |= {"details": "metrics/details", "out": str(tmp_path / "out")}
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    words += ["--pages", *PAGES, "--files", "metrics"]
    monkeypatch.setattr(sys, "argv", [str(STAGE), *words])
    try:
        runpy.run_path(str(STAGE), run_name="__main__")
        left = 0
    except SystemExit as end:
        left = end.code
    assert left == code and (tmp_path / "out/portability.json").is_file()
