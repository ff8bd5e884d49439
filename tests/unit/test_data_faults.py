"""What can be wrong with data, one fault after the other, from files on disk to what is packed or refused.

The numbers are those of the catalogue of faults that the project was planned with.
"""

import io
import json
import shutil
import struct
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from instances import predictions_at
from thermark.core import images
from thermark.core.errors import DataError
from thermark.core.faces import open_set
from thermark.core.radiometry import Tone
from thermark.datasets import charlotte, coco_wholebody, facesynthetics, tfake, thermeval, w300
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.prepare import packing
from thermark.datasets.readers.loaded import build_faces
from thermark.landmarks import load
from thermark.metrics.evaluate import Config as Scoring
from thermark.metrics.evaluate import evaluate

CROP = packing.CropConfig(size=32, padding=1.5)
THIRDS = Fractions(val=0.3, test=0.3)
THERMAL = tfake.Config(raw="r", split=THIRDS, max_bad_fraction=0.2)
RGB = facesynthetics.Config(raw="r", split=THIRDS, max_bad_fraction=0.2)
COUNT = 12


def scene(seed, height=80, width=96):
    """Grey (H, W) uint8 with sharp patches: no two are alike."""
    rng = np.random.default_rng(seed)
    grey = np.full((height, width), 90, np.uint8)
    for level in rng.integers(0, 256, 25).tolist():
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        cv2.ellipse(grey, (centre, rng.uniform(5, 30, 2).tolist(), rng.uniform(0, 180)), level, -1)
    return grey


def deep(seed):
    return scene(seed).astype(np.uint16) * 200 + 9000


def points(seed, count=70):
    xy = np.random.default_rng(seed).uniform(20, 60, (count, 2)).round(3)
    xy[36], xy[45] = (24, 30), (56, 30)  # the subject's right is image-left
    return xy


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, array)[1].tobytes())


def write_labels(path, xy):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{x:.3f} {y:.3f}\n" for x, y in xy))


def thermal_tree(root):
    for index in range(COUNT):
        write_labels(root / f"labels/{index:06d}_ldmks.txt", points(index))
        write(root / f"warm/{index:06d}_thermal.png", deep(index))
        write(root / f"cold/{index:06d}_thermal.png", deep(index + 100))
    return root


def rgb_tree(root, names=tuple(f"{index:06d}" for index in range(COUNT))):
    for index, name in enumerate(names):
        write_labels(root / f"{name}_ldmks.txt", points(index))
        write(root / f"{name}.png", np.dstack([scene(index), scene(index + 50), scene(index + 99)]))
    return root


def ibug_tree(root):
    for index in range(COUNT):
        stem = root / f"helen/trainset/{100 + index}_1"
        write(stem.with_suffix(".jpg"), np.dstack([scene(index)] * 3))
        rows = "".join(f"{x:.3f} {y:.3f}\n" for x, y in points(index, 68))
        stem.with_suffix(".pts").write_text(f"version: 1\nn_points:  68\n{{\n{rows}}}\n")
    return root


def coco_tree(root):
    people = []
    for part, first in (("train", 1), ("val", 51)):
        people = [person(number) for number in range(first, first + COUNT)]
        listed = [{"id": p["image_id"], "file_name": f"{p['image_id']:012d}.jpg"} for p in people]
        path = root / f"annotations/coco_wholebody_{part}_v1.0.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": listed, "annotations": people, "categories": []}))
        for entry in people:
            write(root / f"{part}2017/{entry['image_id']:012d}.jpg", np.dstack([scene(entry["id"])] * 3))
    return root


def person(number):
    flat = np.c_[points(number, 68), np.ones(68)].ravel().tolist()
    return {"id": number, "image_id": number, "face_valid": True, "face_box": [15, 15, 50, 50], "face_kpts": flat}


def float_tree(root):
    """ThermEval: three sessions of float TIFFs, a nose and a forehead on each."""
    named = [{"id": i, "name": n} for i, n in enumerate(["Person", "Chest", "Forehead", "Nose"])]
    boxes = [(0, [5, 5, 80, 70]), (3, [40, 40, 6, 6]), (2, [30, 20, 25, 10])]
    for part, numbers in ((1, (1, 241)), (2, (511,))):
        listed = [{"id": n, "file_name": f"Thermal_{n}.jpg"} for n in numbers]
        noted = [{"id": 1, "image_id": n, "category_id": c, "bbox": b} for n in numbers for c, b in boxes]
        path = root / f"annotations_{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": listed, "annotations": noted, "categories": named}))
        for number in numbers:
            write(root / f"Thermal_{number}.tiff", scene(number).astype(np.float32) / 20 + 28)
    return root


