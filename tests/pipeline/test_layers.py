"""Packages are layers: each imports those before it, none those after it, computed names included."""

import subprocess
import sys
from pathlib import Path

from imports import computed, imported
from thermark.core.code import PACKAGE

LAYERS = [
    "core",
    "landmarks",
    "download",
    "synth",
    "datasets",
    "nets",
    "train",
    "fewshot",
    "models",
    "landmarker",
    "metrics",
    "convert",
    "report",
    "calibrate",
    "portability",
    "cli",
]

# (package, what it imports from above) of today; who mends one takes its line out.
EXCEPTIONS: set[tuple[str, str]] = set()

# Files whose computed imports do not say of which package: that of the module which the caller has chosen.
CHOSEN_BY_CALLERS = {
    "datasets/prepare/framing.py": "datasets",
    "datasets/prepare/reading.py": "datasets",
    "fewshot/cutting.py": "datasets",
    "portability/canaries/expected.py": "portability",
    "portability/doctor.py": "",  # somebody else's package, to see whether it can be imported
}


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def needed(path: Path) -> set[str]:
    """Return the packages of the project that a file imports from."""
    packages, unknown = computed(path)
    packages |= {name.removeprefix("thermark.") for name in imported(path) if name.startswith("thermark.")}
    packages |= {CHOSEN_BY_CALLERS[path.relative_to(PACKAGE).as_posix()]} if unknown else set()
    return {name.split(".")[0] for name in packages} - {""}


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.stem == "cli"]


def test_every_package_is_a_layer():
    assert {layer(path) for path in files()} == set(LAYERS)


def test_nothing_imports_upwards_but_what_is_listed():
    upwards = {}
    for path in files():
        importer = layer(path)
        for other in needed(path):
            if LAYERS.index(other) > LAYERS.index(importer):
                upwards.setdefault((importer, other), []).append(path.relative_to(PACKAGE).as_posix())
    assert {pair: who for pair, who in upwards.items() if pair not in EXCEPTIONS} == {}
    assert set(upwards) >= EXCEPTIONS, "a mended exception is still listed"


def test_only_listed_files_import_what_a_caller_chose():
    unknown = {path.relative_to(PACKAGE).as_posix() for path in files() if computed(path)[1]}
    assert unknown == set(CHOSEN_BY_CALLERS)


LIGHT = """
import sys
from thermark.download import drive, hub, kaggle
from thermark.report.leaderboard import build, console
from thermark.report.speed import turns
turns.reference.opened(1)()
print(sorted({"torch", "gdown", "kagglehub", "kagglesdk", "huggingface_hub"} & set(sys.modules)))
"""


def test_what_runs_often_does_not_wait_for_packages_that_it_does_not_need():
    """Tables after a change of a number, timing before a contestant is loaded, commands beside downloads."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[]"
