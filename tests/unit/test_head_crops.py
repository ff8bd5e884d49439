"""Crops for heads: where their pixels are, who is in which part, and what is refused."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_datasets_thermeval import root  # noqa: F401 - a tree in the real layout
from test_framing import prepare

import head_scene as scene
import zeroshot_scene as bake
from command_line import run_stage
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces, open_table
from thermark.datasets import thermeval
from thermark.fewshot import crops, cutting, posts

# Around a nose at (90.3, 61.7): inside, cut on the right, moved from the left, cut below, taller than the frame.
PERSONS = ([70, 40, 110, 90], [85, 30, 185, 90], [1, 45, 95, 75], [60, 55, 120, 250], [50, -8, 130, 270])
NOSE = (90.3, 61.7)


def faces(points: dict[str, list[tuple[float, float]]], **columns) -> Faces:
    return replace(bake.nose_faces(points), **{name: np.array(each) for name, each in columns.items()})


def labelled(box=PERSONS[0], colour=False, kind="square"):
    """Return three faces, one a part, and their frames; part 2 trains on 40 before it validates."""
    first = 41 if kind == "posts" else 2
    labels = {f"1/{n}": [NOSE] for n in range(first)} | {"2/c": [NOSE]}
    images = dict.fromkeys(labels, scene.blob(NOSE, colour=colour))
    boxes = np.array([box] * len(labels), np.float32)
    splits = ["train"] * (first - 1) + ["val", "test"]
    return faces(labels, boxes=boxes, prompts=boxes, splits=splits), images


@pytest.mark.parametrize("side", [64, 256])
@pytest.mark.parametrize("box", PERSONS)
@pytest.mark.parametrize("kind", ["posts", "square"])
def test_the_brightest_place_is_the_label(monkeypatch, tmp_path, kind, box, side):
    table, images = labelled(box, kind=kind)
    made = scene.cut(monkeypatch, tmp_path, table, images, geometry=kind, side=side)
    assert len(made) == len(table)
    for row in (0, len(made) - 1):
        step = np.diag(made.to_frame[row, :, :2])
        peak = scene.brightest(made.pixels[row])
        if step.max() < 2:  # else pixels are skipped: that is how the posts reduce
            np.testing.assert_allclose(made.to_frame[row] @ [*peak, 1], NOSE, atol=0.05)
            np.testing.assert_allclose(made.xy[row, 0], peak, atol=0.05 / step.min())
        assert np.abs(made.to_frame[row] @ [*peak, 1] - NOSE).max() < 0.4
        np.testing.assert_allclose(made.to_frame[row] @ [*made.xy[row, 0], 1], NOSE, atol=1e-5)


def test_maps_by_hand():
    """Corners of a crop's outline: in the frame they are those of its pixels, counted from their centres."""
    image = np.zeros((256, 192), np.uint8)
    person = np.array([50, 40, 120, 230]) - 0.5
    for side in (256, 64):
        _, stretched = cutting.cut(image, person, "posts", side, 1.25)
        _, square = cutting.cut(image, np.array([10, 20, 30, 50]), "square", side, 1.5)
        near, far = np.array([-0.5, -0.5, 1]), np.array([side - 0.5, side - 0.5, 1])
        # Part 2 takes columns 0 to 191 and rows 16 to 252.
        np.testing.assert_allclose([stretched @ near, stretched @ far], [[-0.5, 15.5], [191.5, 252.5]])
        # 45 px around (20, 35).
        np.testing.assert_allclose([square @ near, square @ far], [[-2.5, 12.5], [42.5, 57.5]])
        # One that would begin left of the frame keeps its 100 px.
        _, moved = cutting.cut(image, np.array([0, 100, 80, 140]) - 0.5, "posts", side, 1.25)
        np.testing.assert_allclose([moved @ near, moved @ far], [[-0.5, 69.5], [99.5, 169.5]])
        assert stretched[0, 1] == stretched[1, 0] == square[0, 1] == square[1, 0] == 0


