"""Expected hashes of canaries, the same on every CPU, and the verdict when one differs."""

import hashlib
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import arithmetic, code, files
from thermark.core.errors import ConfigError
from thermark.portability import doctor


@dataclass(frozen=True)
class Canary:
    """A function of a module of this package that yields arrays, and the distributions whose loops it runs."""

    module: str
    function: str
    libraries: tuple[str, ...]

    @property
    def call(self) -> Callable[[], Iterable[np.ndarray]]:
        """The function itself."""
        function: Callable[[], Iterable[np.ndarray]] = getattr(import_module(self.module), self.function)
        return function

    @property
    def key(self) -> str:
        """The hash of the code behind it."""
        return code.key(self.module)


NETWORKS, PICTURES, NUMBERS, DEVICES = (
    f"{__package__}.{name}" for name in ("networks", "pictures", "numbers", "devices")
)
CANARIES = {
    "functions": Canary(NUMBERS, "functions", ("numpy", "scipy")),
    "bootstrap": Canary(NUMBERS, "bootstrapping", ("numpy", "scipy")),
    "warp": Canary(PICTURES, "warping", ("opencv-python-headless", "numpy", "scipy")),
    "render": Canary(PICTURES, "rendering", ("numba", "numpy", "opencv-python-headless", "scipy")),
    "imaging": Canary(DEVICES, "imaging", ("numba", "numpy", "opencv-python-headless", "scipy")),
    "varied": Canary(PICTURES, "varied", ("numba", "numpy", "opencv-python-headless", "scipy")),
    "figure": Canary(PICTURES, "figures", ("matplotlib", "numpy", "pillow")),
    "torch": Canary(NETWORKS, "prediction", ("torch",)),
    "head": Canary(NETWORKS, "head", ("torch",)),
    "training": Canary(NETWORKS, "training", ("torch", "numpy", "opencv-python-headless", "scipy")),
    "onnxruntime": Canary(NETWORKS, "exported", ("onnxruntime", "torch", "onnx")),
    "litert": Canary(NETWORKS, "litert", ("ai-edge-litert",)),
    "opencv": Canary(NETWORKS, "opencv", ("opencv-python-headless", "torch", "onnx")),
}


@dataclass(frozen=True)
class CanaryResult:
    """The `hash` of a canary's arrays, with the versions of its libraries and of libc, and its code's `key`."""

    hash: str
    versions: Mapping[str, str]
    key: str


def run(name: str) -> CanaryResult:
    """Run a canary; raises ConfigError for an unknown one."""
    if name not in CANARIES:
        raise ConfigError(f"there is no canary {name!r}", f"take one of: {', '.join(CANARIES)}")
    canary = CANARIES[name]
    digest = hashlib.sha256()
    for array in canary.call():
        digest.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    versions = {library: metadata.version(library).partition("+")[0] for library in canary.libraries}
    return CanaryResult(digest.hexdigest()[:16], versions | {"libc": libc()}, canary.key)


def libc() -> str:
    """Return the name and version of the C library, which computes exponentials and sines for all others."""
    return " ".join(platform.libc_ver()).strip() or "unknown"


def write(path: Path, results: Mapping[str, CanaryResult]) -> None:
    """Write the results of this machine as those expected everywhere."""
    canaries = {
        name: {"hash": result.hash, "key": result.key, "versions": dict(result.versions)}
        for name, result in results.items()
    }
    files.write_json(path, {"canaries": canaries, "cpu": arithmetic.cpu()})


def read(path: Path) -> dict[str, CanaryResult]:
    """Read what `write` wrote."""
    stored: dict[str, Any] = files.read_json(path)["canaries"]
    return {name: CanaryResult(row["hash"], row["versions"], row["key"]) for name, row in stored.items()}


def verdict(name: str, expected: CanaryResult, actual: CanaryResult) -> tuple[str, str]:
    """Return `ok`, `other` (versions, so that nothing can be said) or `wrong`, and a sentence on it."""
    if expected.hash == actual.hash:
        return "ok", f"{name}: {actual.hash}"
    other = [
        f"{library} {actual.versions.get(library)} instead of {version}"
        for library, version in expected.versions.items()
        if actual.versions.get(library) != version
    ]
    if other:
        return "other", f"{name}: other bytes, with {', '.join(other)}"
    if expected.key != actual.key:
        return "wrong", (
            f"{name}: {actual.hash} instead of {expected.hash}, and its code has changed since: if it was meant "
            "to give other numbers, write new hashes with `python -m thermark.portability.canaries --write`"
        )
    libraries = ", ".join(f"{library} {version}" for library, version in actual.versions.items())
    return "wrong", (
        f"{name}: {actual.hash} instead of {expected.hash} on {cpu()}: one of {libraries} computes otherwise there"
    )


def cpu() -> str:
    """Return the name of the CPU with its vector instructions."""
    return f"{arithmetic.cpu()} ({doctor.vectors()})"
