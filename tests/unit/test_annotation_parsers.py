"""Whatever is in an annotation file: what it says, as a naive reading of it confirms, or one line of error."""

import codecs
import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thermark.core import ldmks
from thermark.core.errors import DataError, ThermarkError
from thermark.datasets.readers import coco, csv_tables, pts
from thermark.datasets.readers.entries import checked_box
from thermark.datasets.readers.loaded import Findings

CLASSES = {"nose": 3, "person": 0}
POINTS = 3
FIELDS = frozenset({"face_kpts", "face_box"})
FAST = settings(max_examples=80, suppress_health_check=list(HealthCheck))


def all_points(path):
    """Every labelled face of a COCO file, as the loaders of 300W and COCO-WholeBody read it."""
    csv_tables = coco.read(path, FIELDS)
    names = csv_tables.images()
    faces = {}
    for where, entry in csv_tables.entries("annotations"):
        image = coco.identifier(entry, "image_id", where)
        box = checked_box(coco.corners(entry, "face_box", where), where)
        faces[where] = (names.get(image), coco.points(entry, "face_kpts", where, POINTS), box)
    return faces


def all_numbers(table):
    return {name: table.number(name) for name in table.columns}


PARSERS = {
    "coco.json": lambda path: coco.instances(coco.read(path), CLASSES, Findings()),
    "points.json": all_points,
    "face.pts": lambda path: pts.read(path, POINTS),
    "7_ldmks.txt": lambda path: ldmks.read(path, POINTS),
    "table.csv": lambda path: all_numbers(csv_tables.read(path)),
}

XY = st.tuples(st.integers(-99_999, 99_999), st.integers(-99_999, 99_999)).map(lambda v: (v[0] / 100, v[1] / 100))
FACE = st.lists(XY, min_size=POINTS, max_size=POINTS)


def ldmks_text(face):
    return "".join(f"{x:.2f} {y:.2f}\n" for x, y in face)


def pts_text(face):
    return f"version: 1\nn_points:  {len(face)}\n{{\n{ldmks_text(face)}}}\n"


def csv_text(face):
    return "x,y\n" + "".join(f"{x:.2f},{y:.2f}\n" for x, y in face)


def points_text(face):
    flat = [value for x, y in face for value in (x, y, 1)]
    low, high = np.min(face, axis=0) - 1, np.max(face, axis=0) + 1
    entry = {"id": 5, "image_id": 1, "face_kpts": flat, "face_box": [*low, *(high - low)]}
    return json.dumps({"images": [{"id": 1, "file_name": "a/b.jpg"}], "annotations": [entry]}, indent=0)


def coco_text(face):
    boxes = [{"id": n, "image_id": 1, "category_id": 3, "bbox": [x, y, 4, 5]} for n, (x, y) in enumerate(face)]
    categories = [{"id": 0, "name": "Person"}, {"id": 3, "name": "Nose"}]
    images = [{"id": 1, "file_name": "a/Thermal_1.png"}]
    return json.dumps({"images": images, "categories": categories, "annotations": boxes}, indent=0)


WRITERS = {
    "coco.json": coco_text,
    "points.json": points_text,
    "face.pts": pts_text,
    "7_ldmks.txt": ldmks_text,
    "table.csv": csv_text,
}


def points_of(name, result):
    """The written points in what a parser returned."""
    if name == "coco.json":
        return result["Thermal_1"]["nose"][:, :2]
    if name == "points.json":
        ((_, xy, _),) = result.values()
        return xy
    return np.stack([result["x"], result["y"]], axis=1) if name == "table.csv" else result


def attempt(folder, name, data):
    """What the parser returns, or None where it refuses in one line that names the file; nothing else may come."""
    path = folder / name
    path.write_bytes(data)
    try:
        return PARSERS[name](path)
    except ThermarkError as error:
        assert isinstance(error, DataError) and name in error.cause
        assert len(f"{error.cause}|{error.remedy}".splitlines()) == 1
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("annotations")


