"""300W in both layouts, with what is wrong in such trees, and two real pictures."""

import json
import shutil

import cv2
import numpy as np
import pytest

from thermark.core.errors import DataError
from thermark.core.faces import Crops, Faces
from thermark.datasets import w300
from thermark.datasets.prepare import packing

CONFIG = w300.Config(raw="r", val=0.3)
TRAIN = [f"{folder}/{stem}" for folder, stem in (("afw", "134212_1.jpg"), ("afw", "134212_2.jpg"))]
TRAIN += [f"helen/trainset/{100 + n}_1.jpg" for n in range(8)]
TRAIN += [f"lfpw/trainset/image_{n:04d}.png" for n in range(1, 9)]
COMMON = ["helen/testset/296814969_3.jpg", "lfpw/testset/image_0001.png"]
CHALLENGE = ["ibug/image_003_1.jpg", "ibug/image_092 _01.jpg"]
PRIVATE = ["Test/01_Indoor/indoor_001.png", "Test/02_Outdoor/outdoor_001.png"]
EVERY = TRAIN + COMMON + CHALLENGE + PRIVATE
LISTS = {
    "train": TRAIN,
    "valid": COMMON + CHALLENGE,
    "valid_common": COMMON,
    "valid_challenge": CHALLENGE,
    "test": PRIVATE,
}


def seed(name):
    return EVERY.index(name)


def points(name):
    """Points (68, 2) as published, in a range wider than high."""
    return np.random.default_rng(seed(name)).uniform((20, 30), (90, 80), (68, 2)).round(3)


def draw(path, name):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed(name) + 99).integers(0, 255, (100, 120, 3), np.uint8))


def write_list(root, file, names):
    annotations = []
    for number, name in enumerate(names, start=1):
        low, high = np.floor(points(name).min(axis=0)), np.ceil(points(name).max(axis=0))
        entry = {"id": number, "image_id": number, "num_keypoints": 68, "area": 1.0, "bbox": [0.0, 0.0, 9.0, 9.0]}
        entry["keypoints"] = np.c_[points(name), np.ones(68)].ravel().tolist()
        entry |= {"center": ((low + high) / 2).tolist(), "scale": float((high - low).max() / 200)}
        annotations.append(entry)
    images = [{"id": n, "file_name": name, "height": 100, "width": 120} for n, name in enumerate(names, start=1)]
    content = {"categories": [{"id": 1, "name": "face"}], "images": images, "annotations": annotations}
    (root / "annotations").mkdir(exist_ok=True)
    (root / f"annotations/face_landmarks_300w_{file}.json").write_text(json.dumps(content))


def write_pts(path, xy):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{x:.6f} {y:.6f} \n" for x, y in xy)
    path.write_text(f"version: 1\nn_points:  68\n{{\n{rows}}}\n")


@pytest.fixture
def mmpose(tmp_path):
    root = tmp_path / "mmpose"
    for name in EVERY:
        draw(root / "images" / name, name)
    for file, names in LISTS.items():
        write_list(root, file, names)
    return root


@pytest.fixture
def ibug(tmp_path):
    """iBUG's archives, unpacked into one folder; the private set comes as `300W/01_Indoor`."""
    root = tmp_path / "ibug"
    for name in EVERY:
        path = root / "w" / name.replace("Test", "300W")
        draw(path, name)
        write_pts(path.with_suffix(".pts"), points(name))
    return root


def row(loaded, name):
    return loaded.faces.ids.tolist().index(name)


def edit(root, file, change):
    path = root / f"annotations/face_landmarks_300w_{file}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_faces_meet_their_pictures_and_subsets(mmpose):
    loaded = w300.load(mmpose, CONFIG)
    faces = loaded.faces
    assert len(faces) == len(loaded.frames) == 24
    one = row(loaded, "lfpw/testset/image_0001")
    assert loaded.frames.paths[one] == "images/lfpw/testset/image_0001.png"
    np.testing.assert_allclose(faces.xy[one], points(COMMON[1]), atol=1e-4)
    test = faces.splits == "test"
    subsets = dict(zip(faces.ids[test].tolist(), faces.strata["subset"][test].tolist(), strict=True))
    assert subsets == {
        "helen/testset/296814969_3": "common",
        "lfpw/testset/image_0001": "common",
        "ibug/image_003_1": "challenge",
        "ibug/image_092 _01": "challenge",
        "01_Indoor/indoor_001": "private",
        "02_Outdoor/outdoor_001": "private",
    }
    assert (faces.strata["full"] == "full").tolist() == np.isin(
        faces.strata["subset"], ["common", "challenge"]
    ).tolist()
    assert set(faces.splits[~test]) == {"train", "val"} and not any(faces.strata["subset"][~test])
    facts = loaded.findings.facts
    assert (facts["layout"], facts["origin"], facts["labels_in_box"]) == ("json", 0, 1.0)
    assert [facts[f"faces_{part}"] for part in ("train", "common", "challenge", "private")] == [18, 2, 2, 2]
    assert loaded.findings.lists["warning"][0] == "18 faces in train; the published set has 3,148"
    assert loaded.findings.lists.keys() == {"warning"}


