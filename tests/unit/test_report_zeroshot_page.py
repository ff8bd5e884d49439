"""The bake-off in miniature, from files to files: every number, every verdict, no more than they say."""

import json
from contextlib import nullcontext
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import yaml

import zeroshot_scene as scene
from command_line import run_stage
from tables_of_text import line, part
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.predictions import Predictions
from thermark.metrics.evaluate import Config
from thermark.report.reference_results import Published, PublishedColumn, load
from thermark.report.reference_results import PublishedRow as Row
from thermark.report.reference_results import PublishedTable as Table
from thermark.report.reference_results.reference_tables import posts_section
from thermark.report.results import face_errors
from thermark.report.results.face_errors import open_errors
from thermark.report.results.record import Estimate, open_set, write_set
from thermark.report.zeroshot import build, polarity
from thermark.report.zeroshot.measure import flat
from thermark.report.zeroshot.zeroshot_data import read

CONTESTANTS = {"shifted": True, "wall": True, "told": True, "absent": True, "floor": False, "run_t": False}
SCORING = {"thermeval": scene.HOW}
DATASETS = {"thermeval": scene.SETTINGS, "thermeval_person": {"raw": "thermeval"}, "tfake": {"raw": "tfake"}}


def faces():
    one = {f"1/Thermal_{n}": [(50, 80), (140, 90)] for n in range(1, 5)}
    two = {f"2/Thermal_{n}": [(90, 60 + n % 9)] for n in range(511, 601)}
    return scene.nose_faces(one | two)


def stages(root, origin="real"):
    made = faces()
    files_made = scene.Stages(root, made, origin, {"thermeval_person": "thermeval", "tfake": "tfake"})
    frames, xy = made.frames.tolist(), made.xy[:, 0].astype(float)
    tested = made.splits == "test"
    shifted = scene.predictions_of("shifted", "coco_wholebody133", frames, xy + np.array([0, 2]))
    # Inverted, the first half is found 5 px off, and the other half not at all.
    half = np.arange(len(made)) < len(made) - 45
    other = scene.predictions_of(
        "shifted", "coco_wholebody133", made.frames[half].tolist(), xy[half] + np.array([3, 4])
    )
    files_made.add(
        shifted,
        minmax=scene.predictions_of("shifted", "coco_wholebody133", frames, xy + np.array([0, 6])),
        inverted=other,
    )
    # Something near enough for the posts in every frame, and a nose in none.
    files_made.add(scene.predictions_of("wall", "mediapipe478", frames, xy + np.array([30, 40])))
    rows = np.arange(len(made))
    files_made.add(
        scene.predictions_of("told", "nose1", frames, xy - [1, 0], rows, trained_on=("thermeval_person",))
    )
    files_made.add(Predictions.none("absent", scene.DATA, "skipped", "no weights <here>"))
    floor = scene.predictions_of(
        "floor", "ibug68", made.frames[tested].tolist(), xy[tested] + [8, 0], rows[tested]
    )
    files_made.add(floor, whole=False)
    seeds = [
        scene.predictions_of(
            "run_t", "ibug68", made.frames[tested].tolist(), xy[tested] + [0, shift], rows[tested]
        )
        for shift in (1, 3)
    ]
    files_made.add(*seeds, whole=False, seeded=True)
    return files_made


