"""SF-TL54 in its published layout, with what is wrong in such trees; rows of labels, whatever they hold."""

import json
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from thermark import landmarks
from thermark.core.errors import DataError, ThermarkError
from thermark.core.faces import open_set
from thermark.datasets import sftl54, sftl54_visible
from thermark.datasets.checks import conventions
from thermark.datasets.prepare import packing
from thermark.datasets.readers import labelme, speakingfaces
from thermark.datasets.readers.loaded import Findings, strings

CONFIG = sftl54.Config(raw="r")
GROUPS = sftl54.GROUPS
# Subject, trial, session, position, (command,) frame, stream: as the names of real pictures.
NAMES = {
    "train": ["1_1_1_1_450_1", "1_2_2_4_1047_25_1", "2_1_1_9_12_1"],
    "val": ["101_1_1_4_450_1"],
    "test": ["119_1_2_8_144_102_1", "142_2_1_3_7_1"],
}
EVERY = [(part, name) for part, names in NAMES.items() for name in names]


def points(name):
    """Points (54, 2) as labelme writes them: a cloud, but for the eyes' corners and the middle of the mouth."""
    rng = np.random.default_rng(abs(hash_of(name)))
    xy = rng.uniform((60, 50), (140, 120), (54, 2)).round(3)
    xy[36, 0], xy[45, 0] = 70, 130
    xy[[49, 51, 52, 53], 1] = [100, 115, 105, 110]
    return xy


def hash_of(name):
    return sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 2**31


def shapes(xy, order=tuple(GROUPS)):
    starts = dict(zip(GROUPS, np.cumsum([0, *GROUPS.values()]), strict=False))
    return [
        {
            "label": name,
            "points": xy[starts[name] : starts[name] + GROUPS[name]].tolist(),
            "shape_type": "linestrip",
        }
        for name in order
    ]


def labelled(name):
    box = {"label": "face", "points": [[150.0, 40.0], [55.0, 130.0]], "shape_type": "rectangle"}
    return {"shapes": [box, *shapes(points(name))], "imageHeight": 348, "imageWidth": 464, "imageData": None}


def draw(path, name, palette):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(hash_of(name)).integers(0, 255, (150, 200), np.uint8)
    image = {"gray": grey, "iron": cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), "rgb": np.dstack([grey] * 3)}
    cv2.imwrite(str(path), image[palette])


@pytest.fixture
def tree(tmp_path):
    """What `sftl.zip` unpacks to."""
    root = tmp_path / "sftl/sftl"
    for part, name in EVERY:
        for palette in ("gray", "iron"):
            draw(root / palette / part / "images" / f"{name}.png", name, palette)
            path = root / palette / part / "json" / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(labelled(name)))
        draw(root / "rgb" / part / f"{name[:-1]}3.png", name, "rgb")
    return tmp_path


CHECKS = ("sides", "labels in boxes", "published parts", "published counts")


def verdicts(loaded):
    return {check.name: check.verdict for check in loaded.findings.checks}


def edit(tree, part, name, change):
    path = tree / f"sftl/sftl/gray/{part}/json/{name}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_faces_meet_their_pictures_points_and_splits(tree):
    loaded = sftl54.load(tree, CONFIG)
    faces = loaded.faces
    assert sorted(faces.ids) == sorted(f"{part}/{name}" for part, name in EVERY)
    assert (faces.splits == np.array([name.split("/")[0] for name in faces.ids])).all()
    one = faces.ids.tolist().index("test/119_1_2_8_144_102_1")
    assert loaded.frames.paths[one] == "sftl/sftl/gray/test/images/119_1_2_8_144_102_1.png"
    np.testing.assert_allclose(faces.xy[one], points("119_1_2_8_144_102_1") - 0.5, atol=1e-4)
    np.testing.assert_allclose(faces.prompts[one], [54.5, 39.5, 149.5, 129.5])
    np.testing.assert_allclose(faces.boxes[one, :2], faces.xy[one].min(axis=0))
    assert (faces.subjects[one], faces.strata["position"][one]) == ("sub_119", "8")
    assert faces.strata["session"].tolist().count("speaking") == 2
    assert loaded.frames.modality == "thermal" and faces.visible.all()
    facts = loaded.findings.facts
    assert facts["mouth_midline_in_order"] == 1.0
    assert (facts["visible_pairs"], facts["labels_of"]) == (6, "gray")
    assert not loaded.findings.lists
    assert verdicts(loaded) == {"published counts": "warning"} | dict.fromkeys(CHECKS[:3], "ok")
    assert loaded.findings.checks[3].found == "6 pictures, 5 subjects"
    assert loaded.findings.checks[3].expected == "2,556 pictures, 142 subjects"


