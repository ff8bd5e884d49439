"""The few packages that docs/landmarker.md names are enough for `Landmarker` and `thermark predict`."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[2] / "docs/landmarker.md"
ALONE = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def needed(names: list[str]) -> set[str]:
    """Return these distributions and all that they need, by their normalised names."""
    known: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in known:
            known.add(name)
            requirements = map(Requirement, metadata.requires(name) or [])
            names += [one.name for one in requirements if not one.marker or one.marker.evaluate({"extra": ""})]
    return known


@pytest.fixture(scope="module")
def alone() -> str:
    """Return a program that hides all packages but those of the page's pip line."""
    named = re.search(r"^pip install -c requirements.txt (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)[1]
    there = needed(named.split()) | {"thermark"}
    owners = metadata.packages_distributions()
    absent = {
        module
        for module, distributions in owners.items()
        if not there & set(map(canonicalize_name, distributions))
    }
    assert {"torch", "scipy", "pandas", "pyarrow"} <= absent and not {"numpy", "cv2"} & absent
    return ALONE.format(absent=sorted(absent))


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)


def test_the_landmarker_needs_no_more(alone, tmp_path):
    program = (
        "from thermark import Landmarker\nimport numpy\nprint(len(Landmarker()(numpy.zeros((90, 90), 'uint8'))))"
    )
    done = run(alone + program, tmp_path)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_predict_needs_no_more_and_other_commands_say_what_they_need(alone, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((90, 90), np.uint8))
    command = "from thermark import cli\nsys.argv = ['thermark', *{words!r}]\ncli.main()"
    done = run(alone + command.format(words=["predict", "--images", "a.png"]), tmp_path)
    assert (done.stdout, done.stderr) == ("predictions.csv: 1 rows of 1 pictures, 1 without a face\n", "")
    assert run(alone + command.format(words=["--help"]), tmp_path).returncode == 0
    done = run(alone + command.format(words=["compare", "HEAD"]), tmp_path)
    assert done.returncode == 4
    assert re.fullmatch(r"error: `thermark compare` needs \w+\nremedy: run `make setup` .*\n", done.stderr)
