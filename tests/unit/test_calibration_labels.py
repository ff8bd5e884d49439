"""Labels of a user are read whole, or each line that cannot be used is named."""

import contextlib
import json
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thermark.calibrate import labelled
from thermark.core.errors import DataError

NOSE = ("nose",)
NOSTRILS = ("right_nostril", "left_nostril")
PLAIN = "image,nose_x,nose_y,box_x,box_y,box_w,box_h\na.png,10.5,20,1,2,30,40\nb/c.png,11,21.25,1,2,30.5,40\n"
EVERY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def write(folder, content, name="labels.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def coco(annotations, categories, images=2):
    named = [{"id": number, "file_name": f"{number}.png"} for number in range(1, images + 1)]
    return json.dumps({"images": named, "annotations": annotations, "categories": categories})


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.replace(",", ";").replace(".", ",").replace(",png", ".png").encode(),
        (PLAIN + "\n,,,,,,\n\n").encode(),
        PLAIN.replace("b/c", "b\\c").replace("nose_x", " Nose X ").encode(),
    ],
    ids=["plain", "decimal commas", "blank lines", "spelling"],
)
def test_one_table_however_it_was_saved(tmp_path, data):
    labels = labelled.read(write(tmp_path, data), NOSE)
    assert labels.problems == ()
    assert [(row.where, row.image) for row in labels.rows] == [
        ("labels.csv:2", "a.png"),
        ("labels.csv:3", "b/c.png"),
    ]
    np.testing.assert_array_equal([row.xy for row in labels.rows], [[[10.5, 20]], [[11, 21.25]]])
    np.testing.assert_array_equal([row.box for row in labels.rows], [[1, 2, 31, 42], [1, 2, 31.5, 42]])


def test_names_of_pictures_survive_the_code_page_of_windows(tmp_path):
    labels = labelled.read(write(tmp_path, "image,nose_x,nose_y\nKöpfe.png,1,2\n".encode("cp1252")), NOSE)
    assert labels.rows[0].image == "Köpfe.png" and np.isnan(labels.rows[0].box).all()


BAD = {
    "a.png,abc,2,1,1,5,5": "nose_x is 'abc', which is no number",
    "a.png,1,1_0,1,1,5,5": "nose_y is '1_0', which is no number",
    "a.png,1,nan,1,1,5,5": "nose_y is 'nan', which is no number",
    "a.png,inf,2,1,1,5,5": "nose_x is 'inf', which is no number",
    "a.png,1e999,2,1,1,5,5": "nose_x is '1e999', which is no number",
    "a.png,1,,1,1,5,5": "nose_y is empty",
    "a.png,,,1,1,5,5": "nose_x is empty",
    "a.png": "nose_x is empty",
    ",1,2,1,1,5,5": "'' is no file name below the pictures' folder",
    "../a.png,1,2,1,1,5,5": "'../a.png' is no file name below the pictures' folder",
    "/a.png,1,2,1,1,5,5": "'/a.png' is no file name below the pictures' folder",
    "a.png,1,2,1,1,5,": "box_h is empty",
    "a.png,1,2,1,1,0,5": "the box is 0 x 5 px at 1, 1: it has no area",
    "a.png,1,2,1,1,5,-5": "the box is 5 x -5 px at 1, 1: it has no area",
    "a.png,1,2,1e308,1,1e308,5": "the box is 1e+308 x 5 px at 1e+308, 1: it has no area",
}


@pytest.mark.parametrize("row", BAD)
def test_a_bad_row_is_named_by_its_line(tmp_path, row):
    labels = labelled.read(write(tmp_path, PLAIN + "\n" + row + "\nd.png,1,2,1,1,5,5\n"), NOSE)
    assert labels.problems == (f"labels.csv:5: {BAD[row]}",)
    assert [row.image for row in labels.rows] == ["a.png", "b/c.png", "d.png"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "labels.csv is empty"),
        ("\ufeff \n", "labels.csv is empty"),
        ("image,nose_x,nose_y\n", "has no row below its header"),
        ("image,nose_x\na.png,1\n", r"labels.csv:1: there is no column nose_y \(the header has image, nosex\)"),
        ("a.png,1,2\nb.png,1,2\n", "labels.csv:1: there is no column image"),
        ("image,nose_x,nose_y,box_x\na.png,1,2,3\n", "there is no column box_y"),
        ("image,nose_x,nose_x,nose_y\na.png,1,2,3\n", "two columns 'nosex'"),
        ("image,nose_x,nose_y\na.png,1,5,2,5\n", "line 2: 5 cells under 3 headings"),
        ('image;nose_x;nose_y\na.png;"1,5";2\na.png;1.5;2\n', "decimal commas and points in column 'nosex'"),
        ("image,nose_x,nose_y\na.png," + "1" * 200_000 + ",2\n", "labels.csv, line 2: field larger"),
        (b"image,nose_x\x81\x8d\xff", "labels.csv is no text file"),
    ],
)
def test_a_table_that_cannot_serve_says_what_is_wrong(tmp_path, content, cause):
    with pytest.raises(DataError, match=cause) as caught:
        labelled.read(write(tmp_path, content), NOSE)
    assert "\n" not in caught.value.cause + caught.value.remedy and caught.value.remedy


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        labelled.read(tmp_path / "labels.csv", NOSE)


