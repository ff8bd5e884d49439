"""What a layout writes, its loader reads back; the bytes depend on nothing but the settings."""

import json

import numpy as np
import pytest

from fetch_machine import tree
from instances import predictions_at
from thermark import landmarks
from thermark.core import images, origin, visibility
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.core.geometry import bounding_box
from thermark.datasets import charlotte as read_charlotte
from thermark.datasets import facesynthetics
from thermark.datasets import tfake as read_tfake
from thermark.datasets import thermeval as read_thermeval
from thermark.datasets.checks.splits import Fractions
from thermark.metrics.evaluate import Config as Scoring
from thermark.metrics.evaluate import evaluate
from thermark.synth.render.scene import render_scene
from thermark.synth.writers import charlotte, tfake, thermeval

HALVES = Fractions(val=0.3, test=0.3, seed=1)
FACE = np.random.default_rng(0).uniform(0, 100, (70, 2))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfake") / "raw"
    tfake.write(root, tfake.Config(count=8, size=96), 1)
    return root


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    root = tmp_path_factory.mktemp("charlotte") / "raw"
    charlotte.write(root, charlotte.Config(count=60, width=64, height=48, focal=128.0, supersample=1), 1)
    return root


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp("thermeval") / "raw"
    thermeval.write(root, thermeval.Config(office=6, repeats=1, supersample=1), 1)
    return root


def test_tfake_is_read_back_without_a_finding(synthetic):
    rgb = facesynthetics.load(synthetic, facesynthetics.Config(raw="r", split=HALVES))
    config = read_tfake.Config(raw="r", split=HALVES)
    thermal = read_tfake.load(synthetic, config)
    assert (len(rgb.faces), len(thermal.faces)) == (8, 16)
    assert rgb.findings.summary()["found"] == thermal.findings.summary()["found"] == {}
    assert origin.origin(synthetic) == "rendered"
    picture = facesynthetics.read(synthetic / rgb.frames.paths[0], facesynthetics.Config(raw="r"))
    celsius = read_tfake.read(synthetic / thermal.frames.paths[0], config)
    assert picture.shape == (96, 96, 3) and celsius.shape == (96, 96)
    assert 28 < np.percentile(celsius, 99) <= 40


def test_points_lie_on_their_classes(synthetic):
    rgb = facesynthetics.load(synthetic, facesynthetics.Config(raw="r", split=HALVES))
    hits = []
    for name, xy in zip(rgb.faces.ids, rgb.faces.xy, strict=True):
        classes = images.single(synthetic / f"facesynthetics/{name}_seg.png", "uint8")
        assert classes.max() <= 18
        x, y = np.rint(xy[28]).astype(int)  # on the bridge of the nose
        hits.append(classes[y, x] in (1, 2, 16))
    assert np.mean(hits) >= 0.75


def test_warm_rooms_are_warmer(synthetic):
    config = read_tfake.Config(raw="r")
    for index in range(8):
        warm, cold = (
            read_tfake.read(synthetic / folder / f"{index:06d}_thermal.png", config) for folder in ("warm", "cold")
        )
        assert warm.mean() > cold.mean()


def test_sixteen_bits_hold_a_hundredth_of_a_degree():
    celsius = np.array([10, 20, 30.123, 40, 50], np.float32)
    back = tfake.stored(celsius).astype(np.float64) / 65535 * 20 + 20
    np.testing.assert_allclose(back, [20, 20, 30.123, 40, 40], atol=0.006)


@pytest.mark.parametrize("side", ["right", "left"])
def test_half_a_face_gives_back_its_points_exactly(side):
    points = charlotte.half(FACE, side)
    assert np.isfinite(points).all()
    back = landmarks.project(points, f"charlotte43_{side}", "ibug68", "A")
    known = ~np.isnan(back[:, 0])
    assert known.sum() == 39
    np.testing.assert_allclose(back[known], FACE[:68][known])


