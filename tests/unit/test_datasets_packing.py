"""Packed crops equal what one would cut by hand; damage is counted; leaks stop the stage."""

import json
import sys
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from thermark import landmarks
from thermark.core import geometry, origin, radiometry
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_set
from thermark.datasets import facesynthetics, tfake, thermeval
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.prepare import packing, reading
from thermark.metrics.evaluate import Config as Scoring
from thermark.report.paths import ReportPaths
from thermark.report.results.collect import data_set

CROP = packing.CropConfig(size=32, padding=1.5)
CONFIG = tfake.Config(raw="r", split=Fractions(val=0.3, test=0.3), max_bad_fraction=0.2)


def ramp(seed):
    """A 16-bit frame of 96 x 80 whose value tells where one is."""
    yy, xx = np.mgrid[:80, :96]
    return (xx * 300 + yy * 200 + seed * 7 + 9000).astype(np.uint16)


@pytest.fixture
def raw(tmp_path):
    root = tmp_path / "raw"
    for index in range(12):
        xy = np.random.default_rng(index).uniform(20, 60, (70, 2))
        for folder in ("labels", "warm", "cold"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        text = "".join(f"{x:.3f} {y:.3f}\n" for x, y in xy)
        (root / f"labels/{index:06d}_ldmks.txt").write_text(text)
        for seed, folder in ((index, "warm"), (index + 100, "cold")):
            cv2.imwrite(str(root / folder / f"{index:06d}_thermal.png"), ramp(seed))
    return root


def pack(raw, tmp_path, name="out", config=CONFIG, dataset=tfake, workers=1):
    out = tmp_path / name
    packing.pack(dataset, raw, config, CROP, out, tmp_path / f"{name}.json", tmp_path / f"{name}.csv", workers)
    return out, json.loads((tmp_path / f"{name}.json").read_text())


def test_crops_are_what_their_map_says(raw, tmp_path):
    out, content = pack(raw, tmp_path)
    faces, crops = open_set(out)
    assert crops.pixels.shape == (24, 32, 32)
    assert all(isinstance(part, np.memmap) for part in crops.pixels.parts)
    assert crops.padding == 1.5
    for row in (0, 11, 23):
        index, folder = faces.frames[row].split("/")
        celsius = tfake.read(raw / folder / f"{index}_thermal.png", CONFIG)
        grey = radiometry.render(celsius, CONFIG.tone)
        matrix = geometry.crop_to_source(faces.prompts[row], 32, 1.5)
        np.testing.assert_allclose(crops.to_source[row], matrix)
        assert np.array_equal(crops.pixels[row], geometry.warp(grey, matrix, 32))
    x, y = geometry.apply(crops.to_source[5], np.array([[16.0, 16.0]]))[0]
    assert faces.ids[5] == "000002/warm"
    assert abs(float(crops.pixels[5][16, 16]) - ramp(2)[round(y), round(x)] / 65535 * 255) < 2
    assert content["frames"] == content["faces"] == 24
    assert content["frame_sizes"] == {"96x80": 24}
    assert content["strata"] == {"ambient": {"cold": 12, "warm": 12}}
    assert 20 < content["median_face_celsius"] < 40
    assert content["origin"] == "real"


def test_bytes_do_not_depend_on_workers(raw, tmp_path):
    one, first = pack(raw, tmp_path, "one", workers=1)
    two, second = pack(raw, tmp_path, "two", workers=2)
    names = sorted(path.name for path in one.iterdir())
    assert names == ["card.json", "crops.npz", "faces.npz", "frames.npz", "pixels-00000.npy"]
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert first == second
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()


def test_the_split_table_is_by_subject(raw, tmp_path):
    out, _ = pack(raw, tmp_path)
    header, *lines = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "subject,split"
    assert lines == sorted(lines)
    faces, _ = open_set(out)
    assert dict(line.split(",") for line in lines) == dict(zip(faces.subjects, faces.splits, strict=True))


def test_the_fingerprint_follows_the_data(raw, tmp_path):
    _, before = pack(raw, tmp_path)
    cv2.imwrite(str(raw / "warm/000003_thermal.png"), ramp(103) + 40)
    _, after = pack(raw, tmp_path, "again")
    assert before["fingerprint"] != after["fingerprint"]


def test_a_failure_leaves_the_last_result_alone(raw, tmp_path):
    pack(raw, tmp_path)
    before = (tmp_path / "out/pixels-00000.npy").read_bytes()
    for path in (raw / "warm").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError):
        pack(raw, tmp_path)
    assert (tmp_path / "out/pixels-00000.npy").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "tmp-" in p.name] == []


