"""TFW in its published layout, with what is wrong in such trees; rows of its CSV files, whatever they hold."""

import json
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark import landmarks
from thermark.core.errors import DataError
from thermark.core.faces import open_set
from thermark.datasets import tfw
from thermark.datasets.checks import conventions
from thermark.datasets.prepare import packing
from thermark.datasets.readers import five_points

CONFIG = tfw.Config(raw="r")
HEADER = ["image", *five_points.NUMBERS]
# Picture -> number of faces; indoors the name begins with the subject.
SHEETS = {
    "train/indoor": {"1_1_1_1_450_1.png": 1, "1_2_2_9_1047_25_1.png": 1, "2_1_1_4_3_1.png": 1},
    "train/outdoor": {"1.png": 3, "2.png": 1, "7.png": 2},
    "val/indoor": {"103_1_1_4_450_1.png": 1},
    "val/outdoor": {"3312.png": 2},
    "test/indoor": {"142_1_1_1_5_1.png": 1},
    "test/outdoor": {"4076.png": 2},
}


def numbers(name, place=0):
    """Box and points of a face, as published: whole numbers, the subject's right on the left of the picture."""
    x, y = 20 + 40 * place + len(name), 30
    return [x, y, x + 30, y + 40, x + 8, y + 12, x + 22, y + 12, x + 15, y + 22, x + 9, y + 31, x + 21, y + 31]


def rows(sheet):
    return [[name, *numbers(name, place)] for name, faces in SHEETS[sheet].items() for place in range(faces)]


def write(path, table, end="\n", separator=",", mark=""):
    text = end.join(separator.join(map(str, cells)) for cells in table) + end
    path.write_text(mark + text, encoding="utf-8", newline="")


def draw(path, coloured):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(sum(map(ord, str(path.stem)))).integers(0, 255, (100, 220), np.uint8)
    cv2.imwrite(str(path), cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO) if coloured else grey)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "TFW"
    for sheet, pictures in SHEETS.items():
        for name in pictures:
            draw(root / sheet / name, coloured=True)
            draw(root / f"{sheet}_gray" / name, coloured=False)
        write(root / f"{sheet}.csv", [HEADER, *rows(sheet)])
    return tmp_path


def test_faces_meet_their_pictures_boxes_and_splits(tree):
    loaded = tfw.load(tree, CONFIG)
    faces = loaded.faces
    assert (len(loaded.frames), len(faces)) == (10, 15)
    assert all(name.startswith(f"{split}/") for name, split in zip(faces.ids, faces.splits, strict=True))
    one = faces.ids.tolist().index("train/outdoor/1/2")
    assert (faces.frames[one], faces.subjects[one]) == ("train/outdoor/1", "train/outdoor/1")
    expected = np.array(numbers("1.png", 2), np.float32)
    np.testing.assert_array_equal(faces.boxes[one], expected[:4])
    np.testing.assert_array_equal(faces.prompts[one], expected[:4])
    np.testing.assert_array_equal(faces.xy[one], expected[4:].reshape(5, 2))
    indoor = faces.ids.tolist().index("val/indoor/103_1_1_4_450_1/0")
    assert (faces.subjects[indoor], faces.strata["position"][indoor]) == ("sub_103", "4")
    assert (
        loaded.frames.paths[loaded.frames.ids.tolist().index("val/outdoor/3312")]
        == "TFW/val/outdoor_gray/3312.png"
    )
    assert sorted(set(faces.strata["environment"])) == ["indoor", "outdoor"]
    assert loaded.findings.facts == {"faces_indoor": 5, "faces_outdoor": 10, "faces_semi": 0}
    assert not loaded.findings.lists
    checks = {check.name: check for check in loaded.findings.checks}
    assert [check.verdict for check in checks.values()] == ["ok", "ok", "ok", "warning"]
    counts = checks["published counts"]
    assert counts.found == "10 pictures, 15 faces"
    assert counts.expected == "9,202 pictures, 14,062 faces or 9,982 pictures, 16,509 faces"


