"""Tight boxes as publishers' and back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn_faces
from thermark.core.errors import ConfigError
from thermark.core.faces import open_set
from thermark.core.geometry import box_size
from thermark.datasets import sftl54
from thermark.datasets.readers import boxes, labelme


def test_a_publishers_box_is_larger_and_reaches_further_up():
    actual = boxes.to_face(np.array([[100, 100, 200, 300]], np.float32))
    # 104.3 x 231.4 around (150, 200 - 12.2).
    np.testing.assert_allclose(actual, [[97.85, 72.1, 202.15, 303.5]], atol=1e-3)


@given(st.lists(st.floats(-500, 500), min_size=2, max_size=2), st.lists(st.floats(1, 500), min_size=2, max_size=2))
def test_there_and_back_is_where_it_was(near, size):
    tight = np.array([[*near, near[0] + size[0], near[1] + size[1]]], np.float32)
    np.testing.assert_allclose(boxes.to_tight(boxes.to_face(tight)), tight, atol=2e-3)


def test_prompts_change_and_boxes_of_labels_do_not(tmp_path):
    drawn_faces.write(tmp_path / "x", 3, 64)
    faces, _ = open_set(tmp_path / "x")
    faces = replace(faces, prompts=np.concatenate([faces.prompts[:2], np.full((1, 4), np.nan, np.float32)]))
    actual = boxes.converted(faces, "tight", "face")
    assert (box_size(actual.prompts)[:2] > box_size(faces.prompts)[:2]).all() and np.isnan(actual.prompts[2]).all()
    np.testing.assert_array_equal(actual.boxes, faces.boxes)
    np.testing.assert_allclose(boxes.converted(actual, "face", "tight").prompts, faces.prompts, atol=1e-3)
    assert boxes.converted(faces, "head", None) is boxes.converted(faces, "head", "head") is faces
    with pytest.raises(ConfigError, match="boxes of the head cannot be made those of the face"):
        boxes.converted(faces, "head", "face")


def test_the_ratio_is_that_of_real_labels(mirror):
    """Medians over the 64 real records that it was fitted on."""
    lines = (mirror("sftl54_labels") / "labels.jsonl").read_text().splitlines()
    labels = [labelme.label(json.loads(line), sftl54.GROUPS, "face", "x", {"lips": sftl54.LIPS}) for line in lines]
    tight = np.stack([np.concatenate([each.xy.min(axis=0), each.xy.max(axis=0)]) for each in labels])
    reference = np.stack([each.box for each in labels])
    size = box_size(tight)
    np.testing.assert_allclose(
        np.median(box_size(reference) / size, axis=0), [boxes.FACE.width, boxes.FACE.height], atol=1e-3
    )
    down = ((reference[:, 1] + reference[:, 3]) - (tight[:, 1] + tight[:, 3])) / 2 / size[:, 1]
    assert np.median(down) == pytest.approx(boxes.FACE.down, abs=1e-3)