@pytest.mark.parametrize("colour", [(), (3,)])
def test_pixels_of_part_2_by_hand(colour):
    """Two nearest pixels each way, and none from beyond the crop: at its border, that border goes on."""
    image = np.random.default_rng(0).integers(0, 256, (256, 192, *colour), np.uint8)
    pixels, _ = cutting.cut(image, np.array([150, 100, 190, 140]) - 0.5, "posts", 256, 1.25)
    crop = image[95:145, 145:192].astype(float)
    y, x = ((np.arange(256) + 0.5) * length / 256 - 0.5 for length in crop.shape[:2])
    y, x = y.clip(0, crop.shape[0] - 1), x.clip(0, crop.shape[1] - 1)
    top, left = (np.minimum(at.astype(int), end - 2) for at, end in ((y, crop.shape[0]), (x, crop.shape[1])))
    down, right = (y - top).reshape(-1, 1, *[1] * len(colour)), (x - left).reshape(1, -1, *[1] * len(colour))
    above, below = ((1 - right) * crop[at][:, left] + right * crop[at][:, left + 1] for at in (top, top + 1))
    assert np.abs(pixels - ((1 - down) * above + down * below)).max() <= 1.01
    assert pixels.shape == (256, 256, *colour) and pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["posts", "square"])
def test_a_box_without_any_of_the_frame_has_no_crop(kind):
    image = np.full((40, 30), 9, np.uint8)
    none = [[np.nan] * 4, [0, 0, np.nan, 9], [7, 7, 7, 7], [9, 9, 5, 5], [0, 0, np.inf, 5]]
    beyond = [[40, 5, 60, 25], [5, 50, 25, 70], [-30, 5, -10, 25], [5, -40, 25, -10]]
    for box in none + beyond:
        assert cutting.cut(image, np.array(box, np.float32), kind, 16, 1.25) is None, box
    for box in ([-30, 5, -2, 25], [5, 5, 5, 25], [31, 5, 60, 25], [-99, -99, 99, 99]):
        pixels, _ = cutting.cut(image, np.array(box, np.float32), kind, 16, 1.25)
        assert pixels.any(), box


def test_colour_stays(monkeypatch, tmp_path):
    table, images = labelled(colour=True)
    made = scene.cut(monkeypatch, tmp_path, table, images, geometry="square")
    assert made.pixels.shape == (3, 256, 256, 3) and isinstance(made.pixels, np.memmap)


def test_labels_outside_of_a_crop_are_none(monkeypatch, tmp_path):
    """A crop of 20 px from (0, 10) to (20, 30), counted from the outline: its last pixel is its last."""
    points = [(-0.5, 9.5), (19.49, 29.49), (-0.51, 12), (19.5, 12), (4, 29.5), (4, 9.49)]
    labels = {f"{1 + row // 4}/{row}": [point] for row, point in enumerate(points)}
    box = np.array([[-0.5, 9.5, 19.5, 29.5]] * 6, np.float32)
    table = faces(labels, prompts=box, splits=["train", "train", "train", "val", "test", "test"])
    images = {name: np.zeros((64, 64), np.uint8) for name in labels}
    made = scene.cut(monkeypatch, tmp_path, table, images, geometry="square", padding=1.0, side=40)
    assert np.isfinite(made.xy).all(axis=(1, 2)).tolist() == [True, True, False, False, False, False]
    # Two pixels of the crop are one of the frame.
    np.testing.assert_allclose(made.xy[:2, 0], [[-0.5, -0.5], [39.48, 39.48]], atol=1e-4)


