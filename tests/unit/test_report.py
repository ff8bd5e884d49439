"""The report on small fake results: honest ranking, safe text, stable bytes, nothing stale."""

import re
from dataclasses import dataclass, replace
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
from thermark.inference import PROMPTED
from thermark.metrics.evaluate import Config as Scoring
from thermark.metrics.evaluate import evaluate
from thermark.metrics.names import MOVED
from thermark.metrics.outputs import Outputs, write
from thermark.report import (
    build,
    console,
    contact,
    gallery,
    inputs,
    legend,
    lines,
    markdown,
    numbers,
    profile,
    standing,
    style,
    tables,
    training,
)
from thermark.report.inputs import Board, Entry, Places, boards, comparable, ranked

COUNT, SIZE = 9, 24
REAL = {"origin": "real", "card": {}}


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


def answer(faces: Faces, noise: float, misses: int, vocabulary: str, seed: int = 1) -> Predictions:
    xy = faces.xy + np.random.default_rng(seed).normal(0, noise, faces.xy.shape).astype(np.float32)
    xy[:misses] = np.nan
    score = np.ones(xy.shape[:2], np.float32)
    unknown = np.full(COUNT, np.nan, np.float32)
    rows = np.arange(COUNT)
    return Predictions("c", vocabulary, "prompt", "d", faces.frames, rows, xy, score, faces.boxes, unknown)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    root = tmp_path_factory.mktemp("results")
    kinds = ("reports", "details", "ced", "training", "faces", "predictions", "errors")
    places = Places(*(root / kind for kind in kinds))
    said = {"good": (0.5, 0), "poor": (5.0, 0), "shy": (0.1, 4), "stale": (0.0, 0), "absent": None}
    for dataset, vocabulary, points in (("one", "ibug68", 68), ("nose", "nose1", 1)):
        faces = labelled(places.faces / dataset, vocabulary, points)
        card = {"title": "Set | <one>", "licence": "CC0"}
        files.write_json(
            places.reports / f"{dataset}.json",
            {"origin": "rendered" if dataset == "one" else "real", "card": card},
        )
        scoring = Scoring(vocabulary=vocabulary, bootstrap=20)
        for name, how in said.items():
            given_up = Predictions.none(name, "d", "skipped", "no `weights` | <script>\n# x")
            prediction = answer(faces, *how, vocabulary) if how else given_up
            prediction.save(places.predictions / name / f"{dataset}.npz")
            folders = Outputs(*(folder / name for folder in (root, places.details, places.ced, places.errors)))
            write(evaluate(faces, prediction, scoring, dataset), ["0" * 64], dataset, folders)
        seeds = [answer(faces, 0.3 + 0.4 * seed, 0, vocabulary, seed) for seed in range(3)]
        for seed, prediction in enumerate(seeds):
            prediction.save(places.predictions / "ktl_s" / f"seed{seed}" / f"{dataset}.npz")
        folders = Outputs(*(folder / "ktl_s" for folder in (root, places.details, places.ced, places.errors)))
        write(evaluate(faces, seeds, scoring, dataset), ["0" * 64] * 3, dataset, folders)
    history = "epoch,lr,kp,fm,grad_norm,val_nme\n1,0.1,2,0.5,9,0.2\n2,0.1,1,0.5,8,nan\n3,0.1,1,0,7,0.1\n"
    first, *rows = history.splitlines()
    for run, count in (("good", 1), ("stale", 1), ("ktl_s", 3)):
        each = [f"{seed},{row}" for seed in range(count) for row in rows[: 3 - (seed == 1)]]
        files.write_text(places.training / f"{run}.csv", "\n".join([f"seed,{first}", *each, ""]))
    return Results(places, ["poor", "shy", "good", "absent", "ktl_s"])


KINDS = {"good": "supervised", "ktl_s": "ktl"}
TRAINED = {"good": "good", "ktl_s": "ktl_s"}


