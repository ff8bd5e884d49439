"""The families of models, listed without importing them: some take ten seconds."""

import ast
from pathlib import Path

from thermark import models
from thermark.models.inference.families import CROP_FAMILIES


def signatures() -> dict[str, list[str]]:
    """Return the names of the arguments of each family's `load`, none where it has no such function."""
    arguments = {}
    for path in sorted(Path(models.__path__[0]).glob("[a-z]*.py")):
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        loads = [node for node in functions if node.name == "load"]
        arguments[path.stem] = [argument.arg for load in loads for argument in load.args.args]
    return arguments


def on_frames() -> set[str]:
    """Return those that look at whole frames."""
    return {*signatures()} - {*CROP_FAMILIES}