def test_labels_are_translated(monkeypatch, tmp_path):
    """Other rows may have more points: columns beyond the vocabulary are none of its own."""
    table, images = labelled()
    wide = np.full((3, 70, 2), 77, np.float32)
    wide[:, :1] = table.xy
    made = scene.cut(monkeypatch, tmp_path, replace(table, xy=wide), images, geometry="square")
    assert made.xy.shape == (3, 1, 2)
    ibug = np.random.default_rng(0).uniform(70, 100, (3, 68, 2)).astype(np.float32)
    ibug[1, 31] = np.nan
    named = replace(table, xy=ibug, vocabularies=np.full(3, "ibug68"))
    made = scene.cut(monkeypatch, tmp_path, named, images, geometry="square", labels="ibug68", vocabulary="ibug68")
    assert made.xy.shape == (3, 68, 2) and np.isnan(made.xy[1, 31]).all()
    with pytest.raises(ConfigError, match="labelled in ibug68") as caught:
        scene.cut(monkeypatch, tmp_path, named, images, geometry="square")
    assert "ibug68" in caught.value.remedy


# Parts.


@pytest.fixture(scope="module")
def crowd():
    """Return 119 pairs of part 1 in 60 frames, 99 of part 2; two are outside of the frame, two in nobody."""
    rng = np.random.default_rng(1)
    one = {f"1/Thermal_{n}": [(40, 60), (150, 80)] for n in range(1, 61)}
    two = {f"2/Thermal_{n}": [tuple(rng.uniform(40, 150, 2))] for n in range(511, 611)}
    table = bake.nose_faces(one | two)
    table.boxes[[0, 130]] += 1000  # an empty crop
    table.xy[[0, 130]] += 1000
    table.boxes[[5, 131]] = [100, 200, 120, 240]  # somebody else: no pair
    return table, dict.fromkeys([*one, *two], np.zeros(scene.SIZE[::-1], np.uint8))


def test_parts_are_those_of_the_posts_and_the_rest_of_each_file(monkeypatch, tmp_path, crowd):
    table, images = crowd
    made = scene.cut(monkeypatch, tmp_path, table, images, geometry="posts", side=8)
    random.seed(7)
    usable = set(range(220)) - {0, 5, 130, 131}
    first, second = [row for row in range(120) if row != 5], [row for row in range(120, 220) if row != 131]
    random.shuffle(first)
    random.shuffle(second)
    train = [row for row in first if row in usable][:40]
    train_frames = {str(table.frames[row]) for row in train}
    val = [row for row in first if row in usable and str(table.frames[row]) not in train_frames][:15]
    test = [row for row in second if row in usable][:80]
    held = {str(table.frames[row]) for row in val}
    assert set(made.rows[made.part("train", published=True)]) == set(train) and len(train) == 40
    assert set(made.rows[made.part("val", published=True)]) == set(val)
    assert set(made.rows[made.part("test", published=True)]) == set(test) and len(test) == 80
    assert set(made.rows[made.part("train")]) == {
        *(row for row in first if row in usable and str(table.frames[row]) not in held)
    }
    # Others of the 15's images are in no part.
    assert len(val) == 15 and set(first) & usable - set(made.rows)
    assert set(made.rows[made.part("val")]) == set(val)
    assert set(made.rows[made.part("test")]) == usable - set(first)
    assert len(set(made.rows)) == len(made) > 180
    frames = {part: set(made.frames[made.part(part)]) for part in crops.PARTS}
    assert not frames["train"] & frames["val"] and not (frames["train"] | frames["val"]) & frames["test"]
    np.testing.assert_array_equal(made.frames, table.frames[made.rows])
    np.testing.assert_array_equal(made.subjects, table.subjects[made.rows])
    noted = files.read_json(tmp_path / "cut.json")
    assert [noted[part] for part in crops.PARTS] == [len(made.part(part)) for part in crops.PARTS]
    assert noted["fingerprint"] == made.fingerprint


def test_a_limit_keeps_the_published_crops(monkeypatch, tmp_path, crowd):
    limit = {"train": 45, "test": 30}
    made = scene.cut(monkeypatch, tmp_path, *crowd, geometry="posts", side=8, limit=limit)
    assert [len(made.part(part)) for part in ("train", "test")] == [45, 30]
    assert [len(made.part(part, published=True)) for part in ("train", "test")] == [40, 30]


