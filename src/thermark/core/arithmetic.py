"""One arithmetic for every x86-64 with AVX2: environment variables that cap numeric libraries before import.

Libraries choose their inner loops by the CPU they find, and other loops add in another order. In mode `portable`
each is held to what all these CPUs have, and to a fixed number of threads; `native` leaves all as it is.
"""

import os
import platform
import sys
from functools import cache
from pathlib import Path

from thermark.core.errors import ConfigError, SetupError

VARIABLE = "THERMARK_ARITHMETIC"
MODES = ("portable", "native")
# Lists what was set here, so that a child process in mode `native` can unset it.
MARK = "THERMARK_SWITCHES"
NEEDED = ("avx2", "fma")
THREADS = {
    "OMP_NUM_THREADS": "2",
    "OMP_DYNAMIC": "FALSE",
    "GOMP_SPINCOUNT": "1000",  # on a busy machine two threads that wait for each other took 10 times as long
    "MKL_NUM_THREADS": "2",
    "MKL_DYNAMIC": "FALSE",  # else MKL takes one thread where it sees one physical core
    "OPENBLAS_NUM_THREADS": "1",
}
SWITCHES = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own loops
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its convolutions
    "MKL_CBWR": "COMPATIBLE",  # its matrix products; AVX2 here gave other bytes on AMD than on Intel
    "OPENBLAS_CORETYPE": "Haswell",  # matrix products of numpy and scipy
    # numpy keeps to its baseline, SSE4.2: AVX2 gains nothing here, and emulators fail in its gathering loads.
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    # Intel's library in OpenCV: held to its loops for AVX2. With `disabled`, some functions still choose by CPUID.
    "OPENCV_IPP": "avx2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse4.1,+sse4.2,+ssse3",
}
# OpenCV complains on stderr of an order to do without something that the CPU has not got.
SWITCHES_OF_AVX512 = {"OPENCV_CPU_DISABLE": "AVX512-SKX"}
# Those that read the switches when they are imported, and those that import them.
LIBRARIES = ("numpy", "scipy", "pandas", "torch", "cv2", "numba", "onnxruntime", "ai_edge_litert")

_too_early: list[str] = []


def mode() -> str:
    """Return `portable`, the default, or `native`; raises ConfigError for another value of THERMARK_ARITHMETIC."""
    chosen = os.environ.get(VARIABLE, "portable")
    if chosen not in MODES:
        raise ConfigError(f"{VARIABLE} is {chosen!r}", f"set it to one of: {', '.join(MODES)}; or unset it")
    return chosen


def portable() -> bool:
    """Tell whether numbers are to be those of every x86-64 with AVX2; raises what `mode` raises."""
    return mode() == "portable"


def switches(machine: str, flags: frozenset[str]) -> dict[str, str]:
    """Return the environment of the portable arithmetic on a machine (`x86_64`) whose CPU has these flags.

    A CPU without AVX2 and FMA gets the threads alone: libraries obey an order to use them, and crash.
    """
    if machine not in ("x86_64", "AMD64") or not flags.issuperset(NEEDED):
        return dict(THREADS)
    return THREADS | SWITCHES | (SWITCHES_OF_AVX512 if "avx512bw" in flags else {})


def capped() -> bool:
    """Tell whether this machine's CPU can compute as every other that is capped does."""
    return set(SWITCHES) <= set(switches(platform.machine(), vector_flags()))


def apply() -> None:
    """Set the switches of this process and its children; `import thermark` does so, and nothing raises here.

    They override what the user has set, since with other settings no other machine repeats the numbers; mode
    `native` leaves them alone.
    """
    if os.environ.get(VARIABLE, "portable") == "native":
        for name in os.environ.pop(MARK, "").split():
            os.environ.pop(name, None)
        return
    expected = switches(platform.machine(), vector_flags())
    if any(os.environ.get(name) != value for name, value in expected.items()):
        # Set by a parent process, they were there before any import.
        _too_early.extend(name for name in LIBRARIES if name in sys.modules)
    os.environ.update(expected)
    os.environ[MARK] = " ".join(expected)


def came_first() -> tuple[str, ...]:
    """Return the libraries that were imported before thermark and so never saw the switches."""
    return tuple(_too_early)


def check() -> None:
    """Raise ConfigError for an unknown mode, SetupError when a library was imported too early to be capped."""
    if portable() and _too_early:
        raise SetupError(
            f"{', '.join(_too_early)} came before thermark, so that the portable arithmetic could not be set",
            f"import thermark first, or set {VARIABLE}=native",
        )


def cpu() -> str:
    """Return the name of the CPU from /proc/cpuinfo, or else from Python."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def vector_flags() -> frozenset[str]:
    """Return the CPU's flags as /proc/cpuinfo names them; empty where there is no such file."""
    return frozenset(_cpuinfo().get("flags", "").split())


@cache
def _cpuinfo() -> dict[str, str]:
    # Only the first CPU is read: a large machine takes long to list all of them.
    fields = {}
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if not line.strip():
                    break
                key, _, value = line.partition(":")
                fields[key.strip()] = value.strip()
    except OSError:
        return {}
    return fields