@pytest.mark.parametrize(("yaw", "side"), [(60.0, "right"), (-60.0, "left")])
def test_half_a_face_keeps_the_flags_of_its_points(yaw, side):
    """Read through the bridge, a point is hidden where it was hidden before."""
    flags = np.random.default_rng(3).random(70) < 0.5
    seen = charlotte.visible_points(flags, yaw)
    assert seen.shape == (43,)
    points = np.where(seen[:, None], charlotte.half(FACE, side), np.nan)
    back = ~np.isnan(landmarks.project(points, f"charlotte43_{side}", "ibug68", "A")[:, 0])
    known = ~np.isnan(landmarks.project(charlotte.half(FACE, side), f"charlotte43_{side}", "ibug68", "A")[:, 0])
    assert np.array_equal(back[known], flags[:68][known])
    frontal = charlotte.visible_points(flags, 10.0)
    assert frontal.shape == (73,) and np.array_equal(frontal[:68], flags[:68])


def test_hidden_points_reach_the_scores(tmp_path, monkeypatch):
    scenes = []

    def watched(*arguments):
        scenes.append(render_scene(*arguments))
        return scenes[-1]

    monkeypatch.setattr(tfake, "render_scene", watched)
    tfake.write(tmp_path / "raw", tfake.Config(count=8, size=96), 1)
    monkeypatch.undo()
    faces = read_tfake.load(tmp_path / "raw", read_tfake.Config(raw="r", split=HALVES)).faces
    for subject, visible in zip(faces.subjects, faces.visible, strict=True):
        assert np.array_equal(visible, scenes[int(subject)].visible[0])
    assert 0.5 < faces.visible.mean() < 1
    guess = predictions_at(faces, faces.xy + 1, "x", "facesynthetics70")
    config = Scoring(vocabulary="ibug68", split="all", bootstrap=0)
    points = evaluate(faces, guess, config, "tfake").subsets["points"]
    assert {"visible", "hidden"} <= points.keys()


def test_flags_of_charlotte_are_those_of_its_rows(people):
    flags = visibility.read(people)
    faces = read_charlotte.load(people, read_charlotte.Config(raw="r", resolution="median")).faces
    assert len(flags) == 60 and {len(mask) for mask in flags.values()} == {43, 73}
    for frame, visible, vocabulary in zip(faces.frames, faces.visible, faces.vocabularies, strict=True):
        mask = flags[str(frame)]
        assert len(mask) == (73 if vocabulary == "charlotte73" else 43)
        assert np.array_equal(visible[: len(mask)], mask) and not visible[len(mask) :].any()
    # A face turned away hides a part of its contour, a frontal one little.
    assert 0.3 < np.mean(np.concatenate(list(flags.values()))) < 1


@pytest.mark.parametrize("layout", [tfake, charlotte, thermeval])
def test_sizes_and_counts_are_positive(layout):
    allowed = {"seed", "unlabelled", "office", "warm", "cold"}
    for name in layout.Config.model_fields.keys() - allowed:
        for bad in (0, -1):
            with pytest.raises(ConfigError, match=f"render.x.{name}"):
                parse({name: bad}, layout.Config, "render.x")
    for name in layout.Config.model_fields.keys() & {"unlabelled", "office"}:
        with pytest.raises(ConfigError, match=f"render.x.{name}"):
            parse({name: -1}, layout.Config, "render.x")


def test_the_halves_of_a_mirrored_face_are_mirrored():
    flip = landmarks.load("ibug68").flip
    mirrored = FACE[:68][flip] * (-1, 1)
    np.testing.assert_allclose(charlotte.half(mirrored, "left"), charlotte.half(FACE, "right") * (-1, 1))
    np.testing.assert_allclose(charlotte.forehead(mirrored), charlotte.forehead(FACE)[::-1] * (-1, 1))


def test_charlotte_is_read_back_with_its_dirt(people):
    config = read_charlotte.Config(raw="r", resolution="median")
    loaded = read_charlotte.load(people, config)
    findings = loaded.findings.lists
    assert sorted(set(loaded.faces.subjects)) == sorted(f"S{n}" for n in range(1, 11))
    assert findings["blank_row"] == ["S6.csv, line 8"]
    assert len(findings["missing_annotation"]) == 20
    assert {text.split(":")[0] for text in findings["spreadsheet_error"]} == {"S2.csv", "S10.csv"}
    assert len(findings["duplicate_id"]) == 1 and findings["duplicate_id"][0].startswith("S2.csv")
    assert "missing_image" not in findings
    assert len(loaded.faces) == 61 - len(findings.get("odd_row", []))
    assert set(loaded.faces.strata["view"]) == {"Front", "Side"}
    path = people / loaded.frames.paths[0]
    assert images.single(path, "uint16").shape == (48, 64)
    assert 30 < np.percentile(read_charlotte.read(path, config), 99.5) < 40
    assert (path.parent / f"N{path.stem[1:]}.jpg").is_file()


