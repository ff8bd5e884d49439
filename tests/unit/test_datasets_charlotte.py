"""CHARLOTTE in its real layout, with every published oddity."""

import cv2
import numpy as np
import pytest

from thermark.core import origin
from thermark.core.errors import ConfigError, DataError
from thermark.datasets import charlotte
from thermark.datasets.checks import census
from thermark.datasets.readers import profile_points

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
    ids = [name for name in loaded.faces.ids if name.startswith("S2/")]
    assert ids == ["S2/R21101", "S2/R21101#2", "S2/R21105"]
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


def checks(loaded):
    return {check.name: check for check in loaded.findings.checks}


def test_the_census_counts_by_subject(root):
    """Every kind of row once or twice, with and without a picture."""
    odd = frontal()
    odd[60:] = np.nan
    gap = profile("right")
    gap[[3, 50]] = gap[[50, 3]]
    rows = [
        row("R21101", frontal()),
        row("R21101", frontal()),
        row("R21102", frontal()),
        row("R21103", odd),
        row("R21104", gap),
        row("R21105", profile("right")),
        row("R21106", profile("left"), temperature="#DIV/0!"),
        row("R21107", np.full((73, 2), np.nan)),
        [""] * len(HEADER),
    ]
    write(root, "S2", rows, images=["R21101", "R21105", "R21198", "R21199"])
    (root / "Charlotte-ThermalFace/S2/R21102.tiff").unlink()  # the fixture's
    counts = charlotte.load(root, CONFIG).findings.facts["census"]
    assert list(counts) == ["S1", "S2", "S10"]
    assert counts["S2"] == {
        "rows": 8,
        "frontal": 3,
        "profile": 3,
        "odd": 2,
        "blank": 1,
        "repeated": 1,
        "spreadsheet_errors": 1,
        "left": 1,
        "right": 1,
        "unclear": 0,
        "pictures": 4,
        "unlabelled": 2,
    }
    assert counts["S1"] | {"left": 0} == counts["S10"]
    assert (counts["S1"]["rows"], counts["S1"]["unlabelled"]) == (2, 0)


def published(**changes):
    """A census with the published numbers: dirt in the subjects in which it was found."""
    first = {"rows": 8_000, "frontal": 4_225, "profile": 4_170, "odd": 59, "left": 2_148, "right": 1_957}
    first |= {"unclear": 23, "repeated": 35, "pictures": 10_100, "unlabelled": 1_646, "blank": 0}
    second, sixth, tenth = {"repeated": 210, "spreadsheet_errors": 9}, {"blank": 1}, {"spreadsheet_errors": 2}
    return {"S1": first | changes, "S2": second, "S6": sixth, "S10": tenth}


def test_the_published_census_passes():
    assert {check.name: check.verdict for check in census.checks(published())} == {
        "labelled rows": "ok",
        "repeated ids": "ok",
        "pictures without labels": "ok",
        "blank rows and spreadsheet errors": "ok",
        "visible side": "ok",
    }


def test_a_blank_row_may_be_one_of_the_odd_ones():
    assert census.checks(published(odd=58))[0].verdict == "ok"
    assert census.checks(published(odd=57))[0].verdict == "warning"


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        (
            {"frontal": 4_224},
            "labelled rows",
            "8,453 rows: 4,224 of 73 points, 4,170 of 43, 59 of other counts, 1 blank",
        ),
        ({"profile": 4_171}, "labelled rows", "8,455 rows"),
        ({"odd": 60}, "labelled rows", "60 of other counts"),
        ({"repeated": 34}, "repeated ids", "244, 210 in S2"),
        ({"unlabelled": 100}, "pictures without labels", "100 of 10,100 TIFFs"),
        (
            {"blank": 2},
            "blank rows and spreadsheet errors",
            "blank rows: S1 and S6; errors such as #DIV/0!: S2 and S10",
        ),
        ({"left": 2_500}, "visible side", "2,500 show the left side, 1,957 the right, 23 are unclear"),
        ({"unclear": 400}, "visible side", "400 are unclear"),
    ],
)
def test_differences_from_the_census_are_warnings_with_both_numbers(changes, name, message):
    (difference,) = [check for check in census.checks(published(**changes)) if check.verdict != "ok"]
    assert (difference.name, difference.verdict) == (name, "warning")
    assert message in difference.found
    assert any(digit.isdigit() for digit in difference.expected)


def test_which_side_is_the_larger_is_not_published():
    assert census.checks(published(left=1_957, right=2_148))[4].verdict == "ok"


