"""The bytes that every x86-64 with AVX2 gives: computed here, and under an emulator of another vendor's CPU."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from thermark.core import arithmetic
from thermark.core.errors import ConfigError
from thermark.portability.canaries import expected
from thermark.portability.canaries.expected import CanaryResult

GOLDEN = Path(__file__).parents[1] / "golden" / "portable.json"
EMULATOR = "qemu-x86_64"
# Of Intel for a machine of AMD and of AMD for all others: both have AVX2 and FMA, no AVX-512.
INTEL, AMD = "Haswell-noTSX", "EPYC-Rome"
needs_avx2 = pytest.mark.skipif(
    not arithmetic.capped(), reason=f"{platform.machine()} without AVX2: other bytes are to be expected"
)


def fresh(*arguments: str, before: tuple[str, ...] = ()) -> None:
    """Compute canaries in a fresh process, where nobody has set threads before."""
    environment = {name: value for name, value in os.environ.items() if name != arithmetic.VARIABLE}
    command = [*before, sys.executable, "-m", "thermark.portability.canaries", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def computed(out: Path, *before: str) -> dict[str, CanaryResult]:
    fresh("--write", str(out), before=before)
    return expected.read(out)


def compare(found: dict[str, CanaryResult], where: str = "") -> None:
    """Fail for canaries that say something else (`where`, if not on this CPU); skip where versions may be why."""
    golden = expected.read(GOLDEN)
    verdicts = [expected.verdict(name, golden[name], found[name]) for name in expected.CANARIES]
    wrong = [words for mark, words in verdicts if mark == "wrong"]
    assert not wrong, "\n".join([*wrong, where])
    if other := [words for mark, words in verdicts if mark == "other"]:
        pytest.skip("; ".join(other))


@needs_avx2
def test_the_bytes_of_a_few_canaries_are_those_of_every_cpu():
    """Of NumPy and SciPy, OpenCV, PyTorch: the quickest, and with other versions nothing is said."""
    fresh("functions", "warp", "head", "--against", str(GOLDEN))


@needs_avx2
@pytest.mark.slow
def test_the_bytes_are_those_of_every_cpu(tmp_path):
    compare(computed(tmp_path / "found.json"))


@needs_avx2
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which(EMULATOR), reason=f"no {EMULATOR}: it is in Debian's package qemu-user")
def test_the_bytes_are_those_of_another_vendors_cpu(tmp_path):
    # Told what the CPU of this machine is, a process inside finds another one.
    other = INTEL if "AMD" in Path("/proc/cpuinfo").read_text(encoding="utf-8") else AMD
    actual = computed(tmp_path / "found.json", EMULATOR, "-cpu", other)
    compare(actual, f"all of this on a {other} that {EMULATOR} emulates")


def test_every_canary_has_a_committed_hash():
    assert set(expected.read(GOLDEN)) == set(expected.CANARIES)


HERE = CanaryResult("0123", {"torch": "2.13.0", "libc": "glibc 2.36"}, "code")


@pytest.mark.parametrize(
    ("found", "mark", "words"),
    [
        (HERE, "ok", ["0123"]),
        (
            CanaryResult("4567", HERE.versions, "code"),
            "wrong",
            ["training", "4567 instead of 0123", "A CPU", "torch 2.13.0"],
        ),
        (CanaryResult("4567", HERE.versions, "edited"), "wrong", ["its code has changed", "--write"]),
        (
            CanaryResult("4567", {"torch": "2.14.0", "libc": "glibc 2.36"}, "code"),
            "other",
            ["torch 2.14.0 instead of 2.13.0"],
        ),
        (
            CanaryResult("4567", {"torch": "2.13.0", "libc": "musl"}, "code"),
            "other",
            ["libc musl instead of glibc 2.36"],
        ),
        (CanaryResult("0123", {"torch": "2.14.0", "libc": "musl"}, "edited"), "ok", ["0123"]),
    ],
)
def test_a_mismatch_names_the_canary_the_cpu_and_the_library(monkeypatch, found, mark, words):
    monkeypatch.setattr(arithmetic, "cpu", lambda: "A CPU")
    verdict, sentence = expected.verdict("training", HERE, found)
    assert verdict == mark and all(word in sentence for word in words)


def test_a_canary_notices_one_bit(monkeypatch):
    from thermark.portability.canaries import numbers

    first = expected.run("bootstrap")
    assert first == expected.run("bootstrap") and {"numpy", "scipy", "libc"} == set(first.versions)
    arrays = [array.copy() for array in numbers.bootstrapping()]
    arrays[-1].view("uint64")[-1] ^= 1
    monkeypatch.setattr(numbers, "bootstrapping", lambda: arrays)
    assert expected.run("bootstrap").hash != first.hash


def test_an_unknown_canary_is_named():
    with pytest.raises(ConfigError, match="no canary 'tench'") as caught:
        expected.run("tench")
    assert "training" in caught.value.remedy