def made(results: Results, out: Path, **options) -> list[Board]:
    datasets = {"one": results.contestants, "nose": results.contestants}
    config = build.Config(gallery_faces=3, **options)
    return build.build(datasets, KINDS, TRAINED, results.places, out, out, out / "leaderboard.md", config)


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
    assert list(ced) == ["dataset", "metric", "contestant", "error", "fraction"]
    told = dict(zip(ced["dataset"], ced["metric"], strict=True))
    assert told == {"one": "error / distance of the outer eye corners", "nose": "error in source px"}
    assert set(ced["contestant"]) == {"good", "poor", "shy", "ktl_s"}
    assert (ced.groupby(["dataset", "contestant"]).size() == 101).all()
    history = pd.read_csv(report / "training.csv")
    assert list(history) == ["run", "seed", "epoch", "loss", "lr", "kp", "fm", "grad_norm", "val_nme"]
    good = history[history["run"] == "good"]
    assert list(good["loss"]) == [2.5, 1.5, 1.0]
    assert good["val_nme"].isna().sum() == 1
    several = history[history["run"] == "ktl_s"]
    assert list(several["seed"]) == [0, 0, 0, 1, 1, 2, 2, 2] and list(several["epoch"]) == [1, 2, 3, 1, 2, 1, 2, 3]


def test_a_named_result_that_is_missing_is_an_error_with_a_remedy(results, tmp_path):
    with pytest.raises(DataError, match=r"nobody/one\.json is missing") as caught:
        boards({"one": ["good", "nobody"]}, results.places)
    assert caught.value.remedy == "run `dvc repro`, which writes it"
    with pytest.raises(DataError, match=r"poor\.csv is missing"):
        build.build(
            {"one": ["poor"]},
            {},
            {"poor": "poor"},
            results.places,
            tmp_path,
            tmp_path,
            tmp_path / "l",
            build.Config(),
        )


def test_missing_faces_never_wins(results):
    board = boards({"one": results.contestants}, results.places)[0]
    shy = next(entry for entry in board.entries if entry.contestant == "shy")
    good = next(entry for entry in board.entries if entry.contestant == "good")
    assert shy.summary["nme_io"] < good.summary["nme_io"]
    assert [entry.contestant for entry in ranked(board)] == ["good", "ktl_s", "poor", "shy", "absent"]
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


def test_who_found_the_faces_is_told_where_contestants_differ():
    summary = {"status": "ok", "metric": "error_px_mean", "missed": 0, "faces": 9, "points": 1}
    told = Entry("told", summary | {"error_px_mean": 1.0, "boxes": "prompt"}, {})
    numbers_found = {"error_px_mean": 3.0, "missed": 4, "recall": 5 / 9, "precision": 0.625, "predictions": 8}
    alone = Entry("alone", summary | numbers_found | {"boxes": "a|b", "failed_frames": 2}, {})
    absent = Entry("absent", {"status": "skipped", "reason": "x"}, {})
    text = tables.section(Board("d", REAL, (absent, alone, told)))
    header = next(each for each in text.splitlines() if each.startswith("| contestant"))
    assert (
        header
        == "| contestant | error, px ↓ | 95 % | recall, % ↑ | precision, % ↑ | missed ↓ | interval over | boxes |"
    )
    assert line(text, "told") == "| `told` | **1.00** | n/a | – | – | 0 of 9 | – | `prompt` |"
    assert line(text, "alone") == r"| `alone` † | 3.00 | n/a | **55.56** | 62.50 | 4 of 9 | – | a\|b |"
    assert len(re.findall(r"(?<!\\)\|", line(text, "absent"))) == 9
    assert "of a face that nobody labelled" in text and "raised an error, which are misses: `alone` (2)." in text
    for entry in (told, Entry("old", summary | {"error_px_mean": 2.0}, {})):  # nothing to be told apart
        text = tables.section(Board("d", REAL, (entry, absent)))
        assert not {"boxes", "precision", "recall"} & set(re.findall(r"\w+", text)) and "raised" not in text


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
    build.build({"one": ["absent"]}, {}, {}, results.places, tmp_path, tmp_path, tmp_path / "l.md", build.Config())
    assert "skipped" in line((tmp_path / "l.md").read_text(), "absent")
    assert (tmp_path / "ced.csv").read_text() == "dataset,metric,contestant,error,fraction\n"
    assert (tmp_path / "gallery_one.png").stat().st_size > 0


