"""The report on small fake results: honest ranking, safe text, stable bytes, nothing stale."""

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces
from thermark.core.geometry import bounding_box, crop_to_source
from thermark.core.predictions import Predictions
from thermark.metrics.evaluate import Config as Scoring
from thermark.metrics.evaluate import evaluate, write
from thermark.report import build, console, contact, gallery, markdown, numbers, style, tables
from thermark.report.inputs import Board, Entry, Places, boards, comparable, ranked

COUNT, SIZE = 9, 24
REAL = {"rendered": False, "card": {}}


@dataclass(frozen=True)
class Results:
    places: Places
    contestants: list[str]


def labelled(folder: Path, vocabulary: str, points: int) -> Faces:
    rng = np.random.default_rng(0)
    xy = rng.uniform(20, 90, (COUNT, points, 2)).astype(np.float32)
    box = bounding_box(xy) + np.float32([-5, -5, 5, 5])
    names = np.array([f"{row:03}" for row in range(COUNT)])
    strata = {"distance": np.array(["2 ft", "10 ft", "6 ft"] * 3)}
    vocabularies, visible = np.full(COUNT, vocabulary), np.ones((COUNT, points), bool)
    splits = np.full(COUNT, "test")
    faces = Faces(names, names, names, splits, vocabularies, box, box, xy, visible, strata)
    faces.save(folder / "faces.npz")
    to_source = np.stack([crop_to_source(row, SIZE, 1.75) for row in box])
    files.write_arrays(folder / "crops.npz", {"to_source": to_source, "padding": np.array(1.75)})
    np.save(folder / "pixels.npy", rng.integers(0, 255, (COUNT, SIZE, SIZE), np.uint8))
    return faces


def answer(faces: Faces, noise: float, misses: int, vocabulary: str) -> Predictions:
    xy = faces.xy + np.random.default_rng(1).normal(0, noise, faces.xy.shape).astype(np.float32)
    xy[:misses] = np.nan
    score = np.ones(xy.shape[:2], np.float32)
    return Predictions("c", vocabulary, "prompt", "d", faces.frames, np.arange(COUNT), xy, score, faces.boxes)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    root = tmp_path_factory.mktemp("results")
    kinds = ("reports", "details", "ced", "training", "faces", "predictions", "errors")
    places = Places(*(root / kind for kind in kinds))
    said = {"good": (0.5, 0), "poor": (5.0, 0), "shy": (0.1, 4), "stale": (0.0, 0), "absent": None}
    for dataset, vocabulary, points in (("one", "ibug68", 68), ("nose", "nose1", 1)):
        faces = labelled(places.faces / dataset, vocabulary, points)
        card = {"title": "Set | <one>", "licence": "CC0"}
        files.write_json(places.reports / f"{dataset}.json", {"rendered": dataset == "one", "card": card})
        for name, how in said.items():
            given_up = Predictions.none(name, "d", "skipped", "no `weights` | <script>\n# x")
            prediction = answer(faces, *how, vocabulary) if how else given_up
            prediction.save(places.predictions / name / f"{dataset}.npz")
            evaluation = evaluate(faces, prediction, Scoring(vocabulary=vocabulary, bootstrap=20), dataset)
            write(
                evaluation,
                "0" * 64,
                root / "metrics" / dataset / f"{name}.json",
                places.details / dataset / f"{name}.json",
                places.ced / dataset / f"{name}.csv",
                places.errors / dataset / f"{name}.npz",
            )
    for run in ("good", "stale"):
        history = "epoch,lr,kp,fm,grad_norm,val_nme\n1,0.1,2,0.5,9,0.2\n2,0.1,1,0.5,8,nan\n3,0.1,1,0,7,0.1\n"
        files.write_text(places.training / f"{run}.csv", history)
    return Results(places, ["poor", "shy", "good", "absent"])


def made(results: Results, out: Path) -> list[Board]:
    datasets = {"one": results.contestants, "nose": results.contestants}
    config = build.Config(gallery_faces=3)
    return build.build(datasets, ["good"], results.places, out, out, out / "leaderboard.md", config)


