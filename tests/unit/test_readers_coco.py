"""A COCO file is understood or refused by name; it never crashes and never mislabels."""

import json

import numpy as np
import pytest

from thermark.core.errors import DataError
from thermark.datasets.readers import coco
from thermark.datasets.readers.loaded import Findings

CLASSES = {"person": 0, "nose": 3}
CATEGORIES = [{"id": 0, "name": "Person"}, {"id": 3, "name": "Nose"}]


def write(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def document(image=None, annotation=None, category=None):
    """Return a good file in which single entries are replaced."""
    return {
        "images": [
            {"id": 1, "file_name": "Thermal_1.png"},
            {"id": 2, "file_name": "Thermal_2.png"} | (image or {}),
        ],
        "annotations": [
            {"id": 10, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]},
            {"id": 11, "image_id": 2, "category_id": 3, "bbox": [5, 6, 7, 8.5]} | (annotation or {}),
        ],
        "categories": [CATEGORIES[0], CATEGORIES[1] | (category or {})],
    }


def read(tmp_path, content):
    return boxes_of(write(tmp_path, content), Findings())


def boxes_of(path, findings):
    return coco.instances(coco.read(path), CLASSES, findings)


def test_a_good_file_is_read(tmp_path):
    scene = read(tmp_path, document())
    assert list(scene) == ["Thermal_1", "Thermal_2"]
    np.testing.assert_array_equal(scene["Thermal_2"]["nose"], [[5, 6, 12, 14.5]])
    assert scene["Thermal_1"]["person"].shape == (0, 4)


def test_an_id_of_two_images_is_refused(tmp_path):
    """Annotations of the second would be scored on the first."""
    with pytest.raises(
        DataError, match=r"a\.json: images\[1\] \(id 1\) is Thermal_2\.png, but Thermal_1\.png has the same id"
    ):
        read(tmp_path, document(image={"id": 1}))
    repeated = document()
    repeated["images"].append({"id": 2, "file_name": "Thermal_2.jpg"})
    findings = Findings()
    assert len(boxes_of(write(tmp_path, repeated), findings)) == 2
    assert findings.lists["duplicate_id"] == ["a.json: Thermal_2.jpg"]


def test_an_id_of_two_categories_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"categories\[1\].*has the id of another"):
        read(tmp_path, document(category={"id": 0}))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        *(({"image": {"file_name": bad}}, r"images\[1\] \(id 2\)") for bad in (None, 7, "", ["a.png"])),
        *(({"image": {"id": bad}}, r"images\[1\]") for bad in (None, [2], {}, True)),
        *(({"annotation": {"category_id": bad}}, r"annotations\[1\] \(id 11\)") for bad in (None, [3], {"id": 3})),
        ({"annotation": {"image_id": [2]}}, r"annotations\[1\] \(id 11\)"),
        *(
            ({"annotation": {"bbox": bad}}, r"annotations\[1\] \(id 11\) has .*bbox")
            for bad in ("5,6,7,8", [5, 6, 7], 3, {"x": 5}, [[5, 6, 7, 8]])
        ),
        *(({"annotation": {"bbox": [5, 6, 7, bad]}}, r"annotations\[1\]") for bad in ("8", None, True, [8])),
        *(
            ({"annotation": {"bbox": None, "segmentation": bad}}, r"annotations\[1\] \(id 11\) has .*segmentation")
            for bad in ([1, 2, 3, 4, 5, 6], [[1, 2, 3, 4, 5, 6, 7]], [["1", 2, 3, 4, 5, 6]], ["outline"])
        ),
        *(({"category": {"name": bad}}, r"categories\[1\]") for bad in (None, 3, "")),
        ({"category": {"id": None}}, r"categories\[1\]"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path, changed, where):
    with pytest.raises(DataError, match=rf"^a\.json: {where}"):
        read(tmp_path, document(**changed))


@pytest.mark.parametrize("table", ["images", "annotations", "categories"])
@pytest.mark.parametrize("bad", ["text", 3, {"0": {}}, [3], [None], [[]]])
def test_a_malformed_table_is_named(tmp_path, table, bad):
    with pytest.raises(DataError, match=rf"^a\.json: {table}"):
        read(tmp_path, document() | {table: bad})


@pytest.mark.parametrize("text", ["", "[]", "<html>", '{"images": []}', "[" * 100_000, '{"images": ' + "9" * 5000])
def test_what_is_no_coco_is_refused(tmp_path, text):
    with pytest.raises(DataError, match=r"^a\.json"):
        read(tmp_path, text)


def test_numbers_beyond_reason_are_no_box(tmp_path):
    for box in ([1, 2, 3, 10**400], [1, 2, 3, float("nan")], [1, 2, float("inf"), 3], [1, 2, 3, -4]):
        findings = Findings()
        boxes_of(write(tmp_path, document(annotation={"bbox": box})), findings)
        assert findings.lists["bad_annotation"] == ["a.json: annotations[1] (id 11) has no box"]