def test_visible_twins_have_the_labels_of_their_thermal_pictures(tree):
    config = sftl54_visible.Config(raw="r", box="tight")
    thermal, visible = sftl54.load(tree, CONFIG), sftl54_visible.load(tree, config)
    assert visible.frames.modality == "rgb" and visible.faces.ids.tolist() == thermal.faces.ids.tolist()
    np.testing.assert_array_equal(visible.faces.xy, thermal.faces.xy)
    np.testing.assert_array_equal(visible.faces.splits, thermal.faces.splits)
    one = visible.faces.ids.tolist().index("test/119_1_2_8_144_102_1")
    assert visible.frames.paths[one] == "sftl/sftl/rgb/test/119_1_2_8_144_102_3.png"
    image = sftl54_visible.read(tree / visible.frames.paths[one], config)
    assert image.shape == (348, 464, 3)  # of a camera with other pixels
    (tree / "sftl/sftl/rgb/train/1_1_1_1_450_3.png").unlink()
    fewer = sftl54_visible.load(tree, config)
    assert set(thermal.faces.ids) - set(fewer.faces.ids) == {"train/1_1_1_1_450_1"}
    assert len(fewer.frames.ids) == len(fewer.faces) == 5
    paired = sftl54.load(tree, sftl54.Config(raw="r", paired=True))
    assert paired.faces.ids.tolist() == fewer.faces.ids.tolist()
    shutil.rmtree(tree / "sftl/sftl/rgb")
    with pytest.raises(DataError, match="no visible twin"):
        sftl54_visible.load(tree, config)


