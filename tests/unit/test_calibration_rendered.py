"""`calibrate` and `predict` on rendered frames of ThermEval-D, with the annotations as they are published."""

import csv
import json
import math
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import trained_head
from thermark import cli
from thermark.calibrate import labelled
from thermark.core import files
from thermark.fewshot import cutting
from thermark.synth.writers import thermeval

SIDE, SHIFT = 64, 14.0


def shifted_head(root: Path, scenes: Path) -> None:
    """Write root/tiny and root/head: it learned from the office that the nose is 14 px of a crop further right."""
    under = trained_head.below(root)
    labels = labelled.read(scenes / "Annotations" / "annotations_1.json", ("nose",))
    cut = partial(cutting.cut, kind="posts", side=SIDE, padding=1.0)
    data = labelled.build(labels, scenes / "images", None, cut)
    rows = np.arange(len(data))
    xy = data.crop_xy + np.array([SHIFT, 0])
    card = {"geometry": "posts", "decode": "argmax", "trained_on": ["thermeval"]}
    trained_head.write_head(root, under, data.pixels, xy, rows[2:], rows[:2], SIDE, **card)


def exit_code(monkeypatch, *words: object) -> int:
    """Run the command line as a shell would and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["thermark", *map(str, words)])
    try:
        cli.main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def numbers(content) -> list[float]:
    """Return all numbers of plain data."""
    if isinstance(content, dict | list):
        inner = content.values() if isinstance(content, dict) else content
        return [number for each in inner for number in numbers(each)]
    return [content] if isinstance(content, int | float) else []


@pytest.mark.slow
def test_rendered_frames_go_from_their_annotations_to_predictions(tmp_path, monkeypatch, capsys):
    """The second annotations call PNGs .jpg and number frames in another order; the head is 14 px off."""
    scenes = tmp_path / "scenes"
    config = thermeval.Config(office=16, repeats=1, width=96, height=128, focal=120, supersample=1)
    thermeval.write(scenes, config, 1)
    shifted_head(tmp_path, scenes)
    annotations, out = scenes / "Annotations" / "annotations_2.json", tmp_path / "camera"
    given = ("--images", scenes / "images", "--labels", annotations, "--weights", tmp_path / "tiny")
    options = ("--epochs", "40", "--lr", "0.003", "--folds", "3")
    assert exit_code(monkeypatch, "calibrate", *given, "--head", tmp_path / "head", "--out", out, *options) == 0
    output = capsys.readouterr()
    assert "The head as given has learned from thermeval. If" in output.out and "Calibration helps" in output.out
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert [name for name in written if not name.startswith("backbone/")] == [
        "calibration.json",
        "seed0/head.json",
        "seed0/model.safetensors",
    ]
    about = files.read_json(out / "calibration.json")
    content = json.loads(annotations.read_text())
    noses = sum(entry["category_id"] == 3 for entry in content["annotations"])
    assert about["labels"] == noses > 15 and len(about["learned"]["pictures"]) == about["pictures"] > 15
    assert np.isfinite(numbers(about)).all() and len(numbers(about)) > 30
    for name in ("mean", "median"):
        assert about["after"][name]["value"] < about["before"][name]["value"]

    again = ("calibrate", *given, "--head", out, "--out", tmp_path / "again", *options)
    assert exit_code(monkeypatch, *again) == 3 and not (tmp_path / "again").exists()
    assert f"learned from {about['pictures']} of these" in capsys.readouterr().err

    table = tmp_path / "p.csv"
    words = ("predict", "--predictor", out, "--images", scenes / "images", "--boxes", annotations, "--out", table)
    assert exit_code(monkeypatch, *words) == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    people = sum(entry["category_id"] == 0 for entry in content["annotations"])
    assert len(rows) == people and all(row["image"].endswith(".png") for row in rows)
    assert all(math.isfinite(float(row["nose_x"])) for row in rows)
