"""CHARLOTTE in its real layout, with every published oddity."""

import cv2
import numpy as np
import pytest

from thermark.core.errors import ConfigError, DataError
from thermark.datasets import charlotte
from thermark.loading import profile_points

CONFIG = charlotte.Config(raw="r", val=("S2",), test=("S10",), resolution="median")
HEADER = ["ID", "Subject", "Distance", "Relative Humidity", "Air flow", "Environment Temperature", "Sensation"]
HEADER += [f"x{i}" for i in range(73)] + [f"y{i}" for i in range(73)]


def frontal(width=100.0):
    """A face-like cloud: the first 68 points span the box, the forehead is far above."""
    xy = np.random.default_rng(1).uniform(0, 1, (73, 2))
    xy[0], xy[16], xy[8] = (0, 0.3), (1, 0.3), (0.5, 1)
    xy[68:] = np.c_[np.linspace(-0.5, 1.5, 5), np.full(5, -0.5)]
    return (xy * width + 50).round(2)


def profile(side):
    """43 points under reading A with the nose at one end."""
    xy = np.full((73, 2), np.nan)
    towards = 1 if side == "right" else -1
    xy[:43] = np.random.default_rng(2).uniform(0, 1, (43, 2))
    xy[:43, 0] = 0.5 - towards * 0.5 * xy[:43, 0]
    xy[15:22, 0] = 0.5 + towards * 0.45
    return (xy * 80 + 60).round(2)


def row(name, xy, distance="1.5", temperature="22.5"):
    cells = ["" if np.isnan(v) else f"{v:.2f}" for v in np.concatenate([xy[:, 0], xy[:, 1]])]
    return [name, "1", distance, "40", "0.1", temperature, "0", *cells]


def write(root, subject, rows, images=None, suffix=".tiff", header=HEADER):
    folder = root / "Charlotte-ThermalFace" / subject
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(",".join(cells) for cells in [header, *rows]) + "\n"
    (folder / f"{subject}.csv").write_text(text)
    for name in images if images is not None else {cells[0] for cells in rows if cells[0]}:
        raw = np.full((24, 32), round((34 + 273.15) * 100), np.uint16)
        cv2.imwrite(str(folder / f"{name}{suffix}"), raw)


@pytest.fixture
def root(tmp_path):
    for subject in ("S1", "S2", "S10"):
        number = subject[1:]
        rows = [row(f"R{number}1101", frontal()), row(f"R{number}1102", profile("right"), "3.3")]
        write(tmp_path, subject, rows)
    return tmp_path


def test_schemes_are_told_by_filled_pairs(root):
    faces = charlotte.load(root, CONFIG).faces
    assert faces.ids.tolist() == [f"S{s}/R{s}110{i}" for s in (1, 2, 10) for i in (1, 2)]
    assert faces.vocabularies[:2].tolist() == ["charlotte73", "charlotte43_right"]
    assert faces.strata["view"][:2].tolist() == ["Front", "Side"]
    assert faces.strata["distance"][:2].tolist() == ["1.5", "3.3"]
    assert faces.splits.tolist() == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    np.testing.assert_allclose(faces.xy[0], frontal(), atol=1e-4)
    assert faces.visible.sum(axis=1).tolist() == [73, 43] * 3


def test_the_forehead_is_not_in_the_box(root):
    box = charlotte.load(root, CONFIG).faces.boxes[0]
    np.testing.assert_allclose([box[0], box[2]], [50, 150], atol=1e-3)
    assert box[1] >= 50


def test_the_side_follows_the_nose(tmp_path):
    unclear = profile("left")
    others = np.delete(unclear[:43, 0], np.arange(15, 22))
    unclear[15:22, 0] = (others.min() + others.max()) / 2
    rows = [
        row("R11101", frontal()),
        row("R11102", profile("left")),
        row("R11103", profile("right")),
        row("R11104", unclear),
    ]
    write(tmp_path, "S1", rows)
    loaded = charlotte.load(tmp_path, charlotte.Config(raw="r", val=(), test=("S1",)))
    assert loaded.faces.vocabularies.tolist() == ["charlotte73", "charlotte43_left", "charlotte43_right"]
    assert "does not show which side" in loaded.findings.lists["odd_row"][0]