def test_charlotte_points_are_where_the_face_is(people):
    config = read_charlotte.Config(raw="r", resolution="median")
    loaded = read_charlotte.load(people, config)
    paths = dict(zip(loaded.frames.ids, loaded.frames.paths, strict=True))
    warm = []
    for row in np.flatnonzero(loaded.faces.strata["view"] == "Front"):
        celsius = read_charlotte.read(people / paths[loaded.faces.frames[row]], config)
        x, y = np.rint(loaded.faces.xy[row, 27]).astype(int)
        if 0 <= x < 64 and 0 <= y < 48:
            warm.append(celsius[y, x] > 27)
    assert np.mean(warm) > 0.8


def test_names_meet_by_subject_condition_and_frame():
    shot = charlotte.CharlotteShot(10, 3 * 250 + 9 * 25 + 24)
    assert (shot.name, shot.room, shot.distance, shot.position) == ("104250", 3, 6.6, (60, 20))
    names = {charlotte.CharlotteShot(1, index).name for index in range(1000)}
    assert len(names) == 1000


def test_thermeval_is_read_back(scenes):
    config = read_thermeval.Config(raw="r")
    loaded = read_thermeval.load(scenes, config)
    assert loaded.findings.facts == {"frames_annotations_1": 6 + 18, "frames_annotations_2": 36}
    assert set(loaded.findings.lists) <= {"warning", "missing_annotation", "nose_without_forehead"} | {
        "nose_without_person"
    }
    assert not loaded.findings.lists.get("missing_annotation")
    assert not loaded.findings.lists.get("nose_without_person")
    assert set(loaded.faces.strata["distance"]) == {"office", "2ft", "6ft", "10ft"}
    assert set(loaded.faces.splits) == {"train", "val", "test"}
    paths = dict(zip(loaded.frames.ids, loaded.frames.paths, strict=True))
    near = np.flatnonzero(loaded.faces.strata["distance"] == "2ft")
    for row in near:
        celsius = read_thermeval.read(scenes / paths[loaded.faces.frames[row]], config)
        assert celsius.shape == (256, 192)
        x, y = np.rint(loaded.faces.xy[row, 0]).astype(int)
        assert celsius[y, x] > 25
    widths = loaded.faces.boxes[:, 2] - loaded.faces.boxes[:, 0]
    medians = [np.median(widths[loaded.faces.strata["distance"] == d]) for d in ("2ft", "6ft", "10ft")]
    assert medians == sorted(medians, reverse=True)


def test_thermeval_keeps_the_published_oddities(scenes):
    first, second = (json.loads((scenes / f"Annotations/annotations_{part}.json").read_text()) for part in (1, 2))
    assert all(e["file_name"] == f"Thermal_{e['id']}.png" for e in first["images"])
    assert [e["id"] for e in second["images"]] == list(range(1, 37))
    numbers = [int(e["file_name"].removesuffix(".jpg").removeprefix("Thermal_")) for e in second["images"]]
    assert numbers != sorted(numbers) and min(numbers) == 511
    assert {e["name"]: e["id"] for e in first["categories"]} == {
        "Person": 0,
        "Chest": 1,
        "Forehead": 2,
        "Nose": 3,
    }
    for entry in first["annotations"]:
        for polygon in entry["segmentation"]:
            box = bounding_box(np.reshape(polygon, (-1, 2)).astype(float))
            x, y, width, height = entry["bbox"]
            assert box[0] >= x and box[1] >= y and box[2] <= x + width - 1 and box[3] <= y + height - 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "config"),
    [
        (tfake, tfake.Config(count=6, size=64)),
        (charlotte, charlotte.Config(count=10, unlabelled=1, width=64, height=48, focal=128.0)),
        (thermeval, thermeval.Config(office=4, repeats=1, supersample=1)),
    ],
    ids=["tfake", "charlotte", "thermeval"],
)
def test_bytes_do_not_depend_on_workers(layout, config, tmp_path):
    layout.write(tmp_path / "one", config, 1)
    layout.write(tmp_path / "two", config, 2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_more_frames_than_combinations_are_refused():
    with pytest.raises(ConfigError, match="1002 frames a subject"):
        parse({"count": 10_000}, charlotte.Config, "render.charlotte")
