"""Every number of the bake-off, by protocol and contestant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff import blog, conventions, finetune, tone, unified
from thermark.bakeoff.blog import Truth
from thermark.bakeoff.inputs import NOSE, Contestant, Study
from thermark.bakeoff.noses import Noses, posted
from thermark.core.config import nearest
from thermark.core.errors import ConfigError
from thermark.heads.posts import split
from thermark.metrics.evaluate import Config
from thermark.metrics.face_size import face_size
from thermark.metrics.scores import score

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
        unified={each.name: _unified(each, study, scoring) for each in ordered},
        tone={name: numbers for name, numbers in toned.items() if numbers},
        conventions={each.name: conventions.conventions(each, study.faces, scoring) for each in ordered},
    )


def published_protocols(
    study: Study, ordered: Sequence[Contestant], picture: str
) -> dict[str, dict[str, Numbers]]:
    """Return part -> contestant -> numbers, means over seeds, of who was shown `picture` and did not fail."""
    parts: dict[str, Callable[[Noses], Numbers]] = {
        name: _part(blog.first(study.annotated, part)) for name, part in blog.PARTS.items()
    }
    pairs = split(study.faces, study.sizes, study.annotated)
    parts |= {
        "part2": lambda said: finetune.score(study.faces, pairs.test, pairs.crops, said),
        "part2_all": lambda said: finetune.score(study.faces, pairs.every, pairs.crops, said),
    }
    said = {
        each.name: [posted(one) for one in each.shown[picture]] for each in ordered if not each.unseen(picture)
    }
    return {
        part: {name: averaged([score(one) for one in own]) for name, own in said.items()}
        for part, score in sorted(parts.items())
    }


def averaged(seeds: Sequence[Numbers]) -> Numbers:
    """Return the mean over seeds of each number that is defined for all of them."""
    names = [name for name in seeds[0] if all(name in own for own in seeds)]
    return {name: float(np.mean([own[name] for own in seeds])) for name in names} if len(seeds) > 1 else seeds[0]


def _part(truth: Truth) -> Callable[[Noses], Numbers]:
    return lambda said: blog.score(truth, said)


def _unified(each: Contestant, study: Study, scoring: Config) -> dict[str, Numbers]:
    """Return the leaderboard's numbers, and beside them how many noses the posts' match would call detected.

    Recall is the same for those who are told where a face is and for those who find it: an answer within the cap.
    """
    faces = study.scored
    gaps = np.stack([blog.matched(blog.labelled(faces), posted(one)) for one in each.said])
    column = faces.strata[unified.STRATUM]
    numbers = {ALL: unified.numbers(each.summary), **unified.by_distance(each)}
    rows = {name: column == name if name != ALL else np.ones(len(faces), bool) for name in numbers}
    shares = {"detection": np.isfinite(gaps), "recall": _within_the_cap(each, study, scoring)}
    return {
        name: own | {share: float(hit[:, rows[name]].mean()) for share, hit in shares.items() if rows[name].any()}
        for name, own in numbers.items()
    }


def _within_the_cap(each: Contestant, study: Study, scoring: Config) -> NDArray[np.bool_]:
    """Return (seeds, noses): was the nose answered as near, in parts of the face's size, as a match must be?"""
    tested = study.faces.splits == "test"
    seeds = [score(study.faces, one, NOSE, dict(scoring.bridges), tested, scoring.cap) for one in each.said]
    errors = np.stack([scores.errors[:, 0] for scores in seeds])
    reached: NDArray[np.bool_] = errors <= scoring.cap * face_size(study.faces)[tested]
    return reached
