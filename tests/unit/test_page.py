"""The page without a browser: figures, answers, cards, escaping, and what is read without JavaScript."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import vl_convert
from bs4 import BeautifulSoup

import page_inputs
from thermark.core.errors import DataError
from thermark.core.faces import Crops
from thermark.report.notices import kind
from thermark.report.page import (
    answers,
    board,
    build,
    gallery,
    packing,
    page_data,
    render,
    view,
    words,
)
from thermark.report.page.figures import cost, distributions, face, learning, pairs
from thermark.report.page.view import View
from thermark.report.paths import ReportPaths
from thermark.report.results import face_errors as stored
from thermark.report.results.record import write_set

NASTY = '<img src=x onerror="window.hit=1">\'</script><b>&amp;\u2028'
BUDGET = [
    {"crops": "persons", "head": "h", "labels": n, "native_mean": 20.0 / n, "low": 1.0, "high": 3.0}
    for n in (1, 8)
]
TRAINING = [
    {"run": run, "seed": seed, "epoch": epoch, "val_nme": 0.4 / epoch + seed / 100, "kp": None}
    for run in ("mcl_st", "kd_st")
    for seed in (0, 1)
    for epoch in (1, 2)
]
SPEEDS = {"good": {"ms": 12.5, "ms_low": 12.0, "ms_high": 13.0, "parameters": 6e6, "note": "boxes: prompt"}}
CELL = {"source": "paper", "table": "I", "row": "r", "column": "c", "unit": "%", "published": 4.06, "ours": None}
CELL |= {"verdict": "not comparable", "reason": "rendered data", "doubt": "columns swapped"}


def whole(extra: str = "", **more):
    """Return inputs with everything that there can be."""
    plain = page_inputs.inputs(extra)
    fields = {
        "comparisons": page_inputs.compared(plain.sets),
        "speeds": SPEEDS,
        "machine": {"cpu": "a CPU", "threads": 2},
    }
    fields |= {"budget": BUDGET, "training": TRAINING, "published": (CELL,), "sources": {"budget": ("small",)}}
    return replace(plain, **fields | {"folder": "../results"} | more)


def html(given) -> str:
    return render.page(build.context(given, build.Config()))


def read(page: str) -> BeautifulSoup:
    """Return a page as it is read without scripts."""
    soup = BeautifulSoup(page, "html.parser")
    for script in soup("script"):
        script.decompose()
    return soup


@pytest.fixture(scope="module")
def page() -> str:
    return html(whole())


@pytest.fixture
def small():
    given = page_inputs.inputs()
    return given.sets["small"], given.errors["small"]


# Figures


def test_a_distribution_counts_faces_and_a_miss_is_within_none(small):
    results, errors = small
    # `good` is 0.01 to 0.03 in twelve even steps: six are at most 0.02; `poor` finds eight of twelve.
    assert distributions.within(errors["good"], 0.02, False)[0] == 50.0
    assert distributions.within(errors["poor"], 0.1, False)[0] == pytest.approx(100 * 8 / 12)
    figure = distributions.ced(View(results, errors))
    rows = figure.spec["data"]["values"]
    last = {row["contestant"]: row["part"] for row in rows}
    assert last == {"good": 100.0, "fair": 100.0, "poor": pytest.approx(66.67)}
    assert max(row["error"] for row in rows) == 16.0  # twice the limit of auc@0.08io, in per cent
    assert all(row["low"] <= row["part"] <= row["high"] for row in rows)
    assert "good 100.0 %" in figure.alt and "rendered" in figure.alt


def test_who_is_not_named_is_grey_and_has_no_band(small):
    results, errors = small
    spec = distributions.ced(View(results, errors, ["good"])).spec
    assert {row["contestant"] for row in spec["data"]["values"]} == {"good"}
    rest = spec["layer"][0]["data"]["values"]
    assert {row["contestant"] for row in rest} == {"fair", "poor"} and not any("low" in row for row in rest)


def test_a_subject_is_the_mean_of_its_faces_and_seeds_with_misses_capped(small):
    results, errors = small
    dots = [
        row
        for row in distributions.subjects(View(results, errors)).spec["data"]["values"]
        if row["contestant"] == "poor"
    ]
    # Faces 0 to 3 are missed, one of each subject; two more of each have 0.1: (0.5 + 0.1 + 0.1) / 3.
    assert [row["subject"] for row in dots] == ["s0", "s1", "s2", "s3"]
    assert [row["error"] for row in dots] == [pytest.approx(100 * 0.7 / 3, rel=1e-3)] * 4


def test_parts_keep_their_order_and_tell_who_was_found(small):
    results, _ = small
    spec = distributions.parts(View(results), "distance").spec
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == ["2 ft", "10 ft"]
    assert distributions.strata(results) == {"distance": ["2 ft", "10 ft"]}


def test_a_face_is_drawn_from_landmarks_and_not_without_a_face(small):
    results, _ = small
    rows = face.landmarks(View(results)).spec["data"]["values"]
    assert len([row for row in rows if row["contestant"] == "good"]) == 68
    assert {"x", "y", "error", "point"} <= rows[0].keys()
    assert face.landmarks(View(page_inputs.results(results.records, face=()))).spec is None


def test_the_front_holds_whom_nobody_beats_in_both(small):
    results, _ = small
    rows = {row["contestant"]: row for row in cost.pareto(View(results), "parameters").spec["data"]["values"]}
    assert rows["fair"]["cost"] == 4e6 and rows["fair"]["front"] and rows["good"]["front"]
    heavy = {"parameters": 9e6}
    worse = [
        each.model_copy(update={"exact": heavy}) if each.contestant == "fair" else each for each in results.records
    ]
    rows = cost.pareto(View(page_inputs.results(worse)), "parameters").spec["data"]["values"]
    assert {row["contestant"]: row["front"] for row in rows} == {"fair": False, "good": True}
    assert cost.pareto(View(results), "milliseconds").spec is None
    timed = cost.pareto(View(results, speeds=SPEEDS), "milliseconds")
    assert [row["cost"] for row in timed.spec["data"]["values"]] == [12.5]


def test_pairs_are_row_less_column_and_grey_where_nothing_follows(small):
    results, _ = small
    figure = pairs.matrix(View(results, comparisons=page_inputs.compared({"small": results})))
    rows = {(row["a"], row["b"]): row for row in figure.spec["data"]["values"]}
    assert rows["good", "fair"]["difference"] == pytest.approx(-1.0, rel=1e-3)
    assert rows["fair", "good"]["difference"] == pytest.approx(1.0, rel=1e-3) and not rows["fair", "good"]["grey"]
    grey = pairs.matrix(View(results, comparisons=page_inputs.compared({"small": results}, apart=100.0)))
    assert all(row["grey"] for row in grey.spec["data"]["values"])
    assert "0 of 3 pairs" in grey.alt


def test_a_pair_of_a_matrix_is_told_apart_by_p_over_all_pairs_and_enough_seeds(small):
    results, _ = small
    made = page_inputs.compared({"small": results})

    def sentence(on, p_holm):
        matrix = made.matrices["small"].model_copy(update={"p_holm": tuple(map(tuple, p_holm))})
        return pairs.matrix(View(on, comparisons=made.model_copy(update={"matrices": {"small": matrix}}))).alt

    p_holm = made.matrices["small"].p_holm
    assert sentence(results, p_holm).startswith("3 of 3 pairs on Small, rendered differ significantly (Holm")
    doubtful = [[p and 12 * p for p in row] for row in p_holm]
    assert sentence(results, doubtful).startswith("3 of 3 pairs")
    doubtful[0][1] = doubtful[1][0] = 0.6
    assert sentence(results, doubtful).startswith("2 of 3 pairs")
    once = [each.model_copy(update={"seeds": min(each.seeds, 1)}) for each in results.records]
    assert sentence(page_inputs.results(once), doubtful).startswith("1 of 3 pairs")


def changed(made, **own):
    """Return comparisons of which all declared pairs say so."""
    family = made.families[0]
    pairs = tuple(pair.model_copy(update=own) for pair in family.pairs)
    return made.model_copy(update={"families": (family.model_copy(update={"pairs": pairs}),)})


def test_a_declared_pair_is_faint_unless_its_verdict_says_something(small):
    results, _ = small
    made = page_inputs.compared({"small": results})
    rows = pairs.families(View(results, comparisons=made)).spec["data"]["values"]
    assert [row["pair"] for row in rows] == ["good less fair", "fair less poor"] and all(
        row["shown"] for row in rows
    )
    undecided = changed(made, verdict="no difference shown")
    rows = pairs.families(View(results, comparisons=undecided)).spec["data"]["values"]
    assert not any(row["shown"] for row in rows)
    assert pairs.families(View(results, comparisons=changed(made, difference=None))) is None


def test_declared_pairs_say_their_caveat_and_no_interval_of_too_few_seeds(small):
    results, _ = small
    made = page_inputs.compared({"small": results})
    one, other = made.families[0].pairs
    declared = [
        one.model_copy(update={"caveat": "boxes frame and prompt"}),
        other.model_copy(update={"verdict": "one seed: no verdict"}),
    ]
    family = made.families[0].model_copy(update={"pairs": tuple(declared)})
    ((_, _, table),) = build.families(made.model_copy(update={"families": (family,)}), {"small": results})
    first, second = (dict(zip(table.head, row, strict=True)) for row in table.rows)
    assert first["caveat"] == "boxes frame and prompt" and " to " in first["95 %"] and second["caveat"] == "–"
    assert second["verdict"] == "one seed: no verdict" and second["95 %"] == "–"
    assert second["p"] == second["p, unadjusted"] == second["detectable"] == "–"


def test_curves_are_means_over_seeds_and_none_without_lines():
    rows = learning.training(TRAINING, "rendered data").spec["data"]["values"]
    last = next(row for row in rows if row["run"] == "mcl_st" and row["epoch"] == 2)
    assert (last["error"], last["low"], last["high"]) == pytest.approx((20.5, 20.0, 21.0))
    assert learning.training((), "").spec is None and learning.budget((), "").spec is None
    assert "h 2.50 px with 8 labels" in learning.budget(BUDGET, "rendered data").alt


def test_every_specification_compiles_and_is_called_rendered():
    """And no text of a file becomes a field or an expression, not even as a string in one."""
    specs = build.context(whole(f"odd name {NASTY}"), build.Config())["data"]["figures"]
    kinds = {"families", "ced", "matrix", "landmarks", "by", "subjects", "milliseconds", "parameters"}
    assert {key.split("-")[0] for key in specs} == kinds | {"budget", "training"}
    for key, spec in specs.items():
        heading = spec["title"]["text"] + spec["title"]["subtitle"]
        assert "rendered" in heading or key == "training", key
        compiled = vl_convert.vegalite_to_vega(unpacked(spec))
        assert not [text for text in expressions(compiled) if "odd name" in text], key


def unpacked(node):
    """Return a specification as it was before it was packed, as the script does."""
    if isinstance(node, list):
        return [unpacked(each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("columns"), dict):
        columns = {field: cells(column) for field, column in node["columns"].items()}
        rows = zip(*columns.values(), strict=True)
        lines = [dict(zip(columns, row, strict=True)) for row in rows]
        return {"values": [{key: cell for key, cell in line.items() if cell is not None} for line in lines]}
    return {key: unpacked(each) for key, each in node.items()}


def cells(column):
    if isinstance(column, list):
        return column
    return [None if index is None else column["texts"][index] for index in column["at"]]


def test_packing_loses_nothing(small):
    spec = distributions.ced(View(*small, ["good"])).spec
    assert unpacked(packing.packed(spec)) == spec


def expressions(node, key=""):
    """Return every text of a compiled figure that Vega evaluates."""
    if isinstance(node, dict):
        return [text for name, each in node.items() for text in expressions(each, name)]
    if isinstance(node, list):
        return [text for each in node for text in expressions(each, key)]
    return [node] if isinstance(node, str) and key in ("expr", "signal", "test", "update", "init", "on") else []


# Answers


def test_the_best_has_the_least_error_over_all_faces_of_its_case(small):
    results, _ = small
    assert [each.contestant for each in View(results).ranked] == ["good", "fair", "poor"]
    cases = answers.answers(View(results))
    assert cases["any/any"]["best"] == "good" and "Finds 100.00 %" in cases["any/any"]["found"]
    assert cases["any/other"]["best"] == "fair"  # `good` learned from this set's train split
    assert cases["found/any"]["best"] == cases["any/rgb"]["best"] == "poor"
    assert cases["given/rgb"]["best"] == "" and "No contestant" in cases["given/rgb"]["found"]
    assert "nothing was compared" in cases["any/any"]["real"]


def test_who_answers_fewer_landmarks_does_not_compete(small):
    results, _ = small
    one = page_inputs.record("one", page_inputs.per_face([0.001] * page_inputs.FACES), points=1)
    more = page_inputs.results([*results.records, one])
    assert answers.answer(View(more), "any", "any")["best"] == "good"
    assert [each.contestant for each in View(more).ranked][-1] == "one"
    assert board.rows(View(more))[-1].partial


@pytest.mark.parametrize(
    ("learned", "apart", "real"),
    [
        ("any", 0.15, "Differs significantly from all 2 others of this case."),
        ("any", 100.0, "Does not differ significantly from fair and poor."),
        # Without `good`, the best of the case is not the one that the letters are about.
        ("other", 100.0, "In group A, like good, from which"),
    ],
)
def test_a_difference_is_real_where_letters_differ(small, learned, apart, real):
    compared = View(small[0], comparisons=page_inputs.compared({"small": small[0]}, apart))
    assert answers.answer(compared, "any", learned)["real"].startswith(real)


def test_speed_and_size_are_told_as_far_as_known(small):
    results, _ = small
    good, fair, poor = View(results).ranked
    assert answers.fast(good, SPEEDS) == "12.5 ms a picture on one CPU; 6 M parameters."
    assert answers.fast(fair, SPEEDS) == "Not timed here; 4 M parameters and 70 M multiply-adds."
    assert answers.fast(poor, SPEEDS) == "Not timed here; its size is not counted."


def test_an_absent_interval_says_why():
    alone = page_inputs.per_face([0.1] * page_inputs.FACES)
    record = page_inputs.record("alone", alone)
    one = record.metrics["nme_io_all"].model_copy(update={"low": None, "high": None, "subjects": 1})
    nothing = record.metrics["nme_io"].model_copy(update={"value": None, "low": None, "high": None})
    record = record.model_copy(
        update={"metrics": record.metrics | {"nme_io_all": one, "nme_io": nothing}, "missed": page_inputs.FACES}
    )
    results = page_inputs.results([record])
    assert "no interval: one subject only" in answers.answer(View(results), "any", "any")["error"]
    facts = dict(board.card(View(results), record)["facts"])
    assert "no interval: one subject only" in facts["error, all faces"]
    assert facts["error, found faces"] == "no face was found"


def test_a_card_has_what_a_number_rests_on(small):
    results, _ = small
    good = results.of("good")
    shown = View(results, comparisons=page_inputs.compared({"small": results}), speeds=SPEEDS)
    facts = dict(board.card(shown, good)["facts"])
    assert facts["found"] == "100.00 % (95 % interval 50.00–100.00); 12 faces, 4 subjects"
    assert facts["seeds"] == "3: 2.00, 2.00, 2.00 %" and facts["intervals cover"] == "subjects and 3 seeds"
    assert facts["floor"].startswith("0.40 %, 0.40 px") and facts["group"] == "A, its best: alone in it"
    assert facts["predictions, sha256"] == "p" * 64 and facts["time"] == "12.5 ms (12–13), boxes: prompt"
    assert dict(board.card(View(results), results.of("idle"))["facts"]) == {
        "why it has no numbers": "needs 300 MB"
    }
    assert results.protocol.id in dict(board.common(View(results)))["protocol"]


def test_those_of_the_default_colours_are_the_best_of_each_set_in_turn():
    one = page_inputs.inputs().sets["small"]
    other = page_inputs.results([each for each in one.records if each.contestant != "good"])
    assert view.leading([one, other], 8) == ["good", "fair", "poor"]
    assert view.leading([other, one], 1) == ["fair"]
    twin = page_inputs.record("twin", page_inputs.per_face(np.linspace(0.01, 0.03, page_inputs.FACES), 3))
    assert "twin" not in view.leading([page_inputs.results([*one.records, twin])], 8)


# Failures


def test_the_worst_faces_are_the_same_for_all(small):
    results, errors = small
    worst = gallery.worst(View(results, errors), 3)
    # The more even steps `good` and `fair` go, the worse; `poor` misses f0 to f3.
    assert [face.face for face in worst] == ["f3", "f2", "f1"]
    texts = {answer.contestant: answer.text for answer in worst[0].answers}
    assert texts["poor"] == "missed" and texts["good"] == "1.55"


@pytest.mark.parametrize(("origin", "allowed"), [("rendered", True), ("thermalised", False), ("real", False)])
def test_only_rendered_faces_are_shown(small, origin, allowed):
    assert gallery.permitted(page_inputs.results(small[0].records, origin=origin).data_set) is allowed


def test_pictures_are_those_of_prepared_faces_of_rendered_data(small, tmp_path, monkeypatch):
    results, errors = small
    worst = gallery.worst(View(results, errors), 2)
    (tmp_path / "small").mkdir()
    faces = type("Faces", (), {"ids": np.array(["f3", "f2"])})()
    pixels = np.zeros((2, 8, 8), np.uint8)
    crops = Crops(pixels, np.stack([np.eye(3)[:2], np.full((2, 3), np.nan)]), 1.0)
    monkeypatch.setattr(gallery, "open_set", lambda folder: (faces, crops))
    seen = gallery.pictures(results.data_set, worst, tmp_path)
    assert list(seen) == ["f3"] and seen["f3"].startswith("data:image/jpeg;base64,")  # f2 has no crop
    real = page_inputs.results(results.records, origin="real", labels="human").data_set
    assert (
        gallery.pictures(real, worst, tmp_path) == {}
        and gallery.pictures(results.data_set, worst, tmp_path / "none") == {}
    )


# The file


def test_without_scripts_the_tables_have_every_number(page):
    soup = read(page)
    table = soup.find("table", {"data-board": "small"})
    lines = {row["data-name"]: row.get_text(" ", strip=True) for row in table.tbody.find_all("tr")}
    assert list(lines) == ["good", "fair", "poor"]
    assert "100.00" in lines["good"] and "2.00" in lines["good"] and "1.80–2.20" in lines["good"]
    assert "66.67" in lines["poor"] and "10.00" in lines["poor"] and "rendered data only" in lines["poor"]
    text = soup.get_text(" ", strip=True)
    for phrase in ("needs 300 MB", "columns swapped", "Is each better than the next?", "Rendered data", "12.5"):
        assert phrase in text
    assert "Cumulative" not in text and soup.find(id="not-run").find("td", string="needs 300 MB")
    for chart in soup.find_all(class_="chart"):
        assert len(chart["aria-label"]) > 40 and chart["role"] == "img"
    assert len(soup.find_all("figure")) == len(soup.find_all(class_="chart")) + len(soup.select("figure > p.none"))


def test_links_lead_somewhere(page):
    soup = read(page)
    targets = {node["id"] for node in soup.find_all(id=True)}
    cards = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])["cards"]
    for link in soup.find_all("a", href=re.compile("^#")):
        assert link["href"][1:] in targets or link["href"][1:] in cards


def test_it_is_small_and_asks_nobody(page):
    assert len(page.encode()) < 2_000_000
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.find_all(["iframe", "object", "embed", "base"])
    assert [each for each in soup.find_all(src=True) if not each["src"].startswith("data:")] == []
    assert [each["href"] for each in soup.find_all("link")] == ["data:,"]
    assert "@import" not in page.partition("</style>")[0] and "url(" not in page.partition("</style>")[0]


def test_a_default_of_four_sets_is_below_two_megabytes():
    """As many sets, contestants and subjects as the default has, without pictures."""
    rng = np.random.default_rng(0)
    errors = {f"contestant_{index}": page_inputs.per_face(rng.random(240), 3) for index in range(22)}
    errors |= {
        name: each | {"subjects": np.array([f"S{i % 60}" for i in range(240)])} for name, each in errors.items()
    }
    records = [page_inputs.record(name, each, seeds=3, per_seed=(0.1,) * 3) for name, each in errors.items()]
    records += [page_inputs.record(f"idle_{index}", None, reason="needs 300 MB " * 8) for index in range(36)]
    results = page_inputs.results(records)
    sets = {f"set_{index}": results for index in range(4)}
    given = page_data.PageData(sets, dict.fromkeys(sets, errors), page_inputs.compared(sets))
    assert len(html(given).encode()) < 2_000_000


def test_scripts_run_by_their_hashes_alone(page):
    scripts = [script.string for script in BeautifulSoup(page, "html.parser")("script") if not script.get("type")]
    assert len(scripts) == 3
    hashes = [b64encode(sha256(script.encode()).digest()).decode() for script in scripts]
    policy = BeautifulSoup(page, "html.parser").find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; script-src " + " ".join(f"'sha256-{each}'" for each in hashes))
    script = policy.split(";")[1]
    assert "unsafe" not in script and "http" not in policy


def test_the_block_is_json_that_cannot_leave_its_element():
    text = str(render.block({"a": NASTY, "b": [0.1234567891, None]}))
    assert "<" not in text and ">" not in text and "&" not in text and "\u2028" not in text
    assert json.loads(text) == {"a": NASTY, "b": [0.123457, None]}
    with pytest.raises(ValueError, match="JSON"):
        render.block({"a": float("nan")})


def test_a_name_is_text_wherever_it_stands():
    given = whole(NASTY, published=(CELL | {"row": NASTY},), folder=NASTY)
    soup = BeautifulSoup(html(given), "html.parser")
    assert soup.find_all("img") == [] and soup.find_all("b", string="&amp;") == []
    assert not [node for node in soup.find_all(True) for name in node.attrs if name.startswith("on")]
    assert NASTY in [row["data-name"] for row in soup.find_all("tr", {"data-name": True})]


def test_the_same_inputs_give_the_same_bytes(page, tmp_path):
    build.build(whole(), build.Config(), tmp_path / "a")
    written = (tmp_path / "a/index.html").read_bytes()
    assert written == page.encode() and b"\r" not in written
    assert str(tmp_path).encode() not in written


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        (
            {"good": [0.01] * 12},
            ["nothing was compared", "No published numbers", "Nothing was timed", "There are no such curves"],
        ),
        ({"blind": [np.inf] * 12}, ["No contestant that ran here", "no face was found"]),
        ({"idle": None}, ["needs 300 MB", "No contestant that ran"]),
    ],
    ids=["records alone", "nobody is found", "nobody ran"],
)
def test_it_works_with_nothing_but_records(errors, shown):
    face_errors = {name: page_inputs.per_face(values) for name, values in errors.items() if values}
    results = page_inputs.results([page_inputs.record(name, face_errors.get(name)) for name in errors])
    soup = read(html(page_data.PageData({"small": results}, {"small": face_errors})))
    text = soup.get_text(" ", strip=True)
    assert [each for each in shown if each not in text] == []
    assert soup.find("td", attrs={"data-sort": "A"}) is None  # no group letters


def test_machine_labels_and_thermalised_data_are_called_so():
    given = page_inputs.inputs()
    records = given.sets["small"].records
    sets = {
        "car": page_inputs.results(records, name="car", title="Car", origin="real", labels="machine"),
        "made": page_inputs.results(records, name="made", title="Made", origin="thermalised", labels="rendered"),
        "true": page_inputs.results(records, name="true", title="True", origin="real", labels="human"),
    }
    several = page_data.PageData(sets, dict.fromkeys(sets, given.errors["small"]))
    soup = read(html(several))
    notices = [node.get_text(" ", strip=True) for node in soup.find_all(role="note")]
    assert len(notices) == 2 and notices[0].startswith("Car (real data, machine labels). Machine labels")
    assert words.titled(sets["made"].data_set) == "Made (thermalised data)" and kind(sets["true"].data_set) == ""
    assert "machine labels" in soup.find("table", {"data-board": "car"}).caption.get_text()
    specs = build.context(several, build.Config())["data"]["figures"]
    assert "machine labels" in specs["ced-car"]["title"]["text"] and specs["ced-true"]["title"]["text"].endswith(
        "True"
    )


def test_licences_of_what_it_is_drawn_with_stand_in_it(page):
    licences = read(page).find("pre").get_text()
    for name in ("vega 6.2.0", "vega-lite 6.4", "vega-embed 7.0.2", "sortable-tablesort", "d3-array", "Unlicense"):
        assert name in licences
    assert "University of Washington Interactive Data Lab" in licences


# Reading


def test_files_that_are_absent_are_nothing(tmp_path):
    given = page_inputs.inputs()
    with pytest.raises(DataError, match="holds no results"):
        page_data.read(ReportPaths(tmp_path))
    write_set(tmp_path / "small.json", given.sets["small"])
    with pytest.raises(DataError, match=r"small\.parquet is missing"):
        page_data.read(ReportPaths(tmp_path))
    stored.write(tmp_path / "small.parquet", given.errors["small"])
    (tmp_path / "budget.csv").write_text(
        "crops,head,labels,native_mean,low,high\np,h,10,17.6,,\n", encoding="utf-8"
    )
    absent = tmp_path / "absent"
    places = ReportPaths(
        tmp_path, absent, speed=absent, budget=tmp_path / "budget.csv", training_curves=absent, published=absent
    )
    loaded = page_data.read(places)
    assert loaded.budget == [
        {"crops": "p", "head": "h", "labels": 10, "native_mean": 17.6, "low": None, "high": None}
    ]
    assert loaded.training == () and loaded.published == () and loaded.comparisons.matrices == {}
    assert "17.60" in html(loaded)


def test_it_shows_real_records(golden):
    """Those of the pipeline in miniature: few faces, floors, contestants that found nobody."""
    given = page_data.read(ReportPaths(golden("smoke")))
    soup = read(html(given))
    ran = [record for results in given.sets.values() for record in results.records if record.ran]
    assert len(soup.select("[data-board] tbody tr")) == len(ran) > 10
    assert len(soup.select(".answer .best a")) == len(given.sets)


def test_times_of_contestants_and_of_bare_networks_stay_apart():
    network = {"fp32_ms": 3.0, "fp32_ms_low": 2.0, "fp32_ms_high": 4.0, "parameters": 7, "note": ""}
    timed = {"status": "ok", "ms": 9.0, "ms_low": 8.0, "ms_high": 10.0, "pictures": 5, "found": 4}
    rows = {"good": timed | {"dataset": "tfake", "boxes": "prompt"}}
    rows["idle"] = {"status": "skipped", "reason": "no weights"}
    speed = {"machine": {"cpu": "a CPU"}, "rows": {"good": network}, "contestants": {"rows": rows}}
    times = page_data.times(speed)
    assert set(times) == {"good", "good (network)"}
    assert times["good"]["ms"] == 9.0 and "found somebody in 4 of 5 pictures" in times["good"]["note"]
    assert times["good (network)"]["ms"] == 3.0 and times["good (network)"]["parameters"] == 7