def test_rendered_data_are_called_rendered(results, report):
    one, nose, _ = (report / "leaderboard.md").read_text().split("## ")[1:]
    assert "no evidence about real thermal cameras" in " ".join(one.replace("\n> ", " ").split())
    assert "Rendered" not in nose
    assert "CC0" in nose and "CC0" not in one  # terms of the real set are not those of a rendering
    text = console.leaderboard(boards({"one": results.contestants}, results.places))
    assert text.startswith("one (rendered data: no evidence about real cameras)\n")


def test_machine_labels_are_called_so_at_every_heading(results):
    told = {"origin": "real", "boxes": "face", "card": {"title": "Car", "labels": "machine"}}
    board = replace(boards({"one": results.contestants}, results.places)[0], report=told)
    assert board.title == "Car, machine labels"
    part = tables.section(board)
    assert part.startswith("## Car, machine labels") and legend.MACHINE in part
    assert "prompts are boxes of faces as publishers draw them" in part
    assert "Car, machine labels: NME" in tables.overview([board])[0] and legend.MACHINE in tables.overview([board])
    assert "(machine labels: distances from another network)" in console.leaderboard([board])
    # What is rendered in the layout of such a set has labels that are exact.
    drawn = replace(board, report=told | {"origin": "rendered"})
    assert drawn.title == "Car, rendered" and legend.MACHINE not in tables.section(drawn)


def test_subsets_are_in_natural_order_beside_the_whole(results):
    board = boards({"nose": ["good"]}, results.places)[0]
    text = tables.subset_table(board, list(board.entries), ["distance"])
    assert text.splitlines()[0] == "| error, px ↓ | 2 ft (3) | 6 ft (3) | 10 ft (3) | all |"


def test_moved_boxes_have_a_table_with_misses_of_those_who_were_told_any():
    summary = {
        "status": "ok",
        "metric": "error_px_mean",
        "missed": 0,
        "faces": 9,
        "points": 1,
        "error_px_mean": 1.0,
    }
    moved = {
        MOVED: {"shift20": {"error_px_mean": 4.0, "missed": 2}, "shift10": {"error_px_mean": 2.0, "missed": 0}}
    }
    board = Board("d", REAL, (Entry("told", summary, moved), Entry("finds", summary, {})))
    text = tables.section(board).split("not quite right")[1]
    assert "| error, px ↓ | as they are | shift 10 % | shift 20 % |" in text and "finds" not in text
    assert line(text, "told").split("|")[2:5] == [" 1.00 ", " 2.00 ", " 4.00 (2 missed) "]
    assert "not quite right" not in tables.section(replace(board, entries=board.entries[1:]))


def test_the_console_shows_the_order_without_control_characters(results):
    board = boards({"one": results.contestants}, results.places)[0]
    lines = console.leaderboard([board]).splitlines()
    assert [each.split()[0] for each in lines[2:]] == ["good", "ktl_s", "poor", "shy", "absent"]
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
        "main": np.array([0.3, 0.1, np.inf, 0.2, np.nan, 0.1, 0.5]),
    }
    usable = np.ones(20, bool)
    assert gallery.choose(errors, usable, 3) == [15, 13, 12]
    assert gallery.choose(errors, usable, 99) == [15, 11, 13, 10, 16, 12]
    usable[15] = False
    assert gallery.choose(errors, usable, 99) == [11, 13, 10, 16, 12]
    assert gallery.choose(errors, np.zeros(20, bool), 3) == []


def test_the_gallery_refuses_an_unknown_reference_and_copes_with_one_that_could_not_run(results, tmp_path):
    with pytest.raises(ConfigError, match=r"report\.gallery_reference names the unknown contestant 'god'"):
        made(results, tmp_path / "a", gallery_reference="god")
    # What a run came to stops no report: the best takes its place.
    made(results, tmp_path / "b", gallery_reference="absent")
    made(results, tmp_path / "c")
    first, second = (tmp_path / name / "gallery_one.png" for name in "bc")
    assert first.read_bytes() == second.read_bytes()


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


