"""Rules of the house that a machine can check."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "src/thermark/landmarker/weights"
PYTHON = sorted(p for folder in ("src", "stages", "benchmarks") for p in (ROOT / folder).rglob("*.py"))


def test_files_stay_under_300_lines():
    long = {
        str(p.relative_to(ROOT)): n for p in PYTHON if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}


def test_functions_stay_under_60_lines():
    long = {}
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60:
                long[f"{path.relative_to(ROOT)}:{node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    assert long == {}


def test_no_file_is_named_after_nothing():
    assert [p for p in PYTHON if re.fullmatch(r"(utils?|helpers?|common|misc)", p.stem)] == []


def test_no_path_is_spelled_in_the_library():
    spelled = re.compile(r"""["'](data/(raw|faces|models|predictions|splits|reports)|metrics/|plots/)""")
    paths = [str(p) for p in PYTHON if "src" in p.parts and spelled.search(p.read_text(encoding="utf-8"))]
    assert paths == []


def test_one_opencv_and_every_package_pinned():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin) for pin in pins)
    assert [pin for pin in pins if pin.startswith("opencv")] == ["opencv-python-headless==4.14.0.94"]
    assert not any(pin.startswith(("torchvision", "timm", "ultralytics")) for pin in pins)


def test_nothing_large_or_pickled_is_in_git():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    shipped = {path: path.stat().st_size for path in paths if path.parent == WEIGHTS and path.suffix == ".onnx"}
    assert len(shipped) in (0, 2) and sum(shipped.values()) <= 6_000_000
    paths = [path for path in paths if path not in shipped]
    assert [p for p in paths if p.suffix in (".pkl", ".pth", ".pt", ".onnx", ".tflite", ".task")] == []
    assert [(p, p.stat().st_size) for p in paths if p.is_file() and p.stat().st_size > 2_500_000] == []
