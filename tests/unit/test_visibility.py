"""Flags beside rendered sets: written, read back, applied only where they belong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import visibility
from thermark.core.errors import DataError

FLAGS = st.lists(st.booleans(), min_size=1, max_size=73).map(np.array)


@given(st.dictionaries(st.text("S0123456789/R", min_size=1), FLAGS, max_size=5))
def test_what_is_written_is_read(tmp_path_factory, flags):
    root = tmp_path_factory.mktemp("flags")
    visibility.write(root, flags)
    back = visibility.read(root)
    assert back.keys() == flags.keys()
    assert all(np.array_equal(back[key], flags[key]) for key in flags)


def test_the_file_is_plain_text(tmp_path):
    visibility.write(tmp_path, {"S2/R1": np.array([True, False]), "S1/R1": np.array([False, False, True])})
    assert (tmp_path / "VISIBLE.csv").read_text() == "key,visible\nS1/R1,001\nS2/R1,10\n"


def test_without_a_file_what_is_labelled_is_visible(tmp_path):
    labelled = np.array([[True, False], [True, True]])
    assert np.array_equal(visibility.among(labelled, ["a", "b"], tmp_path), labelled)


def test_flags_hide_labelled_points_of_their_row_alone(tmp_path):
    visibility.write(tmp_path, {"b": np.array([True, False]), "unused": np.array([False])})
    labelled = np.array([[True, True, True], [True, True, False]])
    visible = visibility.among(labelled, ["a", "b"], tmp_path)
    assert visible.tolist() == [[True, True, True], [True, False, False]]
    assert labelled.tolist() == [[True, True, True], [True, True, False]]


@pytest.mark.parametrize("flags", [[True], [True] * 4])
def test_flags_of_another_scheme_are_refused(tmp_path, flags):
    visibility.write(tmp_path, {"a": np.array(flags)})
    with pytest.raises(DataError, match="flags for a"):
        visibility.among(np.ones((1, 3), bool), ["a"], tmp_path)


@pytest.mark.parametrize(
    "text", ["", "id,visible\n", "key,visible\na,\n", "key,visible\na,012\n", "key,visible\na\n"]
)
def test_a_broken_file_is_refused(tmp_path, text):
    (tmp_path / "VISIBLE.csv").write_text(text)
    with pytest.raises(DataError, match=r"VISIBLE\.csv"):
        visibility.read(tmp_path)


def test_a_key_occurs_once(tmp_path):
    (tmp_path / "VISIBLE.csv").write_text("key,visible\na,01\na,11\n")
    with pytest.raises(DataError, match="line 3"):
        visibility.read(tmp_path)
