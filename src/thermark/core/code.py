"""Which code makes a result: a hash of an entry point's import closure, blind to comments, docstrings and layout.

Names of landmark vocabularies that stand in such code pull in their tables, which are code in all but syntax.
"""

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml

PACKAGE = Path(__file__).parents[1]
SOURCE = PACKAGE.parent
TABLES = PACKAGE / "landmarks"


def key(*starts: str | Path) -> str:
    """Return a hash of modules (`thermark.train.loop`) or scripts and all of the project's code that they import.

    Imports inside functions count; what is imported by a computed name does not and must be a start of its own.
    The same on every version of Python that parses the files alike. Raises ValueError for an unknown module.
    """
    lines = [f"{_name(path)} {said(path).meaning}" for path in closure(*starts)]
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def closure(*starts: str | Path) -> list[Path]:
    """Return the files that modules or scripts import, directly or not, themselves and tables included, sorted."""
    seen: set[Path] = set()
    todo = [path for start in starts for path in ([start] if isinstance(start, Path) else module(start))]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += said(path).imports
    return sorted(seen | named(seen))


def module(name: str) -> list[Path]:
    """Return the file of a module and the __init__ files above it; raises ValueError for none."""
    base = SOURCE / name.replace(".", "/")
    if not (base.with_suffix(".py").is_file() or base.is_dir()):
        raise ValueError(f"there is no module {name}")
    return _files(name)


@dataclass(frozen=True)
class Said:
    """What a file says: a hash `meaning` of it, the project's files that it `imports`, and its plain `texts`."""

    meaning: str
    imports: frozenset[Path] = frozenset()
    texts: frozenset[str] = frozenset()


@cache
def said(path: Path) -> Said:
    """Return what a Python or YAML file says, without comments, docstrings and layout, or a template."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        plain = json.dumps(yaml.safe_load(text)) if path.suffix == ".yaml" else text
        return Said(sha256(plain.encode()).hexdigest())
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [line for line in node.body if not _docstring(line)]
    nodes = list(ast.walk(tree))
    names = {name for node in nodes for name in _imports(node) if name.split(".")[0] == PACKAGE.name}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = frozenset(file for name in names for file in _files(name))
    return Said(sha256(_plain(tree).encode()).hexdigest(), files, frozenset(texts))


def named(paths: Iterable[Path]) -> set[Path]:
    """Return the vocabularies that files name in plain strings, and the bridges between two of them."""
    texts = frozenset().union(*(said(path).texts for path in paths))
    known = {path.stem for path in TABLES.glob("*.yaml")} & texts
    tables = {TABLES / f"{name}.yaml" for name in known}
    return tables | {path for path in bridges() if {path.parent.name, path.stem} <= known}


def bridges() -> list[Path]:
    """Return the files of all bridges, sorted."""
    return sorted(TABLES.glob("bridges/*/*.yaml"))


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
