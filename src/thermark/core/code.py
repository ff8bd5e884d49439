"""Hash of an entry point's import closure; comments, docstrings and layout do not count.

The tables of landmark vocabularies that such code names in strings belong to the closure.
"""

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeGuard

import yaml

PACKAGE = Path(__file__).parents[1]
SOURCE = PACKAGE.parent
TABLES = PACKAGE / "landmarks"


def key(*starts: str | Path) -> str:
    """Return a hash of modules (`thermark.train.loop`) or scripts and all of the project's code that they import.

    Imports inside functions count, those for type checkers alone do not; what is imported by a computed name does
    not and must be a start of its own.
    The same on every version of Python that parses the files alike. Raises ValueError for an unknown module.
    """
    lines = [f"{_name(path)} {parse(path).digest}" for path in closure(*starts)]
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def closure(*starts: str | Path) -> list[Path]:
    """Return the files that modules or scripts import, directly or not, themselves and tables included, sorted."""
    seen: set[Path] = set()
    todo = [path for start in starts for path in ([start] if isinstance(start, Path) else module(start))]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += parse(path).imports
    return sorted(seen | referenced_tables(seen))


def module(name: str) -> list[Path]:
    """Return the file of a module and the __init__ files above it; raises ValueError for none."""
    base = SOURCE / name.replace(".", "/")
    if not (base.with_suffix(".py").is_file() or base.is_dir()):
        raise ValueError(f"there is no module {name}")
    return _files(name)


@dataclass(frozen=True)
class SourceFile:
    """A parsed file: the `digest` of its content, the project's files it `imports`, its string constants."""

    digest: str
    imports: frozenset[Path] = frozenset()
    strings: frozenset[str] = frozenset()


@cache
def parse(path: Path) -> SourceFile:
    """Parse a Python or YAML file without its comments, docstrings and layout, or take a template as it is."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        plain = json.dumps(yaml.safe_load(text)) if path.suffix == ".yaml" else text
        return SourceFile(sha256(plain.encode()).hexdigest())
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [line for line in node.body if not _docstring(line)]
    nodes = list(ast.walk(tree))
    unseen = {id(inner) for node in nodes if _for_types(node) for line in node.body for inner in ast.walk(line)}
    names = {
        name
        for node in nodes
        if id(node) not in unseen
        for name in _imports(node)
        if name.split(".")[0] == PACKAGE.name
    }
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = frozenset(file for name in names for file in _files(name))
    return SourceFile(sha256(_plain(tree).encode()).hexdigest(), files, frozenset(strings))


def referenced_tables(paths: Iterable[Path]) -> set[Path]:
    """Return the vocabularies that files name in string constants, and the bridges between two of them."""
    strings = frozenset().union(*(parse(path).strings for path in paths))
    vocabularies = {path.stem for path in TABLES.glob("*.yaml")} & strings
    tables = {TABLES / f"{name}.yaml" for name in vocabularies}
    return tables | {path for path in bridges() if {path.parent.name, path.stem} <= vocabularies}


def bridges() -> list[Path]:
    """Return the files of all bridges, sorted."""
    return sorted(TABLES.glob("bridges/*/*.yaml"))


def _for_types(node: ast.AST) -> TypeGuard[ast.If]:
    """Tell whether a block is for type checkers alone, and never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _name(path: Path) -> str:
    inside = path.is_relative_to(SOURCE.parent)
    return path.relative_to(SOURCE.parent).as_posix() if inside else path.name


def _files(name: str) -> list[Path]:
    """Return the file of a module, if it is one, and of the packages above it, where they hold code."""
    base = SOURCE / name.replace(".", "/")
    parents = [SOURCE / Path(*name.split(".")[:n]) / "__init__.py" for n in range(1, name.count(".") + 1)]
    return [path for path in (base.with_suffix(".py"), base / "__init__.py", *parents) if path.is_file()]


def _docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def _plain(node: object) -> str:
    """Return a tree as text that does not depend on which empty fields a version of Python knows."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [], "")]
        inner = ",".join(
            f"{name}={_plain(value)}" for name, value in fields if name not in ("kind", "type_comment")
        )
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return f"[{','.join(map(_plain, node))}]"
    return repr(node)