def test_one_nostril_may_be_hidden_and_one_coordinate_may_not(tmp_path):
    header = "image,right_nostril_x,right_nostril_y,left_nostril_x,left_nostril_y\n"
    labels = labelled.read(write(tmp_path, header + "a.png,1,2,,\nb.png,1,2,3,\nc.png,,,,\n"), NOSTRILS)
    np.testing.assert_array_equal(labels.rows[0].xy, [[1, 2], [np.nan, np.nan]])
    assert labels.problems == (
        "labels.csv:3: left_nostril_y is empty",
        "labels.csv:4: right_nostril_x is empty like all others",
    )


SKELETON = {"id": 5, "name": "person", "keypoints": ["Left-Nostril", "nose", "right nostril"]}


def test_key_points_are_found_by_name_and_counted_from_pixel_centres(tmp_path):
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 5, "keypoints": [1, 2, 2, 0, 0, 0, 3, 4, 1], "bbox": [0, 0, 9, 8]},
        {"id": 2, "image_id": 2, "category_id": 5, "keypoints": [1, 2, 0, 9, 9, 2, 3, 4, 1], "bbox": [1, 1, 9, 8]},
        {"id": 3, "image_id": 2, "category_id": 5, "keypoints": [0] * 9, "bbox": [1, 1, 9, 8]},
        {"id": 4, "image_id": 2, "category_id": 6, "keypoints": [7] * 9},
    ]
    path = write(tmp_path, coco(annotations, [SKELETON, {"id": 6, "name": "dog"}]), "labels.json")
    labels = labelled.read(path, NOSTRILS)
    assert labels.problems == () and labels.notes == ("1 annotations without a labelled point were left out",)
    assert [row.image for row in labels.rows] == ["1.png", "2.png"]
    np.testing.assert_array_equal(labels.rows[0].xy, [[2.5, 3.5], [0.5, 1.5]])
    np.testing.assert_array_equal(labels.rows[1].xy, [[2.5, 3.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(labels.rows[0].box, [-0.5, -0.5, 8.5, 7.5])


PARTS = [{"id": 1, "name": "Person"}, {"id": 2, "name": "Nose"}]


def box(number, image, kind, xywh, **more):
    return {"id": number, "image_id": image, "category_id": kind, "bbox": xywh} | more


def test_a_nose_box_is_its_centre_in_the_smallest_person(tmp_path):
    annotations = [
        box(1, 1, 1, [0, 0, 100, 100]),
        box(2, 1, 1, [10, 10, 50, 50]),
        box(3, 2, 1, [30, 30, 10, 10]),
        box(4, 1, 2, [30, 32, 4, 6]),
    ]
    labels = labelled.read(write(tmp_path, coco(annotations, PARTS), "labels.json"), NOSE)
    (row,) = labels.rows
    np.testing.assert_array_equal(row.xy, [[31.5, 34.5]])
    np.testing.assert_array_equal(row.box, [9.5, 9.5, 59.5, 59.5])
    alone = write(tmp_path, coco(annotations[3:], PARTS[1:]), "alone.json")
    assert np.isnan(labelled.read(alone, NOSE).rows[0].box).all()


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (
            box(9, 1, 2, [30, 32, 0, 6]),
            r"annotations\[1\] \(id 9\): the box is 0 x 6 px at 30, 32: it has no area",
        ),
        (box(9, 1, 2, [300, 32, 4, 6]), r"\(id 9\): its centre is in no box of a person"),
        (box(9, 2, 2, [30, 32, 4, 6]), r"\(id 9\): its centre is in no box of a person"),
        (box(9, 7, 2, [30, 32, 4, 6]), r"\(id 9\): image_id 7 is in no entry of `images`"),
        (box(9, None, 2, [30, 32, 4, 6]), r"\(id 9\) has no usable image_id"),
        (box(9, 1, 2, [30, 32, 4]), r"\(id 9\) has 3 numbers in bbox instead of 4"),
        (box(9, 1, 2, [30, 32, 4, "6"]), r"\(id 9\) has no usable bbox"),
        (box(9, 1, 2, None), r"\(id 9\): there is no bbox"),
        (box(9, 1, 2, [1e999, 32, 4, 6]), r"\(id 9\): the box is 4 x 6 px at inf"),
    ],
)
def test_a_bad_annotation_is_named_by_its_place(tmp_path, annotation, problem):
    annotations = [box(1, 1, 1, [0, 0, 100, 100]), annotation, box(10, 1, 2, [30, 32, 4, 6])]
    labels = labelled.read(write(tmp_path, coco(annotations, PARTS), "labels.json"), NOSE)
    assert len(labels.rows) == 1 and len(labels.problems) == 1
    with pytest.raises(DataError, match=problem):
        raise DataError(labels.problems[0], "")


def test_boxes_for_some_only_are_a_problem(tmp_path):
    annotation = {"id": 1, "image_id": 1, "category_id": 5, "keypoints": [1, 2, 2, 3, 4, 2, 5, 6, 2]}
    both = [annotation | {"bbox": [0, 0, 9, 9]}, annotation | {"id": 2, "image_id": 2}]
    labels = labelled.read(write(tmp_path, coco(both, [SKELETON]), "labels.json"), NOSE)
    assert labels.problems == ("labels.json: annotations[1] (id 2): there is no bbox, though others have one",)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{", "is no JSON"),
        (coco([box(4, 1, 2, [1, 1, 1, 1])], PARTS)[:-20], "is no JSON"),
        ("[1]", "has no images and annotations"),
        ('{"images": [{"id": 1}], "annotations": []}', r"images\[0\] \(id 1\) has no usable file_name"),
        ('{"images": [], "annotations": 3}', "annotations is no list"),
        ('{"images": [], "annotations": [3]}', r"annotations\[0\] is no object"),
        (coco([], [{"id": 1, "name": "cat"}]), r"no category nose \(its categories: cat\)"),
        (coco([], PARTS), "labels no nose"),
        (coco([box(1, 1, 2, [1, 1, 1, 1])], [*PARTS, {"id": 2, "name": "cat"}]), "has the id of another category"),
    ],
)
def test_tables_that_cannot_serve_say_what_is_wrong(tmp_path, content, cause):
    with pytest.raises(DataError, match=cause) as caught:
        labelled.read(write(tmp_path, content, "labels.json"), NOSE)
    # The file is the user's own: there is nowhere to fetch it from.
    assert "\n" not in caught.value.cause and "fetch" not in caught.value.remedy