@pytest.mark.parametrize("name", PARSERS)
@FAST
@given(face=FACE)
def test_what_was_written_is_read(folder, name, face):
    result = points_of(name, attempt(folder, name, WRITERS[name](face).encode()))
    np.testing.assert_allclose(result, face, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("name", PARSERS)
@FAST
@given(
    data=st.binary(max_size=60)
    | st.text('0123456789.,;-+e{}[]":\n\r\t \0\x0c\x85nainfx_', max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_refused(folder, name, data):
    attempt(folder, name, data)


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(DataError, match=name):
        PARSERS[name](tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=name):
        PARSERS[name](tmp_path / name)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda data: codecs.BOM_UTF8 + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: codecs.BOM_UTF8 + data.replace(b"\n", b"\r\n"),
        lambda data: data.rstrip(),
        lambda data: data + b"\n",
    ],
    ids=["bom", "crlf", "cr", "bom, crlf", "no last line end", "blank last line"],
)
def test_how_it_was_saved_makes_no_difference(folder, name, change):
    face = [(1.5, 2.25), (-3.0, 40.0), (512.0, 0.75)]
    result = attempt(folder, name, change(WRITERS[name](face).encode()))
    np.testing.assert_allclose(points_of(name, result), face)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_characters_are_understood_or_refused(folder, name, encoding):
    face = [(1.5, 2.25), (-3.0, 40.0), (512.0, 0.75)]
    result = attempt(folder, name, WRITERS[name](face).encode(encoding))
    if result is not None:
        assert name == "table.csv" and encoding == "utf-16"  # as spreadsheets save them
        np.testing.assert_allclose(points_of(name, result), face)


def naive(name, text):
    """The numbers of a text format, read line by line with no care at all: the lines must be there, as written."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if name == "face.pts":
        lines = lines[lines.index("{") + 1 : lines.index("}")]
    if name == "table.csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        lines = [f"{row['x'] or '-'} {row['y'] or '-'}" for row in rows if any(row.values())]
    values = [[as_number(field) for field in line.split()] for line in lines if line]
    both = [row if np.isfinite(np.float32(row)).all() or name == "table.csv" else [np.nan] * 2 for row in values]
    return np.array(both, np.float64).reshape(-1, 2)


def as_number(field):
    try:
        value = float(field)
    except ValueError:
        return np.nan
    return value if math.isfinite(value) else np.nan


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("name", ["face.pts", "7_ldmks.txt", "table.csv"])
@FAST
@given(
    face=FACE,
    which=st.integers(0, 12),
    how=st.sampled_from(["drop", "double", "swap", "cut", "blank", "nan", "huge", "text", "join", "brace"]),
    more=st.integers(0, 40),
)
def test_a_mutated_text_is_what_it_says_or_refused(folder, name, face, which, how, more):
    lines = WRITERS[name](face).splitlines(keepends=True)
    index = which % len(lines)
    other = more % len(lines)
    if how == "drop":
        del lines[index]
    elif how == "double":
        lines.insert(index, lines[index])
    elif how == "swap":
        lines[index], lines[other] = lines[other], lines[index]
    elif how == "join":
        lines[index] = lines[index].rstrip("\n")
    elif how == "brace":
        lines.insert(index, "{\n" if more % 2 else "}\n")
    elif how != "cut":
        sign = "," if name == "table.csv" else " "
        lines[index] = {"blank": "\n", "nan": f"nan{sign}4\n", "huge": f"1e999{sign}1e300\n", "text": "x\n"}[how]
    text = "".join(lines)
    if how == "cut":
        text = text[: -1 - more % len(text)]
    result = attempt(folder, name, text.encode())
    if result is None or (name == "table.csv" and set(result) != {"x", "y"}):
        return
    points = points_of(name, result)
    assert name == "table.csv" or len(points) == POINTS  # a file never has fewer points than a face
    np.testing.assert_allclose(points, naive(name, text), rtol=1e-6, atol=1e-4)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(10**400)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(node, path=()):
    """Every place in a tree of plain data, as the keys that lead there."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
@FAST
@given(data=st.data(), value=ANYTHING, face=FACE)
def test_any_place_of_a_json_may_hold_anything(folder, name, data, value, face):
    """A coordinate is never lost in silence: it is read as it stands, noted, or the file is refused."""
    content = json.loads(WRITERS[name](face))
    *way, last = data.draw(st.sampled_from(list(places(content))))
    node = content
    for key in way:
        node = node[key]
    node[last] = value
    findings = Findings()
    path = folder / f"any_{name}"
    path.write_text(json.dumps(content))
    try:
        result = coco.instances(coco.read(path), CLASSES, findings) if name == "coco.json" else all_points(path)
    except DataError as error:
        assert path.name in error.cause and len(error.cause.splitlines()) == 1
        return
    noted = sum(map(len, findings.lists.values()))
    if name == "coco.json":
        annotations = content["annotations"] or []  # nothing in it is nothing lost
        read = sum(len(boxes) for instances in result.values() for boxes in instances.values())
        assert read + noted >= len(annotations)
        for boxes in (boxes for instances in result.values() for boxes in instances.values()):
            assert np.isfinite(boxes).all() and (boxes[:, 2:] > boxes[:, :2]).all()
    else:
        annotations = content["annotations"] or []
        assert len(result) == len(annotations)
        for entry, (_, xy, box) in zip(annotations, result.values(), strict=True):
            assert xy.shape == (POINTS, 2) and np.isfinite(box).all()
            flat = np.array([float(min(v, 1e308)) for v in entry["face_kpts"]]).reshape(POINTS, 3)
            with np.errstate(over="ignore"):
                usable = np.isfinite(flat.astype(np.float32)).all(axis=1) & (flat[:, 2].astype(np.float32) > 0)
            np.testing.assert_allclose(xy[usable], flat[usable, :2], rtol=1e-6, atol=1e-30)
            assert np.isnan(xy[~usable]).all()


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
@FAST
@given(place=st.integers(0, 10**6), count=st.integers(1, 60))
def test_a_json_cut_or_with_a_hole_is_refused_or_whole(folder, name, place, count):
    """A hole may fall on blanks or into a number: then the file is valid, and is read as it stands."""
    text = WRITERS[name]([(1.5, 2.25), (-3.0, 40.0), (512.0, 0.75)])
    assert attempt(folder, name, text[: place % (len(text) - 1)].encode()) is None
    start = place % len(text)
    changed = text[:start] + text[start + count :]
    result = attempt(folder, name, changed.encode())
    if result is not None and name == "coco.json":
        findings = Findings()
        again = coco.instances(coco.read(folder / name), CLASSES, findings)
        read = sum(len(boxes) for instances in again.values() for boxes in instances.values())
        # What the hole has made unusable, such as a box without numbers, is said.
        assert read + sum(map(len, findings.lists.values())) >= len(json.loads(changed)["annotations"] or [])


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"annotations":', '"annotations": [], "annotations":'),
        ('"annotations":', '"images": [], "annotations":'),
        ('"image_id": 1', '"image_id": 1,\n"image_id": 2'),
        ('"id": 1', '"id": 1, "id": "a\\nb"'),
    ],
)
def test_a_key_that_occurs_twice_is_refused(folder, name, old, new):
    """JSON lets the last one win; labels under the first would be dropped without a word."""
    text = WRITERS[name]([(1.0, 2.0)] * POINTS)
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=rf"^{name} is no JSON \(an object has two keys"):
        PARSERS[name](folder / name)


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
@pytest.mark.parametrize("bad", ["a\nb.png", "a\0.png", "\ud800.png", "a\x7f.png", "..", "/", "", " ", "\\"])
def test_a_name_that_no_file_has_is_refused(folder, name, bad):
    content = json.loads(WRITERS[name]([(1.0, 2.0)] * POINTS))
    content["images"][0]["file_name"] = bad
    assert attempt(folder, name, json.dumps(content).encode()) is None


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
def test_an_id_of_several_lines_is_named_on_one(folder, name):
    content = json.loads(WRITERS[name]([(1.0, 2.0)] * POINTS))
    content["images"][0] |= {"id": "a\nb\u2028" + "c" * 500, "file_name": 3}
    assert attempt(folder, name, json.dumps(content).encode()) is None


