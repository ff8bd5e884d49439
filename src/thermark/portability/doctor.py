"""`thermark doctor`: is this machine fit to make numbers that can be compared, and if not, what to do."""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.version import InvalidVersion, Version

from thermark.core import arithmetic
from thermark.core.errors import ConfigError, SetupError, ThermarkError, in_one_line
from thermark.download import cache, mirrors
from thermark.portability.pins import Installed, canonical, pins

PYTHON = ((3, 11), (3, 14))
FREE_BYTES = 2 * 10**9
VECTOR = ("avx", "fma", "amx", "asimd", "sve")
TELEMETRY = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DVC_NO_ANALYTICS")
REBUILD = "remove .venv and run `make repro`, which installs exactly requirements.txt"

Mark = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Diagnosis:
    """One result: `ok`, `warn` (works, but note it) or `fail`; the `actual` state; what to do about it."""

    name: str
    mark: Mark
    actual: str
    remedy: str = ""


def doctor(requirements: Path, dvc_config: Path) -> list[Diagnosis]:
    """Run all checks; none of them raises, and none needs the network."""
    distributions = list(metadata.distributions())
    versions = installed(distributions)
    checks: list[Callable[[], Diagnosis]] = [
        lambda: python(sys.version_info[:2]),
        environment,
        cpu,
        lambda: numbers(arithmetic.capped(), arithmetic.came_first()),
        lambda: one_opencv(distributions),
        lambda: importable("cv2"),
        lambda: major("numpy", 2, versions),
        lambda: importable("torch"),
        lambda: quiet_onnxruntime(versions),
        lambda: pinned_versions(requirements, versions),
        lambda: disk(shutil.disk_usage(Path.cwd()).free),
        cache_folder,
        lambda: mirror_folders(mirrors.roots()),
        lambda: dvc(dvc_config),
        telemetry,
    ]
    return [check() for check in checks]


def report(requirements: Path, quiet: bool = False, dvc_config: Path = Path(".dvc", "config")) -> None:
    """Print every check, or with `quiet` only those that fail; raises SetupError (exit 4) when one does."""
    checks = doctor(requirements, dvc_config)
    failed = [check for check in checks if check.mark == "fail"]
    for check in failed if quiet else checks:
        print(f"{check.mark:4}  {check.name}: {check.actual}")
        if check.mark != "ok":
            print(f"      -> {check.remedy}")
    if failed:
        names = ", ".join(check.name for check in failed)
        raise SetupError(f"{len(failed)} of {len(checks)} checks failed: {names}", "follow the arrows above")


def installed(distributions: Iterable[metadata.Distribution]) -> Installed:
    """Return name -> version of distributions; the first of a name counts, as for `import`."""
    versions: Installed = {}
    for distribution in distributions:
        # A folder left over from a broken uninstall has no metadata.
        if distribution.metadata and (name := distribution.metadata["Name"]):
            versions.setdefault(canonical(name), distribution.version)
    return versions


def python(version: tuple[int, int]) -> Diagnosis:
    """Check that Python is one that the pins were resolved for."""
    low, high = PYTHON
    found = ".".join(map(str, version))
    if low <= version < high:
        return Diagnosis("python", "ok", found)
    return Diagnosis("python", "fail", found, f"use Python >={low[0]}.{low[1]},<{high[0]}.{high[1]} and {REBUILD}")


def environment() -> Diagnosis:
    """Check that packages go to an environment of their own."""
    if sys.prefix != sys.base_prefix or os.environ.get("CONDA_PREFIX"):
        return Diagnosis("environment", "ok", sys.prefix)
    return Diagnosis(
        "environment", "warn", f"{sys.prefix} is the system's Python", "run `make repro`: it makes .venv"
    )


def cpu() -> Diagnosis:
    """Name the CPU and the vector instructions that libraries choose their loops by."""
    return Diagnosis("cpu", "ok", f"{arithmetic.cpu()}: {vectors() or 'vector flags unknown'}")


def vectors() -> str:
    """Return the flags of the CPU's vector instructions, sorted, with spaces between; empty where unknown."""
    return " ".join(sorted(flag for flag in arithmetic.vector_flags() if flag.startswith(VECTOR)))


def numbers(capped: bool, came_first: tuple[str, ...]) -> Diagnosis:
    """Check whether numbers made here are those of other machines, and whether that was asked for."""
    try:
        portable = arithmetic.portable()
    except ConfigError as error:
        return Diagnosis("arithmetic", "fail", error.cause, error.remedy)
    if not portable:
        return Diagnosis("arithmetic", "ok", "native: as fast as this CPU can, other numbers than elsewhere")
    if came_first:
        return Diagnosis(
            "arithmetic", "fail", f"{', '.join(came_first)} came before thermark", "import thermark first"
        )
    if capped:
        return Diagnosis("arithmetic", "ok", "portable: the numbers of every x86-64 with AVX2")
    lacking = f"portable, but {platform.machine()} without AVX2 and FMA: numbers differ in their last digits"
    return Diagnosis(
        "arithmetic", "warn", lacking, "compare with others only what lies within the printed intervals"
    )


