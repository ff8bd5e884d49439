"""ThermEval-D in its real layout: restarting ids, .jpg names, several people, three possible units."""

import json

import cv2
import numpy as np
import pytest

from thermark.core import origin
from thermark.core.errors import DataError
from thermark.datasets import thermeval
from thermark.datasets.checks import known_temperatures, release
from thermark.datasets.readers.loaded import Findings
from thermark.datasets.thermeval import distance, head_box

CONFIG = thermeval.Config(raw="r", val=("session_00",))
CATEGORIES = [{"id": 7, "name": "person"}, {"id": 1, "name": "Chest"}, {"id": 5, "name": "Forehead"}]
CATEGORIES += [{"id": 2, "name": "NOSE"}]
PERSON, FOREHEAD, NOSE = 7, 5, 2


def annotation(image, category, box):
    return {"id": id(box), "image_id": image, "category_id": category, "bbox": box, "segmentation": []}


def change(root, part, edit):
    """Edit an annotation file in place."""
    path = root / f"Annotations/annotations_{part}.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


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
    change(root, 1, lambda content: content["annotations"][3].update(bbox=[30, 100, 4, 4]))
    np.testing.assert_array_equal(thermeval.load(root, CONFIG).faces.prompts[0], before[0])


def test_head_box_is_square_and_below_the_forehead():
    box = head_box(np.array([10.0, 20.0, 30.0, 28.0]))
    assert box[2] - box[0] == pytest.approx(box[3] - box[1])
    assert (box[0] + box[2]) / 2 == pytest.approx(20)
    assert 20 < box[1] < 28 < 50 < box[3]
    assert np.isnan(head_box(np.full(4, np.nan))).all()


def test_splits_strata_and_what_a_small_real_tree_lacks(root):
    loaded = thermeval.load(root, CONFIG)
    faces = loaded.faces
    assert faces.splits.tolist() == ["train", "train", "val", "test"]
    assert faces.strata["distance"].tolist() == ["office", "office", "2ft", "10ft"]
    assert faces.strata["source"].tolist() == ["annotations_1"] * 3 + ["annotations_2"]
    assert faces.subjects.tolist() == ["office", "office", "session_00", "session_06"]
    result = check(loaded, "annotated frames")
    assert (result.verdict, result.found) == ("warning", "4 in annotations_1 and 2 in annotations_2, 6")
    readings = check(loaded)
    assert readings.verdict == "warning" and "Labels/T6/coords.csv" in readings.remedy
    assert "frames_beyond_1050" not in loaded.findings.facts
    write_image(root, 3502)
    assert thermeval.load(root, CONFIG).findings.facts["frames_beyond_1050"] == 1


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
    classes = check(loaded, "classes")
    assert classes.verdict == "warning" and "annotations_2.json names no categories" in classes.found
    write_json(root, 2, images, people, categories=[{"id": 0, "name": "Person"}])
    with pytest.raises(DataError, match="no category forehead"):
        thermeval.load(root, CONFIG)


@pytest.mark.parametrize(
    ("names", "prompt", "absent"),
    [
        (["Person", "Chest", "Fore head", " nose "], "head", []),
        (["PERSON", "Torso", "Forehead", "Nose"], "head", ["chest"]),
        (["person", "nose"], "person", ["chest", "forehead"]),
        (["person", "nose"], "head", None),
        (["person", "forehead"], "person", None),
        (["forehead", "nose"], "person", None),
    ],
)
def test_only_the_classes_that_are_used_are_needed(root, names, prompt, absent):
    ids = {"person": 40, "nose": 41, "forehead": 42}
    categories = [{"id": ids.get("".join(n.split()).lower(), 43), "name": n} for n in names]
    people = [annotation(1, 40, [10, 10, 100, 200]), annotation(1, 41, [50, 50, 10, 10])]
    write_json(root, 2, [{"id": 1, "file_name": "Thermal_541.jpg"}], people, categories)
    config = thermeval.Config(raw="r", val=("session_00",), prompt=prompt)
    if absent is None:
        with pytest.raises(DataError, match=r"annotations_2\.json has no category"):
            thermeval.load(root, config)
        return
    loaded = thermeval.load(root, config)
    np.testing.assert_array_equal(loaded.faces.xy[-1, 0], [54.5, 54.5])
    messages = [f"annotations_2.json has no category {name}, which is not needed" for name in absent]
    assert loaded.findings.lists.get("warning", []) == messages
    assert check(loaded, "classes").verdict == "ok"


