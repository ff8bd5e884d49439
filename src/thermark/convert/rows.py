"""Which rows of a checkpoint's final layer, one a landmark, become the landmarks of ours."""

from pathlib import Path

import yaml

from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError, DataError

FOLDER = Path(__file__).parent / "row_maps"


class RowMap(Section):
    """The content of `row_maps/<name>.yaml`.

    `rows`: for each landmark of `vocabulary`, in its order, a row of a final layer with `points` rows.
    """

    points: int
    vocabulary: str
    rows: list[int]


def names() -> list[str]:
    """Return every way to come by the rows: as they are, the maps, new ones."""
    return ["same", *sorted(path.stem for path in FOLDER.glob("*.yaml")), "fresh"]


def load(name: str) -> RowMap:
    """Return a map by its name; raises ConfigError for an unknown one."""
    if name not in names():
        raise ConfigError(f"there are no rows {name!r}", nearest(name, names()))
    return parse(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")), RowMap, f"row_maps/{name}")


def selected(name: str, held: int | None, wanted: int, vocabulary: str) -> list[int] | None:
    """Return which of the `held` rows become the `wanted` points of `vocabulary`; None = re-initialise them.

    `held` is None for a checkpoint without an RTMCC head: its rows are fresh under `same`, too. Raises ConfigError
    for an unknown name or a map to another vocabulary, DataError when the name does not suit the checkpoint.
    """
    if name == "fresh" or (name == "same" and held is None):
        return None
    if name == "same":
        if held != wanted:
            raise DataError(
                f"the checkpoint has {held} points, {vocabulary} has {wanted}", f"say rows: {_suited(held)}"
            )
        return list(range(wanted))
    chosen = load(name)
    if chosen.vocabulary != vocabulary:
        raise ConfigError(f"rows {name} are those of {chosen.vocabulary}", f"use vocabulary {chosen.vocabulary}")
    if chosen.points != held:
        state = "no RTMCC head" if held is None else f"{held} points"
        raise DataError(
            f"rows {name} are for {chosen.points} points, the checkpoint has {state}",
            f"say rows: {'same' if held == wanted else _suited(held)}",
        )
    return chosen.rows


def _suited(held: int | None) -> str:
    """Return the names of what can be done with a number of points that is not ours."""
    maps = [name for name in names()[1:-1] if load(name).points == held]
    return " or ".join([*maps, "fresh"])