def test_boxes_alone_are_read_from_either_format(tmp_path):
    rows = labelled.read_boxes(write(tmp_path, PLAIN)).rows
    assert [row.xy.shape for row in rows] == [(0, 2)] * 2
    annotations = [box(1, 1, 1, [0, 0, 100, 100]), box(4, 1, 2, [30, 32, 4, 6]), box(5, 2, 1, [0, 0, 0, 1])]
    labels = labelled.read_boxes(write(tmp_path, coco(annotations, PARTS), "labels.json"))
    np.testing.assert_array_equal([row.box for row in labels.rows], [[-0.5, -0.5, 99.5, 99.5]])
    assert len(labels.problems) == 1
    heads = labelled.read_boxes(
        write(tmp_path, coco(annotations[1:2], [{"id": 2, "name": "head"}]), "labels.json")
    )
    assert len(heads.rows) == 1


cells = st.sampled_from(
    ["", "1", "2.5", "-3", "nan", "inf", "1e400", "x", "a.png", "../a", "1,5", '"', "0", "1_0"]
)


@EVERY
@given(rows=st.lists(st.lists(cells, max_size=8), max_size=6), sign=st.sampled_from(",;\t"))
def test_every_row_is_a_label_or_a_problem(tmp_path, rows, sign):
    """What is not blank is counted once, and what is accepted can be used."""
    header = ["image", "nose_x", "nose_y", "box_x", "box_y", "box_w", "box_h"]
    text = "\n".join(sign.join(cell.replace(sign, "").replace('"', "") for cell in row) for row in [header, *rows])
    try:
        labels = labelled.read(write(tmp_path, text + "\n"), NOSE)
    except DataError as error:
        assert error.cause and "\n" not in error.cause
        return
    lines = [line for line in text.splitlines()[1:] if line.replace(sign, "").strip()]
    assert len(labels.rows) + len(labels.problems) == len(lines)
    for row in labels.rows:
        assert np.isfinite(row.xy).all() and np.isfinite(row.box).all() and (row.box[2:] > row.box[:2]).all()


READERS = (partial(labelled.read, points=NOSE), partial(labelled.read, points=NOSTRILS), labelled.read_boxes)


@EVERY
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(tmp_path, data):
    for name in ("labels.csv", "labels.json"):
        for content in (data, b"image,nose_x,nose_y\n" + data, b'{"images": [], "annotations": [' + data):
            path = write(tmp_path, content, name)
            for read in READERS:
                with contextlib.suppress(DataError):
                    read(path)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 400)
    | st.floats()
    | st.sampled_from(["nose", "person", "a.png", ""]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "bbox"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = ["id", "image_id", "category_id", "bbox", "keypoints", "name", "file_name"]
entries = st.lists(st.dictionaries(st.sampled_from(FIELDS), values, max_size=6) | values, max_size=3) | values


@EVERY
@given(images=entries, annotations=entries, categories=entries)
def test_no_json_crashes_the_reader(tmp_path, images, annotations, categories):
    kept = [{"id": 1, "file_name": "1.png"}], [box(1, 1, 2, [1, 1, 2, 2])], PARTS
    for place, drawn in enumerate((images, annotations, categories)):
        three = list(kept)
        three[place] = [*kept[place], *drawn] if isinstance(drawn, list) else drawn
        content = dict(zip(("images", "annotations", "categories"), three, strict=True))
        path = write(tmp_path, json.dumps(content), "labels.json")
        for read in READERS:
            try:
                for row in read(path).rows:
                    assert not np.isinf(row.xy).any() and not np.isinf(row.box).any()
            except DataError as error:
                assert error.cause
