"""One typed section of params.yaml; its type is defined in the module that reads it."""

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from thermark.core.errors import ConfigError


class Section(BaseModel):
    """A frozen section of params.yaml in which unknown keys, wrong types and infinite numbers are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)
SHOWN = 100  # characters of a wrong value in a message of one line


def read(path: Path) -> dict[str, Any]:
    """Read a params file into plain dictionaries; raises ConfigError when it is absent or not YAML."""
    try:
        with path.open(encoding="utf-8") as file:
            loaded = yaml.load(file, yaml.CSafeLoader)  # libyaml: a sixth of the time
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist", "run from the project root, or `git checkout params.yaml`"
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}", "mend the file") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path} holds no mapping", "compare it with that of git")
    return loaded


def value(path: Path, dotted: str) -> Any:
    """Return what stands at `dotted` (such as `runs.ktl.s`); raises ConfigError naming the nearest key."""
    node: Any = read(path)
    for depth, key in enumerate(dotted.split(".")):
        if not isinstance(node, dict) or key not in node:
            where = ".".join(dotted.split(".")[:depth]) or "the top level"
            keys = sorted(map(str, node)) if isinstance(node, dict) else []
            raise ConfigError(f"{path} has no `{key}` under {where}", nearest(key, keys))
        node = node[key]
    return node


def section(path: Path, dotted: str, kind: type[S]) -> S:
    """Return the section at `dotted` as a `kind`; raises ConfigError with field, value and nearest field name."""
    return parse(value(path, dotted), kind, dotted)


def parse(raw: Any, kind: type[S], where: str) -> S:
    """Validate plain data as a `kind`; `where` names it in the ConfigError."""
    try:
        # JSON mode: strict about numbers and strings, yet a YAML list may fill a tuple.
        return kind.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        remedy, got = "correct the value in params.yaml", repr(first["input"])
        if len(got) > SHOWN:
            got = f"{got[:SHOWN]}..."
        if first["type"] == "extra_forbidden":
            remedy = nearest(str(first["loc"][-1]), list(kind.model_fields))
        raise ConfigError(f"{where}.{field}: {first['msg']} (got {got})", remedy) from error


def nearest(name: str, valid: list[str]) -> str:
    """Return a remedy that names the closest of the `valid` names."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"use one of: {', '.join(valid)}" if valid else "see params.yaml of the default for what can stand here"