def test_a_small_real_tree_differs_and_a_rendered_one_is_not_compared(root):
    real = charlotte.load(root, CONFIG)
    assert checks(real)["labelled rows"].found.startswith("6 rows: 3 of 73 points, 3 of 43")
    assert checks(real)["face width"].verdict == "warning"
    assert "the median face is 87 px" in checks(real)["face width"].found
    origin.mark_rendered(root, CONFIG)
    rendered = charlotte.load(root, CONFIG)
    assert list(checks(rendered)) == ["profile reading"]
    assert rendered.findings.facts == real.findings.facts
    assert "warning" not in rendered.findings.lists


def test_faces_of_the_published_width_pass(tmp_path):
    write(tmp_path, "S1", [row(f"R1110{i}", frontal(w)) for i, w in enumerate([180, 214, 300])])
    results = checks(charlotte.load(tmp_path, charlotte.Config(raw="r", val=(), test=("S1",))))
    assert results["face width"].verdict == "ok"
    assert "profile reading" not in results  # there is no profile row


# The groups as the two public readings have them, in the order of their points.
READINGS = {
    "A": {"contour": 9, "brow": 6, "nose": 7, "eye": 6, "mouth": 12, "forehead": 3},
    "B": {"contour": 12, "brow": 4, "nose": 6, "eye": 5, "mouth": 7, "lips": 5, "forehead": 4},
}
# Where each group lies on a head of 100 x 140 px that looks to the right: from, to, and how far it bends.
LINES = {
    "contour": ((10, 60), (70, 135), -15),
    "brow": ((50, 38), (88, 36), -6),
    "nose": ((90, 48), (92, 82), 10),
    "eye": ((58, 50), (80, 50), 5),
    "mouth": ((68, 104), (90, 104), 6),
    "lips": ((68, 104), (90, 104), -6),
    "forehead": ((48, 8), (84, 8), -6),
}


def drawn(reading, noise=1.0, rows=30):
    """Rows (N, 43, 2) of a head whose points come in the order of a reading."""
    parts = []
    for group, number in READINGS[reading].items():
        start, end, bend = LINES[group]
        t = np.linspace(0, 1, number)[:, None]
        points = np.array(start) * (1 - t) + np.array(end) * t
        parts.append(points + np.array([0, bend]) * np.sin(np.pi * t))
    return np.concatenate(parts) + np.random.default_rng(0).normal(0, noise, (rows, 43, 2))


@pytest.mark.parametrize("reading", ["A", "B"])
@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_reading_is_told_by_drawn_heads(reading, noise, mirrored):
    xy = drawn(reading, noise) * (-1 if mirrored else 1, 1)
    readings = profile_points.readings(xy)
    other = "B" if reading == "A" else "A"
    assert readings[reading]["disputed"] > 0.75
    assert readings[reading]["disputed"] + readings[other]["disputed"] == pytest.approx(1)
    assert readings[reading]["spread"] < readings[other]["spread"]
    assert profile_points.fitting(readings) == reading
    assert profile_points.check(readings, reading).verdict == "ok"
    assert f"reading {reading} fits" in profile_points.check(readings, reading).found
    assert "provisional" in profile_points.check(readings, reading).found
    warning = profile_points.check(readings, other)
    assert (warning.verdict, warning.remedy) == ("warning", f"set profile: {reading} in params.yaml")


def test_a_head_under_its_own_reading_has_its_parts_in_order():
    readings = {reading: profile_points.readings(drawn(reading, 0.0)) for reading in "AB"}
    assert readings["A"]["A"]["in_order"] == readings["A"]["A"]["steady"] == 1
    assert readings["B"]["B"]["in_order"] == readings["B"]["B"]["steady"] == 1
    assert readings["A"]["B"]["steady"] < 0.9  # three brow points end the contour


def test_a_contour_may_begin_at_the_chin():
    xy = drawn("A", 0.0)
    xy[:, :9] = xy[:, 8::-1]
    assert profile_points.readings(xy)["A"]["steady"] == 1


def test_points_without_order_fit_no_reading():
    readings = profile_points.readings(np.random.default_rng(1).uniform(0, 100, (500, 43, 2)))
    upside_down = profile_points.readings(drawn("A") * (1, -1))
    assert profile_points.check(readings, "A").verdict == "warning"
    assert upside_down["A"]["in_order"] == 0
    assert profile_points.readings(np.zeros((0, 43, 2))) == {}


def test_the_configured_reading_is_held_against_the_rows(tmp_path):
    xy = np.full((3, 73, 2), np.nan)
    xy[:, :43] = drawn("B", rows=3)
    write(tmp_path, "S1", [row(f"R1110{i}", points) for i, points in enumerate(xy)])
    for configured, verdict in (("A", "warning"), ("B", "ok")):
        config = charlotte.Config(raw="r", val=(), test=("S1",), profile=configured)
        assert checks(charlotte.load(tmp_path, config))["profile reading"].verdict == verdict