def one_opencv(distributions: Iterable[metadata.Distribution]) -> Diagnosis:
    """Check that exactly one distribution owns `cv2/`, and that it is OpenCV 4: wheels overwrite each other."""
    # A set, because a folder that stands twice in sys.path shows its packages twice.
    owners = sorted(
        {
            f"{found.metadata['Name']} {found.version}"
            for found in distributions
            if "\ncv2/" in "\n" + (found.read_text("RECORD") or "")
        }
    )
    cure = f"uninstall {', '.join(owner.split()[0] for owner in owners)}; then {REBUILD}"
    if not owners:
        return Diagnosis("opencv", "fail", "not installed", REBUILD)
    if len(owners) > 1:
        return Diagnosis("opencv", "fail", f"{len(owners)} packages share cv2/: {', '.join(owners)}", cure)
    if owners[0].split()[1].split(".")[0] != "4":
        return Diagnosis("opencv", "fail", f"{owners[0]}: other numbers than OpenCV 4, no Haar cascades", cure)
    return Diagnosis("opencv", "ok", owners[0])


def importable(module: str) -> Diagnosis:
    """Check that a module can be imported, for being installed is not enough."""
    try:
        version = importlib.import_module(module).__version__
    except (ImportError, OSError, AttributeError) as error:
        remedy = f"reinstall it with its dependencies: {REBUILD}"
        return Diagnosis(f"import {module}", "fail", in_one_line(error), remedy)
    return Diagnosis(f"import {module}", "ok", str(version))


def major(name: str, number: int, versions: Installed) -> Diagnosis:
    """Check the first number of an installed package's version."""
    found = versions.get(name, "not installed")
    good = found.split(".")[0] == str(number)
    return Diagnosis(
        name, "ok" if good else "fail", found, "" if good else f"{name} {number} is needed: {REBUILD}"
    )


def quiet_onnxruntime(versions: Installed) -> Diagnosis:
    """Check for onnxruntime <= 1.28: later ones write an identity file and report home at import."""
    found = versions.get("onnxruntime")
    if found is None:
        return Diagnosis("onnxruntime", "warn", "not installed: its contestants are skipped", REBUILD)
    if Version(found) >= Version("1.29"):
        return Diagnosis("onnxruntime", "fail", f"{found} phones home when imported", f"install 1.28.0: {REBUILD}")
    return Diagnosis("onnxruntime", "ok", found)


def pinned_versions(requirements: Path, versions: Installed) -> Diagnosis:
    """Check that what is installed is what is pinned; a local suffix such as +cpu is the same version."""
    try:
        pinned = pins(requirements)
    except ConfigError as error:
        return Diagnosis("pins", "fail", error.cause, error.remedy)
    if not pinned:
        return Diagnosis("pins", "fail", f"{requirements} pins nothing", "restore it with `git checkout`")
    wrong = [
        f"{name} {versions.get(name, 'is absent')} instead of {pin}"
        for name, pin in pinned.items()
        if name not in versions or not _same_version(versions[name], pin)
    ]
    if not wrong:
        return Diagnosis("pins", "ok", f"{len(pinned)} packages as in {requirements}")
    shown = ", ".join(wrong[:8]) + (f" and {len(wrong) - 8} more" if len(wrong) > 8 else "")
    return Diagnosis("pins", "fail", shown, REBUILD)


def disk(free: int) -> Diagnosis:
    """Check the free space (bytes) of the working folder."""
    good = free >= FREE_BYTES
    remedy = "" if good else f"free at least {FREE_BYTES / 1e9:.0f} GB, or work on another disk"
    return Diagnosis("disk", "ok" if good else "fail", f"{free / 1e9:.1f} GB free", remedy)


def cache_folder(root: Path | None = None) -> Diagnosis:
    """Check that the cache can be written."""
    try:
        root = root or cache.location()
        cache.writable(root)
    except ThermarkError as error:
        return Diagnosis("cache", "fail", error.cause, error.remedy)
    return Diagnosis("cache", "ok", str(root))


def mirror_folders(folders: list[Path]) -> Diagnosis:
    """Check that every folder of THERMARK_MIRRORS is there."""
    absent = [str(folder) for folder in folders if not folder.is_dir()]
    if absent:
        return Diagnosis(
            "mirrors", "warn", f"no folder {', '.join(absent)}", "correct THERMARK_MIRRORS, or mount it"
        )
    return Diagnosis("mirrors", "ok", f"{len(folders)} folders")


def dvc(config: Path) -> Diagnosis:
    """Check that the project's DVC configuration is there, with its usage analytics off."""
    try:
        text = config.read_text(encoding="utf-8")
    except OSError:
        return Diagnosis("dvc", "fail", f"{config} is absent", "run from the project root of a full clone")
    lines = {"".join(line.split()).lower() for line in text.splitlines()}
    if "analytics=false" in lines:
        return Diagnosis("dvc", "ok", "analytics off")
    return Diagnosis("dvc", "fail", "analytics are on", "run `dvc config core.analytics false`")


def telemetry() -> Diagnosis:
    """Check the variables that silence other packages; the pipeline sets them for its own stages."""
    unset = [name for name in TELEMETRY if not os.environ.get(name)]
    if not unset:
        return Diagnosis("telemetry", "ok", "off")
    return Diagnosis(
        "telemetry", "warn", f"{', '.join(unset)} not set", "`make` sets them; outside it, export them as 1"
    )


def _same_version(found: str, pin: str) -> bool:
    try:
        return Version(found).public == Version(pin).public
    except InvalidVersion:
        return found == pin