def test_a_run_of_several_seeds_shows_its_spread(results, report):
    board = boards({"one": results.contestants}, results.places)[0]
    entry = next(each for each in board.entries if each.contestant == "ktl_s")
    mean, std = (numbers.shown("nme_io", entry.summary[f"nme_io{end}"]) for end in ("", "_seed_std"))
    text = tables.main_table(board)
    assert re.search(rf"\| (<ins>)?{mean}(</ins>)? ± {std} \|", line(text, "ktl_s"))
    assert f"{mean} ± {std}" in console.leaderboard([board])
    overview = (report / "leaderboard.md").read_text().split("##")[0]
    assert f"± {std} (" in line(overview, "ktl_s") and "±" not in line(overview, "good")
    assert "± is the standard deviation" in overview


def test_every_row_says_what_its_interval_covers():
    own = {"status": "ok", "metric": "error_px_mean", "missed": 0, "faces": 9, "points": 1, "error_px_mean": 2.0}
    own |= {"error_px_mean_low": 1.0, "error_px_mean_high": 3.0}
    told = {
        "many": own | {"seeds": 3, "interval": "subjects and seeds"},
        "once": own | {"seeds": 1, "interval": "subjects"},
        "pair": own | {"seeds": 2, "interval": "subjects"},
        "free": own | {"interval": "subjects"},
        "bare": {name: value for name, value in own.items() if "_px_mean_" not in name},
        "absent": {"status": "skipped", "reason": "x"},
    }
    said = {"many": "subjects and 3 seeds", "once": "subjects only, 1 seed", "pair": "subjects only, 2 seeds"}
    said |= {"free": "subjects only", "bare": "", "absent": ""}
    entries = tuple(Entry(name, each, {}) for name, each in told.items())
    board = Board("d", REAL, entries)
    assert {entry.contestant: tables.covered(entry) for entry in entries} == said
    text, overview = tables.main_table(board), tables.overview([board])[0]
    assert text.splitlines()[0].endswith("| missed ↓ | interval over |")
    assert overview.splitlines()[0].endswith("| interval over |")
    shown = console.leaderboard([board])
    for name, each in said.items():
        assert line(text, name).endswith(f"| {each or '–'} |") or name == "absent"
        assert line(overview, name).endswith(f"| {each or '–'} |")
        if name != "absent":
            row = next(one for one in shown.splitlines() if one.split()[:1] == [name])
            assert row.endswith(each or "0/9")
    other = Board("e", REAL, (Entry("many", told["once"], {}),))
    both = tables.overview([Board("d", REAL, entries[:1]), other])[0]
    assert line(both, "many").endswith("| subjects and 3 seeds; subjects only, 1 seed |")


def test_without_seeds_nothing_is_said_of_their_spread(results, tmp_path):
    build.build({"one": ["good"]}, {}, {}, results.places, tmp_path, tmp_path, tmp_path / "l.md", build.Config())
    assert "±" not in (tmp_path / "l.md").read_text()


def test_a_profile_says_of_what_kind_its_contestants_are():
    contestants = {
        "mean_shape": {"family": "mean_shape"},
        "ktl_s": {"family": "learned", "run": "ktl_s"},
        "own_name": {"family": "learned", "run": "mcl_st"},
        "teacher": {"family": "learned", "run": "imported_m"},
        "nose": {"family": "cascade", "run": "student_t"},
    }
    runs = {"ktl_s": {"recipe": "ktl"}, "mcl_st": {"recipe": "mcl"}, "student_t": {"recipe": "adapted"}}
    assert profile.trained(contestants, runs) == {"ktl_s": "ktl_s", "own_name": "mcl_st"}
    assert profile.networks(contestants)["teacher"] == "imported_m"
    assert profile.kinds(contestants, runs) == {
        "mean_shape": "mean_shape",
        "ktl_s": "ktl",
        "own_name": "mcl",
        "teacher": "learned",
        "nose": "cascade",
    }
    assert [name for name, whole in profile.whole_frames(contestants).items() if whole] == ["nose"]
    with pytest.raises(ConfigError, match=r"contestants\.a has no family"):
        profile.whole_frames({"a": {}})
    assert set(profile.TOLD) == set(PROMPTED)  # who predicts says the same
    for wrong in (["ktl_s"], {"ktl_s": "learned"}):
        with pytest.raises(ConfigError, match="`contestants` does not map names to sections"):
            profile.sections(wrong, "contestants")
    assert profile.sections(None, "runs") == {}


