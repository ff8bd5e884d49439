"""Whole frames: which are packed, under which settings, and what is noted of them."""

import cv2
import numpy as np
import pytest
from test_datasets_thermeval import CONFIG, root  # noqa: F401 - a tree in the real layout

from thermark.core import files, packed_images
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import open_table
from thermark.datasets import thermeval
from thermark.datasets.prepare import framing, packing

SETTINGS = {"loader": "thermeval", "raw": "r", "val": ["session_00"]}
VARIANTS = {"png": {"source": "png"}, "wide": {"tone": {"name": "clip", "low": 0.0, "high": 63.0}}}


def prepare(root, out):  # noqa: F811
    """Return a tree in the real layout and its prepared face set; no two frames are alike."""
    for path in root.rglob("*.tiff"):
        celsius = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        celsius[0, 0] = 20 + int(path.stem.split("_")[1]) / 100
        cv2.imwrite(str(path), celsius)
    crop = packing.CropConfig(size=16)
    packing.pack(thermeval, root, CONFIG, crop, out / "faces", out / "report.json", out / "s.csv", workers=1)
    return root, out


@pytest.fixture
def prepared(root, tmp_path_factory):  # noqa: F811
    return prepare(root, tmp_path_factory.mktemp("prepared"))


def frame(prepared, split="test", variants=VARIANTS, workers=1):
    raw, out = prepared
    config = parse({"loader": "thermeval", "raw": "r", "variants": variants}, framing.Config, "frames.x")
    framing.frame(
        thermeval,
        raw,
        SETTINGS,
        config,
        split,
        out / "faces",
        out / "report.json",
        out / "frames",
        out / "f.json",
        workers,
    )
    noted = files.read_json(out / "f.json")
    return noted, {name: packed_images.read(out / "frames" / name) for name in noted["variants"]}


def test_the_base_shows_what_is_scored_and_a_variant_all_that_is_labelled(prepared):
    noted, packed = frame(prepared)
    table = open_table(prepared[1] / "faces")
    assert set(packed) == {"base", "png", "wide"}
    assert set(packed["base"].ids) == set(table.frames[table.splits == "test"])
    assert set(packed["png"].ids) == set(table.frames) > set(packed["base"].ids)
    assert noted["data"] == files.read_json(prepared[1] / "report.json")["fingerprint"]
    assert {name: len(each) for name, each in packed.items()} == {
        name: about["frames"] for name, about in noted["variants"].items()
    }


def test_each_variant_shows_the_frame_under_its_own_settings(prepared):
    _, packed = frame(prepared)
    name = packed["base"].ids[0]
    images = {key: each.image(list(each.ids).index(name)) for key, each in packed.items()}
    # 31.5 deg C everywhere: 20..40 makes it 146.6, 0..63 makes it 127.5; the picture holds the frame's number.
    assert images["base"][128, 96].tolist() == [147] * 3
    assert images["wide"][128, 96].tolist() in ([127] * 3, [128] * 3)
    assert images["png"][128, 96].tolist() == [int(name.split("_")[1]) % 250] * 3
    assert images["base"].shape == (256, 192, 3)


def test_all_faces_or_none(prepared):
    table = open_table(prepared[1] / "faces")
    assert set(frame(prepared, "all")[1]["base"].ids) == set(table.frames)
    assert len(frame(prepared, None, {})[1]["base"]) == 0


def test_bytes_do_not_depend_on_the_number_of_workers(prepared):
    assert frame(prepared, workers=1)[0] == frame(prepared, workers=2)[0]


def test_an_inverted_variant_shows_the_scored_frames_with_black_for_white(prepared):
    noted, packed = frame(prepared, variants={"x": {"invert": True}})
    table = open_table(prepared[1] / "faces")
    assert set(packed["x"].ids) == set(table.frames[table.splits == "test"])
    np.testing.assert_array_equal(packed["x"].pixels, 255 - packed["base"].pixels)
    assert noted["variants"]["x"]["settings"] == {"invert": True}


@pytest.mark.parametrize(
    "variants",
    [
        {"base": {"source": "png"}},
        {"other": {"prompt": "person"}},
        {"same": {"invert": False}},
        {"both": {"invert": True, "source": "png"}},
        {"many": {"invert": 2}},
    ],
)
def test_a_variant_changes_pixels_only(prepared, variants):
    with pytest.raises(ConfigError, match="variant"):
        frame(prepared, variants=variants)


def test_a_misspelt_setting_is_named(prepared):
    with pytest.raises(ConfigError, match=r"frames\.soft"):
        frame(prepared, variants={"soft": {"tone": {"nam": "clip"}}})


def test_a_tone_of_pictures_that_have_theirs_already_is_refused(prepared):
    with pytest.raises(ConfigError, match=r"variant soft changes the tone of .*, which holds no temp"):
        frame(prepared, variants={"soft": {"source": "png", "tone": {"name": "minmax"}}})


def test_a_variant_in_other_pixels_is_refused(prepared):
    raw, _ = prepared
    for path in raw.rglob("*.png"):
        cv2.imwrite(str(path), np.zeros((512, 384), np.uint8))
    with pytest.raises(DataError, match="384 x 512 px in a variant, 192 x 256 as prepared"):
        frame(prepared)
