import io
import os
import pathlib
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmpose_checkpoints import meta, save
from thermark import cli
from thermark.convert.official import recognised
from thermark.core.errors import DataError
from thermark.nets import state_dict_file


def respelled(path: Path, old: bytes, new: bytes) -> None:
    """Rewrite the pickle inside a checkpoint, as if another version of a library had written it."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    (inner,) = [name for name in held if name.endswith("data.pkl")]
    assert old in held[inner]
    held[inner] = held[inner].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)


def test_a_meta_of_numpy_1_is_read(tmp_path):
    path = save(tmp_path / "old.pth", {"backbone.a": torch.ones(2)})
    respelled(path, b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert torch.equal(state_dict_file.read(path)["backbone.a"], torch.ones(2))


def test_a_loss_history_of_a_package_that_is_not_here_is_read(tmp_path, monkeypatch):
    module = types.ModuleType("mmengine.logging.history_buffer")

    class HistoryBuffer:
        def __init__(self):
            self.max_length, self._log_history = 1_000_000, np.array([0.5, 0.25])

    HistoryBuffer.__module__, HistoryBuffer.__qualname__ = module.__name__, "HistoryBuffer"
    module.HistoryBuffer = HistoryBuffer
    hub = {"log_scalars": OrderedDict(loss=HistoryBuffer()), "runtime_info": OrderedDict(iter=3)}
    with monkeypatch.context() as patched:
        for name in ("mmengine", "mmengine.logging", module.__name__):
            patched.setitem(sys.modules, name, module)
        path = save(tmp_path / "trained.pth", {"backbone.a": torch.ones(2)}, message_hub=hub)
    assert list(state_dict_file.read(path)) == ["backbone.a"] and "mmengine" not in sys.modules


class Call:
    """Pickles as a call, of anything."""

    def __init__(self, function, *arguments):
        self.called = function, arguments

    def __reduce__(self):
        return self.called


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("function", "named"),
    [(os.system, "posix.system"), (eval, "eval"), (getattr, "getattr"), (pathlib.PosixPath, "pathlib")],
)
def test_a_file_that_would_run_something_is_refused(tmp_path, function, named, zipped):
    made = tmp_path / "made"
    argument = f"touch {made}" if function is os.system else f"__import__('pathlib').Path({str(made)!r}).touch()"
    arguments = (argument, "x") if function is getattr else (argument,)
    path = tmp_path / "bad.pth"
    content = {"state_dict": {"backbone.a": torch.ones(2)}, "meta": Call(function, *arguments)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(DataError) as caught:
        state_dict_file.read(path)
    assert named in caught.value.cause and "was not run" in caught.value.cause
    assert "\n" not in caught.value.cause + caught.value.remedy and not made.exists()
    assert not any(isinstance(entry, tuple) for entry in torch.serialization.get_safe_globals())


def test_stand_ins_run_nothing(tmp_path):
    """Not even numpy's functions are called, which a file could make allocate any amount of memory."""
    stolen = Call(np._core.multiarray._reconstruct, np.ndarray, (10**15,), b"b")
    path = tmp_path / "huge.pth"
    torch.save({"state_dict": {"backbone.a": torch.ones(2)}, "meta": stolen}, path)
    assert list(state_dict_file.read(path)) == ["backbone.a"]


def garbage() -> dict[str, bytes]:
    whole = io.BytesIO()
    torch.save({"state_dict": {"backbone.a": torch.ones(500)}}, whole)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "no checkpoint")
    return {
        "empty.pth": b"",
        "text.pth": b"<html>404 Not Found</html>\n",
        "cut.pth": whole.getvalue()[:-100],
        "half.pth": whole.getvalue()[: len(whole.getvalue()) // 2],
        "zip.pth": archive.getvalue(),
        "noise.pth": np.random.RandomState(0).bytes(2000),
        "json.safetensors": b"{}",
        "list.pth": pickle.dumps([1, 2], protocol=2),
        "newer.pth": pickle.dumps({"a": {}}, protocol=5),
    }


@pytest.mark.parametrize("name", [*garbage(), "absent.pth", "folder.pth"])
def test_garbage_ends_with_one_line_and_exit_code_3(tmp_path, name, capsys, monkeypatch):
    path = tmp_path / name
    (tmp_path / "folder.pth").mkdir()
    if name in garbage():
        path.write_bytes(garbage()[name])
    monkeypatch.setattr(sys, "argv", ["thermark", "convert-checkpoint", str(path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as left:
        cli.main()
    output = capsys.readouterr()
    assert left.value.code == 3 and output.out == "" and len(output.err.splitlines()) == 2, output.err
    assert name in output.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"meta": {}, "epoch": 3}, "holds no state_dict but 'meta', 'epoch'"),
        ({"state_dict": [1]}, "holds no state_dict but 'state_dict'"),
        ({1: torch.ones(1)}, "without a proper name"),
        ({"backbone.\x1b[31m\nfake": torch.ones(1)}, "without a proper name"),
        ({"a": torch.ones(1), "module.a": torch.ones(1)}, "both with and without `module.`"),
        ([torch.ones(1)], "holds a list"),
    ],
)
def test_what_holds_no_named_weights_is_refused(content, message, tmp_path):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(DataError, match=message):
        state_dict_file.read(tmp_path / "x.pth")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_ends_in_another_error(tmp_path, data):
    whole = small(zipped=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(whole) - 1))
    patch = data.draw(st.binary(min_size=0, max_size=4))
    path = tmp_path / "damaged.pth"
    path.write_bytes(whole[:at] + patch + (whole[at + len(patch) :] if data.draw(st.booleans()) else b""))
    try:
        recognised(state_dict_file.read(path), path.name)
    except DataError as error:
        assert "\n" not in error.cause + error.remedy


@lru_cache
def small(zipped: bool) -> bytes:
    """Return a small file, the same every time: torch does not promise as many bytes twice."""
    whole = io.BytesIO()
    content = {"meta": meta(), "state_dict": {"backbone.a": torch.ones(3)}}
    torch.save(content, whole, _use_new_zipfile_serialization=zipped)
    return whole.getvalue()