def test_pictures_of_other_sizes_and_depths(tmp_path):
    """Visible twins of the same size are left as they are; pictures of 16 bits are none of this set."""
    image = np.random.default_rng(0).integers(0, 255, (348, 464, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image[..., ::-1])
    np.testing.assert_array_equal(sftl54_visible.read(tmp_path / "a.png", CONFIG), image)
    cv2.imwrite(str(tmp_path / "x.png"), np.zeros((4, 4), np.uint16))
    with pytest.raises(DataError, match="not 8-bit"):
        sftl54.read(tmp_path / "x.png", CONFIG)


def test_both_palettes_have_the_same_faces(tree):
    gray, iron = (sftl54.load(tree, sftl54.Config(raw="r", source=source)) for source in ("gray", "iron"))
    assert iron.frames.paths[0].replace("iron", "gray") == gray.frames.paths[0]
    assert iron.frames.ids.tolist() == gray.frames.ids.tolist()
    np.testing.assert_array_equal(iron.faces.xy, gray.faces.xy)
    shutil.rmtree(tree / "sftl/sftl/iron/test/json")
    for part in ("train", "val"):
        shutil.rmtree(tree / f"sftl/sftl/iron/{part}/json")
    borrowed = sftl54.load(tree, sftl54.Config(raw="r", source="iron"))
    np.testing.assert_array_equal(borrowed.faces.xy, gray.faces.xy)
    assert borrowed.findings.facts["labels_of"] == "gray"


@pytest.mark.parametrize("kind", ["by size", "by name", "real"])
def test_lines_say_the_same_as_files(tree, kind):
    rng = np.random.default_rng(0)

    def record(xy):
        order = sorted(GROUPS) if kind == "by name" else GROUPS
        return real(xy, rng) if kind == "real" else {each["label"]: each["points"] for each in shapes(xy, order)}

    before = sftl54.load(tree, CONFIG)
    for palette in ("gray", "iron"):
        lined(tree, palette, record, "\r\n", "\ufeff")
    after = sftl54.load(tree, CONFIG)
    for name in ("ids", "splits", "subjects", "boxes", "prompts", "xy", "visible"):
        np.testing.assert_array_equal(getattr(before.faces, name), getattr(after.faces, name), name)


def test_bad_lines_are_named(tree):
    lined(tree, "gray", lambda xy: {each["label"]: each["points"] for each in shapes(xy)})
    broken = real(points(NAMES["val"][0]), np.random.default_rng(0))
    del broken["lip_p4"]  # a mouth of five points is none
    text = '{"image": 3}\n{"image"\n[1]\n' + json.dumps({"image": f"{NAMES['val'][0]}.png"} | broken)
    (tree / "sftl/sftl/gray/val/labels.jsonl").write_text(text)
    lists = sftl54.load(tree, CONFIG).findings.lists
    assert [cause.split(" (")[0] for cause in lists["bad_annotation"]] == [
        "val/labels.jsonl, line 1 names no image",
        "val/labels.jsonl, line 2 is no JSON",
        "val/labels.jsonl, line 3 names no image",
        "val/labels.jsonl, line 4 has 53 points in 12 groups, not 54 in 8",
    ]


def lined(tree, palette, record, end="\n", mark=""):
    """Write the labels of a palette as lines, `record` of points and picture, in place of files."""
    for part, names in NAMES.items():
        folder = tree / f"sftl/sftl/{palette}/{part}"
        shutil.rmtree(folder / "json")
        face = {"face": [[55, 40], [150, 130]]}
        lines = [json.dumps({"image": f"images/{name}.png"} | face | record(points(name))) for name in names]
        (folder / "labels.jsonl").write_text(mark + end.join([*lines, ""]) + end, encoding="utf-8", newline="")


def real(xy, rng):
    """A record as real `labels.jsonl` have them: the mouth as six single points, and the keys in any order."""
    parts = {shape["label"]: shape["points"] for shape in shapes(xy)}
    lips = parts.pop("lips")
    keys = list((parts | {f"lip_p{number}": [point] for number, point in enumerate(lips, start=1)}).items())
    return dict(keys[place] for place in rng.permutation(len(keys)))


def test_groups_of_equal_size_go_by_their_names():
    """The eyes are as long as each other, and so are the brows: in another order, only names tell them apart."""
    xy = points("x")
    swapped = list(GROUPS)
    for one, other in ((1, 2), (5, 6)):
        swapped[one], swapped[other] = swapped[other], swapped[one]
    np.testing.assert_array_equal(labelme.label({"shapes": shapes(xy, swapped)}, GROUPS, "face", "x").xy, xy)


def test_all_points_are_read_as_ibug68():
    """From the middle of the mouth as well: the four points go where real labels have them."""
    xy = np.arange(108.0).reshape(1, 54, 2)
    seen = landmarks.project(xy, "sftl54", "ibug68")[0]
    assert np.isfinite(seen).all(axis=-1).sum() == 54
    np.testing.assert_array_equal(seen[:48], xy[0, :48])
    pairs = {48: 48, 49: 51, 50: 54, 51: 57, 52: 62, 53: 66}
    np.testing.assert_array_equal(seen[list(pairs.values())], xy[0, list(pairs)])


def test_real_labels_are_read(mirror):
    """64 records as published: all are usable, the sides are right, the mouth runs from top to bottom."""
    rows = [json.loads(line) for line in (mirror("sftl54_labels") / "labels.jsonl").read_text().splitlines()]
    labels = [labelme.label(row, GROUPS, "face", "x", {"lips": sftl54.LIPS}) for row in rows]
    xy = np.stack([each.xy for each in labels])
    assert len(xy) == 64 and np.isfinite(xy).all()
    assert conventions.sides(xy, sftl54.EYES).verdict == "ok"
    assert (np.diff(xy[:, list(sftl54.MIDLINE), 1]) > 0).all(axis=1).mean() > 0.95
    assert conventions.inside(xy, np.stack([each.box for each in labels])).verdict == "ok"


def test_somebody_in_two_folders_is_tested(tree):
    for kind, suffix in (("images", "png"), ("json", "json")):
        source = tree / f"sftl/sftl/gray/train/{kind}/1_1_1_1_450_1.{suffix}"
        shutil.copy(source, tree / f"sftl/sftl/gray/test/{kind}/1_1_1_1_9_1.{suffix}")
    loaded = sftl54.load(tree, CONFIG)
    assert loaded.findings.lists["group_in_two_parts"] == ["sub_1"]
    assert set(loaded.faces.splits[loaded.faces.subjects == "sub_1"]) == {"test"}
    assert set(loaded.faces.splits[loaded.faces.subjects == "sub_2"]) == {"train"}
    assert verdicts(loaded)["published parts"] == "warning"


def test_labels_that_contradict_their_conventions_fail(tree):
    def mirror(content):
        for shape in content["shapes"][1:]:
            shape["points"] = [[200 - x, y] for x, y in shape["points"]]

    def halve(content):
        content["shapes"][0]["points"] = [[1.0, 1.0], [40.0, 40.0]]

    for change, name in ((mirror, "sides"), (halve, "labels in boxes")):
        for number, (part, stem) in enumerate(EVERY):
            assert verdicts(sftl54.load(tree, CONFIG))[name] == (
                "ok" if not number else "warning" if number < 4 else "failed"
            )
            edit(tree, part, stem, change)
        assert verdicts(sftl54.load(tree, CONFIG))[name] == "failed"


def test_the_corpus_has_a_list_of_its_own(tree):
    faces = sftl54.load(tree, sftl54.Config(raw="r", split="speakingfaces")).faces
    splits = dict(zip(faces.subjects.tolist(), faces.splits.tolist(), strict=True))
    assert splits == {"sub_1": "train", "sub_2": "train", "sub_101": "val", "sub_119": "val", "sub_142": "test"}
    numbers = [speakingfaces.corpus_split(number) for number in range(1, 143)]
    assert [numbers.count(name) for name in ("train", "val", "test")] == [100, 20, 22]


def test_folders_that_keep_nobody_apart_are_an_error(tree):
    for part in ("train", "val"):
        for kind in ("images", "json"):
            shutil.copytree(
                tree / f"sftl/sftl/gray/{part}/{kind}", tree / f"sftl/sftl/gray/test/{kind}", dirs_exist_ok=True
            )
    with pytest.raises(DataError, match="no face is left in the train split"):
        sftl54.load(tree, CONFIG)
    assert len(sftl54.load(tree, sftl54.Config(raw="r", split="speakingfaces")).faces) == 10


def test_what_does_not_meet_is_listed(tree):
    gray = tree / "sftl/sftl/gray"
    (gray / "train/images/2_1_1_9_12_1.png").unlink()
    (gray / "test/json/142_2_1_3_7_1.json").unlink()
    (tree / "sftl/sftl/rgb/val/101_1_1_4_450_3.png").unlink()
    draw(gray / "val/images/portrait.png", "x", "gray")
    draw(gray / "val/masks/101_1_1_4_450_1.png", "x", "gray")
    draw(gray / "val/images_mirr/101_1_1_4_450_1.png", "x", "gray")
    draw(tree / "z/gray/val/images/101_1_1_4_450_1.png", "x", "gray")
    draw(tree / "__MACOSX/sftl/gray/val/images/._101_1_1_4_450_1.png", "x", "gray")
    draw(gray / "val/images/._101_1_1_4_450_1.png", "x", "gray")
    draw(tree / "loose/3_1_1_1_1_1.png", "x", "gray")
    loaded = sftl54.load(tree, CONFIG)
    assert loaded.findings.lists == {
        "missing_image": ["train/2_1_1_9_12_1"],
        "missing_annotation": ["sftl/sftl/gray/test/images/142_2_1_3_7_1.png"],
        "missing_visible": ["101_1_1_4_450_1"],
        "unknown_subject": ["sftl/sftl/gray/val/images/portrait.png"],
        "duplicate_image": ["z/gray/val/images/101_1_1_4_450_1.png"],
    }
    assert len(loaded.faces) == 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: c["shapes"].pop(), "has 48 points in 7 groups, not 54 in 8"),
        (lambda c: c["shapes"][1]["points"].pop(), "has 53 points in 8 groups, not 54 in 8"),
        (lambda c: c["shapes"].append(c["shapes"][0]), "has 2 shapes 'face'"),
        (lambda c: c["shapes"][0].update(points=[[5, 5], [5, 9]]), "has a box without area"),
        (lambda c: c["shapes"][0].update(points=[[5, 5]]), "has a box of 1 corners"),
        (lambda c: c["shapes"][3].update(points=[["1", 2]] * 5), "has no usable points"),
        (lambda c: c["shapes"][3].update(points=None), "has no points in 'right_eyebrow'"),
        (lambda c: c.update(shapes=None), "has no list of shapes"),
        (
            lambda c: [s.update(points=[[float("nan")] * 2] * len(s["points"])) for s in c["shapes"][1:]],
            "labels no point",
        ),
        (None, "is no JSON"),
    ],
)
def test_a_bad_file_is_left_out_and_named(tree, change, why):
    if change:
        edit(tree, "train", "2_1_1_9_12_1", change)
    else:
        (tree / "sftl/sftl/gray/train/json/2_1_1_9_12_1.json").write_bytes(b"\xff\xfe{")
    loaded = sftl54.load(tree, CONFIG)
    (cause,) = loaded.findings.lists["bad_annotation"]
    assert cause.split(" (")[0] == f"train/2_1_1_9_12_1.json {why}"
    assert loaded.findings.lists["missing_annotation"] == ["sftl/sftl/gray/train/images/2_1_1_9_12_1.png"]
    assert len(loaded.faces) == 5


