"""The report on small fake results: honest order, safe text, stable bytes, nothing stale."""

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import results_scene
import tables_of_text
from leaderboard_records import board, idle, part, record
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.geometry import bounding_box, crop_to_source
from thermark.core.predictions import Predictions
from thermark.datasets.readers.loaded import build_faces
from thermark.metrics.evaluate import Config as Scoring
from thermark.metrics.evaluate import evaluate
from thermark.metrics.registry import MOVED
from thermark.report import contestants as sections_of
from thermark.report import lines, markdown, number_format, style
from thermark.report.leaderboard import board as reading
from thermark.report.leaderboard import (
    board_tables,
    build,
    ced,
    console,
    contact,
    gallery,
    highlights,
    histories,
    leaderboard,
)
from thermark.report.leaderboard.board import Board, few_misses
from thermark.report.notices import NOTICES
from thermark.report.paths import ReportPaths
from thermark.report.results import estimates
from thermark.report.results.collect import Contestant
from thermark.report.results.comparisons import Comparisons, Family, Matrix, Pair, open_comparisons
from thermark.report.results.estimates import value
from thermark.report.results.ranking import ranked
from thermark.report.results.record import Floor

COUNT, SIZE = 9, 24
CONTESTANTS = ("poor", "shy", "good", "absent", "ktl_s")
KINDS = {"good": ("supervised", "good"), "ktl_s": ("ktl", "ktl_s")}


def labelled(folder: Path, vocabulary: str, points: int) -> Faces:
    rng = np.random.default_rng(0)
    xy = rng.uniform(20, 90, (COUNT, points, 2)).astype(np.float32)
    box = bounding_box(xy) + np.float32([-5, -5, 5, 5])
    names = np.array([f"{row:03}" for row in range(COUNT)])
    strata = {"distance": np.array(["2 ft", "10 ft", "6 ft"] * 3)}
    faces = build_faces(names, names, np.full(COUNT, "test"), vocabulary, xy, boxes=box, strata=strata)
    faces.save(folder / "faces.npz")
    to_source = np.stack([crop_to_source(row, SIZE, 1.75) for row in box])
    files.write_arrays(folder / "crops.npz", {"to_source": to_source, "padding": np.array(1.75)})
    np.save(folder / "pixels.npy", rng.integers(0, 255, (COUNT, SIZE, SIZE), np.uint8))
    return faces


