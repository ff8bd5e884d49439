"""What a file imports, plainly or by a computed name: `import_module(f"thermark.datasets.{loader}")`."""

import ast
from functools import cache
from pathlib import Path


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the dotted names that a file's import statements can mean, wherever they stand."""
    names: set[str] = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


@cache
def computed(path: Path) -> tuple[frozenset[str], bool]:
    """Return the packages of which a file imports modules by a computed name, and whether a name tells none.

    `f"thermark.x.{name}"` is x; `f"{losses.__name__}.{name}"` is what the file imports as `losses`.
    """
    modules = {name.rpartition(".")[2]: name for name in imported(path)}
    packages, unknown = set(), False
    for node in _nodes(path):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")):
            continue
        package = _beginning(node.args[0], modules) if node.args else ""
        packages |= {package} if package else set()
        unknown |= not package
    return frozenset(packages), unknown


def _beginning(argument: ast.expr, modules: dict[str, str]) -> str:
    """Return the package below thermark with which a module's name begins, empty where it cannot be seen."""
    if not isinstance(argument, ast.JoinedStr):
        return ""
    first = argument.values[0]
    text = first.value if isinstance(first, ast.Constant) else ""
    if isinstance(first, ast.FormattedValue) and (named := ast.unparse(first.value)).endswith(".__name__"):
        text = f"{modules.get(named.removesuffix('.__name__'), '')}."
    return str(text).removeprefix("thermark.").rstrip(".") if str(text).startswith("thermark.") else ""


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
