"""Part 2 of the posts: a tiny head on a frozen backbone, from few labels, as Markdown, JSON and a figure."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, model_validator

from thermark.bakeoff.against import plain
from thermark.core import files
from thermark.core.config import Section
from thermark.finetune import against, budget, compare, cost, drawing, students, tables
from thermark.finetune.compare import Comparison
from thermark.finetune.inputs import Places, Profile, Study, read
from thermark.finetune.roles import Roles
from thermark.published import Published, load
from thermark.report.legend import NOTICES
from thermark.report.markdown import code, escaped
from thermark.report.reference import Compared, Tolerance

TITLE = "# A tiny head on a frozen backbone"
ABOUT = (
    "A backbone that stays as it is looks at a crop once; a head of two small convolutions learns from a few "
    "labels where the points are. The backbone's features are stored, so that training is that of the head alone."
)


class Config(Section):
    """What the report shows beside the heads.

    `dataset`: the noses. `contestants`: heads and students on whole frames; `students`: which of them learned from
    which pseudo-labels. `networks`: contestant -> the row of its timing, where that is not called as its run;
    `large`: the row that the others are compared with. `within`: by how much of the error with all labels a budget
    may miss it to be enough. `bootstrap`: replicates of an interval.
    """

    dataset: str = "thermeval"
    contestants: tuple[str, ...] = ()
    students: dict[str, str] = Field(default_factory=dict)
    networks: dict[str, str] = Field(default_factory=dict)
    large: str = "sapiens2_04b+head"
    within: NonNegativeFloat = 0.1
    tolerance: Tolerance = Tolerance()
    bootstrap: NonNegativeInt = 1000
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _known(self) -> "Config":
        for name, named in (("students", self.students), ("networks", self.networks)):
            if strangers := sorted(set(named) - set(self.contestants)):
                raise ValueError(f"{name} names {strangers[0]!r}, which is none of the contestants")
        return self


def build(
    profile: Profile,
    places: Places,
    text: Path,
    numbers: Path,
    figure: Path,
    table: Path,
    config: Config,
) -> None:
    """Write the report of a profile's heads and of the contestants of `config`, even of none.

    `table` is the curve of the figure as CSV, a row a head and budget. Raises DataError for results that are
    missing.
    """
    posts = load("posts")
    opinions = dict.fromkeys(config.students.values())
    study = read(config.dataset, profile, config.contestants, opinions, places)
    rows = against.compare(posts, study, config.tolerance)
    made = compare.compare(study, _roles(study, config), config.bootstrap, config.seed)
    files.write_text(text, "\n\n".join(_parts(study, posts, rows, made, config)) + "\n")
    files.write_json(numbers, _numbers(study, rows, made, config))
    drawing.draw(study.ran, figure)
    files.write_text(table, budget.curve(study.ran))


def _parts(
    study: Study, posts: Published, rows: Sequence[Compared], made: Sequence[Comparison], config: Config
) -> list[str]:
    return [
        f"{TITLE}: noses on {escaped(study.title)}",
        *([NOTICES[study.origin]] if study.origin in NOTICES else []),
        *([] if study.here else [f"This profile has no data set {code(study.dataset)}."]),
        ABOUT,
        tables.glance(study),
        tables.decoders(study),
        budget.section(study, config.within),
        against.section(posts, rows, study, config.tolerance),
        students.section(study, _roles(study, config), made),
    ]


def _numbers(study: Study, rows: Sequence[Compared], made: Sequence[Comparison], config: Config) -> dict[str, Any]:
    """Return everything as plain data: heads by their keys, contestants, networks, and what follows from them."""
    roles = _roles(study, config)
    found = {head.key: budget.enough(head, config.within) for head in study.ran}
    return {
        "heads": {head.key: head.numbers for head in study.heads},
        "enough": {key: asdict(each) for key, each in found.items() if each},
        "published": list(map(plain, rows)),
        "contestants": study.contestants,
        "roles": {name: roles.kind(name) for name in study.contestants},
        "comparisons": list(map(compare.plain, made)),
        "constant": {name: found for name, found in students.standing(study, roles).items() if found},
        "pseudo_labels": dict(study.pseudo_labels),
        "speed": {"machine": study.speed.get("machine", {}), "rows": study.timed} if study.speed else {},
        "claim": {name: cost.verdict(study.timed[name]) for name in cost.judged(study, roles)},
    }


def _roles(study: Study, config: Config) -> Roles:
    return Roles(config.students, study.pseudo_labels, config.large, {**study.networks, **config.networks})