@pytest.fixture(scope="module")
def report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    made(results, out)
    return out


def test_everything_is_written_and_the_same_bytes_twice(results, report, tmp_path):
    made(results, tmp_path)
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
    ced = pd.read_csv(report / "ced.csv")
    assert list(ced) == ["dataset", "contestant", "error", "fraction"]
    assert set(ced["contestant"]) == {"good", "poor", "shy"}
    assert (ced.groupby(["dataset", "contestant"]).size() == 101).all()
    training = pd.read_csv(report / "training.csv")
    assert list(training) == ["run", "epoch", "loss", "lr", "kp", "fm", "grad_norm", "val_nme"]
    assert list(training["loss"]) == [2.5, 1.5, 1.0]
    assert training["val_nme"].isna().sum() == 1


def test_a_named_result_that_is_missing_is_an_error_that_names_its_stage(results):
    with pytest.raises(DataError, match=r"nobody\.json is missing") as caught:
        boards({"one": ["good", "nobody"]}, results.places)
    assert "evaluate@one-nobody" in caught.value.remedy


def test_missing_faces_never_wins(results):
    board = boards({"one": results.contestants}, results.places)[0]
    shy = next(entry for entry in board.entries if entry.contestant == "shy")
    good = next(entry for entry in board.entries if entry.contestant == "good")
    assert shy.summary["nme_io"] < good.summary["nme_io"]
    assert [entry.contestant for entry in ranked(board)] == ["good", "poor", "shy", "absent"]
    row = line(tables.main_table(board), "shy")
    assert "†" in row and "**" not in row and "4 of 9" in row
    assert f"**{numbers.shown('nme_io', good.summary['nme_io'])}**" in line(tables.main_table(board), "good")


def test_fewer_points_do_not_compete():
    full = Entry(
        "full", {"status": "ok", "metric": "nme_io", "nme_io": 0.05, "missed": 0, "faces": 9, "points": 68}, {}
    )
    some = Entry("some", full.summary | {"nme_io": 0.01, "points": 51}, {})
    board = Board("d", REAL, (some, full))
    assert comparable(full, board) and not comparable(some, board)
    assert [entry.contestant for entry in ranked(board)] == ["full", "some"]
    assert "‡" in line(tables.main_table(board), "some")
    assert "‡ has not all landmarks" in tables.section(board)


def test_a_face_without_a_prompt_disqualifies_nobody():
    summary = {"status": "ok", "metric": "error_px_mean", "error_px_mean": 1.0, "faces": 100, "points": 1}
    entry = Entry("a", summary | {"missed": 10, "unprompted": 10, "missed_prompted": 0}, {})
    board = Board("d", REAL, (entry,))
    assert comparable(entry, board)
    assert "10 faces have no box" in tables.section(board)
    for missed, unprompted in ((12, 10), (2, 10)):  # a face that was found without a prompt excuses no other
        told = {"missed": missed, "unprompted": unprompted, "missed_prompted": 2}
        assert not comparable(Entry("a", summary | told, {}), board)


def test_impossible_settings_are_config_errors():
    with pytest.raises(ConfigError, match=r"report\.gallery_faces"):
        parse({"gallery_faces": 0}, build.Config, "report")
    with pytest.raises(ConfigError, match=r"contact\.tfake\.count"):
        parse({"count": 0}, contact.Config, "contact.tfake")


