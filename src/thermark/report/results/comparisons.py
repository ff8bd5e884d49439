"""What follows from comparing contestants on the same faces: declared families, and a matrix of all pairs."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.report.stage_files import open_json

SCHEMA = 1
EXPLORATORY = "exploratory"
DECIDED = ("lower error", "higher error")  # verdicts with a direction
# The numbers of a pair of which one did not run.
UNMEASURED: Mapping[str, Any] = {"difference": None, "faces": 0, "left_out": 0, "subjects": 0, "seeds": (0, 0)}


class Pair(Section):
    """Contestant `a` against `b` on a data set, on the `faces` that both found, of so many `subjects`.

    `difference` is the main metric of a less that of b, in its unit; `low` and `high` bound its 95 % interval;
    `difference_all` is that over all faces, a miss at the stated cap. `p` is of a sign-flip permutation of subject
    means, `p_holm` adjusted within the family. `mde`: the smallest difference that would be detected in four of
    five such tests. `grey`: why nothing follows from the difference, empty where something does. `verdict`: `lower
    error`, `higher error`, `no difference shown`, or why there is none. `caveat`: what they differ in beside the
    question.
    """

    dataset: str
    a: str
    b: str
    difference: float | None
    low: float | None = None
    high: float | None = None
    difference_all: float | None = None
    p: float | None = None
    p_holm: float | None = None
    mde: float | None = None
    faces: int
    left_out: int
    subjects: int
    seeds: tuple[int, int]
    verdict: str
    grey: str = ""
    caveat: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """Both contestants."""
        return self.a, self.b

    @property
    def decided(self) -> bool:
        """Whether one of both has the lower error."""
        return self.verdict in DECIDED and not self.grey


class Family(Section):
    """Comparisons that were declared before looking, adjusted together; `question` is what they answer."""

    name: str
    question: str
    pairs: tuple[Pair, ...]


class Matrix(Section):
    """All pairs of the contestants that ran on a data set, row less column: exploratory, nothing was declared.

    `groups`: contestant -> a letter; those with A do not differ significantly from the best (over all faces,
    misses at the cap), those with B not from the best of the others, and so on; p adjusted over all against it.
    """

    contestants: tuple[str, ...]
    difference: tuple[tuple[float | None, ...], ...]
    low: tuple[tuple[float | None, ...], ...]
    high: tuple[tuple[float | None, ...], ...]
    p_holm: tuple[tuple[float | None, ...], ...]
    grey: tuple[tuple[str, ...], ...]
    groups: dict[str, str]


class Comparisons(Section):
    """All families of the profile, and data set -> matrix; `left_out`: data set -> why it is not here."""

    families: tuple[Family, ...] = ()
    matrices: dict[str, Matrix] = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)

    def among(self, contestants: Collection[str]) -> list[Family]:
        """Return the families that compare these contestants alone, on a data set that is here."""
        asked = {family.name: {name for pair in family.pairs for name in pair.names} for family in self.families}
        return [family for family in self.families if family.pairs and asked[family.name] <= set(contestants)]

    def explored(self, dataset: str, a: str, b: str) -> Pair | None:
        """Return a difference that was not declared, without a verdict; None where one of both did not run."""
        matrix = self.matrices.get(dataset)
        if matrix is None or not {a, b} <= {*matrix.contestants}:
            return None
        row, column = map(matrix.contestants.index, (a, b))
        known = {name: getattr(matrix, name)[row][column] for name in ("difference", "low", "high")}
        # A matrix does not hold the numbers of faces and seeds.
        return Pair(dataset=dataset, a=a, b=b, verdict=EXPLORATORY, **{**UNMEASURED, **known})


def write_comparisons(path: Path, made: Comparisons) -> None:
    """Write as JSON, a line a family and a line a matrix: the file is for programs, pages show the numbers."""
    plain = files.rounded(made.model_dump(mode="json", exclude_defaults=True))
    families = ",\n".join(_line(content) for content in plain.get("families", []))
    matrices = ",\n".join(f"{_line(name)}: {_line(matrix)}" for name, matrix in plain.get("matrices", {}).items())
    text = f'{{\n"schema": {SCHEMA},\n"families": [\n{families}\n],\n"matrices": {{\n{matrices}\n}}'
    text += f',\n"left_out": {_line(made.left_out)}\n}}\n' if made.left_out else "\n}\n"
    files.write_text(path, text)


def _line(content: Any) -> str:
    return json.dumps(content, allow_nan=False)


def open_comparisons(path: Path) -> Comparisons:
    """Return what `write_comparisons` wrote; raises DataError where it is absent or of another schema."""
    raw = open_json(path)
    try:
        if raw.pop("schema") != SCHEMA:
            raise DataError(f"{path} has another schema than {SCHEMA}", "run `dvc repro`")
        return Comparisons.model_validate_json(json.dumps(raw))
    except (ValidationError, KeyError, AttributeError) as error:
        raise DataError(f"{path} holds no comparisons: {str(error).splitlines()[0]}", "run `dvc repro`") from error