def scored(**values: float | None) -> Board:
    """Return a board of contestants with these errors; None could not run."""
    summary = {"status": "ok", "metric": "error_px_mean", "missed": 0, "faces": 9, "points": 1}
    entries = [
        Entry(name, {"status": "skipped"} if value is None else summary | {"error_px_mean": value}, {})
        for name, value in values.items()
    ]
    return Board("d", REAL, tuple(entries))


def test_standing_is_the_mean_place_and_absence_is_the_last_one():
    first, second = scored(a=1.0, b=2.0, c=3.0), scored(a=9.0, b=1.0, c=2.0)
    assert standing.standing([first, second]) == ["b", "a", "c"]
    assert standing.standing([first, scored(a=1.0, b=None, c=2.0)]) == ["a", "c", "b"]
    assert standing.standing([scored(a=1.0, b=1.0)]) == ["a", "b"]


def test_the_best_of_each_recipe_come_before_the_best():
    order = [*(f"ktl_{size}" for size in "abcdefghi"), "kd_a", "mean_shape", "mcl_a", "kd_b"]
    recipes = {name: name.split("_")[0] for name in order if name != "mean_shape"}
    shown = standing.highlighted(order, recipes, [])
    assert shown == ["ktl_a", "ktl_b", "ktl_c", "ktl_d", "ktl_e", "kd_a", "mean_shape", "mcl_a"]
    assert standing.highlighted(order[-4:], recipes, []) == ["kd_a", "mean_shape", "mcl_a", "kd_b"]
    assert standing.highlighted(order, recipes, ["kd_b", "ktl_i"]) == ["ktl_i", "mean_shape", "kd_b"]
    assert standing.pictured(order, recipes, [], "") == ["ktl_a", "kd_a", "mean_shape", "mcl_a"]
    assert standing.pictured(order, recipes, ["kd_b"], "ktl_b") == ["kd_b", "ktl_b"]
    several = {name: name for name in order}
    assert standing.pictured(order, several, [], "kd_b") == ["ktl_a", "ktl_b", "ktl_c", "ktl_d", "kd_b"]
    for choose in (standing.highlighted, lambda *given: standing.pictured(*given, "")):
        with pytest.raises(ConfigError, match="'ktl_x'") as caught:
            choose(order, recipes, ["ktl_x"])
        assert "did you mean `ktl_" in caught.value.remedy


def test_the_highlighted_have_colours_of_their_own_and_the_rest_are_grey():
    names = ["mean_shape", *(f"n{index}" for index in range(30))]
    highlighted = ["n29", "mean_shape", *(f"n{index}" for index in range(0, 28, 4))]
    drawn = style.styles(names, highlighted, "mean_shape")
    own = {name: drawn[name].colour for name in highlighted}
    assert len(set(own.values())) == len(own) and style.REST not in own.values()
    assert drawn["mean_shape"].dashes != "-" and drawn["mean_shape"].named
    rest = [each for name, each in drawn.items() if name not in highlighted]
    assert {each.colour for each in rest} == {style.REST} and not any(each.named for each in rest)


def test_too_many_names_are_config_errors():
    for key, count in (("curves", 8), ("gallery_contestants", 6)):
        with pytest.raises(ConfigError, match=rf"report\.{key}"):
            parse({key: [f"n{index}" for index in range(count)]}, build.Config, "report")


