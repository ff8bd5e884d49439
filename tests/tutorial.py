"""A tutorial of docs/tutorials as steps: what it writes and edits, what it runs, and what comes out.

A comment before a block of code says what the block is; a forge does not show it:
`file: PATH`, a whole file; `merge: PATH`, YAML that is added to a file; `before: PATH: LINE`, text that is put
before the first line that begins so; `replace: PATH`, lines that begin with `-` and what takes their place, with
`+`; `run`, commands; `output`, lines that the commands before it have printed, among others.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import checkout

TUTORIALS = sorted((checkout.ROOT / "docs/tutorials").glob("*.md"))
STEP = re.compile(r"^<!-- (file|merge|before|replace|run|output)(?:: (.+?))? -->\n```\w*\n(.*?)^```$", re.M | re.S)
HELD = ("src", "stages", "tests", "data/manifests", "data/licences", "params.yaml", "dvc.yaml", "pyproject.toml")


@dataclass(frozen=True)
class Step:
    """A block of code and what it is."""

    kind: str
    where: str
    text: str


def steps(page: Path) -> list[Step]:
    """Return the blocks of a page that are meant to be used, in order."""
    return [Step(*groups) for groups in STEP.findall(page.read_text(encoding="utf-8"))]


def copy(tree: Path) -> None:
    """Copy what a tutorial needs of the project into a folder."""
    checkout.copy_tracked(tree, *HELD)


def follow(page: Path, tree: Path) -> None:
    """Do what a page says in a copy of the project; raises AssertionError where something else comes of it."""
    printed = ""
    for step in steps(page):
        path = tree / step.where.split(": ")[0]
        if step.kind == "file":
            assert not path.exists(), f"{step.where} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "merge":
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            path.write_text(yaml.safe_dump(merged(content, yaml.safe_load(step.text)), sort_keys=False))
        elif step.kind == "before":
            _insert(path, step.where.split(": ", 1)[1], step.text)
        elif step.kind == "replace":
            _replace(path, step.text)
        elif step.kind == "run":
            done = checkout.completed(
                tree, checkout.environment("src", COLUMNS="120"), "bash", "-e", "-c", step.text
            )
            printed = done.stdout + done.stderr
        else:
            missing = [line for line in step.text.splitlines() if line != "..." and line.strip() not in printed]
            assert not missing, f"{page.name} says {missing}; what came was\n{printed[-3000:]}"


def merged(content: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with what another has as well, at every depth."""
    both = dict(content)
    for key, value in more.items():
        deep = isinstance(value, dict) and isinstance(content.get(key), dict)
        both[key] = merged(content[key], value) if deep else value
    return both


def _insert(path: Path, line: str, text: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    places = [place for place, candidate in enumerate(lines) if candidate.startswith(line)]
    assert places, f"{path.name} has no line that begins with {line!r}"
    path.write_text("".join([*lines[: places[0]], text, *lines[places[0] :]]), encoding="utf-8")


def _replace(path: Path, text: str) -> None:
    old = "".join(f"{line[1:]}\n" for line in text.splitlines() if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in text.splitlines() if not line.startswith("-"))
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{path.name} has {content.count(old)} times\n{old}"
    path.write_text(content.replace(old, new), encoding="utf-8")