def test_published_counts_are_recognised():
    for release in tfw.PUBLISHED:
        assert conventions.counts(dict(release), tfw.PUBLISHED).verdict == "ok"
    assert conventions.counts({"pictures": 9202, "faces": 16509}, tfw.PUBLISHED).verdict == "warning"


def test_the_outline_moves_boxes_and_points_alike(tree):
    zero, one = (tfw.load(tree, tfw.Config(raw="r", outline=outline)).faces for outline in (0.0, 0.5))
    for name in ("boxes", "prompts", "xy"):
        np.testing.assert_array_equal(getattr(one, name), getattr(zero, name) - np.float32(0.5), name)


def test_a_number_is_what_people_write():
    cells = ["a.png", *map(str, numbers("a.png"))]
    for place, text, expected in ((5, " 33 ", 33.0), (6, "4_2", None), (6, "inf", None), (6, "nan", None)):
        given_cells = [text if index == place else cell for index, cell in enumerate(cells)]
        x, y = five_points.row(given_cells, five_points.BY_POSITION, "x").xy[0]
        assert (np.isnan(x) and np.isnan(y)) if expected is None else x == expected


def test_palettes_and_environments(tree):
    iron = tfw.load(tree, tfw.Config(raw="r", source="iron", environments=("outdoor",)))
    assert iron.frames.paths[0] == "TFW/test/outdoor/4076.png" and len(iron.faces) == 10
    shutil.rmtree(tree / "TFW/test/outdoor_gray")
    fallen_back = tfw.load(tree, CONFIG)
    assert fallen_back.findings.lists["other_palette"] == ["TFW/test/outdoor"]
    assert "TFW/test/outdoor/4076.png" in fallen_back.frames.paths and len(fallen_back.faces) == 15


def test_the_newest_names_of_environments(tree):
    for part in ("train", "val", "test"):
        folder = tree / "TFW" / part
        for old, new in (("indoor", "c-indoor"), ("outdoor", "u-outdoor")):
            (folder / f"{old}.csv").rename(folder / f"{new}.csv")
            shutil.rmtree(folder / old)
            (folder / f"{old}_gray").rename(folder / f"{new}_gray")
    draw(tree / "TFW/train/s-indoor/5_1_1_1_1_1.png", coloured=True)
    write(tree / "TFW/train/s-indoor.csv", [HEADER, *(["5_1_1_1_1_1.png", *numbers("x", n)] for n in range(3))])
    loaded = tfw.load(tree, CONFIG)
    semi = loaded.faces.strata["environment"] == "semi"
    assert (len(loaded.faces), semi.sum()) == (18, 3)
    assert set(loaded.faces.subjects[semi]) == {"train/semi/5_1_1_1_1_1"}  # several people: no one's picture


@pytest.mark.parametrize(
    "style",
    [
        {"end": "\r\n", "mark": "\ufeff"},
        {"separator": ";"},
        {"separator": "\t"},
        {"header": None},
        {"header": None, "mark": "\ufeff"},
        {"header": ["Image Name", *(f"col{n}" for n in range(14))]},
        {"header": ["file", *(name.upper() for name in reversed(five_points.NUMBERS))], "reverse": True},
        {"header": ["", *HEADER], "index": True},
        {"header": ["Unnamed: 0", *(f"col{n}" for n in range(15))], "index": True},
        {"scattered": True},
    ],
)
def test_styles_of_csv_say_the_same(tree, style):
    before = tfw.load(tree, CONFIG)
    for sheet in SHEETS:
        table = rows(sheet)
        if style.get("reverse"):
            table = [[cells[0], *reversed(cells[1:])] for cells in table]
        if style.get("scattered"):  # the faces of a picture need not follow one another
            table = sorted(table, key=lambda cells: cells[1])
        if style.get("index"):
            table = [[number, *cells] for number, cells in enumerate(table)]
        header = style.get("header", HEADER)
        settings = {key: style[key] for key in ("end", "mark", "separator") if key in style}
        write(tree / f"TFW/{sheet}.csv", [*([header] if header else []), *table, [""]], **settings)
    after = tfw.load(tree, CONFIG)
    order = [np.argsort(loaded.faces.ids) for loaded in (before, after)]
    for name in ("ids", "frames", "subjects", "splits", "boxes", "xy", "visible"):
        first, second = (getattr(loaded.faces, name)[o] for loaded, o in zip((before, after), order, strict=True))
        np.testing.assert_array_equal(first, second, name)
    assert after.findings.lists == before.findings.lists


