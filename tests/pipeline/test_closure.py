"""What a stage imports is what it depends on: no more, no less."""

import ast
import functools
import re
from pathlib import Path

import pytest

from thermark.core.files import read_json

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
# A refactored downloader must not download again. What it brings is held against hashes instead: in a bundle's
# manifest, a dependency of `weights`, and in a data set's, which is an output of `fetch` that stays in git.
FREE = {"fetch", "weights"}

# Whole packages as one dependency: core by design (touching it re-runs the world), nets as it holds one network,
# the others because what depends on them takes seconds.
UNITS = {"backbones", "core", "heads", "loading", "metrics", "nets", "report", "zeroshot"}
# Contestants of several families are one group of stages: a new version of what one imports re-runs them all.
GROUPED = {"zeroshot", "cascade", "features"}


@functools.cache
def imports(path: Path) -> frozenset[Path]:
    """Return the project's own files that a file imports, static imports only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "thermark":
                found |= module_files(name)
    return frozenset(found)


def module_files(name: str) -> set[Path]:
    """Return the file of a module and the __init__ files above it, where they hold code."""
    base = SOURCE / name.replace(".", "/")
    own = [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()]
    parents = [SOURCE / Path(*name.split(".")[:n]) / "__init__.py" for n in range(1, name.count(".") + 1)]
    return {p for p in (*own, *parents) if p.is_file() and p.read_text(encoding="utf-8").strip()}


def closure(start: list[Path]) -> set[Path]:
    seen: set[Path] = set()
    todo = list(start)
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(imports(path))
    return seen


def code(deps: tuple[str, ...]) -> list[Path]:
    files: list[Path] = []
    for dep in deps:
        path = ROOT / dep
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path] * (path.suffix == ".py")
    return files


def covered(path: Path, deps: tuple[str, ...]) -> bool:
    return any(path == ROOT / dep or (ROOT / dep) in path.parents for dep in deps)


def test_every_import_of_a_stage_is_a_dependency(stages):
    missing = {}
    for stage in stages.values():
        if stage.name.split("@")[0] in FREE:
            continue
        gaps = [p for p in closure(code(stage.deps)) if not covered(p, stage.deps)]
        if gaps:
            missing[stage.name] = sorted(str(p.relative_to(ROOT)) for p in gaps)
    assert missing == {}


def test_no_dependency_on_code_that_is_never_imported(stages):
    """An over-broad dependency retrains a model for a typo in a plot."""
    idle = {}
    for stage in stages.values():
        dynamic = [
            ROOT / d for d in stage.deps if re.search(r"/(recipes|objectives|layouts|datasets|predictors)/", d)
        ]
        script = [ROOT / d for d in stage.deps if d.startswith("stages/")]
        units = code(tuple(d for d in stage.deps if Path(d).name in UNITS))
        needed = closure(script + [d for d in dynamic if d.suffix == ".py"] + units)
        unused = [
            str(p.relative_to(ROOT))
            for p in code(stage.deps)
            if p not in needed and not UNITS & set(p.parts) and p.read_text(encoding="utf-8").strip()
        ]
        if unused:
            idle[stage.name] = unused
    assert idle == {}


PACKAGES = {"cv2": "opencv-python-headless", "PIL": "pillow", "ai_edge_litert": "ai-edge-litert"}


@functools.cache
def packages(path: Path) -> frozenset[str]:
    """Return the distributions that a file imports, by the names that env.json uses."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        found |= {PACKAGES.get(name.split(".")[0], name.split(".")[0]) for name in names}
    return frozenset(found)


def test_the_versions_of_what_a_stage_imports_are_its_parameters(stages):
    movers = set(read_json(ROOT / "env.json"))
    wrong = {}
    for stage in stages.values():
        if stage.name.split("@")[0] in FREE | {"env"}:
            continue
        imported = set().union(*map(packages, closure(code(stage.deps)))) & movers
        if stage.name.split("@")[0] in GROUPED:
            imported |= set(stage.params["env.json"])
        if imported != set(stage.params["env.json"]):
            wrong[stage.name] = sorted(imported ^ set(stage.params["env.json"]))
    assert wrong == {}


@pytest.mark.parametrize(
    "kind", ["pretrain", "supervised", "ktl", "mcl", "kd", "predict", "predict-ktl", "render", "prepare"]
)
def test_expensive_stages_do_not_reach_metrics_or_report(stages, kind):
    for stage in stages.values():
        if stage.name.split("@")[0] == kind:
            reached = {p.relative_to(SOURCE).parts[1] for p in closure(code(stage.deps)) if SOURCE in p.parents}
            assert not reached & {"metrics", "report"}, stage.name
