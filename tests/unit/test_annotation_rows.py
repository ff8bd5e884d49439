"""Rows of 300W and COCO-WholeBody may hold anything: each is a face as written, noted, or an error of one line."""

import json
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from thermark.core.errors import DataError
from thermark.datasets import coco_wholebody, w300
from thermark.datasets.readers import located

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # rows are long: shrinking them takes minutes
FAST = settings(max_examples=100, suppress_health_check=list(HealthCheck), phases=QUICK)
HUGE = st.sampled_from([0, -1, 1e308, -1e308, 1.7e308, 10**400, float("nan"), float("inf"), True, None, "1", [1]])
NUMBER = st.floats(-500, 500) | st.integers(-500, 500)
COUNT = 204


def listed(*lengths):
    """Lists of numbers, sometimes of another length, or with one value that is none or beyond reason."""
    right = st.sampled_from(lengths)
    return st.tuples(right, st.integers(0, 10**6), st.none() | HUGE, NUMBER).map(spoilt) | HUGE


def spoilt(parts):
    length, place, odd, number = parts
    values = [number + (step % 7) for step in range(length)]
    if odd is not None and values:
        values[place % length] = odd
    return values


GOOD = {
    "face_valid": True,
    "face_box": [0, 0, 40, 40],
    "face_kpts": [5.0, 6.0, 1.0] * 68,
    "keypoints": [5.0, 6.0, 1.0] * 68,
    "center": [20, 20],
    "scale": 0.2,
}


def rows_of(own, **fields):
    """Rows that are good in their `own` fields but for at most two, which are odd or absent."""
    keys = st.fixed_dictionaries(
        {"id": st.integers(0, 9), "image_id": st.sampled_from([1, 2, 3, 1, 2, 3, 9, "1", 1.5])}
    )
    odd = st.dictionaries(st.sampled_from([*own, "image_id"]), st.just(None), max_size=2).flatmap(
        lambda chosen: st.fixed_dictionaries({key: fields.get(key, HUGE) | st.just(ABSENT) for key in chosen})
    )
    base = {key: GOOD[key] for key in own}
    return st.lists(st.tuples(keys, odd).map(lambda pair: without(base | pair[0] | pair[1])), max_size=4)


ABSENT = object()


def without(row):
    return {key: value for key, value in row.items() if value is not ABSENT}