def charlotte_tree(root, change=lambda row: row, delimiter=","):
    header = ["ID", "Subject", "Distance", *(f"{axis}{number}" for axis in "xy" for number in range(73))]
    for number in (1, 2, 10):
        rows = [header]
        for shot in range(3):
            xy = np.random.default_rng(10 * number + shot).uniform(10, 60, (73, 2))
            xy[36], xy[45] = (20, 30), (50, 30)
            rows.append([f"R{number}110{shot}", str(number), "1.5", *(f"{value:.2f}" for value in xy.T.ravel())])
            write(root / f"S{number}/R{number}110{shot}.tiff", scene(number * 7 + shot).astype(np.uint16) + 30_600)
        text = "\n".join(delimiter.join(change(row)) for row in rows)
        (root / f"S{number}/S{number}.csv").write_text(text)
    return root


SUBJECTS = charlotte.Config(raw="r", val=("S2",), test=("S10",), resolution="median")
SESSIONS = thermeval.Config(raw="r", val=("session_00",), max_bad_fraction=0.5)
SETS = {
    "tfake": (tfake, THERMAL, thermal_tree),
    "facesynthetics": (facesynthetics, RGB, rgb_tree),
    "w300": (w300, w300.Config(raw="r", val=0.3, max_bad_fraction=0.2), ibug_tree),
    "coco_wholebody": (coco_wholebody, coco_wholebody.Config(raw="r", val=0.3, max_bad_fraction=0.2), coco_tree),
    "thermeval": (thermeval, SESSIONS, float_tree),
    "charlotte": (charlotte, SUBJECTS, charlotte_tree),
}


def pack(dataset, config, raw, out):
    report, table = out.with_suffix(".json"), out.with_suffix(".csv")
    packing.pack(dataset, raw, config, CROP, out, report, table, 1)
    faces, crops = open_set(out)
    return faces, crops, json.loads(report.read_text())