def test_both_layouts_say_the_same(mmpose, ibug):
    first = w300.load(mmpose, w300.Config(raw="r", val=0.3, json_origin=1))
    second = w300.load(ibug, CONFIG)
    assert second.findings.facts == first.findings.facts | {"layout": "pts"}
    for name in ("ids", "subjects", "splits", "boxes", "prompts", "xy", "visible"):
        np.testing.assert_array_equal(getattr(first.faces, name), getattr(second.faces, name), name)
    assert first.faces.strata["subset"].tolist() == second.faces.strata["subset"].tolist()
    assert second.frames.paths[0] == "w/300W/01_Indoor/indoor_001.png"


@pytest.mark.parametrize("pictures", ["300w/images", "data/pictures", "."])
@pytest.mark.parametrize("labels", ["300w/annotations", "labels"])
def test_archives_unpack_where_they_like(mmpose, labels, pictures):
    """Also with another name of the folder above a collection."""
    expected = w300.load(mmpose, CONFIG).faces
    (mmpose / labels).parent.mkdir(parents=True, exist_ok=True)
    (mmpose / "annotations").rename(mmpose / labels)
    (mmpose / "images/Test").rename(mmpose / "images/300W")
    for folder in sorted((mmpose / "images").iterdir()):
        (mmpose / pictures / folder.name).parent.mkdir(parents=True, exist_ok=True)
        folder.rename(mmpose / pictures / folder.name)
    loaded = w300.load(mmpose, CONFIG)
    assert loaded.faces.ids.tolist() == expected.ids.tolist()
    np.testing.assert_array_equal(loaded.faces.xy, expected.xy)
    assert loaded.faces.strata["subset"].tolist() == expected.strata["subset"].tolist()
    assert loaded.findings.lists.keys() == {"warning"}


def test_of_two_copies_the_one_beside_the_labels_is_read(mmpose):
    """The other is noted, as a picture without labels of its own."""
    shutil.copytree(mmpose / "images/afw", mmpose / "a/afw")
    for name in ("annotations", "images"):
        (mmpose / "b").mkdir(exist_ok=True)
        (mmpose / name).rename(mmpose / "b" / name)
    loaded = w300.load(mmpose, CONFIG)
    assert all(path.startswith("b/images/") for path in loaded.frames.paths)
    assert loaded.findings.lists["missing_annotation"] == ["a/afw/134212_1.jpg", "a/afw/134212_2.jpg"]


def test_coordinates_count_from_the_first_pixel_centre(ibug):
    one = w300.load(ibug, CONFIG)
    zero = w300.load(ibug, w300.Config(raw="r", val=0.3, pts_origin=0))
    np.testing.assert_allclose(zero.faces.xy[3], points("afw/134212_2.jpg"), atol=1e-4)
    np.testing.assert_allclose(one.faces.xy, zero.faces.xy - 1, atol=1e-4)
    np.testing.assert_allclose(one.faces.boxes, zero.faces.boxes - 1, atol=1e-4)
    assert (one.findings.facts["origin"], zero.findings.facts["origin"]) == (1, 0)


def test_copies_of_one_photograph_share_a_split(ibug):
    for suffix in ("_2.jpg", "_2.pts"):  # AFW stores a photograph once a face
        shutil.copy(ibug / "w/afw" / f"134212{suffix}", ibug / "w/afw" / f"134212_12{suffix[2:]}")
    faces = w300.load(ibug, CONFIG).faces
    assert faces.subjects[faces.subjects == "afw/134212"].size == 3
    assert len(set(faces.splits[faces.subjects == "afw/134212"])) == 1
    assert "lfpw/trainset/image_0001" in faces.subjects and "ibug/image_092" in faces.subjects
    assert "01_Indoor/indoor_001" in faces.subjects


def test_the_innermost_folder_tells_the_part(ibug, mmpose):
    """A project called ibug is no challenge set; MMPose's lists meet such a tree, too."""
    before = w300.load(ibug, CONFIG)
    (ibug / "w").rename(ibug / "ibug")
    after = w300.load(ibug, CONFIG)
    for name in ("ids", "subjects", "splits"):
        np.testing.assert_array_equal(getattr(before.faces, name), getattr(after.faces, name), name)
    assert after.faces.strata["subset"].tolist() == before.faces.strata["subset"].tolist()
    assert [after.findings.facts[f"faces_{part}"] for part in w300.PUBLISHED] == [18, 2, 2, 2]
    for file in ("valid_common", "valid_challenge", "train", "test"):
        (mmpose / f"annotations/face_landmarks_300w_{file}.json").unlink()
    write_list(mmpose, "valid", [name for name in EVERY if name in COMMON + CHALLENGE])
    edit(
        mmpose,
        "valid",
        lambda c: [image.update(file_name="ibug/" + image["file_name"]) for image in c["images"]],
    )
    listed = w300.load(mmpose, CONFIG)
    assert [listed.findings.facts[f"faces_{part}"] for part in ("common", "challenge")] == [2, 2]


