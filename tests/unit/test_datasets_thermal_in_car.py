"""ThermalImagesDataset in its published layout, made up and real; lines of YOLO key points, whatever they hold."""

import shutil

import cv2
import numpy as np
import pytest

from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_set
from thermark.datasets import thermal_in_car
from thermark.datasets.prepare import packing
from thermark.datasets.readers import yolo

CONFIG = thermal_in_car.Config(raw="r")
RECORDINGS = {
    "1_Man_Glasses1_Normal": ("Face & Keypoints", [0, 10, 20]),
    "1_Man_NoGlasses_Yawning2": ("Face & Kpts", [250, 255, 261, 262, 271]),
    "6_Woman_Glasses2_Yawning": ("Face & Kpts", [3]),
}
WIDTH, HEIGHT = 320, 240


def points(name):
    """54 points in px from the outline, whose eyes are where a face's are."""
    xy = np.random.default_rng(sum(map(ord, name))).uniform((110, 90), (190, 170), (54, 2))
    xy[36, 0], xy[45, 0] = 120, 180
    return xy


def line(xy, confidence=1.0, box=(100, 60, 200, 180)):
    size = np.array([WIDTH, HEIGHT])
    near, far = np.array(box[:2]) / size, np.array(box[2:]) / size
    rows = np.column_stack([xy / size, np.broadcast_to(confidence, 54)])
    return " ".join(["0", *(f"{number:.7f}" for number in (*((near + far) / 2), *(far - near), *rows.ravel()))])


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "ThermalImagesDataset-c3494593"
    for recording, (folder, numbers) in RECORDINGS.items():
        for number in numbers:
            name = f"Imag_{number:05}"
            picture = root / recording / "Jpg" / f"{name}.jpg"
            labels = root / recording / folder / "labels" / f"{name}.txt"
            for path in (picture, labels):
                path.parent.mkdir(parents=True, exist_ok=True)
            grey = np.random.default_rng(number).integers(0, 255, (HEIGHT // 8, WIDTH // 8), np.uint8)
            cv2.imwrite(str(picture), cv2.resize(grey, (WIDTH, HEIGHT)))
            labels.write_text(f"{line(points(recording + name))}\n")
    return tmp_path


def file_of(tree, recording, number):
    return next((tree / "ThermalImagesDataset-c3494593" / recording).rglob(f"labels/Imag_{number:05}.txt"))


def test_faces_meet_their_pictures_boxes_and_people(tree):
    loaded = thermal_in_car.load(tree, CONFIG)
    faces = loaded.faces
    # Of the second recording every picture that is ten numbers behind the one before it that was taken.
    assert faces.ids.tolist() == [
        *(f"1_Man_Glasses1_Normal/Imag_000{number}" for number in ("00", "10", "20")),
        *(f"1_Man_NoGlasses_Yawning2/Imag_00{number}" for number in (250, 261, 271)),
        "6_Woman_Glasses2_Yawning/Imag_00003",
    ]
    np.testing.assert_allclose(faces.xy[1], points("1_Man_Glasses1_NormalImag_00010") - 0.5, atol=1e-3)
    np.testing.assert_allclose(faces.prompts[1], [99.5, 59.5, 199.5, 179.5], atol=1e-3)
    np.testing.assert_allclose(faces.boxes[1, :2], faces.xy[1].min(axis=0))
    assert faces.subjects.tolist() == ["person_1"] * 6 + ["person_6"] and set(faces.splits) == {"test"}
    assert faces.strata["glasses"].tolist() == ["glasses1"] * 3 + ["none"] * 3 + ["glasses2"]
    assert faces.strata["state"].tolist() == ["normal"] * 3 + ["yawning"] * 4
    assert loaded.frames.paths[1].endswith("1_Man_Glasses1_Normal/Jpg/Imag_00010.jpg")
    assert loaded.frames.modality == "thermal" and faces.visible.all() and not loaded.findings.lists
    assert {check.name: check.verdict for check in loaded.findings.checks} == {
        "sides": "ok",
        "labels in boxes": "ok",
        "published counts": "warning",
    }
    assert len(thermal_in_car.load(tree, thermal_in_car.Config(raw="r", stride=1)).faces) == 9


def test_labels_are_told_to_be_a_networks():
    assert (thermal_in_car.CARD.labels, thermal_in_car.CARD.boxes) == ("machine", "face")


def test_people_can_be_learned_from(tree):
    split = thermal_in_car.load(
        tree, thermal_in_car.Config(raw="r", train=("person_1",), val=("person_6",))
    ).faces.splits
    assert split.tolist() == ["train"] * 6 + ["val"]
    with pytest.raises(ConfigError, match="no 'person_2' in the data"):
        thermal_in_car.load(tree, thermal_in_car.Config(raw="r", train=("person_2",)))


def test_points_of_which_the_network_was_not_sure_have_no_label(tree):
    confidence = np.ones(54)
    confidence[[3, 50]] = 0.49, 0.2
    file_of(tree, "6_Woman_Glasses2_Yawning", 3).write_text(line(points("x"), confidence))
    faces = thermal_in_car.load(tree, CONFIG).faces
    assert np.flatnonzero(~faces.visible[-1]).tolist() == [3, 50] and np.isnan(faces.xy[-1, [3, 50]]).all()
    low = thermal_in_car.load(tree, thermal_in_car.Config(raw="r", min_confidence=0.3)).faces
    assert np.flatnonzero(~low.visible[-1]).tolist() == [50]


def test_what_does_not_meet_is_listed(tree):
    root = tree / "ThermalImagesDataset-c3494593"
    file_of(tree, "1_Man_Glasses1_Normal", 0).unlink()
    (root / "1_Man_Glasses1_Normal/Jpg/Imag_00010.jpg").unlink()
    file_of(tree, "1_Man_Glasses1_Normal", 20).write_text("\n")
    shutil.copytree(root / "6_Woman_Glasses2_Yawning", root / "again/6_Woman_Glasses2_Yawning")
    xy = points("x")
    far = line(xy - 60, box=(40, 20, 100, 80))
    file_of(tree, "6_Woman_Glasses2_Yawning", 3).write_text(f"{far}\n{line(xy)}\n")
    loaded = thermal_in_car.load(tree, CONFIG)
    assert {kind: len(names) for kind, names in loaded.findings.lists.items()} == {
        "duplicate_image": 1,
        "duplicate_annotation": 1,
        "missing_annotation": 1,
        "missing_image": 1,
        "no_face": 1,
        "more_faces": 1,
    }
    # The larger of two faces is that of whoever drives.
    np.testing.assert_allclose(loaded.faces.prompts[-1], [99.5, 59.5, 199.5, 179.5], atol=1e-3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0 1 2 3", "has 4 numbers in a line, not 167"),
        (line(points("x")).replace("0.", "x.", 1), "holds something that is no number"),
        (" ".join(["0", "nan", *line(points("x")).split()[2:]]), "holds a number that is not finite"),
        (line(points("x"), box=(100, 60, 100, 60)), "has a box without area"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_bad_file_is_left_out_and_named(tree, text, why):
    path = file_of(tree, "6_Woman_Glasses2_Yawning", 3)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    loaded = thermal_in_car.load(tree, CONFIG)
    assert len(loaded.faces) == 6
    (message,) = loaded.findings.lists["bad_annotation"]
    assert message.startswith("6_Woman_Glasses2_Yawning/Imag_00003 ") and why in message


def test_nothing_is_an_error_that_says_why(tree):
    for path in tree.rglob("*.txt"):
        path.write_text("0 0\n")
    with pytest.raises(
        DataError, match=r"no labelled picture .* 7 x bad annotation, first: 1_Man_Glasses1_Normal/"
    ):
        thermal_in_car.load(tree, CONFIG)


def test_a_prepared_set_is_all_test_and_a_broken_picture_is_left_out(tree, tmp_path):
    (tree / "ThermalImagesDataset-c3494593/6_Woman_Glasses2_Yawning/Jpg/Imag_00003.jpg").write_bytes(b"")
    config = thermal_in_car.Config(raw="r", max_bad_fraction=0.2)
    crop = packing.CropConfig(size=32, padding=1.0)
    at = [tmp_path / name for name in ("out", "report.json", "splits.csv")]
    report = packing.pack(thermal_in_car, tree, config, crop, *at)
    faces, _ = open_set(tmp_path / "out")
    assert len(faces) == 6 and report["splits"] == {"test": 6}
    assert report["card"]["labels"] == "machine" and report["found"]["unreadable"]["count"] == 1


def test_lines_are_boxes_points_and_confidences(tmp_path):
    xy, confidence = points("x"), np.linspace(0, 1, 54)
    (tmp_path / "x.txt").write_text(f"\ufeff{line(xy, confidence)}\r\n\r\n", encoding="utf-8")
    (row,) = yolo.rows(tmp_path / "x.txt", 54, "x")
    np.testing.assert_allclose(row.xy * [WIDTH, HEIGHT], xy, atol=1e-4)
    np.testing.assert_allclose(row.confidence, confidence, atol=1e-6)
    np.testing.assert_allclose(row.box * [WIDTH, HEIGHT, WIDTH, HEIGHT], [100, 60, 200, 180], atol=1e-4)


def test_the_real_half_is_read(mirror):
    """588 pictures of three people, each with one face; machine labels that agree with their own conventions."""
    root = mirror("thermal_in_car")
    loaded = thermal_in_car.load(root, thermal_in_car.Config(raw="r", stride=10))
    assert len(loaded.faces) == 588 and sorted(set(loaded.faces.subjects)) == ["person_1", "person_2", "person_3"]
    assert not loaded.findings.lists
    verdicts = {check.name: check.verdict for check in loaded.findings.checks}
    assert verdicts["sides"] == verdicts["labels in boxes"] == "ok"
    # A publisher's box is larger than that of the labels, and reaches further up than down.
    ratio = np.median(
        (loaded.faces.prompts[:, 2:] - loaded.faces.prompts[:, :2])
        / (loaded.faces.boxes[:, 2:] - loaded.faces.boxes[:, :2]),
        axis=0,
    )
    assert 1.0 < ratio[0] < 1.2 < ratio[1] < 1.4