W300_ROWS = rows_of(
    ["keypoints", "center", "scale"],
    keypoints=listed(COUNT, COUNT, COUNT, 136),
    center=listed(2, 2, 2, 3),
    scale=NUMBER | HUGE,
    image_id=st.sampled_from([1, 2, 3, None]),
)
COCO_ROWS = rows_of(
    ["face_valid", "face_kpts", "face_box"],
    face_valid=st.sampled_from([True, 1, False, 0, False, None]),
    face_kpts=listed(COUNT, COUNT, COUNT, 203),
    face_box=listed(4, 4, 4, 5),
    image_id=st.sampled_from([1, 2, 3, None]),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Pictures of four names for either set; the annotations are written anew each time."""
    folder = tmp_path_factory.mktemp("rows")
    for number in (1, 2, 3, 4):
        for path in (folder / f"val2017/{number:012d}.jpg", folder / f"images/ibug/image_{number}.jpg"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    return folder


def loaded(root, kind, rows):
    """The loaded set, whose last row is good, or None where it is refused in one line."""
    rows = [*rows, GOOD | {"id": 77, "image_id": 4}]
    if kind == "w300":
        images = [{"id": n, "file_name": f"ibug/image_{n}.jpg"} for n in (1, 2, 3, 4)]
        name, module, config = "face_landmarks_300w_test.json", w300, w300.Config(raw="r")
    else:
        images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in (1, 2, 3, 4)]
        name, module = "coco_wholebody_val_v1.0.json", coco_wholebody
        config = coco_wholebody.Config(raw="r", min_side=5.0)
    for old in root.glob("*.json"):
        old.unlink()
    (root / name).write_text(json.dumps({"images": images, "annotations": rows}))
    try:
        return module.load(root, config)
    except DataError as error:
        assert error.cause.startswith(name) and len(error.cause.splitlines()) == 1
        return None


def check(result, rows):
    """Every row is a face, or a note, or says itself that it has no face; faces are finite and as written."""
    lists = result.findings.lists
    kinds = ("bad_annotation", "orphan_annotation", "duplicate_id", "too_small")
    noted = sum(len(lists.get(kind, [])) for kind in kinds)
    faceless = sum(row.get("face_valid", 1) in (False, 0) for row in rows)
    assert len(result.faces) - 1 + noted + faceless == len(rows)
    assert np.isfinite(result.faces.boxes).all()
    assert (result.faces.boxes[:, 2:] > result.faces.boxes[:, :2]).all()
    assert not np.isinf(result.faces.xy).any()


@FAST
@given(rows=W300_ROWS)
def test_rows_of_300w(root, rows):
    result = loaded(root, "w300", rows)
    if result is None:
        return
    check(result, rows)
    named = [row.get("image_id") for row in rows]
    for name, xy in zip(result.faces.ids.tolist(), result.faces.xy, strict=True):
        number = int(PurePosixPath(name).name.removeprefix("image_"))
        if named.count(number) == 1:  # of several rows it may be any that is sound
            compare(xy, rows[named.index(number)]["keypoints"])


@FAST
@given(rows=COCO_ROWS)
def test_rows_of_coco_wholebody(root, rows):
    result = loaded(root, "coco", rows)
    if result is None:
        return
    check(result, rows)
    named = [(row.get("image_id"), row["id"]) for row in rows]
    for name, xy in zip(result.faces.ids.tolist(), result.faces.xy, strict=True):
        key = tuple(map(int, name.split("/")))
        if named.count(key) == 1:
            compare(xy, rows[named.index(key)]["face_kpts"])


def compare(xy, flat):
    """Point for point: labelled where the third number is positive and all three fit single precision."""
    assert len(flat) == COUNT
    for got, start in zip(xy, range(0, COUNT, 3), strict=True):
        x, y, v = (float(value) if abs(value) < 1e300 else np.inf for value in flat[start : start + 3])
        with np.errstate(over="ignore"):
            labelled = bool(np.isfinite(np.array([x, y, v], np.float32)).all() and np.float32(v) > 0)
        np.testing.assert_allclose(got, [x, y] if labelled else [np.nan] * 2, rtol=1e-6, atol=1e-30)


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(lambda p: "/".join([*p, "x.jpg"]))


@given(paths=st.lists(PATHS, unique=True, max_size=8), wanted=PATHS, near=PATHS)
def test_the_file_is_one_that_ends_so_and_none_is_nearer(paths, wanted, near):
    match = located.ending(located.index(paths, (".jpg",)), PurePosixPath(wanted), PurePosixPath(near))
    ends = [path for path in paths if f"/{path}".endswith(f"/{wanted}")]
    assert (match is None) == (not ends)
    if match is not None:
        assert match.as_posix() in ends

        def shared(path):
            one, two = path.split("/")[:-1], near.split("/")[:-1]
            return max(depth for depth in range(min(len(one), len(two)) + 1) if one[:depth] == two[:depth])

        assert shared(match.as_posix()) == max(map(shared, ends))
        assert match.as_posix() == next(path for path in ends if shared(path) == shared(match.as_posix()))


def test_a_file_found_to_the_letter_is_preferred_to_a_nearer_one():
    paths = ["labels/AFW/1 _2.jpg", "b/afw/1_2.jpg", "c/afw/1_2.JPG"]
    index, near = located.index(paths, (".jpg",)), PurePosixPath("labels/a.json")
    for wanted, expected in (("afw/1_2.jpg", paths[1]), ("afw/1_2.JPG", paths[2]), ("Afw/1_2.jpg", paths[0])):
        assert located.ending(index, PurePosixPath(wanted), near) == PurePosixPath(expected)
    assert located.ending(index, PurePosixPath("helen/1_2.jpg"), near) is None
    assert located.ending(index, PurePosixPath("afw/12.jpg"), near) is None
