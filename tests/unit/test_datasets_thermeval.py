"""ThermEval-D in its real layout: restarting ids, .jpg names, several people, three possible units."""

import json

import cv2
import numpy as np
import pytest

from thermark.core.errors import DataError
from thermark.datasets import thermeval
from thermark.datasets.thermeval import celsius, distance, head_box

CONFIG = thermeval.Config(raw="r", val=("session_00",))
CATEGORIES = [{"id": 7, "name": "person"}, {"id": 1, "name": "Chest"}, {"id": 5, "name": "Forehead"}]
CATEGORIES += [{"id": 2, "name": "NOSE"}]
PERSON, FOREHEAD, NOSE = 7, 5, 2


def annotation(image, category, box):
    return {"id": id(box), "image_id": image, "category_id": category, "bbox": box, "segmentation": []}


def write_json(root, part, images, annotations, categories=CATEGORIES):
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "Annotations").mkdir(exist_ok=True)
    (root / "Annotations" / f"annotations_{part}.json").write_text(json.dumps(content))


def write_image(root, number, value=31.5):
    for folder, suffix, array in (
        ("images", "png", np.full((256, 192), number % 250, np.uint8)),
        ("Temp_Matrix", "tiff", np.full((256, 192), value, np.float32)),
    ):
        (root / folder).mkdir(exist_ok=True)
        cv2.imwrite(str(root / folder / f"Thermal_{number}.{suffix}"), array)


@pytest.fixture
def root(tmp_path):
    for number in (1, 2, 241, 256, 511, 541):
        write_image(tmp_path, number)
    images = [{"id": n, "file_name": f"Thermal_{n}.png"} for n in (1, 2, 241, 256)]
    people = [
        annotation(1, PERSON, [0, 0, 192, 250]),
        annotation(1, PERSON, [20, 40, 60, 100]),
        annotation(1, FOREHEAD, [40, 50, 20, 10]),
        annotation(1, NOSE, [46, 70, 8, 6]),
        annotation(1, NOSE, [150, 200, 8, 6]),
        annotation(1, NOSE, [150, 252, 8, 3]),
        annotation(241, PERSON, [10, 10, 100, 200]),
        annotation(241, NOSE, [50, 50, 10, 10]),
    ]
    write_json(tmp_path, 1, images, people)
    other = [{"id": 1, "file_name": "Thermal_541.jpg"}, {"id": 2, "file_name": "Thermal_511.jpg"}]
    write_json(
        tmp_path,
        2,
        other,
        [annotation(1, PERSON, [10, 10, 100, 200]), annotation(1, NOSE, [50.5, 50, 10, 10])],
    )
    return tmp_path


def test_a_face_is_a_nose_in_its_smallest_person(root):
    loaded = thermeval.load(root, CONFIG)
    faces = loaded.faces
    assert faces.ids.tolist() == ["1/Thermal_1/0", "1/Thermal_1/1", "1/Thermal_241/0", "2/Thermal_541/0"]
    np.testing.assert_array_equal(faces.boxes[0], [19.5, 39.5, 79.5, 139.5])
    np.testing.assert_array_equal(faces.boxes[1], [-0.5, -0.5, 191.5, 249.5])
    np.testing.assert_array_equal(faces.xy[:, 0], [[49.5, 72.5], [153.5, 202.5], [54.5, 54.5], [55, 54.5]])
    assert set(faces.vocabularies) == {"nose1"}
    assert loaded.findings.lists["nose_without_person"] == ["1/Thermal_1/2"]
    assert loaded.frames.ids.tolist() == [
        "1/Thermal_1",
        "1/Thermal_2",
        "1/Thermal_241",
        "1/Thermal_256",
        "2/Thermal_541",
        "2/Thermal_511",
    ]
    assert loaded.frames.paths[4] == "Temp_Matrix/Thermal_541.tiff"


def test_prompts_come_from_the_forehead_alone(root):
    before = thermeval.load(root, CONFIG).faces.prompts
    assert np.isnan(before[1:]).all()
    np.testing.assert_allclose(before[0], head_box(np.array([39.5, 49.5, 59.5, 59.5])))
    path = root / "Annotations/annotations_1.json"
    content = json.loads(path.read_text())
    content["annotations"][3]["bbox"] = [30, 100, 4, 4]
    path.write_text(json.dumps(content))
    np.testing.assert_array_equal(thermeval.load(root, CONFIG).faces.prompts[0], before[0])


def test_head_box_is_square_and_below_the_forehead():
    box = head_box(np.array([10.0, 20.0, 30.0, 28.0]))
    assert box[2] - box[0] == pytest.approx(box[3] - box[1])
    assert (box[0] + box[2]) / 2 == pytest.approx(20)
    assert 20 < box[1] < 28 < 50 < box[3]
    assert np.isnan(head_box(np.full(4, np.nan))).all()