def test_limits_depend_on_ids_and_not_on_their_order(monkeypatch, tmp_path, crowd):
    table, images = crowd
    table = replace(table, splits=np.where(np.arange(220) < 17, "val", table.splits))
    limit = {"limit": {"train": 20, "test": 50}}

    def taken(folder, own, **settings):
        one = scene.cut(monkeypatch, tmp_path / folder, own, images, geometry="square", side=8, **settings)
        rows = zip(own.ids[one.rows], one.parts, one.published, strict=True)
        return one, {(str(name), str(part), bool(published)) for name, part, published in rows}

    made, kept = taken("a", table, **limit)
    assert kept == taken("b", table.take(np.random.default_rng(0).permutation(220)), **limit)[1]
    assert kept < taken("c", table)[1]
    # Fewer faces shift nobody's place in the order.
    fewer = taken("d", table.take(np.setdiff1d(np.arange(220), made.rows[[0, -1]])), **limit)[1]
    assert len(kept & fewer) == len(kept) - 2
    assert [len(made.part(part)) for part in crops.PARTS] == [20, 17, 50]
    assert [len(made.part(part, published=True)) for part in crops.PARTS] == [20, 15, 50]
    assert set(made.rows[made.part("test")]) - set(range(120, 170))  # chosen by hash, not from the front


def test_faces_without_a_prompt_in_their_frame_are_left_out(monkeypatch, tmp_path):
    labels = {f"1/{row}": [NOSE] for row in range(6)}
    table = faces(labels, splits=["train", "val", "test", "train", "train", "test"])
    table.prompts[3:] = [[np.nan] * 4, [7, 7, 7, 7], [500, 500, 520, 520]]
    made = scene.cut(monkeypatch, tmp_path, table, {name: scene.blob(NOSE) for name in labels}, geometry="square")
    assert made.rows.tolist() == [0, 1, 2]


def test_a_frame_of_many_persons_is_read_once_and_its_crops_are_in_their_places(monkeypatch, tmp_path):
    """Frames 1 and 2 have faces in several parts, so theirs are far apart; each crop is lit at its own nose."""
    noses = {"1/a": [(40, 60), (90, 61), (140, 200)], "2/b": [(30, 30), (150, 100)], "2/c": [(96, 128)]}
    boxes = [[x - 15, y - 15, x + 15, y + 15] for points in noses.values() for x, y in points]
    splits = ["test", "train", "val", "train", "test", "train"]
    table = faces(noses, prompts=np.array(boxes, np.float32), splits=splits)
    images = {name: np.max([scene.blob(xy) for xy in points], axis=0) for name, points in noses.items()}
    read, cut_from = [], scene.dataset

    def counting(monkeypatch, images):
        module = cut_from(monkeypatch, images)
        whole = module.read
        module.read = lambda path, config: read.append(path.stem) or whole(path, config)
        return module

    monkeypatch.setattr(scene, "dataset", counting)
    made = scene.cut(monkeypatch, tmp_path, table, images, geometry="square", side=64)
    assert sorted(read) == ["a", "b", "c"]
    assert made.parts.tolist() == ["train"] * 3 + ["val", "test", "test"]
    assert made.frames.tolist() == ["1/a", "2/b", "2/c", "1/a", "1/a", "2/b"]
    for row in range(6):
        label = table.xy[made.rows[row], 0]
        np.testing.assert_allclose(made.to_frame[row] @ [*scene.brightest(made.pixels[row]), 1], label, atol=0.3)


def test_frames_are_all_grey_or_all_in_colour(monkeypatch, tmp_path):
    table, images = labelled()
    images["2/c"] = scene.blob(NOSE, colour=True)
    with pytest.raises(DataError, match="some are grey"):
        scene.cut(monkeypatch, tmp_path, table, images, geometry="square")
    assert not list(tmp_path.glob("cut*"))


# What is refused.


