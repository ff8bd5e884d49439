"""Where a network computes, and in which numbers: one answer for all stages."""

import ast
from pathlib import Path

import pytest
import torch

from thermark.core import arithmetic
from thermark.core.errors import ConfigError, SetupError
from thermark.train import precision

SOURCE = Path(precision.__file__).parents[1]


@pytest.mark.parametrize(
    ("device", "there", "wanted"),
    [
        ("auto", True, "cuda"),
        ("cuda", True, "cuda"),
        ("cpu", True, "cpu"),
        ("auto", False, "cpu"),
        ("cpu", False, "cpu"),
    ],
)
def test_auto_means_a_gpu_where_there_is_one(monkeypatch, device, there, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert precision.chosen(device) == torch.device(wanted)


def test_a_gpu_that_is_asked_for_and_absent_is_no_silent_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for call in (lambda: precision.chosen("cuda"), lambda: precision.prepare(precision.Machine(device="cuda"))):
        with pytest.raises(SetupError, match="no GPU") as caught:
            call()
        assert caught.value.code == 4 and "auto" in caught.value.remedy


@pytest.mark.parametrize("capable", [True, False])
def test_types_and_precisions_mean_the_same(monkeypatch, capable):
    monkeypatch.setenv(arithmetic.VARIABLE, "native")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": capable})
    cpu = torch.device("cpu")
    actual = {dtype: precision.exactness(dtype, cpu) for dtype in ("auto", "float32", "bfloat16")}
    assert actual == {"auto": "bf16" if capable else "fp32", "float32": "fp32", "bfloat16": "bf16"}
    assert actual["auto"] == precision.resolved(precision.Machine(), cpu)


def test_on_a_cpu_portable_means_fp32(monkeypatch):
    monkeypatch.delenv(arithmetic.VARIABLE, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": True})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    cpu = torch.device("cpu")
    assert [precision.exactness(dtype, cpu) for dtype in ("auto", "float32")] == ["fp32", "fp32"]
    assert precision.resolved(precision.Machine(), torch.device("cuda")) == "bf16"
    for ask in (
        lambda: precision.exactness("bfloat16", cpu),
        lambda: precision.resolved(precision.Machine(precision="bf16"), cpu),
    ):
        with pytest.raises(ConfigError, match="bf16 on a CPU is not portable") as caught:
            ask()
        assert "`arithmetic: native`" in caught.value.remedy and arithmetic.VARIABLE in caught.value.remedy


def test_nobody_else_decides_on_a_device():
    """Of modules that are told a device: `cuda` on a machine without one must not mean the CPU in any of them."""
    asks = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "is_available"
    }
    # The others are told nothing: heads only count processes, and products ask for a library.
    assert asks == {"train/precision.py", "fewshot/run.py", "nets/products.py"}