def test_splits_and_strata(root):
    faces = thermeval.load(root, CONFIG).faces
    assert faces.splits.tolist() == ["train", "train", "val", "test"]
    assert faces.strata["distance"].tolist() == ["office", "office", "2ft", "10ft"]
    assert faces.strata["source"].tolist() == ["annotations_1"] * 3 + ["annotations_2"]
    assert faces.subjects.tolist() == ["office", "office", "session_00", "session_06"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        *((1, "office"), (240, "office"), (241, "2ft"), (255, "2ft"), (256, "6ft"), (271, "10ft")),
        *((285, "10ft"), (286, "2ft"), (511, "2ft"), (1050, "10ft"), (1051, ""), (3502, "")),
    ],
)
def test_distance_follows_the_frame_number(number, expected):
    assert distance(f"Thermal_{number}") == expected


def test_ids_are_used_with_a_warning_where_names_lack(root):
    images = [{"id": 1, "file_name": "Thermal_541.jpg"}]
    people = [annotation(1, 0, [10, 10, 100, 200]), annotation(1, 3, [50, 50, 10, 10])]
    write_json(root, 2, images, people, categories=[])
    loaded = thermeval.load(root, CONFIG)
    assert loaded.faces.ids[-1] == "2/Thermal_541/0"
    assert any("names no categories" in text for text in loaded.findings.lists["warning"])
    write_json(root, 2, images, people, categories=[{"id": 0, "name": "Person"}])
    with pytest.raises(DataError, match="no category chest"):
        thermeval.load(root, CONFIG)


def test_missing_orphan_and_boxless_are_listed(root):
    images = [{"id": 1, "file_name": "Thermal_541.jpg"}, {"id": 2, "file_name": "Thermal_900.jpg"}]
    outline = annotation(1, NOSE, None) | {"segmentation": [[50, 50, 60, 50, 60, 60, 50, 60]]}
    people = [annotation(1, PERSON, [10, 10, 100, 200]), outline, annotation(99, NOSE, [1, 1, 2, 2])]
    people.append(annotation(1, NOSE, [5, 5, 0, 3]))
    write_json(root, 2, images, people)
    loaded = thermeval.load(root, CONFIG)
    np.testing.assert_array_equal(loaded.faces.xy[-1, 0], [54.5, 54.5])
    assert loaded.findings.lists["missing_image"] == ["annotations_2.json: Thermal_900"]
    assert loaded.findings.lists["missing_annotation"] == ["Thermal_511"]
    assert len(loaded.findings.lists["orphan_annotation"]) == 1
    assert len(loaded.findings.lists["bad_annotation"]) == 1


@pytest.mark.parametrize(
    ("raw", "dtype"),
    [(31.5, np.float32), (31.5, np.float64), (30465, np.uint16), (19498, np.uint16), (31, np.int16)],
)
def test_every_unit_becomes_degrees(raw, dtype):
    values = celsius(np.full((4, 4), raw, dtype), "a.tiff")
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, 31.5, atol=0.51)


@pytest.mark.parametrize("raw", [12000, 65000])
def test_an_implausible_unit_is_refused(raw):
    with pytest.raises(DataError, match=r"a\.tiff has the median"):
        celsius(np.full((4, 4), raw, np.uint16), "a.tiff")
    with pytest.raises(DataError, match="median nan"):
        celsius(np.full((4, 4), np.nan, np.float32), "a.tiff")


def test_the_picture_is_an_option(root):
    config = thermeval.Config(raw="r", val=("session_00",), source="png")
    loaded = thermeval.load(root, config)
    assert loaded.frames.paths[0] == "images/Thermal_1.png"
    grey = thermeval.read(root / "images/Thermal_241.png", config)
    assert (grey.dtype, grey.shape, int(grey[0, 0])) == (np.uint8, (256, 192), 241)


def test_broken_annotations_name_the_file(root):
    (root / "Annotations/annotations_2.json").write_text("<html>")
    with pytest.raises(DataError, match=r"annotations_2\.json is no JSON"):
        thermeval.load(root, CONFIG)
    with pytest.raises(DataError, match="no annotations_"):
        thermeval.load(root / "images", CONFIG)


def test_published_readings_settle_unit_and_axes(root):
    matrix = np.zeros((256, 192), np.float32) + 30
    matrix[200, 100] = 36.04
    cv2.imwrite(str(root / "Temp_Matrix/Thermal_1.tiff"), matrix)
    rows = [
        "tiff_file,x,y,ground_truth",
        "Thermal_1.tiff,100,200,36.0",
        "Thermal_1.tiff,0,0,31",
        "Thermal_9.tiff,1,1,3",
    ]
    (root / "coords.csv").write_text("\n".join(rows))
    facts = thermeval.load(root, CONFIG).findings.facts
    assert (facts["known_temperatures"], facts["known_temperatures_agreeing"]) == (2, 1)
