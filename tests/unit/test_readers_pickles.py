"""Dictionaries of arrays from pickles: what Python's own reader finds in them, and nothing run or believed."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thermark.core.errors import DataError
from thermark.datasets.readers import pickles

PROTOCOLS = (2, 3, 4, 5)
ARRAY = np.arange(6.0).reshape(2, 3)
ENTRIES = {"000000.png": ARRAY, "000001.png": ARRAY.astype(np.float32) + 1, "list": [[1.5, 2], (3.0, None)]}


def read(data, tmp_path) -> dict:
    path = tmp_path / "annotations.pkl"
    path.write_bytes(data)
    return dict(pickles.entries(path, lambda array: array.copy()))


def refused(data, tmp_path) -> str:
    with pytest.raises(DataError) as raised:
        read(data, tmp_path)
    assert "\n" not in raised.value.cause and raised.value.remedy
    return raised.value.cause


def numpy_1(data) -> bytes:
    """Return a small pickle of NumPy 2 as NumPy 1 wrote it, without the frame, whose length would change."""
    if data[2:3] == b"\x95":
        data = data[:2] + data[11:]
    for module in (b"multiarray", b"numeric"):
        new, old = b"numpy._core." + module, b"numpy.core." + module
        data = data.replace(b"\x8c%c" % len(new) + new, b"\x8c%c" % len(old) + old).replace(b"c" + new, b"c" + old)
    return data


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("written", [bytes, numpy_1])
def test_the_entries_are_those_of_pythons_own_reader(protocol, written, tmp_path):
    shared, text = ARRAY * 7, "x" * 300
    content = ENTRIES | {
        "columns": np.asfortranarray(ARRAY),
        "slice": ARRAY[:, ::2],
        "swapped": ARRAY.astype(">f8"),
        "half": ARRAY.astype(np.float16),
        "whole": ARRAY.astype(np.int32),
        "empty": np.zeros((0, 2)),
        "scalars": [np.float32(0.25), np.float64(1 / 3), np.int64(-3)],
        "again": shared,
        "and again": shared,
        text: 1,
    }
    data = written(pickle.dumps(content, protocol=protocol))
    assert (written is numpy_1) == (b"numpy.core" in data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy 2 wishes for other names
        expected = pickle.loads(data)
    actual = read(data, tmp_path)
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert type(actual[name]) is type(value)
        if isinstance(value, np.ndarray):
            assert actual[name].dtype.newbyteorder("=") == value.dtype.newbyteorder("=")
        np.testing.assert_array_equal(np.array(actual[name], float), np.array(value, float))


def test_an_array_is_converted_as_soon_as_it_is_whole(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({str(i): ARRAY + i for i in range(2500)}))
    entries = pickles.entries(path, lambda array: float(array[0, 0]))
    assert [value for _, value in entries] == list(range(2500))


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_called(protocol, tmp_path):
    made = tmp_path / "made"
    for call, name in [
        (Calls(os.system, f"touch {made}"), f"{os.system.__module__}.system"),
        (Calls(eval, f"open({str(made)!r}, 'w')"), "eval"),
        (Calls(np.load, str(made)), "numpy.load"),
        (Calls(getattr, ARRAY, "tofile"), "getattr"),
        ({1, 2}, "set" if protocol < 4 else ""),
        (complex(1, 2), "complex"),
    ]:
        cause = refused(pickle.dumps({"a": ARRAY, "b": call}, protocol=protocol), tmp_path)
        assert name in cause and ("was not run" in cause or not name)
    assert not made.exists()


def test_known_names_are_not_called_with_anything_else(tmp_path):
    """The functions that are allowed do here what they do for arrays, and nothing besides."""
    for call in (
        Calls(np.ndarray, (1 << 40,)),
        Calls(np.dtype, "f8,f8"),
        Calls(np.dtype, {"names": ["a"], "formats": ["O"]}),
        Calls(np.dtype, "M8[s]"),
    ):
        refused(pickle.dumps({"a": call}), tmp_path)
    state = b"\x80\x02}X\x01\x00\x00\x00acnumpy\nndarray\n}X\x05\x00\x00\x00shapeK\x01sbs."  # BUILD on a type
    refused(state, tmp_path)
    assert isinstance(np.ndarray.shape, type(np.ndarray.dtype))


def test_tensors_are_named_as_such(tmp_path):
    cause = refused(b"\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n)Rs.", tmp_path)
    assert "torch._utils._rebuild_tensor_v2" in cause and "arrays of PyTorch are not read" in cause


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_hold_plain_numbers(protocol, tmp_path):
    objects = np.array([Calls(os.system, "false"), None], dtype=object)
    assert "Python objects" in refused(pickle.dumps({"a": objects}, protocol=protocol), tmp_path)
    for kind in ("S3", "U3", "c16", "datetime64[s]", [("x", "f4"), ("y", "f4")]):
        assert "instead of numbers" in refused(pickle.dumps({"a": np.zeros(3, kind)}, protocol=protocol), tmp_path)


@pytest.mark.parametrize("content", [[ARRAY], ARRAY, 3, None, "text", (), [{"a": 1}]])
def test_only_a_dictionary_will_do(content, tmp_path):
    assert "holds no dictionary" in refused(pickle.dumps(content), tmp_path)


def test_entries_have_names(tmp_path):
    assert "without a name" in refused(pickle.dumps({0: ARRAY}), tmp_path)
    assert read(pickle.dumps({}), tmp_path) == {}


def test_a_file_must_be_there(tmp_path):
    for path in (tmp_path / "absent.pkl", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            list(pickles.entries(path, np.copy))


def claims(data, old, new) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


def bombs() -> dict[str, bytes]:
    two, old = pickle.dumps({"a": ARRAY}, protocol=2), pickle.dumps({"a": ARRAY}, protocol=5)
    huge, large = b"J\xff\xff\xff\x7f", (1 << 62).to_bytes(8, "little")
    return {
        "many numbers": claims(two, b"K\x02K\x03\x86", huge + huge + b"\x86"),
        "many numbers, protocol 5": claims(old, b"K\x02K\x03\x86", huge + huge + b"\x86"),
        "less than no numbers": claims(two, b"K\x02K\x03\x86", b"J\xfe\xff\xff\xffJ\xfd\xff\xff\xff\x86"),
        "fewer numbers": claims(two, b"K\x02K\x03\x86", b"K\x02K\x02\x86"),
        "overflowing": claims(two, b"K\x02K\x03\x86", b"\x8a\x09" + bytes(8) + b"\x01K\x03\x86"),
        "long bytes": b"\x80\x04}\x8c\x01a\x8e" + large + b"x",
        "long text": b"\x80\x04}\x8d" + large + b"x",
        "long buffer": b"\x80\x05}\x8c\x01a\x96" + large + b"x",
        "long number": b"\x80\x02}X\x01\x00\x00\x00a\x8b\xff\xff\xff\x7f1",
        "far memory": b"\x80\x02}r\xff\xff\xff\x7fj\xfe\xff\xff\x7f.",
        "list of itself": b"\x80\x04}\x8c\x01a]\x94h\x00as.",
        "deep lists": b"\x80\x04}\x8c\x01a" + b"]" * 100_000 + b"a" * 99_999 + b"s.",
        "deep marks": b"\x80\x04}" + b"(" * 100_000,
        "a long line": b"\x80\x02c" + b"x" * (1 << 21) + b"\n\n.",
        "copies": b"\x80\x04}\x8c\x01a" + b"2" * 100,
        "out of band": b"\x80\x05}\x8c\x01a\x97s.",
        "by number": b"\x80\x02}\x82\x01.",
        "by another": b"\x80\x02}Px\n.",
        "unfinished": b"\x80\x02}X\x01\x00\x00\x00acnumpy._core.multiarray\n_reconstruct\n)Rs.",
        "a type as array": b"\x80\x02}X\x01\x00\x00\x00acnumpy\ndtype\nX\x02\x00\x00\x00f8\x85Rs.",
        "surrogates": b"\x80\x04}\x8c\x02\xff\xffNs.",
        "empty": b"",
        "other": b"PK\x03\x04" + bytes(100),
    }


@pytest.mark.parametrize("name", bombs())
def test_what_is_wrong_is_a_data_error_and_cheap(name, tmp_path):
    refused(bombs()[name], tmp_path)


def test_what_an_entry_holds_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MANY", 1000)
    assert read(pickle.dumps({"a": [1.0] * 900}), tmp_path)["a"] == [1.0] * 900
    refused(pickle.dumps({"a": [1.0] * 1100}), tmp_path)
    refused(b"\x80\x04}\x8c\x01a)" + b"\x85" * 1000 + b"s.", tmp_path)  # tuples in tuples


@pytest.mark.parametrize("protocol", [*(pytest.param(old, marks=pytest.mark.slow) for old in PROTOCOLS[:-1]), 5])
def test_cut_off_at_any_byte_it_is_damaged(protocol, tmp_path):
    data = pickle.dumps(ENTRIES, protocol=protocol)
    for length in range(len(data)):
        refused(data[:length], tmp_path)


@settings(max_examples=300)
@given(
    st.sampled_from(PROTOCOLS),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
)
@example(4, [(0.0, 0)])
def test_other_bytes_are_read_or_refused(tmp_path_factory, protocol, changes):
    data = bytearray(pickle.dumps(ENTRIES, protocol=protocol))
    for place, byte in changes:
        data[int(place * len(data))] = byte
    path = tmp_path_factory.getbasetemp() / "changed.pkl"
    path.write_bytes(data)
    try:
        assert all(isinstance(name, str) for name, _ in pickles.entries(path, np.copy))
    except DataError as error:
        assert "\n" not in error.cause


PEAK = """
import resource, sys
from pathlib import Path
import numpy as np
from thermark.datasets.readers import pickles
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
found = dict(pickles.entries(Path(sys.argv[1]), lambda array: array[:, :2].astype(np.float32)))
print(len(found), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is another elsewhere")
def test_memory_holds_the_file_and_what_is_kept(tmp_path):
    """20,000 faces are 230 MB of numbers, of which 77 MB are kept; Python's own reader takes 480 MB."""
    points = np.random.default_rng(0).random((478, 3))
    path = tmp_path / "many.pkl"
    with path.open("wb") as file:
        pickle.dump({f"{index:06d}.png": points + index for index in range(20_000)}, file, protocol=4)
    output = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True).stdout
    count, kilobytes = map(int, output.split())
    assert count == 20_000
    assert kilobytes < 400_000