def test_nothing_usable_is_an_error_that_says_why(tree):
    for folder in ("images", "json"):
        (tree / "sftl/sftl/gray/train" / folder).rename(tree / folder)
    with pytest.raises(DataError, match="no face is left in the train split"):
        sftl54.load(tree, CONFIG)
    for folder in ("images", "json"):
        (tree / folder).rename(tree / "sftl/sftl/gray/train" / folder)
    for part, name in EVERY:
        edit(tree, part, name, lambda content: content["shapes"].pop())
    with pytest.raises(DataError, match=r"under .*: 6 x bad annotation, first: .*has 48 points"):
        sftl54.load(tree, CONFIG)


def test_unlabelled_points_and_boxes(tree):
    def change(content):
        content["shapes"][1]["points"][3] = [float("nan"), 7.0]
        content["shapes"][1]["points"][5] = [7.0, float("inf")]
        content["shapes"][1]["points"][4] = [-900.0, 7.0]  # out of the frame: left as it is
        del content["shapes"][0]

    edit(tree, "train", "2_1_1_9_12_1", change)
    loaded = sftl54.load(tree, CONFIG)
    row = loaded.faces.ids.tolist().index("train/2_1_1_9_12_1")
    assert np.flatnonzero(~loaded.faces.visible[row]).tolist() == [3, 5]
    assert np.isnan(loaded.faces.xy[row, [3, 5]]).all()
    assert loaded.faces.xy[row, 4].tolist() == [-900.5, 6.5]
    assert loaded.findings.lists["missing_box"] == ["train/2_1_1_9_12_1"]
    np.testing.assert_array_equal(loaded.faces.prompts[row], loaded.faces.boxes[row])


