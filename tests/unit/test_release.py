"""What is said about the whole project in two places is the same in both."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Distributions whose module has another name, and those that are run and not imported.
MODULES = {
    "vl-convert-python": "vl_convert",
    "pillow": "PIL",
    "opencv-python-headless": "cv2",
    "ai-edge-litert": "ai_edge_litert",
    "pyyaml": "yaml",
}
TOOLS = {"ruff", "mypy", "setuptools", "pytest-xdist"}


def test_the_version_is_that_of_the_newest_changes():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert version == headings[0]


def imported() -> set[str]:
    modules = set()
    for folder in ("src", "stages", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                modules |= {name.split(".")[0] for name in names}
    return modules


def test_whatever_is_pinned_by_name_is_used_and_has_a_reason():
    named = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("# --- what those need")[0]
    lines = [line for line in named.splitlines() if "==" in line]
    assert len(lines) > 20
    known = imported()
    for line in lines:
        name = line.partition("==")[0]
        assert re.search(r"\s# \S", line), f"{name} has no reason"
        assert name in TOOLS or MODULES.get(name, name.replace("-", "_")) in known, name
