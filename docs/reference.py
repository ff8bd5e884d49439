"""Write the reference: of the command line, of metrics, and of the Python packages.

`python docs/reference.py` renews cli.md and metrics.md in docs/reference, which git holds. `--python` adds
python.md, which only the site has; its docstrings are read from the source.
"""

import argparse
import ast
import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent
PACKAGE = FOLDER.parent / "src" / "thermark"
NOTE = "<!-- Made by `make docs` (docs/reference.py). Do not edit. -->"


def command_line() -> str:
    """Return the help of every command as Markdown."""
    os.environ["COLUMNS"] = "100"
    from thermark import cli

    made = cli.parser()
    (commands,) = (action for action in made._actions if isinstance(action, argparse._SubParsersAction))
    parts = [f"# Command line\n\n{NOTE}\n\n{made.description} {cli.EXIT_CODES}"]
    for group, own in cli.GROUPS.items():
        parts.append(f"## {group}")
        for command in own:
            text = commands.choices[command.name].format_help().rstrip()
            parts.append(f"### thermark {command.name}\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def metrics() -> str:
    """Return the table of all metrics as Markdown."""
    from thermark.report import metric_list

    about = "Errors are over labelled faces; *counts misses* says whether a missed face makes a metric worse."
    return f"# Metrics\n\n{NOTE}\n\n{about} [Concepts](../concepts.md) has more.\n\n{metric_list.markdown()}\n"


def python() -> str:
    """Return what every module says of itself and of its public functions and classes, as Markdown."""
    parts = [f"# Python reference\n\n{NOTE}\n\nEvery public function and class, from its docstring."]
    for folder in sorted(path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()):
        parts.append(f"## thermark.{folder.name}")
        for path in sorted(folder.rglob("*.py")):
            parts += _module(path)
    return "\n\n".join(parts) + "\n"


def _module(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    parts = [f"### {name}\n\n{_text(tree)}"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            parts.append(f"```python\n{_signature(node)}\n```\n\n{_text(node)}")
    return parts


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"def {node.name}({ast.unparse(node.args)}){returns}"
    return line if len(line) <= 100 else line.replace("(", "(\n    ", 1)


def _text(node: ast.Module | ast.FunctionDef | ast.ClassDef) -> str:
    """Return a docstring as plain text: what Markdown or HTML would interpret outside of code is escaped."""
    parts = re.split(r"(`[^`]*`)", ast.get_docstring(node) or "")
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_\[\]<>#|$])", r"\\\1", part) for part in parts)


PAGES = {"cli.md": command_line, "metrics.md": metrics}  # those in git


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="store_true", help="python.md, too")
    options = parser.parse_args()
    for name, text in PAGES.items():
        (FOLDER / "reference" / name).write_text(text(), encoding="utf-8")
    if options.python:
        (FOLDER / "reference/python.md").write_text(python(), encoding="utf-8")


if __name__ == "__main__":
    main()