def test_figures_show_whom_the_settings_name(results, tmp_path):
    made(results, tmp_path, curves=("poor",), gallery_contestants=("shy",), gallery_reference="ktl_s")
    text = (tmp_path / "ced_one.svg").read_text()
    assert "<!-- poor -->" in text and "<!-- 3 more -->" in text and "<!-- ktl_s -->" not in text
    assert "<!-- 2 more -->" in (tmp_path / "training.svg").read_text()
    # DVC's page has a curve for each name in its legend, and no more.
    assert set(pd.read_csv(tmp_path / "ced.csv")["contestant"]) == {"poor"}
    assert set(pd.read_csv(tmp_path / "training.csv")["run"]) == set()
    tall = [cv2.imread(str(tmp_path / f"gallery_{name}.png")).shape[0] for name in ("one", "nose")]
    made(results, tmp_path / "again", gallery_contestants=("shy",))
    assert cv2.imread(str(tmp_path / "again" / "gallery_one.png")).shape[0] < tall[0] == tall[1]


def test_terms_of_distillation_have_panels_where_a_run_has_them(results, report, tmp_path):
    text = (report / "training.svg").read_text()
    assert "<!-- labels, kp -->" in text and "<!-- features, fm -->" in text and "injection" not in text
    files.write_text(tmp_path / "t" / "good.csv", "seed,epoch,lr,simcc,grad_norm,val_nme\n0,1,0.1,2,9,0.2\n")
    places = Places(**vars(results.places) | {"training": tmp_path / "t"})
    build.build(
        {"one": ["good"]}, {}, {"good": "good"}, places, tmp_path, tmp_path, tmp_path / "l", build.Config()
    )
    assert "labels, kp" not in (tmp_path / "training.svg").read_text()


def test_a_mean_over_seeds_ends_where_the_first_seed_stopped():
    table = pd.DataFrame({"seed": [0, 0, 0, 1, 1], "epoch": [1, 2, 3, 1, 2], "kp": [4.0, 2.0, 9.0, 2.0, 0.0]})
    by_seed = training._by_seed(table, "kp")
    assert by_seed.loc[1].tolist() == [4.0, 2.0] and np.isnan(by_seed.loc[2, 1])  # 0 has no place on a log axis
    with style.figure(2, 2) as drawn:
        axes = drawn.add_subplot()
        assert training._draw({"a": by_seed}, axes, style.styles(["a"], ["a"], "")) == {"a": (1.0, 3.0)}
        assert sorted(len(each.get_xdata()) for each in axes.lines) == [1, 1, 3]


def test_the_first_seed_is_drawn_with_its_own_errors(results, tmp_path):
    """Of a face the errors told are those of the points drawn, not their mean over seeds."""
    board = boards({"one": ["ktl_s"]}, results.places)[0]
    errors = gallery._errors("ktl_s", board, results.places)
    said = Predictions.open(gallery._first(results.places.predictions / "ktl_s", "one"))
    alone = evaluate(Faces.open(results.places.faces / "one/faces.npz"), said, Scoring(bootstrap=0), "one").errors
    np.testing.assert_allclose(errors["main"], alone["nme_io"])
    assert not np.allclose(errors["main"], errors["nme_io"])


def test_the_terminal_shows_the_best_and_says_how_many_more():
    board = scored(**{f"n{index:02}": float(index) for index in range(20)})
    text = console.leaderboard([board]).splitlines()
    assert (
        text[2].split()[0] == "n00"
        and text[-2].split()[0] == "n14"
        and text[-1] == "  and 5 more in the leaderboard"
    )


def line(text: str, name: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(f"| `{name}`"))


def test_who_could_run_nowhere_is_told_of_once_with_the_reason(results, tmp_path):
    both = made(results, tmp_path)
    assert set(inputs.idle(both)) == {"absent"}
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.count("`absent`") == 1 and "## Not run here (1)" in text
    # What a README shows, all before the first part, has their number and not their reasons.
    assert "4 of 5 contestants" in text.split("\n## ")[0] and "skipped" not in text.split("\n## ")[0]
    # One board alone has no place elsewhere to tell of it; where nobody has numbers, every board says so.
    assert inputs.idle(both[:1]) == {}
    assert inputs.idle([inputs.without({"good", "poor", "shy", "ktl_s"}, board) for board in both]) == {}
    assert "1 more could not run here" in console.leaderboard(both)