def test_the_report_is_what_records_read(raw, tmp_path):
    _, content = pack(raw, tmp_path)
    assert content["card"] == asdict(tfake.CARD)
    (tmp_path / "out.json").rename(tmp_path / "tfake.json")
    (tmp_path / "out").rename(tmp_path / "tfake")
    paths = ReportPaths(reports=tmp_path, faces=tmp_path)
    on = data_set("tfake", Scoring(), paths)
    assert (on.title, on.origin, on.labels, on.modality) == ("T-FAKE", "real", tfake.CARD.labels, "thermal")
    assert on.vocabularies == tuple(content["vocabularies"]) and on.licence == tfake.CARD.licence


def test_preparing_reads_no_vocabulary(raw, tmp_path, monkeypatch):
    """The stage depends on no landmark YAML, so it may not open one: a mended bridge must not repack faces."""
    opened: list[str] = []
    watching = [True]

    def watch(event, arguments):
        if event == "open" and watching:
            opened.append(str(arguments[0]))

    def refuse(name):
        raise AssertionError(f"prepare loads the vocabulary {name}")

    monkeypatch.setattr(landmarks, "load", refuse)
    sys.addaudithook(watch)  # for good: a hook cannot be removed, only silenced
    try:
        pack(raw, tmp_path)
    finally:
        watching.clear()
    assert any(name.endswith("_ldmks.txt") for name in opened)
    assert [name for name in opened if name.endswith((".yaml", ".yml"))] == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        *(([2, 1, 3, 2], 17.5), ([1.6, 0.6, 3.4, 2.4], 17.5), ([2, 1, 2, 1], 12.0), ([-9, -9, 0, 0], 0.0)),
        *(([-9, 1, -1, 3], np.nan), ([1, -9, 3, -2], np.nan), ([10, 1, 12, 3], np.nan), ([1, 8, 3, 9], np.nan)),
        *(([-1e30, -1e30, 1e30, 1e30], 38.5), ([np.nan, 1, 3, 3], np.nan)),
    ],
)
def test_the_median_of_a_box_is_of_the_pixels_inside(box, expected):
    celsius = np.array([[10 * y + x for x in range(8)] for y in range(8)], np.float32)
    assert reading._median(celsius, np.array(box, np.float32)) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("raw_crop", [{"size": 0}, {"size": -4}, {"padding": 0.99}, {"padding": float("nan")}])
def test_impossible_crops_are_refused(raw_crop):
    with pytest.raises(ConfigError, match=r"prepare\.(size|padding)"):
        parse(raw_crop, packing.CropConfig, "prepare")


def frame(number):
    """A constant frame with one dead pixel."""
    celsius = np.full((64, 48), 30 + number / 100, np.float32)
    celsius[0, 0] = np.nan if number == 1 else celsius[0, 1]
    return celsius


def test_no_prompt_means_a_black_crop_and_no_map(tmp_path):
    root = tmp_path / "raw"
    root.mkdir()
    categories = [{"id": i, "name": n} for i, n in enumerate(["Person", "Chest", "Forehead", "Nose"])]
    for number in (1, 241, 511):
        cv2.imwrite(str(root / f"Thermal_{number}.tiff"), frame(number))
    for part, numbers in ((1, (1, 241)), (2, (511,))):
        images = [{"id": n, "file_name": f"Thermal_{n}.jpg"} for n in numbers]
        boxes = [(0, [5, 5, 40, 50]), (3, [20, 20, 4, 4]), (2, [15, 8, 14, 6])]
        annotations = [
            {"id": 1, "image_id": n, "category_id": c, "bbox": b}
            for n in numbers
            for c, b in boxes
            if (n, c) != (1, 2)
        ]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / f"annotations_{part}.json").write_text(json.dumps(content))
    config = thermeval.Config(raw="r", val=("session_00",))
    out, content = pack(root, tmp_path, config=config, dataset=thermeval)
    _, crops = open_set(out)
    assert np.isnan(crops.to_source[0]).all()
    assert not crops.pixels[0].any()
    assert crops.pixels[1:].any(axis=(1, 2)).all()
    assert content["unprompted"] == 1
    assert content["found"]["constant_image"]["count"] == 2
    assert content["found"]["not_finite_pixels"]["examples"] == ["1/Thermal_1"]


def test_rgb_crops_have_three_channels(tmp_path, mirror):
    config = facesynthetics.Config(raw="r")
    out, content = pack(mirror("facesynthetics_100"), tmp_path, config=config, dataset=facesynthetics)
    faces, crops = open_set(out)
    assert crops.pixels.shape == (100, 32, 32, 3)
    assert content["splits"].keys() == {"train", "val", "test"}
    # The nose tip of most faces is near the middle of its crop.
    tips = geometry.apply(geometry.invert(crops.to_source), faces.xy[:, 30:31].astype(np.float64))[:, 0]
    assert np.abs(np.median(tips, axis=0) - 15.5).max() < 4


def test_rendered_data_say_so(raw, tmp_path):
    origin.mark_rendered(raw, CROP)
    assert pack(raw, tmp_path)[1]["origin"] == "rendered"