def test_what_does_not_meet_is_listed(tree):
    root = tree / "TFW"
    (root / "train/outdoor_gray/2.png").unlink()
    draw(root / "train/outdoor_gray/deep/8.PNG", coloured=False)
    draw(root / "train/outdoor_gray/._1.png", coloured=False)
    draw(root / "train/outdoor_gray/deep/1.png", coloured=False)
    shutil.copytree(root, tree / "ZZ/TFW")
    shutil.copytree(root, tree / "__MACOSX/TFW")
    write(root / "train/readme.csv", [["a", "b"]])
    loaded = tfw.load(tree, CONFIG)
    assert loaded.findings.lists == {
        "missing_image": ["train/outdoor/2.png"],
        "missing_annotation": ["TFW/train/outdoor_gray/deep/8.PNG"],
        "duplicate_image": ["TFW/train/outdoor_gray/deep/1.png"],
        "duplicate_annotations": [f"ZZ/TFW/{sheet}.csv" for sheet in sorted(SHEETS)],
        "unknown_part": ["TFW/train/readme.csv"],
    }
    assert len(loaded.faces) == 14


def test_odd_rows_are_left_out_and_named(tree):
    good = rows("train/outdoor")
    box, points = good[0][1:5], good[0][5:]
    odd = [
        ["7.png", *box],
        ["7.png", *box, *points, 9],
        ["7.png", *box[:2], *box[:2], *points],
        ["7.png", "a", *box[1:], *points],
        ["7.png", *box, *[""] * 10],
        ["7.png", *box, *[-1] * 10],
        ["", *box, *points],
        ["./", *box, *points],
    ]
    write(tree / "TFW/train/outdoor.csv", [HEADER, *good, good[1], *odd])
    loaded = tfw.load(tree, CONFIG)
    where = "train/outdoor.csv, line"
    assert loaded.findings.lists["bad_annotation"] == [
        f"{where} 9 has 5 cells instead of 15",
        f"{where} 10 has 16 cells instead of 15",
        f"{where} 11 has a box without area",
        f"{where} 12 has a box without area",
        f"{where} 13 labels no point",
        f"{where} 14 labels no point",
        f"{where} 15 names no picture",
        f"{where} 16 names no picture",
    ]
    assert loaded.findings.lists["duplicate_row"] == [f"{where} 8"]
    assert len(loaded.faces) == 15


@pytest.mark.parametrize(
    ("x", "y", "known"),
    [("-1", "-1", 0), ("0", "0", 0), ("", "5", 0), ("nan", "5", 0), ("-3", "400", 1), ("0", "50", 1)],
)
def test_unlabelled_points_are_nan(tree, x, y, known):
    table = rows("test/outdoor")
    table[1][7:9] = [x, y]
    write(tree / "TFW/test/outdoor.csv", [HEADER, *table])
    faces = tfw.load(tree, CONFIG).faces
    row = faces.ids.tolist().index("test/outdoor/4076/1")
    assert faces.visible[row].tolist() == [True, bool(known), True, True, True]
    assert np.isnan(faces.xy[row, 1]).all() == (not known)
    if known:
        assert faces.xy[row, 1].tolist() == [float(x), float(y)]  # out of the frame, too: left as it is


def test_exchanged_sides_and_people_in_two_parts_are_noted(tree):
    table = rows("test/outdoor")
    table[0][5:7], table[0][7:9] = table[0][7:9], table[0][5:7]
    write(tree / "TFW/test/outdoor.csv", [HEADER, *table])
    draw(tree / "TFW/val/indoor_gray/1_1_1_1_9_1.png", coloured=False)
    write(tree / "TFW/val/indoor.csv", [HEADER, *rows("val/indoor"), ["1_1_1_1_9_1.png", *numbers("x")]])
    loaded = tfw.load(tree, CONFIG)
    assert loaded.findings.lists["sides_exchanged"] == ["test/outdoor/4076/0"]
    assert loaded.findings.lists["group_in_two_parts"] == ["sub_1"]
    assert set(loaded.faces.splits[loaded.faces.subjects == "sub_1"]) == {"val"}