def built(root, paths, contestants=CONTESTANTS, datasets=DATASETS, drawn=False, **config):
    outs = [root / name for name in ("zeroshot.md", "zeroshot.json", "zeroshot.svg")]
    with nullcontext() if drawn else patch.object(build.drawing, "draw"):  # most of the time
        build.build(contestants, datasets, SCORING, paths, *outs, build.Config(**config))
    return outs[0].read_text(), files.read_json(outs[1]), outs[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return stages(tmp_path_factory.mktemp("zeroshot"))


@pytest.fixture
def made(written, tmp_path):
    """Return what earlier stages leave, to be changed."""
    return written.copy(tmp_path)


@pytest.fixture(scope="module")
def small(written):
    return built(written.root, written.paths, drawn=True)


def test_the_same_noses_for_everybody(small):
    _, numbers, _ = small
    scores = numbers["unified"]
    assert {name: each["all"]["faces"] for name, each in scores.items()} == dict.fromkeys(scores, 90)
    assert scores["shifted"]["all"]["error_px_mean"] == pytest.approx(2)
    assert (scores["shifted"]["all"]["recall"], scores["shifted"]["all"]["precision"]) == (1, 1)
    assert scores["run_t"]["all"]["error_px_mean"] == pytest.approx(2)  # the mean of its seeds, 1 and 3 px
    assert scores["run_t"]["all"]["recall"] == 1 and "precision" not in scores["run_t"]["all"]
    assert set(scores["told"]) == {"all", "2ft", "6ft"} and scores["told"]["2ft"]["faces"] == 45
    assert numbers["order"] == ["run_t", "shifted", "told", "floor", "wall"]


def test_the_posts_detect_what_is_not_there(small):
    """A prediction on the wall 50 px away: all detected within 80 px, none within half a face."""
    text, numbers, _ = small
    scores = numbers["unified"]["wall"]["all"]
    assert (scores["detection"], scores["recall"], scores["pck@20px"]) == (1, 0, 0)
    # The posts' labels are half a px further right and down than ours.
    row = numbers["part3"]["wall"]
    assert (row["detection"], row["mean"]) == (1, pytest.approx(np.hypot(29.5, 39.5), abs=1e-4))
    assert line(part(text, "## `unified`"), "| `wall` |").startswith("| `wall` | – | 100.0 | 0.0 | 0.0 | 0.0 |")


def test_polarity_counts_faces_found_either_way_and_errors_of_those_found_both_ways(small):
    text, numbers, _ = small
    scores = numbers["polarity"]["thermeval"]
    assert set(scores) == {"shifted", "wall", "told"}  # who sees whole frames, and ran
    assert scores["shifted"] == pytest.approx(
        {"metric": "error_px_mean", "found": 1, "found_inverted": 0.5, "found_both": 0.5}
        | {"error": 2, "error_inverted": 5}
    )
    assert scores["wall"] == {"metric": "error_px_mean", "found": 0, "found_inverted": 0, "found_both": 0}
    assert scores["told"]["error"] == scores["told"]["error_inverted"] == pytest.approx(1)
    lines = part(text, "## Polarity")
    assert line(lines, "| `shifted` |") == "| `shifted` | finder | 100.0 | 50.0 | 50.0 | 2.00 | 5.00 |"
    assert line(lines, "| `wall` |") == "| `wall` | finder | 0.0 | 0.0 | 0.0 | – | – |"
    assert "inverted" not in part(text, "## Tone mapping") and "inverted" not in numbers["variants"]


def test_what_the_common_protocol_has_measured_is_read_from_its_records(made, tmp_path):
    """A record and per-face errors that nobody would measure on these predictions, and the page tells them."""
    record = made.paths.results / "thermeval.json"
    results, beside = open_set(record), made.paths.results / "thermeval.parquet"
    shifted = results.of("shifted")
    metrics = shifted.metrics | {"error_px_mean": Estimate(value=7.77, faces=90, subjects=90)}
    changed = shifted.model_copy(update={"metrics": metrics, "boxes": "elsewhere"})
    records = tuple(changed if each.contestant == "shifted" else each for each in results.records)
    write_set(record, results.model_copy(update={"records": records}))
    per_face = open_errors(beside)
    per_face["shifted"]["per_seed"][:, made.faces.strata["distance"][made.faces.splits == "test"] == "6ft"] = 4.0
    face_errors.write(beside, per_face)
    text, numbers, _ = built(tmp_path, made.paths)
    scores = numbers["unified"]["shifted"]
    assert scores["all"]["error_px_mean"] == numbers["tone"]["shifted"]["base"]["error_px_mean"] == 7.77
    assert (scores["2ft"]["error_px_mean"], scores["6ft"]["error_px_mean"], scores["6ft"]["pck@3px"]) == (2, 4, 0)
    assert line(part(text, "## At a glance"), "| `shifted` |").startswith("| `shifted` | elsewhere | – |")
    # Of those found inverted too, 23 are at 2 ft and 22 at 6 ft.
    assert numbers["polarity"]["thermeval"]["shifted"]["error"] == pytest.approx((23 * 2 + 22 * 4) / 45)
    assert numbers["part3"]["shifted"]["mean"] < 3  # the posts' own protocol is measured


def test_an_answer_beyond_the_cap_is_no_recall_though_it_was_told_whose_nose_is_asked(made, tmp_path):
    """16 px off on heads of 30 px, of which half is the cap: nothing is missed, and nothing is recalled."""
    frames, xy = made.faces.frames.tolist(), made.faces.xy[:, 0].astype(float)
    made.add(scene.predictions_of("nose", "nose1", frames, xy + np.array([0, 16]), np.arange(len(made.faces))))
    _, numbers, _ = built(tmp_path, made.paths, {"nose": True})
    scores = numbers["unified"]["nose"]
    for part_of in ("all", "2ft", "6ft"):
        assert (scores[part_of]["missed"], scores[part_of]["recall"], scores[part_of]["detection"]) == (0, 0, 1)
        assert scores[part_of]["pck@20px"] == 1


def test_two_seeds_of_a_published_contestant_have_no_verdict(made, tmp_path):
    frames, xy = made.faces.frames.tolist(), made.faces.xy[:, 0].astype(float)
    seeds = [
        scene.predictions_of("face_landmarker", "nose1", frames, xy + shift, np.arange(len(frames)))
        for shift in (1, 2)
    ]
    made.add(*seeds, seeded=True)
    _, numbers, _ = built(tmp_path, made.paths, {"face_landmarker": True})
    outcomes = {each["verdict"] for each in numbers["published"] if each["run"] == "face_landmarker"}
    assert outcomes == {"two seeds: no verdict", "not comparable: another machine"}


def test_means_over_seeds_count_a_face_as_often_as_it_was_found():
    """Two seeds of two faces: the first seed loses a face inverted, the second one as prepared."""
    plain = np.array([[1.0, 2.0], [3.0, np.inf]])
    inverted = np.array([[np.inf, 4.0], [7.0, 1.0]])
    numbers = polarity.numbers(plain, inverted)
    assert numbers == {
        "found": 0.75,
        "found_inverted": 0.75,
        "found_both": 0.5,
        "error": 2.5,
        "error_inverted": 5.5,
    }


def test_polarity_does_not_count_a_face_whose_error_cannot_be_told():
    """Of four faces one has no eyes and one is missed inverted: two of three are found both ways."""
    plain = np.array([[0.02, np.nan, 0.04, 0.01]])
    inverted = np.array([[0.03, np.nan, 0.05, np.inf]])
    numbers = polarity.numbers(plain, inverted)
    assert (numbers["found"], numbers["found_inverted"]) == (1.0, pytest.approx(2 / 3))
    assert (numbers["error"], numbers["error_inverted"]) == (pytest.approx(0.03), pytest.approx(0.04))


def test_a_data_set_without_inverted_pictures_has_no_polarity(made, tmp_path):
    noted = made.paths.framed / "thermeval.json"
    content = files.read_json(noted)
    content["variants"].pop("inverted")
    files.write_json(noted, content)
    text, numbers, _ = built(tmp_path, made.paths)
    assert "## Polarity" not in text and numbers["polarity"] == {}


def test_a_data_set_that_was_left_out_has_no_polarity(made):
    paths = made.paths
    files.write_json(paths.framed / "gone.json", {"data": "x", "variants": {"base": {}}})
    scoring = SCORING | {"gone": Config(), "unframed": Config()}
    assert [each.name for each in polarity.studies(CONTESTANTS, scoring, paths)] == ["thermeval"]


def test_predictions_of_another_version_are_refused_for_polarity_too(made, tmp_path):
    path = made.paths.predictions / "told/thermeval@inverted.npz"
    replace(Predictions.open(path), data="other").save(path)
    with pytest.raises(DataError, match="another version"):
        built(tmp_path, made.paths)


def test_parts_of_the_posts(small):
    text, numbers, _ = small
    assert set(numbers["part1"]) == {"shifted", "wall", "told"}  # who saw the posts' pictures
    apart = np.hypot(0.5, 1.5)  # 2 px below our labels, and half a px left and 1.5 px below those of the posts
    assert numbers["part1"]["shifted"] == pytest.approx(
        {
            "noses": 8,
            "predictions": 8,
            "matched": 8,
            "detection": 1,
            "precision": 1,
            "mean": apart,
            "median": apart,
        }
        | {"pck@3": 1, "pck@5": 1, "pck@10": 1, "pck@20": 1},
        abs=1e-5,
    )
    row = numbers["part3"]["told"]
    assert row["noses"] == 60 and row["mean"] == pytest.approx(np.hypot(1.5, 0.5), abs=1e-5)
    # Persons of 60 x 120: 150 px, cut by the frame in neither direction for y, in neither for x.
    assert numbers["part2"]["told"]["crop_mean"] == pytest.approx(256 / 150, rel=1e-3)
    assert numbers["part2"]["told"]["native_mean"] == 1
    titles = [each for each in text.splitlines() if each.startswith("### Part 2,")]
    assert len(titles) == 2 and "stretched" in titles[0] and "px of the frame" in titles[1]
    assert "| `told` | 80 | 80 | 1.71 | 1.71 | 100.0 |" in part(text, titles[0])
    assert "| all of them | 90 | 90 | 1.71 | 1.71 | 100.0 |" in part(text, titles[0])
    assert "| `told` | 80 | 80 | 1.00 | 1.00 | 100.0 |" in part(text, titles[1])
    assert "| `told` † | 8 | 8 | 8 | 100.0 |" in part(text, "### Part 1")
    assert "| `told` | 60 | 60 | 60 | 100.0 | 100.0 |" in part(text, "### Part 3")
    assert "Trained on frames of annotations\\_1" in part(text, "## At a glance")


def test_who_did_not_run_says_why(small):
    text, numbers, _ = small
    glance = part(text, "## At a glance")
    assert line(glance, "| `absent`") == "| `absent` | skipped: no weights \\<here\\> |"
    assert numbers["contestants"]["absent"] == {
        **{"status": "skipped", "reason": "no weights <here>", "boxes": "", "seeds": 0}
    }
    assert "absent" not in numbers["part1"] and "absent" not in numbers["unified"]


def test_who_failed_on_the_pictures_of_the_posts_is_not_in_their_tables(made, tmp_path):
    good = scene.predictions_of("face_landmarker", "nose1", made.faces.frames.tolist(), made.faces.xy[:, 0])
    made.add(good, png=Predictions.none("face_landmarker", scene.DATA, "failed", "no batch for 900 s"))
    text, numbers, _ = built(tmp_path, made.paths, {"face_landmarker": True})
    assert numbers["part1"] == {} and numbers["unified"]["face_landmarker"]["all"]["recall"] == 1
    assert set(numbers["tone"]["face_landmarker"]) == {"base", "minmax"}
    assert "not run: no batch for 900 s" in line(part(text, "## Published and ours"), "| A |")


def test_what_is_what(small):
    text, _, _ = small
    table = part(text, "## Protocols")
    assert "8 in 4 frames of annotations\\_1: office" in table and "90 in 90 frames of annotations\\_2" in table
    assert "80 crops of 90" in table and "up to 0.5 of the face" in table and "variant `png`" in table


def test_noses_of_nobody_are_told(made, small, tmp_path):
    sentence = "3 labelled noses are outside of every person"
    report = made.paths.reports / "thermeval.json"
    files.write_json(report, files.read_json(report) | {"found": {"nose_without_person": {"count": 3}}})
    assert sentence in part(built(tmp_path, made.paths)[0], "## Protocols") and sentence[2:] not in small[0]


def test_tone_is_ablated(small):
    text, numbers, _ = small
    scores = numbers["tone"]["shifted"]
    assert [scores[name]["error_px_median"] for name in ("base", "png", "minmax")] == pytest.approx([2, 2, 6])
    assert (scores["base"]["pck@5px"], scores["minmax"]["pck@5px"]) == (1, 0)
    assert set(numbers["tone"]) == {"shifted", "wall", "told"}
    lines = part(text, "## Tone mapping")
    assert "- `base`: 20 to 40 °C of every frame" in lines
    assert "- `minmax`: the coldest to the warmest pixel of each frame" in lines
    assert "- `png`: the 8-bit picture that comes with the temperatures" in lines
    assert "| `shifted` | 2.00 | 6.00 | 2.00 |" in lines  # base, minmax, png


def test_conventions_are_told_from_errors(small):
    text, numbers, _ = small
    conventions = numbers["conventions"]
    assert set(conventions["shifted"]) == {"centre", "posts", "tip", "body"} and set(conventions["told"]) == {
        "as it is"
    }
    assert conventions["shifted"]["posts"]["offset_y_px"] == pytest.approx(2)
    assert conventions["shifted"]["posts"]["offset_y_face"] == pytest.approx(2 / 30)
    assert conventions["shifted"]["posts"]["error_centred"] == pytest.approx(0, abs=1e-4)
    assert conventions["run_t"]["centre"]["found"] == 180  # both seeds
    assert conventions["run_t"]["centre"]["error_centred"] == pytest.approx(1)
    assert conventions["wall"]["wings"] == {"found": 0}
    assert "| `told` | as it is | 90 | −1.00 | +0.00 | −3.3 | +0.0 | 1.00 | 0.00 |" in part(
        text, "## Nose conventions"
    )


def test_every_published_cell_has_a_verdict(small):
    text, numbers, _ = small
    cells = numbers["published"]
    assert len(cells) == len(load("posts").cells("part1", "part3")) == 80
    assert {each["verdict"] for each in cells} == {"not run: not in this profile"}
    lines = part(text, "## Published and ours")
    assert "| A | `face_landmarker` | 23.3 / – |" in lines
    # What a head says in its crop is another report's, and told once.
    assert {each["table"] for each in cells} == {"part1", "part3"} and "head_sapiens2_04b" not in lines
    assert lines.count("metrics/fewshot") == 1 and "### Part 2," in text
    assert json.dumps(numbers, allow_nan=False)


def posts(**table) -> Published:
    values = {"detection": 0.685, "mean": 4.16, "pck@5": 0.603, "predictions": 50, "ms": 117}
    units = {"detection": "rate", "mean": "px", "pck@5": "rate", "predictions": "count"}
    columns = {name: PublishedColumn(title=name, unit=unit) for name, unit in units.items()}
    columns["ms"] = PublishedColumn(title="ms", unit="ms", unmeasured="another machine")
    fields = {"title": "Part 1", "dataset": "thermeval", "protocol": "part1", "noses": 73, "columns": columns}
    fields |= {"rows": (Row(row="Sapiens2", run="sapiens", values=values),)} | table
    other = Table(title="", columns={}, rows=())
    return Published(source="the posts", absent="", tables={"part1": Table(**fields), "part3": other})


def test_verdicts_are_of_the_contestant_s_own_numbers():
    """How a pair of numbers is judged is tested with the comparison itself, in test_reference.py."""
    numbers = {"noses": 73, "detection": 51 / 73, "mean": 4.66, "pck@5": 42 / 73, "predictions": 52}

    def judged(own, origin="real", unseen=None, seeds=0) -> dict[str, str]:
        values = flat({("part1", "sapiens", ""): own})
        rows = build.compare(posts(), values, unseen or {}, origin, {"sapiens": seeds})
        return {row.cell.metric: row.text for row in rows}

    barred = {"ms": "not comparable: another machine"}
    expected = {"detection": "reproduced", "mean": "reproduced", "pck@5": "outside", "predictions": "outside"}
    assert judged(numbers) == judged(numbers, seeds=3) == expected | barred
    assert judged(numbers, seeds=1) == dict.fromkeys(expected, "one seed: no verdict") | barred
    assert judged(numbers, "rendered") == dict.fromkeys(expected, "not comparable: rendered data") | barred
    assert judged(numbers | {"noses": 72})["detection"] == "not comparable: 72 noses here"
    assert judged({"noses": 73, "detection": 0.0})["mean"] == "not run: nothing was found"
    assert set(judged({}).values()) == {"not run: not in this profile"}
    assert set(judged({}, unseen={"sapiens": "no weights"}).values()) == {"not run: no weights"}


def test_verdicts_of_a_row_are_told_together():
    scores = {"noses": 73, "detection": 50 / 73, "mean": 9.0, "pck@5": 44 / 73, "predictions": 50}
    reference = posts()
    rows = build.compare(reference, flat({("part1", "sapiens", ""): scores}), {}, "real", {})
    text = posts_section(reference, rows, "")
    cells = "68.5 / 68.5 | 4.16 / 9.00 | 60.3 / 60.3 | 50 / 50 | 117 / –"
    verdict = "reproduced; mean: outside; time: not comparable: another machine"
    assert f"| Sapiens2 | `sapiens` | {cells} | {verdict} |" in text
    assert "1/73" in text and "at most 0.5 px" in text


def test_rendered_data_are_no_evidence(tmp_path):
    text, _, _ = built(tmp_path, stages(tmp_path, "rendered").paths)
    assert text.splitlines()[0] == "# Zero-shot models: noses on ThermEval-D, rendered"
    assert "no evidence about real thermal cameras" in text


def test_a_profile_without_the_data_set_or_without_contestants(made, tmp_path):
    paths = made.paths
    text, numbers, figure = built(tmp_path, paths, datasets={"tfake": {}}, drawn=True)
    assert "This profile has no data set `thermeval`." in text and figure.is_file()
    assert {each["verdict"] for each in numbers["published"]} == {"not run: not in this profile"}
    text, numbers, figure = built(tmp_path, paths, {}, drawn=True)
    assert "No contestant ran." in text and numbers["unified"] == {}
    paths.framed.joinpath("thermeval.json").unlink()
    text, numbers, _ = built(tmp_path, paths, {"floor": False, "run_t": False})
    assert set(numbers["unified"]) == {"floor", "run_t"} and numbers["part1"] == numbers["tone"] == {}
    assert "No contestant ran on these pictures." in part(text, "### Part 1")


def test_a_profile_in_which_nobody_ran(written, tmp_path):
    text, numbers, _ = built(tmp_path, written.paths, {"absent": True})
    assert numbers["unified"] == {} and "No contestant ran." in text
    assert "| `absent` | skipped: no weights" in text
    assert "No contestant ran on both." in part(text, "## Polarity") and numbers["polarity"] == {"thermeval": {}}


def test_what_is_missing_or_outdated_is_a_data_error(made, tmp_path):
    with pytest.raises(DataError, match="nobody"):
        read("thermeval", {"nobody": True}, made.paths)
    path = made.paths.predictions / "floor/thermeval.npz"
    right = Predictions.open(path)
    replace(right, data="other").save(path)
    with pytest.raises(DataError, match="another version"):
        built(tmp_path, made.paths)
    right.save(path)
    report = made.paths.reports / "thermeval.json"
    files.write_json(report, files.read_json(report) | {"fingerprint": "new"})
    with pytest.raises(DataError, match="another version"):
        read("thermeval", CONTESTANTS, made.paths)


def test_wrong_names_are_config_errors(written, tmp_path):
    with pytest.raises(ConfigError, match="pgn"):
        built(tmp_path, written.paths, picture="pgn")
    with pytest.raises(ConfigError, match="zeroshot"):
        parse({"pictures": "png"}, build.Config, "zeroshot")


def test_the_stage(made, small, tmp_path):
    """From the command line, in a profile's words: the same numbers elsewhere give the same bytes."""
    paths = made.paths
    families = {"floor": "mean_shape", "run_t": "learned", "told": "cascade"}
    contestants = {name: {"family": families.get(name, "rtmlib")} for name in CONTESTANTS}
    files.write_text(tmp_path / "contestants.yaml", yaml.safe_dump(contestants, sort_keys=False))
    scoring = {"thermeval": {"vocabulary": "nose1", "bootstrap": 0}}
    options = {name: name for name in ("datasets", "evaluate")} | {"contestants": "contestants.yaml"}
    options |= {"params": "zeroshot", "text": "a.md", "numbers": "a.json", "figure": "a.svg"}
    options |= {name: getattr(paths, name) for name in scene.READ}
    params = {"datasets": DATASETS, "evaluate": scoring, "zeroshot": {"picture": "png"}}
    run_stage("zeroshot", tmp_path, params, options)
    text, numbers, figure = small
    assert (tmp_path / "a.md").read_text() == text and files.read_json(tmp_path / "a.json") == numbers
    assert (tmp_path / "a.svg").read_bytes() == figure.read_bytes()


def test_whoever_finds_nothing_at_all_has_rates_of_nought(made, tmp_path):
    made.add(scene.predictions_of("face_landmarker", "mediapipe478", [], np.zeros((0, 2))))
    text, numbers, _ = built(tmp_path, made.paths, {"face_landmarker": True})
    assert (
        numbers["part1"]["face_landmarker"]["detection"] == 0 and "mean" not in numbers["part1"]["face_landmarker"]
    )
    assert numbers["unified"]["face_landmarker"]["all"]["recall"] == 0
    assert numbers["conventions"]["face_landmarker"]["centre"] == {"found": 0}
    verdict = {each["metric"]: each["verdict"] for each in numbers["published"] if each["row"] == "A"}
    assert verdict["mean"] == "not run: nothing was found" and verdict["detection"] == "outside"
    assert "23.3 / 0.0 | 9.91 / –" in part(text, "### Part 3: hierarchies")


def test_seeds_of_a_cascade_are_averaged_on_every_picture(made, tmp_path):
    """Three seeds 1, 2 and 6 px off, one of which finds nobody on one picture."""
    frames, xy = made.faces.frames.tolist(), made.faces.xy[:, 0].astype(float)
    rows = np.arange(len(made.faces))
    seeds = [scene.predictions_of("nose", "nose1", frames, xy + np.array([shift, 0]), rows) for shift in (1, 2, 6)]
    made.add(*seeds, seeded=True)
    text, numbers, _ = built(tmp_path, made.paths, {"nose": True})
    assert numbers["contestants"]["nose"]["seeds"] == 3
    assert line(part(text, "## `unified`"), "| `nose` |").startswith("| `nose` | 3 | 100.0 |")
    row = numbers["part3"]["nose"]
    apart = np.hypot(np.array([1, 2, 6]) - 0.5, 0.5).mean()  # of the posts' labels, which begin at the outline
    assert (row["mean"], row["pck@3"], row["noses"]) == (pytest.approx(apart, abs=1e-5), pytest.approx(2 / 3), 60)
    assert numbers["part2"]["nose"]["native_mean"] == pytest.approx(3)
    assert numbers["tone"]["nose"]["png"]["error_px_mean"] == pytest.approx(3)
    folder = made.paths.predictions / "nose/seed1/thermeval@png.npz"
    Predictions.none("nose", scene.DATA, "failed", "no batch for 900 s").save(folder)
    _, numbers, _ = built(tmp_path, made.paths, {"nose": True})
    assert numbers["part1"] == {} and set(numbers["tone"]["nose"]) == {"base", "minmax"}