def test_the_known_dirt_is_listed_and_survived(root):
    odd = frontal()
    odd[60:] = np.nan
    half = frontal()
    half[5, 1] = np.nan
    gap = profile("right")
    gap[[3, 50]] = gap[[50, 3]]
    rows = [
        row("R21101", frontal()),
        row("R21101", frontal(101)),
        row("R21102", odd),
        row("R21103", half),
        row("R21104", gap),
        row("R21105", profile("right"), temperature="#DIV/0!"),
        row("R21106", frontal()),
        [""] * len(HEADER),
    ]
    write(root, "S2", rows, images=["R21101", "R21102", "R21103", "R21104", "R21105", "R21199"])
    (root / "Charlotte-ThermalFace/S2/R21102.tiff").rename(root / "Charlotte-ThermalFace/S2/R21102.TIF")
    loaded = charlotte.load(root, CONFIG)
    lists = loaded.findings.lists
    assert lists["blank_row"] == ["S2.csv, line 9"]
    assert lists["duplicate_id"] == ["S2.csv, line 3: R21101"]
    assert lists["missing_image"] == ["S2.csv, line 8: R21106"]
    assert lists["spreadsheet_error"] == ["S2.csv: #DIV/0!"]
    assert [text.split(": ", 1)[1] for text in lists["odd_row"]] == [
        "R21102: has 60 filled pairs",
        "R21103: has an x without a y",
        "R21104: has 43 filled pairs",
    ]
    assert [name.rsplit("/", 1)[1] for name in lists["missing_annotation"]] == ["R21199.tiff"]
    mine = [name for name in loaded.faces.ids if name.startswith("S2/")]
    assert mine == ["S2/R21101", "S2/R21101#2", "S2/R21105"]
    rows = np.flatnonzero(loaded.faces.subjects == "S2")
    assert loaded.faces.frames[rows[0]] == loaded.faces.frames[rows[1]] == "S2/R21101"
    assert len(set(loaded.frames.ids)) == len(loaded.frames)


def test_suffix_and_prefix_do_not_matter_digits_do(tmp_path):
    write(tmp_path, "S1", [row("r11101", frontal())], images=["R11101"], suffix=".TIF".lower())
    loaded = charlotte.load(tmp_path, charlotte.Config(raw="r", val=(), test=("S1",)))
    assert loaded.frames.paths.tolist() == ["Charlotte-ThermalFace/S1/R11101.tif"]


def test_subsets_by_box_width(tmp_path):
    widths = [100, 180, 200, 215, 300]
    write(tmp_path, "S1", [row(f"R1110{i}", frontal(w)) for i, w in enumerate(widths)])
    base = {"raw": "r", "val": (), "test": ("S1",)}
    loaded = charlotte.load(tmp_path, charlotte.Config(**base, resolution=200.0, band=16.0))
    assert loaded.faces.strata["resolution"].tolist() == ["Low", "Low", "High", "High", "High"]
    assert loaded.faces.strata["band"].tolist() == ["", "", "Mean", "Mean", ""]
    assert loaded.findings.facts["median_box_width"] == pytest.approx(200, abs=0.01)
    assert "warning" not in loaded.findings.lists
    median = charlotte.load(tmp_path, charlotte.Config(**base, resolution="median"))
    assert median.faces.strata["resolution"].tolist() == ["Low", "Low", "High", "High", "High"]


def test_raw_values_become_degrees(root):
    path = root / "Charlotte-ThermalFace/S1/R11101.tiff"
    np.testing.assert_allclose(charlotte.read(path, CONFIG), 34, atol=0.01)


def test_wrong_files_and_subjects_are_refused(root):
    with pytest.raises(ConfigError, match="S7"):
        charlotte.load(root, charlotte.Config(raw="r", val=("S7",)))
    write(root, "S1", [["R11101"]], header=["ID"])
    with pytest.raises(DataError, match=r"S1\.csv has no column x0"):
        charlotte.load(root, CONFIG)
    with pytest.raises(DataError, match="no labelled CHARLOTTE row"):
        charlotte.load(root / "Charlotte-ThermalFace" / "nothing", CONFIG)


def test_the_reading_of_profiles_is_told_by_their_shape():
    groups_a = [range(0, 9), range(9, 15), range(15, 22), range(22, 28), range(28, 40), range(40, 43)]
    groups_b = [range(0, 12), range(12, 16), range(16, 22), range(22, 27), range(27, 39), range(39, 43)]
    centres = np.array([[0, 100], [80, 10], [110, 50], [60, 35], [100, 90], [70, -30]])
    for groups, expected in ((groups_a, "A"), (groups_b, "B")):
        xy = np.concatenate([np.tile(c, (len(g), 1)) for c, g in zip(centres, groups, strict=True)])
        noisy = xy + np.random.default_rng(0).normal(0, 3, (20, 43, 2))
        assert profile_points.readings(noisy)[expected] == 1
    assert profile_points.readings(np.zeros((0, 43, 2))) == {}