def answer(faces: Faces, noise: float, misses: int, vocabulary: str, seed: int = 1) -> Predictions:
    xy = faces.xy + np.random.default_rng(seed).normal(0, noise, faces.xy.shape).astype(np.float32)
    xy[:misses] = np.nan
    score = np.ones(xy.shape[:2], np.float32)
    unknown = np.full(COUNT, np.nan, np.float32)
    rows = np.arange(COUNT)
    return Predictions("c", vocabulary, "prompt", "d", faces.frames, rows, xy, score, faces.boxes, unknown)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What earlier stages leave; `stale` is no contestant any more."""
    root = tmp_path_factory.mktemp("results")
    contestants = {"good": (0.5, 0), "poor": (5.0, 0), "shy": (0.1, 4), "stale": (0.0, 0)}
    for dataset, vocabulary, points in (("one", "ibug68", 68), ("nose", "nose1", 1)):
        faces = labelled(root / "faces" / dataset, vocabulary, points)
        origin = "rendered" if dataset == "one" else "real"
        card = {"title": "Set | <one>", "licence": "CC0", "labels": "human"}
        about = {"fingerprint": "d", "boxes": "tight", "modality": "thermal", "origin": origin, "card": card}
        files.write_json(root / f"reports/{dataset}.json", about)
        for name, how in contestants.items():
            predictions = replace(answer(faces, *how, vocabulary), contestant=name)
            predictions.save(root / f"predictions/{name}/{dataset}.npz")
        given_up = Predictions.none("absent", "d", "skipped", "no `weights` | <script>\n# x")
        given_up.save(root / f"predictions/absent/{dataset}.npz")
        for seed in range(3):
            predictions = replace(answer(faces, 0.3 + 0.4 * seed, 0, vocabulary, seed), contestant="ktl_s")
            predictions.save(root / f"predictions/ktl_s/seed{seed}/{dataset}.npz")
    known = {
        name: Contestant(kind, "facemesh", {}, run=run)
        for name in CONTESTANTS
        for kind, run in [KINDS.get(name, (name, ""))]
    }
    how = {"one": Scoring(bootstrap=20), "nose": Scoring(vocabulary="nose1", bootstrap=20)}
    results_scene.recorded(root, known, how)
    history = "epoch,lr,kp,fm,grad_norm,val_nme\n1,0.1,2,0.5,9,0.2\n2,0.1,1,0.5,8,nan\n3,0.1,1,0,7,0.1\n"
    first, *rows = history.splitlines()
    for run, count in (("good", 1), ("stale", 1), ("ktl_s", 3)):
        each = [f"{seed},{row}" for seed in range(count) for row in rows[: 3 - (seed == 1)]]
        files.write_text(root / f"training/{run}.csv", "\n".join([f"seed,{first}", *each, ""]))
    return root


@pytest.fixture(scope="module")
def paths(root: Path) -> ReportPaths:
    return ReportPaths(
        root / "results",
        training=root / "training",
        faces=root / "faces",
        predictions=root / "predictions",
        errors=root / "errors",
    )


@pytest.fixture(scope="module")
def compared(root: Path) -> Comparisons:
    return open_comparisons(root / "comparisons.json")


@pytest.fixture(scope="module")
def both(paths: ReportPaths, compared: Comparisons) -> list[Board]:
    return reading.boards(paths.results, compared)


def made(paths: ReportPaths, compared: Comparisons, out: Path, plots=("ced", "histories", "gallery"), **options):
    """Write the report, of its plots those that are named: they take most of the time."""
    config = build.Config(gallery_faces=3, **options)
    with ExitStack() as patched:
        for name in {"ced", "histories", "gallery"} - {*plots}:
            patched.enter_context(patch.object(getattr(build, name), "write"))
        return build.build(compared, paths, out, out, out / "leaderboard.md", config)


def of(board: Board, *names: str) -> Board:
    """Return a board of some of its contestants."""
    return reading.without(set(CONTESTANTS) - set(names), board)


@pytest.fixture(scope="module")
def report(paths: ReportPaths, compared: Comparisons, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    made(paths, compared, out)
    return out


def written(*boards: Board, made: Comparisons | None = None) -> list[str]:
    """Return the overview of the leaderboard, and its parts."""
    return leaderboard.leaderboard(boards, made or Comparisons()).split("\n## ")


def line(text: str, name: str) -> str:
    return tables_of_text.line(text, f"| `{name}`")


def cells(text: str, name: str) -> dict[str, str]:
    """Return title -> cell of a contestant in the first table of a text."""
    head = tables_of_text.line(text, "| contestant")
    return dict(zip(*tables_of_text.rows(f"{head}\n{line(text, name)}"), strict=True))


def test_everything_is_written_and_the_same_bytes_twice(paths, compared, report, tmp_path):
    made(paths, compared, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        *("ced.csv", "ced_nose.svg", "ced_one.svg", "gallery_nose.png", "gallery_one.png"),
        *("leaderboard.md", "training.csv", "training.svg"),
    ]
    for name in names:
        first = (report / name).read_bytes()
        assert first == (tmp_path / name).read_bytes(), name
        assert b"stale" not in first and str(report).encode() not in first


def test_the_long_tables_hold_the_named_contestants_only(report):
    table = pd.read_csv(report / "ced.csv")
    assert list(table) == ["dataset", "metric", "contestant", "error", "fraction"]
    metrics = dict(zip(table["dataset"], table["metric"], strict=True))
    assert metrics == {"one": "error / distance of the outer eye corners", "nose": "error in source px"}
    assert set(table["contestant"]) == {"good", "poor", "shy", "ktl_s"}
    assert (table.groupby(["dataset", "contestant"]).size() == 101).all()
    history = pd.read_csv(report / "training.csv")
    assert list(history) == ["run", "seed", "epoch", "loss", "lr", "kp", "fm", "grad_norm", "val_nme"]
    good = history[history["run"] == "good"]
    assert list(good["loss"]) == [2.5, 1.5, 1.0]
    assert good["val_nme"].isna().sum() == 1
    several = history[history["run"] == "ktl_s"]
    assert list(several["seed"]) == [0, 0, 0, 1, 1, 2, 2, 2] and list(several["epoch"]) == [1, 2, 3, 1, 2, 1, 2, 3]


def test_a_curve_pools_the_faces_of_all_seeds_and_never_reaches_a_miss(both, paths, root):
    curves = ced.curves_of(both[0], paths.results)
    assert list(curves) == [entry.contestant for entry in reversed(both[0].ran)]
    for name in ("ktl_s", "shy"):
        pooled = files.read_arrays(paths.errors / name / "one.npz")["per_seed"].ravel()
        assert len(pooled) == (27 if name == "ktl_s" else 9)
        curve = curves[name]
        assert curve["error"].iloc[[0, -1]].tolist() == [0.0, 0.16]  # twice the limit of the area
        expected = [(pooled <= error).mean() for error in curve["error"]]
        np.testing.assert_allclose(curve["fraction"], expected)
    assert curves["shy"]["fraction"].max() <= 5 / 9
    assert ced.curves_of(both[1], paths.results)["good"]["error"].iloc[-1] == 40.0  # px


def test_a_file_that_is_missing_is_an_error_with_a_remedy(paths, compared, tmp_path):
    gone = compared.model_copy(update={"matrices": {"nobody": compared.matrices["one"]}})
    with pytest.raises(DataError, match=r"nobody\.json is missing") as caught:
        made(paths, gone, tmp_path)
    assert caught.value.remedy == "run `dvc repro`, which writes it"
    with pytest.raises(DataError, match=r"good\.csv is missing"):
        made(replace(paths, training=tmp_path), compared, tmp_path)
    (tmp_path / "one.json").write_bytes((paths.results / "one.json").read_bytes())
    with pytest.raises(DataError, match=r"one\.parquet is missing"):
        ced.curves_of(reading.boards(paths.results, compared)[0], tmp_path)


def test_missing_faces_never_wins(both):
    ranking = both[0]
    shy, good = (ranking.results.of(name) for name in ("shy", "good"))
    assert value(shy, "nme_io") < value(good, "nme_io") < value(shy, "nme_io_all")
    assert [entry.contestant for entry in ranking.records] == ["good", "ktl_s", "shy", "poor", "absent"]
    other = board(record("none", {"error_px_mean": 1.0}), record("some", {"error_px_mean_all": 3.0}))
    assert [entry.contestant for entry in other.ran] == ["some", "none"]  # who has no error is not the best
    text = board_tables.main_table(ranking)
    row = line(text, "shy")
    assert "`shy` †" in row and "**" not in row and "4 of 9" in row and "| 55.56 (" in row
    assert f"**{number_format.shown('nme_io', value(good, 'nme_io'))}**" in line(text, "good")
    row = line(text, "absent")  # a reason cannot break out
    assert "skipped" in row and r"\<script\>" in row and "<script" not in row.replace(r"\<script", "")
    assert len({len(re.findall(r"(?<!\\)\|", each)) for each in text.splitlines()}) == 1


def test_the_order_is_that_of_groups_and_then_of_all_faces():
    errors = {"slow": (1.0, 4.0), "tied": (2.0, 3.0), "best": (3.0, 2.0), "some": (0.1, 0.1), "none": (9.0, 9.0)}
    everybody = [
        record(name, {"error_px_mean": error, "error_px_mean_all": every}, points=1 if name == "some" else 2)
        for name, (error, every) in errors.items()
    ]
    groups = {"best": "A", "slow": "A", "tied": "B", "none": "C"}
    ranking = board(idle("absent"), *everybody, groups=groups)
    assert [entry.contestant for entry in ranking.records] == ["best", "slow", "tied", "none", "some", "absent"]
    rows = [each.split("|")[1:3] for each in board_tables.main_table(ranking).splitlines()[2:]]
    assert [row[1].strip() for row in rows] == ["A", "A", "B", "C", "–", "*skipped: x*"]
    assert [entry.contestant for entry in ranked(ranking.results)] == ["best", "tied", "slow", "none", "some"]


def test_fewer_points_do_not_compete():
    full, some = (
        record(name, {"nme_io": error, "nme_io_all": error, "pck@0.1io": 1 - error}, points=points)
        for name, error, points in (("full", 0.05, 68), ("some", 0.01, 51))
    )
    ranking = board(some, full, main="nme_io")
    assert [entry.contestant for entry in ranking.ran] == ["full", "some"]
    row = line(board_tables.main_table(ranking), "some")
    assert "‡" in row and "**" not in row and "<ins>" not in row
    assert "‡ Predicts fewer landmarks" in written(ranking)[1]


def test_a_face_without_a_prompt_disqualifies_nobody():
    def own(missed, unprompted, prompted):
        metrics = {"error_px_mean": 1.0, "unprompted": unprompted, "missed_prompted": prompted}
        return record("a", metrics, faces=100, missed=missed)

    assert few_misses(own(10, 10, 0))
    text = written(board(own(10, 10, 0)))[1]
    assert "10 faces have no box" in text and "†" not in text
    for missed, unprompted in ((12, 10), (2, 10)):  # a face that was found without a prompt excuses no other
        assert not few_misses(own(missed, unprompted, 2))
    assert not few_misses(record("b", {}, faces=100, missed=2)) and few_misses(
        record("c", {}, faces=100, missed=1)
    )


def test_who_found_the_faces_is_told_where_contestants_differ():
    with_prompt = record("told", {"error_px_mean": 1.0})
    metrics = {"error_px_mean": 3.0, "recall": 5 / 9, "precision": 0.625, "predictions": 8, "failed_frames": 2}
    alone = record("alone", metrics, missed=4, boxes="a|b")
    text = written(board(idle("absent"), alone, with_prompt))[1]
    assert cells(text, "alone")["recall, % ↑"] == "**55.56**" and cells(text, "alone")["precision, % ↑"] == "62.50"
    assert cells(text, "alone")["boxes"] == r"a\|b" and cells(text, "told")["boxes"] == "`prompt`"
    assert cells(text, "told")["recall, % ↑"] == "–" and line(text, "alone").startswith("| `alone` † |")
    assert cells(text, "alone")["missed ↓"] == "4 of 9"
    assert len(re.findall(r"(?<!\\)\|", line(text, "absent"))) == len(cells(text, "told")) + 1
    assert (
        "a detection on an unlabelled face" in text and "raised an error, counted as misses: `alone` (2)." in text
    )
    for one in (with_prompt, record("old", {"error_px_mean": 2.0}, boxes="")):  # nothing to be told apart
        text = written(board(one, idle("absent")))[1]
        assert not {"boxes", "precision", "recall"} & set(re.findall(r"\w+", text)) and "raised" not in text


def test_impossible_settings_are_config_errors():
    with pytest.raises(ConfigError, match=r"leaderboard\.gallery_faces"):
        parse({"gallery_faces": 0}, build.Config, "leaderboard")
    with pytest.raises(ConfigError, match=r"contact\.tfake\.count"):
        parse({"count": 0}, contact.Config, "contact.tfake")


def test_direction_decides_what_is_best():
    low, high, last = (
        record(name, {"error_px_mean": error, "pck@3px": rate})
        for name, error, rate in (("low", 1.0, 0.2), ("high", 2.0, 0.9), ("last", 3.0, 0.5))
    )
    text = board_tables.main_table(board(last, high, low))
    assert "**1.00**" in line(text, "low") and " 20.00 " in line(text, "low")
    assert "<ins>2.00</ins>" in line(text, "high") and "**90.00**" in line(text, "high")
    assert "<ins>50.00</ins>" in line(text, "last") and " 3.00 " in line(text, "last")
    offset = board_tables.main_table(board(record("o", {"error_px_mean": 1.0, "offset_x_px": -0.5})))
    assert cells(offset, "o")["offset x, px"] == "-0.50"
    assert "error, px ↓" in text and "PCK @ 3 px, % ↑" in text


def test_a_row_has_all_that_its_record_says():
    floor = Floor(px=1.5, value=0.012, faces=9, lost=0, flickering=2, views=8)
    metrics = {"found": (8 / 9, 0.6, 1.0), "nme_io": (0.05, 0.04, 0.06, 0.002), "nme_io_all": (0.1, 0.05, 0.2)}
    full = record("own", metrics, missed=1, seeds=3, floor=floor, tier="reproduced", trained_on="thermal")
    other = record("other", {"found": 1.0, "nme_io": 0.07, "nme_io_all": 0.07})
    text = board_tables.main_table(board(full, other, main="nme_io", groups={"own": "A", "other": "B"}))
    assert cells(text.replace(" † ", " "), "own") == {
        "contestant": "`own`",
        "group": "A",
        "found, % ↑": "88.89 (60.00–100.00)",
        "NME inter-ocular, % ↓": "5.00 ± 0.20",
        "95 %": "4.00–6.00",
        "NME inter-ocular of all faces, % ↓": "10.00 (5.00–20.00)",
        "tier": "reproduced",
        "trained on": "thermal",
        "jitter floor": "1.20 (2 of 9 flicker)",
        "missed ↓": "1 of 9",
        "interval over": "subjects and 3 seeds",
    }
    assert cells(text, "other")["jitter floor"] == "–"
    assert "jitter floor" not in board_tables.main_table(board(other, main="nme_io"))


def test_a_report_of_nothing_but_reasons_is_still_a_report(root, paths, tmp_path):
    for name in ("faces", "reports", "predictions/absent"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(root / name)
    results_scene.recorded(tmp_path, {"absent": Contestant("x", "absent", {})}, {"one": Scoring(bootstrap=0)})
    alone = replace(paths, results=tmp_path / "results")
    boards = build.build(
        open_comparisons(tmp_path / "comparisons.json"),
        alone,
        *[tmp_path / "out"] * 2,
        tmp_path / "l.md",
        build.Config(),
    )
    assert "skipped" in line((tmp_path / "l.md").read_text(), "absent") and "skipped" in console.leaderboard(
        boards
    )
    assert (tmp_path / "out/ced.csv").read_text() == "dataset,metric,contestant,error,fraction\n"
    assert (tmp_path / "out/gallery_one.png").stat().st_size > 0


def test_rendered_data_are_called_rendered_and_subsets_are_in_order(both, report):
    one, nose, *_ = (report / "leaderboard.md").read_text().split("## ")[1:]
    assert "no evidence about real thermal cameras" in " ".join(one.replace("\n> ", " ").split())
    assert "Rendered" not in nose and "CC0" in nose
    assert "CC0" not in one  # terms of the real set are not those of a rendering
    assert console.leaderboard(both).startswith("one (rendered data: no evidence about real cameras)\n")
    text = board_tables.part_table(of(both[1], "good"), ["distance"])  # subsets in natural order beside the whole
    assert text.splitlines()[0] == "| error, px ↓ | all | 2 ft (3) | 6 ft (3) | 10 ft (3) |"


def test_machine_labels_are_called_so_at_every_heading():
    entry = record("a", {"nme_io": 0.1})
    ranking = board(entry, main="nme_io", title="Car, machine labels", labels="machine", boxes="face")
    overview, part = written(ranking)
    assert part.startswith("Car, machine labels") and NOTICES["machine"] in part
    assert "prompts are face boxes as published" in part
    assert "Car, machine labels: NME" in overview and NOTICES["machine"] in overview
    assert "(machine labels: distances from another network)" in console.leaderboard([ranking])
    # What is rendered in the layout of such a set has labels that are exact.
    drawn = board(entry, main="nme_io", title="Car, rendered", labels="rendered", origin="rendered")
    assert all(NOTICES["machine"] not in each and NOTICES["rendered"] in each for each in written(drawn))


def test_provisional_landmarks_of_real_labels_are_named(monkeypatch):
    monkeypatch.setattr(leaderboard, "provisional", lambda name: "not | checked" if name == "x" else "")
    entry, notice = record("a", {"error_px_mean": 1.0}), r"Landmarks of `x` are provisional: not \| checked."
    assert notice in written(board(entry, vocabularies=("ibug68", "x")))[1]
    assert "provisional" not in written(board(entry, vocabularies=("x",), origin="rendered"))[1]
    assert "provisional" not in written(board(entry, vocabularies=("ibug68",)))[1]


def test_moved_boxes_have_a_table_with_misses_of_those_who_were_told_any():
    moved = {MOVED: {"shift20": part(4.0, 2), "shift10": part(2.0)}}
    with_prompt, finds = (
        record(name, {"error_px_mean": 1.0}, parts=parts) for name, parts in (("told", moved), ("finds", {}))
    )
    text = written(board(with_prompt, finds))[1].split("perturbed boxes")[1]
    assert "| error, px ↓ | as they are | shift 10 % | shift 20 % |" in text and "finds" not in text
    assert line(text, "told").split("|")[2:5] == [" 1.00 ", " 2.00 ", " 4.00 (2 missed) "]
    assert "perturbed boxes" not in written(board(finds))[1]


def pair(**own) -> Pair:
    fields = {"dataset": "d", "a": "new", "b": "old", "difference": -0.0123, "low": -0.02, "high": -0.004}
    fields |= {"difference_all": -0.011, "p": 0.01, "p_holm": 0.02, "mde": 0.008, "faces": 9, "left_out": 0}
    return Pair(**fields | {"subjects": 9, "seeds": (3, 0), "verdict": "lower error"} | own)


def test_declared_comparisons_are_printed_with_what_they_can_bear_and_no_others():
    absent = dict.fromkeys(("difference", "low", "high", "difference_all", "p", "p_holm", "mde"))
    absent |= {"verdict": "not run: old", "faces": 0, "subjects": 0}
    grey = pair(b="mid", p_holm=1.0, verdict="no difference shown", grey="below the minimal detectable effect")
    family = Family(name="help", question="Does it | help?", pairs=(pair(), grey, pair(b="gone", **absent)))
    nothing = Family(name="elsewhere", question="?", pairs=())
    matrix = {"contestants": (), "difference": (), "low": (), "high": (), "p_holm": (), "grey": (), "groups": {}}
    comparisons = Comparisons(families=(family, nothing), matrices={"d": Matrix(**matrix)})
    ranking = board(record("new", {"nme_io": 0.1}), main="nme_io")
    part = written(ranking, made=comparisons)[-1]
    assert part.startswith("Comparisons") and "elsewhere" not in part
    assert r"**Does it \| help?** (`help`)" in part and "or below the jitter floor, is not interpreted" in part
    rows = [each for each in part.splitlines() if each.startswith("| `new`")]
    assert rows == [
        "| `new` − `old` | D | NME inter-ocular, % points | −1.23 | −2.00 to −0.40 | −1.10 | 0.020 | 0.80 "
        "| 9 faces, 9 subjects, 3 seeds | lower error |",
        "| `new` − `mid` | D | NME inter-ocular, % points | −1.23 | −2.00 to −0.40 | −1.10 | 1.000 | 0.80 "
        "| 9 faces, 9 subjects, 3 seeds | no difference shown: below the minimal detectable effect |",
        "| `new` − `gone` | D | NME inter-ocular, % points | – | – | – | – | – | – | not run: old |",
    ]
    assert not any(each.startswith("Comparisons") for each in written(ranking))


def test_the_overview_has_ten_rows_the_best_of_each_kind_among_them():
    everybody = [
        record(f"n{place:02}", {"error_px_mean": place, "error_px_mean_all": place, "found": 1.0}, kind="many")
        for place in range(20)
    ]
    last = record("last", {"error_px_mean": 1.5, "error_px_mean_all": 40.0, "found": 0.5}, kind="rare", missed=4)
    ranking = board(*everybody, last, groups=dict.fromkeys(["n00", "n01"], "A"))
    first, everyone, *_ = written(ranking)
    names = re.findall(r"^\| `(\w+)`", first, re.M)
    assert names == [*(f"n{place:02}" for place in range(9)), "last"]
    assert line(first, "n00") == "| `n00` | A **0.00** (n/a) | – |"
    assert line(first, "last") == "| `last` | 1.50 (n/a, 50.00 % found) | – |"
    assert "10 of the 21 contestants" in first and "best of each recipe" in first
    assert everyone.startswith("All contestants") and len(re.findall(r"^\| `", everyone, re.M)) == 21
    text = "".join(written(board(*everybody[:3])))
    assert "All contestants" not in text and "3 of the 3 contestants" in text and "best of each recipe" not in text


def test_the_console_shows_the_order_without_control_characters(both):
    table = console.leaderboard([both[0]]).splitlines()
    assert [each.split()[0] for each in table[2:]] == ["good", "ktl_s", "shy", "poor", "absent"]
    many = console.leaderboard([scored(**{f"n{place:02}": float(place) for place in range(20)})]).splitlines()
    assert many[2].split()[0] == "n00" and many[-2].split()[0] == "n14"
    assert many[-1] == "  and 5 more in the leaderboard"
    evil = board(idle("x\x07\x1c", "a\x1b[2Jb\x85"), name="d\x1b[31m")
    text = console.leaderboard([evil], {"e\x1b": "f\x1b\n"})
    assert text.replace("\n", "").isprintable() and len(text.splitlines()) == 5


@given(st.text())
def test_escaped_text_stays_on_one_line_and_opens_nothing(text):
    safe = markdown.escaped(text)
    assert "\n" not in safe and "\r" not in safe
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`*_\[\]]", safe)


@pytest.mark.parametrize("name", ["a|b", "a`b", "[x](y)", "<img>"])
def test_odd_names_are_escaped_and_plain_names_are_code(name):
    assert markdown.code("rtmpose_t.v2") == "`rtmpose_t.v2`"
    assert markdown.code(name) == markdown.escaped(name) != name


def test_the_gallery_spans_best_to_worst_and_a_miss_is_worst():
    errors = {
        "rows": np.arange(10, 17),
        "ids": np.array(list("gfedcba")),
        "main": np.array([0.3, 0.1, np.inf, 0.2, np.nan, 0.1, 0.5]),
    }
    usable = np.ones(20, bool)
    assert gallery.choose(errors, usable, 3) == [15, 13, 12]
    assert gallery.choose(errors, usable, 99) == [15, 11, 13, 10, 16, 12]
    usable[15] = False
    assert gallery.choose(errors, usable, 99) == [11, 13, 10, 16, 12]
    assert gallery.choose(errors, np.zeros(20, bool), 3) == []


def test_the_gallery_refuses_an_unknown_reference_and_copes_with_one_that_could_not_run(
    paths, compared, report, tmp_path
):
    with pytest.raises(ConfigError, match=r"leaderboard\.gallery_reference names the unknown contestant 'god'"):
        made(paths, compared, tmp_path / "a", gallery_reference="god")
    # What a run came to stops no report: the best takes its place.
    made(paths, compared, tmp_path, ["gallery"], gallery_reference="absent")
    assert (tmp_path / "gallery_one.png").read_bytes() == (report / "gallery_one.png").read_bytes()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_keep_their_order_and_distance(heights):
    placed = lines.spread(heights, 5, 0, 100)
    order = np.argsort(heights, kind="stable")
    steps = np.diff(np.array(placed)[order])
    assert (steps > 4.5).all()
    assert min(placed) >= 0 and max(placed) <= 100


def test_contact_sheet(tmp_path):
    for folder in ("facesynthetics", "warm", "cold"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    for name in ("000001", "000002"):
        colour = rng.integers(0, 255, (16, 16, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "facesynthetics" / f"{name}.png"), colour)
        cv2.imwrite(str(tmp_path / "facesynthetics" / f"{name}_seg.png"), colour[..., 0] % 19)
        for room in ("warm", "cold"):
            raw = rng.integers(0, 65535, (16, 16)).astype(np.uint16)
            cv2.imwrite(str(tmp_path / room / f"{name}_thermal.png"), raw)
    contact.write(tmp_path, tmp_path / "a.png", contact.Config())
    contact.write(tmp_path, tmp_path / "b.png", contact.Config())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    (tmp_path / "cold" / "000002_thermal.png").unlink()
    with pytest.raises(DataError, match="unreadable"):
        contact.write(tmp_path, tmp_path / "a.png", contact.Config())


def test_a_run_of_several_seeds_shows_its_spread(both, report):
    metric = both[0].results.of("ktl_s").metrics["nme_io"]
    mean, std = (number_format.shown("nme_io", each) for each in (metric.value, metric.seed_std))
    assert re.search(rf"\| (<ins>)?{mean}(</ins>)? ± {std} \|", line(board_tables.main_table(both[0]), "ktl_s"))
    assert f"{mean} ± {std}" in console.leaderboard(both[:1])
    text = (report / "leaderboard.md").read_text()
    assert "±" not in line(text.split("## ")[1], "good") and "± is the standard deviation" in text.split("##")[0]
    assert "±" not in "".join(written(of(both[0], "good", "poor")))


def test_every_row_says_what_its_interval_covers():
    metric = {"error_px_mean": (2.0, 1.0, 3.0)}
    entries = {"many": record("many", metric, seeds=3), "once": record("once", metric, seeds=1)}
    entries |= {
        "free": record("free", metric),
        "bare": record("bare", {"error_px_mean": 2.0}),
        "absent": idle("absent"),
    }
    expected = {"many": "subjects and 3 seeds", "once": "subjects only, 1 seed", "free": "subjects only"}
    expected |= {"bare": "", "absent": ""}
    assert {name: estimates.covered(entry, "error_px_mean") for name, entry in entries.items()} == expected
    ranking = board(*entries.values())
    overview = board_tables.standings([ranking], list(entries))
    text, terminal = board_tables.main_table(ranking), console.leaderboard([ranking])
    assert text.splitlines()[0].endswith("| missed ↓ | interval over |")
    assert overview.splitlines()[0].endswith("| interval over |")
    for name, each in expected.items():
        assert line(text, name).endswith(f"| {each or '–'} |") or name == "absent"
        assert line(overview, name).endswith(f"| {each or '–'} |")
        if name != "absent":
            row = next(one for one in terminal.splitlines() if one.split()[:1] == [name])
            assert row.endswith(each or "0/9")
    other = board(record("many", metric, seeds=1), name="e")
    two = board_tables.standings([board(entries["many"]), other], ["many"])
    assert line(two, "many").endswith("| subjects and 3 seeds; subjects only, 1 seed |")


def test_a_profile_says_of_what_kind_its_contestants_are():
    contestants = {
        "mean_shape": {"family": "mean_shape"},
        "ktl_s": {"family": "learned", "run": "ktl_s"},
        "own_name": {"family": "learned", "run": "mcl_st"},
        "teacher": {"family": "learned", "run": "imported_m"},
        "nose": {"family": "cascade", "run": "student_t"},
    }
    runs = {"ktl_s": {"recipe": "ktl"}, "mcl_st": {"recipe": "mcl"}, "student_t": {"recipe": "adapted"}}
    assert sections_of.trained(contestants, runs) == {"ktl_s": "ktl_s", "own_name": "mcl_st"}
    assert sections_of.networks(contestants)["teacher"] == "imported_m"
    assert sections_of.kinds(contestants, runs) == {
        "mean_shape": "mean_shape",
        "ktl_s": "ktl",
        "own_name": "mcl",
        "teacher": "learned",
        "nose": "cascade",
    }
    assert [name for name, whole in sections_of.whole_frames(contestants).items() if whole] == ["nose"]
    with pytest.raises(ConfigError, match=r"contestants\.a has no family"):
        sections_of.whole_frames({"a": {}})
    for wrong in (["ktl_s"], {"ktl_s": "learned"}):
        with pytest.raises(ConfigError, match="`contestants` does not map names to sections"):
            sections_of.sections(wrong, "contestants")
    assert sections_of.sections(None, "runs") == {}


def scored(name: str = "d", **values: float | None) -> Board:
    """Return a board of contestants with these errors; None could not run."""
    everybody = [
        idle(contestant)
        if error is None
        else record(contestant, {"error_px_mean": error, "error_px_mean_all": error})
        for contestant, error in values.items()
    ]
    return board(*everybody, name=name)


@pytest.mark.parametrize(
    ("boards", "order"),
    [
        ([scored(a=1.0, b=2.0, c=3.0), scored("e", a=9.0, b=1.0, c=2.0)], ["b", "a", "c"]),
        ([scored(a=1.0, b=2.0, c=3.0), scored("e", a=1.0, b=None, c=2.0)], ["a", "c", "b"]),
        ([scored(a=1.0, b=1.0)], ["a", "b"]),
        # Groups come before errors.
        ([replace(scored(a=1.0, b=2.0, c=3.0), groups={"a": "B", "b": "A", "c": "B"})], ["b", "a", "c"]),
    ],
)
def test_standing_is_the_mean_place_and_absence_is_the_last_one(boards, order):
    assert reading.order(boards) == order


def test_the_best_of_each_recipe_come_before_the_best():
    order = [*(f"ktl_{size}" for size in "abcdefghi"), "kd_a", "mean_shape", "mcl_a", "kd_b"]
    recipes = {name: name.split("_")[0] for name in order if name != "mean_shape"}
    names = highlights.highlighted(order, recipes)
    assert names == ["ktl_a", "ktl_b", "ktl_c", "ktl_d", "ktl_e", "kd_a", "mean_shape", "mcl_a"]
    assert highlights.highlighted(order[-4:], recipes) == ["kd_a", "mean_shape", "mcl_a", "kd_b"]
    assert highlights.pictured(order, recipes, "") == ["ktl_a", "kd_a", "mean_shape", "mcl_a"]
    assert highlights.pictured(order, recipes, "ktl_a") == ["ktl_a", "kd_a", "mean_shape", "mcl_a"]
    several = {name: name for name in order}
    assert highlights.pictured(order, several, "kd_b") == ["ktl_a", "ktl_b", "ktl_c", "ktl_d", "kd_b"]
    with pytest.raises(ConfigError, match="'ktl_x'") as caught:
        highlights.pictured(order, recipes, "ktl_x")
    assert "did you mean `ktl_" in caught.value.remedy


def test_the_highlighted_have_colours_of_their_own_and_the_rest_are_grey():
    names = ["mean_shape", *(f"n{index}" for index in range(30))]
    highlighted = ["n29", "mean_shape", *(f"n{index}" for index in range(0, 28, 4))]
    drawn = style.styles(names, highlighted, "mean_shape")
    colours = {name: drawn[name].colour for name in highlighted}
    assert len(set(colours.values())) == len(colours) and style.REST not in colours.values()
    assert drawn["mean_shape"].dashes != "-" and drawn["mean_shape"].named
    rest = [each for name, each in drawn.items() if name not in highlighted]
    assert {each.colour for each in rest} == {style.REST} and not any(each.named for each in rest)


def test_contestants_beyond_those_with_a_colour_are_grey_and_without_a_label(
    paths, compared, tmp_path, monkeypatch
):
    monkeypatch.setattr(highlights, "CURVES", 1)
    monkeypatch.setattr(highlights, "ROWS", 1)
    made(paths, compared, tmp_path, ["ced", "histories"], gallery_reference="ktl_s")
    text = (tmp_path / "ced_one.svg").read_text()
    assert "<!-- good -->" in text and "<!-- 3 more -->" in text and "<!-- ktl_s -->" not in text
    assert "<!-- 1 more -->" in (tmp_path / "training.svg").read_text()
    # DVC's page has a curve for each name in its legend, and no more.
    assert set(pd.read_csv(tmp_path / "ced.csv")["contestant"]) == {"good"}
    assert set(pd.read_csv(tmp_path / "training.csv")["run"]) == {"good"}


def test_terms_of_distillation_have_panels_where_a_run_has_them(paths, compared, report, tmp_path):
    text = (report / "training.svg").read_text()
    assert "<!-- labels, kp -->" in text and "<!-- features, fm -->" in text and "injection" not in text
    files.write_text(tmp_path / "t" / "good.csv", "seed,epoch,lr,simcc,grad_norm,val_nme\n0,1,0.1,2,9,0.2\n")
    files.write_text(tmp_path / "t" / "ktl_s.csv", "seed,epoch,lr,simcc,grad_norm,val_nme\n0,1,0.1,2,9,0.2\n")
    made(replace(paths, training=tmp_path / "t"), compared, tmp_path, ["histories"])
    assert "labels, kp" not in (tmp_path / "training.svg").read_text()


def test_a_mean_over_seeds_ends_where_the_first_seed_stopped():
    table = pd.DataFrame({"seed": [0, 0, 0, 1, 1], "epoch": [1, 2, 3, 1, 2], "kp": [4.0, 2.0, 9.0, 2.0, 0.0]})
    by_seed = histories._by_seed(table, "kp")
    assert by_seed.loc[1].tolist() == [4.0, 2.0] and np.isnan(by_seed.loc[2, 1])  # 0 has no place on a log axis
    with style.figure(2, 2) as drawn:
        axes = drawn.add_subplot()
        assert histories._draw({"a": by_seed}, axes, style.styles(["a"], ["a"], "")) == {"a": (1.0, 3.0)}
        assert sorted(len(each.get_xdata()) for each in axes.lines) == [1, 1, 3]


def test_the_first_seed_is_drawn_with_its_own_errors(paths):
    """Of a face the errors told are those of the points drawn, not their mean over seeds."""
    errors = gallery._errors("ktl_s", "one", paths)
    predictions = Predictions.open(gallery._first(paths.predictions / "ktl_s", "one"))
    alone = evaluate(Faces.open(paths.faces / "one/faces.npz"), predictions, Scoring(bootstrap=0), "one").errors
    np.testing.assert_allclose(errors["main"], alone["nme_io"])
    assert not np.allclose(errors["main"], errors["nme_io"])


def test_who_could_run_nowhere_is_told_of_once_with_the_reason(both, report):
    assert set(reading.idle(both)) == {"absent"}
    text = (report / "leaderboard.md").read_text()
    assert text.count("`absent`") == 1 and "## Not run here (1)" in text
    # What a README shows, all before the first part, has their number and not their reasons.
    first = text.split("\n## ")[0]
    assert "4 of the 4 contestants" in first and "1 more could not run here" in first and "skipped" not in first
    # One board alone has no place elsewhere to tell of it; where nobody has numbers, every board says so.
    assert reading.idle(both[:1]) == {}
    assert reading.idle([of(ranking, "absent") for ranking in both]) == {}
    assert "1 more could not run here" in console.leaderboard(both)
