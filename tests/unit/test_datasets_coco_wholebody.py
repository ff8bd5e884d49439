"""COCO-WholeBody's faces in a tree as it unpacks, with what is wrong in such trees, and four real ones."""

import json
import shutil
import tracemalloc

import cv2
import numpy as np
import pytest

from thermark.core import geometry
from thermark.core.errors import DataError
from thermark.datasets import coco_wholebody as coco
from thermark.datasets.readers import coco as tables

CONFIG = coco.Config(raw="r", val=0.3)


def face(seed, low=(20, 30), side=40.0):
    """Points (68, 2) inside a box of `side` at `low`."""
    return (np.random.default_rng(seed).uniform(0.1, 0.9, (68, 2)) * side + low).round(3)


def person(number, image, xy=None, box=(20.0, 30.0, 40.0, 40.0), v=1.0, **other):
    points = [] if xy is None else np.c_[xy, np.full(68, v)].ravel().tolist()
    entry = {"id": number, "image_id": image, "category_id": 1, "bbox": [0, 0, 90, 90], "iscrowd": 0}
    entry |= {"face_valid": xy is not None, "face_kpts": points or [0.0] * 204, "segmentation": [[1.0] * 60]}
    return entry | {"face_box": list(box) if points else [0.0] * 4, "lefthand_kpts": [0.0] * 63} | other


def write(root, part, people, images=None):
    numbers = images or sorted({entry["image_id"] for entry in people})
    content = {"info": {"year": 2020}, "licenses": [], "categories": [{"id": 1, "name": "person"}]}
    content |= {"images": [{"id": n, "file_name": f"{n:012d}.jpg"} for n in numbers], "annotations": people}
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / f"annotations/coco_wholebody_{part}_v1.0.json").write_text(json.dumps(content))
    folder = root / f"{part}2017"
    folder.mkdir(exist_ok=True)
    for n in numbers:
        cv2.imwrite(
            str(folder / f"{n:012d}.jpg"), np.random.default_rng(n).integers(0, 255, (96, 128, 3), np.uint8)
        )


@pytest.fixture
def root(tmp_path):
    """Twenty train pictures of one face and three val pictures, one with two faces and a person without."""
    write(tmp_path, "train", [person(n, n, face(n)) for n in range(1, 21)])
    write(
        tmp_path,
        "val",
        [
            person(901, 501, face(901)),
            person(902, 501, face(902, (60, 50), 33.0), (60.0, 50.0, 36.0, 33.0)),
            person(903, 501),
            person(904, 502, face(904)),
            person(905, 503),
        ],
    )
    return tmp_path


def edit(root, part, change):
    path = root / f"annotations/coco_wholebody_{part}_v1.0.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_faces_meet_their_pictures_and_splits(root):
    loaded = coco.load(root, CONFIG)
    faces, frames = loaded.faces, loaded.frames
    assert len(faces) == 23 and len(frames) == 22
    assert faces.ids[-3:].tolist() == ["000000000501/901", "000000000501/902", "000000000502/904"]
    assert frames.paths[-1] == "val2017/000000000502.jpg" and frames.paths[0] == "train2017/000000000001.jpg"
    np.testing.assert_allclose(faces.xy[-2], face(902, (60, 50), 33.0), atol=1e-4)
    np.testing.assert_allclose(faces.boxes[-2], [60, 50, 96, 83])
    np.testing.assert_array_equal(faces.prompts, faces.boxes)
    assert set(faces.splits[:20]) == {"train", "val"} and set(faces.splits[20:]) == {"test"}
    assert faces.visible.all() and set(faces.vocabularies) == {"ibug68"}
    assert loaded.findings.summary() == {
        "found": {},
        "facts": {"people_train": 20, "faces_train": 20, "people_val": 5, "faces_val": 3, "labels_in_box": 1.0},
        "checks": [],
    }


@pytest.mark.parametrize("pictures", ["", "images", "coco/images", "elsewhere/deep"])
@pytest.mark.parametrize("labels", ["annotations", "coco_wholebody", "x/annotations"])
def test_archives_unpack_where_they_like(root, labels, pictures):
    expected = coco.load(root, CONFIG).faces
    (root / labels).parent.mkdir(parents=True, exist_ok=True)
    (root / "annotations").rename(root / labels)
    for part in ("train2017", "val2017"):
        (root / pictures / part).parent.mkdir(parents=True, exist_ok=True)
        (root / part).rename(root / pictures / part)
    loaded = coco.load(root, CONFIG)
    assert loaded.faces.ids.tolist() == expected.ids.tolist()
    np.testing.assert_array_equal(loaded.faces.xy, expected.xy)
    assert loaded.frames.paths[0] == f"{pictures}/train2017/000000000001.jpg".lstrip("/")
    assert loaded.findings.lists == {}


def test_small_faces_are_counted_and_left_out(root):
    loaded = coco.load(root, coco.Config(raw="r", val=0.3, min_side=33.5))
    assert loaded.findings.lists == {"too_small": ["000000000501/902"]}
    assert len(loaded.faces) == 22
    assert len(coco.load(root, coco.Config(raw="r", val=0.3, min_side=33.0)).faces) == 23