def test_case_and_stray_blanks_of_names_do_not_matter(mmpose, ibug):
    one, two = w300.load(mmpose, CONFIG), w300.load(ibug, CONFIG)
    for root in (mmpose / "images", ibug / "w"):
        for old, new in (("afw", "AFW"), ("helen/trainset", "helen/Trainset"), ("lfpw", "LFPW")):
            (root / old).rename(root / "aside")
            (root / "aside").rename(root / new)
    (mmpose / "images/ibug/image_092 _01.jpg").rename(mmpose / "images/ibug/image_092_01.jpg")
    for before, after in ((one, w300.load(mmpose, CONFIG)), (two, w300.load(ibug, CONFIG))):
        assert after.findings.lists == before.findings.lists
        assert after.faces.ids.tolist() == before.faces.ids.tolist()
        assert after.faces.splits.tolist() == before.faces.splits.tolist()
    assert "images/ibug/image_092_01.jpg" in w300.load(mmpose, CONFIG).frames.paths


def test_valid_alone_tells_its_subsets_by_folder(mmpose):
    before = w300.load(mmpose, CONFIG)
    for file in ("valid_common", "valid_challenge"):
        (mmpose / f"annotations/face_landmarks_300w_{file}.json").unlink()
    after = w300.load(mmpose, CONFIG)
    assert after.faces.strata["subset"].tolist() == before.faces.strata["subset"].tolist()
    assert after.faces.splits.tolist() == before.faces.splits.tolist()
    (mmpose / "annotations/face_landmarks_300w_valid.json").unlink()
    assert len(w300.load(mmpose, CONFIG).faces) == 20


def test_what_does_not_meet_is_listed(mmpose):
    def change(content):
        extra = dict(content["annotations"][3])
        content["annotations"] += [extra, extra | {"image_id": 999, "id": 999}]

    edit(mmpose, "train", change)
    (mmpose / "images" / TRAIN[5]).unlink()
    (mmpose / "images" / COMMON[0]).unlink()
    draw(mmpose / "images/afw/new.JPG", TRAIN[0])
    loaded = w300.load(mmpose, CONFIG)
    lists = loaded.findings.lists
    del lists["warning"]
    assert lists == {
        "missing_image": [COMMON[0], TRAIN[5]],  # once, though valid repeats it
        "duplicate_id": ["images/helen/trainset/101_1.jpg"],
        "orphan_annotation": ["face_landmarks_300w_train.json: annotations[19] (id 999)"],
        "missing_annotation": ["images/afw/new.JPG"],
    }
    assert len(loaded.faces) == 22


def test_a_face_of_train_and_test_is_tested(mmpose):
    write_list(mmpose, "train", TRAIN + COMMON[:1])
    loaded = w300.load(mmpose, CONFIG)
    assert loaded.findings.lists["duplicate_id"] == ["images/helen/testset/296814969_3.jpg"]
    assert loaded.faces.splits[row(loaded, "helen/testset/296814969_3")] == "test"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"scale": 0.0}, "has a box without area"),
        ({"scale": float("nan")}, "has a box without area"),
        ({"scale": "1"}, "has no usable scale"),
        ({"scale": None}, "has no usable scale"),
        ({"center": [1.0]}, "has 1 numbers in center instead of 2"),
        ({"keypoints": [1.0] * 136}, "has 136 numbers in keypoints instead of 204"),
        ({"keypoints": [0] * 204}, "labels no point in keypoints"),
    ],
)
def test_a_bad_row_is_left_out_and_named(mmpose, change, why):
    edit(mmpose, "train", lambda content: content["annotations"][2].update(change))
    loaded = w300.load(mmpose, CONFIG)
    where = "face_landmarks_300w_train.json: annotations[2] (id 3)"
    assert loaded.findings.lists["bad_annotation"] == [f"{where} {why}"]
    assert loaded.findings.lists["missing_annotation"] == ["images/helen/trainset/100_1.jpg"]
    assert len(loaded.faces) == 23


def test_unlabelled_points_are_nan(mmpose):
    def change(content):
        keypoints = content["annotations"][0]["keypoints"]
        keypoints[2], keypoints[3] = 0, float("inf")

    edit(mmpose, "train", change)
    loaded = w300.load(mmpose, CONFIG)
    index = row(loaded, "afw/134212_1")
    assert np.isnan(loaded.faces.xy[index]).all(axis=1).tolist() == [True, True] + [False] * 66
    assert (~loaded.faces.visible[index]).sum() == 2