def test_direction_decides_what_is_best():
    summary = {"status": "ok", "metric": "error_px_mean", "missed": 0, "faces": 9, "points": 1}
    low = Entry("low", summary | {"error_px_mean": 1.0, "pck@3px": 0.2}, {})
    high = Entry("high", summary | {"error_px_mean": 2.0, "pck@3px": 0.9}, {})
    offset = Entry("o", summary | {"error_px_mean": 1.0, "offset_x_px": -0.5}, {})
    last = Entry("last", summary | {"error_px_mean": 3.0, "pck@3px": 0.5}, {})
    text = tables.main_table(Board("d", REAL, (last, high, low)))
    assert "**1.00**" in line(text, "low") and " 20.00 " in line(text, "low")
    assert "<ins>2.00</ins>" in line(text, "high") and "**90.00**" in line(text, "high")
    assert "<ins>50.00</ins>" in line(text, "last") and " 3.00 " in line(text, "last")
    assert "**" not in tables.main_table(Board("d", REAL, (offset,))).split("|")[-3]
    assert "error, px ↓" in text and "PCK @ 3 px, % ↑" in text


def test_who_could_not_run_is_a_row_with_a_reason_that_cannot_break_out(results):
    board = boards({"one": results.contestants}, results.places)[0]
    text = tables.main_table(board)
    row = line(text, "absent")
    assert "skipped" in row and r"\<script\>" in row and "<script" not in row.replace(r"\<script", "")
    cells = {len(re.findall(r"(?<!\\)\|", each)) for each in text.splitlines()}
    assert len(cells) == 1


def test_a_report_of_nothing_but_reasons_is_still_a_report(results, tmp_path):
    build.build({"one": ["absent"]}, [], results.places, tmp_path, tmp_path, tmp_path / "l.md", build.Config())
    assert "skipped" in line((tmp_path / "l.md").read_text(), "absent")
    assert (tmp_path / "ced.csv").read_text() == "dataset,contestant,error,fraction\n"
    assert (tmp_path / "gallery_one.png").stat().st_size > 0


def test_rendered_data_are_called_rendered(results, report):
    one, nose = (report / "leaderboard.md").read_text().split("## ")[1:]
    assert "no evidence about real thermal cameras" in " ".join(one.replace("\n> ", " ").split())
    assert "Rendered" not in nose
    assert "CC0" in nose and "CC0" not in one  # terms of the real set are not those of a rendering
    text = console.leaderboard(boards({"one": results.contestants}, results.places))
    assert text.startswith("one (rendered data: no evidence about real cameras)\n")


def test_subsets_are_in_natural_order_beside_the_whole(results):
    board = boards({"nose": ["good"]}, results.places)[0]
    text = tables.subset_table(board, list(board.entries), ["distance"])
    assert text.splitlines()[0] == "| error, px ↓ | 2 ft (3) | 6 ft (3) | 10 ft (3) | all |"


def test_the_console_shows_the_order_without_control_characters(results):
    board = boards({"one": results.contestants}, results.places)[0]
    lines = console.leaderboard([board]).splitlines()
    assert [each.split()[0] for each in lines[2:]] == ["good", "poor", "shy", "absent"]
    evil = Board("d\x1b[31m", REAL, (Entry("x\x07", {"status": "failed", "reason": "a\x1b[2Jb"}, {}),))
    assert console.leaderboard([evil]).replace("\n", "").isprintable()


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
        "nme_io": np.array([0.3, 0.1, np.inf, 0.2, np.nan, 0.1, 0.5]),
    }
    usable = np.ones(20, bool)
    assert gallery.choose(errors, "nme_io", usable, 3) == [15, 13, 12]
    assert gallery.choose(errors, "nme_io", usable, 99) == [15, 11, 13, 10, 16, 12]
    usable[15] = False
    assert gallery.choose(errors, "nme_io", usable, 99) == [11, 13, 10, 16, 12]
    assert gallery.choose(errors, "nme_io", np.zeros(20, bool), 3) == []


def test_the_gallery_refuses_an_unknown_reference(results, tmp_path):
    config = build.Config(gallery_reference="absent")
    with pytest.raises(DataError, match="absent"):
        build.build(
            {"one": results.contestants}, [], results.places, tmp_path, tmp_path, tmp_path / "l.md", config
        )


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_keep_their_order_and_distance(heights):
    placed = style.spread(heights, 5, 0, 100)
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


def line(text: str, name: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(f"| `{name}`"))
