"""Published numbers as data: one YAML file a publication, each number with the run of ours that corresponds."""

from pathlib import Path
from typing import Any, TypeVar

import yaml

from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError

FOLDER = Path(__file__).parent


class Cell(Section):
    """One published number.

    `row`: its label in the table. `run`: what trains the same here. `dataset`, `metric`: ours; `stratum` and
    `level` name the part of the data set, both empty for the whole. `value`: as printed, errors as fractions.
    `remark`: what speaks against it.
    """

    row: str
    run: str
    dataset: str
    metric: str
    value: float
    stratum: str = ""
    level: str = ""
    remark: str = ""


class Table(Section):
    """A published table; `incomparable` says why none of it can be compared, empty where it can."""

    title: str
    incomparable: str = ""
    remarks: tuple[str, ...] = ()
    cells: tuple[Cell, ...]


class Published(Section):
    """A publication: where it is, what of it is not in the file, what holds for all of it, its tables."""

    source: str
    absent: str
    remarks: tuple[str, ...] = ()
    tables: dict[str, Table]


S = TypeVar("S", bound=Section)


def load(name: str) -> Published:
    """Return the paper in `<name>.yaml`; raises ConfigError for an unknown name or a broken file."""
    return read(name, Published)


def read(name: str, kind: type[S]) -> S:
    """Return the content of `<name>.yaml`, which must be a `kind`; raises ConfigError as `load` does."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = sorted(each.stem for each in FOLDER.glob("*.yaml"))
        raise ConfigError(f"there are no published numbers {name!r}", nearest(name, known))
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parse(raw, kind, f"published/{name}.yaml")
