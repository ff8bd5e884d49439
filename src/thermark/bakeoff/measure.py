"""Every number of the bake-off, by protocol and contestant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from thermark.bakeoff import blog, conventions, finetune, tone, unified
from thermark.bakeoff.inputs import Contestant, Study
from thermark.bakeoff.noses import Noses, posted
from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.core.faces import Faces
from thermark.metrics.evaluate import Config

Numbers = dict[str, float]
ALL = "all"


@dataclass(frozen=True)
class Measured:
    """What was measured of the contestants that ran, the best first.

    `blog`: `part1`, `part2`, `part2_all` and `part3` -> contestant -> numbers, of those that saw the posts'
    pictures; `unified`: contestant -> `all` and each distance -> numbers; `tone`: contestant -> variant;
    `conventions`: contestant -> version of the bridge.
    """

    order: tuple[str, ...]
    blog: dict[str, dict[str, Numbers]]
    unified: dict[str, dict[str, Numbers]]
    tone: dict[str, dict[str, Numbers]]
    conventions: dict[str, dict[str, Numbers]]


def measure(study: Study, picture: str, scoring: Config) -> Measured:
    """Measure all contestants; `picture` is the variant that the posts saw, `scoring` the ordinary evaluation.

    Raises ConfigError when the data set has variants, but none of that name.
    """
    if study.variants and picture not in study.variants:
        raise ConfigError(
            f"{study.dataset} has no variant of its pictures called {picture!r}",
            nearest(picture, list(study.variants)),
        )
    ordered = unified.ordered(study)
    toned = {each.name: tone.ablate(each, study.faces, scoring, study.dataset) for each in ordered}
    return Measured(
        order=tuple(each.name for each in ordered),
        blog=published_protocols(study, ordered, picture),
        unified={each.name: _unified(each, study.scored) for each in ordered},
        tone={name: numbers for name, numbers in toned.items() if numbers},
        conventions={each.name: conventions.conventions(each, study.faces, scoring) for each in ordered},
    )


def published_protocols(
    study: Study, ordered: Sequence[Contestant], picture: str
) -> dict[str, dict[str, Numbers]]:
    """Return part -> contestant -> numbers, for all that were shown `picture` and did not fail on it."""
    parts: dict[str, Callable[[Noses], Numbers]] = {
        name: _part(blog.first(study.faces, part)) for name, part in blog.PARTS.items()
    }
    pairs = finetune.split(study.faces, study.sizes)
    parts |= {
        "part2": lambda said: finetune.score(study.faces, pairs.test, pairs.crops, said),
        "part2_all": lambda said: finetune.score(study.faces, pairs.every, pairs.crops, said),
    }
    said = {each.name: posted(each.shown[picture]) for each in ordered if not each.unseen(picture)}
    return {part: {name: score(own) for name, own in said.items()} for part, score in sorted(parts.items())}


def _part(faces: Faces) -> Callable[[Noses], Numbers]:
    return lambda said: blog.score(faces, said)


def _unified(each: Contestant, faces: Faces) -> dict[str, Numbers]:
    """Return the leaderboard's numbers, and beside them how many noses the posts' match would call detected."""
    gaps = np.stack([blog.matched(faces, posted(one)) for one in each.said])
    column = faces.strata[unified.STRATUM]
    numbers = {ALL: unified.numbers(each.summary), **unified.by_distance(each)}
    rows = {name: column == name if name != ALL else np.ones(len(faces), bool) for name in numbers}
    return {
        name: own | ({"detection": float(np.isfinite(gaps[:, rows[name]]).mean())} if rows[name].any() else {})
        for name, own in numbers.items()
    }