def test_frames_of_the_second_file_go_by_image_id_and_of_the_first_as_listed(root):
    """Published protocols take the first 60 of the second by image id, which here is not the order of the file."""
    numbers = [541, 600, 511, 601, 241]
    for number in numbers:
        write_image(root, number)
    images = [{"id": i, "file_name": f"Thermal_{n}.jpg"} for i, n in zip([10, 2, 9, 33, 1], numbers, strict=True)]
    people = [annotation(i, PERSON, [10, 10, 100, 200]) for i in (33, 1, 9, 2, 10)]
    people += [annotation(i, NOSE, [50, 50, 10, 10]) for i in (33, 1, 9, 2, 10)]
    write_json(root, 2, images, people)
    write_json(root, 1, images, people)
    loaded = thermeval.load(root, thermeval.Config(raw="r", val=()))
    by_id = [f"2/Thermal_{n}" for n in (241, 600, 511, 541, 601)]
    assert loaded.frames.ids.tolist() == [*(f"1/Thermal_{n}" for n in numbers), *by_id]
    assert loaded.faces.frames.tolist()[-5:] == by_id


@pytest.mark.parametrize(
    ("source", "folder", "suffix"), [("png", "images", "png"), ("tiff", "Temp_Matrix", "tiff")]
)
def test_of_copies_that_differ_the_published_folder_is_read(root, source, folder, suffix):
    config = thermeval.Config(raw="r", val=("session_00",), source=source)
    name = f"Thermal_1.{suffix}"
    good = root / folder / name
    overlay = root / "A_Overlays" / name
    overlay.parent.mkdir()
    cv2.imwrite(str(overlay), np.zeros((384, 512), np.uint8))
    loaded = thermeval.load(root, config)
    assert loaded.frames.paths[0] == f"{folder}/{name}"
    image = thermeval.read(root / f"{folder}/Thermal_241.{suffix}", config)
    assert (image.dtype, image.shape) == (np.uint8 if source == "png" else np.float32, (256, 192))
    assert image[0, 0] == (241 if source == "png" else 31.5)
    assert loaded.findings.lists["duplicate_image"] == [f"A_Overlays/{name}"]
    good.rename(root / name)
    loaded = thermeval.load(root, config)  # neither is where it should be
    assert "1/Thermal_1" not in loaded.frames.ids and len(loaded.faces) == 2
    assert loaded.findings.lists["duplicate_image"] == [f"A_Overlays/{name}", name]
    assert loaded.findings.lists["ambiguous_image"] == [f"Thermal_1: A_Overlays/{name} and {name} differ"]
    assert loaded.findings.lists["missing_image"] == ["annotations_1.json: Thermal_1"]
    overlay.write_bytes((root / name).read_bytes())
    loaded = thermeval.load(root, config)  # the same picture twice is no question
    assert loaded.frames.paths[0] == f"A_Overlays/{name}" and "ambiguous_image" not in loaded.findings.lists
    for part in ("one", "two"):
        (root / part / folder.upper()).mkdir(parents=True)
        cv2.imwrite(str(root / part / folder.upper() / name), np.full((9, 9), len(part + source + part), np.uint8))
    (root / "two" / folder.upper() / name).write_bytes(b"another")
    assert "1/Thermal_1" not in thermeval.load(root, config).frames.ids  # two at the published place