def test_an_empty_part_is_refused(monkeypatch, tmp_path):
    table, images = labelled()
    with pytest.raises(DataError, match="drawn leaves no crop to val"):
        scene.cut(monkeypatch, tmp_path, table, images, geometry="posts")
    table = replace(table, splits=np.array(["train", "val", "val"]))
    with pytest.raises(DataError, match="drawn leaves no crop to test"):
        scene.cut(monkeypatch, tmp_path, table, images, geometry="square")
    assert not list(tmp_path.glob("cut*"))


def test_part_2_needs_its_two_files(monkeypatch, tmp_path):
    table, images = labelled()
    for strata in ({}, {"source": np.array(["annotations_1"] * 3)}):
        with pytest.raises(ConfigError, match="drawn has no annotations_1 and annotations_2"):
            scene.cut(monkeypatch, tmp_path, replace(table, strata=strata), images, geometry="posts")


def test_frames_that_are_not_those_of_the_labels_are_refused(monkeypatch, tmp_path):
    table, images = labelled()
    ready = scene.prepared(tmp_path / "faces", table, images)
    config = parse(scene.CONFIG | {"geometry": "square"}, crops.Config, "x")

    def make(shown):
        module = scene.dataset(monkeypatch, shown)
        out = tmp_path / "out"
        crops.make(module, Path("drawn"), scene.SETTINGS, config, ready, out, tmp_path / "r", 1)

    with pytest.raises(DataError, match=r"1\.png measures 384 x 512 px, 192 x 256 as prepared"):
        make(images | {"1/1": np.zeros((512, 384), np.uint8)})
    with pytest.raises(DataError, match="no picture of 1/1"):
        make({name: image for name, image in images.items() if name != "1/1"})
    assert not (tmp_path / "out").exists() and not (tmp_path / "r").exists()


def test_settings_that_make_no_sense_are_config_errors():
    for wrong in (
        {"geometry": "round"},
        {"limit": {"trian": 3}},
        {"limit": {"val": 0}},
        {"padding": 0.5},
        {"sied": 3},
    ):
        with pytest.raises(ConfigError):
            parse(scene.CONFIG | {"geometry": "posts"} | wrong, crops.Config, "x")


def test_damaged_crops_are_refused(monkeypatch, tmp_path):
    table, images = labelled()
    scene.cut(monkeypatch, tmp_path, table, images, geometry="square", side=8)

    def damaged(name, change):
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "cut", folder)
        change(folder / name)
        with pytest.raises(DataError, match="damaged are missing or damaged"):
            crops.read(folder)

    for name in ("crops.json", "crops.npz", "pixels.npy"):
        damaged(name, Path.unlink)
        damaged(name, lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]))
        damaged(name, lambda path: path.write_bytes(b""))
        damaged(name, lambda path: path.write_bytes(b"[]"))
    damaged("crops.json", lambda path: files.write_json(path, {"faces": "drawn"}))
    damaged("pixels.npy", lambda path: np.save(path, np.zeros((2, 8, 8), np.uint8)))
    data = (tmp_path / "cut/crops.npz").read_bytes()
    damaged("crops.npz", lambda path: path.write_bytes(data[:200] + b"\xff" * 60 + data[260:]))


