"""Landmark vocabularies as data: names, flip partners, groups, normaliser; and bridges between them.

Each bridge is a file of its own, so that a new mapping re-runs scores and no model.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError

FOLDER = Path(__file__).parent


class VocabularyFile(Section):
    """What a vocabulary's YAML file holds.

    `points`: the names in order. `flips`: pairs of names exchanged by a horizontal flip. `groups`: named lists.
    `interocular`: the two names whose distance normalises, or null. `source`: where the definition comes from.
    """

    name: str
    source: str
    points: list[str]
    flips: list[tuple[str, str]]
    groups: dict[str, list[str]]
    interocular: tuple[str, str] | None


class Bridge(Section):
    """How one vocabulary is read as another: the content of `bridges/<source>/<target>.yaml`.

    `versions`: version -> target name -> one source name, or several to be averaged; the first version listed is
    the default. `provisional`: why the mapping is not settled, or empty.
    """

    provisional: str
    versions: dict[str, dict[str, str | list[str]]]


@dataclass(frozen=True)
class Vocabulary:
    """A landmark vocabulary; `flip` (K,) int64 is the permutation that a horizontal flip applies to points."""

    name: str
    points: tuple[str, ...]
    flip: NDArray[np.int64]
    groups: dict[str, NDArray[np.int64]]
    interocular: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.points)

    def index(self, name: str) -> int:
        """Return a point's position; raises ConfigError naming the nearest point."""
        if name not in self.points:
            raise ConfigError(f"vocabulary {self.name} has no point {name}", nearest(name, list(self.points)))
        return self.points.index(name)


def names() -> list[str]:
    """Return the names of all vocabularies, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(name: str) -> Vocabulary:
    """Return the vocabulary in `<name>.yaml`; raises ConfigError for an unknown name or a broken file."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"there is no landmark vocabulary {name!r}", nearest(name, names()))
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    content = parse(raw, VocabularyFile, f"landmarks/{name}.yaml")
    position = {point: index for index, point in enumerate(content.points)}
    flip = np.arange(len(content.points))
    for left, right in content.flips:
        flip[position[left]], flip[position[right]] = position[right], position[left]
    return Vocabulary(
        name=content.name,
        points=tuple(content.points),
        flip=flip,
        groups={group: np.array([position[p] for p in members]) for group, members in content.groups.items()},
        interocular=tuple(position[p] for p in content.interocular) if content.interocular else None,  # type: ignore
    )


def targets(source: str) -> list[str]:
    """Return the names of the vocabularies that `source` has a bridge to, sorted."""
    return sorted(path.stem for path in (FOLDER / "bridges" / source).glob("*.yaml") if path.stem != source)


@cache
def bridge(source: str, target: str) -> Bridge:
    """Return how `source` is read as `target`; raises ConfigError when there is no such bridge."""
    path = FOLDER / "bridges" / source / f"{target}.yaml"
    if not path.is_file():
        readable = ", ".join(targets(source)) or "nothing"
        raise ConfigError(f"no bridge leads from {source} to {target}", f"{source} can be read as: {readable}")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parse(raw, Bridge, f"landmarks/bridges/{source}/{target}.yaml")


def provisional(source: str) -> str:
    """Return why the bridges of `source` are provisional, or nothing."""
    return next((text for target in targets(source) if (text := bridge(source, target).provisional)), "")


def project(
    xy: NDArray[np.floating], source: str, target: str, version: str | None = None
) -> NDArray[np.floating]:
    """Translate points (..., K_source, 2) into (..., K_target, 2); what has no counterpart is NaN.

    `version` names one of the source's bridges to the target, by default the first. Raises ConfigError when there
    is no such bridge.
    """
    if source == target:
        return xy
    matrix = weights(source, target, version)
    missing = matrix.sum(axis=1) == 0
    projected = np.einsum("ts,...sc->...tc", matrix, np.nan_to_num(xy, nan=0.0))
    # A target is known only when every source point that it averages is known.
    unknown = np.einsum("ts,...s->...t", (matrix > 0).astype(float), np.isnan(xy).any(-1).astype(float)) > 0
    projected[unknown | missing] = np.nan
    result: NDArray[np.floating] = projected.astype(xy.dtype)
    return result


@cache
def weights(source: str, target: str, version: str | None = None) -> NDArray[np.float64]:
    """Return the (K_target, K_source) averaging weights of a bridge; a row of zeros has no counterpart."""
    start, end, versions = load(source), load(target), bridge(source, target).versions
    if version is None:
        version = next(iter(versions))
    if version not in versions:
        raise ConfigError(f"{source} has no bridge {version!r} to {target}", nearest(version, list(versions)))
    matrix = np.zeros((len(end), len(start)))
    for target_point, sources in versions[version].items():
        listed = [sources] if isinstance(sources, str) else sources
        for point in listed:
            matrix[end.index(target_point), start.index(point)] += 1 / len(listed)
    return matrix