def test_visibility_may_be_a_fraction(root):
    def change(content):
        points = content["annotations"][0]["face_kpts"]
        points[2], points[5], points[8], points[9] = 0.04, 0.0, -1, float("nan")

    edit(root, "train", change)
    faces = coco.load(root, CONFIG).faces
    assert np.isnan(faces.xy[0]).any(axis=1).tolist() == [False, True, True, True] + [False] * 64
    assert faces.visible[0].tolist() == [True, False, False, False] + [True] * 64


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"face_box": [20.0, 30.0, 0.0, 40.0]}, "has a box without area"),
        ({"face_box": [20.0, float("nan"), 40.0, 40.0]}, "has a box without area"),
        ({"face_box": [20.0, 1e200, 40.0, 40.0]}, "has a box without area"),
        ({"face_box": [10**400, 1, 40.0, 40.0]}, "has a box without area"),
        ({"face_box": [20.0, 30.0, 40.0]}, "has 3 numbers in face_box instead of 4"),
        ({"face_box": None}, "has no usable face_box"),
        ({"face_kpts": [1.0] * 201}, "has 201 numbers in face_kpts instead of 204"),
        ({"face_kpts": [0.0] * 204}, "labels no point in face_kpts"),
        ({"face_kpts": ["1"] * 204}, "has no usable face_kpts"),
        ({"face_kpts": [True] * 204}, "has no usable face_kpts"),
    ],
)
def test_a_bad_row_is_left_out_and_named(root, change, why):
    edit(root, "train", lambda content: content["annotations"][4].update(change))
    loaded = coco.load(root, CONFIG)
    row = "coco_wholebody_train_v1.0.json: annotations[4] (id 5)"
    assert loaded.findings.lists == {"bad_annotation": [f"{row} {why}"]}
    assert len(loaded.faces) == 22 and "000000000005" not in loaded.frames.ids


def test_what_does_not_meet_is_listed(root):
    def change(content):
        content["annotations"] += [person(2, 2, face(99)), person(30, 77, face(30)), person(31, 3, face(31))]

    edit(root, "train", change)
    (root / "train2017/000000000003.jpg").unlink()
    shutil.copytree(root / "annotations", root / "old/annotations")
    loaded = coco.load(root, CONFIG)
    assert loaded.findings.lists == {
        "duplicate_annotations": [f"old/annotations/coco_wholebody_{part}_v1.0.json" for part in ("train", "val")],
        "duplicate_id": ["coco_wholebody_train_v1.0.json: annotations[20] (id 2)"],
        "orphan_annotation": ["coco_wholebody_train_v1.0.json: annotations[21] (id 30)"],
        "missing_image": ["000000000003.jpg"],
    }
    np.testing.assert_allclose(loaded.faces.xy[1], face(2), atol=1e-4)  # the first row counts
    assert len(loaded.faces) == 22


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: c["annotations"][3].pop("image_id"), r"annotations\[3\] \(id 4\) has no usable image_id"),
        (lambda c: c["annotations"][3].pop("face_valid"), r"annotations\[3\] \(id 4\) has no usable face_valid"),
        (lambda c: c["annotations"].insert(2, 7), r"annotations\[2\] is no object"),
        (lambda c: c["images"][1].update(id=1), r"images\[1\] .*000000000001.jpg has the same id"),
        (lambda c: c["images"][1].update(file_name="../x.jpg"), r"images\[1\] \(id 2\) has no usable file_name"),
        (lambda c: c["images"][1].update(file_name=" "), "no usable file_name"),
        (lambda c: c["images"][1].update(file_name="/etc/hosts"), "no usable file_name"),
        (lambda c: c.update(annotations={}), "annotations is no list"),
        (lambda c: c.pop("images"), "has no images and annotations"),
        (lambda c: c.update(annotations=[]), "no face is left in the train split"),
    ],
)
def test_what_cannot_be_understood_is_an_error(root, change, why):
    edit(root, "train", change)
    with pytest.raises(DataError, match=why):
        coco.load(root, CONFIG)


def test_nothing_and_broken_files_are_errors(root, tmp_path):
    with pytest.raises(DataError, match="no coco_wholebody_train"):
        coco.load(root / "train2017", CONFIG)
    (root / "annotations/coco_wholebody_val_v1.0.json").write_text("{")
    with pytest.raises(DataError, match=r"coco_wholebody_val_v1\.0\.json is no JSON"):
        coco.load(root, CONFIG)
    write(root, "val", [person(1, 1)])
    (root / "annotations/coco_wholebody_train_v1.0.json").unlink()
    with pytest.raises(DataError, match="no labelled COCO-WholeBody face"):
        coco.load(root, CONFIG)


def test_pictures_may_lie_in_a_folder_of_images(root):
    (root / "images").mkdir()
    (root / "val2017").rename(root / "images/val2017")
    assert coco.load(root, CONFIG).frames.paths[-1] == "images/val2017/000000000502.jpg"


