"""Published numbers beside ours: a verdict a cell by hand-built cases, and the table of all."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import record_files
from records import skipped
from thermark.report.reference_results import PublishedCell
from thermark.report.reference_results.compare import (
    NO_PROFILE,
    CellComparison,
    Ours,
    compare_cells,
    recalled,
)
from thermark.report.reference_results.reference_tables import markdown, reference_table
from thermark.report.results import reproduced
from thermark.report.results.record import open_set


def cell(value=0.05, unit="fraction", **other) -> PublishedCell:
    defaults = dict(
        title="NME", metric="nme_io", dataset="tfake", source="a paper", table="I", row="net", run="mine"
    )
    defaults |= dict(norun="", protocol="", noses=0, incomparable="", doubt="")
    return PublishedCell(**defaults | {"value": value, "unit": unit} | other)


def one(published: PublishedCell, ours: Ours | str) -> CellComparison:
    (made,) = compare_cells([published], lambda each: ours)
    return made


@pytest.mark.parametrize(
    ("value", "std", "verdict"),
    [
        (0.051, 0.0, "reproduced"),  # at the tolerance
        (0.0512, 0.0, "outside"),
        (0.0512, 0.0007, "reproduced"),  # within twice the spread
        (0.053, 0.004, "reproduced"),  # three tolerances at most
        (0.0531, 0.004, "undecided: seeds spread"),
        (0.0469, 0.004, "undecided: seeds spread"),
        (0.058, 0.004, "undecided: seeds spread"),
        (0.0581, 0.004, "outside"),
        (0.0531, 0.0015, "outside"),
    ],
)
def test_errors_as_fractions_go_by_points_and_by_the_spread_of_seeds(value, std, verdict):
    assert one(cell(), Ours(value, seeds=3, seed_std=std)).text == verdict


@pytest.mark.parametrize(
    ("unit", "published", "reproduced", "outside"),
    [
        ("rate", 0.685, 0.685 + 1 / 73 + 0.0005, 0.685 - 1 / 73 - 0.0006),
        ("px", 4.16, 4.665, 4.166 - 0.512),
        ("crop px", 5.466, 4.961, 5.972),
        ("count", 82, 81, 84),
        ("M", 4.33, 4.333538, 4.336),
        ("G", 0.58, 0.5752, 0.5699),
        ("parameters", 410625, 410625, 410626),
    ],
)
def test_every_unit_has_its_tolerance(unit, published, reproduced, outside):
    entry = cell(published, unit, noses=73)
    assert one(entry, Ours(reproduced)).text == "reproduced"
    assert one(entry, Ours(outside)).text == "outside"
    # Seeds widen what is allowed of an error as a fraction only.
    assert one(entry, Ours(outside, seeds=3, seed_std=1e9)).text == "outside"


def test_reasons_go_in_this_order():
    """What has nothing beside it, data, the contestant, the cell, what was counted; then numbers, then seeds."""
    barred = cell(
        0.5, "rate", noses=60, unmeasured="another machine", incomparable="another network", dataset="thermeval"
    )
    ours = Ours(None, seeds=1, origin="rendered", noses=59, differing="25 epochs")
    texts = [one(barred, ours).text]
    texts.append(one(barred := barred.model_copy(update={"unmeasured": ""}), ours).text)
    texts.append(one(barred, ours := Ours(None, 1, noses=59, differing="25 epochs")).text)
    texts.append(one(barred, ours := Ours(None, 1, noses=59)).text)
    texts.append(one(barred := barred.model_copy(update={"incomparable": ""}), ours).text)
    texts.append(one(barred, Ours(None, 1, noses=60)).text)
    texts.append(one(barred, Ours(0.5, 1, noses=60)).text)
    texts.append(one(barred, Ours(0.5, 2)).text)
    texts.append(one(barred, Ours(0.5, 3)).text)
    assert texts == [
        *("not comparable: another machine", "not comparable: rendered data", "not comparable: 25 epochs"),
        *("not comparable: another network", "not comparable: 59 noses here", "not run: nothing was found"),
        *("one seed: no verdict", "two seeds: no verdict", "reproduced"),
    ]


def test_what_nothing_ran_for_has_the_reason_and_no_number():
    made = one(cell(incomparable="old"), "no weights")
    assert (made.text, made.verdict, made.reason, made.value) == (
        "not run: no weights",
        "not run",
        "no weights",
        None,
    )
    nobody = cell(run="", norun="no contestant is STAR")

    def unasked(each):
        raise AssertionError("a cell without a contestant is looked up")

    assert compare_cells([nobody], unasked)[0].text == "not run: no contestant is STAR"


def test_what_no_data_set_decides_is_compared_on_rendered_data():
    assert one(cell(4.33, "M", dataset=""), Ours(4.33, origin="rendered")).text == "reproduced"
    assert one(cell(4.33, "M"), Ours(4.33, origin="rendered")).text == "not comparable: rendered data"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.1), st.integers(0, 5))
def test_verdicts_do_not_know_who_was_first_and_doubt_only_grows(published, ours, std, seeds):
    """Exchanged numbers have the same verdict; what is reproduced stays so when seeds spread more."""
    rank = {"outside": 0, "undecided": 1, "reproduced": 2}
    there = one(cell(published), Ours(ours, seeds, std)).verdict
    assert there == one(cell(ours), Ours(published, seeds, std)).verdict
    wider = one(cell(published), Ours(ours, seeds, 2 * std)).verdict
    assert there == wider if seeds in (1, 2) else rank[wider] >= rank[there]


ERRORS = np.array([[0.03], [0.04], [0.05]]) * np.ones((3, 8))


def records(tmp_path, origin="real"):
    rows = [record_files.record("tfake", "mine", ERRORS), skipped("tfake", "idle")]
    record_files.write(tmp_path, {"tfake": rows}, {"tfake": {"mine": ERRORS}}, {}, origin)
    return open_set(tmp_path / "results/tfake.json")


def look(results):
    return reproduced.recorded({"tfake": results})


def test_records_of_a_data_set_answer_for_its_cells(tmp_path):
    real, rendered = records(tmp_path / "a"), records(tmp_path / "b", "rendered")
    assert look(real)(cell()) == Ours(0.04, 3, 0.01, 0.036, 0.044, "real")
    side = look(rendered)(cell(stratum="view", level="Side"))
    assert side == Ours(0.08, 3, 0.01, 0.036, 0.044, "rendered")
    for absent in (
        cell(stratum="view", level="Front"),
        cell(stratum="band", level="Mean"),
        cell(stratum="view", level="Side", metric="nme_diag"),  # parts know the main metric alone
        cell(metric="ms"),
    ):
        assert look(real)(absent) == "not measured"
    assert look(real)(cell(run="idle")) == "no weights"
    assert look(real)(cell(run="nobody")) == NO_PROFILE


def test_the_table_of_all():
    rows = [one(cell(doubt="a slip"), Ours(0.0701, seeds=3)), one(cell(4.33, "M", row="<img>"), "no | weights")]
    first, second = reference_table(rows)
    assert first == {
        **dict(source="a paper", table="I", row="net", column="NME", unit="fraction", run="mine"),
        **dict(dataset="tfake", protocol="", published=0.05, ours=0.0701, verdict="outside", reason=""),
        "doubt": "a slip",
    }
    assert (second["ours"], second["verdict"], second["reason"]) == (None, "not run", "no | weights")
    assert json.dumps([first, second], allow_nan=False)
    text = markdown(rows)
    assert text.count("### a paper: I") == 1
    assert "| net | NME | mine | outside | a slip | 0.05 | 0.0701 | fraction |" in text
    assert "| \\<img\\> | NME | mine | not run: no \\| weights |  | 4.33 | – | M |" in text


def test_what_pages_keep_is_recalled_and_the_rest_compared():
    base = {"table": "I", "run": "mine", "metric": "nme_io"}
    page = [
        base | {"row": "a", "ours": 0.06, "verdict": "outside", "tolerance": 0.001},
        base
        | {"row": "b", "reproduced": 0.07, "level": "", "verdict": "not comparable: rendered data: all of it"},
        base | {"row": "c", "ours": 0.08, "seeds": 1, "verdict": "one seed: no verdict"},
        base | {"row": "d", "ours": None, "verdict": "not run: no weights"},
        base | {"row": "e", "reproduced": None, "verdict": "not run", "reason": "not measured"},
    ]
    cells = [cell(row=row) for row in "abcdef"]
    ours = {"e": Ours(0.05, 3), "a": Ours(0.05, 3)}
    made = recalled(cells, page, lambda each: ours.get(each.row, "nobody asked"))
    assert [(each.value, each.verdict, each.reason) for each in made] == [
        (0.06, "outside", ""),
        (0.07, "not comparable", "rendered data: all of it"),
        (0.08, "one seed: no verdict", ""),
        (None, "not run", "no weights"),
        (0.05, "reproduced", ""),
        (None, "not run", "nobody asked"),
    ]
    assert [each.text for each in made[:4]] == [each["verdict"] for each in page[:4]]