def test_the_fingerprint_is_of_pixels_and_labels(monkeypatch, tmp_path):
    table, images = labelled()
    settings = {"geometry": "square", "side": 8}
    plain = scene.cut(monkeypatch, tmp_path / "a", table, images, **settings).fingerprint
    assert scene.cut(monkeypatch, tmp_path / "b", table, images, **settings).fingerprint == plain
    brighter = images | {"1/1": images["1/1"] // 2}
    moved = replace(table, xy=table.xy + np.float32(0.25))
    others = [
        scene.cut(monkeypatch, tmp_path / "c", table, brighter, **settings),
        scene.cut(monkeypatch, tmp_path / "d", moved, images, **settings),
        scene.cut(monkeypatch, tmp_path / "e", table, images, **settings | {"padding": 1.5}),
    ]
    assert len({plain, *(one.fingerprint for one in others)}) == 4


# In the real layout.


@pytest.fixture
def thermal(root, tmp_path_factory):  # noqa: F811
    return prepare(root, tmp_path_factory.mktemp("prepared"))


SECTION = {
    "faces": "thermeval_person",
    "loader": "thermeval",
    "raw": "r",
    "labels": "nose1",
    "vocabulary": "nose1",
}
OWN = {"raw": "r", "val": ["session_00"], "prompt": "person"}


def people(thermal, name, workers=1, **changed):
    """Cut crops of the prepared tree; its splits are asked of faces that have a person for a prompt."""
    raw, out = thermal
    table = open_table(out / "faces")
    replace(table, prompts=table.boxes).save(out / "faces" / "faces.npz")
    config = parse(SECTION | {"geometry": "square", "side": 32} | changed, crops.Config, "crops.persons")
    crops.make(thermeval, raw, OWN, config, out / "faces", out / name, out / f"{name}.json", workers)
    return crops.read(out / name)


def test_pictures_and_temperatures_are_two_sources_of_the_same_crops(thermal):
    picture = people(thermal, "png", changes={"source": "png"})
    warm = people(thermal, "tiff")
    np.testing.assert_array_equal(picture.to_frame, warm.to_frame)
    np.testing.assert_array_equal(picture.xy, warm.xy)
    np.testing.assert_array_equal(picture.parts, warm.parts)
    numbers = [int(frame.split("_")[1]) % 250 for frame in picture.frames]
    # The picture holds its number; 31.5 deg C between 20 and 40 are 146.6.
    assert [int(pixels[16, 16]) for pixels in picture.pixels] == numbers
    assert [int(pixels[16, 16]) for pixels in warm.pixels] == [147] * len(warm)
    tone = people(thermal, "wide", changes={"tone": {"name": "clip", "low": 0.0, "high": 63.0}})
    assert all(int(pixels[16, 16]) in (127, 128) for pixels in tone.pixels)
    with pytest.raises(ConfigError, match=r"datasets\.thermeval_person\.tnoe"):
        people(thermal, "x", changes={"tnoe": {}})


def test_bytes_do_not_depend_on_the_number_of_processes(thermal):
    for name, workers in (("one", 1), ("two", 2)):
        people(thermal, name, workers)
    one, two = (
        {path.name: path.read_bytes() for path in (thermal[1] / name).iterdir()} for name in ("one", "two")
    )
    assert one == two and set(one) == {"pixels.npy", "crops.npz", "crops.json"}


def test_the_stage_reads_its_sections(thermal, tmp_path, monkeypatch):
    wanted = people(thermal, "png", changes={"source": "png"})
    raw, out = thermal
    section = SECTION | {"geometry": "square", "side": 32, "changes": {"source": "png"}}
    params = {"crops": {"persons": section}, "datasets": {"thermeval_person": OWN}}
    options = {"params": "crops.persons", "settings": "datasets.thermeval_person", "raw": raw}
    options |= {"faces": out / "faces", "out": tmp_path / "cut", "report": tmp_path / "cut.json"}
    monkeypatch.setattr(crops, "ordered", lambda work, jobs, workers, chunk: map(work, jobs))
    run_stage("crops", tmp_path, params, options)
    assert crops.read(tmp_path / "cut").fingerprint == wanted.fingerprint
    assert files.read_json(tmp_path / "cut.json") == files.read_json(out / "png.json")


def test_the_square_of_part_2_is_always_256(monkeypatch, tmp_path, crowd):
    """Whatever side is asked for, who is usable is decided by the published crop."""
    table, images = crowd
    for side in (8, 24):
        made = scene.cut(monkeypatch, tmp_path, table, images, geometry="posts", side=side)
        assert set(range(220)) - set(made.rows) >= {0, 5, 130, 131} and np.isfinite(made.xy).all()
        assert (made.xy < side - 0.5).all() and made.xy.max() > side / 2
    assert posts.SIDE == 256
