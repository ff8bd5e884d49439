"""The switches of the portable arithmetic are set before the libraries read them, or somebody says so."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from thermark.core import arithmetic
from thermark.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
OURS = {*arithmetic.THREADS, *arithmetic.SWITCHES, *arithmetic.SWITCHES_OF_AVX512}
OURS |= {arithmetic.VARIABLE, arithmetic.MARK}
needs_avx2 = pytest.mark.skipif(not arithmetic.capped(), reason="no x86-64 with AVX2: nothing is capped")


def run_code(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=bare | (environment or {}), capture_output=True, text=True, check=False)


def test_nothing_was_imported_before_the_switches_of_this_process():
    assert arithmetic.came_first() == ()


@needs_avx2
def test_every_library_sees_its_switch():
    code = """
import thermark, torch, numpy, cv2
from numba.core import config
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(), config.CPU_NAME)
print([name for name in __cpu_dispatch__ if __cpu_features__[name]])
print("AVX2" in cv2.ipp.getIppVersion(), [word for word in cv2.getCPUFeaturesLine().split() if "AVX" in word])
"""
    done = run_code(code)
    assert done.stdout.splitlines() == ["AVX2 2 haswell", "[]", "True ['*AVX', '*AVX2', '*AVX512-SKX?']"]


@needs_avx2
def test_they_override_what_the_user_has_set():
    done = run_code("import os, thermark; print(os.environ['OMP_NUM_THREADS'])", {"OMP_NUM_THREADS": "5"})
    assert done.stdout == "2\n"


def test_native_leaves_everything_alone():
    code = "import os; before = dict(os.environ); import thermark; assert os.environ == before"
    environment = {arithmetic.VARIABLE: "native", "OMP_NUM_THREADS": "5"}
    assert run_code(code, environment).returncode == 0


def test_a_native_child_of_a_portable_process_is_not_capped():
    child = f"import os, thermark; print([name for name in os.environ if name in {OURS - {arithmetic.VARIABLE}}])"
    code = f"""
import os, subprocess, sys, thermark
native = os.environ | {{{arithmetic.VARIABLE!r}: "native"}}
subprocess.run([sys.executable, "-c", {child!r}], env=native, check=True)
"""
    assert run_code(code).stdout == "[]\n"


def test_a_library_that_came_first_is_named_and_stops_a_command():
    code = "import numpy, thermark; from thermark.core.errors import run; run(print)"
    done = run_code(code)
    assert done.returncode == 4 and done.stdout == ""
    assert done.stderr.startswith("error: numpy came before thermark") and "native" in done.stderr
    assert run_code(code, {arithmetic.VARIABLE: "native"}).returncode == 0


def test_what_a_parent_has_set_needs_no_order_of_imports():
    child = "import numpy, thermark; from thermark.core.errors import run; run(print)"
    code = f"import subprocess, sys, thermark; sys.exit(subprocess.call([sys.executable, '-c', {child!r}]))"
    assert run_code(code).returncode == 0


def test_an_unknown_mode_is_one_line_at_first_use():
    done = run_code("from thermark.core.errors import run; run(print)", {arithmetic.VARIABLE: "exact"})
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "error: THERMARK_ARITHMETIC is 'exact'\nremedy: set it to one of: portable, native; or unset it\n"
    )


def test_an_unknown_mode_is_never_taken_for_another(monkeypatch):
    monkeypatch.setenv(arithmetic.VARIABLE, "")
    with pytest.raises(ConfigError, match="THERMARK_ARITHMETIC is ''"):
        arithmetic.portable()


SCRIPTS = sorted(path for folder in ("stages", "benchmarks") for path in (ROOT / folder).glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_imports_a_library_before_thermark(path):
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    tops = [name.partition(".")[0] for name in names]
    assert not {*arithmetic.LIBRARIES, "matplotlib", "onnx"}.intersection(tops[: tops.index("thermark")])


def test_no_square_root_is_pytorchs():
    """MKL's is not rounded as IEEE says, and differs between CPUs whatever it is told; fused AdamW has its own."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            called = ast.unparse(node.func)
            assert called not in ("torch.sqrt", "torch.pow"), path
            if called.startswith("torch.optim.A") or called.startswith("torch.optim.S"):
                assert any(word.arg == "fused" and ast.unparse(word.value) == "True" for word in node.keywords), (
                    path
                )


def test_no_cpu_is_told_to_use_what_it_has_not():
    both = frozenset({"avx2", "fma"})
    assert "OPENCV_CPU_DISABLE" in arithmetic.switches("x86_64", both | {"avx512bw"})
    assert "OPENCV_CPU_DISABLE" not in arithmetic.switches("x86_64", both)
    for machine, flags in (("aarch64", both), ("x86_64", frozenset({"avx"})), ("x86_64", frozenset({"avx2"}))):
        assert arithmetic.switches(machine, flags) == arithmetic.THREADS


def test_the_cpu_has_the_name_that_linux_gives_or_that_python_knows(monkeypatch):
    monkeypatch.setattr(arithmetic, "_cpuinfo", lambda: {"model name": "Some CPU: 3 GHz"})
    assert arithmetic.cpu() == "Some CPU: 3 GHz"
    monkeypatch.setattr(arithmetic, "_cpuinfo", dict)
    assert arithmetic.cpu() == (arithmetic.platform.processor() or arithmetic.platform.machine())