@pytest.mark.parametrize(("off", "verdict"), [(0.055, "ok"), (0.07, "failed"), (-0.07, "failed")])
def test_readings_agree_as_far_as_they_are_rounded(root, off, verdict):
    """To 0.1 deg C, so that half of it and what single precision loses are no disagreement."""
    for number in FRAMES:
        cv2.imwrite(str(root / f"Temp_Matrix/Thermal_{number}.tiff"), np.full((256, 192), 30 + off, np.float32))
    rows = [f"Thermal_{n}.tiff,{x},7,30.0" for n in FRAMES for x in range(5)]
    (root / "coords.csv").write_text("\n".join(["tiff_file,x,y,ground_truth", *rows]))
    assert check(thermeval.load(root, CONFIG)).verdict == verdict


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


@pytest.mark.parametrize("huge", [10**400, 1e999])
def test_a_box_beyond_all_numbers_is_an_error_of_the_file(root, huge):
    change(
        root, 2, lambda content: content["annotations"].append(annotation(2, PERSON, [1, 1, huge, 3]) | {"id": 3})
    )
    with pytest.raises(DataError, match=r"annotations\[2\] \(id 3\) has a bbox that is not finite"):
        thermeval.load(root, CONFIG)


FRAMES = (1, 2, 241, 256, 511, 541)


def scene(number):
    """A frame of which no two pixels nearby, and no two frames, have the same temperature."""
    yy, xx = np.mgrid[:256, :192].astype(np.float64)
    return 25 + 5 * np.sin(xx * 0.37 + number) + 4 * np.cos(yy * 0.23 - number) + xx * 0.011 + yy * 0.003


def write_readings(root, numbers=FRAMES, each=10, name="coords.csv"):
    rng = np.random.default_rng(3)
    rows = ["tiff_file,x,y,ground_truth"]
    for number in numbers:
        for x, y in zip(rng.integers(0, 192, each), rng.integers(0, 256, each), strict=True):
            rows.append(f"Thermal_{number}.tiff,{x},{y},{round(scene(number)[y, x], 1)}")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(rows))


def write_scenes(root, stored=lambda celsius: celsius.astype(np.float32), shift=0):
    for number in FRAMES:
        cv2.imwrite(str(root / f"Temp_Matrix/Thermal_{number}.tiff"), stored(scene(number + shift)))


def check(loaded, name="unit and axes"):
    (result,) = [check for check in loaded.findings.checks if check.name == name]
    return result


@pytest.mark.parametrize(
    "stored",
    [
        lambda c: c.astype(np.float32),
        lambda c: np.rint((c + 273.15) * 100).astype(np.uint16),
        lambda c: np.rint((c + 273.15) * 64).astype(np.uint16),
    ],
)
def test_known_temperatures_agree_in_every_unit(root, stored):
    write_scenes(root, stored)
    write_readings(root)
    loaded = thermeval.load(root, CONFIG)
    assert (check(loaded).verdict, check(loaded).found) == (
        "ok",
        "60 of 60 readings agree (6 of 6 frames are there)",
    )
    facts = loaded.findings.facts
    assert facts["known_temperatures"] == facts["known_temperatures_agreeing"] == 60


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (lambda c: c.T, "the matrices are transposed: tiff[x, y] in degrees Celsius agrees for 100%"),
        (lambda c: c[:, ::-1], "are mirrored left to right: tiff[y, -1 - x]"),
        (lambda c: c[::-1], "are upside down: tiff[-1 - y, x]"),
        (lambda c: c[::-1, ::-1], "are turned by 180 degrees: tiff[-1 - y, -1 - x]"),
        (np.rot90, "are turned by 90 degrees: tiff[-1 - x, y]"),
        (lambda c: np.rot90(c, -1), "are turned by 90 degrees: tiff[x, -1 - y]"),
        (lambda c: np.rot90(c, 2).T, "are transposed and turned: tiff[-1 - x, -1 - y]"),
        (lambda c: c + 1, "no orientation and unit agrees"),
        (lambda c: c + 273.15, "no orientation and unit agrees"),
        (lambda c: np.rint((c.T + 273.15) * 100), "transposed: tiff[x, y] in centikelvin agrees for 100%"),
    ],
)
def test_a_disagreement_is_diagnosed(root, stored, expected):
    def matrix(celsius):
        array = np.ascontiguousarray(stored(celsius))
        return array.astype(np.uint16 if array.max() > 1000 else np.float32)

    write_scenes(root, matrix)
    write_readings(root)
    result = check(thermeval.load(root, CONFIG))
    assert result.verdict == "failed" and expected in result.found