def test_bad_landmark_files_are_listed(ibug):
    helen = ibug / "w/helen/trainset"
    write_pts(helen / "100_1.pts", points(TRAIN[2])[:67])
    write_pts(helen / "106_1.pts", np.full((68, 2), np.nan))
    (helen / "107_1.jpg").unlink()
    write_pts(ibug / "elsewhere/1.pts", points(TRAIN[2]))
    shutil.copytree(ibug / "w/afw", ibug / "z/afw")
    loaded = w300.load(ibug, CONFIG)
    lists = loaded.findings.lists
    assert lists["bad_annotation"] == [
        "100_1.pts does not have 68 points (67 lines)",
        "w/helen/trainset/106_1.pts has a box without area",
    ]
    assert lists["unknown_part"] == ["elsewhere/1.pts"]
    assert lists["missing_image"] == ["w/helen/trainset/107_1.pts"]
    assert lists["duplicate_id"] == ["z/afw/134212_1.jpg", "z/afw/134212_2.jpg"]
    assert len(loaded.faces) == 21


def test_a_point_that_is_nan_is_unlabelled(ibug):
    xy = points(TRAIN[4])
    expected = w300.load(ibug, CONFIG)
    xy[40] = np.nan
    write_pts(ibug / "w/helen/trainset/102_1.pts", xy)
    loaded = w300.load(ibug, CONFIG)
    index = row(loaded, "helen/trainset/102_1")
    assert np.flatnonzero(~loaded.faces.visible[index]).tolist() == [40]
    np.testing.assert_allclose(loaded.faces.boxes[index], expected.faces.boxes[index], atol=8)


def test_what_cannot_be_understood_is_an_error(mmpose):
    """What the reader refuses is tested with COCO-WholeBody, which has the same."""
    edit(mmpose, "train", lambda content: content["images"][0].update(file_name="/etc/hosts"))
    with pytest.raises(DataError, match=r"images\[0\] \(id 1\) has no usable file_name"):
        w300.load(mmpose, CONFIG)


def test_empty_splits_are_errors(mmpose):
    with pytest.raises(DataError, match="no labelled 300W picture under annotations"):
        w300.load(mmpose / "annotations", CONFIG)  # one folder too deep: pictures are outside
    with pytest.raises(DataError, match="no face is left in the val split"):
        w300.load(mmpose, w300.Config(raw="r", val=1e-9))


def test_crops_show_the_box_and_leave_out_what_is_unreadable(mmpose, tmp_path):
    (mmpose / "images" / COMMON[0]).write_bytes(b"")
    config = w300.Config(raw="r", val=0.3, max_bad_fraction=0.1)
    out, report = tmp_path / "out", tmp_path / "report.json"
    packing.pack(
        w300, mmpose, config, packing.CropConfig(size=32, padding=1.0), out, report, tmp_path / "s.csv", 1
    )
    faces, crops = Faces.open(out / "faces.npz"), Crops.open(out)
    assert crops.pixels.shape == (23, 32, 32, 3)
    corner = crops.to_source[0] @ np.array([-0.5, -0.5, 1.0])
    np.testing.assert_allclose(corner, faces.boxes[0, :2], atol=1.0)
    content = json.loads(report.read_text())
    assert content["found"]["unreadable"]["examples"][0].startswith("296814969_3.jpg is empty")
    assert content["strata"]["subset"] == {"challenge": 2, "common": 1, "private": 2}


def test_the_real_samples(mirror, tmp_path):
    """Two private pictures: MMPose's centre and scale are those of the tight box, rounded outwards and squared."""
    source = mirror("test_300w.json")
    (tmp_path / "annotations").mkdir()
    shutil.copy(source, tmp_path / "annotations/face_landmarks_300w_test.json")
    (tmp_path / "images").mkdir()
    for path in source.parent.glob("*.png"):
        shutil.copy(path, tmp_path / "images")
    loaded = w300.load(tmp_path, w300.Config(raw="r"))
    faces = loaded.faces
    assert faces.ids.tolist() == ["indoor_020", "indoor_029"]
    assert loaded.findings.lists == {"warning": ["2 faces in private; the published set has 600"]}
    np.testing.assert_allclose(faces.boxes[1], [251, 265, 728, 742], atol=1e-3)
    np.testing.assert_allclose(faces.boxes, w300.square(faces.xy), atol=1e-3)
    assert loaded.findings.facts["labels_in_box"] == 1.0
    assert (faces.xy[:, 36, 0] < faces.xy[:, 45, 0]).all()  # the subject's right is image-left
    assert set(faces.splits) == {"test"} and set(faces.strata["subset"]) == {"private"}
