"""A prepared face set is opened whole or refused by name."""

import shutil

import numpy as np
import pytest

import drawn_faces
from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.faces import open_set, open_table


@pytest.fixture
def folder(tmp_path):
    drawn_faces.write(tmp_path / "drawn", 5, 16)
    return tmp_path / "drawn"


def test_rows_of_table_and_crops_belong_together(folder):
    faces, crops = open_set(folder)
    assert len(faces) == len(crops.pixels) == len(crops.to_source) == 5
    assert all(isinstance(part, np.memmap) for part in crops.pixels.parts) and crops.padding == 1.75
    assert (open_table(folder).ids == faces.ids).all()


@pytest.mark.parametrize("absent", ["", "faces.npz", "crops.npz", "pixels.npy"])
def test_a_set_that_is_not_there_is_named_with_a_remedy(folder, absent):
    if absent:
        (folder / absent).unlink()
    else:
        shutil.rmtree(folder)
    with pytest.raises(DataError, match="the face set drawn is not prepared") as caught:
        open_set(folder)
    assert caught.value.remedy == "run `dvc repro`"
    if absent in ("crops.npz", "pixels.npy"):
        assert len(open_table(folder)) == 5
    else:
        with pytest.raises(DataError, match="not prepared"):
            open_table(folder)


@pytest.mark.parametrize("damage", ["empty", "cut", "column", "row"])
def test_a_damaged_set_is_refused(folder, damage):
    path = folder / "faces.npz"
    stored = files.read_arrays(path)
    if damage == "empty":
        path.write_bytes(b"")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    if damage == "column":
        files.write_arrays(path, {name: column for name, column in stored.items() if name != "xy"})
    if damage == "row":
        files.write_arrays(path, {name: column[:-1] for name, column in stored.items()})
    with pytest.raises(DataError, match="the face set drawn is damaged"):
        open_set(folder)
