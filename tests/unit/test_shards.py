"""Several memory-mapped files are one array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core import shards
from thermark.core.shards import Shards

COUNTS = (3, 0, 4, 1)
WHOLE = np.arange(8 * 2 * 2, dtype=np.uint8).reshape(8, 2, 2)
SPLIT = Shards(tuple(np.split(WHOLE, np.cumsum(COUNTS)[:-1])))


def test_it_looks_like_one_array():
    assert (SPLIT.shape, SPLIT.ndim, SPLIT.dtype, len(SPLIT)) == ((8, 2, 2), 3, np.uint8, 8)
    assert np.array_equal(np.asarray(SPLIT), WHOLE)
    assert np.asarray(SPLIT, dtype=np.float32).dtype == np.float32


@given(st.integers(-8, 7))
def test_a_row(row):
    assert np.array_equal(SPLIT[row], WHOLE[row])
    assert np.array_equal(SPLIT[np.int64(row)], WHOLE[row])


@given(st.lists(st.integers(-8, 7), max_size=12))
def test_rows_in_any_order(rows):
    wanted = np.array(rows, np.int64)
    assert np.array_equal(SPLIT[wanted], WHOLE[wanted])
    assert np.array_equal(SPLIT[rows], WHOLE[wanted])


@given(st.slices(8))
def test_a_slice(rows):
    assert np.array_equal(SPLIT[rows], WHOLE[rows])


@given(st.lists(st.booleans(), min_size=8, max_size=8))
def test_a_mask(mask):
    assert np.array_equal(SPLIT[np.array(mask)], WHOLE[np.array(mask)])


@pytest.mark.parametrize("rows", [8, -9, [0, 8], [-9], np.array([True, False])])
def test_beyond_the_ends(rows):
    with pytest.raises(IndexError):
        SPLIT[rows]


def test_iteration_ends():
    assert np.array_equal(np.stack(list(SPLIT)), WHOLE)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="2 shards of different shapes"):
        Shards((WHOLE, WHOLE[:, :1]))
    with pytest.raises(ValueError, match="different shapes"):
        Shards((WHOLE, WHOLE.astype(np.float32)))
    with pytest.raises(ValueError, match="0 shards"):
        Shards(())


def test_files_are_opened_in_order_and_not_read(tmp_path):
    for number, rows in enumerate(np.split(WHOLE, [5])):
        np.save(tmp_path / shards.name(number), rows)
    opened = shards.open_shards(tmp_path)
    assert all(isinstance(part, np.memmap) for part in opened.parts)
    assert np.array_equal(opened[:], WHOLE)
    with pytest.raises(ValueError, match="read-only"):
        opened[0][...] = 0


def test_a_folder_without_shards(tmp_path):
    with pytest.raises(FileNotFoundError):
        shards.open_shards(tmp_path)
