"""The modules of predictors/ that make a contestant, told apart without importing them: some take ten seconds."""

import ast
from pathlib import Path

from thermark import models


def arguments(path: Path) -> list[str]:
    """Return the names of the arguments of a module's `load`, none where it has no such function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loads = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "load"]
    return [argument.arg for load in loads for argument in load.args.args]


def load_arguments() -> dict[str, list[str]]:
    """Return the arguments of `load` of each contestant's module."""
    paths = sorted(Path(models.__path__[0]).glob("*.py"))
    return {path.stem: told for path in paths if (told := arguments(path))}


def whole_frame_arguments() -> dict[str, list[str]]:
    """Return those that look at whole frames: they are loaded from a bundle of weights."""
    return {name: told for name, told in load_arguments().items() if "bundle" in told}