def test_single_points_and_other_orders_are_read():
    xy = points("x")
    loose = [{"label": str(n), "points": [point]} for n, point in enumerate(xy.tolist())]
    for entries in (shapes(xy), shapes(xy, sorted(GROUPS)), shapes(xy, sorted(GROUPS, reverse=True)), loose):
        np.testing.assert_array_equal(labelme.label({"shapes": entries}, GROUPS, "face", "x").xy, xy)


@pytest.mark.parametrize("mode", ["gray", "iron", "palette", "alpha", "jpg"])
def test_every_kind_of_picture_is_grey(tmp_path, mode):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    path = tmp_path / f"x.{'jpg' if mode == 'jpg' else 'png'}"
    coloured = cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    image = Image.fromarray(coloured if mode in ("iron", "alpha") else ramp)
    if mode == "palette":
        image = Image.fromarray(ramp)
        image.putpalette(coloured[0].ravel().tolist())
    (image.convert("RGBA") if mode == "alpha" else image).save(path)
    grey = sftl54.read(path, CONFIG)
    assert (grey.shape, grey.dtype) == ((4, 256), np.uint8)
    luma = ramp if mode in ("gray", "jpg") else np.tile((coloured[0] @ [0.299, 0.587, 0.114])[None], (4, 1))
    np.testing.assert_allclose(grey, luma, atol=3 if mode == "jpg" else 0.51)