def test_a_unit_read_as_another_is_diagnosed(root):
    """Centikelvin that a reader takes for 1/64 kelvin: the right unit is named."""
    write_scenes(root, lambda c: np.rint((c + 273.15) * 100).astype(np.uint16))
    write_readings(root)
    reader = known_temperatures.Reader(
        lambda path: cv2.imread(str(path), cv2.IMREAD_UNCHANGED),
        lambda raw, name: (raw / 64 - 273.15).astype(np.float32),
    )
    pictures = {f"Thermal_{n}": root / f"Temp_Matrix/Thermal_{n}.tiff" for n in FRAMES}
    findings = Findings()
    known_temperatures.compare(root / "coords.csv", pictures, str, reader, findings)
    (result,) = findings.checks
    assert result.verdict == "failed"
    assert result.found.endswith("the matrices are upright: tiff[y, x] in centikelvin agrees for 100%")


def test_other_frames_under_the_same_names_fail(root):
    write_scenes(root, shift=1)
    write_readings(root)
    assert "these are other frames" in check(thermeval.load(root, CONFIG)).found


@pytest.mark.parametrize(("wrong", "verdict"), [(0, "ok"), (1, "ok"), (2, "failed")])
def test_one_in_a_hundred_may_disagree(root, wrong, verdict):
    write_scenes(root)
    write_readings(root, each=25, numbers=FRAMES[:4])
    lines = (root / "coords.csv").read_text().splitlines()
    for row in range(1, wrong + 1):
        lines[row] = lines[row].rsplit(",", 1)[0] + ",99.9"
    (root / "coords.csv").write_text("\n".join(lines))
    assert check(thermeval.load(root, CONFIG)).verdict == verdict


def test_absent_and_unreadable_frames_do_not_count(root):
    write_scenes(root)
    write_readings(root, numbers=(*FRAMES, 900, 901))
    (root / "Temp_Matrix/Thermal_2.tiff").write_bytes(b"II*\0cut")
    result = check(thermeval.load(root, CONFIG))
    assert (result.verdict, result.found) == ("ok", "50 of 50 readings agree (5 of 8 frames are there)")
    write_readings(root, numbers=(900, 901))
    assert check(thermeval.load(root, CONFIG)).verdict == "warning"


def test_the_readings_of_t6_are_chosen_among_others(root):
    write_scenes(root)
    write_readings(root, name="Labels/T6/coords.csv")
    (root / "Labels/T5").mkdir()
    (root / "Labels/T5/coords.csv").write_text("tiff_file,region\nThermal_1.tiff,Nose\n")
    assert check(thermeval.load(root, CONFIG)).verdict == "ok"


def test_rendered_trees_are_not_compared_with_the_release(root):
    origin.mark_rendered(root, CONFIG)
    findings = thermeval.load(root, CONFIG).findings
    assert [(check.name, check.verdict) for check in findings.checks] == [("classes", "ok")]
    assert "warning" not in findings.lists
    write_scenes(root, lambda c: c.T.astype(np.float32).copy())
    write_readings(root)
    assert check(thermeval.load(root, CONFIG)).verdict == "failed"  # what is there must be right all the same


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        *((510, 538, "ok"), (511, 538, "ok"), (510, 539, "ok")),
        *((509, 538, "warning"), (511, 539, "warning"), (538, 510, "warning"), (510, 0, "warning")),
    ],
)
def test_the_published_numbers_of_frames(first, second, verdict):
    result = release.annotated(first, second)
    assert result.verdict == verdict
    assert f"{first + second:,}" in result.found
