"""Whole comparisons: hand-built answers, what is grey, all pairs as each alone, letters by what they promise."""

from dataclasses import asdict, fields
from itertools import combinations

import numpy as np
import pytest

from simulated_errors import contestant, recipes, sign_flip
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.metrics.compared import Comparison, Config, compare, pairwise
from thermark.metrics.paired import Paired, paired

CONFIG = Config(cap=10.0, bootstrap=300)
INF, NAN = np.inf, np.nan


def close(found, expected):
    """Two comparisons that say the same, but for rounding."""
    for name, value in asdict(expected).items():
        assert asdict(found)[name] == (value if isinstance(value, str) else pytest.approx(value, abs=1e-12)), name


def test_a_known_answer():
    """Two faces of each of five subjects; a misses one, b two others, one is labelled for nobody."""
    names = np.repeat(list("vwxyz"), 2)
    a = contestant([1, 2, INF, 3, 4, 5, 1, 2, NAN, 3], names)
    b = contestant([2, 3, 4, 4, 5, INF, 2, INF, NAN, 40], names)
    comparison = compare(a, b, "error", CONFIG)
    assert comparison.difference == pytest.approx((-1 - 1 - 1 - 1 - 1 - 37) / 6)
    assert (comparison.faces, comparison.left_out, comparison.subjects, comparison.seeds) == (6, 3, 5, (0, 0))
    # At most 10 a face: 1 + 2 + 10 + 3 + 4 + 5 + 1 + 2 + 3 against 2 + 3 + 4 + 4 + 5 + 10 + 2 + 10 + 10
    assert comparison.capped == pytest.approx((31 - 50) / 9)
    assert comparison.p == 2 / 2**5  # of each of the five subjects, a is better
    assert comparison.grey == "below the minimal detectable effect"


def test_it_is_paired_with_more():
    a, b = recipes(np.random.default_rng(0), 2, 12, 0.2).values()
    comparison, expected = compare(a, b, "error", CONFIG), paired(a, b, "error", 300, 0)
    assert Paired(*(getattr(comparison, field.name) for field in fields(Paired))) == expected
    assert comparison.varied == "subjects and seeds" and comparison.seeds == (3, 3)
    assert comparison.p >= sign_flip(a["error"] - b["error"], a["subjects"])


@pytest.mark.parametrize("seeds", [0, 1, 3])
def test_swapping_mirrors_everything(seeds):
    a, b = recipes(np.random.default_rng(1), 2, 12, 0.2, seeds or 1).values()
    for number, table in enumerate((a, b)):
        for column in ("error", "per_seed"):
            table[column][..., number : number + 3] = INF
        if not seeds:
            del table["per_seed"]
    forth, back = compare(a, b, "error", CONFIG), compare(b, a, "error", CONFIG)
    close(back, forth.mirrored())
    opposite = {"lower error": "higher error", "higher error": "lower error"}
    assert back.verdict == opposite.get(forth.verdict, forth.verdict)


def test_a_miss_of_one_seed_leaves_the_face_out_and_counts_by_that_seed():
    names = ["s", "s", "t", "t"]
    a = contestant([[1, INF, 1, 1], [1, 3, 1, 1], [1, 3, 1, 1]], names)
    b = contestant(np.full((3, 4), 2.0), names)
    comparison = compare(a, b, "error", CONFIG)
    assert (comparison.faces, comparison.left_out) == (3, 1)
    assert comparison.capped == pytest.approx((1 + 16 / 3 + 1 + 1) / 4 - 2)


def test_what_is_missed_is_no_better_than_what_is_far_off():
    """Whoever answers badly on a hard face and whoever does not answer get the same on all faces."""
    names = np.repeat(list("abcdef"), 2)
    base = contestant(np.full(12, 1.0), names)
    far, missed = (contestant([bad, *[1.0] * 11], names) for bad in (500.0, INF))
    comparisons = [compare(each, base, "error", CONFIG) for each in (far, missed)]
    assert comparisons[0].capped == comparisons[1].capped == pytest.approx(9 / 12)
    assert comparisons[0].difference > comparisons[1].difference == 0


def even(gap, spread, subjects=20, seeds=0):
    """A base contestant and one that is worse by `gap`, by more on half of the subjects and less on the other."""
    names = np.repeat(np.arange(subjects), 2).astype(str)
    base = np.random.default_rng(0).gamma(2, 1, len(names))
    other = base + gap + np.repeat(np.resize([spread, -spread], subjects), 2)
    return [contestant(np.tile(row, (seeds, 1)) if seeds else row, names) for row in (other, base)]


