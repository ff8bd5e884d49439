"""The pipeline as DVC resolves it, read once."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from dvc.repo import Repo

from thermark.core import code, entries

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """One resolved stage: name, command, dependency and output paths relative to the root, params per file."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: dict[str, tuple[str, ...]]

    @property
    def code(self) -> tuple[str, ...]:
        """The keys of code.json that it depends on."""
        return self.params.get("code.json", ())


@pytest.fixture(scope="session")
def stages() -> dict[str, Stage]:
    resolved = {}
    for stage in Repo(str(ROOT)).index.stages:
        params = {str(p.def_path): tuple(p.params) for p in stage.params}
        deps = tuple(str(d.def_path) for d in stage.deps if str(d.def_path) not in params)
        resolved[stage.name] = Stage(
            stage.name, str(stage.cmd), deps, tuple(str(o.def_path) for o in stage.outs), params
        )
    return resolved


@pytest.fixture(scope="session")
def closures() -> dict[str, set[Path]]:
    """Return for each key of code.json the files whose code it is a hash of."""
    return {name: set(code.closure(*begin)) for name, begin in entries.starts(ROOT / "stages").items()}