def refused(dataset, config, raw, out, why):
    """Assert that packing stops with exit code 3 and one line, and leaves nothing behind."""
    with pytest.raises(DataError, match=why) as caught:
        pack(dataset, config, raw, out)
    assert caught.value.code == 3 and len(caught.value.cause.splitlines()) == 1
    assert not out.exists() and not out.with_suffix(".json").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return of a data set without a fault what packing makes: faces, crops and report."""
    made = {}

    def packed(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            dataset, config, tree = SETS[name]
            made[name] = pack(
                dataset, config.model_copy(update={"strict": True}), tree(folder / "raw"), folder / "out"
            )
        return made[name]

    return packed


def cut(data):
    return data[: len(data) // 2]


def encoded(array, form="PNG"):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, form)
    return stream.getvalue()


BAD_BYTES = {
    "16 cut off": cut,
    "16 flipped bits": lambda data: data[:200] + bytes([data[200] ^ 0x55]) + data[201:],
    "17 another format": lambda data: encoded(np.zeros((80, 96), np.uint8), "JPEG"),
}


@pytest.mark.parametrize("fault", BAD_BYTES)
def test_16_17_what_is_no_frame_is_listed_and_the_others_are_as_before(whole, tmp_path, fault):
    """Up to `max_bad_fraction`; beyond, the stage stops. What else decodes to no frame: test_images.py."""
    raw = thermal_tree(tmp_path / "raw")
    before, crops, _ = whole("tfake")
    old = {name: np.array(crops.pixels[row]) for row, name in enumerate(before.ids.tolist())}
    path = raw / "warm/000004_thermal.png"
    path.write_bytes(BAD_BYTES[fault](path.read_bytes()))
    faces, crops, report = pack(tfake, THERMAL, raw, tmp_path / "after")
    assert set(old) - set(faces.ids.tolist()) == {"000004/warm"}
    assert report["found"]["unreadable"]["count"] == 1
    assert report["found"]["unreadable"]["examples"][0].startswith("000004_thermal.png ")
    for row, name in enumerate(faces.ids.tolist()):
        assert np.array_equal(crops.pixels[row], old[name]), name
    strict = THERMAL.model_copy(update={"max_bad_fraction": 0.01})
    refused(tfake, strict, raw, tmp_path / "strict", "1 of 24 frames cannot be read, first: 000004_thermal")


@pytest.mark.parametrize("shape", [(80, 96), (80, 96, 3)], ids=["grey", "RGB"])
def test_18_pictures_saved_anew_with_8_bits_are_refused(tmp_path, shape):
    """Their levels would be read as degrees."""
    raw = thermal_tree(tmp_path / "raw")
    (raw / "warm/000004_thermal.png").write_bytes(encoded(np.zeros(shape, np.uint8)))
    refused(tfake, THERMAL, raw, tmp_path / "out", "expected all 16-bit grey, .*000004_thermal.png is 8-bit")


@pytest.mark.parametrize("name", ["w300", "coco_wholebody"])
def test_16_a_jpeg_cut_off_is_listed(tmp_path, name):
    dataset, config, tree = SETS[name]
    raw = tree(tmp_path / "raw")
    path = sorted(raw.rglob("*.jpg"))[3]
    path.write_bytes(cut(path.read_bytes()))
    faces, crops, report = pack(dataset, config, raw, tmp_path / "out")
    assert len(faces) == len(crops.pixels) and report["found"]["unreadable"]["count"] == 1
    assert report["found"]["unreadable"]["examples"][0].startswith(f"{path.name} cannot be decoded")
    assert not any(path.stem in frame for frame in faces.frames)


def test_16_a_flipped_bit_of_a_png_never_becomes_another_pixel(tmp_path):
    """Its checksums tell; those of a JPEG or TIFF are in the manifest."""
    path = tmp_path / "a.png"
    write(path, deep(3))
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for place, bit in zip(rng.integers(8, len(data), 60), rng.integers(0, 8, 60), strict=True):
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        path.write_bytes(flipped)
        try:
            assert np.array_equal(images.decode(path), deep(3)), (place, bit)
        except DataError as error:
            assert error.cause.startswith("a.png")


def test_18_pictures_of_every_kind_are_one_kind_of_crop(whole, tmp_path):
    """Grey is repeated, alpha dropped, a palette looked up; deeper ones are refused, not shortened."""
    raw = rgb_tree(tmp_path / "raw")
    _, plain, _ = whole("facesynthetics")
    write(raw / "000001.png", scene(201))
    for name, mode in (("000002", "RGBA"), ("000003", "P"), ("000004", "L"), ("000005", "LA")):
        Image.fromarray(scene(int(name) + 200)).convert(mode).save(raw / f"{name}.png")
    faces, crops, _ = pack(facesynthetics, RGB, raw, tmp_path / "mixed")
    assert len(faces) == COUNT and crops.pixels[0].shape == (32, 32, 3)
    assert np.array_equal(crops.pixels[0], plain.pixels[0])
    for row in range(1, 6):
        pixels = np.asarray(crops.pixels[row])
        assert pixels.dtype == np.uint8 and (np.ptp(pixels, axis=2) == 0).all() and np.ptp(pixels) > 100
    assert np.array_equal(crops.pixels[4][:, :, 0], crops.pixels[4][:, :, 2])
    write(raw / "000008.png", deep(8))
    refused(facesynthetics, RGB, raw, tmp_path / "deep", "expected all 8-bit RGB, .*000008.png is 16-bit grey")


def test_18_a_tiff_of_another_kind_is_listed(tmp_path):
    raw = float_tree(tmp_path / "raw")
    write(raw / "Thermal_2.tiff", np.zeros((80, 96, 3), np.float32))
    path = raw / "annotations_1.json"
    content = json.loads(path.read_text())
    content["images"].append({"id": 2, "file_name": "Thermal_2.jpg"})
    content["annotations"].append({"id": 9, "image_id": 2, "category_id": 3, "bbox": [40, 40, 6, 6]})
    path.write_text(json.dumps(content))
    _, _, report = pack(thermeval, SESSIONS, raw, tmp_path / "out")
    assert report["found"]["unreadable"]["count"] == 1
    assert report["found"]["unreadable"]["examples"][0].startswith("Thermal_2.tiff ")


def test_19_nothing_is_divided_by_a_constant_frame(tmp_path):
    """Nor is it the look-alike of another one in another split. Other tones: test_radiometry.py."""
    raw = thermal_tree(tmp_path / "raw")
    for index, level in enumerate((0, 0, 30_000, 30_001, 65_535, 65_535)):
        write(raw / f"warm/{index:06d}_thermal.png", np.full((80, 96 + index), level, np.uint16))
    config = THERMAL.model_copy(update={"tone": Tone(name="minmax")})
    with np.errstate(all="raise"):
        faces, crops, report = pack(tfake, config, raw, tmp_path / "out")
    assert len(faces) == 24
    assert report["found"]["constant_image"]["examples"] == [f"{index:06d}/warm" for index in range(6)]
    assert all(np.ptp(np.asarray(crops.pixels[row])) > 0 for row in range(0, 24) if "cold" in faces.ids[row])
    assert report["facts"]["near_duplicate_pairs"] == 0


@pytest.mark.parametrize(("bad", "share"), [(np.nan, 0.01), (-np.inf, 0.01), (np.inf, 1.0)])
def test_19_pixels_that_are_no_number_are_black_and_flagged(tmp_path, bad, share):
    raw = float_tree(tmp_path / "raw")
    celsius = scene(1).astype(np.float32) / 20 + 28
    clean = images.single(raw / "Thermal_241.tiff", "float32")
    celsius[np.random.default_rng(0).random(celsius.shape) < share] = bad
    write(raw / "Thermal_1.tiff", celsius)
    if share == 1:  # the only frame of its split
        with pytest.raises(DataError, match="no temperature in any known unit"):
            thermeval.read(raw / "Thermal_1.tiff", SESSIONS)
        refused(thermeval, SESSIONS, raw, tmp_path / "out", "no face is left in the train split")
        return
    with np.errstate(all="raise"):
        _, crops, report = pack(thermeval, SESSIONS, raw, tmp_path / "out")
    assert report["found"]["not_finite_pixels"]["count"] == 1
    assert np.asarray(crops.pixels[0]).any()
    assert 20 < report["median_face_celsius"] < 42 and np.isfinite(clean).all()


def test_20_the_orientation_tag_is_ignored(whole, tmp_path):
    """Labels are in the pixels as they are stored."""
    raw = ibug_tree(tmp_path / "raw")
    _, plain, _ = whole("w300")
    old = np.stack([np.asarray(plain.pixels[row]) for row in range(COUNT)])
    exif = Image.Exif()
    for number, path in enumerate(sorted(raw.rglob("*.jpg"))):
        exif[0x0112] = 1 + number % 8
        block = b"\xff\xe1" + struct.pack(">H", len(exif.tobytes()) + 2) + exif.tobytes()
        data = path.read_bytes()
        path.write_bytes(data[:2] + block + data[2:])
        assert Image.open(path).getexif()[0x0112] == 1 + number % 8
    _, turned, report = pack(*SETS["w300"][:2], raw, tmp_path / "turned")
    assert np.array_equal(np.stack([np.asarray(turned.pixels[row]) for row in range(COUNT)]), old)
    assert report["frame_sizes"] == {"96x80": COUNT}


@pytest.mark.parametrize("name", SETS)
def test_20_what_a_mac_leaves_in_an_archive_is_no_data(tmp_path, name):
    """Beside each file one whose name ends alike, and the whole tree again under `__MACOSX`."""
    dataset, config, tree = SETS[name]
    before = dataset.load(tree(tmp_path / "raw"), config)
    for path in [path for path in (tmp_path / "raw").rglob("*") if path.is_file()]:
        again = tmp_path / "raw/__MACOSX" / path.relative_to(tmp_path / "raw")
        again.parent.mkdir(parents=True, exist_ok=True)
        for junk in (again, path.with_name(f"._{path.name}"), path.with_name(".DS_Store")):
            junk.write_bytes(b"Mac OS X")
    after = dataset.load(tmp_path / "raw", config)
    assert after.findings == before.findings and after.faces.ids.tolist() == before.faces.ids.tolist()
    assert after.frames.paths.tolist() == before.frames.paths.tolist()


@pytest.mark.parametrize("name", ["tfake", "facesynthetics", "w300", "coco_wholebody", "thermeval"])
def test_22_an_annotation_without_image_is_counted_or_refused(whole, tmp_path, name):
    dataset, config, tree = SETS[name]
    raw = tree(tmp_path / "raw")
    assert len(whole(name)[0])  # strict, and nothing is missing
    path = sorted(p for p in raw.rglob("*") if p.suffix in (".png", ".jpg", ".tiff"))[
        -1 if name == "coco_wholebody" else 1
    ]
    path.unlink()
    if name == "thermeval":  # one of three frames is the whole val split
        config = config.model_copy(update={"val": ()})
    _, _, report = pack(dataset, config, raw, tmp_path / "lax")
    assert report["found"]["missing_image"]["count"] == 1
    strict = config.model_copy(update={"strict": True})
    refused(dataset, strict, raw, tmp_path / "strict", "raw has 1 x missing image, first: ")


@pytest.mark.parametrize("name", ["tfake", "facesynthetics", "w300"])
def test_22_an_image_without_annotation_is_counted_or_refused(tmp_path, name):
    """COCO has pictures without faces by the thousand: there it is no fault."""
    dataset, config, tree = SETS[name]
    raw = tree(tmp_path / "raw")
    sorted([*raw.rglob("*_ldmks.txt"), *raw.rglob("*.pts")])[1].unlink()
    _, _, report = pack(dataset, config, raw, tmp_path / "lax")
    assert report["found"]["missing_annotation"]["count"] == (2 if name == "tfake" else 1)
    strict = config.model_copy(update={"strict": True})
    refused(dataset, strict, raw, tmp_path / "strict", r"raw has \d x missing annotation, first: ")


@pytest.mark.parametrize(
    ("line", "to", "kind"),
    [
        (40, "nan 30", "unlabelled_point"),
        (40, "-5 -5", ""),
        (40, "-49 30", "far_out_of_frame"),
        (40, "30 121", "far_out_of_frame"),
        (36, "57 30", "sides_exchanged"),
        (40, "30 forty", "bad_annotation"),
    ],
)
def test_23_odd_labels_are_listed_and_wrong_ones_left_out(tmp_path, line, to, kind):
    raw = thermal_tree(tmp_path / "raw")
    path = raw / "labels/000003_ldmks.txt"
    lines = path.read_text().splitlines()
    lines[line] = to
    path.write_text("\n".join(lines) + "\n")
    faces, _, report = pack(tfake, THERMAL, raw, tmp_path / "out")
    findings = report["found"]
    if kind == "bad_annotation":
        assert findings[kind]["examples"][0].startswith("000003_ldmks.txt")
        assert findings["missing_annotation"]["examples"] == ["000003/cold", "000003/warm"]
        assert len(faces) == 22
        strict = THERMAL.model_copy(update={"strict": True})
        refused(tfake, strict, raw, tmp_path / "strict", "missing annotation, first: 000003/cold")
        return
    assert len(faces) == 24
    assert {name: list(entry["examples"]) for name, entry in findings.items()} == (
        {kind: ["000003/cold", "000003/warm"]} if kind else {}
    )
    xy = faces.xy[faces.subjects == "000003"]
    assert np.isnan(xy).any(axis=2).sum() == (2 if kind == "unlabelled_point" else 0)


def faces_table(vocabulary="facesynthetics70", count=150):
    xy = np.random.default_rng(0).uniform(50, 250, (count, len(load(vocabulary)), 2)).astype(np.float32)
    ids = np.array([f"f{i:03}" for i in range(count)])
    boxes = np.tile(np.float32([50, 50, 250, 250]), (count, 1))
    return build_faces(ids, ids, np.full(count, "test"), vocabulary, xy, boxes=boxes)


def predicted(faces):
    return predictions_at(faces, faces.xy + np.float32(3), "c", "facesynthetics70")


@pytest.mark.parametrize("how", ["right missing", "left missing", "both missing", "the same point"])
def test_24_a_face_without_eyes_is_left_out_of_its_metric_and_counted(how):
    truth = faces_table()
    predictions = predicted(truth)
    xy = truth.xy.copy()
    if how == "the same point":
        xy[7, 36] = xy[7, 45]
    else:
        xy[7, [corner for side, corner in (("right", 36), ("left", 45)) if side in how or "both" in how]] = np.nan
    score = partial(evaluate, dataset="shown")
    result = score(replace(truth, xy=xy), predictions, Scoring(bootstrap=0))
    whole = score(truth, predictions, Scoring(bootstrap=0))
    assert (result.summary["unnormalised_io"], whole.summary["unnormalised_io"]) == (1, 0)
    assert np.flatnonzero(np.isnan(result.errors["nme_io"])).tolist() == [7]
    others = np.arange(len(truth)) != 7
    assert result.summary["nme_io"] == pytest.approx(whole.errors["nme_io"][others].mean(), rel=1e-5)
    assert np.isfinite(result.errors["nme_diag"]).all()
    assert result.summary["faces"] == len(truth)


def test_25_a_copy_of_a_test_frame_in_train_is_a_leak(tmp_path):
    raw = thermal_tree(tmp_path / "raw")
    faces = tfake.load(raw, THERMAL).faces
    train, test = (faces.subjects[faces.splits == name][0] for name in ("train", "test"))
    shutil.copy(raw / f"warm/{train}_thermal.png", raw / f"cold/{test}_thermal.png")
    refused(tfake, THERMAL, raw, tmp_path / "out", "the same image is in two splits, as ")


def test_25_a_near_copy_is_listed_and_too_many_are_a_leak(tmp_path):
    """Saved again with grain, as no checksum sees."""
    raw = thermal_tree(tmp_path / "raw")
    faces = tfake.load(raw, THERMAL).faces
    train, test = (faces.subjects[faces.splits == name][0] for name in ("train", "test"))
    first = images.single(raw / f"warm/{train}_thermal.png", "uint16").astype(np.int64)
    grain = np.random.default_rng(0).integers(-300, 301, first.shape)
    write(raw / f"cold/{test}_thermal.png", np.clip(first + grain, 0, 65535).astype(np.uint16))
    lax = THERMAL.model_copy(update={"max_near_duplicates": 0.5})
    _, _, report = pack(tfake, lax, raw, tmp_path / "lax")
    (example,) = report["found"]["near_duplicate"]["examples"]
    assert {f"train {train}/warm", f"test {test}/cold"} == set(example.rpartition(",")[0].split(" ~ "))
    assert report["facts"]["near_duplicate_pairs"] == 1
    none = THERMAL.model_copy(update={"max_near_duplicates": 0.0})
    refused(tfake, none, raw, tmp_path / "none", "of the test frames of raw nearly equal one in train or val")


@pytest.mark.parametrize("how", ["subject", "subject, two vocabularies", "id"])
def test_25_whoever_is_in_two_splits_is_a_leak(tmp_path, how):
    """A loader that splits by frame, or counts a face twice, does not get through."""
    raw = thermal_tree(tmp_path / "raw")

    def leaky(root, config):
        loaded = tfake.load(root, config)
        faces = loaded.faces
        train, test = (np.flatnonzero(faces.splits == name)[0] for name in ("train", "test"))
        column = (faces.ids if how == "id" else faces.subjects).copy()
        column[test] = column[train]
        vocabularies = faces.vocabularies.copy()
        if "vocabularies" in how:
            vocabularies[test] = vocabularies[test].replace("70", "70b")
        changed = replace(faces, vocabularies=vocabularies, **{"ids" if how == "id" else "subjects": column})
        return replace(loaded, faces=changed)

    schemes = tfake.SCHEMES | {"facesynthetics70b": tfake.SCHEMES["facesynthetics70"]}
    module = SimpleNamespace(
        __name__=tfake.__name__,
        __file__=tfake.__file__,
        load=leaky,
        SCHEMES=schemes,
        CARD=tfake.CARD,
        MODALITY=tfake.MODALITY,
    )
    why = r"face id .* occurs twice" if how == "id" else r"subject .* is in two splits"
    refused(module, THERMAL, raw, tmp_path / "out", why)


@pytest.mark.parametrize("form", ["{:06d}", "{:d}", "{:03d}", "{:09d}"])
def test_25_warm_and_cold_of_an_id_share_a_split_however_it_is_written(tmp_path, form):
    raw = thermal_tree(tmp_path / "raw")
    before = tfake.load(raw, THERMAL).faces
    for index in range(COUNT):
        path = raw / f"cold/{index:06d}_thermal.png"
        path.rename(path.with_name(f"{form.format(index)}_thermal.png"))
    faces = tfake.load(raw, THERMAL).faces
    assert faces.ids.tolist() == before.ids.tolist() and faces.splits.tolist() == before.splits.tolist()
    splits = dict(zip(faces.ids.tolist(), faces.splits.tolist(), strict=True))
    assert all(splits[f"{i:06d}/warm"] == splits[f"{i:06d}/cold"] for i in range(COUNT))


def test_25_an_id_in_other_letters_is_not_taken_for_another_face(tmp_path):
    """Its cold picture has no labels of that name: it is listed, and in no split at all."""
    raw = thermal_tree(tmp_path / "raw")
    write_labels(raw / "labels/face_a_ldmks.txt", points(77))
    write(raw / "warm/face_a_thermal.png", deep(77))
    write(raw / "cold/FACE_A_thermal.png", deep(78))
    faces, _, report = pack(tfake, THERMAL, raw, tmp_path / "out")
    assert report["found"]["missing_annotation"]["examples"] == ["FACE_A/cold"]
    assert [name for name in faces.ids.tolist() if name.lower().startswith("face_a")] == ["face_a/warm"]


def test_26_an_empty_split_is_an_error(tmp_path):
    raw = thermal_tree(tmp_path / "raw")
    tiny = THERMAL.model_copy(update={"split": Fractions(val=1e-9, test=0.3)})
    refused(tfake, tiny, raw, tmp_path / "out", "no face is left in the val split")
    faces = tfake.load(raw, THERMAL).faces
    for name in np.unique(faces.subjects[faces.splits == "val"]):  # and one that unreadable frames emptied
        for condition in ("warm", "cold"):
            (raw / f"{condition}/{name}_thermal.png").write_bytes(b"")
    lax = THERMAL.model_copy(update={"max_bad_fraction": 0.9})
    refused(tfake, lax, raw, tmp_path / "out", "no face is left in the val split")
    picky = coco_wholebody.Config(raw="r", val=0.3, min_side=1000.0)
    refused(coco_wholebody, picky, coco_tree(tmp_path / "coco"), tmp_path / "out", "no labelled COCO-WholeBody")


def test_27_a_table_is_read_by_its_header_however_it_was_saved(tmp_path):
    """Turned round, with semicolons and decimal commas; what else there may be is tested with the reader."""
    plain = charlotte.load(charlotte_tree(tmp_path / "plain"), SUBJECTS).faces
    turned = charlotte_tree(tmp_path / "other", lambda row: [cell.replace(".", ",") for cell in row[::-1]], ";")
    other = charlotte.load(turned, SUBJECTS)
    assert other.faces.ids.tolist() == plain.ids.tolist() and len(plain) == 9
    np.testing.assert_array_equal(other.faces.xy, plain.xy)
    assert np.isfinite(plain.xy).all() and "bad_annotation" not in other.findings.lists


LONG = "/".join(["a folder with a name that is long"] * 7)


@pytest.mark.parametrize("place", ["热 成像 ", LONG, "it's [0-9]* {x}"])
def test_28_paths_may_be_anything(whole, tmp_path, place):
    _, _, before = whole("facesynthetics")
    odd = rgb_tree(tmp_path / place / "raw")
    inner = odd / place
    inner.mkdir(parents=True)
    for path in list(odd.glob("*.*")):
        path.rename(inner / path.name)
    assert len(str(inner)) > (200 if place == LONG else 0)
    faces, crops, after = pack(facesynthetics, RGB, odd, tmp_path / place / "out")
    assert len(faces) == len(crops.pixels) == COUNT
    assert before["found"] == after["found"] and before["splits"] == after["splits"]


def test_28_names_that_differ_in_case_are_two_pictures(tmp_path):
    """Where the file system has both: neither takes the other's labels."""
    names = ["face", "Face", "FACE", *(f"other{index}" for index in range(9))]
    raw = rgb_tree(tmp_path / "raw", names)
    if len(list(raw.glob("*.png"))) < COUNT:
        pytest.skip("this file system does not tell upper from lower case")
    faces, _, report = pack(facesynthetics, RGB, raw, tmp_path / "out")
    assert set(names) == set(faces.ids.tolist()) and report["found"] == {}
    for index, name in enumerate(names):
        np.testing.assert_allclose(faces.xy[faces.ids.tolist().index(name)], points(index), atol=1e-4)