def test_what_cannot_be_detected_and_what_is_jitter_is_grey():
    clear = compare(*even(1.0, 0.2), "error", CONFIG)
    # The standard error is 0.2 / sqrt(19); t of 19 degrees of freedom.
    assert clear.detectable == pytest.approx((2.093 + 0.861) * 0.2 / np.sqrt(19), rel=0.1)
    assert (clear.grey, clear.shown()) == ("", True)
    jitter = compare(*even(1.0, 0.2), "error", CONFIG, floor=1.001)
    assert (jitter.grey, jitter.shown(), jitter.verdict) == ("below the jitter floor", False, "higher error")
    assert compare(*even(1.0, 0.2), "error", CONFIG, floor=0.999).grey == ""
    small = compare(*even(0.05, 0.2), "error", CONFIG, floor=0.1)
    assert small.grey == "below the minimal detectable effect, below the jitter floor"
    assert small.detectable == pytest.approx(clear.detectable) and not small.shown()


def test_the_floor_of_a_pair_is_the_larger_one():
    a, b = even(1.0, 0.2)
    comparisons = pairwise({"a": a, "b": b, "c": b}, "error", CONFIG, {"b": 2.0, "a": 0.5})
    assert [one.grey for one in comparisons.values()] == ["below the jitter floor", "", comparisons["b", "c"].grey]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_have_no_verdict_and_nothing_is_shown(seeds):
    comparison = compare(*even(5.0, 0.01, seeds=seeds), "error", CONFIG)
    assert comparison.verdict == f"{['one seed', 'two seeds'][seeds - 1]}: no verdict"
    assert comparison.difference == pytest.approx(5.0) and not comparison.shown() and not comparison.shown(0.0)
    assert compare(*even(5.0, 0.01, seeds=3), "error", CONFIG).shown()


def test_it_takes_p_and_the_interval_to_show_something():
    comparison = compare(*even(1.0, 0.2), "error", CONFIG)
    assert comparison.shown(0.05) and not comparison.shown(0.051) and not comparison.shown(NAN)
    wide = Comparison(**{**asdict(comparison), "low": -0.1, "high": 2.0})
    assert not wide.shown()
    assert not Comparison(**{**asdict(comparison), "p": None}).shown()


def test_nothing_in_common_and_one_subject_say_why():
    a, b = contestant([INF, 1.0], ["s", "t"]), contestant([1.0, INF], ["s", "t"])
    comparison = compare(a, b, "error", CONFIG)
    assert (comparison.difference, comparison.p, comparison.detectable, comparison.grey) == (
        None,
        None,
        None,
        "no face found by both",
    )
    assert (comparison.low, comparison.left_out, comparison.verdict) == (None, 2, "no difference shown")
    assert (comparison.capped, comparison.subjects) == (0.0, 0)
    a, b = contestant([1.0, 2.0], ["s", "s"]), contestant([3.0, 3.0], ["s", "s"])
    comparison = compare(a, b, "error", CONFIG)
    assert (comparison.difference, comparison.low, comparison.p, comparison.subjects) == (-1.5, None, None, 1)
    assert (comparison.grey, comparison.verdict) == ("no interval", "no difference shown")
    nobody = contestant([NAN, NAN], ["s", "t"])
    comparison = compare(nobody, nobody, "error", CONFIG)
    assert (comparison.capped, comparison.difference, comparison.faces) == (None, None, 0)
    assert comparison.mirrored().grey == "no face found by both" and not comparison.shown()


@pytest.mark.parametrize("cap", [0.0, -1.0, INF])
def test_a_cap_is_a_number(cap):
    with pytest.raises(ConfigError):
        parse({"cap": cap}, Config, "compared")


@pytest.mark.parametrize("subjects", [8, 20])
def test_all_pairs_are_each_pair_alone(subjects):
    rng = np.random.default_rng(subjects)
    contestants = recipes(rng, 5, subjects, 0.2)
    contestants["alone"] = {name: column for name, column in contestants["c0"].items() if name != "per_seed"}
    contestants["once"] = recipes(np.random.default_rng(subjects), 1, subjects, 0.2, 1)["c0"]
    contestants["once"]["error"] = contestants["once"]["error"] * 1.0
    for (
        name,
        each,
    ) in contestants.items():  # each misses a whole subject and some faces, and they are others for each
        lost = (each["subjects"] == str(len(name) % 4)) | (rng.random(len(each["ids"])) < 0.1)
        each["error"][lost] = INF
        if "per_seed" in each:
            each["per_seed"][0, lost] = INF
    made = pairwise(contestants, "error", CONFIG, {"c1": 0.3})
    assert list(made) == list(combinations(contestants, 2))
    for (a, b), comparison in made.items():
        close(comparison, compare(contestants[a], contestants[b], "error", CONFIG, 0.3 * ("c1" in (a, b))))
    some = pairwise(contestants, "error", CONFIG, {"c1": 0.3}, [("c2", "c1"), ("c0", "nobody")])
    assert list(some) == [("c2", "c1")]
    close(some["c2", "c1"], made["c1", "c2"].mirrored())
    assert pairwise({}, "error", CONFIG) == pairwise({"one": contestants["c0"]}, "error", CONFIG) == {}