def test_one_part_alone_is_enough(root):
    (root / "annotations/coco_wholebody_train_v1.0.json").unlink()
    assert set(coco.load(root, CONFIG).faces.splits) == {"test"}


def test_a_picture_keeps_its_split_whatever_else_is_there(root):
    before = coco.load(root, CONFIG).faces
    edit(root, "train", lambda content: content["annotations"].pop(0))
    after = coco.load(root, CONFIG).faces
    assert after.splits.tolist() == before.splits[1:].tolist()
    other = coco.load(root, coco.Config(raw="r", val=0.3, seed=1)).faces
    assert other.splits.tolist() != after.splits.tolist()


def test_points_of_faces_that_are_none_take_no_memory(tmp_path, monkeypatch):
    """Of 260,000 people more than half have no face, but 204 zeros in place of it."""
    write(
        tmp_path,
        "train",
        [person(n, n, face(n) if n % 10 == 1 else None) for n in range(1, 201)],
        [*range(1, 201)],
    )
    path = tmp_path / "annotations/coco_wholebody_train_v1.0.json"
    seen = []
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda *given: seen.append(read(*given)) or seen[-1])
    loaded = coco.load(tmp_path, CONFIG)
    assert len(loaded.faces) == 20 and loaded.findings.facts["people_train"] == 200
    content = seen[0].content
    kept = ["face_kpts" in entry for entry in content["annotations"]]
    assert kept == [entry["face_valid"] for entry in content["annotations"]] and sum(kept) == 20
    np.testing.assert_array_equal(loaded.faces.ids, [f"{n:012d}/{n}" for n in range(1, 201) if n % 10 == 1])
    assert "face_kpts" in read(path, coco.FIELDS).content["annotations"][1]


def test_pictures_of_both_parts_may_have_one_name(tmp_path):
    """What tells them apart is the folder, wherever the labels lie."""
    write(tmp_path, "train", [person(n, n, face(n)) for n in range(1, 21)])
    write(tmp_path, "val", [person(100 + n, n, face(100 + n)) for n in (1, 2, 50)])
    (tmp_path / "train2017/000000000002.jpg").unlink()
    (tmp_path / "val2017/000000000001.jpg").unlink()
    loaded = coco.load(tmp_path, CONFIG)
    paths = dict(zip(loaded.frames.ids.tolist(), loaded.frames.paths.tolist(), strict=True))
    of = {
        identifier: paths[str(frame)]
        for identifier, frame in zip(loaded.faces.ids.tolist(), loaded.faces.frames, strict=True)
    }
    assert of["000000000001/1"] == "train2017/000000000001.jpg"
    assert of["000000000002/102"] == "val2017/000000000002.jpg"
    assert loaded.findings.lists["missing_image"] == ["000000000002.jpg", "000000000001.jpg"]


def test_outlines_and_hands_take_no_memory(tmp_path):
    """The train file has a gigabyte; most of it is dropped while it is read."""
    people = [person(n, 1, segmentation=[[float(n + i) for i in range(5000)]]) for n in range(40)]
    write(tmp_path, "train", people, [1])
    path = tmp_path / "annotations/coco_wholebody_train_v1.0.json"
    tracemalloc.start()
    try:
        content = tables.read(path, coco.FIELDS).content
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(content["annotations"]) == 40 and "segmentation" not in content["annotations"][0]
    assert peak < 3 * path.stat().st_size  # bytes and text, but not 200,000 floats of 32 bytes


def test_the_real_samples(mirror, tmp_path):
    """Four small faces of three val pictures: points lie on faces, the subject's right is image-left."""
    source = mirror("test_coco_wholebody.json")
    (tmp_path / "annotations").mkdir()
    shutil.copy(source, tmp_path / "annotations/coco_wholebody_val_v1.0.json")
    (tmp_path / "val2017").mkdir()
    for path in source.parent.glob("*.jpg"):
        shutil.copy(path, tmp_path / "val2017")
    with pytest.raises(DataError, match="no labelled COCO-WholeBody face"):
        coco.load(tmp_path, coco.Config(raw="r"))
    loaded = coco.load(tmp_path, coco.Config(raw="r", min_side=16))
    faces = loaded.faces
    assert faces.ids.tolist() == [
        "000000000785/442619",
        "000000040083/198196",
        "000000040083/230195",
        "000000197388/437295",
    ]
    assert loaded.findings.lists == {} and loaded.findings.facts["people_val"] == 14
    np.testing.assert_allclose(faces.boxes[0], [358.2, 69.86, 384.56, 95.71], atol=1e-3)
    assert loaded.findings.facts["labels_in_box"] > 0.9
    assert (faces.xy[:, 36, 0] < faces.xy[:, 45, 0]).all()
    assert (faces.xy[:, 27, 1] < faces.xy[:, 8, 1]).all()  # the bridge of the nose above the chin
    jaw = geometry.box_size(geometry.bounding_box(faces.xy[:, :17]))
    assert (np.abs(jaw[:, 0] / geometry.box_size(faces.boxes)[:, 0] - 1) < 0.3).all()