def test_a_prepared_set(tree, tmp_path):
    (tree / "sftl/sftl/gray/train/images/2_1_1_9_12_1.png").write_bytes(b"")
    config = sftl54.Config(raw="r", max_bad_fraction=0.2)
    crop = packing.CropConfig(size=32, padding=1.0)
    packing.pack(sftl54, tree, config, crop, tmp_path / "out", tmp_path / "report.json", tmp_path / "splits.csv")
    faces, crops = open_set(tmp_path / "out")
    assert len(faces) == 5
    np.testing.assert_allclose(crops.to_source[0] @ np.array([-0.5, 15.5, 1.0]), [54.5, 84.5], atol=3)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["found"]["unreadable"]["examples"] == ["2_1_1_9_12_1.png is empty"]
    assert (report["frame_sizes"], report["modality"]) == ({"200x150": 5}, "thermal")
    assert "sub_142,test" in (tmp_path / "splits.csv").read_text().splitlines()


def test_its_points_among_others():
    vocabulary = landmarks.load("sftl54")
    # As the publishers' script reorders the points of a mirrored picture.
    mirrored = [*range(16, -1, -1), 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33, 32, 31]
    mirrored += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 50, 49, 48, 51, 52, 53]
    assert vocabulary.flip.tolist() == mirrored
    weights = landmarks.weights("sftl54", "ibug68")
    assert np.array_equal(weights[:48], np.eye(48, 54))
    assert np.flatnonzero(weights[48:].any(axis=1)).tolist() == [0, 3, 6, 9, 14, 18]
    for version in ("centre", "posts", "tip"):
        direct = landmarks.weights("sftl54", "nose1", version)
        np.testing.assert_allclose(direct, landmarks.weights("ibug68", "nose1", version) @ weights)


def test_held_out_is_never_less_strict():
    """Who validates a model must not test it either, whichever is listed first."""
    parts = np.array(["train", "val", "test", "train", "val", "val", "val", "test", "train"])
    groups = strings("aabbccddd")
    findings = Findings()
    held = speakingfaces.held_out(groups, parts, findings).tolist()
    assert held == ["val", "val", "test", "test", "val", "val", "test", "test", "test"]
    assert findings.lists == {"group_in_two_parts": ["a", "b", "d"]}


def test_names_of_pictures():
    assert speakingfaces.subject("100_1_2_4_1047_25_1") == 100
    assert speakingfaces.visible("100_1_2_4_1047_25_1") == "100_1_2_4_1047_25_3"
    assert [speakingfaces.subject(name) for name in ("3312", "a_1_1_4_450_1", "1_1_1_1", "")] == [None] * 4
    assert (speakingfaces.position("103_1_1_4_450_1"), speakingfaces.session("103_1_1_4_450_1")) == ("4", "silent")


numbers = st.one_of(st.floats(), st.integers(), st.none(), st.text(max_size=3))
pairs = st.lists(st.lists(numbers, min_size=1, max_size=3), max_size=18)
shape = st.fixed_dictionaries({"label": st.sampled_from([*GROUPS, "face", ""])}, optional={"points": pairs})
content = st.one_of(
    st.fixed_dictionaries({"shapes": st.one_of(st.lists(shape, max_size=9), st.none(), st.lists(st.none()))}),
    st.dictionaries(st.sampled_from([*GROUPS, "face", "image"]), st.one_of(pairs, numbers)),
    numbers,
)


@given(content)
def test_whatever_a_file_holds_is_a_face_or_an_error(entry):
    try:
        label = labelme.label(entry, GROUPS, "face", "x")
    except ThermarkError as error:
        assert error.cause.startswith("x ")
    else:
        assert label.xy.shape == (54, 2) and label.box.shape == (4,)


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=54, max_size=54), st.randoms())
def test_groups_in_any_order_give_the_same_points(listed, random):
    xy = np.array(listed)
    order = [*GROUPS]
    random.shuffle(order)
    actual = labelme.label({"shapes": shapes(xy, order)}, GROUPS, "face", "x").xy
    if [GROUPS[name] for name in order] == [*GROUPS.values()]:  # names do not count where the sizes fit
        assert sorted(map(tuple, actual)) == sorted(map(tuple, xy))
    else:
        np.testing.assert_array_equal(actual, xy)
