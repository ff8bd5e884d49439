"""What limits a comparison stands with it: boxes, budgets, teachers, and answers that no seed moves."""

import numpy as np
import pytest

import record_files
from thermark.core.templates import flowed, render
from thermark.report.results.caveats import caveat, differing, few_teachers
from thermark.report.results.comparisons import open_comparisons
from thermark.report.results.printed import counted, pairs, sentence
from thermark.report.results.record import open_set

RUN = {"recipe": "kd", "teacher": "rgb", "train": "tfake", "size": "t", "input_size": 64, "epochs": 5, "batch": 16}
HARD = np.random.default_rng(0).gamma(4, 0.01, (1, 30)) + 0.02


def noisy(shift: float, seeds: int = 3) -> np.ndarray:
    return HARD + shift + np.random.default_rng(1).normal(0, 1e-4, (seeds, 30))


def test_a_method_may_differ_and_so_may_the_data_but_not_both():
    assert differing(RUN, RUN) == []
    assert differing(RUN, RUN | {"recipe": "supervised", "teacher": "none"}) == []
    assert differing(RUN, RUN | {"train": "noses"}) == []
    both = RUN | {"train": "noses", "recipe": "mcl"}
    assert differing(RUN, both) == ["train tfake and noses", "recipe kd and mcl"]
    assert differing(RUN, RUN | {"epochs": 9, "size": "s"}) == ["size t and s", "epochs 5 and 9"]
    assert differing({}, RUN) == differing(RUN, {}) == []  # of a stranger nobody knows


def test_every_teacher_above_counts():
    runs = {"rgb": RUN | {"teacher": "none", "seeds": [0]}, "ktl": RUN | {"seeds": [0, 1, 2]}}
    assert few_teachers(RUN | {"teacher": "ktl"}, runs) == "one seed of rgb"
    runs["ktl"]["seeds"] = [0, 1]
    assert few_teachers(RUN | {"teacher": "ktl"}, runs) == "two seeds of ktl and one seed of rgb"
    assert few_teachers(RUN | {"teacher": "imported_m"}, runs) == ""  # no training of ours
    assert few_teachers({}, runs) == ""


def test_other_boxes_are_said():
    boxes = {"a": "frame", "b": "prompt"}
    records = [record_files.record("tfake", name, HARD, boxes=each) for name, each in boxes.items()]
    assert (
        caveat(records, [{}, {}], ["", "one seed of rgb"]) == "boxes frame and prompt; b taught by one seed of rgb"
    )
    assert caveat(records[:1] * 2, [{}, {}], ["", ""]) == ""


def declared(made, dataset, a, b):
    pairs = (pair for family in made.families for pair in family.pairs)
    return next((pair for pair in pairs if (pair.dataset, pair.a, pair.b) == (dataset, a, b)), None)


def scene(root, seeds=3, kind="mean_shape"):
    """Return what is said of a run, clearly better than somebody without seeds, whose `kind` may be a constant."""
    errors = {"run": noisy(0.0, seeds), "other": HARD + 0.05, "third": noisy(0.1, seeds)}
    records = [record_files.record("tfake", name, values) for name, values in errors.items()]
    records[1] = record_files.record("tfake", "other", errors["other"], kind=kind, seeds=0)
    family = {"question": "Is it?", "datasets": ["tfake"], "pairs": [["run", "other"], ["run", "third"]]}
    record_files.write(root, {"tfake": records}, {"tfake": errors}, {"asked": family}, unseeded=["other"])
    return open_comparisons(root / "comparisons.json")


@pytest.mark.parametrize(
    ("seeds", "kind", "verdict"),
    [
        (5, "mean_shape", "lower error"),
        (4, "mean_shape", "four seeds: no verdict against a constant"),
        (3, "mean_shape", "three seeds: no verdict against a constant"),
        (2, "mean_shape", "two seeds: no verdict"),
        (3, "facemesh", "lower error"),  # a network's answer depends on the picture
    ],
)
def test_against_a_constant_three_seeds_are_too_few(tmp_path, seeds, kind, verdict):
    made = scene(tmp_path, seeds, kind)
    assert declared(made, "tfake", "run", "other").verdict == verdict
    if seeds > 2:
        assert declared(made, "tfake", "run", "third").verdict == "lower error"


def test_what_is_declared_and_what_is_explored(tmp_path):
    made = scene(tmp_path)
    assert declared(made, "tfake", "third", "run") is None and declared(made, "charlotte", "run", "third") is None
    comparison, exploration = declared(made, "tfake", "run", "third"), made.explored("tfake", "run", "third")
    assert exploration.verdict == "exploratory" and exploration.difference == comparison.difference
    assert (exploration.low, exploration.high) == (comparison.low, comparison.high)
    turned = made.explored("tfake", "third", "run")
    assert turned.difference == -exploration.difference and turned.low == -exploration.high
    assert made.explored("tfake", "run", "nobody") is None and made.explored("charlotte", "run", "third") is None
    assert [each.name for each in made.among(["run", "other", "third", "more"])] == ["asked"]
    assert made.among(["run", "third"]) == []


def test_a_comparison_in_a_table_and_in_words(tmp_path):
    made = scene(tmp_path, kind="facemesh")
    sets = {"tfake": open_set(tmp_path / "results/tfake.json")}
    comparison = declared(made, "tfake", "run", "third")
    low, high = (f"{100 * end:+.2f}".replace("-", "−") for end in (comparison.low, comparison.high))
    assert sentence(comparison, "nme_io") == f"−10.00 % points in the mean ({low} to {high}): lower error"
    table = pairs([comparison], sets).splitlines()
    assert len(table) == 3 and len({row.count("|") for row in table}) == 1 and "caveat" not in table[0]
    assert table[2].startswith(
        f"| `run` − `third` | TFAKE | NME inter-ocular, % points | −10.00 | {low} to {high} |"
    )
    assert table[2].endswith("| 30 faces, 30 subjects, 3 seeds | lower error |")
    few = comparison.model_copy(update={"verdict": "one seed: no verdict", "seeds": (1, 1)})
    assert sentence(few, "nme_io") == "−10.00 % points in the mean: one seed: no verdict"  # and no interval
    assert (
        sentence(comparison.model_copy(update={"difference": None, "verdict": "not run: run"}), "nme_io")
        == "not run: run"
    )
    grey = comparison.model_copy(update={"verdict": "no difference shown", "grey": "below the jitter floor"})
    assert sentence(grey, "nme_io").endswith("no difference shown: below the jitter floor")
    assert "| size <t> |" not in pairs([comparison.model_copy(update={"caveat": "size <t>"})], sets)
    assert counted([comparison, grey, few]) == (
        "1 of 3 comparisons show a lower error, 0 a higher one, 1 no difference, 1 have no verdict"
    )


def test_a_template_wraps_and_its_page_does_not(tmp_path):
    source = "# {{ title }}\n\n{% if more %}\nA paragraph\nin {{ two }} lines.\n{% endif %}\n\n\n"
    (tmp_path / "page.md").write_text(source + "- one\n  item\n- two\n| a |  b |\n")
    shout = {"up": str.upper}
    text = render(tmp_path / "page.md", shout, title="T", more=True, two="two")
    assert text == "# T\n\nA paragraph in two lines.\n\n- one item\n- two\n| a |  b |\n"
    assert render(tmp_path / "page.md", shout, title="<b>", more=False).startswith("# <b>\n\n- one item")
    with pytest.raises(Exception, match="'title' is undefined"):
        render(tmp_path / "page.md", shout, more=False)
    assert flowed(flowed(text)) == flowed(text)