def test_an_empty_sheet_is_none_and_an_endless_cell_an_error(tree):
    (tree / "TFW/train/outdoor.csv").write_bytes(b"")
    assert len(tfw.load(tree, CONFIG).faces) == 9
    (tree / "TFW/train/outdoor.csv").write_text('"' + "a" * 200_000 + "\n")
    with pytest.raises(DataError, match=r"outdoor\.csv, line 1: field larger"):
        tfw.load(tree, CONFIG)


@pytest.mark.parametrize("source", ["gray", "iron"])
def test_a_prepared_set(tree, tmp_path, source):
    config = tfw.Config(raw="r", source=source)
    crop = packing.CropConfig(size=24, padding=1.0)
    packing.pack(tfw, tree, config, crop, tmp_path / "out", tmp_path / "report.json", tmp_path / "splits.csv")
    faces, crops = open_set(tmp_path / "out")
    assert len(faces) == len(crops.to_source) == 15
    centre = crops.to_source[4] @ np.array([11.5, 11.5, 1.0])
    np.testing.assert_allclose(centre, (faces.boxes[4, :2] + faces.boxes[4, 2:]) / 2, atol=1e-4)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["frames"], report["frame_sizes"]) == (10, {"220x100": 10})
    assert report["splits"] == {"test": 3, "train": 9, "val": 3}


def test_its_points_among_others():
    truth = np.arange(136, dtype=np.float64).reshape(68, 2)
    five = landmarks.project(truth, "ibug68", "tfw5")
    expected = [truth[36:42].mean(axis=0), truth[42:48].mean(axis=0), truth[30], truth[48], truth[54]]
    np.testing.assert_allclose(five, expected)
    back = landmarks.project(five, "tfw5", "ibug68")
    assert np.flatnonzero(np.isfinite(back[:, 0])).tolist() == [30, 48, 54]
    np.testing.assert_array_equal(landmarks.project(five, "tfw5", "nose1"), truth[30:31])
    through = landmarks.weights("ibug68", "tfw5")
    for source in ("facesynthetics70", "coco_wholebody133", "sapiens308", "charlotte73"):
        first = landmarks.weights(source, "ibug68")
        np.testing.assert_allclose(landmarks.weights(source, "tfw5"), through @ first, atol=1e-12, err_msg=source)
    mesh = through @ landmarks.weights("mediapipe478", "ibug68", "P")
    np.testing.assert_allclose(landmarks.weights("mediapipe478", "tfw5"), mesh, atol=1e-12)
    points = np.arange(108, dtype=np.float64).reshape(54, 2)
    expected = [points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[50]]
    np.testing.assert_allclose(landmarks.project(points, "sftl54", "tfw5"), expected)


cell = st.one_of(st.text(max_size=6), st.floats().map(str), st.integers().map(str))


@given(st.lists(cell, max_size=18))
def test_whatever_a_row_holds_is_a_face_or_an_error(cells):
    try:
        face = five_points.row(cells, five_points.BY_POSITION, "x")
    except DataError as error:
        assert error.cause.startswith("x ")
    else:
        assert np.isfinite(face.box).all() and np.isfinite(face.xy).any()


@given(st.lists(cell, max_size=18))
def test_whatever_a_header_holds_tells_fifteen_places(cells):
    places = five_points.columns(cells)
    assert places is None or len(set(places)) == 15


@given(st.lists(st.integers(1, 9999), min_size=14, max_size=14), st.permutations(range(15)))
def test_a_header_finds_its_columns_wherever_they_stand(values, order):
    values = [*values[:2], values[0] + values[2], values[1] + values[3], *values[4:]]
    header, cells = ["Image name", *five_points.NUMBERS], ["1.png", *map(str, values)]
    places = five_points.columns([header[place] for place in order])
    face = five_points.row([cells[place] for place in order], places, "x")
    assert (face.name, face.box.tolist(), face.xy.ravel().tolist()) == ("1.png", values[:4], values[4:])
