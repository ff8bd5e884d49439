"""One table, however it was saved."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import ldmks
from thermark.core.errors import DataError
from thermark.datasets.readers import csv_tables

PLAIN = "ID,Distance,x0\nR1,1.5,2.25\nR2,,#DIV/0!\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(".", "§").replace(",", ";").replace("§", ",").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "\t").replace(".", ",").encode(),
        PLAIN.replace(",", ";").encode(),
        b'ID,Distance,x0\nR1,"1,5","2,25"\nR2,,#DIV/0!\n',
        b" i.d ,x0,Distance\nR1,2.25,1.5\nR2,#DIV/0!,\n",
        b'ID,Distance,x0,note\nR1,1.5,2.25,"warm, 20\xb0"\nR2,,#DIV/0!,\n',
    ],
    ids=[
        "plain",
        "bom",
        "utf-16",
        "crlf",
        "decimal comma",
        "tab",
        "tab, comma",
        "semicolon, point",
        "quoted",
        "reordered",
        "extra, latin-1",
    ],
)
def test_the_same_values_from_every_dialect(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    table = csv_tables.read(tmp_path / "a.csv")
    assert table.columns["id"] == ["R1", "R2"]
    np.testing.assert_array_equal(table.number("distance"), [1.5, np.nan])
    np.testing.assert_array_equal(table.number("x0"), [2.25, np.nan])
    assert table.unreadable() == ["#DIV/0!"]


def test_a_column_with_both_decimal_signs_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("ID;x0;note\nR1;1,5;a, b\nR2;2.5;c\n")
    table = csv_tables.read(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv has decimal commas and points in column 'x0'"):
        table.number("x0")
    assert np.isnan(table.number("note")).all()


def test_blank_rows_are_named_and_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("ID,x0\nR1,1\n,\nR2,2\n , \n")
    table = csv_tables.read(tmp_path / "a.csv")
    assert (table.blank, table.lines, len(table)) == ([3, 5], [2, 4], 2)


@pytest.mark.parametrize("text", ["", "ID,x0\nR1,1,5\n", "ID,id\nR1,R2\n"])
def test_ambiguous_files_are_refused(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=r"a\.csv"):
        csv_tables.read(tmp_path / "a.csv")


@given(
    rows=st.lists(st.tuples(st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6), st.floats(0, 1)), max_size=8),
    delimiter=st.sampled_from(",;\t"),
    decimal=st.sampled_from(",."),
    bom=st.booleans(),
)
def test_numbers_survive_any_dialect(tmp_path_factory, rows, delimiter, decimal, bom):
    text = io.StringIO()
    cells = [["" if value is None else repr(float(value)).replace(".", decimal) for value in row] for row in rows]
    csv.writer(text, delimiter=delimiter).writerows([["a", "b", "c"], *cells])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    table = csv_tables.read(path)
    expected = np.array(rows, np.float64).reshape(-1, 3)
    np.testing.assert_array_equal(np.stack([table.number(c) for c in "abc"], axis=1), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [("1 2\n", "1 lines"), ("1 2\n3\n", "line 2"), ("1 2\n3 x\n", "line 2"), ("1 2\n3 4 5\n", "line 2")],
)
def test_malformed_landmarks_name_file_and_line(tmp_path, text, message):
    (tmp_path / "7_ldmks.txt").write_text(text)
    with pytest.raises(DataError, match=f"7_ldmks.txt.*{message}"):
        ldmks.read(tmp_path / "7_ldmks.txt", 2)


def test_nan_is_an_unlabelled_point(tmp_path):
    (tmp_path / "a.txt").write_text("1 2\nnan nan\n3 inf\n")
    np.testing.assert_array_equal(ldmks.read(tmp_path / "a.txt", 3), [[1, 2], [np.nan] * 2, [np.nan] * 2])
