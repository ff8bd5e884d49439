"""Records: what they say, that they can be read again, and that every schema ever written can."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

import results_scene
from leaderboard_records import board, idle, record
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.landmarks import load
from thermark.metrics.registry import describe
from thermark.report.results import compare, face_errors
from thermark.report.results.build import contestant_info
from thermark.report.results.collect import Contestant, tier, trained_on
from thermark.report.results.comparisons import open_comparisons
from thermark.report.results.ranking import ranked
from thermark.report.results.record import SCHEMA, open_all, open_set, read_set, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    families = {
        "better": {"question": "Is it?", "datasets": ["shown"], "pairs": [["run", "ready"], ["run", "idle"]]}
    }
    return results_scene.write(tmp_path_factory.mktemp("results"), families=families)


def test_a_record_holds_what_evaluation_found(folder):
    results = open_set(folder / "shown.json")
    run, summary = results.of("run"), files.read_json(folder.parent / "scores/run/shown.json")
    assert run.ran and run.seeds == 3 and run.faces == 80 and run.subjects == 20 and run.points == 68
    assert results.protocol.main == "nme_io" and results.protocol.labels == "d"
    metric = run.metrics["nme_io"]
    assert (metric.value, metric.low, metric.high) == tuple(
        summary[f"nme_io{end}"] for end in ("", "_low", "_high")
    )
    assert metric.seed_std == summary["nme_io_seed_std"] and metric.faces == 80 and metric.subjects == 20
    assert all(describe(name) for name in run.metrics)
    assert run.metrics["found"].value == 1.0 and 0.8 < run.metrics["found"].low < 1.0
    assert len(run.landmarks) == 68 and len(run.per_seed) == 3 and len(run.predictions) == 3
    assert np.mean(run.per_seed) == pytest.approx(metric.value, rel=1e-5)
    assert np.mean(run.landmarks) == pytest.approx(metric.value, rel=1e-5)
    assert set(run.parts["distance"]) == {"near", "far"} and run.parts["distance"]["far"].faces == 40
    near = files.read_json(folder.parent / "details/run/shown.json")["subsets"]["distance"]["near"]
    assert run.parts["distance"]["near"].seed_std == near["nme_io_seed_std"] > 0
    assert run.exact == {"parameters": 10} and results.made == results_scene.MADE


def test_who_did_not_run_has_a_reason_and_no_number(folder):
    idle = open_set(folder / "shown.json").of("idle")
    assert (idle.status, idle.reason) == ("skipped", "no weights")
    assert not idle.ran and not idle.metrics and not idle.predictions


def test_the_mean_over_all_faces_counts_a_miss_at_its_cap_and_nothing_more(tmp_path):
    def change(own):
        xy = own.xy.copy()
        xy[:19] = np.nan  # missed
        xy[19, 10] = np.nan  # of one, a single point
        xy[20:40] += 1000.0  # found, yet worse than a miss
        return replace(own, xy=xy)

    results = open_set(results_scene.write(tmp_path, change) / "shown.json")
    own = results.of("ready").metrics
    errors = face_errors.open_errors(tmp_path / "results/shown.parquet")["ready"]["per_seed"][0]
    assert np.isinf(errors[:20]).all() and np.isfinite(errors[20:]).all()
    assert results.protocol.miss == 0.5
    assert own["found"].value == 0.75 and own["found"].low < 0.75 < own["found"].high
    assert own["nme_io_all"].value == pytest.approx((40 * 0.5 + errors[40:].sum()) / 80, rel=1e-4)
    assert own["nme_io"].faces == 60 and own["nme_io_all"].faces == 80


def test_errors_of_every_face_and_seed_come_back(folder):
    errors = face_errors.open_errors(folder / "shown.parquet")
    stored = files.read_arrays(folder.parent / "errors/run/shown.npz")
    assert list(errors) == ["run", "ready"]
    assert np.array_equal(errors["run"]["ids"], stored["ids"])
    assert np.array_equal(errors["run"]["subjects"], stored["subjects"])
    np.testing.assert_allclose(errors["run"]["per_seed"], stored["per_seed"], rtol=1e-7)
    assert (
        errors["run"]["seeded"] and not errors["ready"]["seeded"] and errors["ready"]["per_seed"].shape == (1, 80)
    )


def test_a_face_that_the_main_metric_cannot_be_told_of_is_neither_found_nor_missed(tmp_path):
    """Of 1,000 faces seven have no eyes: they have an error in px, and none between the eyes."""
    truth = results_scene.faces(250)
    xy = truth.xy.copy()
    xy[:7, list(load("ibug68").interocular)] = np.nan

    def change(own):
        points = own.xy.copy()
        points[5:10] = np.nan  # two of them, and three others
        return replace(own, xy=points)

    folder = results_scene.write(tmp_path, change, truth=replace(truth, xy=xy))
    results, errors = open_set(folder / "shown.json"), face_errors.open_errors(folder / "shown.parquet")
    assert results.protocol.main == "nme_io" and results.of("ready").faces == 1000
    assert errors["ready"]["per_seed"].shape == (1, 993) and not np.isnan(errors["ready"]["per_seed"]).any()
    assert results.of("ready").metrics["found"].value == pytest.approx(990 / 993)
    assert results.of("ready").metrics["nme_io_all"].faces == 993


def test_written_twice_the_bytes_are_equal_and_results_of_sets_that_are_gone_go(folder, tmp_path):
    for name in ("gone.json", "gone.parquet", "README.md"):
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "results" / name).write_text("")
    again = results_scene.write(tmp_path)
    names = ["shown.json", "shown.parquet"]
    assert sorted(path.name for path in again.iterdir()) == ["README.md", *names]
    assert [(folder / name).read_bytes() for name in names] == [(again / name).read_bytes() for name in names]
    results = open_set(folder / "shown.json")
    write_set(tmp_path / "copy.json", results)
    assert open_set(tmp_path / "copy.json") == results


def test_a_change_of_one_contestant_is_a_change_of_one_line(folder, tmp_path):
    def change(own):
        return replace(own, xy=own.xy + 1) if own.contestant == "run" else own

    other = results_scene.write(tmp_path, change)
    pairs = zip((folder / "shown.json").open(), (other / "shown.json").open(), strict=True)
    assert sum(one != two for one, two in pairs) == 1


# Written by the version that brought this schema; a later reader must still understand it.
OLDEST = """{"schema": 1,
"data_set": {"citation": "", "faces": 2, "labels": "human", "licence": "", "modality": "thermal", "name": "cars",
 "notes": "", "origin": "real", "subjects": 1, "title": "Cars"},
"protocol": {"boxes": "face", "bridges": {}, "cap": 0.5, "labels": "abc", "main": "nme_io", "miss": 0.5,
 "split": "all", "vocabulary": "ibug68"},
"made": {"arithmetic": "portable", "code": {"predict": "x"}, "environment": {"numpy": "2.4.6"}},
"records": [{"boxes": "prompt", "contestant": "ktl_s", "dataset": "cars", "errors": "e", "faces": 2, "kind": "ktl",
 "metrics": {"found": {"faces": 2, "subjects": 1, "value": 0.5},
 "nme_io": {"faces": 1, "subjects": 1, "value": 0.1}},
 "missed": 1, "points": 68, "predictions": ["p"], "status": "ok", "subjects": 1, "tier": "measured",
 "trained_on": "thermal", "trained_sets": ["tfake"]},
 {"contestant": "dlib", "dataset": "cars", "kind": "dlib", "reason": "no weights", "status": "skipped",
 "tier": "measured", "trained_on": "RGB"}]}"""


def test_the_oldest_schema_can_be_read():
    results = read_set(OLDEST, "old.json")
    assert results.of("ktl_s").metrics["nme_io"].value == 0.1 and results.of("dlib").reason == "no weights"
    assert results.protocol.id == read_set(OLDEST, "again.json").protocol.id


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("not JSON", "old.json holds no results"),
        ("[]", "old.json holds no results"),
        ("{}", "old.json holds no results"),
        (OLDEST.replace('"schema": 1', '"schema": 99'), f"schema 99, this version reads {SCHEMA}"),
        (OLDEST.replace('"schema": 1', '"schema": 0'), "old.json holds no results"),
        (OLDEST.replace('"tier": "measured"', '"tier": "superb"'), "old.json holds no results"),
        (OLDEST.replace('"value": 0.1', '"value": NaN'), "old.json holds no results"),
        (OLDEST.replace('"contestant": "dlib"', '"contestant": "ktl_s"'), "ktl_s is listed twice"),
    ],
)
def test_what_is_no_set_of_results_is_named(text, cause):
    with pytest.raises(DataError, match=cause):
        read_set(text, "old.json")


def test_a_damaged_or_absent_file_is_named(tmp_path):
    (tmp_path / "shown.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"shown\.parquet holds no per-face errors"):
        face_errors.open_errors(tmp_path / "shown.parquet")
    for opened in (face_errors.open_errors, open_set):
        with pytest.raises(DataError, match="missing"):
            opened(tmp_path / "absent.json")
    with pytest.raises(DataError, match="holds no results"):
        open_all(tmp_path)


def test_seeds_are_paired_by_face_whatever_the_order_of_rows(folder, tmp_path):
    table = parquet.read_table(folder / "shown.parquet")
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    parquet.write_table(shuffled, tmp_path / "shuffled.parquet")
    whole, actual = (
        face_errors.open_errors(path)["run"] for path in (folder / "shown.parquet", tmp_path / "shuffled.parquet")
    )
    seeds = shuffled.filter(pc.equal(shuffled["contestant"].cast("string"), "run"))["seed"].unique().to_pylist()
    place = np.argsort(actual["ids"])
    assert np.array_equal(actual["per_seed"][np.argsort(seeds)][:, place], whole["per_seed"])
    assert np.array_equal(actual["subjects"][place], whole["subjects"])


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda table: table.slice(0, len(table) - 1 - 80), "seeds of run are of other faces"),
        (lambda table: table.set_column(4, "error", [["much"] * len(table)]), "could not convert"),
        (lambda table: table.drop_columns("error"), "error"),
    ],
)
def test_errors_that_are_none_are_named(folder, tmp_path, change, cause):
    table = parquet.read_table(folder / "shown.parquet")
    parquet.write_table(change(table), tmp_path / "damaged.parquet")
    with pytest.raises(DataError, match=rf"damaged\.parquet holds no per-face errors: .*{cause}"):
        face_errors.open_errors(tmp_path / "damaged.parquet")


def test_protocols_differ_when_anything_does(folder):
    how = open_set(folder / "shown.json").protocol
    others = [{"split": "all"}, {"miss": 0.4}, {"labels": "e"}, {"bridges": {"a": "v2"}}, {"vocabulary": "nose1"}]
    assert len({how.id, *(how.model_copy(update=other).id for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("family", "sets", "expected"),
    [
        ("coldest_nose", [], "nothing"),
        ("learned", ["here", "rgb"], "this set's train split"),
        ("learned", ["rgb", "warm"], "thermal"),
        ("learned", ["rgb"], "RGB"),
        ("facemesh", [], "RGB"),
        ("tfan", [], "thermal"),
        ("absent", [], "nothing"),
        ("cascade", [], "nothing"),
        ("cascade", ["persons"], "this set's train split"),
        ("learned", ["colours"], "RGB"),
    ],
)
def test_what_a_contestant_learned_from(family, sets, expected):
    """`persons` are other crops of the same pictures, `colours` other pictures of the same faces."""
    modalities = {"rgb": "rgb", "warm": "thermal", "here": "thermal", "persons": "thermal", "colours": "rgb"}
    sections = {"one": {"family": family, "weights": "none" if family == "coldest_nose" else "some"}}
    info = contestant_info(sections, {}, Path())["one"]
    assert trained_on(info, sets, "here", modalities, {"persons", "colours"}) == expected


def test_other_crops_of_a_set_s_pictures_are_its_train_split(tmp_path):
    files.write_json(tmp_path / "reports/persons.json", {"raw": "same", "modality": "thermal"})

    def trained(own):
        return replace(own, trained_on=("persons",)) if own.contestant == "run" else own

    results_scene.write(tmp_path, trained, report={"raw": "same"})
    records = open_set(tmp_path / "results/shown.json")
    assert records.of("run").trained_on == "this set's train split" and records.of("ready").trained_on == "RGB"


def test_rendered_pictures_are_no_measurement():
    assert tier("real") == "measured" and tier("rendered") == tier("thermalised") == "rendered data only"


def test_a_declared_pair_is_adjusted_in_its_family_and_told_apart(folder):
    (family,) = open_comparisons(folder.parent / "comparisons.json").families
    better, absent = family.pairs
    assert better.verdict == "lower error" and not better.grey and better.high < 0
    assert better.p_holm >= better.p and better.seeds == (3, 0) and better.subjects == 20
    assert better.difference == pytest.approx(better.difference_all, rel=1e-3)
    assert absent.verdict == "not run: idle" and absent.difference is None and absent.p_holm is None


def test_groups_are_of_those_who_are_not_told_from_the_best(tmp_path):
    noises = {"best": 3.0, "same": 3.02, "worse": 5.0, "as_bad": 5.01, "worst": 12.0}
    results_scene.write(tmp_path, more=noises)
    matrix = open_comparisons(tmp_path / "comparisons.json").matrices["shown"]
    letters = [matrix.groups[name] for name in noises]
    assert letters == ["A", "A", "B", "B", "D"] and matrix.groups["ready"] == "C"
    where = {name: place for place, name in enumerate(matrix.contestants)}
    assert set(where) == {"run", "ready", *noises}
    best, worst = where["best"], where["worst"]
    assert matrix.difference[best][worst] == -matrix.difference[worst][best] < 0
    assert matrix.difference[best][best] is None and matrix.low[best][worst] < matrix.high[best][worst] < 0


def test_who_has_not_all_landmarks_has_no_letter_and_takes_nobodys():
    """Its error is of other points, so that nobody can be told from it."""
    rng, subjects = np.random.default_rng(0), np.arange(20).astype(str)
    means = {"part": 1.0, "best": 5.0, "poor": 9.0}
    made = {
        name: {"ids": subjects, "subjects": subjects, "per_seed": rng.normal(mean, 0.1, (1, 20)), "seeded": False}
        for name, mean in means.items()
    }
    everybody = [
        record(name, {"error_px_mean_all": mean}, points=5 if name == "part" else 68)
        for name, mean in means.items()
    ]
    comparisons = compare.comparisons(
        {"d": board(*everybody).results}, {"d": made}, compare.Config(bootstrap=50), {}
    )
    assert comparisons.matrices["d"].groups == {"best": "A", "poor": "B"}
    assert comparisons.matrices["d"].contestants == ("best", "poor", "part")


def test_a_face_that_one_cannot_be_told_of_is_left_out_of_its_comparisons_alone():
    """A face in profile that labels no landmark of one contestant is scored for the others."""
    rng, faces = np.random.default_rng(0), np.array([f"f{row:02}" for row in range(20)])
    made = {
        name: {"ids": faces, "subjects": faces, "per_seed": rng.normal(mean, 0.1, (1, 20)), "seeded": False}
        for name, mean in {"a": 1.0, "b": 2.0, "few": 4.0}.items()
    }
    few = made["few"]["per_seed"][:, 3:]
    made["few"] |= {"ids": faces[3:], "subjects": faces[3:], "per_seed": few}

    def compared(*names):
        results = board(*(record(name, {"error_px_mean_all": 1.0}, points=5) for name in names)).results
        errors = {"d": {name: made[name] for name in names}}
        matrix = compare.comparisons({"d": results}, errors, compare.Config(bootstrap=50), {}).matrices["d"]
        rows = zip(matrix.contestants, matrix.difference, strict=True)
        return {(a, b): value for a, row in rows for b, value in zip(matrix.contestants, row, strict=True)}

    everybody = compared("a", "b", "few")
    assert everybody["few", "a"] == pytest.approx((few - made["a"]["per_seed"][:, 3:]).mean())
    assert everybody["a", "b"] == compared("a", "b")["a", "b"]


def test_where_nobody_ran_there_are_files_all_the_same(tmp_path):
    comparisons = compare.comparisons({"d": board(idle("a")).results}, {"d": {}}, compare.Config(), {})
    assert comparisons.matrices["d"].groups == {} and comparisons.matrices["d"].contestants == ()
    face_errors.write(tmp_path / "d.parquet", {})
    assert face_errors.open_errors(tmp_path / "d.parquet") == {}


def test_who_finds_fewer_faces_is_not_among_the_best_however_exact(tmp_path):
    def change(own):
        xy = own.xy.copy()
        xy[::2] = np.where(own.contestant == "shy", np.nan, xy[::2])
        return replace(own, xy=xy)

    results_scene.write(tmp_path, change, more={"shy": 1.0, "bold": 3.0})
    groups = open_comparisons(tmp_path / "comparisons.json").matrices["shown"].groups
    assert groups["bold"] == "A" and groups["shy"] > "A"


def test_a_family_that_names_nobody_we_know_is_refused(tmp_path):
    families = {"odd": {"question": "?", "datasets": ["shown"], "pairs": [["runn", "ready"]]}}
    with pytest.raises(ConfigError, match=r"families\.odd names the unknown contestant 'runn'") as caught:
        results_scene.write(tmp_path, families=families)
    assert "run" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "missing"),
        ({"schema": 7}, "another schema"),
        ({"schema": 1, "families": 3}, "holds no comparisons"),
    ],
)
def test_comparisons_that_are_none_are_named(tmp_path, content, cause):
    if content:
        (tmp_path / "comparisons.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=cause):
        open_comparisons(tmp_path / "comparisons.json")


def test_a_run_of_one_seed_has_no_letter_and_stands_by_its_error(tmp_path):
    """Nothing can be said of how it was trained: it is neither the best nor equal to it."""
    more = {"best": 3.0, "middle": 6.5, "awful": 20.0}
    folder = results_scene.write(tmp_path, more=more)
    results, errors = open_set(folder / "shown.json"), face_errors.open_errors(folder / "shown.parquet")
    changed = [
        entry.model_copy(update={"seeds": 1} if entry.contestant in ("awful", "run") else {})
        for entry in results.records
    ]
    once = results.model_copy(update={"records": tuple(changed)})
    config = parse({"bootstrap": 200, "flips": 500}, compare.Config, "comparisons")
    known = {entry.contestant: Contestant("kind", "facemesh", {}) for entry in once.records}
    groups = compare.comparisons({"shown": once}, {"shown": errors}, config, known).matrices["shown"].groups
    assert set(groups) == {"best", "ready", "middle"} and groups["best"] == "A" < groups["ready"]
    order = [entry.contestant for entry in ranked(once, groups)]
    assert order.index("awful") == len(order) - 1 and order.index("run") < order.index("ready")