@pytest.mark.parametrize("name", ["coco.json", "points.json"])
def test_nesting_without_end_is_refused(folder, name):
    text = WRITERS[name]([(1.0, 2.0)] * POINTS)
    for deep in ("[" * 50_000 + "]" * 50_000, '{"a":' * 50_000 + "1" + "}" * 50_000):
        assert attempt(folder, name, text.replace('"id": 1', f'"other": {deep}, "id": 1', 1).encode()) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("face.pts", pts_text([(1.0, 2.0)] * 3).replace("n_points:", "n_points: " + "9" * 5000 + "\nn_points:")),
        ("face.pts", pts_text([(1.0, 2.0)] * 3).replace("n_points:  3", "n_points: 3\nn_points: 68")),
        ("face.pts", pts_text([(1.0, 2.0)] * 3) + pts_text([(7.0, 8.0)] * 3)),
        ("face.pts", pts_text([(1.0, 2.0)] * 3).replace("1.00", "1_0")),
        ("7_ldmks.txt", ldmks_text([(1.0, 2.0)] * 3).replace("1.00", "1_0")),
        ("7_ldmks.txt", ldmks_text([(1.0, 2.0)] * 3).replace("1.00", "0x1p3")),
        ("table.csv", 'x,y\n1,2\n"3,4\n5,6\n7,8\n'),
        ("table.csv", 'x,y\n1,2\n"3"4,5\n'),
        ("table.csv", "x,y\n1," + "2" * 200_000 + "\n"),
        ("table.csv", "\nx,y\n1,2\n"),
    ],
    ids=range(10),
)
def test_nothing_is_lost_in_silence(folder, name, text):
    assert attempt(folder, name, text.encode()) is None


def test_values_beyond_single_precision_are_unlabelled(folder):
    for name in ("face.pts", "7_ldmks.txt"):
        text = WRITERS[name]([(1.0, 2.0)] * 3).replace("1.00", "1e300", 1)
        assert np.isnan(points_of(name, attempt(folder, name, text.encode()))).all(axis=1).tolist() == [
            *(True, False, False)
        ]


def test_a_cell_may_have_lines(folder):
    """Line numbers are those of the file all the same."""
    (folder / "table.csv").write_text('x,note\n1,"a\nb"\n\n2,c\n')
    table = csv_tables.read(folder / "table.csv")
    assert (table.lines, table.blank, table.columns["note"]) == ([3, 5], [4], ["a\nb", "c"])


def test_odd_numbers_are_no_numbers(folder):
    (folder / "table.csv").write_text("x\n1_5\n1e999\ninf\n٣\n0x10\n2.5\n")
    np.testing.assert_array_equal(csv_tables.read(folder / "table.csv").number("x"), [*[np.nan] * 5, 2.5])
