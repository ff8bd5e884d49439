"""iBUG's landmark files: as published, as people mend them, and cut off."""

import numpy as np
import pytest

from thermark.core.errors import DataError
from thermark.datasets.readers import pts

GOOD = "version: 1\nn_points:  3\n{\n1.5 2\n3 4.25\n-5 6e1\n}\n"


def read(tmp_path, content):
    path = tmp_path / "face.pts"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return pts.read(path, 3)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.rstrip(),
        GOOD.replace("n_points:  3\n", ""),
        GOOD.replace("{\n", "{\n\n").replace("3 4.25", "  3\t4.25  "),
    ],
)
def test_points_are_those_of_the_file(tmp_path, content):
    points = read(tmp_path, content)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, [[1.5, 2], [3, 4.25], [-5, 60]])


@pytest.mark.parametrize("bad", ["nan nan", "nan 4", "3 inf", "3 1e300"])
def test_what_is_not_finite_is_unlabelled(tmp_path, bad):
    assert np.isnan(read(tmp_path, GOOD.replace("3 4.25", bad))).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (GOOD.replace("3 4.25\n", ""), r"does not have 3 points \(2 lines\)"),
        (GOOD.replace("3 4.25\n", "3 4\n5 6\n"), r"does not have 3 points \(4 lines\)"),
        (GOOD.replace("n_points:  3", "n_points: 68"), "does not have 3 points"),
        (GOOD.replace("}", ""), "no points between braces"),
        (GOOD.replace("{", ""), "no points between braces"),
        ("", "no points between braces"),
        ("}\n" + GOOD, "more than one pair of braces"),
        (GOOD + GOOD, "more than one pair of braces"),
        (GOOD.replace("4.25", "4,25"), r"face\.pts, line 5: '3 4,25' is no point"),
        (GOOD.replace("3 4.25", "3 4 5"), "line 5: '3 4 5' is no point"),
        (b"\xff\xfe\x00{}", r"face\.pts is no text file"),
    ],
)
def test_anything_else_is_an_error(tmp_path, content, why):
    with pytest.raises(DataError, match=why):
        read(tmp_path, content)


def test_an_absent_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="is no text file"):
        pts.read(tmp_path / "absent.pts", 3)
